//! How many pixels are made of a frame: no more than the model looks at, if that is asked for.

use framegate_jpeg::Scale;
use framegate_models::Size;
use framegate_models::detector::DecodeScale;

/// The scale for a frame of which the model gets to see `seen`, both as they are stored.
pub(super) fn choose(scale: DecodeScale, frame: Size, seen: Size) -> Scale {
    match scale {
        DecodeScale::Full => Scale::Full,
        DecodeScale::Half => Scale::Half,
        DecodeScale::Quarter => Scale::Quarter,
        DecodeScale::Eighth => Scale::Eighth,
        DecodeScale::Auto => {
            let suffices = |scale: &Scale| {
                frame.width / scale.divisor() >= seen.width
                    && frame.height / scale.divisor() >= seen.height
            };
            Scale::ALL.into_iter().rfind(suffices).unwrap_or(Scale::Full)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(frame: (usize, usize), seen: (usize, usize)) -> Scale {
        let size = |(width, height)| Size { width, height };
        choose(DecodeScale::Auto, size(frame), size(seen))
    }

    #[test]
    fn the_smallest_scale_that_covers_what_the_model_sees_is_chosen() {
        assert_eq!(chosen((640, 480), (640, 480)), Scale::Full);
        assert_eq!(chosen((1279, 720), (640, 360)), Scale::Full);
        assert_eq!(chosen((1280, 720), (640, 360)), Scale::Half);
        assert_eq!(chosen((1280, 720), (416, 416)), Scale::Full);
        assert_eq!(chosen((1920, 1080), (480, 270)), Scale::Quarter);
        assert_eq!(chosen((3840, 2160), (640, 360)), Scale::Quarter);
        assert_eq!(chosen((8192, 8192), (1, 1)), Scale::Eighth);
        assert_eq!(chosen((100, 80), (640, 480)), Scale::Full);
    }
}
