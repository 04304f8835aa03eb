//! Text of others on a terminal: names and labels are whatever a file says.

/// The text with a replacement character for every control character, which could be a command to the terminal. Line
/// feeds stay.
pub(crate) fn printable(text: &str) -> String {
    let is_command = |c: char| c.is_control() && c != '\n';
    text.replace(is_command, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_a_terminal_are_replaced() {
        let escaped = "\u{1b}[2Jred\u{7}\r\u{9b}1m";
        assert_eq!(printable(escaped), "\u{fffd}[2Jred\u{fffd}\u{fffd}\u{fffd}1m");
        assert_eq!(printable("Größe\n  - 640×480 …"), "Größe\n  - 640×480 …");
    }
}
