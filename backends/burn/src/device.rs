//! The burn device behind each backend.

use burn_tensor::Device;
use framegate_backend_api::{BackendError, DeviceInfo, DeviceKind};

#[cfg(feature = "wgpu")]
use crate::adapter::{self, WgpuOptions};
#[cfg(feature = "wgpu")]
use crate::runtime::{self, Runtime};

/// The burn device that a backend uses.
#[derive(Debug, Clone)]
pub(crate) enum BurnDevice {
    NdArray,
    Flex,
    #[cfg(feature = "wgpu")]
    Wgpu(WgpuOptions),
}

/// A device that a session runs on.
#[derive(Debug, Clone)]
pub(crate) enum OpenDevice {
    Cpu(Device),
    #[cfg(feature = "wgpu")]
    Gpu(Runtime),
}

impl BurnDevice {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NdArray => "ndarray",
            Self::Flex => "flex",
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => adapter::BACKEND,
        }
    }

    /// The hardware behind this device. Does not touch burn.
    pub(crate) fn probe(&self) -> Result<DeviceInfo, BackendError> {
        match self {
            Self::NdArray | Self::Flex => {
                Ok(DeviceInfo { name: processor_name(), kind: DeviceKind::Cpu })
            }
            #[cfg(feature = "wgpu")]
            Self::Wgpu(options) => adapter::choose(options).map(|chosen| chosen.info()),
        }
    }

    /// All hardware that this device can be.
    pub(crate) fn all(&self) -> Vec<DeviceInfo> {
        match self {
            Self::NdArray | Self::Flex => self.probe().into_iter().collect(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => adapter::adapters().iter().map(|adapter| adapter.info()).collect(),
        }
    }

    /// Opens burn's device.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] or [`BackendError::Device`] if there is no such device, or it cannot be opened.
    pub(crate) fn open(&self) -> Result<OpenDevice, BackendError> {
        Ok(match self {
            Self::NdArray => OpenDevice::Cpu(ndarray_device()),
            Self::Flex => OpenDevice::Cpu(Device::flex()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(options) => OpenDevice::Gpu(runtime::open(adapter::choose(options)?)?),
        })
    }

    /// Size of a session's thread pool if the caller allows `limit` threads.
    pub(crate) fn threads(&self, limit: usize) -> usize {
        match self {
            Self::NdArray | Self::Flex => limit,
            // burn keeps a queue of operations per calling thread: use one thread.
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => 1,
        }
    }

    /// Whether burn compiles and tunes kernels for each new batch size.
    pub(crate) fn compiles_kernels(&self) -> bool {
        match self {
            Self::NdArray | Self::Flex => false,
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => true,
        }
    }
}

impl OpenDevice {
    /// burn's handle.
    pub(crate) fn handle(&self) -> Device {
        match self {
            Self::Cpu(device) => device.clone(),
            #[cfg(feature = "wgpu")]
            Self::Gpu(runtime) => runtime.device.clone(),
        }
    }

    /// Whether starting a kernel costs time.
    pub(crate) fn is_gpu(&self) -> bool {
        match self {
            Self::Cpu(_) => false,
            #[cfg(feature = "wgpu")]
            Self::Gpu(_) => true,
        }
    }

    /// The device has failed: the next one to open it gets a new one, where that is possible.
    pub(crate) fn give_up(&self) {
        match self {
            Self::Cpu(_) => {}
            #[cfg(feature = "wgpu")]
            Self::Gpu(runtime) => runtime.give_up(),
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
