//! A frame and its tiles as one batch, for objects that are small in the whole frame.

use framegate_models::Detector;
use rayon::prelude::*;

use super::{Pipeline, PipelineError, PipelineOptions};
use crate::engine::{
    BatchImage, FinishedFrame, Frame, FrameError, FrameResult, SourceFrame, panics, warn_of_damage,
};
use crate::stages::{
    ColourFrame, Decoder, FramePart, MAX_DETECTIONS, Preprocessed, RgbImage, Stage, StageTimes,
    Tiling, merge_tiles,
};

/// Refuses tiles where what a model says of them cannot be put together.
pub(super) fn check(detector: &Detector, options: &PipelineOptions) -> Result<(), PipelineError> {
    if options.tiles.is_none() {
        return Ok(());
    }
    let layout = detector.boxes.name();
    if detector.boxes.reports_tensors() || matches!(layout, "classify" | "ctc") {
        let problem = format!("a model of layout `{layout}` finds no objects");
        return Err(PipelineError::Tiles { problem });
    }
    if options.masks {
        let problem = "masks of tiles are not put together; leave masks out".to_owned();
        return Err(PipelineError::Tiles { problem });
    }
    Ok(())
}

impl Pipeline {
    /// Detects objects in a frame and its tiles, and reads what is in them if there is a reader and texts are selected.
    pub(super) fn detect_in_tiles(
        &mut self,
        frame: Frame<'_>,
        tiling: Tiling,
    ) -> Result<FrameResult, FrameError> {
        self.make_room(1 + tiling.most());
        let mut result = self.find_in_tiles(frame, tiling)?;
        if let Some(reader) = self.reader() {
            reader.read_all(frame, &mut result, self.options.read);
        }
        Ok(result)
    }

    /// The same for a frame of a source.
    pub(super) fn finish_in_tiles(&mut self, frame: SourceFrame, tiling: Tiling) -> FinishedFrame {
        let SourceFrame { tag, payload, .. } = frame;
        match payload {
            Ok(payload) => {
                let result = self.detect_in_tiles((&payload).into(), tiling);
                FinishedFrame { tag, payload: Some(payload), result }
            }
            Err(error) => FinishedFrame { tag, payload: None, result: Err(error) },
        }
    }

    fn find_in_tiles(
        &mut self,
        frame: Frame<'_>,
        tiling: Tiling,
    ) -> Result<FrameResult, FrameError> {
        let mut decoded = RgbImage::default();
        let mut times = StageTimes::ZERO;
        let slot = self.input.slots_mut().next().expect("there is room for tiles");
        let mut whole = |frame: Frame<'_>| self.preprocessors.preprocess(frame, slot);
        let (frame, whole) = match frame {
            Frame::Jpeg(jpeg) => {
                let mut decoder = Decoder::new(self.options.decode);
                times.measure(Stage::Decode, || {
                    panics::contain("decode", || decoder.decode(jpeg, &mut decoded))
                })??;
                warn_of_damage(decoder.lost());
                (ColourFrame::of_image(&decoded), whole(Frame::Image(&decoded))?)
            }
            Frame::Image(image) => (ColourFrame::of_image(image), whole(frame)?),
            Frame::Yuv(image) => {
                // Checks its planes, which are converted then.
                let whole = whole(frame)?;
                (ColourFrame::of_yuv(image), whole)
            }
            Frame::Rows(rows) => (ColourFrame::of_rows(rows), whole(frame)?),
        };
        let size = whole.transform.frame;
        let mut parts = tiling.tiles(size, self.loaded.detector.input.size());
        let mut preprocessed = vec![whole];
        preprocessed.extend(self.preprocess_tiles(&frame, &parts)?);
        let inference = self.infer(preprocessed.len())?;
        times[Stage::Inference] = inference;
        parts.insert(0, FramePart::whole(size));
        // Each result has the time of the whole batch.
        let add = [Stage::Decode, Stage::Resize, Stage::Normalise, Stage::Postprocess];
        let mut found = Vec::with_capacity(parts.len());
        for (index, (part, preprocessed)) in parts.into_iter().zip(preprocessed).enumerate() {
            let result = self.found(BatchImage { index, preprocessed }, inference)?;
            add.into_iter().for_each(|stage| times[stage] += result.timings[stage]);
            found.push((part, result.detections));
        }
        let limit = self.selection.max_detections.min(MAX_DETECTIONS);
        let (iou, scope) = (self.selection.thresholds.iou, self.loaded.detector.nms);
        let detections =
            times.measure(Stage::Postprocess, || merge_tiles(size, found, iou, scope, limit));
        Ok(FrameResult { size, detections, tensors: Vec::new(), timings: times })
    }

    /// Writes tiles of the frame into the slots after the first, in parallel.
    fn preprocess_tiles(
        &mut self,
        frame: &ColourFrame<'_>,
        parts: &[FramePart],
    ) -> Result<Vec<Preprocessed>, FrameError> {
        let preprocessors = &self.preprocessors;
        let slots: Vec<&mut [f32]> = self.input.slots_mut().skip(1).collect();
        let written: Vec<Result<Preprocessed, FrameError>> = self.pool.install(|| {
            let written = parts.par_iter().zip(slots).map(|(part, slot)| {
                let FramePart { left, top, size } = *part;
                let (right, bottom) = (left + size.width, top + size.height);
                let tile = frame.part([left, top, right, bottom].map(|edge| edge as f32));
                preprocessors.preprocess(Frame::Rows(&tile), slot)
            });
            written.collect()
        });
        written.into_iter().collect()
    }
}
