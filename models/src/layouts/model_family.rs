//! How images of a model are prepared, by `model_family` in the metadata of its file: LibreYOLO writes it, and each
//! of its families takes other images.

use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing, YOLO_FILL};
use crate::image_input::LetterboxAlign;

/// RTMDet: channels and their mean in the order blue, green, red.
pub(super) const RTMDET: Family = Family {
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

/// YOLOv7 and YOLOv9 as LibreYOLO prepares images: Ultralytics' with the image in the top left corner.
const TOP_LEFT: Family = Family {
    name: "ultralytics-top-left",
    preprocessing: Preprocessing::STRETCHED.letterboxed(LetterboxAlign::TopLeft, YOLO_FILL),
};

/// YOLOv2 to YOLOv4 as LibreYOLO prepares images: Darknet's grey around them.
const DARKNET: Family = Family {
    name: "darknet",
    preprocessing: Preprocessing::STRETCHED.letterboxed(LetterboxAlign::TopLeft, 128),
};

/// Families that belong to no layout: any may have them.
pub(super) static OTHERS: &[&Family] = &[&SSD_RGB, &TORCHVISION, &TOP_LEFT, &DARKNET];

/// The facts about images in LibreYOLO's metadata.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModelFamily<'a> {
    /// `model_family`
    pub(crate) name: &'a str,
    /// `letterbox_pad`: where the image is, `center` or `topleft`.
    pub(crate) letterbox_pad: Option<&'a str>,
    /// `model_size`: `n`, `s`, …
    pub(crate) size: Option<&'a str>,
}

/// The family that takes such images; `None` where the layout's own is right, or nothing is known.
pub(crate) fn of(family: ModelFamily<'_>) -> Option<&'static Family> {
    let name = match family.name {
        "yolo7" | "yolo9" | "yolo9_e2e" | "yolo9_p2" => match family.letterbox_pad {
            Some("center") => "ultralytics",
            _ => TOP_LEFT.name,
        },
        "yolo2" | "yolo3" | "yolo4" => DARKNET.name,
        "ec" | "tinyformer" | "rfdetr" => "detr",
        // The larger sizes have a DINO for a backbone.
        "deimv2" if matches!(family.size, Some("s" | "m" | "l" | "x")) => "detr",
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
            "yolo4",
            "yolo7",
            "ec",
        ];
        let of = |name| super::of(ModelFamily { name, letterbox_pad: None, size: None });
        for family in known {
            assert!(of(family).is_some(), "{family}");
        }
        assert_eq!(of("dfine"), None);
        let picodet = of("ppyoloe").unwrap().preprocessing;
        assert_eq!((picodet.fit, picodet.mean), (Fit::Stretch, IMAGENET_MEAN));
        let yolo9 = |letterbox_pad| {
            let family = ModelFamily { name: "yolo9", letterbox_pad, size: None };
            super::of(family).unwrap().name
        };
        assert_eq!(
            [None, Some("topleft"), Some("center")].map(yolo9),
            ["ultralytics-top-left", "ultralytics-top-left", "ultralytics"]
        );
        let deim = |size| super::of(ModelFamily { name: "deimv2", letterbox_pad: None, size });
        assert_eq!((deim(Some("n")), deim(Some("s")).map(|it| it.name)), (None, Some("detr")));
        let rtmdet = of("rtmdet").unwrap().preprocessing;
        assert_eq!((rtmdet.channel_order, rtmdet.mean[0]), (ChannelOrder::Bgr, 103.53));
    }
}
