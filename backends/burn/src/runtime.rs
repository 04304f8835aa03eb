//! Opens burn's GPU devices, and replaces one that has failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use burn_tensor::Device;
use burn_tensor::wgpu::WgpuBackend;
use burn_tensor::wgpu::wgpu;
use framegate_backend_api::BackendError;

use crate::adapter::{Adapter, BACKEND};

/// A GPU device that is open.
#[derive(Debug, Clone)]
pub(crate) struct Runtime {
    adapter: &'static Adapter,
    pub(crate) device: Device,
    handle: wgpu::Device,
    failed: Arc<AtomicBool>,
}

/// All that were opened, in order: sessions share the last one of an adapter.
static RUNTIMES: Mutex<Vec<Runtime>> = Mutex::new(Vec::new());

/// Opens the adapter's device, or a new one if that has failed.
///
/// burn keeps what it opened under a selector for as long as the process lives. An adapter has two: with its
/// interface, and without. So a device can be replaced once.
///
/// # Errors
/// [`BackendError::Device`] if the driver refuses, or if the device was lost before and again.
pub(crate) fn open(adapter: &'static Adapter) -> Result<Runtime, BackendError> {
    let mut runtimes = RUNTIMES.lock().unwrap_or_else(PoisonError::into_inner);
    let of_adapter = || runtimes.iter().filter(|runtime| std::ptr::eq(runtime.adapter, adapter));
    if let Some(runtime) =
        of_adapter().next_back().filter(|runtime| !runtime.failed.load(Ordering::Relaxed))
    {
        return Ok(runtime.clone());
    }
    let failed = |reason: String| BackendError::Device { backend: BACKEND, reason };
    let interface = match of_adapter().count() {
        0 => WgpuBackend::Auto,
        1 => pinned(adapter.interface),
        _ => return Err(failed("its device has failed twice: start the program again".to_owned())),
    };
    let options = Device::wgpu_options().device_kind(adapter.selector()).graphics_api(interface);
    let (device, setup) = options.init_with_setup().map_err(|error| failed(error.to_string()))?;
    let runtime = Runtime { adapter, device, handle: setup.device, failed: Arc::default() };
    runtimes.push(runtime.clone());
    Ok(runtime)
}

fn pinned(interface: wgpu::Backend) -> WgpuBackend {
    match interface {
        wgpu::Backend::Metal => WgpuBackend::Metal,
        wgpu::Backend::Dx12 => WgpuBackend::Dx12,
        _ => WgpuBackend::Vulkan,
    }
}

impl Runtime {
    /// The device has failed: the next session on the adapter gets a new one.
    pub(crate) fn give_up(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }
}

/// Destroys every GPU device that this process has open, as a driver that crashes would: for tests.
pub fn destroy_devices() {
    for runtime in RUNTIMES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        runtime.handle.destroy();
    }
}
