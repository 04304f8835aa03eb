//! The path for files and pipes, on the scalar reference and on a backend that fails as scripted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use bytes::Bytes;
use framegate::engine::{
    FinishedFrame, FrameError, FrameErrorCode, FrameOrigin, Offline, SourceFrame,
};
use framegate::stages::{
    BoxStage, DecodeLimits, Orientation, RgbImage, Stage, StageTimes, Thresholds,
};
use framegate_backend_api::{Backend, BackendError, Limits};
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};

use crate::support::colours::{COLOURS, colour_detector};
use crate::support::images::plain;

fn good(number: usize) -> SourceFrame {
    let (_, rgb) = COLOURS[number % 3];
    let jpeg = Bytes::from(plain(20, 10, rgb));
    SourceFrame::new(FrameOrigin::Stream { number }, Ok(jpeg))
}

fn broken(number: usize) -> SourceFrame {
    let mut frame = good(number);
    frame.payload = Ok(Bytes::from_static(b"\xFF\xD8 no image").into());
    frame
}

/// Runs frames through the colour detector; `deliver` as in [`Offline::run`].
fn run<E>(
    backend: &dyn Backend,
    max_batch: usize,
    frames: impl Iterator<Item = SourceFrame> + Send + 'static,
    deliver: impl FnMut(Vec<FinishedFrame>) -> Result<(), E>,
) -> Result<(), E> {
    let detector = colour_detector();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let mut session = backend.load(&detector.model, &Limits { max_batch, threads: 1 }).unwrap();
    let offline = Offline {
        reader: None,
        detector: &detector,
        boxes: BoxStage::new(&detector, Thresholds { confidence: 0.5, iou: 0.45 }).unwrap(),
        pool: &pool,
        decode: DecodeLimits::DEFAULT.into(),
        max_batch,
    };
    offline.run(session.as_mut(), frames, deliver)
}

fn collect(
    backend: &dyn Backend,
    max_batch: usize,
    frames: Vec<SourceFrame>,
) -> Vec<FinishedFrame> {
    let mut finished = Vec::new();
    let delivered = run(backend, max_batch, frames.into_iter(), |batch| {
        assert!((1..=max_batch).contains(&batch.len()));
        finished.extend(batch);
        Ok::<_, ()>(())
    });
    assert_eq!(delivered, Ok(()));
    finished
}

/// Asserts that a frame got the one detection that its number promises.
fn assert_found(frame: &FinishedFrame, number: usize) {
    assert_eq!(frame.tag, FrameOrigin::Stream { number });
    let result = frame.result.as_ref().unwrap_or_else(|error| panic!("frame {number}: {error}"));
    let labels: Vec<&str> = result.detections.iter().map(|found| &*found.label).collect();
    assert_eq!(labels, [COLOURS[number % 3].0], "frame {number}");
    assert_eq!((result.size.width, result.size.height), (20, 10));
}

fn code(frame: &FinishedFrame) -> Option<FrameErrorCode> {
    frame.result.as_ref().err().map(|error| error.code)
}

#[test]
fn every_frame_comes_out_in_order_and_bad_ones_leave_no_gap() {
    let is_bad = |number: usize| number % 5 == 1 || number % 7 == 3;
    for max_batch in [1, 4, 16] {
        let frames = (0..50).map(|n| if is_bad(n) { broken(n) } else { good(n) }).collect();
        let finished = collect(&ReferenceBackend, max_batch, frames);
        assert_eq!(finished.len(), 50);
        for (number, frame) in finished.iter().enumerate() {
            if is_bad(number) {
                assert_eq!(frame.tag, FrameOrigin::Stream { number });
                assert_eq!(code(frame), Some(FrameErrorCode::DecodeFailed));
            } else {
                assert_found(frame, number);
            }
        }
    }
}

/// An image as a video or a camera yields it.
fn decoded(number: usize) -> RgbImage {
    let (_, rgb) = COLOURS[number % 3];
    let (width, height) = (20, 10);
    let orientation = Orientation::Upright;
    RgbImage { pixels: rgb.repeat(width * height), width, height, orientation }
}

#[test]
fn decoded_images_enter_at_the_resize() {
    // JPEGs and images in the same batches.
    let frames = (0..20).map(|number| match number % 2 {
        0 => good(number),
        _ => SourceFrame::new(FrameOrigin::Stream { number }, Ok(decoded(number))),
    });
    let finished = collect(&ReferenceBackend, 4, frames.collect());
    assert_eq!(finished.len(), 20);
    for (number, frame) in finished.iter().enumerate() {
        assert_found(frame, number);
        let timings: StageTimes = frame.result.as_ref().unwrap().timings;
        assert_eq!(timings[Stage::Decode].is_zero(), number % 2 == 1, "frame {number}");
        assert!(!timings[Stage::Resize].is_zero() && !timings[Stage::Inference].is_zero());
    }
}

#[test]
fn a_decoded_image_must_be_within_the_limits_and_have_its_pixels() {
    let image = |width: usize, height: usize, bytes: usize| {
        let pixels = vec![0; bytes];
        RgbImage { pixels, width, height, orientation: Orientation::Upright }
    };
    let refused = [
        (image(8193, 1, 8193 * 3), "image of 8193x1 pixels is too large"),
        (image(20, 10, 20 * 10 * 3 - 1), "image of 20x10 pixels with 599 bytes"),
        (image(20, 10, 20 * 10 * 4), "image of 20x10 pixels with 800 bytes"),
        (image(0, 10, 0), "image of 0x10 pixels with 0 bytes"),
    ];
    for (image, detail) in refused {
        let tag = FrameOrigin::Stream { number: 1 };
        let frames = vec![SourceFrame::new(tag, Ok(image)), good(0)];
        let finished = collect(&ReferenceBackend, 2, frames);
        assert_eq!(code(&finished[0]), Some(FrameErrorCode::DecodeFailed));
        let found = finished[0].result.as_ref().unwrap_err().to_string();
        assert!(found.starts_with(detail), "{found}");
        assert_found(&finished[1], 0);
    }
}

#[test]
fn a_source_without_frames_is_not_an_error() {
    assert!(collect(&ReferenceBackend, 4, Vec::new()).is_empty());
}

#[test]
fn a_frame_that_could_not_be_read_keeps_its_error() {
    let error = FrameError::new(FrameErrorCode::ReadFailed, "gone");
    let mut frames = vec![good(0), good(1), good(2)];
    frames[1].payload = Err(error.clone());
    let finished = collect(&ReferenceBackend, 4, frames);
    assert_found(&finished[0], 0);
    assert_eq!(finished[1].result.as_ref().err(), Some(&error));
    assert_found(&finished[2], 2);
}

#[test]
fn a_failing_or_panicking_session_costs_the_frames_at_hand() {
    let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
    let script =
        [Outcome::Success, Outcome::Failure(lost), Outcome::Success, Outcome::Panic("scripted")];
    let backend =
        FakeBackend::new(script.map(Call::instant), Call::instant(Outcome::Success), |_| {});
    let finished = collect(&backend, 1, (0..6).map(good).collect());
    for (number, frame) in finished.iter().enumerate() {
        if [1, 3].contains(&number) {
            assert_eq!(code(frame), Some(FrameErrorCode::PipelineFailure));
        } else {
            assert_found(frame, number);
        }
    }
}

#[test]
fn a_batch_of_bad_frames_is_not_run() {
    let backend = FakeBackend::new([], Call::instant(Outcome::Panic("called")), |_| {});
    let finished = collect(&backend, 4, (0..9).map(broken).collect());
    assert_eq!(finished.len(), 9);
    assert!(finished.iter().all(|frame| code(frame) == Some(FrameErrorCode::DecodeFailed)));
}

#[test]
fn a_stalled_stream_is_abandoned_when_delivery_fails() {
    let (sender, frames) = mpsc::channel();
    sender.send(good(0)).unwrap();
    let mut delivered = 0;
    // The stream stays open and silent: only the failed delivery can end the run.
    let ended = run(&ReferenceBackend, 4, frames.into_iter(), |batch| {
        delivered += batch.len();
        Err("enough")
    });
    assert_eq!(ended, Err("enough"));
    assert_eq!(delivered, 1);
    drop(sender);
}

#[test]
fn only_a_bounded_number_of_frames_is_under_way() {
    const MAX_BATCH: usize = 3;
    // Frames read ahead, one that the reader holds, two batches before and two after the session, and the
    // one being delivered.
    const BOUND: usize = MAX_BATCH + 1 + 5 * MAX_BATCH;
    let read = Arc::new(AtomicUsize::new(0));
    let counted = {
        let read = Arc::clone(&read);
        (0..200).map(good).inspect(move |_| {
            read.fetch_add(1, Ordering::SeqCst);
        })
    };
    let mut delivered = 0;
    let ended = run(&ReferenceBackend, MAX_BATCH, counted, |batch| {
        let under_way = read.load(Ordering::SeqCst) - delivered;
        assert!(under_way <= BOUND, "{under_way} frames are under way");
        delivered += batch.len();
        Ok::<_, ()>(())
    });
    assert_eq!(ended, Ok(()));
    assert_eq!(delivered, 200);
}
