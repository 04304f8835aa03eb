//! Selects the backend that a command runs on.

use std::sync::Arc;

use framegate_backend_api::{Backend, BackendError, DeviceInfo, DeviceKind};

use super::self_check::SelfChecked;
use super::{BackendId, BackendIdError, BackendOptions};

/// GPUs are held against this backend.
const REFERENCE: &str = "simd";

/// The backend that a command runs on, and why.
pub struct Selected {
    /// The backend.
    pub backend: Box<dyn Backend>,
    /// The device that it runs on.
    pub device: DeviceInfo,
    /// Why this one, for people.
    pub reason: String,
    /// The processor, where `auto` selected a GPU: it may be faster with small models.
    pub rival: Option<Arc<Selected>>,
}

/// Backends to move to, best first, probed when they are asked for.
pub type Spares = Box<dyn Iterator<Item = Arc<Selected>> + Send>;

/// Selects the backend `id` and no other or, for `None` (`auto`), the first that runs here, with the next as its rival if
/// that is a GPU. A GPU refuses to load a model for which it computes something else than the processor.
///
/// # Errors
/// [`BackendError::Unavailable`].
pub fn select(id: Option<&BackendId>, options: &BackendOptions) -> Result<Selected, BackendError> {
    let selected = match id {
        Some(id) => requested(id.create(options)?)?,
        None => automatic(options)?,
    };
    tracing::info!(
        backend = selected.backend.name(),
        device = selected.device.name,
        reason = selected.reason,
        "backend selected"
    );
    Ok(if options.skip_self_check { selected } else { self_checked(selected) })
}

fn automatic(options: &BackendOptions) -> Result<Selected, BackendError> {
    let mut selected = first_usable(BackendId::auto().map(|id| id.create(options)))?;
    if selected.device.kind != DeviceKind::Cpu {
        selected.rival = spares(selected.backend.name(), options).next();
    }
    Ok(selected)
}

fn self_checked(selected: Selected) -> Selected {
    if selected.device.kind == DeviceKind::Cpu {
        return selected;
    }
    let reference = REFERENCE.parse().map_err(|error: BackendIdError| error.to_string());
    let reference = reference.and_then(|id: BackendId| {
        id.create(&BackendOptions::default()).map_err(|error| error.to_string())
    });
    match reference {
        Ok(reference) => {
            let backend = Box::new(SelfChecked { backend: selected.backend, reference });
            Selected { backend, ..selected }
        }
        Err(error) => {
            tracing::warn!("the GPU is believed without a self-check: {error}");
            selected
        }
    }
}

fn requested(backend: Box<dyn Backend>) -> Result<Selected, BackendError> {
    let device = backend.probe()?;
    Ok(Selected { backend, device, reason: "it was requested by name".to_owned(), rival: None })
}

/// The first candidate that runs on real hardware: an emulated GPU is slower than the processor that emulates it.
fn first_usable(
    candidates: impl IntoIterator<Item = Result<Box<dyn Backend>, BackendError>>,
) -> Result<Selected, BackendError> {
    let mut skipped: Vec<String> = Vec::new();
    for candidate in candidates {
        match candidate.and_then(on_hardware) {
            Ok((backend, device)) => {
                let reason = match skipped.is_empty() {
                    true => "the preferred backend runs here".to_owned(),
                    false => skipped.join("; "),
                };
                return Ok(Selected { backend, device, reason, rival: None });
            }
            Err(error) => skipped.push(error.to_string()),
        }
    }
    Err(BackendError::Unavailable { backend: "auto", reason: skipped.join("; ") })
}

fn on_hardware(backend: Box<dyn Backend>) -> Result<(Box<dyn Backend>, DeviceInfo), BackendError> {
    let device = backend.probe()?;
    match device.kind {
        DeviceKind::SoftwareGpu => Err(BackendError::Unavailable {
            backend: backend.name(),
            reason: format!("its GPU, {}, is emulated on the processor", device.name),
        }),
        _ => Ok((backend, device)),
    }
}

/// The backends that come after `name` in the order of `auto`, those that run here.
pub fn spares(name: &str, options: &BackendOptions) -> Spares {
    let mut after: Vec<BackendId> = BackendId::auto().collect();
    if let Some(at) = after.iter().position(|id| id.name() == name) {
        after.drain(..=at);
    }
    let options = options.clone();
    Box::new(after.into_iter().filter_map(move |id| {
        let reason = "it is the next of auto".to_owned();
        let (backend, device) = id.create(&options).and_then(on_hardware).ok()?;
        Some(Arc::new(Selected { backend, device, reason, rival: None }))
    }))
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::{Limits, Model, Session};

    use super::*;

    /// A backend that can only be probed.
    struct Probed(&'static str, Option<DeviceKind>);

    impl Backend for Probed {
        fn name(&self) -> &'static str {
            self.0
        }

        fn probe(&self) -> Result<DeviceInfo, BackendError> {
            let name = format!("device of {}", self.0);
            let missing = BackendError::Unavailable { backend: self.0, reason: "no device".into() };
            self.1.map(|kind| DeviceInfo { name, kind }).ok_or(missing)
        }

        fn load(&self, _: &Model, _: &Limits) -> Result<Box<dyn Session>, BackendError> {
            unreachable!("selecting a backend loads no model")
        }
    }

    fn first(candidates: Vec<Probed>) -> Result<Selected, BackendError> {
        first_usable(candidates.into_iter().map(|probed| Ok(Box::new(probed) as Box<dyn Backend>)))
    }

    #[test]
    fn the_first_that_runs_is_selected_and_the_reason_names_those_skipped() {
        let selected = first(vec![
            Probed("a", None),
            Probed("b", Some(DeviceKind::Cpu)),
            Probed("c", Some(DeviceKind::Cpu)),
        ])
        .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(selected.backend.name(), "b");
        assert_eq!(selected.device.name, "device of b");
        assert_eq!(selected.reason, "backend `a` cannot run here: no device");
    }

    #[test]
    fn an_emulated_gpu_is_selected_only_by_name() {
        let candidates =
            || vec![Probed("a", Some(DeviceKind::SoftwareGpu)), Probed("b", Some(DeviceKind::Cpu))];
        let selected = first(candidates()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(selected.backend.name(), "b");
        assert!(selected.reason.contains("device of a, is emulated"), "{}", selected.reason);
        let named = requested(Box::new(Probed("a", Some(DeviceKind::SoftwareGpu))));
        assert_eq!(named.map(|selected| selected.device.kind), Ok(DeviceKind::SoftwareGpu));
    }

    #[test]
    fn a_hardware_gpu_comes_before_the_processor() {
        let selected =
            first(vec![Probed("a", Some(DeviceKind::Gpu)), Probed("b", Some(DeviceKind::Cpu))]);
        assert_eq!(selected.map(|selected| selected.backend.name()), Ok("a"));
    }

    #[test]
    fn without_any_backend_the_error_gives_every_reason() {
        let error = first(vec![Probed("a", None), Probed("b", None)]).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("`a` cannot run here") && text.contains("`b` cannot run here"));
    }

    #[test]
    fn after_the_last_of_auto_nothing_is_left() {
        let options = BackendOptions::default();
        assert_eq!(spares("ndarray", &options).count(), 0);
        let names: Vec<_> = spares("wgpu", &options).map(|next| next.backend.name()).collect();
        assert!(!names.contains(&"wgpu"), "{names:?}");
        #[cfg(feature = "simd")]
        assert_eq!(names.first(), Some(&"simd"));
    }
}
