//! The library's face: frames in the caller's memory, one by one and in batches.

use std::path::Path;

use framegate::stages::{DecodeLimits, Decoder};
use framegate::{
    Detection, Frame, FrameError, FrameErrorCode, FrameResult, Pipeline, PipelineOptions, RgbImage,
};

use crate::support::backends::usable;
use crate::support::images::GENERATED;

/// The built-in model, for batches of up to three.
fn pipeline() -> Option<Pipeline> {
    let backend = usable("simd")?;
    let options = PipelineOptions { max_batch: 3, threads: 2, ..PipelineOptions::default() };
    Some(Pipeline::load_on("codes", backend.as_ref(), &options).unwrap())
}

fn jpeg(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(GENERATED).join(name)).unwrap()
}

fn detections(result: Result<FrameResult, FrameError>) -> Vec<Detection> {
    result.unwrap().detections
}

#[test]
fn frames_of_every_form_give_the_same() {
    let Some(mut pipeline) = pipeline() else { return };
    let jpeg = jpeg("several.jpg");
    let mut image = RgbImage::default();
    Decoder::new(DecodeLimits::DEFAULT).decode(&jpeg, &mut image).unwrap();
    let expected = detections(pipeline.detect(&jpeg));
    assert!(expected.len() >= 2);
    let view = image.view();
    for frame in [Frame::Jpeg(&jpeg), Frame::Image(&image), Frame::Rows(&view)] {
        assert_eq!(detections(pipeline.detect_frame(frame)), expected);
    }
}

#[test]
fn a_frame_that_fails_costs_no_other_of_its_batch() {
    let Some(mut pipeline) = pipeline() else { return };
    let names = ["aztec.jpg", "qr_code.jpg", "several.jpg", "linear.jpg"];
    let jpegs = names.map(jpeg);
    let alone: Vec<_> = jpegs.iter().map(|jpeg| detections(pipeline.detect(jpeg))).collect();
    let bad = b"no JPEG";
    // Batches of three: one without failures is first, a batch of failures is last.
    let frames: Vec<Frame<'_>> =
        [&jpegs[0], &jpegs[1], &jpegs[2], &bad[..], &jpegs[3], bad, bad].map(Frame::Jpeg).to_vec();
    let results = pipeline.detect_batch(&frames);
    assert_eq!(results.len(), frames.len());
    let mut good = alone.into_iter();
    for (index, result) in results.into_iter().enumerate() {
        match index {
            3 | 5 | 6 => assert_eq!(result.unwrap_err().code, FrameErrorCode::DecodeFailed),
            _ => assert_eq!(detections(result), good.next().unwrap()),
        }
    }
    assert!(pipeline.detect_batch(&[]).is_empty());
}
