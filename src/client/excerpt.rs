//! The beginning of what a server says, short enough for a report.

/// Longest part of a server's text that is repeated, in characters.
const EXCERPT: usize = 200;

/// The beginning of a server's text, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let line = |c: char| if c.is_control() { ' ' } else { c };
    let mut excerpt: String = text.trim().chars().take(EXCERPT).map(line).collect();
    if text.trim().chars().nth(EXCERPT).is_some() {
        excerpt.push('…');
    }
    excerpt
}
