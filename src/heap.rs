//! Keeps large buffers out of the heap of the C library, where they would leave holes.
//!
//! glibc maps a large buffer by itself, so that its memory goes back to the system with it. But with each one that
//! is freed it takes larger ones for small, up to 32 MiB, and from then on takes them from its heap. There, a
//! message that has only begun to arrive is given memory that others have used, all of it resident: 100 unfinished
//! messages held 260 to 390 MB instead of the 80 that `serve` budgets. A threshold that is set does not move, and
//! glibc reads it only when a program starts.

/// Buffers from this size on are mapped by themselves: most frames are smaller, and are not slowed down.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BYTES: usize = 256 << 10;

/// Starts the program once more in the same process with a fixed threshold, unless somebody has chosen one.
///
/// To be called before there are threads. Where it cannot be done, the program simply goes on.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn map_large_buffers() {
    crate::invocation::restart_with("MALLOC_MMAP_THRESHOLD_", &LARGE_BYTES.to_string());
}

/// Nothing to do: only glibc moves its threshold.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn map_large_buffers() {}
