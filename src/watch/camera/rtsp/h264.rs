//! Puts access units together from the payloads of packets (RFC 6184).

use super::packet::{Packet, Sequence};

/// An access unit: one coded frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AccessUnit {
    /// A byte stream with start codes.
    pub(super) data: Vec<u8>,
    pub(super) is_key: bool,
    /// When it is shown, in 90 000ths of a second since some time.
    pub(super) time: i64,
    /// Whether all of it is there, and nothing is missing between it and the one before.
    pub(super) is_whole: bool,
}

/// Puts access units together.
#[derive(Debug)]
pub(super) struct AccessUnits {
    most_bytes: usize,
    /// The parameter sets that the description states, for cameras that do not send them.
    parameters: Vec<u8>,
    sequence: Sequence,
    unit: AccessUnit,
    /// The packets' time of the unit that is arriving, or of the last one.
    time: Option<u32>,
    has_sequence_set: bool,
    in_fragment: bool,
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

impl AccessUnits {
    /// Access units of at most this many bytes.
    pub(super) fn new(parameters: Vec<u8>, most_bytes: usize) -> Self {
        Self {
            most_bytes,
            parameters,
            sequence: Sequence::default(),
            unit: AccessUnit { is_whole: true, ..AccessUnit::default() },
            time: None,
            has_sequence_set: false,
            in_fragment: false,
        }
    }

    /// Takes a packet and returns the units that it completes.
    pub(super) fn push(&mut self, packet: &Packet<'_>) -> impl Iterator<Item = AccessUnit> + use<> {
        let continues = self.sequence.continues(packet);
        // Not every camera marks the last packet of a unit.
        let is_new = self.time.is_some_and(|time| time != packet.time);
        let before = if is_new { self.finish() } else { None };
        if !continues {
            self.lose();
        }
        let step = self.time.map_or(0, |time| packet.time.wrapping_sub(time).cast_signed());
        self.unit.time += i64::from(step);
        self.time = Some(packet.time);
        if self.take(packet.payload).is_none() || self.unit.data.len() > self.most_bytes {
            self.lose();
        }
        let last = if packet.is_last { self.finish() } else { None };
        before.into_iter().chain(last)
    }

    fn take(&mut self, payload: &[u8]) -> Option<()> {
        const AGGREGATE: u8 = 24;
        const FRAGMENT: u8 = 28;
        let (&header, body) = payload.split_first()?;
        match header & 31 {
            1..=23 => self.begin(header, body),
            AGGREGATE => {
                let mut rest = body;
                while !rest.is_empty() {
                    let (length, tail) = rest.split_first_chunk()?;
                    let (unit, tail) = tail.split_at_checked(u16::from_be_bytes(*length).into())?;
                    let (&header, body) = unit.split_first()?;
                    self.begin(header, body);
                    rest = tail;
                }
            }
            FRAGMENT => {
                let (&fragment, body) = body.split_first()?;
                if fragment & 0x80 != 0 {
                    self.begin(header & 0xE0 | fragment & 31, body);
                    self.in_fragment = true;
                } else if self.in_fragment {
                    self.unit.data.extend(body);
                } else {
                    return None;
                }
                self.in_fragment &= fragment & 0x40 == 0;
            }
            _ => return None,
        }
        Some(())
    }

    fn begin(&mut self, header: u8, body: &[u8]) {
        self.in_fragment = false;
        self.unit.is_key |= header & 31 == 5;
        self.has_sequence_set |= header & 31 == 7;
        self.unit.data.extend(START_CODE);
        self.unit.data.push(header);
        self.unit.data.extend(body);
    }

    /// The part of the unit that has arrived is of no use.
    fn lose(&mut self) {
        self.unit.is_whole = false;
        self.unit.data.clear();
        self.in_fragment = false;
    }

    fn finish(&mut self) -> Option<AccessUnit> {
        let time = self.unit.time;
        let is_empty = self.unit.data.is_empty() && self.unit.is_whole;
        let next = AccessUnit { time, is_whole: true, ..AccessUnit::default() };
        let mut unit = std::mem::replace(&mut self.unit, next);
        let has_sequence_set = std::mem::take(&mut self.has_sequence_set);
        self.in_fragment = false;
        if unit.is_key && !has_sequence_set {
            unit.data.splice(0..0, self.parameters.iter().copied());
        }
        (!is_empty).then_some(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: bool = true;

    fn packet(sequence: u16, time: u32, is_last: bool, payload: &[u8]) -> Packet<'_> {
        Packet { is_last, kind: 96, sequence, time, payload }
    }

    fn push(units: &mut AccessUnits, packets: &[Packet<'_>]) -> Vec<AccessUnit> {
        packets.iter().flat_map(|packet| units.push(packet)).collect()
    }

    fn whole(data: &[u8], is_key: bool, time: i64) -> AccessUnit {
        AccessUnit { data: data.to_vec(), is_key, time, is_whole: true }
    }

    #[test]
    fn units_come_alone_together_and_in_pieces() {
        let mut units = AccessUnits::new(vec![0, 0, 0, 1, 0x67, 1], 100);
        let found = push(
            &mut units,
            &[
                packet(1, u32::MAX, !LAST, &[24, 0, 2, 0x68, 2, 0, 1, 6]),
                packet(2, u32::MAX, !LAST, &[0x7C, 0x85, 3]),
                packet(3, u32::MAX, !LAST, &[0x7C, 0x05, 4]),
                packet(4, u32::MAX, LAST, &[0x7C, 0x45, 5]),
                // The next two are not marked.
                packet(5, 9, !LAST, &[0x41, 6]),
                packet(6, 19, !LAST, &[0x41, 7]),
                packet(7, 29, LAST, &[0x67, 8]),
            ],
        );
        let key = [
            &[0, 0, 0, 1, 0x67, 1][..],
            &[0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 6, 0, 0, 0, 1, 0x65, 3, 4, 5],
        ];
        let expected = [
            whole(&key.concat(), true, 0),
            whole(&[0, 0, 0, 1, 0x41, 6], false, 10),
            whole(&[0, 0, 0, 1, 0x41, 7], false, 20),
            whole(&[0, 0, 0, 1, 0x67, 8], false, 30),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_missing_or_too_long_costs_its_unit() {
        let mut units = AccessUnits::new(Vec::new(), 20);
        let long = [0x41; 30];
        let found = push(
            &mut units,
            &[
                packet(1, 0, LAST, &[0x41, 1]),
                packet(3, 1, LAST, &[0x41, 2]),
                packet(4, 2, LAST, &[0x41, 3]),
                packet(5, 3, LAST, &[0x7C, 0x05, 4]),
                packet(6, 4, LAST, &long),
                packet(7, 5, LAST, &[0x41, 5]),
            ],
        );
        let whole: Vec<bool> = found.iter().map(|unit| unit.is_whole).collect();
        assert_eq!(whole, [true, false, true, false, false, true]);
    }

    #[test]
    fn whatever_arrives_is_held_to_the_limit() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut units = AccessUnits::new(Vec::new(), 2000);
        for number in 0..20_000u32 {
            let mut payload: Vec<u8> = (0..random.usize(0..300)).map(|_| random.u8(..)).collect();
            if let Some(first) = payload.first_mut() {
                *first = random.choice([24, 28, 0x41, 0x65, *first]).unwrap();
            }
            let packet =
                packet(number as u16, number / random.u32(1..50), random.u8(..) < 20, &payload);
            for unit in units.push(&packet) {
                assert!(unit.data.len() <= 2000);
            }
        }
    }
}
