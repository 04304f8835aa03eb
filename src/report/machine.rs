//! Where something was measured, as far as it matters for repeating it.

use std::num::NonZero;
use std::{fs, thread};

use serde::Serialize;
use sysinfo::System;

/// A machine, and the program that measured on it.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// The widest vector instructions it has that this program knows of.
    pub vector_instructions: &'static str,
    /// Cores this process may use.
    pub cores: usize,
    /// Main memory, in units of 2³⁰ bytes.
    pub memory_gib: f64,
    /// Operating system and version.
    pub system: String,
    /// Version of this program.
    pub framegate: &'static str,
    /// Whether the program was optimised: numbers of a debug build say nothing about a release.
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

    /// The machine in one line.
    pub fn summary(&self) -> String {
        let Self { processor, vector_instructions, cores, memory_gib, system, .. } = self;
        format!("{processor}, {cores} cores, {vector_instructions}, {memory_gib:.0} GiB, {system}")
    }
}

fn vector_instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        return "AVX-512";
    } else if std::arch::is_x86_feature_detected!("avx2") {
        return "AVX2";
    }
    std::env::consts::ARCH
}

/// The most memory that this process has held so far, in units of 10⁶ bytes, where the system tells.
pub fn peak_memory_mb() -> Option<f64> {
    // Linux alone keeps count; it says kB and means 1024 bytes.
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
