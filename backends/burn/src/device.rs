//! The burn devices behind the backends.

use burn_tensor::Device;
use framegate_backend_api::{BackendError, DeviceInfo, DeviceKind};

#[cfg(feature = "wgpu")]
use crate::adapter;
#[cfg(feature = "wgpu")]
use crate::backend::WgpuOptions;

/// Which of burn's devices a backend stands for.
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

    /// What this would run on. Does not touch burn.
    pub(crate) fn probe(self) -> Result<DeviceInfo, BackendError> {
        match self {
            Self::NdArray | Self::Flex => {
                Ok(DeviceInfo { name: processor_name(), kind: DeviceKind::Cpu })
            }
            #[cfg(feature = "wgpu")]
            Self::Wgpu(options) => adapter::choose(options).map(|chosen| chosen.info()),
        }
    }

    /// burn's device. To be called after a successful [`BurnDevice::probe`]; panics if the device
    /// has gone since.
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

    /// Size of a session's thread pool, when the caller allows `limit` threads.
    pub(crate) fn threads(self, limit: usize) -> usize {
        match self {
            Self::NdArray | Self::Flex => limit,
            // burn keeps a queue of operations for each thread that calls it: use one.
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => 1,
        }
    }

    /// Whether each new batch size has something compiled and tuned for it.
    pub(crate) fn compiles_kernels(self) -> bool {
        match self {
            Self::NdArray | Self::Flex => false,
            #[cfg(feature = "wgpu")]
            Self::Wgpu(_) => true,
        }
    }
}

#[expect(deprecated, reason = "burn-ndarray goes away with burn 0.23; the pin to 0.22 keeps it")]
fn ndarray_device() -> Device {
    Device::ndarray()
}

fn processor_name() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{threads} CPU threads, {}", instruction_set())
}

/// The widest vector instructions of this processor.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        return "AVX-512";
    } else if std::arch::is_x86_feature_detected!("avx2") {
        return "AVX2";
    }
    std::env::consts::ARCH
}
