//! The way of results to standard output. Cameras go on, and sinks learn of changes, also while its reader is too slow:
//! results that there is no room for are left out, counted and warned of.

use tokio::sync::mpsc;
use tokio::sync::mpsc::Permit;

/// A camera's way to standard output.
#[derive(Debug)]
pub(super) struct Lines {
    sender: mpsc::Sender<String>,
    /// Whether the last result was left out.
    is_full: bool,
}

impl Lines {
    pub(super) fn new(sender: mpsc::Sender<String>) -> Self {
        Self { sender, is_full: false }
    }

    /// Room for a line, if there is any. Warns when it begins to be missing.
    pub(super) fn place(&mut self, source: &str) -> Option<Permit<'_, String>> {
        let place = self.sender.try_reserve().ok();
        let was_full = std::mem::replace(&mut self.is_full, place.is_none());
        if place.is_none() && !was_full {
            tracing::warn!(%source, "standard output is not read fast enough: results are left out");
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_without_room_is_left_out_and_the_next_one_goes_on() {
        let (sender, mut lines) = mpsc::channel(1);
        let mut way = Lines::new(sender);
        way.place("yard").unwrap().send("1".to_owned());
        assert!(way.place("yard").is_none() && way.is_full);
        assert_eq!(lines.try_recv().as_deref(), Ok("1"));
        way.place("yard").unwrap().send("2".to_owned());
        assert!(!way.is_full);
    }
}
