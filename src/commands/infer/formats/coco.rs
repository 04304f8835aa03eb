//! COCO's JSON: images, categories, and detections as annotations that also have a score. pycocotools reads the file
//! as a data set, and its annotations as results.
//!
//! Annotations are written as they come, images at the end: only what is known of these is kept. Boxes and scores have
//! all their digits, as rounded ones change the order of boxes and thus their average precision. What COCO has no key
//! for, the text of a code among it, has the key that it has in the lines of JSON.

use std::io::{self, BufWriter, Write};

use framegate_barcodes::{BarcodeFormat, Content};
use serde::Serialize;

use super::{ResultWriter, VideoPosition, place_of, result_of};
use crate::commands::CommandError;
use crate::engine::FinishedFrame;
use crate::stages::{Detection, Mask};

pub(super) struct Coco<'a> {
    out: BufWriter<&'a mut dyn Write>,
    images: Vec<Image>,
    annotations: usize,
}

#[derive(Serialize)]
struct Category<'a> {
    id: usize,
    name: &'a str,
}

#[derive(Serialize)]
struct Image {
    /// From 1, in the order given.
    id: usize,
    file_name: String,
    width: usize,
    height: usize,
    #[serde(flatten)]
    place: Option<VideoPosition>,
}

#[derive(Serialize)]
struct Annotation<'a> {
    id: usize,
    image_id: usize,
    category_id: usize,
    bbox: [f32; 4],
    area: f32,
    iscrowd: u8,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation: Option<&'a Mask>,
    /// `x, y, visibility` of each key point: 2, it is seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keypoints: Vec<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<BarcodeFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    angle: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    corners: Option<[[f32; 2]; 4]>,
}

#[derive(Serialize)]
struct Info {
    description: &'static str,
    /// Whether the run was ended early, so that images are missing.
    partial: bool,
}

impl<'a> Coco<'a> {
    /// Writes the categories, whose numbers are the model's.
    pub(super) fn begin(out: &'a mut dyn Write, labels: &[String]) -> Result<Self, CommandError> {
        let mut out = BufWriter::new(out);
        let categories = labels.iter().enumerate().map(|(id, name)| Category { id, name });
        out.write_all(b"{\"categories\":")?;
        write_json(&mut out, &categories.collect::<Vec<_>>())?;
        out.write_all(b",\n\"annotations\":[")?;
        Ok(Self { out, images: Vec::new(), annotations: 0 })
    }
}

impl ResultWriter for Coco<'_> {
    fn write(&mut self, frame: &FinishedFrame) -> Result<(), CommandError> {
        let Some(result) = result_of(frame) else { return Ok(()) };
        let (file_name, place) = place_of(&frame.tag);
        let image_id = self.images.len() + 1;
        self.images.push(Image {
            id: image_id,
            file_name,
            width: result.size.width,
            height: result.size.height,
            place,
        });
        for detection in &result.detections {
            let separator: &[u8] = if self.annotations == 0 { b"\n" } else { b",\n" };
            self.annotations += 1;
            self.out.write_all(separator)?;
            write_json(&mut self.out, &annotation(detection, self.annotations, image_id))?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        // A half of it cannot be read.
        Ok(())
    }

    fn finish(mut self: Box<Self>, partial: bool) -> Result<(), CommandError> {
        self.out.write_all(b"],\n\"images\":")?;
        write_json(&mut self.out, &self.images)?;
        self.out.write_all(b",\n\"info\":")?;
        let info = Info { description: "Detections by framegate infer", partial };
        write_json(&mut self.out, &info)?;
        self.out.write_all(b"}\n")?;
        Ok(self.out.flush()?)
    }
}

fn annotation(detection: &Detection, id: usize, image_id: usize) -> Annotation<'_> {
    let Detection { x, y, width, height, .. } = *detection;
    let points = detection.keypoints.iter();
    let points = points.flat_map(|[x, y, _]| [*x, *y, 2.0]);
    Annotation {
        id,
        image_id,
        category_id: detection.class_id,
        bbox: [x, y, width, height],
        area: width * height,
        iscrowd: 0,
        score: detection.score,
        segmentation: detection.mask.as_ref(),
        keypoints: points.collect(),
        text: detection.text.as_deref(),
        format: detection.format,
        content: detection.content,
        angle: detection.angle,
        corners: detection.corners,
    }
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    Ok(serde_json::to_writer(out, value)?)
}
