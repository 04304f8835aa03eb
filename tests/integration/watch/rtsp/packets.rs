//! Packs coded frames into payloads of RTP.

use framegate_video::annex_b_units;

/// Small enough that most frames take several packets.
const MOST_BYTES: usize = 200;

/// An access unit, after RFC 6184: units as they are, or in fragments (FU-A).
pub(super) fn h264(access_unit: &[u8]) -> Vec<Vec<u8>> {
    annex_b_units(access_unit).flat_map(unit).collect()
}

fn unit(unit: &[u8]) -> Vec<Vec<u8>> {
    if unit.len() <= MOST_BYTES {
        return vec![unit.to_vec()];
    }
    let (header, body) = (unit[0], &unit[1..]);
    let count = body.len().div_ceil(MOST_BYTES);
    let fragment = |(number, part): (usize, &[u8])| {
        let (is_first, is_last) = (number == 0, number + 1 == count);
        let kind = u8::from(is_first) << 7 | u8::from(is_last) << 6 | header & 31;
        [&[header & 0xE0 | 28, kind], part].concat()
    };
    body.chunks(MOST_BYTES).enumerate().map(fragment).collect()
}

/// A baseline JPEG with the common Huffman tables, after RFC 2435, with its own quantisation tables.
pub(super) fn jpeg(jpeg: &[u8]) -> Vec<Vec<u8>> {
    let mut tables = Vec::new();
    let (mut at, mut shape) = (2, [0; 4]);
    let scan = loop {
        let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        let body = &jpeg[at + 4..at + 2 + length];
        match jpeg[at + 1] {
            0xDB => tables.extend(body.chunks(65).flat_map(|table| &table[1..])),
            // Type 0 has half the chroma in each row, type 1 in each column too.
            0xC0 => {
                let kind = u8::from(body[7] == 0x22);
                assert!([0x21, 0x22].contains(&body[7]), "{:x}", body[7]);
                let eighth = |at: usize| body[at].wrapping_shl(5) | body[at + 1] >> 3;
                shape = [kind, 255, eighth(3), eighth(1)];
            }
            0xDA => break &jpeg[at + 2 + length..jpeg.len() - 2],
            _ => {}
        }
        at += 2 + length;
    };
    let mut offset = 0;
    let parts = scan.chunks(MOST_BYTES).map(|part| {
        let mut payload = u32::try_from(offset).unwrap().to_be_bytes().to_vec();
        payload.extend(shape);
        if offset == 0 {
            payload.extend([0, 0]);
            payload.extend(u16::try_from(tables.len()).unwrap().to_be_bytes());
            payload.extend(&tables);
        }
        offset += part.len();
        payload.extend(part);
        payload
    });
    parts.collect()
}
