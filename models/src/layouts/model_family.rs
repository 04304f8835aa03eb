//! How images of a model are prepared, by `model_family` in the metadata of its file: LibreYOLO writes it, and each
//! of its families takes other images.

use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing, YOLO_FILL};
use crate::image_input::LetterboxAlign;

/// RTMDet: channels and their mean in the order blue, green, red.
const RTMDET: Family = Family {
    name: "rtmdet",
    preprocessing: Preprocessing::STRETCHED
        .bgr()
        .letterboxed(LetterboxAlign::TopLeft, YOLO_FILL)
        .standardised([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
};

/// SSD300 as torchvision trained it.
const SSD_RGB: Family = Family {
    name: "ssd-rgb",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED }
        .with_mean([123.0, 117.0, 104.0]),
};

/// Detectors of torchvision without the part that prepares images. It fills up images that it has normalised with
/// zeros, for which this grey stands.
const TORCHVISION: Family = Family {
    name: "torchvision",
    preprocessing: Preprocessing::STRETCHED
        .letterboxed(LetterboxAlign::TopLeft, 116)
        .standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

/// Families that belong to no layout: any may have them.
pub(super) static OTHERS: &[&Family] = &[&RTMDET, &SSD_RGB, &TORCHVISION];

/// The family that takes such images; `None` where the layout's own is right, or nothing is known.
pub(crate) fn of(model_family: &str) -> Option<&'static Family> {
    let name = match model_family {
        "yolox" => "yolox",
        "picodet" | "ppyoloe" => "picodet",
        "rtmdet" => RTMDET.name,
        "ssd" => SSD_RGB.name,
        "fcos" | "retinanet" => TORCHVISION.name,
        "centernet" => "centernet",
        "efficientdet" => "efficientdet",
        "detr" | "deformable_detr" | "dinodetr" | "lwdetr" => "detr",
        "yolo1" => "ultralytics-stretched",
        _ => return None,
    };
    Family::named(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_input::{ChannelOrder, Fit};

    #[test]
    fn every_family_that_is_known_has_a_name_for_sidecars() {
        let known = [
            "yolox",
            "picodet",
            "ppyoloe",
            "rtmdet",
            "ssd",
            "fcos",
            "retinanet",
            "centernet",
            "efficientdet",
            "detr",
            "deformable_detr",
            "dinodetr",
            "lwdetr",
            "yolo1",
        ];
        for family in known {
            assert!(of(family).is_some(), "{family}");
        }
        assert_eq!(of("yolo9"), None);
        let picodet = of("ppyoloe").unwrap().preprocessing;
        assert_eq!((picodet.fit, picodet.mean), (Fit::Stretch, IMAGENET_MEAN));
        let rtmdet = of("rtmdet").unwrap().preprocessing;
        assert_eq!((rtmdet.channel_order, rtmdet.mean[0]), (ChannelOrder::Bgr, 103.53));
    }
}
