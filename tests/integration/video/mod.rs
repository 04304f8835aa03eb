//! Video files: planes to the model's input, `infer`, `POST /video/process`, jobs.

pub(crate) mod gate;
mod infer;
mod jobs;
mod planes;
mod process;

use serde_json::Value;

/// 64×48, 12 frames at 25 per second, H.264 with B frames: made by ffmpeg of its own test source.
const SMALL: &[u8] = include_bytes!("../../../video/tests/data/small.mp4");

/// Three red frames, three green ones and three blue ones at 10 per second, made by ffmpeg.
const COLOURED: &[u8] = include_bytes!("colours.mp4");

/// The small video with a frame that cannot be decoded and that no other refers to: the last in coded order.
fn damaged() -> Vec<u8> {
    let mut bytes = SMALL.to_vec();
    let sizes = bytes.windows(4).position(|window| window == b"stsz").unwrap();
    // Version and flags, a common size of 0, the number of frames, then the size of each.
    let word = |bytes: &[u8], at: usize| -> usize {
        u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    let last = word(&bytes, sizes + 16 + 4 * 11);
    let total: usize = (0..12).map(|index| word(&bytes, sizes + 16 + 4 * index)).sum();
    let media = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
    // The length of its first unit says more than there is.
    let at = media + total - last;
    bytes[at..at + 4].fill(0xFF);
    bytes
}

fn indices(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["frame_index"].as_u64()).collect()
}
