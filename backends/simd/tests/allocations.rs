//! Once a session is warm, a batch allocates nothing, on any thread.
//!
//! A test binary of its own, with a single test, because the count covers all threads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use framegate_backend_api::graph::{
    Activation, Binary, Convolution, GraphBuilder, Operator, Padding, TopK,
};
use framegate_backend_api::{Backend, HostTensor, InputBatch, Limits, Model, OutputBatch};
use framegate_backend_simd::{Level, Precision, SimdBackend, SimdOptions};

/// The system's allocator, with a count of its calls.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator is an unsafe trait")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `GlobalAlloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_batch_allocates_nothing_once_the_session_is_warm() {
    for precision in [Precision::F32, Precision::Bf16] {
        let level = Level::best(precision);
        if level.has(precision) {
            check(SimdOptions { level, precision });
        }
    }
}

fn check(options: SimdOptions) {
    let limits = Limits { max_batch: 5, threads: 2 };
    let backend = SimdBackend::new(options);
    let before = CALLS.load(Ordering::Relaxed);
    let mut session = backend.load(&model(), &limits).unwrap();
    assert!(CALLS.load(Ordering::Relaxed) > before, "loading must be counted");
    let mut batch = InputBatch::new([3, 40, 40], 5);
    let mut out = OutputBatch::default();
    // Of five images, two threads take two each and share the last one.
    for len in [5, 1] {
        batch.set_len(len);
        session.infer(&batch, &mut out).unwrap();
    }
    let before = CALLS.load(Ordering::Relaxed);
    for len in [1, 2, 5, 1, 4] {
        batch.set_len(len);
        session.infer(&batch, &mut out).unwrap();
    }
    assert_eq!(CALLS.load(Ordering::Relaxed), before);
}

/// A model of kernels and scalar operators, some of them on integers.
fn model() -> Model {
    let mut builder = GraphBuilder::new("x", [1, 3, 40, 40]);
    let weights = |builder: &mut GraphBuilder, shape: &[usize]| {
        let elements = (0..shape.iter().product()).map(|i: usize| (i % 7) as f32 * 0.01).collect();
        builder.constant("w", HostTensor::from_f32(shape, elements))
    };
    let convolution = |groups, activation| {
        let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
        let (stride, dilation) = ([1, 1], [1, 1]);
        Operator::Convolution(Convolution { stride, dilation, padding, groups, activation })
    };
    let w = weights(&mut builder, &[20, 3, 3, 3]);
    let x = builder.input();
    let first = builder.push("first", convolution(1, Some(Activation::Silu)), &[x, w]).unwrap();
    let w = weights(&mut builder, &[20, 1, 3, 3]);
    let deep = builder.push("depthwise", convolution(20, None), &[first, w]).unwrap();
    let w = weights(&mut builder, &[20, 20, 3, 3]);
    let deep = builder.push("direct", convolution(1, None), &[deep, w]).unwrap();
    let sum = builder.push("sum", Operator::Binary(Binary::Add), &[deep, first]).unwrap();
    // Convolutions between quantised numbers: one by Winograd's filtering, and one with a filter per channel.
    let (scale, zero) = (0.03125, 128.0);
    let pair = [
        Activation::Quantize { scale, zero, min: 0.0, max: 255.0 },
        Activation::Dequantize { scale, zero },
    ];
    let mut sum = sum;
    for (groups, shape) in [(1, [20, 20, 3, 3]), (20, [20, 1, 3, 3])] {
        for function in pair {
            sum = builder.push("pair", Operator::Activation(function), &[sum]).unwrap();
        }
        let w = weights(&mut builder, &shape);
        sum = builder.push("quantised", convolution(groups, None), &[sum, w]).unwrap();
    }
    let shape = vec![1, 20 * 40 * 40];
    let flat = builder.push("flat", Operator::Reshape { shape }, &[sum]).unwrap();
    let soft = builder.push("softmax", Operator::Softmax { axis: 1 }, &[flat]).unwrap();
    let top = TopK { axis: 1, k: 3, largest: true };
    let top = builder.node("top", Operator::TopK(top), &[soft]).unwrap();
    let graph = builder.finish(vec![top[0], top[1], sum]);
    Model { name: "small".to_owned(), graph, metadata: Default::default() }
}
