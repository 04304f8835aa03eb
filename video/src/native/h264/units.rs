//! Cuts an access unit into NAL units, from either of the two ways in which they are written.

use crate::DecodeError;

/// The NAL units of a byte stream (ITU-T H.264, annex B), without their start codes.
pub fn annex_b_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream);
    std::iter::from_fn(move || {
        let unit = rest?;
        let end = unit.windows(3).position(|window| window == [0, 0, 1]);
        rest = end.and_then(|end| unit.get(end + 3..));
        let unit = &unit[..end.unwrap_or(unit.len())];
        // Zeros in front of the next start code, and behind the last unit.
        let used = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        Some(&unit[..used])
    })
    .filter(|unit| !unit.is_empty())
}

fn after_start_code(stream: &[u8]) -> Option<&[u8]> {
    let at = stream.windows(3).position(|window| window == [0, 0, 1])?;
    stream.get(at + 3..)
}

/// The NAL units of a sample in which each is preceded by its length in 1 to 4 bytes (ISO/IEC 14496-15), as
/// MP4 files and RTSP clients deliver them.
///
/// A length that points past the end is the last item, an error.
pub fn length_prefixed_units(
    sample: &[u8],
    length_bytes: usize,
) -> impl Iterator<Item = Result<&[u8], DecodeError>> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest.split_at_checked(length_bytes).and_then(|(head, tail)| {
            let length = head.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
            tail.split_at_checked(length)
        });
        Some(match cut {
            Some((unit, tail)) => {
                rest = tail;
                Ok(unit)
            }
            None => {
                rest = &[];
                Err(DecodeError::Damaged("its data is cut off".to_owned()))
            }
        })
    })
}

/// The NAL units of the beginning of a sample, of which the last may be cut off.
pub(crate) fn length_prefixed_heads(
    beginning: &[u8],
    length_bytes: usize,
) -> impl Iterator<Item = &[u8]> {
    let mut rest = beginning;
    std::iter::from_fn(move || {
        let (head, tail) = rest.split_at_checked(length_bytes)?;
        let length = head.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
        let (unit, tail) = tail.split_at(length.min(tail.len()));
        rest = tail;
        (!unit.is_empty()).then_some(unit)
    })
}

/// Whether an access unit is a key frame (IDR): what follows it refers to nothing before it.
pub(crate) fn holds_key_frame<'a>(mut units: impl Iterator<Item = &'a [u8]>) -> bool {
    // ITU-T H.264, table 7-1.
    units.any(|unit| unit.first().is_some_and(|header| header & 31 == 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_of_both_lengths_end_a_unit() {
        let stream = [0, 0, 0, 1, 9, 16, 0, 0, 1, 103, 1, 2, 0, 0, 0, 1, 104, 0, 0];
        let units: Vec<_> = annex_b_units(&stream).collect();
        assert_eq!(units, [&[9, 16][..], &[103, 1, 2], &[104]]);
        assert_eq!(annex_b_units(&[1, 2, 3]).count(), 0);
        assert_eq!(annex_b_units(&[0, 0, 1]).count(), 0);
    }

    #[test]
    fn a_unit_that_is_cut_off_ends_the_beginning_of_a_sample() {
        let beginning = [0, 2, 9, 16, 0, 9, 104, 1];
        let units: Vec<_> = length_prefixed_heads(&beginning, 2).collect();
        assert_eq!(units, [&[9, 16][..], &[104, 1]]);
        assert_eq!(length_prefixed_heads(&beginning[..3], 4).count(), 0);
    }

    #[test]
    fn lengths_end_a_unit() {
        let sample = [0, 0, 0, 2, 9, 16, 0, 0, 0, 1, 104];
        let units: Result<Vec<_>, _> = length_prefixed_units(&sample, 4).collect();
        assert_eq!(units.unwrap(), [&[9, 16][..], &[104]]);
        for end in [1, 3, 5, 7, 10] {
            let units: Result<Vec<_>, _> = length_prefixed_units(&sample[..end], 4).collect();
            assert!(units.is_err(), "{end}");
        }
    }
}
