//! Lists graphics adapters through wgpu itself, because burn opens its device lazily and panics if there
//! is none.

use std::sync::LazyLock;

use burn_tensor::wgpu::wgpu::{
    self, AdapterInfo, Backends, DeviceType, Instance, InstanceDescriptor,
};
use framegate_backend_api::{BackendError, DeviceInfo, DeviceKind};

/// Name of the backend.
pub(crate) const BACKEND: &str = "wgpu";

/// Which adapter the backend `wgpu` runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WgpuOptions {
    /// Accept an adapter that is emulated on the CPU, such as Mesa's lavapipe: slower than the CPU itself,
    /// but good enough for tests.
    pub allow_software: bool,
    /// The number of the adapter, from 0, or a part of its name; `None` takes the fastest.
    pub adapter: Option<String>,
}

/// The graphics interfaces that burn tries, in its order, except OpenGL: hardware without anything newer is
/// not worth computing on, and querying it makes Mesa write to standard error.
const INTERFACES: [wgpu::Backend; 3] =
    [wgpu::Backend::Metal, wgpu::Backend::Vulkan, wgpu::Backend::Dx12];

/// Queried once: Vulkan loaders have crashed when several threads created and destroyed instances.
static ADAPTERS: LazyLock<Vec<Adapter>> = LazyLock::new(|| {
    let adapters = |interface: wgpu::Backend| {
        let instance = Instance::new(InstanceDescriptor {
            backends: interface.into(),
            ..InstanceDescriptor::new_without_display_handle()
        });
        let adapters = instance.enumerate_adapters(Backends::from(interface));
        burn_tensor::read_sync(adapters).iter().map(wgpu::Adapter::get_info).collect()
    };
    reachable(INTERFACES.into_iter().map(adapters))
});

/// An adapter that burn can run on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Adapter {
    name: String,
    pub(crate) interface: wgpu::Backend,
    device_type: DeviceType,
    /// Number among the adapters of this type, by which burn selects it.
    number_of_type: usize,
}

/// All adapters that burn can run on, in the order of their numbers.
pub(crate) fn adapters() -> &'static [Adapter] {
    &ADAPTERS
}

/// Chooses the adapter to run on.
///
/// # Errors
/// [`BackendError::Unavailable`] if there is none, none that `options` ask for, or only one emulated in software
/// that they do not allow.
pub(crate) fn choose(options: &WgpuOptions) -> Result<&'static Adapter, BackendError> {
    accept(adapters(), options)
}

fn accept<'a>(adapters: &'a [Adapter], options: &WgpuOptions) -> Result<&'a Adapter, BackendError> {
    let chosen = match &options.adapter {
        Some(wanted) => named(adapters, wanted),
        None => adapters.iter().min_by_key(|adapter| adapter.preference()).ok_or_else(|| {
            "this machine has no graphics adapter with a Vulkan, Metal or DirectX 12 driver"
                .to_owned()
        }),
    };
    let reason = match chosen {
        Err(reason) => reason,
        Ok(chosen) if chosen.is_software() && !options.allow_software => {
            let only = if adapters.len() == 1 { "its only graphics adapter, " } else { "" };
            format!(
                "{only}{}, is emulated in software: use a CPU backend, or pass --allow-software-gpu to run on \
                 it anyway",
                chosen.name
            )
        }
        Ok(chosen) if chosen.device_type == DeviceType::Other => format!(
            "its graphics adapter, {}, does not report what kind of device it is, and burn selects \
             adapters by kind",
            chosen.name
        ),
        Ok(chosen) => return Ok(chosen),
    };
    Err(BackendError::Unavailable { backend: BACKEND, reason })
}

/// The adapter with this number, or the only one with this in its name.
fn named<'a>(adapters: &'a [Adapter], wanted: &str) -> Result<&'a Adapter, String> {
    let wanted = wanted.trim();
    if let Some(adapter) = wanted.parse().ok().and_then(|number: usize| adapters.get(number)) {
        return Ok(adapter);
    }
    let of_name = |adapter: &&Adapter| adapter.name.to_lowercase().contains(&wanted.to_lowercase());
    let mut found = adapters.iter().filter(of_name);
    match (found.next(), found.next()) {
        (Some(adapter), None) => Ok(adapter),
        (first, _) => {
            let fit = if first.is_some() { "several adapters have" } else { "no adapter has" };
            let all = adapters
                .iter()
                .enumerate()
                .map(|(number, adapter)| format!("{number}: {}", adapter.info().name));
            Err(format!(
                "{fit} the number or name `{wanted}`; there are {}",
                all.collect::<Vec<_>>().join(", ")
            ))
        }
    }
}

/// The adapters of the interface that burn takes: the first with real hardware, otherwise the first with any adapter.
fn reachable(interfaces: impl Iterator<Item = Vec<AdapterInfo>>) -> Vec<Adapter> {
    let mut software = Vec::new();
    for adapters in interfaces {
        let adapters = numbered(adapters);
        if adapters.iter().any(|adapter| !adapter.is_software()) {
            return adapters;
        }
        if software.is_empty() {
            software = adapters;
        }
    }
    software
}

fn numbered(infos: Vec<AdapterInfo>) -> Vec<Adapter> {
    let mut adapters: Vec<Adapter> = Vec::new();
    for info in infos {
        let same = adapters.iter().filter(|other| other.device_type == info.device_type);
        adapters.push(Adapter {
            number_of_type: same.count(),
            name: info.name,
            interface: info.backend,
            device_type: info.device_type,
        });
    }
    adapters
}

impl Adapter {
    pub(crate) fn is_software(&self) -> bool {
        self.device_type == DeviceType::Cpu
    }

    /// Lowest first: discrete before integrated before other hardware.
    fn preference(&self) -> u8 {
        match self.device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu => 2,
            DeviceType::Other => 3,
            DeviceType::Cpu => 4,
        }
    }

    pub(crate) fn info(&self) -> DeviceInfo {
        let kind = match self.device_type {
            DeviceType::DiscreteGpu => "discrete",
            DeviceType::IntegratedGpu => "integrated",
            DeviceType::VirtualGpu => "virtual",
            DeviceType::Cpu => "emulated",
            DeviceType::Other => "of unknown kind",
        };
        DeviceInfo {
            name: format!("{} ({:?}, {kind})", self.name, self.interface),
            kind: if self.is_software() { DeviceKind::SoftwareGpu } else { DeviceKind::Gpu },
        }
    }

    /// How burn selects it: by its number among those of its type.
    pub(crate) fn selector(&self) -> burn_tensor::DeviceKind {
        let number = self.number_of_type;
        match self.device_type {
            DeviceType::DiscreteGpu => burn_tensor::DeviceKind::DiscreteGpu(number),
            DeviceType::IntegratedGpu => burn_tensor::DeviceKind::IntegratedGpu(number),
            DeviceType::VirtualGpu => burn_tensor::DeviceKind::VirtualGpu(number),
            DeviceType::Cpu => burn_tensor::DeviceKind::Cpu,
            // `accept` refuses adapters that burn cannot select.
            DeviceType::Other => unreachable!("`accept` refuses adapters of unknown kind"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(device_type: DeviceType, interface: wgpu::Backend) -> AdapterInfo {
        AdapterInfo {
            name: format!("{device_type:?} GPU"),
            ..AdapterInfo::new(device_type, interface)
        }
    }

    fn vulkan(types: &[DeviceType]) -> Vec<Adapter> {
        let adapters = types.iter().map(|kind| adapter(*kind, wgpu::Backend::Vulkan));
        reachable([adapters.collect()].into_iter())
    }

    fn of(wanted: &str) -> WgpuOptions {
        WgpuOptions { adapter: Some(wanted.to_owned()), allow_software: false }
    }

    #[test]
    fn hardware_on_a_later_interface_beats_software_on_an_earlier_one() {
        let interfaces = [
            vec![adapter(DeviceType::Cpu, wgpu::Backend::Vulkan)],
            vec![adapter(DeviceType::IntegratedGpu, wgpu::Backend::Dx12)],
        ];
        let adapters = reachable(interfaces.into_iter());
        let chosen = accept(&adapters, &WgpuOptions::default()).unwrap();
        assert_eq!(chosen.interface, wgpu::Backend::Dx12);
        assert_eq!(chosen.info().kind, DeviceKind::Gpu);
    }

    #[test]
    fn discrete_hardware_is_preferred() {
        let adapters =
            vulkan(&[DeviceType::Cpu, DeviceType::IntegratedGpu, DeviceType::DiscreteGpu]);
        let chosen = accept(&adapters, &WgpuOptions::default()).unwrap();
        assert_eq!(chosen.device_type, DeviceType::DiscreteGpu);
        assert_eq!(chosen.info().name, "DiscreteGpu GPU (Vulkan, discrete)");
    }

    #[test]
    fn an_adapter_is_asked_for_by_its_number_or_a_part_of_its_name() {
        let adapters =
            vulkan(&[DeviceType::IntegratedGpu, DeviceType::DiscreteGpu, DeviceType::DiscreteGpu]);
        let second = accept(&adapters, &of("2")).unwrap();
        assert_eq!((second.device_type, second.number_of_type), (DeviceType::DiscreteGpu, 1));
        let integrated = accept(&adapters, &of("integrated")).unwrap();
        assert_eq!(integrated.device_type, DeviceType::IntegratedGpu);
        let refused = accept(&adapters, &of("discrete")).unwrap_err().to_string();
        assert!(
            refused.contains("several adapters have") && refused.contains("2: Disc"),
            "{refused}"
        );
        let refused = accept(&adapters, &of("7")).unwrap_err().to_string();
        assert!(refused.contains("no adapter has the number or name `7`"), "{refused}");
    }

    #[test]
    fn software_is_used_only_where_allowed() {
        let software = vulkan(&[DeviceType::Cpu]);
        let allowed = WgpuOptions { allow_software: true, adapter: None };
        assert!(accept(&software, &allowed).is_ok());
        let refused = accept(&software, &WgpuOptions::default()).unwrap_err();
        assert!(refused.to_string().contains("--allow-software-gpu"), "{refused}");
    }

    #[test]
    fn a_machine_without_adapters_is_an_error() {
        let refused = accept(&[], &WgpuOptions::default()).unwrap_err();
        assert!(refused.to_string().contains("no graphics adapter"), "{refused}");
    }
}
