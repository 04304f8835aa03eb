//! The devices of a backend: of several, each is checked.

use framegate_backend_api::{Backend, DeviceKind};

use crate::backends::BackendOptions;

/// The backend on each of its devices: a name, and the options that choose the device. Once, as it is, where there is
/// nothing to choose from or one was chosen. Emulated GPUs do not count unless they are allowed.
pub(super) fn on_each_device(
    name: &str,
    backend: &dyn Backend,
    options: &BackendOptions,
) -> Vec<(String, BackendOptions)> {
    let devices = backend.devices();
    let is_emulated = |kind| kind == DeviceKind::SoftwareGpu && !options.allow_software_gpu;
    let usable = devices.iter().enumerate().filter(|(_, device)| !is_emulated(device.kind));
    let numbers: Vec<String> = usable.map(|(number, _)| number.to_string()).collect();
    if options.gpu.is_some() || numbers.len() < 2 {
        return vec![(name.to_owned(), options.clone())];
    }
    let on = |number: String| {
        let name = format!("{name}, device {number}");
        (name, BackendOptions { gpu: Some(number), ..options.clone() })
    };
    numbers.into_iter().map(on).collect()
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::{BackendError, DeviceInfo, Limits, Model, Session};

    use super::*;

    /// A backend on devices of these kinds.
    struct Fake(Vec<DeviceKind>);

    impl Backend for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }

        fn probe(&self) -> Result<DeviceInfo, BackendError> {
            unreachable!("all devices are asked for")
        }

        fn devices(&self) -> Vec<DeviceInfo> {
            let device = |kind: &DeviceKind| DeviceInfo { name: "GPU".to_owned(), kind: *kind };
            self.0.iter().map(device).collect()
        }

        fn load(&self, _: &Model, _: &Limits) -> Result<Box<dyn Session>, BackendError> {
            unreachable!("no model is loaded to list devices")
        }
    }

    fn names(kinds: &[DeviceKind], options: &BackendOptions) -> Vec<(String, Option<String>)> {
        let each = on_each_device("fake", &Fake(kinds.to_vec()), options);
        each.into_iter().map(|(name, options)| (name, options.gpu)).collect()
    }

    #[test]
    fn each_of_several_gpus_is_checked() {
        use DeviceKind::{Cpu, Gpu, SoftwareGpu};

        let named = |name: &str, gpu: Option<&str>| (name.to_owned(), gpu.map(str::to_owned));
        let options = BackendOptions::default();
        let (first, third) =
            (named("fake, device 0", Some("0")), named("fake, device 2", Some("2")));
        assert_eq!(names(&[Gpu, SoftwareGpu, Gpu], &options), [first, third]);
        for kinds in [&[][..], &[Cpu], &[SoftwareGpu], &[Gpu, SoftwareGpu]] {
            assert_eq!(names(kinds, &options), [named("fake", None)]);
        }
        let chosen = BackendOptions { gpu: Some("1".to_owned()), ..options.clone() };
        assert_eq!(names(&[Gpu, Gpu], &chosen), [named("fake", Some("1"))]);
        let allowed = BackendOptions { allow_software_gpu: true, ..options };
        assert_eq!(names(&[Gpu, SoftwareGpu], &allowed).len(), 2);
    }
}
