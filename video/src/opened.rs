//! An MP4 file that was opened: what decodes its frames.

use crate::VideoInfo;

/// An MP4 file whose frames `F` decodes, if this crate can.
pub(crate) enum Opened<F> {
    /// Its frames are decoded here.
    #[cfg_attr(not(feature = "native"), expect(dead_code, reason = "there is no decoder"))]
    Native(VideoInfo, Box<F>),
    /// ffmpeg may be able to decode them.
    Foreign(VideoInfo),
}
