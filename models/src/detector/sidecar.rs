//! `NAME.toml` beside `NAME.onnx`: what a model's author says about it. Every key is optional.
//!
//! ```toml
//! labels = ["person", "car"]        # or a file name, relative to this file: labels = "coco.txt"
//! input_size = { width = 416, height = 416 }  # also in place of a size that the file states and does not depend on
//! family = "yolox"                  # models whose images are prepared in the same way; see below
//! channel_order = "bgr"             # or "rgb"
//! mean = [0, 0, 0]                  # or one number; on the scale 0 to 255
//! scale = 1.0                       # or three numbers; multiplies what remains
//! fit = "letterbox"                 # or "stretch", or "crop"
//! placement = "top-left"            # or "centre"; for letterbox
//! fill = 114                        # 0 to 255; for letterbox
//! crop = 0.875                      # the share of each side that a crop keeps
//! resize = "bilinear"               # or "antialiased", "antialiased-bicubic" (trained with Pillow)
//! decode_scale = "full"              # or "auto", "half", "quarter", "eighth": pixels made of a large frame
//! boxes = "yolox"                   # or another layout; `layout = …` means the same
//!                                   # "tensors" reports the outputs as numbers
//! strides = [8, 16, 32]             # for layouts with a grid
//! anchors = [[10, 13], [16, 30]]    # widths and heights in pixels, finest stride first; squares may be one number
//! nms = "per-class"                 # or "class-agnostic": boxes of all classes suppress each other
//! second = "codes"                  # the boxes are codes: what they say is read, too
//!                                   # or a model that reads what is in the boxes: second = "plates.onnx"
//! second_classes = ["plate"]        # boxes of these classes alone; with a model
//! second_confidence = 0.8           # texts that are at least this probable, 0 to 1; with a model
//! blank = "first"                   # or "last": the class for no character, in a recogniser of text
//! inputs = { threshold = 0.5 }      # inputs besides the image: a number, or a list of all elements or of rows
//! licence = "Apache-2.0"
//! source = "https://…"
//! ```
//!
//! `family` sets the defaults of the keys from `channel_order` to `resize`; each of them overrides
//! it. A YOLOX model exported with decoded outputs, for example, has boxes like YOLOv5 but takes the
//! images of YOLOX. This line is all it needs:
//!
//! ```toml
//! family = "yolox"                  # or ultralytics, detr, rt-detr, nanodet, scrfd, imagenet, …
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bounded_text::read_text;
use super::embedded::{self, is_embedded};
use super::second_name::SecondName;
use super::sidecar_error::SidecarError;
use super::sidecar_labels::SidecarLabels;
use super::{
    ChannelOrder, DecodeScale, LetterboxAlign, ModelError, NmsScope, ResizeFilter, anchors,
    input_size,
};
use crate::Size;
use crate::layouts::{Blank, BoxLayout, Family};
use crate::onnx::{InputElements, InputValues};

/// The contents of a sidecar file; empty if there is none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sidecar {
    pub(super) labels: Option<SidecarLabels>,
    #[serde(default, deserialize_with = "input_size::deserialize")]
    pub(super) input_size: Option<Size>,
    #[serde(default, deserialize_with = "Family::deserialize")]
    pub(super) family: Option<&'static Family>,
    pub(super) channel_order: Option<ChannelOrder>,
    pub(super) mean: Option<PerChannel>,
    pub(super) scale: Option<PerChannel>,
    pub(super) fit: Option<FitName>,
    pub(super) placement: Option<LetterboxAlign>,
    pub(super) fill: Option<u8>,
    pub(super) crop: Option<f32>,
    pub(super) resize: Option<ResizeFilter>,
    pub(super) decode_scale: Option<DecodeScale>,
    #[serde(alias = "layout")]
    pub(super) boxes: Option<BoxLayout>,
    pub(super) strides: Option<Vec<usize>>,
    #[serde(default, deserialize_with = "anchors::deserialize")]
    pub(super) anchors: Option<Vec<[f32; 2]>>,
    pub(super) first_class: Option<usize>,
    pub(super) nms: Option<NmsScope>,
    pub(super) second: Option<SecondName>,
    pub(super) second_classes: Option<Vec<String>>,
    pub(super) second_confidence: Option<f32>,
    pub(super) blank: Option<Blank>,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, InputValue>,
    pub(super) licence: Option<String>,
    pub(super) source: Option<String>,
}

/// A value in the table `inputs`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "an input must be a number, or a list of all its elements in order, or of its rows"
)]
pub(super) enum InputValue {
    Same(f64),
    Each(Vec<f64>),
    Rows(Vec<Vec<f64>>),
}

/// The keys `mean` and `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged, expecting = "`mean` and `scale` must be a number or a list of three numbers")]
pub(super) enum PerChannel {
    Same(f32),
    Each([f32; 3]),
}

impl PerChannel {
    pub(super) fn values(self) -> [f32; 3] {
        match self {
            Self::Same(value) => [value; 3],
            Self::Each(values) => values,
        }
    }
}

/// The key `fit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FitName {
    Letterbox,
    Stretch,
    Crop,
}

impl Sidecar {
    /// Where the sidecar of a model should be.
    pub(super) fn path_for(model: &Path) -> PathBuf {
        model.with_extension("toml")
    }

    /// Reads the sidecar of the model at `model`; a missing one counts as empty.
    ///
    /// # Errors
    /// [`ModelError::Sidecar`] with the file, the place in it and what is allowed there.
    pub(super) fn read(model: &Path) -> Result<Self, ModelError> {
        let path = Self::path_for(model);
        let error = |problem| ModelError::Sidecar { path: path.clone(), problem };
        if is_embedded(model) {
            return Self::parse(embedded::SIDECAR).map_err(error);
        }
        match read_text(&path) {
            Ok(text) => Self::parse(&text).map_err(error),
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(problem) => Err(error(problem.into())),
        }
    }

    /// The values of the model's inputs other than the image.
    pub(super) fn input_values(&self) -> InputValues {
        let elements = |value: &InputValue| match value {
            InputValue::Same(number) => InputElements::from(vec![*number]),
            InputValue::Each(numbers) => InputElements::from(numbers.clone()),
            InputValue::Rows(rows) => {
                InputElements { elements: rows.concat(), rows: Some(rows.len()) }
            }
        };
        self.inputs.iter().map(|(name, value)| (name.clone(), elements(value))).collect()
    }

    /// The layout that it names, or that goes with what it says.
    pub(super) fn layout(&self) -> Option<BoxLayout> {
        self.boxes.clone().or_else(|| self.blank.and_then(|_| BoxLayout::named("ctc")))
    }

    /// Whether it says how images are prepared, at least in part.
    pub(super) fn prepares_images(&self) -> bool {
        self.channel_order.is_some()
            || self.mean.is_some()
            || self.scale.is_some()
            || self.fit.is_some()
            || self.placement.is_some()
            || self.fill.is_some()
            || self.crop.is_some()
    }

    fn parse(text: &str) -> Result<Self, SidecarError> {
        let sidecar: Self = toml::from_str(text)?;
        sidecar.check()?;
        Ok(sidecar)
    }

    /// Checks what the types of the keys cannot express.
    fn check(&self) -> Result<(), SidecarError> {
        let all = |values: Option<PerChannel>, test: fn(f32) -> bool| {
            values.is_none_or(|values| values.values().into_iter().all(test))
        };
        if !all(self.mean, f32::is_finite) {
            return Err(SidecarError::Mean);
        }
        if !all(self.scale, |scale| scale.is_finite() && scale != 0.0) {
            return Err(SidecarError::Scale);
        }
        for (input, value) in &self.inputs {
            if let InputValue::Rows(rows) = value
                && rows.iter().any(|row| row.len() != rows[0].len())
            {
                return Err(SidecarError::Rows { input: input.clone() });
            }
        }
        let has_letterbox = self.placement.is_some() || self.fill.is_some();
        if has_letterbox && matches!(self.fit, Some(FitName::Stretch | FitName::Crop)) {
            return Err(SidecarError::LetterboxKeys);
        }
        if let Some(share) = self.crop {
            let is_crop = matches!(self.fit, None | Some(FitName::Crop)) && !has_letterbox;
            if !(is_crop && share > 0.0 && share <= 1.0) {
                return Err(SidecarError::Crop);
            }
        }
        let has_second_model = matches!(self.second, Some(SecondName::Model(_)));
        if !has_second_model && (self.second_classes.is_some() || self.second_confidence.is_some())
        {
            return Err(SidecarError::SecondKeys);
        }
        if self.second_confidence.is_some_and(|least| !(0.0..=1.0).contains(&least)) {
            return Err(SidecarError::SecondConfidence);
        }
        let is_other = |layout: &BoxLayout| Some(layout) != BoxLayout::named("ctc").as_ref();
        if self.blank.is_some() && self.boxes.as_ref().is_some_and(is_other) {
            return Err(SidecarError::Blank);
        }
        if let Some(strides) = &self.strides
            && (strides.is_empty() || strides.contains(&0))
        {
            return Err(SidecarError::Strides);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read() {
        let sidecar = Sidecar::parse(
            r#"
            labels = "coco.txt"
            input_size = { width = 640, height = 384 }
            family = "yunet"
            channel_order = "bgr"
            mean = [1, 2.5, 3]
            scale = 0.5
            fit = "letterbox"
            placement = "top-left"
            fill = 114
            resize = "antialiased-bicubic"
            decode_scale = "auto"
            boxes = "yolox"
            strides = [8, 16, 32]
            anchors = [[10, 13.5], 16]
            first_class = 1
            nms = "class-agnostic"
            second = "second/plates.onnx"
            second_classes = ["plate"]
            second_confidence = 0.75
            inputs = { threshold = 0.5, scale_factor = [1, 2] }
            licence = "Apache-2.0"
            source = "somewhere"
            "#,
        );
        let expected = Sidecar {
            labels: Some(SidecarLabels::File("coco.txt".into())),
            input_size: Some(Size { width: 640, height: 384 }),
            family: Family::named("yunet"),
            channel_order: Some(ChannelOrder::Bgr),
            mean: Some(PerChannel::Each([1.0, 2.5, 3.0])),
            scale: Some(PerChannel::Same(0.5)),
            fit: Some(FitName::Letterbox),
            placement: Some(LetterboxAlign::TopLeft),
            fill: Some(114),
            crop: None,
            resize: Some(ResizeFilter::AntialiasedBicubic),
            decode_scale: Some(DecodeScale::Auto),
            boxes: BoxLayout::named("yolox"),
            strides: Some(vec![8, 16, 32]),
            anchors: Some(vec![[10.0, 13.5], [16.0, 16.0]]),
            first_class: Some(1),
            nms: Some(NmsScope::ClassAgnostic),
            second: Some(SecondName::Model("second/plates.onnx".to_owned())),
            second_classes: Some(vec!["plate".to_owned()]),
            second_confidence: Some(0.75),
            blank: None,
            inputs: BTreeMap::from([
                ("threshold".to_owned(), InputValue::Same(0.5)),
                ("scale_factor".to_owned(), InputValue::Each(vec![1.0, 2.0])),
            ]),
            licence: Some("Apache-2.0".to_owned()),
            source: Some("somewhere".to_owned()),
        };
        assert_eq!(sidecar.unwrap(), expected);
        assert_eq!(Sidecar::parse("").unwrap(), Sidecar::default());
    }

    #[test]
    fn errors_name_the_key_and_what_is_allowed() {
        for (text, fragments) in [
            ("colour = \"bgr\"", &["colour", "channel_order"][..]),
            ("channel_order = \"bgra\"", &["channel_order", "bgra", "`rgb`", "`bgr`"]),
            (
                "boxes = \"ssd\"",
                &["boxes", "`ssd`", "`yolox`", "`decoded-columns` (or `yolov8`)", "`classify`"],
            ),
            ("family = \"yolo\"", &["family", "`yolo`", "`yolox`", "`ultralytics`", "`imagenet`"]),
            ("resize = \"cubic\"", &["resize", "bilinear", "antialiased", "antialiased-bicubic"]),
            ("decode_scale = \"third\"", &["decode_scale", "auto", "full", "quarter"]),
            ("nms = \"none\"", &["nms", "per-class", "class-agnostic"]),
            ("fit = \"squash\"", &["fit", "letterbox", "stretch"]),
            ("placement = \"left\"", &["placement", "top-left", "centre"]),
            ("fill = 300", &["fill", "300", "u8"]),
            ("labels = 3", &["`labels` must be a list of names or the name of a text file"]),
            ("mean = [1, 2]", &["mean", "a number or a list of three numbers"]),
            ("mean = nan", &["`mean`", "finite"]),
            ("scale = 0", &["`scale`", "other than 0"]),
            ("fit = \"stretch\"\nfill = 1", &["`fill`", "letterbox"]),
            ("fit = \"crop\"\nfill = 1", &["`fill`", "letterbox"]),
            ("crop = 1.5", &["`crop`", "at most 1"]),
            ("fit = \"stretch\"\ncrop = 0.5", &["`crop`", "fit = \"crop\""]),
            ("strides = []", &["`strides`"]),
            ("anchors = [[1, 2, 3]]", &["`anchors`", "[width, height]"]),
            ("anchors = [0, 16]", &["`anchors`", "above 0"]),
            ("anchors = []", &["`anchors`"]),
            ("second = \"plates\"", &["`codes`", "an .onnx file", "folder"]),
            ("second = \"../plates.onnx\"", &["an .onnx file in the sidecar's own folder"]),
            ("second_classes = [\"car\"]", &["`second_classes`", "second = \"NAME.onnx\""]),
            ("second = \"codes\"\nsecond_confidence = 0.5", &["`second_confidence`"]),
            ("second = \"a.onnx\"\nsecond_confidence = 2", &["`second_confidence`", "0 to 1"]),
            ("blank = \"middle\"", &["blank", "first", "last"]),
            ("blank = \"last\"\nboxes = \"classify\"", &["`blank`", "boxes = \"ctc\""]),
            ("inputs = { a = \"b\" }", &["inputs", "a number, or a list"]),
            ("inputs = { a = [[1, 2], [3]] }", &["rows of `a`", "equally long"]),
            ("input_size = { width = 4 }", &["input_size", "height"]),
            ("input_size = { width = 4, height = 4, depth = 3 }", &["input_size", "depth"]),
            ("input_size = { width = 0, height = 4 }", &["input_size", "1 to 8192"]),
            ("not toml", &["not toml"]),
        ] {
            let message = Sidecar::parse(text).unwrap_err().to_string();
            for fragment in fragments {
                assert!(message.contains(fragment), "{text}: no `{fragment}` in:\n{message}");
            }
        }
    }
}
