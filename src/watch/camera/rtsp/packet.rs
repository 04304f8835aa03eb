//! Packets of RTP (RFC 3550).

/// The parts of a packet that are of use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// The last of its frame, if the camera says so.
    pub(super) is_last: bool,
    pub(super) kind: u8,
    pub(super) sequence: u16,
    /// When its frame is shown, in 90 000ths of a second.
    pub(super) time: u32,
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` for what is not RTP.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, mut payload) = bytes.split_first_chunk::<12>()?;
        if head[0] >> 6 != 2 {
            return None;
        }
        payload = payload.get(usize::from(head[0] & 15) * 4..)?;
        if head[0] & 0x10 != 0 {
            let (extension, rest) = payload.split_first_chunk::<4>()?;
            let words = usize::from(u16::from_be_bytes([extension[2], extension[3]]));
            payload = rest.get(words * 4..)?;
        }
        if head[0] & 0x20 != 0 {
            let padding = usize::from(*payload.last()?);
            payload = payload.get(..payload.len().checked_sub(padding)?)?;
        }
        Some(Self {
            is_last: head[1] & 0x80 != 0,
            kind: head[1] & 0x7F,
            sequence: u16::from_be_bytes([head[2], head[3]]),
            time: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            payload,
        })
    }
}

/// Notices packets that are missing.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    next: Option<u16>,
}

impl Sequence {
    /// Whether none is missing between this packet and the one before it.
    pub(super) fn continues(&mut self, packet: &Packet<'_>) -> bool {
        let continues = self.next.is_none_or(|next| next == packet.sequence);
        self.next = Some(packet.sequence.wrapping_add(1));
        continues
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_without_what_surrounds_its_payload() {
        let head = [0xB1, 0xE0, 0xFF, 0xFF, 0, 0, 0, 5, 0, 0, 0, 1];
        let source_and_extension = [9, 9, 9, 9, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4];
        let bytes = [&head[..], &source_and_extension, b"abc", &[0, 2]].concat();
        let packet = Packet::parse(&bytes).unwrap();
        let expected =
            Packet { is_last: true, kind: 96, sequence: 0xFFFF, time: 5, payload: b"abc" };
        assert_eq!(packet, expected);
        for length in 0..24 {
            assert_eq!(Packet::parse(&bytes[..length]), None, "{length}");
        }
        let mut sequence = Sequence::default();
        let numbered = |sequence| Packet { sequence, ..packet };
        let numbers = [0xFFFF, 0, 1, 3, 4];
        let continues = numbers.map(|number| sequence.continues(&numbered(number)));
        assert_eq!(continues, [true, true, true, false, true]);
    }
}
