//! Luma and colour differences → red, green and blue.

/// The meaning of the values of a frame's planes: factors of the conversion (ITU-R BT.601, BT.709, BT.2020):
///
/// ```text
/// R = y (Y − black)                    + red_v (V − 128)
/// G = y (Y − black) − green_u (U − 128) − green_v (V − 128)
/// B = y (Y − black) + blue_u (U − 128)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YuvColours {
    black: i32,
    y: i32,
    red_v: i32,
    green_u: i32,
    green_v: i32,
    blue_u: i32,
}

/// Factors have 16 bits after the point.
const ONE: i32 = 1 << 16;

impl YuvColours {
    /// The conversion for luma in which red and blue have these weights. `is_full` says that values go from 0
    /// to 255; otherwise luma goes from 16 to 235, and chroma from 16 to 240.
    pub fn new((red, blue): (f64, f64), is_full: bool) -> Self {
        let green = 1.0 - red - blue;
        let (luma, chroma) = if is_full { (1.0, 1.0) } else { (255.0 / 219.0, 255.0 / 224.0) };
        let fixed = |factor: f64| (factor * f64::from(ONE)).round() as i32;
        Self {
            black: if is_full { 0 } else { 16 },
            y: fixed(luma),
            red_v: fixed(2.0 * (1.0 - red) * chroma),
            green_u: fixed(2.0 * (1.0 - blue) * blue / green * chroma),
            green_v: fixed(2.0 * (1.0 - red) * red / green * chroma),
            blue_u: fixed(2.0 * (1.0 - blue) * chroma),
        }
    }

    /// Writes three bytes for each value of the planes, which are of one size.
    pub(super) fn convert(&self, [y, u, v]: [&[u8]; 3], rgb: &mut [u8]) {
        let pixels = rgb.as_chunks_mut::<3>().0;
        for (((pixel, &y), &u), &v) in pixels.iter_mut().zip(y).zip(u).zip(v) {
            let luma = (i32::from(y) - self.black) * self.y + ONE / 2;
            let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
            let red = luma + self.red_v * v;
            let green = luma - self.green_u * u - self.green_v * v;
            let blue = luma + self.blue_u * u;
            *pixel = [red, green, blue].map(|value| (value >> 16).clamp(0, 255) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BT601: (f64, f64) = (0.299, 0.114);
    const BT709: (f64, f64) = (0.2126, 0.0722);

    fn convert(colours: YuvColours, yuv: [u8; 3]) -> [u8; 3] {
        let [y, u, v] = yuv.map(|value| [value]);
        let mut rgb = [0; 3];
        colours.convert([&y, &u, &v], &mut rgb);
        rgb
    }

    #[test]
    fn black_white_and_the_primaries_are_what_the_recommendations_list() {
        let limited = YuvColours::new(BT601, false);
        assert_eq!(convert(limited, [16, 128, 128]), [0, 0, 0]);
        assert_eq!(convert(limited, [235, 128, 128]), [255, 255, 255]);
        let full = YuvColours::new(BT601, true);
        assert_eq!(convert(full, [0, 128, 128]), [0, 0, 0]);
        assert_eq!(convert(full, [255, 128, 128]), [255, 255, 255]);
        assert_eq!(convert(full, [76, 85, 255]), [254, 0, 0]);
        // Colour bars at 100 % (ITU-R BT.709, rounded): red, green, blue.
        let high = YuvColours::new(BT709, false);
        for (yuv, rgb) in [
            ([63, 102, 240], [255, 0, 0]),
            ([173, 42, 26], [0, 255, 0]),
            ([32, 240, 118], [0, 0, 255]),
        ] {
            let found = convert(high, yuv);
            let distance = found.into_iter().zip(rgb).map(|(a, b): (u8, u8)| a.abs_diff(b)).max();
            assert!(distance <= Some(2), "{yuv:?}: {found:?}");
        }
    }

    #[test]
    fn values_out_of_range_are_clamped() {
        let limited = YuvColours::new(BT601, false);
        assert_eq!(convert(limited, [0, 128, 128]), [0, 0, 0]);
        assert_eq!(convert(limited, [255, 255, 255]), [255, 125, 255]);
    }
}
