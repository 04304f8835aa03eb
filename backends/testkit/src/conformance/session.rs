//! Requirements on a session besides correct results.

use framegate_backend_api::{
    Backend, BackendError, InputBatch, Limits, OutputBatch, OutputTensor, Session,
};

use super::case::{Case, CaseBuilder};
use super::check::infer;
use super::network::residual_network;
use framegate_backend_api::graph::{Activation, Operator};

/// Something that is required of every session.
pub(super) struct Behaviour {
    pub(super) name: &'static str,
    /// Checks it on a backend, with this many threads per session.
    pub(super) check: fn(&dyn Backend, usize) -> Result<(), String>,
}

/// Every behaviour that is checked.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour { name: "session refuses a wrong image shape and survives", check: wrong_shape },
    Behaviour { name: "session refuses an empty batch and survives", check: empty_batch },
    Behaviour { name: "session refuses a batch over its limit and survives", check: large_batch },
    Behaviour { name: "session reuses one output batch", check: reused_output },
    Behaviour { name: "session runs the largest batch allowed", check: largest_batch },
    Behaviour { name: "session works on another thread", check: other_thread },
    Behaviour { name: "sessions of one backend work side by side", check: side_by_side },
    Behaviour { name: "backend names itself and its device", check: names },
];

fn load(
    backend: &dyn Backend,
    case: &Case,
    max_batch: usize,
    threads: usize,
) -> Result<Box<dyn Session>, String> {
    let limits = Limits { max_batch, threads };
    backend.load(&case.model(), &limits).map_err(|error| format!("cannot be loaded: {error}"))
}

fn wrong_shape(backend: &dyn Backend, threads: usize) -> Result<(), String> {
    // Height and width swapped, one axis too few, and one channel too many.
    let shapes = [vec![3, 28, 20], vec![3, 560], vec![4, 20, 28]];
    shapes.iter().try_for_each(|shape| {
        let mut wrong = InputBatch::new(shape.as_slice(), 1);
        wrong.set_len(1);
        refused(backend, threads, &wrong)
    })
}

fn empty_batch(backend: &dyn Backend, threads: usize) -> Result<(), String> {
    refused(backend, threads, &InputBatch::new([3, 20, 28], 1))
}

fn large_batch(backend: &dyn Backend, threads: usize) -> Result<(), String> {
    refused(backend, threads, &residual_network().batch(3, 0))
}

/// A session for two images refuses `wrong` with the right error and runs good batches afterwards.
fn refused(backend: &dyn Backend, threads: usize, wrong: &InputBatch) -> Result<(), String> {
    let case = residual_network();
    let mut session = load(backend, &case, 2, threads)?;
    let mut out = OutputBatch::default();
    for len in [1, 2] {
        match session.infer(wrong, &mut out) {
            Err(BackendError::WrongInput { .. }) => {}
            other => return Err(format!("must be refused as wrong input, got {other:?}")),
        }
        infer(session.as_mut(), &case, &case.batch(len, 0), &mut out)
            .map_err(|problem| format!("after being refused: {problem}"))?;
    }
    Ok(())
}

fn reused_output(backend: &dyn Backend, threads: usize) -> Result<(), String> {
    let case = residual_network();
    let mut session = load(backend, &case, 5, threads)?;
    // As if it were left over from a model with more and different outputs.
    let stale =
        OutputTensor { name: "stale".to_owned(), image_shape: vec![1, 2], data: vec![9.0; 2] };
    let mut out = OutputBatch { tensors: vec![stale; 4] };
    [2, 5, 1, 5].into_iter().try_for_each(|len| {
        infer(session.as_mut(), &case, &case.batch(len, len as u64), &mut out)
            .map_err(|problem| format!("batch of {len}: {problem}"))
    })
}

fn largest_batch(backend: &dyn Backend, threads: usize) -> Result<(), String> {
    let case = small();
    let mut session = load(backend, &case, 16, threads)?;
    infer(session.as_mut(), &case, &case.batch(16, 0), &mut OutputBatch::default())
}

fn other_thread(backend: &dyn Backend, threads: usize) -> Result<(), String> {
    let case = residual_network();
    let mut session = load(backend, &case, 1, threads)?;
    let run = || infer(session.as_mut(), &case, &case.batch(1, 0), &mut OutputBatch::default());
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err("panicked on the other thread".to_owned()))
}

fn side_by_side(backend: &dyn Backend, threads: usize) -> Result<(), String> {
    let (first_case, second_case) = (residual_network(), small());
    let mut first = load(backend, &first_case, 2, threads)?;
    let mut second = load(backend, &second_case, 2, threads)?;
    let mut third = load(backend, &first_case, 2, threads)?;
    let (mut out, mut third_out) = (OutputBatch::default(), OutputBatch::default());
    for seed in 0..2 {
        infer(first.as_mut(), &first_case, &first_case.batch(2, seed), &mut out)?;
        infer(third.as_mut(), &first_case, &first_case.batch(1, seed + 7), &mut third_out)?;
        infer(second.as_mut(), &second_case, &second_case.batch(2, seed), &mut out)?;
    }
    // Dropping a session must not affect the others.
    drop(first);
    infer(third.as_mut(), &first_case, &first_case.batch(2, 9), &mut third_out)
}

fn names(backend: &dyn Backend, _threads: usize) -> Result<(), String> {
    let device = backend.probe().map_err(|error| error.to_string())?;
    if backend.name().is_empty() || device.name.is_empty() {
        return Err(format!("backend `{}` on device `{}`", backend.name(), device.name));
    }
    Ok(())
}

fn small() -> Case {
    CaseBuilder::new("small", &[3, 5]).single(Operator::Activation(Activation::Silu))
}
