//! Reads the beginning of a slice: what must be known before the decoder, which trusts it, sees it.

use super::bits::{Bits, unescape};
use crate::DecodeError;

/// The parameter sets' part in how a slice begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Syntax {
    pub(super) frame_number_bits: u32,
    pub(super) frames_only: bool,
    pub(super) order: Order,
    pub(super) has_bottom_field_order: bool,
    pub(super) has_redundant_slices: bool,
}

/// How the order of frames is written (`pic_order_cnt_type`).
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// Type 0, with this many bits.
    Counted(u32),
    /// Type 1, with differences.
    Differences,
    /// Type 1 without differences, and type 2.
    Implied,
}

/// Where a slice begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SliceStart {
    /// Its first macroblock. 0 begins a frame.
    pub(super) first_macroblock: u32,
    /// A second representation of what another slice holds; decoders leave it out.
    pub(super) is_redundant: bool,
}

/// More bytes than the part that is read here can have.
const HEADER_BYTES: usize = 96;

/// A frame has at most 16 references, each of which a list may name for two fields.
const MOST_REFERENCES: u32 = 32;

/// Reads the beginning of a slice's NAL unit. `find` finds what holds for a number of a PPS, and
/// something of the caller's that comes back with the answer.
///
/// A slice that names more references than there can be is refused here: the decoder would reserve memory for
/// all of them.
pub(super) fn read<T>(
    unit: &[u8],
    find: impl Fn(u32) -> Option<(Syntax, T)>,
) -> Result<(SliceStart, T), DecodeError> {
    let cut_off = || DecodeError::Damaged("a slice is cut off".to_owned());
    let (&header, payload) = unit.split_first().ok_or_else(cut_off)?;
    let payload = unescape(payload, HEADER_BYTES);
    let mut bits = Bits::new(&payload);
    let beginning = beginning(&mut bits).ok_or_else(cut_off)?;
    let missing = || DecodeError::Damaged("the parameters of a slice are missing".to_owned());
    let (syntax, found) = find(beginning.parameters).ok_or_else(missing)?;
    let is_key = header & 31 == 5;
    let start = rest(&mut bits, &beginning, syntax, is_key).ok_or_else(cut_off)?;
    if start.references > MOST_REFERENCES {
        let detail = format!("a slice names {} references", start.references);
        return Err(DecodeError::Damaged(detail));
    }
    if start.is_field {
        return Err(DecodeError::Unsupported("interlaced video".to_owned()));
    }
    let first_macroblock = beginning.first_macroblock;
    Ok((SliceStart { first_macroblock, is_redundant: start.is_redundant }, found))
}

struct Beginning {
    first_macroblock: u32,
    kind: u32,
    parameters: u32,
}

fn beginning(bits: &mut Bits<'_>) -> Option<Beginning> {
    Some(Beginning {
        first_macroblock: bits.exp_golomb()?,
        kind: bits.exp_golomb()? % 5,
        parameters: bits.exp_golomb()?,
    })
}

#[derive(Default)]
struct Rest {
    is_field: bool,
    is_redundant: bool,
    references: u32,
}

/// ITU-T H.264, 7.3.3, up to the number of references.
fn rest(bits: &mut Bits<'_>, start: &Beginning, syntax: Syntax, is_key: bool) -> Option<Rest> {
    const P: u32 = 0;
    const B: u32 = 1;
    bits.bits(syntax.frame_number_bits)?;
    if !syntax.frames_only && bits.bit()? {
        return Some(Rest { is_field: true, ..Rest::default() });
    }
    if is_key {
        bits.exp_golomb()?;
    }
    match syntax.order {
        Order::Counted(count) => {
            bits.bits(count)?;
            if syntax.has_bottom_field_order {
                bits.exp_golomb()?;
            }
        }
        Order::Differences => {
            bits.exp_golomb()?;
            if syntax.has_bottom_field_order {
                bits.exp_golomb()?;
            }
        }
        Order::Implied => {}
    }
    let is_redundant = syntax.has_redundant_slices && bits.exp_golomb()? != 0;
    if start.kind == B {
        bits.bit()?;
    }
    let mut references = 0;
    if matches!(start.kind, P | B) && bits.bit()? {
        references = bits.exp_golomb()?.saturating_add(1);
        if start.kind == B {
            references = references.max(bits.exp_golomb()?.saturating_add(1));
        }
    }
    Some(Rest { is_field: false, is_redundant, references })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNTAX: Syntax = Syntax {
        frame_number_bits: 4,
        frames_only: true,
        order: Order::Implied,
        has_bottom_field_order: false,
        has_redundant_slices: false,
    };

    /// A P slice at macroblock 0 with parameters 0, frame number 0 and this code for its references.
    fn slice(references: &str) -> Vec<u8> {
        let bits = format!("111_0000_1_{references}").replace('_', "");
        let mut unit = vec![0x41];
        for byte in bits.as_bytes().chunks(8) {
            let byte = byte.iter().fold(0, |value, &bit| value << 1 | (bit - b'0'));
            unit.push(byte);
        }
        unit.extend([0xFF; 8]);
        unit
    }

    #[test]
    fn a_slice_may_name_as_many_references_as_there_can_be() {
        // 1: 0, that is one reference.
        let one = slice("1_0000000");
        let (start, _) = read(&one, |id| (id == 0).then_some((SYNTAX, id))).unwrap();
        assert_eq!(start, SliceStart { first_macroblock: 0, is_redundant: false });
        // 31 zeros: two billion.
        let many = slice(&("0".repeat(31) + "1" + &"0".repeat(32)));
        let refused = read(&many, |_| Some((SYNTAX, ())));
        assert!(matches!(refused, Err(DecodeError::Damaged(_))), "{refused:?}");
    }

    #[test]
    fn a_slice_without_parameters_or_bits_is_refused() {
        assert!(read(&slice("1_0000000"), |_| None::<(Syntax, ())>).is_err());
        for length in 0..2 {
            assert!(read(&slice("1_0000000")[..length], |_| Some((SYNTAX, ()))).is_err());
        }
    }
}
