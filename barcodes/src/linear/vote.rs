//! The text that enough scan lines agree on.

use crate::barcode::{Barcode, BarcodeFormat};

/// Scan lines that must lie between the outermost ones that agree: neighbours make the same mistakes.
const LEAST_SPREAD: usize = 5;

/// The texts that scan lines have read.
#[derive(Debug, Default)]
pub(super) struct Votes {
    candidates: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    barcode: Barcode,
    /// Numbers of the lines that have read it.
    lines: Vec<usize>,
}

impl Votes {
    /// Counts what the line of this number has read.
    pub(super) fn count(&mut self, barcode: Barcode, line: usize) {
        let barcode = Barcode { corners: None, ..barcode };
        match self.candidates.iter_mut().find(|candidate| candidate.barcode == barcode) {
            Some(candidate) => candidate.lines.push(line),
            None => self.candidates.push(Candidate { barcode, lines: vec![line] }),
        }
    }

    /// A text with far more votes than it needs: no other will overtake it.
    pub(super) fn early_winner(&self) -> Option<Barcode> {
        /// Votes beyond those that are needed. With fewer, a moiré pattern was taken for another code.
        const LEAD: usize = 4;
        self.elected(LEAD)
    }

    /// The text that enough lines agree on, more than twice as many as on all others together.
    pub(super) fn winner(&self) -> Option<Barcode> {
        self.elected(0)
    }

    fn elected(&self, more_than_needed: usize) -> Option<Barcode> {
        let best = self.candidates.iter().max_by_key(|candidate| candidate.lines.len())?;
        let all: usize = self.candidates.iter().map(|candidate| candidate.lines.len()).sum();
        let agree = best.lines.len();
        let is_clear = agree > 2 * (all - agree);
        let is_enough = best.has_enough(agree.saturating_sub(more_than_needed));
        (is_clear && is_enough).then(|| best.barcode.clone())
    }
}

impl Candidate {
    /// Whether this many lines are enough: more are needed where a wrong text is likely to look right.
    fn has_enough(&self, lines: usize) -> bool {
        let first = self.lines.iter().min().copied().unwrap_or(0);
        let spread = self.lines.iter().max().copied().unwrap_or(0) - first;
        match self.barcode.format {
            // Each character is checked by itself, and then all of them together.
            BarcodeFormat::Code128
            | BarcodeFormat::Code93
            | BarcodeFormat::Databar
            | BarcodeFormat::DatabarExpanded => lines >= 1,
            BarcodeFormat::Ean13 => lines >= 2 && spread >= LEAST_SPREAD,
            // Fewer digits to be checked, or no check at all.
            _ => lines >= 3 && spread >= LEAST_SPREAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::barcode::Content;

    fn votes(lines: &[(&str, BarcodeFormat, usize)]) -> Votes {
        let mut votes = Votes::default();
        for &(text, format, line) in lines {
            let text = text.to_owned();
            votes.count(Barcode { text, format, content: Content::Text, corners: None }, line);
        }
        votes
    }

    #[test]
    fn weak_formats_need_lines_that_lie_apart() {
        use BarcodeFormat::{Code39, Code128, Ean13};
        let text = |votes: Votes| votes.winner().map(|barcode| barcode.text);
        assert_eq!(text(votes(&[("a", Code128, 3)])).as_deref(), Some("a"));
        assert_eq!(text(votes(&[("1", Ean13, 3)])), None);
        assert_eq!(text(votes(&[("1", Ean13, 3), ("1", Ean13, 4)])), None);
        assert_eq!(text(votes(&[("1", Ean13, 3), ("1", Ean13, 8)])).as_deref(), Some("1"));
        assert_eq!(text(votes(&[("1", Code39, 3), ("1", Code39, 8)])), None);
    }

    #[test]
    fn contradictions_are_not_a_text() {
        use BarcodeFormat::Code128;
        let two = [("a", Code128, 1), ("a", Code128, 2), ("b", Code128, 3)];
        assert_eq!(votes(&two).winner(), None);
        let three = [two[0], two[1], two[2], ("a", Code128, 9)];
        assert!(votes(&three).winner().is_some());
    }
}
