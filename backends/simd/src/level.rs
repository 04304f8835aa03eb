//! The vector instructions that kernels are compiled for, from `framegate-cpu`.

#[cfg(target_arch = "x86_64")]
pub(crate) use framegate_cpu::Amx;
pub(crate) use framegate_cpu::Level as SimdLevel;
