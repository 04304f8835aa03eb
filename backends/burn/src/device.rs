//! The burn device behind each backend.

use burn_tensor::Device;
use framegate_backend_api::{BackendError, DeviceInfo, DeviceKind};

#[cfg(feature = "wgpu")]
use crate::adapter::{self, WgpuOptions};

/// The burn device that a backend uses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BurnDevice {
    NdArray,
    Flex,
    #[cfg(feature = "wgpu")]
    Wgpu(WgpuOptions),
}

impl BurnDevice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NdArray => "ndarray",
            Self::Flex => "flex",
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => adapter::BACKEND,
        }
    }

    /// The hardware behind this device. Does not touch burn.
    pub(crate) fn probe(self) -> Result<DeviceInfo, BackendError> {
        match self {
            Self::NdArray | Self::Flex => {
                Ok(DeviceInfo { name: processor_name(), kind: DeviceKind::Cpu })
            }
            #[cfg(feature = "wgpu")]
            Self::Wgpu(options) => adapter::choose(options).map(|chosen| chosen.info()),
        }
    }

    /// burn's device. Call this after a successful [`BurnDevice::probe`]; it panics if the device has
    /// disappeared since.
    pub(crate) fn open(self) -> Device {
        match self {
            Self::NdArray => ndarray_device(),
            Self::Flex => Device::flex(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(options) => match adapter::choose(options) {
                Ok(chosen) => Device::wgpu(chosen.selector()),
                Err(error) => panic!("{error}"),
            },
        }
    }

    /// Size of a session's thread pool if the caller allows `limit` threads.
    pub(crate) fn threads(self, limit: usize) -> usize {
        match self {
            Self::NdArray | Self::Flex => limit,
            // burn keeps a queue of operations per calling thread: use one thread.
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => 1,
        }
    }

    /// Whether burn compiles and tunes kernels for each new batch size.
    pub(crate) fn compiles_kernels(self) -> bool {
        match self {
            Self::NdArray | Self::Flex => false,
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => true,
        }
    }
}

#[expect(deprecated, reason = "burn 0.23 drops burn-ndarray; the pin to 0.22 keeps it")]
fn ndarray_device() -> Device {
    Device::ndarray()
}

fn processor_name() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{threads} CPU threads, {}", framegate_cpu::vector_instructions())
}
