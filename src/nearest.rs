//! The name that somebody meant who wrote another.

/// The known name that is closest to `name`, if one is close: at most a third of it is different.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |other: &str| strsim::damerau_levenshtein(name, other);
    // A part of a name is what people remember of it.
    let is_part = |name: &str, other: &str| name.len() > 3 && other.contains(name);
    let candidates = known.iter().map(|other| (distance(other), *other));
    let near = |(distance, other): &(usize, &str)| {
        *distance <= name.len() / 3 || is_part(name, other) || is_part(other, name)
    };
    candidates.filter(near).min().map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_of_the_keyboard_are_understood() {
        let known = ["port", "host", "max_frame_age_ms", "stream_max_sessions", "conf", "iou"];
        for (written, meant) in [
            ("prot", Some("port")),
            ("max-frame-age-ms", Some("max_frame_age_ms")),
            ("max_sessions", Some("stream_max_sessions")),
            ("confidence", Some("conf")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, &known), meant, "{written}");
        }
    }
}
