//! `framegate backends`: which backends run here, and why the others do not.

use std::io::Write;

use comfy_table::Table;
use framegate_backend_api::{BackendError, DeviceKind};
use serde::Serialize;

use super::{CommandError, CommandStatus};
use crate::backends::{BackendId, BackendOptions};
use crate::cli::BackendsArgs;
use crate::report::{table, write_json_to};

/// One backend in the list.
#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    compiled_in: bool,
    usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// All devices that it can run on, in the order of their numbers, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<String>,
    /// Why it is not usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn list(args: BackendsArgs, out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    let options = BackendOptions::from(args.resources);
    let entries: Vec<Entry> = BackendId::all()
        .map(|id| {
            let created = id.create(&options);
            let devices = created.as_ref().map(|backend| backend.devices()).unwrap_or_default();
            let probed = created.and_then(|backend| backend.probe());
            let mut entry = Entry {
                name: id.name(),
                compiled_in: id.is_compiled_in(),
                usable: probed.is_ok(),
                device: None,
                kind: None,
                devices: match devices.as_slice() {
                    [] | [_] => Vec::new(),
                    several => several.iter().map(|device| device.name.clone()).collect(),
                },
                reason: None,
            };
            match probed {
                Ok(device) => {
                    entry.kind = Some(kind(device.kind));
                    entry.device = Some(device.name);
                }
                // Without the sentence around it, which names the backend again.
                Err(BackendError::Unavailable { reason, .. }) => entry.reason = Some(reason),
                Err(error) => entry.reason = Some(error.to_string()),
            }
            entry
        })
        .collect();

    if args.report.json {
        write_json_to(out, &entries)?;
    } else {
        writeln!(out, "{}", as_table(&entries))?;
    }
    Ok(CommandStatus::Done)
}

fn as_table(entries: &[Entry]) -> Table {
    let mut table = table(&["backend", "compiled in", "usable", "device, or why not"], 4);
    for entry in entries {
        let about = match (&entry.device, entry.kind, &entry.reason) {
            (Some(device), Some(kind), _) => format!("{device} ({kind})"),
            (_, _, reason) => reason.clone().unwrap_or_default(),
        };
        let others = entry.devices.iter().enumerate();
        let about = others
            .fold(about, |about, (number, device)| format!("{about}\n--device {number}: {device}"));
        let [compiled_in, usable] = [entry.compiled_in, entry.usable].map(yes_or_no);
        table.add_row([entry.name, compiled_in, usable, &about]);
    }
    table
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Cpu => "cpu",
        DeviceKind::Gpu => "gpu",
        DeviceKind::SoftwareGpu => "software gpu",
        _ => "other",
    }
}
