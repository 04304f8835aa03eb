//! Which of the workspace's crates depend on which, by their manifests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A crate below the root package, and all that it may depend on outside of tests.
struct Rule {
    folder: &'static str,
    /// Crates of this workspace.
    own: &'static [&'static str],
    /// Crates from elsewhere. `None`: the backend of a library brings what that needs.
    foreign: Option<&'static [&'static str]>,
}

/// `models` and the backends know each other only through `backends/api`, and the scalar operators.
const RULES: &[Rule] = &[
    Rule { folder: "backends/api", own: &[], foreign: Some(&["thiserror"]) },
    Rule { folder: "backends/cpu", own: &[], foreign: Some(&["libc", "serde", "thiserror"]) },
    Rule { folder: "jpeg", own: &[], foreign: Some(&["thiserror"]) },
    Rule { folder: "backends/scalar", own: &["framegate-backend-api"], foreign: Some(&["libm"]) },
    Rule { folder: "models/onnx-proto", own: &[], foreign: Some(&["prost"]) },
    Rule {
        folder: "models",
        own: &["framegate-backend-api", "framegate-onnx-proto", "framegate-scalar"],
        foreign: Some(&["half", "libm", "serde", "serde_json", "thiserror", "toml"]),
    },
    Rule {
        folder: "backends/null",
        own: &["framegate-backend-api"],
        foreign: Some(&["thiserror"]),
    },
    Rule {
        folder: "backends/simd",
        own: &["framegate-backend-api", "framegate-cpu", "framegate-scalar"],
        foreign: Some(&["libc", "libm", "loom", "tracing"]),
    },
    Rule {
        folder: "backends/burn",
        own: &["framegate-backend-api", "framegate-cpu", "framegate-scalar"],
        foreign: None,
    },
    Rule {
        folder: "backends/ort",
        own: &["framegate-backend-api", "framegate-onnx-proto"],
        foreign: None,
    },
    Rule {
        folder: "video",
        own: &[],
        foreign: Some(&[
            "bytes",
            "h264-reader",
            "mp4parse",
            "rustix",
            "rusty_h264-decoder",
            "thiserror",
        ]),
    },
    Rule { folder: "barcodes", own: &[], foreign: Some(&["rxing", "serde", "utoipa"]) },
    Rule {
        folder: "stages",
        own: &[
            "framegate-backend-api",
            "framegate-barcodes",
            "framegate-cpu",
            "framegate-jpeg",
            "framegate-models",
        ],
        foreign: Some(&[
            "fast_image_resize",
            "memchr",
            "serde",
            "thiserror",
            "tracing",
            "utoipa",
            "zune-jpeg",
        ]),
    },
    Rule { folder: "tracking", own: &[], foreign: Some(&[]) },
    Rule {
        folder: "traces",
        own: &[],
        foreign: Some(&[
            "async-trait",
            "bytes",
            "http",
            "opentelemetry",
            "opentelemetry-http",
            "opentelemetry-otlp",
            "opentelemetry_sdk",
            "thiserror",
            "tracing",
            "tracing-opentelemetry",
            "tracing-subscriber",
            "ureq",
        ]),
    },
    Rule { folder: "fetch", own: &[], foreign: Some(&["sha2", "thiserror", "ureq"]) },
    Rule {
        folder: "backends/testkit",
        own: &["framegate-backend-api", "framegate-scalar"],
        foreign: Some(&[]),
    },
];

/// The names in a manifest's tables of dependencies, those for tests apart.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut is_listed = false;
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            // A platform's table ends the same way: `target.'cfg(…)'.dependencies`.
            let table = table.trim_end().trim_end_matches(']');
            let is_table = |name: &str| {
                table == name
                    || table.ends_with(&format!(".{name}")) && !table.starts_with("workspace")
            };
            is_listed = is_table("dependencies") || is_table("build-dependencies");
            if let Some((_, name)) = table.rsplit_once("dependencies.")
                && !table.contains("dev-dependencies")
            {
                names.insert(name.to_owned());
            }
        } else if is_listed && line.starts_with(|c: char| c.is_alphanumeric()) {
            let end = line.find([' ', '.', '=']).unwrap_or(line.len());
            names.insert(line[..end].to_owned());
        }
    }
    names
}

fn violations(rule: &Rule, manifest: &str) -> Vec<String> {
    let is_allowed = |name: &str| {
        rule.own.contains(&name)
            || !name.starts_with("framegate")
                && rule.foreign.is_none_or(|foreign| foreign.contains(&name))
    };
    dependencies(manifest)
        .iter()
        .filter(|name| !is_allowed(name))
        .map(|name| format!("{} depends on {name}", rule.folder))
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn crates_depend_on_what_is_below_them() {
    let found: Vec<String> = RULES
        .iter()
        .flat_map(|rule| violations(rule, &read(&format!("{}/Cargo.toml", rule.folder))))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_crate_has_a_rule() {
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members: BTreeSet<&str> =
        members.split(',').map(|member| member.trim().trim_matches('"')).collect();
    let members: BTreeSet<&str> = members.into_iter().filter(|member| !member.is_empty()).collect();
    assert_eq!(members, RULES.iter().map(|rule| rule.folder).collect());
}

#[test]
fn a_dependency_that_is_not_listed_is_noticed() {
    let models = RULES.iter().find(|rule| rule.folder == "models").unwrap();
    let accepted = "[package]\nname = \"x\"\n[dependencies]\n# A reason.\nserde.workspace = true\n\
                    toml = { version = \"1\", features = [\n    \"std\",\n] }\n\
                    [dev-dependencies]\nframegate-testkit.workspace = true\n";
    assert_eq!(violations(models, accepted), [""; 0]);
    for planted in [
        "[dependencies]\nframegate-backend-simd.workspace = true",
        "[dependencies]\nburn-tensor = \"0.22\"",
        "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"",
        "[build-dependencies]\nprost-build = \"0.14\"",
        "[dependencies.rayon]\nversion = \"1\"",
    ] {
        assert_eq!(violations(models, planted).len(), 1, "{planted}");
    }
}
