//! Keeps a driver from writing to standard error about a display that is not there.
//!
//! wgpu asks Vulkan for every window system, so a layer of Mesa's looks for a Wayland server when GPUs are listed. Where
//! `XDG_RUNTIME_DIR` is not set, as in containers and services, libwayland writes an error each time. With the name of
//! any folder it writes nothing.

/// Sets the variable to a folder that exists nowhere, in builds that may look for GPUs, by starting the program once
/// more in the same process.
///
/// To be called before there are threads and before anything is read, such as a configuration file from a pipe.
#[cfg(target_os = "linux")]
pub(crate) fn silence_display_warnings() {
    use crate::backends::BackendId;

    if BackendId::all().any(|id| id.name() == "wgpu" && id.is_compiled_in()) {
        crate::invocation::restart_with("XDG_RUNTIME_DIR", "/nonexistent");
    }
}

/// Nothing to do: there is no Mesa.
#[cfg(not(target_os = "linux"))]
pub(crate) fn silence_display_warnings() {}
