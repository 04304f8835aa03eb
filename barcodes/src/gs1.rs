//! Messages of GS1, as they are printed beside their codes.

/// Ends an element of variable length, as a character.
pub(crate) const SEPARATOR: char = '\u{1d}';

/// The elements of a message with their application identifiers in parentheses: `(01)09501101530003(10)AB12`. `None`
/// where it is not made of such elements, or a value looks as if it had an identifier in it.
///
/// Where an element ends is known for every identifier, also for those that are yet to come (GS1 General
/// Specifications, 7.8): its first two digits say how long it is, and whether its values have one length. All others end
/// at a separator.
pub(crate) fn printed(message: &str) -> Option<String> {
    let mut printed = String::with_capacity(message.len() + 16);
    // Some end elements of one length as well, or the message.
    let mut rest = message.trim_start_matches(SEPARATOR);
    while !rest.is_empty() {
        let family = rest.get(..2).filter(|digits| are_digits(digits))?.parse().ok()?;
        let identifier = rest.get(..identifier_length(family)?).filter(|all| are_digits(all))?;
        let after = &rest[identifier.len()..];
        let (value, next) = match value_length(family) {
            Some(length) => after.split_at_checked(length)?,
            None => after.split_at(after.find(SEPARATOR).unwrap_or(after.len())),
        };
        if value.is_empty() || value.contains(SEPARATOR) || is_ambiguous(value) {
            return None;
        }
        printed.extend(["(", identifier, ")", value]);
        rest = next.trim_start_matches(SEPARATOR);
    }
    Some(printed)
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits of the identifiers that begin with these two.
fn identifier_length(family: u8) -> Option<usize> {
    match family {
        0..=4 | 10..=22 | 30 | 37 | 90..=99 => Some(2),
        23..=25 | 40..=42 | 71 => Some(3),
        31..=36 | 39 | 43 | 70 | 72 | 80..=82 => Some(4),
        _ => None,
    }
}

/// Characters of the values of these identifiers, where all have as many.
fn value_length(family: u8) -> Option<usize> {
    match family {
        0 => Some(18),
        1..=3 => Some(14),
        4 => Some(16),
        11..=19 | 31..=36 => Some(6),
        20 => Some(2),
        41 => Some(13),
        _ => None,
    }
}

/// Whether a part of the value could be taken for an identifier.
fn is_ambiguous(value: &str) -> bool {
    value.match_indices('(').any(|(at, _)| {
        let inside = value[at + 1..].split_once(')').map(|(inside, _)| inside);
        inside.is_some_and(|inside| (2..=4).contains(&inside.len()) && are_digits(inside))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_put_in_parentheses() {
        for (message, expected) in [
            ("0109501101530003", "(01)09501101530003"),
            ("01095011015300031725010110AB12", "(01)09501101530003(17)250101(10)AB12"),
            ("10AB12\u{1d}21XY9", "(10)AB12(21)XY9"),
            // Of one length, and ended all the same; so is the message.
            ("17250101\u{1d}10AB\u{1d}", "(17)250101(10)AB"),
            ("\u{1d}10AB(c)", "(10)AB(c)"),
            // Three and four digits, and a decimal point's place.
            ("4109501101020917310300125042140", "(410)9501101020917(3103)001250(421)40"),
            ("71012345\u{1d}8020RF18\u{1d}4300ACME", "(710)12345(8020)RF18(4300)ACME"),
            ("99Größe", "(99)Größe"),
        ] {
            assert_eq!(printed(message).as_deref(), Some(expected), "{message:?}");
        }
    }

    #[test]
    fn what_is_not_made_of_elements_is_left_alone() {
        for message in [
            "0109501101530",
            "17\u{1d}250101",
            "10",
            "10\u{1d}21A",
            "0",
            "9",
            "5012345",
            "60ABC",
            "31A3001250",
            "A1095",
            "(01)09501101530003",
            "10AB(21)7",
            "1ö",
        ] {
            assert_eq!(printed(message), None, "{message:?}");
        }
    }
}
