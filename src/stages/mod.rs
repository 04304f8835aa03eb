//! The stages of a frame, in the order it passes them. Everything here blocks and nothing awaits.

mod placement;

pub use placement::{FrameSize, Placement};
