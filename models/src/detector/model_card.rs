//! `preprocessor_config.json` and `config.json`, as Hugging Face's tools and timm write them beside a model: how
//! images were prepared in training, and the names of classes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bounded_text::read_text;
use super::{ChannelOrder, Fit, ResizeFilter, check_input_size};
use crate::Size;
use crate::layouts::Preprocessing;

/// The keys of `preprocessor_config.json` that concern images for a detector.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct ProcessorConfig {
    /// Name of the file that says so.
    #[serde(skip)]
    pub(super) file: &'static str,
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
    rescale_factor: Option<f64>,
    do_rescale: Option<bool>,
    do_normalize: Option<bool>,
    /// Pillow's number of a filter.
    resample: Option<u8>,
    size: Option<ProcessorSize>,
    do_center_crop: Option<bool>,
    /// The size that a crop keeps.
    crop_size: Option<ProcessorSize>,
    /// The same as a share of the image.
    crop_pct: Option<f32>,
}

/// One side, or one number or pair of another kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum ProcessorSize {
    Exact { height: usize, width: usize },
    Shortest { shortest_edge: usize },
    Side(usize),
    Other(serde::de::IgnoredAny),
}

/// The keys of `config.json` that concern a detector.
#[derive(Debug, Deserialize)]
struct ModelConfig {
    id2label: Option<BTreeMap<usize, String>>,
    /// timm's names, which may stand for others.
    label_names: Option<Vec<String>>,
    label_descriptions: Option<BTreeMap<String, String>>,
}

/// `config.json` of timm.
#[derive(Debug, Deserialize)]
struct TimmConfig {
    pretrained_cfg: PretrainedConfig,
}

/// How timm prepared images; channels come first in sizes.
#[derive(Debug, Deserialize)]
struct PretrainedConfig {
    input_size: [usize; 3],
    test_input_size: Option<[usize; 3]>,
    mean: [f32; 3],
    std: [f32; 3],
    interpolation: Option<String>,
    crop_pct: Option<f32>,
    test_crop_pct: Option<f32>,
    crop_mode: Option<String>,
}

impl PretrainedConfig {
    /// The same in the words of a processor, for a file whose input has this size as far as it is fixed.
    fn processor(&self, fixed: [Option<usize>; 2]) -> ProcessorConfig {
        // Models that were also evaluated on larger images than in training have a crop of their own for them.
        let of_test = self.test_input_size.filter(|[_, height, width]| {
            fixed == [Some(*height), Some(*width)] && self.test_input_size != Some(self.input_size)
        });
        let [_, height, width] = of_test.unwrap_or(self.input_size);
        let share = self.test_crop_pct.filter(|_| of_test.is_some()).or(self.crop_pct);
        let is_squashed = self.crop_mode.as_deref() == Some("squash");
        ProcessorConfig {
            file: CONFIG,
            image_mean: Some(self.mean),
            image_std: Some(self.std),
            rescale_factor: None,
            do_rescale: None,
            do_normalize: None,
            resample: match self.interpolation.as_deref() {
                Some("bilinear") => Some(2),
                Some("bicubic") => Some(3),
                _ => None,
            },
            size: Some(ProcessorSize::Exact { height, width }),
            do_center_crop: None,
            crop_size: None,
            crop_pct: (!is_squashed).then(|| share.unwrap_or(TIMM_CROP)),
        }
    }
}

/// The share that timm keeps of images where a model does not say.
const TIMM_CROP: f32 = 0.875;
const PROCESSOR_CONFIG: &str = "preprocessor_config.json";
const CONFIG: &str = "config.json";

impl ProcessorConfig {
    /// Reads it, or what timm writes in its place, for the model at `model`, whose input has this height and
    /// width as far as they are fixed; `None` if there is none, or it is of another kind.
    pub(super) fn beside(model: &Path, fixed: [Option<usize>; 2]) -> Option<Self> {
        let timm = || {
            let (_, config) = read::<TimmConfig>(model, CONFIG)?;
            Some(config.pretrained_cfg.processor(fixed))
        };
        let config = match read::<Self>(model, PROCESSOR_CONFIG) {
            Some((_, config)) => Self { file: PROCESSOR_CONFIG, ..config },
            None => timm()?,
        };
        let deviations = config.image_std.into_iter().flatten().map(f64::from);
        let is_sound = deviations.chain(config.rescale_factor).all(|x| x.is_finite() && x > 0.0)
            && config.image_mean.into_iter().flatten().all(f32::is_finite);
        is_sound.then_some(config)
    }

    /// The preprocessing that it describes; what it leaves out is as in `defaults`.
    pub(super) fn preprocessing(&self, defaults: &Preprocessing) -> Preprocessing {
        let factor = match self.do_rescale {
            Some(false) => 1.0,
            _ => self.rescale_factor.unwrap_or(1.0 / 255.0),
        };
        let (mean, deviation) = match (self.do_normalize, self.image_mean, self.image_std) {
            (Some(false), ..) => ([0.0; 3], [1.0; 3]),
            (_, Some(mean), Some(deviation)) => (mean, deviation),
            _ => return *defaults,
        };
        Preprocessing {
            channel_order: ChannelOrder::Rgb,
            // `(x · factor − mean) / deviation` is `(x − mean / factor) · factor / deviation`.
            mean: mean.map(|mean| (f64::from(mean) / factor) as f32),
            scale: deviation.map(|deviation| (factor / f64::from(deviation)) as f32),
            fit: self.crop().map_or(Fit::Stretch, |share| Fit::Crop { share }),
            resize: match self.resample {
                Some(2) => ResizeFilter::Antialiased,
                Some(3) => ResizeFilter::AntialiasedBicubic,
                _ => defaults.resize,
            },
        }
    }

    /// The input size, if it is one for all images.
    pub(super) fn size(&self) -> Option<Size> {
        let cropped = self.crop_size.as_ref().filter(|_| self.do_center_crop == Some(true));
        check_input_size(cropped.or(self.size.as_ref())?.fixed(self.crop().is_some())?).ok()
    }

    /// The share of an image's sides that is kept, if its middle is.
    fn crop(&self) -> Option<f32> {
        if let Some(share) = self.crop_pct {
            return (share > 0.0 && share <= 1.0).then_some(share);
        }
        let Some(ProcessorSize::Shortest { shortest_edge }) = self.size else { return None };
        let Size { width, height } = match self.do_center_crop {
            Some(true) => self.crop_size.as_ref()?.fixed(true)?,
            _ => return None,
        };
        let share = width.max(height) as f32 / shortest_edge as f32;
        (share > 0.0 && share <= 1.0).then_some(share)
    }
}

impl ProcessorSize {
    /// The size, if images of all proportions are brought to it; a shortest side is one where they are cropped.
    fn fixed(&self, cropped: bool) -> Option<Size> {
        match *self {
            Self::Exact { height, width } => Some(Size { width, height }),
            Self::Shortest { shortest_edge: side } if cropped => {
                Some(Size { width: side, height: side })
            }
            Self::Side(side) => Some(Size { width: side, height: side }),
            Self::Shortest { .. } | Self::Other(_) => None,
        }
    }
}

/// The names of classes in `config.json`, if they are numbered from 0 without a gap.
pub(super) fn labels_beside(model: &Path) -> Option<(Vec<String>, PathBuf)> {
    let (path, config) = read::<ModelConfig>(model, CONFIG)?;
    if let Some(names) = config.label_names.filter(|names| !names.is_empty()) {
        let descriptions = config.label_descriptions.unwrap_or_default();
        let described = |name: String| descriptions.get(&name).cloned().unwrap_or(name);
        return Some((names.into_iter().map(described).collect(), path));
    }
    let labels = config.id2label.filter(|labels| !labels.is_empty())?;
    let is_dense = labels.keys().copied().eq(0..labels.len());
    is_dense.then(|| (labels.into_values().collect(), path))
}

/// Reads a file beside the model, or beside its folder `onnx`, where model hubs keep ONNX files.
fn read<T: DeserializeOwned>(model: &Path, name: &str) -> Option<(PathBuf, T)> {
    let folder = model.parent()?;
    let hub = folder.file_name().filter(|name| *name == "onnx").and_then(|_| folder.parent());
    [Some(folder), hub].into_iter().flatten().find_map(|folder| {
        let path = folder.join(name);
        let text = read_text(&path).ok()?;
        Some((path, serde_json::from_str(&text).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layouts::Family;

    fn config(text: &str) -> ProcessorConfig {
        serde_json::from_str(text).unwrap()
    }

    fn defaults() -> Preprocessing {
        Family::named("ultralytics").unwrap().preprocessing
    }

    #[test]
    fn normalisation_is_on_the_scale_of_pixels() {
        let config = config(
            r#"{ "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
                 "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
                 "resample": 2, "size": { "height": 640, "width": 512 }, "anything": { "else": 1 } }"#,
        );
        let read = config.preprocessing(&defaults());
        assert!((read.mean[0] - 123.675).abs() < 1e-3, "{read:?}");
        assert!((read.scale[2] - 1.0 / (255.0 * 0.225)).abs() < 1e-6, "{read:?}");
        assert_eq!((read.fit, read.resize), (Fit::Stretch, ResizeFilter::Antialiased));
        assert_eq!(config.size(), Some(Size { width: 512, height: 640 }));
    }

    #[test]
    fn what_is_cropped_is_the_middle() {
        let cropped = config(
            r#"{ "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
                 "do_center_crop": true, "size": { "shortest_edge": 256 },
                 "crop_size": { "height": 224, "width": 224 } }"#,
        );
        let side = Size { width: 224, height: 224 };
        let fit = Fit::Crop { share: 0.875 };
        assert_eq!((cropped.preprocessing(&defaults()).fit, cropped.size()), (fit, Some(side)));
        let share = config(
            r#"{ "image_mean": [0, 0, 0], "image_std": [1, 1, 1], "crop_pct": 0.95,
                 "size": { "shortest_edge": 224 } }"#,
        );
        let fit = Fit::Crop { share: 0.95 };
        assert_eq!((share.preprocessing(&defaults()).fit, share.size()), (fit, Some(side)));
    }

    #[test]
    fn timm_says_what_it_means_in_other_words() {
        let timm = |more: &str, fixed| {
            let text = format!(
                r#"{{ "architecture": "x", "pretrained_cfg": {{ "input_size": [3, 224, 192],
                     "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic",
                     "crop_pct": 0.9 {more} }} }}"#
            );
            let config: TimmConfig = serde_json::from_str(&text).unwrap();
            let config = config.pretrained_cfg.processor(fixed);
            (config.preprocessing(&defaults()), config.size().unwrap())
        };
        let (read, size) = timm("", [None; 2]);
        assert_eq!((read.mean, size), ([127.5; 3], Size { width: 192, height: 224 }));
        assert_eq!(read.resize, ResizeFilter::AntialiasedBicubic);
        assert_eq!(read.fit, Fit::Crop { share: 0.9 });
        let test = r#", "test_input_size": [3, 288, 288], "test_crop_pct": 1.0"#;
        let (read, size) = timm(test, [Some(288); 2]);
        let larger = Size { width: 288, height: 288 };
        assert_eq!((read.fit, size), (Fit::Crop { share: 1.0 }, larger));
        assert_eq!(timm(test, [None; 2]).0.fit, Fit::Crop { share: 0.9 });
        assert_eq!(timm(r#", "crop_mode": "squash""#, [None; 2]).0.fit, Fit::Stretch);
    }

    #[test]
    fn what_is_switched_off_does_not_happen() {
        let only_scaled = config(r#"{ "do_normalize": false, "image_mean": [1, 1, 1] }"#);
        let read = only_scaled.preprocessing(&defaults());
        assert_eq!((read.mean, read.scale), ([0.0; 3], [1.0 / 255.0; 3]));
        let raw = config(r#"{ "do_normalize": false, "do_rescale": false, "resample": 3 }"#);
        let read = raw.preprocessing(&defaults());
        assert_eq!((read.scale, read.resize), ([1.0; 3], ResizeFilter::AntialiasedBicubic));
        let unknown = config(r#"{ "size": { "shortest_edge": 800, "longest_edge": 1333 } }"#);
        assert_eq!(unknown.preprocessing(&defaults()), defaults());
        assert_eq!(unknown.size(), None);
        assert_eq!(config(r#"{ "size": 224 }"#).size(), Some(Size { width: 224, height: 224 }));
    }
}
