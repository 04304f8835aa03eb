//! The keys of queries, and the values that each takes.

use std::fmt;
use std::str::FromStr;

use super::{InferQuery, ResultsQuery, StreamQuery, VideoQuery};

/// The values of a key. Displays as words for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Any text.
    Text,
    /// A number from 0 to 1.
    Fraction,
    /// A whole number from 1.
    Count,
    /// A whole number from 0.
    Index,
    /// `0` or `1`.
    Switch,
}

impl Values {
    /// Whether this is the text of such a value. Whether a fraction is within its range is not asked here.
    pub fn take(self, text: &str) -> bool {
        fn is<T: FromStr>(text: &str) -> bool {
            text.parse::<T>().is_ok()
        }
        match self {
            Self::Text => true,
            Self::Fraction => is::<f32>(text),
            Self::Count => is::<usize>(text) && text.parse() != Ok(0),
            Self::Index => is::<usize>(text),
            Self::Switch => ["0", "1"].contains(&text),
        }
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Fraction => "a number from 0 to 1",
            Self::Count => "a whole number, at least 1",
            Self::Index => "a whole number, at least 0",
            Self::Switch => "0 or 1",
        })
    }
}

/// Keys, each with its values.
pub type KeyTable = &'static [(&'static str, Values)];

/// A query with known keys.
pub trait Keys {
    /// In the order of their description.
    const KEYS: KeyTable;
}

impl Keys for StreamQuery {
    const KEYS: KeyTable = &[
        ("pipeline_id", Values::Text),
        ("hello", Values::Switch),
        ("conf", Values::Fraction),
        ("iou", Values::Fraction),
        ("classes", Values::Text),
        ("max_det", Values::Count),
        ("track", Values::Switch),
        ("text", Values::Switch),
    ];
}

impl Keys for InferQuery {
    const KEYS: KeyTable = &[
        ("pipeline_id", Values::Text),
        ("conf", Values::Fraction),
        ("iou", Values::Fraction),
        ("classes", Values::Text),
        ("max_det", Values::Count),
        ("text", Values::Switch),
    ];
}

impl Keys for VideoQuery {
    const KEYS: KeyTable = &[
        ("pipeline_id", Values::Text),
        ("frame_stride", Values::Count),
        ("max_frames", Values::Count),
    ];
}

impl Keys for ResultsQuery {
    const KEYS: KeyTable = &[("from", Values::Index)];
}

#[cfg(test)]
mod tests {
    use utoipa::IntoParams;

    use super::*;

    /// Whether the keys are those that are described.
    fn assert_described<Q: Keys + IntoParams>() {
        let described: Vec<String> =
            Q::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
        let keys: Vec<&str> = Q::KEYS.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, described);
    }

    #[test]
    fn the_keys_are_those_that_are_described() {
        assert_described::<StreamQuery>();
        assert_described::<InferQuery>();
        assert_described::<VideoQuery>();
        assert_described::<ResultsQuery>();
    }

    #[test]
    fn a_value_is_known_by_its_text() {
        for (values, good, bad) in [
            (Values::Fraction, &["0", "0.5", "1e-1"][..], &["", "abc", "0,5"][..]),
            (Values::Count, &["1", "300"], &["0", "-1", "1.0", ""]),
            (Values::Index, &["0", "7"], &["-1", "x"]),
            (Values::Switch, &["0", "1"], &["true", "no", "2", ""]),
            (Values::Text, &["", "person"], &[]),
        ] {
            assert!(good.iter().all(|text| values.take(text)), "{values}");
            assert!(!bad.iter().any(|text| values.take(text)), "{values}");
        }
    }
}
