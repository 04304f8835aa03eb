//! Lists and dictionaries of names as exporters write them into metadata: a Python literal such as
//! `{0: 'person', 1: "it's"}`, the same in JSON, or plain names separated by commas.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// A mistake in a text that should name classes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamesError {
    /// There is no text.
    #[error("it is empty")]
    Empty,
    /// A list or dictionary without an entry.
    #[error("it names no class")]
    NoClass,
    /// A class between others has no name.
    #[error("it has no name for class {0}")]
    Gap(usize),
    /// A key of a dictionary is not a number.
    #[error("`{0}` is not a class number")]
    Key(String),
    /// Something else than what the grammar asks for.
    #[error("`{found}` where {expected} should be")]
    Unexpected {
        /// The text that is there.
        found: char,
        /// The text that should be there.
        expected: &'static str,
    },
    /// The text ends too early.
    #[error("it ends where {0} should follow")]
    Ended(&'static str),
    /// Text after the closing bracket.
    #[error("`{0}` follows after its end")]
    Trailing(char),
    /// A quoted name that does not end.
    #[error("the name `{0}` has no closing quote")]
    Unclosed(String),
    /// An escape sequence that neither Python nor JSON has.
    #[error("unknown escape `\\{0}`")]
    Escape(char),
    /// A code point that is not written in hexadecimal.
    #[error("`{0}` is not hexadecimal")]
    Hexadecimal(String),
    /// A number that is not that of a character.
    #[error("U+{0:X} is not a character")]
    CodePoint(u32),
}

/// Reads names by class number, from any of the forms above.
///
/// # Errors
/// [`NamesError`].
pub(super) fn parse_names(text: &str) -> Result<Vec<String>, NamesError> {
    let text = text.trim();
    let mut reader = Reader { rest: text.chars().peekable() };
    let names = match text.chars().next() {
        None => return Err(NamesError::Empty),
        Some('{') => in_order(reader.dictionary()?)?,
        Some('[' | '(') => reader.list()?,
        Some(_) => return Ok(text.split(',').map(|name| name.trim().to_owned()).collect()),
    };
    if names.is_empty() {
        return Err(NamesError::NoClass);
    }
    match reader.next_token() {
        None => Ok(names),
        Some(more) => Err(NamesError::Trailing(more)),
    }
}

/// The names of a dictionary, whose keys must be 0, 1, 2, … without a gap.
fn in_order(dictionary: BTreeMap<usize, String>) -> Result<Vec<String>, NamesError> {
    for (expected, key) in dictionary.keys().enumerate() {
        if *key != expected {
            return Err(NamesError::Gap(expected));
        }
    }
    Ok(dictionary.into_values().collect())
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn dictionary(&mut self) -> Result<BTreeMap<usize, String>, NamesError> {
        let mut entries = BTreeMap::new();
        self.items('}', |reader| {
            let key = match reader.peek_token() {
                Some('\'' | '"') => reader.string()?,
                _ => reader.word(),
            };
            let number = key.trim().parse();
            let number = number.map_err(|_| NamesError::Key(key))?;
            match reader.next_token() {
                Some(':') => entries.insert(number, reader.string()?),
                Some(found) => return Err(NamesError::Unexpected { found, expected: "`:`" }),
                None => return Err(NamesError::Ended("`:`")),
            };
            Ok(())
        })?;
        Ok(entries)
    }

    fn list(&mut self) -> Result<Vec<String>, NamesError> {
        let close = if self.rest.peek() == Some(&'(') { ')' } else { ']' };
        let mut names = Vec::new();
        self.items(close, |reader| {
            names.push(reader.string()?);
            Ok(())
        })?;
        Ok(names)
    }

    /// Reads items separated by commas, from the opening bracket to `close`.
    fn items(
        &mut self,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<(), NamesError>,
    ) -> Result<(), NamesError> {
        self.next_token();
        loop {
            if self.peek_token() == Some(close) {
                self.next_token();
                return Ok(());
            }
            item(self)?;
            match self.peek_token() {
                Some(',') => self.next_token(),
                Some(other) if other == close => continue,
                Some(found) => return Err(NamesError::Unexpected { found, expected: "`,`" }),
                None => return Err(NamesError::Ended("a closing bracket")),
            };
        }
    }

    fn string(&mut self) -> Result<String, NamesError> {
        let quote = match self.next_token() {
            Some(quote @ ('\'' | '"')) => quote,
            Some(found) => {
                return Err(NamesError::Unexpected { found, expected: "a quoted name" });
            }
            None => return Err(NamesError::Ended("a quoted name")),
        };
        let mut name = String::new();
        loop {
            match self.rest.next() {
                None => return Err(NamesError::Unclosed(name)),
                Some(end) if end == quote => return Ok(name),
                Some('\\') => name.push(self.escape()?),
                Some(other) => name.push(other),
            }
        }
    }

    /// The character that an escape sequence stands for, whose backslash has been read.
    fn escape(&mut self) -> Result<char, NamesError> {
        Ok(match self.rest.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('x') => self.code_point(2)?,
            Some('u') => self.code_point(4)?,
            Some('U') => self.code_point(8)?,
            Some(itself @ ('\\' | '\'' | '"' | '/')) => itself,
            other => return Err(NamesError::Escape(other.unwrap_or(' '))),
        })
    }

    fn code_point(&mut self, digits: usize) -> Result<char, NamesError> {
        let high = self.hexadecimal(digits)?;
        // JSON writes characters past U+FFFF as two halves (RFC 8259, section 7).
        let code = if (0xD800..0xDC00).contains(&high) && self.rest.next() == Some('\\') {
            self.rest.next();
            let low = self.hexadecimal(4)?;
            0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF)
        } else {
            high
        };
        char::from_u32(code).ok_or(NamesError::CodePoint(code))
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<u32, NamesError> {
        let text: String = self.rest.by_ref().take(digits).collect();
        u32::from_str_radix(&text, 16).map_err(|_| NamesError::Hexadecimal(text))
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(next) = self.rest.next_if(|next| !",:}])".contains(*next)) {
            word.push(next);
        }
        word
    }

    fn peek_token(&mut self) -> Option<char> {
        while self.rest.next_if(|next| next.is_whitespace()).is_some() {}
        self.rest.peek().copied()
    }

    fn next_token(&mut self) -> Option<char> {
        self.peek_token();
        self.rest.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_form() {
        for (text, names) in [
            ("{0: 'person', 1: \"it's\"}", &["person", "it's"][..]),
            ("{1: 'b', 0: 'a',}", &["a", "b"]),
            (r#"{"0": "a, b", "1": "\u00e9\ud83d\ude00"}"#, &["a, b", "é😀"]),
            (r"{0: 'it\'s', 1: '\x41\\\n'}", &["it's", "A\\\n"]),
            ("['a', 'b}']", &["a", "b}"]),
            ("('a',)", &["a"]),
            ("person, car ,dog", &["person", "car", "dog"]),
            ("person", &["person"]),
        ] {
            assert_eq!(parse_names(text).unwrap(), names, "{text}");
        }
    }

    #[test]
    fn broken_names_are_errors() {
        for text in [
            "",
            "{",
            "{}",
            "[]",
            "{0}",
            "{0:",
            "{0: 'a",
            "{0: 'a'",
            "{0: 'a' 1: 'b'}",
            "{x: 'a'}",
            "{0: 'a', 2: 'c'}",
            "{99999999999999: 'a'}",
            "{0: 3}",
            "['a']]",
            "['\\q']",
            "['\\ud83d']",
            "['\\x4",
            "['\\ud83d\\",
            "(",
        ] {
            assert!(parse_names(text).is_err(), "{text}");
        }
    }
}
