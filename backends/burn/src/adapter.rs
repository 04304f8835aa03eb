//! Graphics adapters, asked for through wgpu itself: burn opens its device lazily and panics if
//! there is none.

use std::sync::LazyLock;

use burn_tensor::wgpu::wgpu::{
    self, AdapterInfo, Backends, DeviceType, Instance, InstanceDescriptor,
};
use framegate_backend_api::{BackendError, DeviceInfo, DeviceKind};

use crate::backend::WgpuOptions;

/// Name of the backend.
pub(crate) const BACKEND: &str = "wgpu";

/// The graphics interfaces burn tries, in its order, but for OpenGL: hardware that has nothing newer
/// is not worth computing on, and asking for it makes Mesa write to standard error.
const INTERFACES: [wgpu::Backend; 3] =
    [wgpu::Backend::Metal, wgpu::Backend::Vulkan, wgpu::Backend::Dx12];

/// Asked for once: Vulkan loaders have crashed when instances came and went on several threads.
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

/// The adapter to use.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    name: String,
    interface: wgpu::Backend,
    device_type: DeviceType,
}

/// The adapter that burn shall use.
///
/// # Errors
/// [`BackendError::Unavailable`] when there is none, or only one emulated in software and that is
/// not allowed.
pub(crate) fn choose(options: WgpuOptions) -> Result<&'static Chosen, BackendError> {
    accept(CHOICE.as_ref(), options)
}

fn accept(chosen: Option<&Chosen>, options: WgpuOptions) -> Result<&Chosen, BackendError> {
    let reason = match chosen {
        None => "this machine has no graphics adapter with a Vulkan, Metal or DirectX 12 \
                 driver"
            .to_owned(),
        Some(chosen) if chosen.is_software() && !options.allow_software => format!(
            "its only graphics adapter, {}, is emulated in software: use a CPU backend, or \
             --allow-software-gpu to run on it all the same",
            chosen.name
        ),
        Some(chosen) if chosen.device_type == DeviceType::Other => format!(
            "its graphics adapter, {}, does not say what kind of device it is, and burn can only \
             be told to use one by its kind",
            chosen.name
        ),
        Some(chosen) => return Ok(chosen),
    };
    Err(BackendError::Unavailable { backend: BACKEND, reason })
}

/// burn's rule: the first interface with real hardware, else the first with anything at all. Within
/// an interface, discrete before integrated before other hardware.
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

    /// How burn is told about it: as the first adapter of its type.
    pub(crate) fn selector(&self) -> burn_tensor::DeviceKind {
        match self.device_type {
            DeviceType::DiscreteGpu => burn_tensor::DeviceKind::DiscreteGpu(0),
            DeviceType::IntegratedGpu => burn_tensor::DeviceKind::IntegratedGpu(0),
            DeviceType::VirtualGpu => burn_tensor::DeviceKind::VirtualGpu(0),
            DeviceType::Cpu => burn_tensor::DeviceKind::Cpu,
            // `accept` refuses what burn cannot be told to use.
            DeviceType::Other => unreachable!("adapters of no known kind are refused"),
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
