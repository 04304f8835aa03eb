//! The colours that a stream declares: the one user of `h264-reader`.

use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};

use crate::image::ColourRange;

/// Range and matrix of a sequence parameter set, as a NAL unit. What cannot be read means that nothing is said:
/// these facts are never a reason to lose a video.
pub(super) fn of_parameter_set(unit: &[u8]) -> (ColourRange, Option<u8>) {
    let parameters = SeqParameterSet::from_bits(RefNal::new(unit, &[], true).rbsp_bits()).ok();
    let signal =
        parameters.and_then(|set| set.vui_parameters).and_then(|vui| vui.video_signal_type);
    let Some(signal) = signal else {
        return (ColourRange::Limited, None);
    };
    let range = if signal.video_full_range_flag { ColourRange::Full } else { ColourRange::Limited };
    (range, signal.colour_description.map(|colours| colours.matrix_coefficients))
}
