//! A frame and its tiles as one batch, for objects that are small in the whole frame.

use framegate_models::Detector;
use rayon::prelude::*;

use super::frame::{find, infer};
use super::{Pipeline, PipelineError, PipelineOptions};
use crate::engine::reading::FrameView;
use crate::engine::{FinishedFrame, FrameError, FrameResult, SourceFrame, panics};
use crate::stages::{
    ColourFrame, Decoder, FramePart, MAX_DETECTIONS, Preprocessed, Preprocessor, RgbImage, Stage,
    StageTimes, Tiling, merge_tiles,
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
        frame: FrameView<'_>,
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
        frame: FrameView<'_>,
        tiling: Tiling,
    ) -> Result<FrameResult, FrameError> {
        let mut decoded = RgbImage::default();
        let mut times = StageTimes::ZERO;
        let (frame, whole) = match frame {
            FrameView::Jpeg(jpeg) => {
                let mut decoder = Decoder::new(self.options.decode);
                times.measure(Stage::Decode, || {
                    panics::contain("decode", || decoder.decode(jpeg, &mut decoded))
                })??;
                if decoder.lost() > 0 {
                    tracing::warn!(
                        lost_mcus = decoder.lost(),
                        "damaged data: a part of the frame is grey"
                    );
                }
                (ColourFrame::of_image(&decoded), self.whole(FrameView::Image(&decoded))?)
            }
            FrameView::Image(image) => (ColourFrame::of_image(image), self.whole(frame)?),
            FrameView::Yuv(image) => {
                let whole = self.whole(frame)?;
                (ColourFrame::of_yuv(image), whole)
            }
            FrameView::Rows(rows) => (ColourFrame::of_rows(rows), self.whole(frame)?),
        };
        let size = whole.transform.frame;
        let mut parts = tiling.tiles(size, self.loaded.detector.input.size());
        let mut preprocessed = vec![whole];
        preprocessed.extend(self.tiles(&frame, &parts)?);
        self.input.set_len(preprocessed.len());
        let inference = infer(self.loaded.session.as_mut(), &self.input, &mut self.outputs)?;
        times[Stage::Inference] = inference;
        parts.insert(0, FramePart::whole(size));
        // Each result has the time of the whole batch.
        let add = [Stage::Decode, Stage::Resize, Stage::Normalise, Stage::Postprocess];
        let mut found = Vec::with_capacity(parts.len());
        for (image, (part, preprocessed)) in parts.into_iter().zip(preprocessed).enumerate() {
            let boxes = &mut self.loaded.boxes;
            let place = (&self.outputs, image);
            let result = find(boxes, &self.selection, place, preprocessed, inference)?;
            add.into_iter().for_each(|stage| times[stage] += result.timings[stage]);
            found.push((part, result.detections));
        }
        let limit = self.selection.max_detections.min(MAX_DETECTIONS);
        let (iou, scope) = (self.selection.thresholds.iou, self.loaded.detector.nms);
        let detections =
            times.measure(Stage::Postprocess, || merge_tiles(size, found, iou, scope, limit));
        Ok(FrameResult { size, detections, tensors: Vec::new(), timings: times })
    }

    /// Writes the whole frame into the first slot.
    fn whole(&mut self, frame: FrameView<'_>) -> Result<Preprocessed, FrameError> {
        let preprocessor = &mut self.preprocessors[0];
        let slot = self.input.slots_mut().next().expect("there is room for tiles");
        let written = panics::contain("preprocess", || match frame {
            FrameView::Jpeg(jpeg) => preprocessor.preprocess(jpeg, slot),
            FrameView::Image(image) => preprocessor.preprocess_image(image, slot),
            FrameView::Yuv(image) => preprocessor.preprocess_yuv(image, slot),
            FrameView::Rows(rows) => preprocessor.preprocess_rows(rows, slot),
        });
        // A panic may have left its buffers half written.
        Ok(written.inspect_err(|_| self.renew(0))??)
    }

    /// Writes tiles into the slots after the first, in parallel.
    fn tiles(
        &mut self,
        frame: &ColourFrame<'_>,
        parts: &[FramePart],
    ) -> Result<Vec<Preprocessed>, FrameError> {
        let slots: Vec<&mut [f32]> = self.input.slots_mut().skip(1).collect();
        let preprocessors = self.preprocessors[1..].par_iter_mut();
        let written: Vec<Result<Preprocessed, FrameError>> = self.pool.install(|| {
            let tasks = parts.par_iter().zip(slots).zip(preprocessors);
            let written = tasks.map(|((part, slot), preprocessor)| {
                let FramePart { left, top, size } = *part;
                let (right, bottom) = (left + size.width, top + size.height);
                let tile = frame.part([left, top, right, bottom].map(|edge| edge as f32));
                let work = || preprocessor.preprocess_rows(&tile, slot);
                panics::contain("preprocess", work)?.map_err(FrameError::from)
            });
            written.collect()
        });
        let written: Result<Vec<_>, _> = written.into_iter().collect();
        written.inspect_err(|_| (1..self.preprocessors.len()).for_each(|index| self.renew(index)))
    }

    fn renew(&mut self, index: usize) {
        let input = &self.loaded.detector.input;
        self.preprocessors[index] = Preprocessor::new(input, self.options.decode);
    }
}
