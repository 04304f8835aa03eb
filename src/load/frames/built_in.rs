//! Default frames: a disc that moves over a colour gradient.

use bytes::Bytes;

use crate::encode::encode;

const FRAMES: usize = 8;
const WIDTH: usize = 640;
const HEIGHT: usize = 480;
const RADIUS: f64 = 60.0;
const QUALITY: u8 = 85;

/// JPEGs of 640 × 480 pixels.
pub(super) fn frames() -> Vec<Bytes> {
    (0..FRAMES).map(frame).collect()
}

fn frame(number: usize) -> Bytes {
    let angle = std::f64::consts::TAU * number as f64 / FRAMES as f64;
    let (centre_x, centre_y) = (320.0 + 200.0 * angle.cos(), 240.0 + 140.0 * angle.sin());
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT * 3);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let distance = (x as f64 - centre_x).hypot(y as f64 - centre_y);
            // Rings and grain make a JPEG about as complex as a photograph.
            let grain = ((x * 7919) ^ (y * 104_729)) % 24;
            let rings = 128.0 + 100.0 * (distance / 6.0).sin();
            pixels.extend(match distance < RADIUS {
                true => [rings as u8, 40, 220],
                false => [x * 200 / WIDTH + grain, y * 200 / HEIGHT + grain, 90 + grain]
                    .map(|value| value as u8),
            });
        }
    }
    encode(&pixels, (WIDTH as u16, HEIGHT as u16), QUALITY).expect("the frame has pixels").into()
}
