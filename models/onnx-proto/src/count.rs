//! Counts the messages in a file before it is decoded: an empty message takes two bytes in a file and
//! hundreds in memory.

/// Messages that hold others, or that may be many.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Function,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    /// Holds no messages.
    Leaf,
}

impl Kind {
    /// The kind of message that the field with this number holds, if it holds one.
    fn field(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::Value,
            (Self::Function, 11) | (Self::Node, 5) => Self::Attribute,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Model, 8 | 14) | (Self::Function, 9) | (Self::Tensor, 13) | (Self::Shape, 1) => {
                Self::Leaf
            }
            _ => return None,
        })
    }
}

/// Decoding stops at messages that are nested more deeply.
const MAX_DEPTH: usize = 100;

/// The number of messages that decoding `file` as a [`ModelProto`](crate::ModelProto) makes. In a
/// damaged file, those before the damage.
pub fn count_messages(file: &[u8]) -> usize {
    count(file, Kind::Model, 0)
}

fn count(mut bytes: &[u8], kind: Kind, depth: usize) -> usize {
    let mut messages = 1;
    while let Some((child, content)) = next_field(&mut bytes) {
        if depth < MAX_DEPTH
            && let Some(child) = child.and_then(|number| kind.field(number))
        {
            messages += count(content, child, depth + 1);
        }
    }
    messages
}

/// Takes the next field off: its number and content, if it has a length. `None` at the end or at damage.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(Option<u64>, &'a [u8])> {
    let key = varint(bytes)?;
    let len = match key & 7 {
        0 => {
            varint(bytes)?;
            0
        }
        1 => 8,
        2 => usize::try_from(varint(bytes)?).ok()?,
        // The fields of a group are taken for those of the message around it, which counts too much at
        // most.
        3 | 4 => 0,
        5 => 4,
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(((key & 7 == 2).then_some(key >> 3), content))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for position in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 127) << (7 * position);
        if byte & 128 == 0 {
            return Some(value);
        }
    }
    None
}
