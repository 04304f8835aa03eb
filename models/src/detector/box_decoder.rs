//! The layouts in which detectors put out their boxes.

use std::fmt;

/// How raw outputs become boxes, classes and scores. `N` is the number of candidates, `C` of classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoxDecoder {
    /// `[1, N, 5 + C]`: centre offset and log size in units of the stride, objectness, classes; one
    /// candidate a grid cell, grids row by row in the order of `strides`.
    Yolox {
        /// Cell sizes in input pixels, in the order of the candidates.
        strides: Vec<usize>,
    },
    /// `[1, 4 + C, N]`: centre and size in input pixels, then classes.
    Yolov8,
    /// `[1, N, 5 + C]`: centre and size in input pixels, objectness, classes.
    Yolov5,
    /// `[1, N, 6]`: corners in input pixels, score, class; already without overlaps.
    End2end,
    /// Twelve outputs `cls_S`, `obj_S`, `bbox_S`, `kps_S` for each stride `S`: faces, with
    /// score √(class × objectness).
    Yunet {
        /// Cell sizes in input pixels, ascending.
        strides: Vec<usize>,
    },
    /// `[1, C]`: one score a class for the whole image; the box is the frame.
    Classify,
}

impl BoxDecoder {
    /// The name used in sidecar files: `yolox`, `yolov8`, `yolov5`, `end2end`, `yunet`, `classify`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Yolox { .. } => "yolox",
            Self::Yolov8 => "yolov8",
            Self::Yolov5 => "yolov5",
            Self::End2end => "end2end",
            Self::Yunet { .. } => "yunet",
            Self::Classify => "classify",
        }
    }
}

impl fmt::Display for BoxDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
