//! Describes the machine of a measurement, for reports.

use std::num::NonZero;
use std::{fs, thread};

use framegate_cpu::vector_instructions;
use serde::Serialize;
use sysinfo::System;

/// A machine, and the build of Framegate that measured on it.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's brand name.
    pub processor: String,
    /// The widest vector instructions that the processor has and Framegate knows.
    pub vector_instructions: &'static str,
    /// Cores this process may use.
    pub cores: usize,
    /// Main memory, in units of 2³⁰ bytes.
    pub memory_gib: f64,
    /// Operating system and version.
    pub system: String,
    /// Version of Framegate.
    pub framegate: &'static str,
    /// Whether this is an optimised build: figures of a debug build say nothing about a release.
    pub optimised: bool,
}

impl Machine {
    /// This machine.
    pub fn describe() -> Self {
        let mut system = System::new();
        system.refresh_memory();
        system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
        let unknown = || "unknown".to_owned();
        Self {
            processor: system
                .cpus()
                .first()
                .map_or_else(unknown, |processor| processor.brand().trim().to_owned()),
            vector_instructions: vector_instructions(),
            cores: thread::available_parallelism().map_or(1, NonZero::get),
            memory_gib: system.total_memory() as f64 / f64::from(1 << 30),
            system: System::long_os_version().unwrap_or_else(unknown),
            framegate: env!("CARGO_PKG_VERSION"),
            optimised: !cfg!(debug_assertions),
        }
    }

    /// One line of text for reports.
    pub fn summary(&self) -> String {
        let Self { processor, vector_instructions, cores, memory_gib, system, .. } = self;
        format!("{processor}, {cores} cores, {vector_instructions}, {memory_gib:.0} GiB, {system}")
    }
}

/// The peak memory of this process, in units of 10⁶ bytes, where the system reports it.
pub(crate) fn peak_memory_mb() -> Option<f64> {
    // Only Linux reports it, in kB of 1024 bytes.
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
