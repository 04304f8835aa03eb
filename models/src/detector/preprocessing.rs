//! How images are prepared: what the sidecar says, else what models of the family were trained with.

use super::sidecar::{FitName, PerChannel, Sidecar};
use super::{Fit, ImageInput, LetterboxAlign};
use crate::Size;
use crate::layouts::{Preprocessing, YOLO_FILL};

/// The input of a model of `size`: `defaults`, changed by what the sidecar says.
pub(super) fn image_input(defaults: &Preprocessing, size: Size, sidecar: &Sidecar) -> ImageInput {
    let or = |given: Option<PerChannel>, default| given.map_or(default, PerChannel::values);
    ImageInput {
        width: size.width,
        height: size.height,
        channel_order: sidecar.channel_order.unwrap_or(defaults.channel_order),
        mean: or(sidecar.mean, defaults.mean),
        scale: or(sidecar.scale, defaults.scale),
        fit: fit(sidecar, defaults.fit),
        resize: sidecar.resize.unwrap_or(defaults.resize),
        decode_scale: sidecar.decode_scale,
    }
}

/// The preprocessing of a model that takes pixels as whole numbers, and normalises them itself. Signed bytes begin at
/// -128.
pub(super) fn whole_numbers(defaults: &Preprocessing, are_signed: bool) -> Preprocessing {
    let mean = if are_signed { 128.0 } else { 0.0 };
    Preprocessing { mean: [mean; 3], scale: [1.0; 3], ..*defaults }
}

fn fit(sidecar: &Sidecar, default: Fit) -> Fit {
    let (default_placement, default_fill) = match default {
        Fit::Letterbox { placement, fill } => (placement, fill),
        Fit::Stretch | Fit::Crop { .. } => (LetterboxAlign::Centre, YOLO_FILL),
    };
    let letterbox = Fit::Letterbox {
        placement: sidecar.placement.unwrap_or(default_placement),
        fill: sidecar.fill.unwrap_or(default_fill),
    };
    match sidecar.fit {
        Some(FitName::Letterbox) => letterbox,
        Some(FitName::Stretch) => Fit::Stretch,
        Some(FitName::Crop) => crop(sidecar.crop, default),
        // Saying where a letterboxed image goes asks for one.
        None if sidecar.placement.is_some() || sidecar.fill.is_some() => letterbox,
        None if sidecar.crop.is_some() => crop(sidecar.crop, default),
        None => default,
    }
}

fn crop(given: Option<f32>, default: Fit) -> Fit {
    let default = match default {
        Fit::Crop { share } => share,
        Fit::Stretch | Fit::Letterbox { .. } => 1.0,
    };
    Fit::Crop { share: given.unwrap_or(default) }
}

#[cfg(test)]
mod tests {
    use super::super::{ChannelOrder, ResizeFilter};
    use super::*;
    use crate::layouts::Family;

    const SIZE: Size = Size { width: 64, height: 32 };

    fn input(family: &str, sidecar: &Sidecar) -> ImageInput {
        image_input(&Family::named(family).unwrap().preprocessing, SIZE, sidecar)
    }

    #[test]
    fn the_sidecar_overrides_one_fact_at_a_time() {
        let plain = input("ultralytics", &Sidecar::default());
        assert_eq!(plain.channel_order, ChannelOrder::Rgb);
        assert_eq!(plain.scale, [1.0 / 255.0; 3]);
        assert_eq!(plain.resize, ResizeFilter::Bilinear);
        let sidecar = Sidecar {
            channel_order: Some(ChannelOrder::Bgr),
            scale: Some(PerChannel::Same(1.0)),
            placement: Some(LetterboxAlign::TopLeft),
            resize: Some(ResizeFilter::Antialiased),
            ..Sidecar::default()
        };
        let changed = input("ultralytics", &sidecar);
        let fit = Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: YOLO_FILL };
        let resize = ResizeFilter::Antialiased;
        assert_eq!(
            changed,
            ImageInput { channel_order: ChannelOrder::Bgr, scale: [1.0; 3], fit, resize, ..plain }
        );
    }

    #[test]
    fn stretching_and_letterboxing_can_be_swapped() {
        let stretch = Sidecar { fit: Some(FitName::Stretch), ..Sidecar::default() };
        assert_eq!(input("ultralytics", &stretch).fit, Fit::Stretch);
        let filled = Sidecar { fill: Some(7), ..Sidecar::default() };
        assert_eq!(
            input("imagenet", &filled).fit,
            Fit::Letterbox { placement: LetterboxAlign::Centre, fill: 7 }
        );
    }

    #[test]
    fn a_crop_keeps_the_share_of_its_family() {
        let crop = Sidecar { fit: Some(FitName::Crop), ..Sidecar::default() };
        assert_eq!(input("imagenet", &crop).fit, Fit::Crop { share: 0.875 });
        assert_eq!(input("ultralytics", &crop).fit, Fit::Crop { share: 1.0 });
        let larger = Sidecar { crop: Some(0.95), ..Sidecar::default() };
        assert_eq!(input("imagenet", &larger).fit, Fit::Crop { share: 0.95 });
        let stretch = Sidecar { fit: Some(FitName::Stretch), ..Sidecar::default() };
        assert_eq!(input("imagenet", &stretch).fit, Fit::Stretch);
    }

    #[test]
    fn signed_bytes_are_pixels_less_128() {
        let of = |are_signed| {
            let defaults =
                whole_numbers(&Family::named("imagenet").unwrap().preprocessing, are_signed);
            let input = image_input(&defaults, SIZE, &Sidecar::default());
            [0.0, 255.0].map(|pixel| (pixel - input.mean[1]) * input.scale[1])
        };
        assert_eq!(of(false), [0.0, 255.0]);
        assert_eq!(of(true), [-128.0, 127.0]);
    }

    #[test]
    fn imagenet_classifiers_see_normalised_values() {
        let imagenet = input("imagenet", &Sidecar::default());
        let white_red = (255.0 - imagenet.mean[0]) * imagenet.scale[0];
        assert!((white_red - (1.0 - 0.485) / 0.229).abs() < 1e-4, "{white_red}");
        let own = input("ultralytics-classify", &Sidecar::default());
        assert_eq!((own.mean, own.scale), ([0.0; 3], [1.0 / 255.0; 3]));
    }
}
