//! Where a frame lies in the model's input, and the way back from input to frame pixels.

use framegate_models::detector::{Fit, ImageInput, LetterboxPlacement};

/// Size of an upright frame in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSize {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}

/// Where the upright frame lies in the model's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// The frame's own size.
    pub frame: FrameSize,
    /// Width of the resized frame in input pixels, at least 1.
    pub width: usize,
    /// Height of the resized frame in input pixels, at least 1.
    pub height: usize,
    /// Input column of the frame's left edge.
    pub left: usize,
    /// Input row of the frame's top edge.
    pub top: usize,
}

impl Placement {
    /// Fits a frame, at least one pixel in each direction, into a model's input.
    pub fn of(frame: FrameSize, input: &ImageInput) -> Self {
        let FrameSize { width, height } = frame;
        let Fit::Letterbox { placement, .. } = input.fit else {
            return Self { frame, width: input.width, height: input.height, left: 0, top: 0 };
        };
        let ratio = (input.width as f64 / width as f64).min(input.height as f64 / height as f64);
        let fitted =
            |extent: usize, limit: usize| ((extent as f64 * ratio) as usize).clamp(1, limit);
        let (width, height) = (fitted(width, input.width), fitted(height, input.height));
        let (left, top) = match placement {
            LetterboxPlacement::TopLeft => (0, 0),
            LetterboxPlacement::Centre => ((input.width - width) / 2, (input.height - height) / 2),
        };
        Self { frame, width, height, left, top }
    }

    /// Maps a horizontal input position to frame pixels, clipped to the frame.
    pub fn frame_x(&self, input_x: f32) -> f32 {
        let scale = self.frame.width as f32 / self.width as f32;
        ((input_x - self.left as f32) * scale).clamp(0.0, self.frame.width as f32)
    }

    /// Maps a vertical input position to frame pixels, clipped to the frame.
    pub fn frame_y(&self, input_y: f32) -> f32 {
        let scale = self.frame.height as f32 / self.height as f32;
        ((input_y - self.top as f32) * scale).clamp(0.0, self.frame.height as f32)
    }
}
