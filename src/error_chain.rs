//! An error with everything that led to it, as one line of text.

use std::error::Error;

use crate::printable::printable;

/// The error and its causes, outermost first, separated by colons. A cause that the text already ends
/// with is not repeated: some libraries print their cause themselves. Control characters are replaced.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    printable(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("cannot write a.json")]
        Silent(#[source] io::Error),
        #[error("cannot write a.json: {0}")]
        Talkative(#[source] io::Error),
        #[error(transparent)]
        Transparent(#[from] io::Error),
    }

    #[test]
    fn every_cause_is_printed_once() {
        let full = || io::Error::other("no space left");
        for (error, expected) in [
            (Outer::Silent(full()), "cannot write a.json: no space left"),
            (Outer::Talkative(full()), "cannot write a.json: no space left"),
            (Outer::Transparent(full()), "no space left"),
        ] {
            assert_eq!(error_chain(&error), expected);
        }
    }
}
