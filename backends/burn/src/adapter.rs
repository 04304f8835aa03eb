//! Lists graphics adapters through wgpu itself, because burn opens its device lazily and panics if there
//! is none.

use std::sync::LazyLock;

use burn_tensor::wgpu::wgpu::{
    self, AdapterInfo, Backends, DeviceType, Instance, InstanceDescriptor,
};
use framegate_backend_api::{BackendError, DeviceInfo, DeviceKind};

/// Name of the backend.
pub(crate) const BACKEND: &str = "wgpu";

/// Which adapters the backend `wgpu` accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WgpuOptions {
    /// Accept an adapter that is emulated on the CPU, such as Mesa's lavapipe: slower than the CPU itself,
    /// but good enough for tests.
    pub allow_software: bool,
}

/// The graphics interfaces that burn tries, in its order, except OpenGL: hardware without anything newer is
/// not worth computing on, and querying it makes Mesa write to standard error.
const INTERFACES: [wgpu::Backend; 3] =
    [wgpu::Backend::Metal, wgpu::Backend::Vulkan, wgpu::Backend::Dx12];

/// Queried once: Vulkan loaders have crashed when several threads created and destroyed instances.
static CHOICE: LazyLock<Option<Chosen>> = LazyLock::new(|| {
    let adapters = |interface: wgpu::Backend| {
        let instance = Instance::new(InstanceDescriptor {
            backends: interface.into(),
            ..InstanceDescriptor::new_without_display_handle()
        });
        let adapters = instance.enumerate_adapters(Backends::from(interface));
        burn_tensor::read_sync(adapters).iter().map(wgpu::Adapter::get_info).collect()
    };
    best(INTERFACES.into_iter().map(adapters))
});

/// The adapter that burn uses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    name: String,
    interface: wgpu::Backend,
    device_type: DeviceType,
}

/// Chooses the adapter that burn will use.
///
/// # Errors
/// [`BackendError::Unavailable`] if there is none, or only one emulated in software that `options` do not
/// allow.
pub(crate) fn choose(options: WgpuOptions) -> Result<&'static Chosen, BackendError> {
    accept(CHOICE.as_ref(), options)
}

fn accept(chosen: Option<&Chosen>, options: WgpuOptions) -> Result<&Chosen, BackendError> {
    let reason = match chosen {
        None => "this machine has no graphics adapter with a Vulkan, Metal or DirectX 12 \
                 driver"
            .to_owned(),
        Some(chosen) if chosen.is_software() && !options.allow_software => format!(
            "its only graphics adapter, {}, is emulated in software: use a CPU backend, or pass \
             --allow-software-gpu to run on it anyway",
            chosen.name
        ),
        Some(chosen) if chosen.device_type == DeviceType::Other => format!(
            "its graphics adapter, {}, does not report what kind of device it is, and burn selects \
             adapters by kind",
            chosen.name
        ),
        Some(chosen) => return Ok(chosen),
    };
    Err(BackendError::Unavailable { backend: BACKEND, reason })
}

/// burn's rule: the first interface with real hardware, otherwise the first with any adapter. Within an
/// interface, discrete before integrated before other hardware.
fn best(interfaces: impl Iterator<Item = Vec<AdapterInfo>>) -> Option<Chosen> {
    let mut software = None;
    for adapters in interfaces {
        let chosen = adapters.into_iter().min_by_key(|adapter| preference(adapter.device_type));
        match chosen.map(Chosen::from) {
            Some(chosen) if chosen.is_software() => software = software.or(Some(chosen)),
            Some(chosen) => return Some(chosen),
            None => {}
        }
    }
    software
}

fn preference(device_type: DeviceType) -> u8 {
    match device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    }
}

impl From<AdapterInfo> for Chosen {
    fn from(adapter: AdapterInfo) -> Self {
        Self { name: adapter.name, interface: adapter.backend, device_type: adapter.device_type }
    }
}

impl Chosen {
    fn is_software(&self) -> bool {
        self.device_type == DeviceType::Cpu
    }

    pub(crate) fn info(&self) -> DeviceInfo {
        DeviceInfo {
            name: format!("{} ({:?})", self.name, self.interface),
            kind: if self.is_software() { DeviceKind::SoftwareGpu } else { DeviceKind::Gpu },
        }
    }

    /// How burn selects it: as the first adapter of its type.
    pub(crate) fn selector(&self) -> burn_tensor::DeviceKind {
        match self.device_type {
            DeviceType::DiscreteGpu => burn_tensor::DeviceKind::DiscreteGpu(0),
            DeviceType::IntegratedGpu => burn_tensor::DeviceKind::IntegratedGpu(0),
            DeviceType::VirtualGpu => burn_tensor::DeviceKind::VirtualGpu(0),
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
        AdapterInfo::new(device_type, interface)
    }

    #[test]
    fn hardware_on_a_later_interface_beats_software_on_an_earlier_one() {
        let interfaces = [
            vec![adapter(DeviceType::Cpu, wgpu::Backend::Vulkan)],
            vec![adapter(DeviceType::IntegratedGpu, wgpu::Backend::Dx12)],
        ];
        let chosen = best(interfaces.into_iter()).unwrap();
        assert_eq!(chosen.interface, wgpu::Backend::Dx12);
        assert_eq!(chosen.info().kind, DeviceKind::Gpu);
    }

    #[test]
    fn discrete_hardware_is_preferred() {
        let types = [DeviceType::Cpu, DeviceType::IntegratedGpu, DeviceType::DiscreteGpu];
        let adapters = types.map(|device_type| adapter(device_type, wgpu::Backend::Vulkan));
        let chosen = best([adapters.to_vec()].into_iter()).unwrap();
        assert_eq!(chosen.device_type, DeviceType::DiscreteGpu);
    }

    #[test]
    fn software_is_used_only_where_allowed() {
        let software = vec![adapter(DeviceType::Cpu, wgpu::Backend::Vulkan)];
        let chosen = best([software, Vec::new()].into_iter());
        assert!(accept(chosen.as_ref(), WgpuOptions { allow_software: true }).is_ok());
        let refused = accept(chosen.as_ref(), WgpuOptions { allow_software: false }).unwrap_err();
        assert!(refused.to_string().contains("--allow-software-gpu"), "{refused}");
    }

    #[test]
    fn a_machine_without_adapters_is_an_error() {
        let nothing = best([Vec::new()].into_iter());
        let refused = accept(nothing.as_ref(), WgpuOptions { allow_software: true }).unwrap_err();
        assert!(refused.to_string().contains("no graphics adapter"), "{refused}");
    }
}
