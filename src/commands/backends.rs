//! `framegate backends`: lists the backends and the devices that they run on.

use std::io::{self, Write};

use framegate_backend_api::{BackendError, DeviceKind};
use serde::Serialize;

use super::{CommandError, Outcome};
use crate::backends::{BackendId, BackendOptions};
use crate::cli::BackendsArgs;

/// The state of one backend.
#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    compiled_in: bool,
    usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Why it is not usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn list(args: BackendsArgs) -> Result<Outcome, CommandError> {
    let options = BackendOptions::from(args.resources);
    let entries: Vec<Entry> = BackendId::all()
        .map(|id| {
            let probed = id.create(&options).and_then(|backend| backend.probe());
            let mut entry = Entry {
                name: id.name(),
                compiled_in: id.is_compiled_in(),
                usable: probed.is_ok(),
                device: None,
                kind: None,
                reason: None,
            };
            match probed {
                Ok(device) => {
                    entry.kind = Some(kind(device.kind));
                    entry.device = Some(device.name);
                }
                // Only the reason: the error's own text repeats the name of the backend.
                Err(BackendError::Unavailable { reason, .. }) => entry.reason = Some(reason),
                Err(error) => entry.reason = Some(error.to_string()),
            }
            entry
        })
        .collect();

    let mut out = io::stdout().lock();
    if args.report.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&entries).map_err(io::Error::from)?)?;
    } else {
        write_table(&mut out, &entries)?;
    }
    Ok(Outcome::Done)
}

fn write_table(out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    writeln!(out, "{:<9} {:<9} {:<7} DEVICE, OR WHY NOT", "BACKEND", "COMPILED", "USABLE")?;
    for entry in entries {
        let about = match (&entry.device, entry.kind, &entry.reason) {
            (Some(device), Some(kind), _) => format!("{device} ({kind})"),
            (_, _, reason) => reason.clone().unwrap_or_default(),
        };
        let [compiled_in, usable] = [entry.compiled_in, entry.usable].map(yes_or_no);
        writeln!(out, "{:<9} {compiled_in:<9} {usable:<7} {about}", entry.name)?;
    }
    Ok(())
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Cpu => "cpu",
        DeviceKind::Gpu => "gpu",
        DeviceKind::SoftwareGpu => "software gpu",
    }
}
