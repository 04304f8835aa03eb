//! Finds states that an earlier process which did not end in order left at the broker: that something is there which
//! may have left since. They stand until results have shown whether they are true.

use std::collections::{BTreeMap, BTreeSet};

use super::retained::Retained;
use super::topics::Topics;

/// Most topics that are kept in mind.
const MOST: usize = 1024;
/// Longest of them, in bytes.
pub(super) const LONGEST: usize = 512;

/// States that were found at the broker.
#[derive(Debug)]
pub(super) struct Earlier {
    topics: Topics,
    sources: BTreeMap<String, Source>,
    count: usize,
}

#[derive(Debug, Default)]
struct Source {
    /// Whether it is known what is before it.
    is_known: bool,
    /// The topics that were found, until then.
    found: BTreeSet<String>,
}

impl Earlier {
    pub(super) fn new(topics: Topics, sources: &[String]) -> Self {
        let sources = sources.iter().map(|source| (source.clone(), Source::default()));
        Self { topics, sources: sources.collect(), count: 0 }
    }

    /// The broker retains that something is there. Topics that are not those of a class before a camera of ours are left
    /// alone.
    pub(super) fn found(&mut self, topic: &str, state: &mut Retained) {
        let source = self.topics.source_of_presence(topic);
        let Some(source) = source.and_then(|source| self.sources.get_mut(source)) else { return };
        if self.count == MOST || topic.len() > LONGEST || source.found.contains(topic) {
            return;
        }
        self.count += 1;
        source.found.insert(topic.to_owned());
        if source.is_known {
            source.settle(state);
        }
    }

    /// It is known what is before a camera.
    pub(super) fn known(&mut self, source: &str, state: &mut Retained) {
        if let Some(source) = self.sources.get_mut(source) {
            source.is_known = true;
            source.settle(state);
        }
    }
}

impl Source {
    /// Puts right what this process has not said anything else about.
    fn settle(&self, state: &mut Retained) {
        for topic in
            self.found.iter().filter(|topic| !state.has(topic)).cloned().collect::<Vec<_>>()
        {
            state.set(Topics::absent(topic));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earlier() -> Earlier {
        Earlier::new(Topics::new("home/cams"), &["yard".to_owned(), "door".to_owned()])
    }

    fn messages(state: &mut Retained) -> Vec<String> {
        let mut messages = Vec::new();
        state.flush(|topic, payload| {
            messages.push(format!("{topic}={payload}"));
            true
        });
        messages
    }

    #[test]
    fn what_is_not_there_any_more_is_put_right_once_that_is_known() {
        let (mut earlier, mut state) = (earlier(), Retained::default());
        earlier.found("home/cams/yard/cat", &mut state);
        earlier.found("home/cams/yard/dog", &mut state);
        state.set(Topics::new("home/cams").presence("yard", "dog", true));
        assert_eq!(messages(&mut state), ["home/cams/yard/dog=ON"]);
        earlier.known("door", &mut state);
        assert!(messages(&mut state).is_empty(), "the yard was not looked at");
        earlier.known("yard", &mut state);
        assert_eq!(messages(&mut state), ["home/cams/yard/cat=OFF"]);
        // The broker was not there before.
        earlier.found("home/cams/door/cat", &mut state);
        assert_eq!(messages(&mut state), ["home/cams/door/cat=OFF"]);
    }

    #[test]
    fn what_belongs_to_others_is_left_alone_and_the_rest_is_bounded() {
        let (mut earlier, mut state) = (earlier(), Retained::default());
        for topic in [
            "home/cams/garage/cat",
            "home/cams/yard/zone/cat",
            "home/cams/yard",
            "home/cams/yard/availability",
            "home/cams/yard/code",
            "home/camera/yard/cat",
            &format!("home/cams/yard/{}", "x".repeat(LONGEST)),
        ] {
            earlier.found(topic, &mut state);
        }
        earlier.known("yard", &mut state);
        assert!(messages(&mut state).is_empty());
        for number in 0..2 * MOST {
            earlier.found(&format!("home/cams/yard/{number}"), &mut state);
        }
        assert_eq!(messages(&mut state).len(), MOST);
    }
}
