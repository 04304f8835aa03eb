//! How images are prepared: what the sidecar says, else what models of a kind were trained with.

use super::sidecar::{FitName, PerChannel, Sidecar};
use super::{BoxDecoder, ChannelOrder, Fit, ImageInput, LetterboxAlign};
use crate::Size;

/// Level that YOLO models are trained with around a letterboxed image.
const YOLO_FILL: u8 = 114;
/// Mean and standard deviation of ImageNet's red, green and blue, on the scale 0 to 255.
const IMAGENET_MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const IMAGENET_DEVIATION: [f32; 3] = [58.395, 57.12, 57.375];

/// The input of a model of `size`. `task` is that of the metadata: Ultralytics, which writes it,
/// trains its classifiers without ImageNet's mean.
pub(super) fn image_input(
    decoder: &BoxDecoder,
    task: Option<&str>,
    size: Size,
    sidecar: &Sidecar,
) -> ImageInput {
    let usual = usual(decoder, task);
    let or = |given: Option<PerChannel>, usual| given.map_or(usual, PerChannel::values);
    ImageInput {
        width: size.width,
        height: size.height,
        channel_order: sidecar.channel_order.unwrap_or(usual.channel_order),
        mean: or(sidecar.mean, usual.mean),
        scale: or(sidecar.scale, usual.scale),
        fit: fit(sidecar, usual.fit),
    }
}

struct Usual {
    channel_order: ChannelOrder,
    mean: [f32; 3],
    scale: [f32; 3],
    fit: Fit,
}

fn usual(decoder: &BoxDecoder, task: Option<&str>) -> Usual {
    let letterbox = |placement, fill| Fit::Letterbox { placement, fill };
    let (channel_order, mean, scale, fit) = match decoder {
        BoxDecoder::Yolox { .. } => {
            (ChannelOrder::Bgr, [0.0; 3], [1.0; 3], letterbox(LetterboxAlign::TopLeft, YOLO_FILL))
        }
        BoxDecoder::Yunet { .. } => {
            (ChannelOrder::Bgr, [0.0; 3], [1.0; 3], letterbox(LetterboxAlign::TopLeft, 0))
        }
        BoxDecoder::Yolov8 | BoxDecoder::Yolov5 | BoxDecoder::End2end => (
            ChannelOrder::Rgb,
            [0.0; 3],
            [1.0 / 255.0; 3],
            letterbox(LetterboxAlign::Centre, YOLO_FILL),
        ),
        BoxDecoder::Classify if task.is_some() => {
            (ChannelOrder::Rgb, [0.0; 3], [1.0 / 255.0; 3], Fit::Stretch)
        }
        BoxDecoder::Classify => {
            (ChannelOrder::Rgb, IMAGENET_MEAN, IMAGENET_DEVIATION.map(f32::recip), Fit::Stretch)
        }
    };
    Usual { channel_order, mean, scale, fit }
}

fn fit(sidecar: &Sidecar, usual: Fit) -> Fit {
    let (usual_placement, usual_fill) = match usual {
        Fit::Letterbox { placement, fill } => (placement, fill),
        Fit::Stretch => (LetterboxAlign::Centre, YOLO_FILL),
    };
    let letterbox = Fit::Letterbox {
        placement: sidecar.placement.unwrap_or(usual_placement),
        fill: sidecar.fill.unwrap_or(usual_fill),
    };
    match sidecar.fit {
        Some(FitName::Letterbox) => letterbox,
        Some(FitName::Stretch) => Fit::Stretch,
        // Who says where a letterboxed image goes wants one.
        None if sidecar.placement.is_some() || sidecar.fill.is_some() => letterbox,
        None => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 64, height: 32 };

    #[test]
    fn the_sidecar_overrides_one_fact_at_a_time() {
        let plain = image_input(&BoxDecoder::Yolov8, None, SIZE, &Sidecar::default());
        assert_eq!(plain.channel_order, ChannelOrder::Rgb);
        assert_eq!(plain.scale, [1.0 / 255.0; 3]);
        let sidecar = Sidecar {
            channel_order: Some(ChannelOrder::Bgr),
            scale: Some(PerChannel::Same(1.0)),
            placement: Some(LetterboxAlign::TopLeft),
            ..Sidecar::default()
        };
        let changed = image_input(&BoxDecoder::Yolov8, None, SIZE, &sidecar);
        let fit = Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: YOLO_FILL };
        assert_eq!(
            changed,
            ImageInput { channel_order: ChannelOrder::Bgr, scale: [1.0; 3], fit, ..plain }
        );
    }

    #[test]
    fn stretching_and_letterboxing_can_be_swapped() {
        let stretch = Sidecar { fit: Some(FitName::Stretch), ..Sidecar::default() };
        assert_eq!(image_input(&BoxDecoder::Yolov5, None, SIZE, &stretch).fit, Fit::Stretch);
        let filled = Sidecar { fill: Some(7), ..Sidecar::default() };
        assert_eq!(
            image_input(&BoxDecoder::Classify, None, SIZE, &filled).fit,
            Fit::Letterbox { placement: LetterboxAlign::Centre, fill: 7 }
        );
    }

    #[test]
    fn imagenet_classifiers_see_normalised_levels() {
        let input = image_input(&BoxDecoder::Classify, None, SIZE, &Sidecar::default());
        let white_red = (255.0 - input.mean[0]) * input.scale[0];
        assert!((white_red - (1.0 - 0.485) / 0.229).abs() < 1e-4, "{white_red}");
        let own = image_input(&BoxDecoder::Classify, Some("classify"), SIZE, &Sidecar::default());
        assert_eq!((own.mean, own.scale), ([0.0; 3], [1.0 / 255.0; 3]));
    }
}
