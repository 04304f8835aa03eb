//! Steps of a frame that allocate nothing: the way from decoded pixels to the batch, and the work of
//! the schedule when a frame arrives.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use framegate::engine::EngineSettings;
use framegate::engine::live::{BatchTimes, Client, Schedule, ServiceTimes};
use framegate::stages::{
    BoxStage, DecodeLimits, DecodeWork, Decoder, FittedImage, FrameTransform, InputWriter,
    Normaliser, Orientation, Preprocessor, RgbImage, Thresholds,
};
use framegate_models::Size;

use crate::boxes::{every_layout, random_outputs};
use crate::support::jpeg::{Coding, declare_size, encode, slopes};
use crate::support::{dirty_slot, yolox_input};

/// The system's allocator, counting what each thread asks of it.
struct Counting;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Allocations {
    calls: usize,
    bytes: usize,
}

thread_local! {
    static ALLOCATED: Cell<Allocations> = const { Cell::new(Allocations { calls: 0, bytes: 0 }) };
}

fn count(bytes: usize) {
    // While a thread ends, its counter is gone and is not asked for.
    let _ = ALLOCATED.try_with(|allocated| {
        let Allocations { calls, bytes: before } = allocated.get();
        allocated.set(Allocations { calls: calls + 1, bytes: before + bytes });
    });
}

#[expect(unsafe_code, reason = "an allocator is an unsafe trait")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `GlobalAlloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What this thread allocates while it does something.
fn allocations(work: impl FnOnce()) -> Allocations {
    let before = ALLOCATED.get();
    work();
    let after = ALLOCATED.get();
    Allocations { calls: after.calls - before.calls, bytes: after.bytes - before.bytes }
}

#[test]
fn the_counter_counts() {
    let counted = allocations(|| drop(black_box(Vec::<u8>::with_capacity(100))));
    assert_eq!(counted, Allocations { calls: 1, bytes: 100 });
}

#[test]
fn from_pixels_to_batch_nothing_is_allocated() {
    let image = |width, height, orientation| RgbImage {
        pixels: slopes(width, height),
        width,
        height,
        orientation,
    };
    let images = [
        image(640, 427, Orientation::Upright),
        image(331, 500, Orientation::Rotate90),
        image(128, 96, Orientation::Transverse),
        image(128, 96, Orientation::Upright),
    ];
    let input = yolox_input(128, 128);
    let mut slot = dirty_slot(&input);
    let mut writer = InputWriter::new(&input);
    let mut write_all = || {
        for image in &images {
            black_box(writer.write(image, &mut slot));
        }
    };
    let first = allocations(&mut write_all);
    assert!(first.calls > 0, "the buffers must have grown");
    let mut write_many = || (0..3).for_each(|_| write_all());
    assert_eq!(allocations(&mut write_many), Allocations::default());
}

/// A reason for our own resize. If this fails, a newer version no longer allocates.
#[test]
fn fast_image_resize_allocates_at_every_call() {
    use fast_image_resize::images::TypedImage;
    use fast_image_resize::pixels::U8x3;
    use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

    let source = TypedImage::<U8x3>::new(640, 427);
    let mut resized = TypedImage::<U8x3>::new(416, 277);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Interpolation(FilterType::Bilinear));
    let mut resizer = Resizer::new();
    let mut resize = || resizer.resize_typed(&source, &mut resized, &options).unwrap();
    resize();
    assert!(allocations(resize).calls > 0);
}

/// What a large frame made a worker's buffers grow to is given back, and a small frame's is kept.
#[test]
fn buffers_that_grew_beyond_a_bound_are_given_back() {
    let (width, height) = (320, 240);
    let jpeg = encode(&slopes(width, height), width, height, Coding::default());
    let bytes = width * height * 3;
    let mut preprocessor = Preprocessor::new(&yolox_input(128, 128), DecodeLimits::LIVE);
    let mut fitted = FittedImage::default();
    let deadline = Instant::now() + Duration::from_secs(3600);
    let mut fit_after = |kept: usize| {
        preprocessor.shrink(kept);
        allocations(|| preprocessor.fit(&jpeg, deadline, &mut fitted).unwrap()).bytes
    };
    fit_after(usize::MAX);
    let kept = fit_after(bytes);
    assert_eq!(fit_after(bytes), kept);
    assert!(fit_after(bytes - 1) >= kept + bytes);
}

#[test]
fn from_fitted_image_to_batch_nothing_is_allocated() {
    let input = yolox_input(128, 128);
    let (mut slot, mut same) = (dirty_slot(&input), dirty_slot(&input));
    let mut fitted = FittedImage::default();
    let mut preprocessor = Preprocessor::new(&input, DecodeLimits::LIVE);
    let image = |pixels: Vec<u8>| RgbImage {
        pixels,
        width: 640,
        height: 427,
        orientation: Orientation::Rotate90,
    };
    let image = image(slopes(640, 427));
    preprocessor.fit_image(&image, &mut fitted).unwrap();
    let normaliser = Normaliser::new(&input);
    let mut fit_again = || {
        preprocessor.fit_image(&image, &mut fitted).unwrap();
        black_box(fitted.normalise(&normaliser, &mut slot));
    };
    fit_again();
    assert_eq!(allocations(&mut fit_again), Allocations::default());
    preprocessor.preprocess_image(&image, &mut same).unwrap();
    assert_eq!(slot, same, "in two steps it is what it is in one");
}

#[test]
fn a_refused_header_allocates_no_pixels() {
    let whole = encode(&slopes(64, 64), 64, 64, Coding::default());
    for (width, height) in [(u16::MAX, u16::MAX), (8193, 8), (8192, 4882), (7000, 5000)] {
        let mut jpeg = whole.clone();
        declare_size(&mut jpeg, width, height);
        let mut decoder = Decoder::new(DecodeLimits::DEFAULT);
        let mut image = RgbImage::default();
        let counted = allocations(|| assert!(decoder.decode(&jpeg, &mut image).is_err()));
        assert!(counted.bytes < 4096, "{width}x{height} allocated {counted:?}");
    }
}

/// What the schedule does when a frame arrives and is not the first to wait: the rate is noted, the capacity
/// worked out, and the frame replaces another.
#[test]
fn an_arrival_allocates_nothing_however_many_streams_there_are() {
    for streams in [10, 1000] {
        let mut service = ServiceTimes::new(8);
        let infer = Duration::from_millis(10);
        service.record(1, BatchTimes { infer, ..BatchTimes::NONE });
        let settings = EngineSettings {
            decode: DecodeLimits::DEFAULT.into(),
            max_batch: 8,
            max_age: Duration::from_secs(1),
            device_check: None,
            read_budget: Duration::from_millis(20),
        };
        let mut schedule: Schedule<usize> = Schedule::new(vec![service], settings, 4);
        let pipeline = schedule.pipelines().next().unwrap();
        let client = Client::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let ids: Vec<_> = (0..streams).map(|_| schedule.open(pipeline, client).unwrap()).collect();
        let now = Instant::now();
        let mut random = fastrand::Rng::with_seed(9);
        let mut arrive_all = || {
            for (frame, id) in ids.iter().enumerate() {
                schedule.report_offered_rate(*id, 60.0 * random.f64(), now);
                black_box(schedule.capacity(*id, now));
                black_box(schedule.offer(*id, now, DecodeWork::NONE, frame));
            }
        };
        assert!(allocations(&mut arrive_all).calls > 0, "the first frames make room");
        assert_eq!(allocations(&mut arrive_all), Allocations::default(), "{streams} streams");
    }
}

#[test]
fn from_raw_outputs_to_detections_nothing_is_allocated() {
    for detector in every_layout() {
        let mut random = fastrand::Rng::with_seed(6);
        let outputs = random_outputs(&detector, 1, &mut random);
        let frame = Size { width: 128, height: 96 };
        let placement = FrameTransform::of(frame, &detector.input);
        let mut stage = BoxStage::new(&detector, Thresholds::DEFAULT).unwrap();
        let mut detections = Vec::new();
        let mut detect = || stage.detect(&outputs, 0, &placement, &mut detections).unwrap();
        detect();
        assert_eq!(allocations(detect), Allocations::default(), "{}", detector.boxes);
        assert!(!detections.is_empty(), "{} found nothing", detector.boxes);
    }
}
