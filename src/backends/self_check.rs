//! A GPU is believed only once it has computed what the processor does.
//!
//! Drivers and compilers of kernels have faults that return wrong numbers without an error.

use std::time::Instant;

use framegate_backend_api::graph::{Graph, Operator};
use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, InputBatch, Limits, Model, OutputBatch, OutputTensor,
    Profile, Session,
};

/// Largest difference of two elements, relative to the largest element of their output. Sums in another order
/// differ by a tenth of it at most; what faults return is off by more.
const LARGEST_DIFFERENCE: f64 = 1e-2;
/// Share of the elements that may differ by more where the graph selects: between scores that are almost equal,
/// rounding decides.
const SELECTED_OTHERWISE: f64 = 0.02;

/// A backend whose sessions are held against those of another one before they are used.
pub struct SelfChecked {
    /// The backend.
    pub backend: Box<dyn Backend>,
    /// The one that it is held against.
    pub reference: Box<dyn Backend>,
}

impl Backend for SelfChecked {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        self.backend.probe()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let session = self.backend.load(model, limits)?;
        let start = Instant::now();
        let input = noise(&model.graph, 1);
        let one_image = Limits { max_batch: 1, ..*limits };
        let expected = self.reference.load(model, &one_image).and_then(|mut reference| {
            run(reference.as_mut(), &input, OutputBatch::declared_by(&model.graph))
        });
        let (name, against) = (self.name(), self.reference.name());
        let expected = match expected {
            Ok(expected) => expected,
            // What cannot be held against anything is used: the reference is at fault, not the device.
            Err(error) => {
                tracing::warn!(model = model.name, "self-check of {name} left out: {error}");
                return Ok(session);
            }
        };
        let mut session = SelfCheckedSession {
            session,
            backend: name,
            against,
            model: model.name.clone(),
            selects: model.graph.nodes.iter().any(|node| selects(&node.operator)),
            input,
            expected,
        };
        session.check()?;
        tracing::info!(
            model = model.name,
            ms = start.elapsed().as_millis() as u64,
            "self-check: {name} computes what {against} does"
        );
        Ok(Box::new(session))
    }
}

/// A session that can be held against the reference again.
struct SelfCheckedSession {
    session: Box<dyn Session>,
    backend: &'static str,
    against: &'static str,
    model: String,
    /// Whether the graph selects among candidates.
    selects: bool,
    input: InputBatch,
    expected: OutputBatch,
}

impl Session for SelfCheckedSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        self.session.infer(batch, out)
    }

    fn check(&mut self) -> Result<(), BackendError> {
        let found = run(self.session.as_mut(), &self.input, self.expected.clone())?;
        let Some(fault) = first_fault(self.selects, &self.expected, &found) else { return Ok(()) };
        let Self { backend, against, model, .. } = self;
        Err(BackendError::Device {
            backend,
            reason: format!(
                "it computes wrong numbers for {model}: {fault}. Update the driver, or take --backend \
                 {against}; --no-self-check believes the device all the same"
            ),
        })
    }

    fn set_profiling(&mut self, is_on: bool) {
        self.session.set_profiling(is_on);
    }

    fn profile(&self) -> Option<Profile> {
        self.session.profile()
    }
}

/// Images of values from 0 to 1, the same on every machine.
pub(super) fn noise(graph: &Graph, images: usize) -> InputBatch {
    let mut batch = InputBatch::new(graph.image_shape(), images);
    let mut random = fastrand::Rng::with_seed(1);
    batch.slots_mut().flatten().for_each(|x| *x = random.f32());
    batch.set_len(images);
    batch
}

fn run(
    session: &mut dyn Session,
    input: &InputBatch,
    mut outputs: OutputBatch,
) -> Result<OutputBatch, BackendError> {
    session.infer(input, &mut outputs)?;
    Ok(outputs)
}

/// The first output that is not as expected, in words.
fn first_fault(selects: bool, expected: &OutputBatch, found: &OutputBatch) -> Option<String> {
    let pairs = expected.tensors.iter().zip(&found.tensors);
    pairs.filter_map(|(expected, found)| fault(expected, found, selects)).next()
}

/// Whether an operator's result jumps where its inputs change by a rounding error.
fn selects(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::TopK(_)
            | Operator::NonZero
            | Operator::NonMaxSuppression(_)
            | Operator::ArgExtremum { .. }
    )
}

fn fault(expected: &OutputTensor, found: &OutputTensor, selects: bool) -> Option<String> {
    let name = &expected.name;
    if expected.data.len() != found.data.len() {
        let (wanted, got) = (expected.data.len(), found.data.len());
        return Some(format!("output `{name}` has {got} elements instead of {wanted}"));
    }
    let (mut wanted, mut got) = (expected.data.clone(), found.data.clone());
    if selects {
        // Entries may also come in another order.
        wanted.sort_unstable_by(f32::total_cmp);
        got.sort_unstable_by(f32::total_cmp);
    }
    let largest = wanted.iter().fold(0.0, |largest: f64, x| f64::from(x.abs()).max(largest));
    let differences = wanted.iter().zip(&got).map(|(a, b)| match a.to_bits() == b.to_bits() {
        true => 0.0,
        false => (f64::from(*a) - f64::from(*b)).abs() / largest,
    });
    let too_large: Vec<f64> =
        differences.filter(|x| x.is_nan() || *x > LARGEST_DIFFERENCE).collect();
    let allowed = if selects { SELECTED_OTHERWISE * wanted.len() as f64 } else { 0.0 };
    if too_large.len() as f64 <= allowed {
        return None;
    }
    let worst = too_large.iter().fold(0.0, |worst: f64, x| x.max(worst));
    Some(format!(
        "{} of {} elements of output `{name}` differ, by up to {:.0} % of the largest",
        too_large.len(),
        wanted.len(),
        100.0 * worst
    ))
}

#[cfg(test)]
mod tests {
    use framegate_testkit::ReferenceBackend;
    use framegate_testkit::fake::{Call, FakeBackend, Outcome, negation};

    use super::*;

    const LIMITS: Limits = Limits { max_batch: 2, threads: 1 };

    fn loaded(outcome: Outcome) -> Result<Box<dyn Session>, BackendError> {
        let backend = FakeBackend::new([], Call::instant(outcome), |_| {});
        SelfChecked { backend: Box::new(backend), reference: Box::new(ReferenceBackend) }
            .load(&negation([1, 3, 4, 4]), &LIMITS)
    }

    #[test]
    fn a_device_that_computes_right_is_used() {
        assert!(loaded(Outcome::Success).is_ok());
    }

    #[test]
    fn a_device_that_computes_wrong_numbers_is_refused_with_a_way_out() {
        let refused = loaded(Outcome::WrongNumbers).err().map(|error| error.to_string());
        let refused = refused.unwrap_or_default();
        assert!(
            refused.starts_with("backend `fake` failed on its device: it computes wrong"),
            "{refused}"
        );
        assert!(
            refused.contains("48 of 48 elements") && refused.contains("--no-self-check"),
            "{refused}"
        );
    }

    /// Memory that goes bad is found on a device that was right when it was loaded.
    #[test]
    fn a_device_that_computes_wrong_numbers_later_is_found_by_the_next_check() {
        let calls = [Outcome::Success, Outcome::Success].map(Call::instant);
        let backend = FakeBackend::new(calls, Call::instant(Outcome::WrongNumbers), |_| {});
        let checked =
            SelfChecked { backend: Box::new(backend), reference: Box::new(ReferenceBackend) };
        let mut session = checked.load(&negation([1, 3, 4, 4]), &LIMITS).unwrap();
        assert_eq!(session.check(), Ok(()));
        assert!(matches!(session.check(), Err(BackendError::Device { .. })));
    }

    #[test]
    fn a_device_that_fails_is_refused() {
        let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
        assert_eq!(loaded(Outcome::Failure(lost.clone())).err(), Some(lost));
    }

    fn output(data: &[f32]) -> OutputTensor {
        OutputTensor { name: "out".to_owned(), image_shape: vec![data.len()], data: data.to_vec() }
    }

    #[test]
    fn rounding_passes_and_nan_fails() {
        let expected = output(&[1.0, -4.0, f32::NAN]);
        let close = output(&[1.01, -4.02, f32::NAN]);
        assert_eq!(fault(&expected, &close, false), None);
        let far = fault(&expected, &output(&[1.2, -4.0, f32::NAN]), false);
        assert_eq!(
            far.as_deref(),
            Some("1 of 3 elements of output `out` differ, by up to 5 % of the largest")
        );
        assert!(fault(&expected, &output(&[1.0, f32::NAN, f32::NAN]), false).is_some());
        assert!(fault(&expected, &output(&[1.0, -4.0]), true).is_some());
    }

    /// Two candidates change places, and one gives way to another: no fault of a device.
    #[test]
    fn where_a_graph_selects_order_is_free_and_a_few_may_differ() {
        let scores: Vec<f32> = (0..100).map(|at| 0.2 + at as f32 * 0.001).collect();
        let mut other = scores.clone();
        other.swap(3, 90);
        other[50] = 7.0;
        let [expected, found] = [output(&scores), output(&other)];
        assert!(fault(&expected, &found, false).is_some());
        assert_eq!(fault(&expected, &found, true), None);
        let wrong: Vec<f32> = scores.iter().map(|x| x * 1.5).collect();
        assert!(fault(&expected, &output(&wrong), true).is_some());
    }
}
