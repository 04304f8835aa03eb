//! How many pixels are made of a frame: no more than the model looks at, if that is asked for.

use std::fmt;
use std::str::FromStr;

use framegate_jpeg::Scale;
use framegate_models::Size;

use super::options::UnknownWord;

/// The scale at which frames are decoded. Boxes are in pixels of the frame as it was sent all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecodeScale {
    /// The smallest that has at least as many pixels, along each side, as the model gets to see.
    Auto,
    /// Every frame at this scale.
    #[default]
    Full,
    /// A half of width and height.
    Half,
    /// A quarter of each.
    Quarter,
    /// An eighth of each.
    Eighth,
}

impl DecodeScale {
    const ALL: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("full", Self::Full),
        ("half", Self::Half),
        ("quarter", Self::Quarter),
        ("eighth", Self::Eighth),
    ];

    /// The scale for a frame of which the model gets to see `seen`, both as they are stored.
    pub(super) fn choose(self, frame: Size, seen: Size) -> Scale {
        match self {
            Self::Full => Scale::Full,
            Self::Half => Scale::Half,
            Self::Quarter => Scale::Quarter,
            Self::Eighth => Scale::Eighth,
            Self::Auto => {
                let suffices = |scale: &Scale| {
                    frame.width / scale.divisor() >= seen.width
                        && frame.height / scale.divisor() >= seen.height
                };
                Scale::ALL.into_iter().rfind(suffices).unwrap_or(Scale::Full)
            }
        }
    }
}

impl fmt::Display for DecodeScale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.iter().find(|(_, scale)| scale == self).map_or("", |(word, _)| word);
        formatter.write_str(word)
    }
}

impl FromStr for DecodeScale {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, scale)| *scale).ok_or(UnknownWord("auto, full, half, quarter or eighth"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(frame: (usize, usize), seen: (usize, usize)) -> Scale {
        let size = |(width, height)| Size { width, height };
        DecodeScale::Auto.choose(size(frame), size(seen))
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

    #[test]
    fn words_are_read_back() {
        for (word, scale) in DecodeScale::ALL {
            assert_eq!(word.parse(), Ok(scale));
            assert_eq!(scale.to_string(), word);
        }
        assert!("tenth".parse::<DecodeScale>().is_err());
    }
}
