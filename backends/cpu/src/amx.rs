//! Whether AMX can be used: the instructions, and the operating system's permission.
//!
//! Instructions as in Intel's Software Developer's Manual, volume 1, chapter 18; Linux's permission as in its
//! documentation of x86's extended state (`xstate`).
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "the permission is a system call that no library wraps")
)]

use std::arch::x86_64::__cpuid_count;
use std::sync::LazyLock;

/// Whether a processor with AVX-512 multiplies tiles of bf16 and the system lets this process do so. The system
/// has to be asked because it saves more state for threads that use tiles.
pub(crate) fn is_usable() -> bool {
    static IS_USABLE: LazyLock<bool> = LazyLock::new(|| has_instructions() && is_permitted());
    *IS_USABLE
}

/// Reads leaf 7, which every processor with AVX-512 has.
fn has_instructions() -> bool {
    const BF16: u32 = 1 << 22;
    const TILE: u32 = 1 << 24;
    let features = __cpuid_count(7, 0).edx;
    features & BF16 != 0 && features & TILE != 0
}

#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const XFEATURE_XTILE_DATA: libc::c_ulong = 18;
    // SAFETY: the call takes two numbers and no pointer; it grants a right to every thread of the process.
    let refused =
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA) };
    refused == 0
}
