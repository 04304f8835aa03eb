//! Which folders may use which crates.

use super::source::{Source, occurrences};
use super::{assert_accepts, assert_holds, assert_notices};

/// Folders with asynchronous code. The rest blocks and never awaits.
const ASYNCHRONOUS: &[&str] = &[
    "src/front/",
    "src/server/",
    "src/client/",
    "src/load/",
    "src/engine/live/",
    "src/engine/blocking.rs",
    "src/engine/feed.rs",
    "src/watch/",
    "src/commands/",
];

/// A crate's name in code, or how the names of several begin, and the only places that may use it.
const USERS: &[(&str, &[&str])] = &[
    // Sockets.
    ("tokio", ASYNCHRONOUS),
    ("tokio_util", ASYNCHRONOUS),
    (
        "futures_util",
        &["src/front/", "src/client/", "src/load/", "src/watch/camera/", "src/watch/remote/"],
    ),
    ("axum", &["src/front/", "src/watch/"]),
    ("hyper", &["src/front/", "src/watch/camera/", "src/watch/sinks/"]),
    ("hyper_util", &["src/front/", "src/watch/camera/", "src/watch/sinks/"]),
    ("http_auth", &["src/watch/camera/", "src/watch/sinks/"]),
    ("rumqttc", &["src/watch/sinks/mqtt/"]),
    ("fastrand", &["src/backends/", "src/watch/"]),
    ("tower_http", &["src/front/"]),
    ("tungstenite", &["src/front/", "src/client/", "src/load/", "clients/python/src/websocket.rs"]),
    ("tokio_tungstenite", &["src/client/", "src/load/", "src/watch/remote/"]),
    ("rust_embed", &["src/front/"]),
    ("prometheus_client", &["src/front/", "src/watch/"]),
    ("utoipa", &["src/protocol/", "src/front/", "stages/src/boxes/detection.rs", "barcodes/src/"]),
    // Pools of threads that work on frames. The backend simd has a team of its own.
    (
        "rayon",
        &[
            "backends/burn/",
            "src/engine/",
            "src/pipeline/",
            "src/server/",
            "src/bench/",
            "src/commands/",
        ],
    ),
    // The command line and what goes to a terminal.
    ("clap", &["src/cli/", "src/main.rs"]),
    ("clap_complete", &["src/cli/"]),
    ("clap_mangen", &["src/cli/"]),
    ("sd_notify", &["src/commands/serve/"]),
    ("rlimit", &["src/descriptors.rs"]),
    ("strsim", &["src/nearest.rs"]),
    ("tracing_subscriber", &["src/logging/", "traces/"]),
    ("opentelemetry", &["traces/src/"]),
    ("indicatif", &["src/commands/"]),
    ("comfy_table", &["src/commands/", "src/report/", "src/bench/"]),
    // Pixels.
    ("zune_jpeg", &["stages/src/decode/zune/", "jpeg/examples/"]),
    ("framegate_jpeg", &["stages/src/decode/", "stages/src/grey.rs", "jpeg/"]),
    ("exif", &["stages/src/"]),
    ("fast_image_resize", &["stages/src/antialiased.rs", "stages/src/planes/"]),
    (
        "framegate_tracking",
        &[
            "src/observation.rs",
            "src/front/tracks.rs",
            "src/engine/reading/known.rs",
            "src/commands/eval/tracks.rs",
            "clients/python/src/tracker.rs",
        ],
    ),
    (
        "framegate_barcodes",
        &[
            "src/engine/reading/",
            "src/eval/texts/",
            "src/watch/sinks/",
            "src/commands/infer/formats/",
            "stages/src/",
        ],
    ),
    ("rxing", &["barcodes/src/"]),
    // Videos: each library behind one file.
    ("framegate_video", &["src/sources/video/decoding.rs"]),
    ("h264_reader", &["video/src/native/h264/colour.rs"]),
    ("mp4parse", &["video/src/native/container.rs"]),
    ("rustix", &["video/src/ffmpeg/process.rs", "video/src/ffmpeg/source.rs"]),
    ("rusty_h264_decoder", &["video/src/native/h264/decoder.rs"]),
    ("jpeg_encoder", &["src/encode.rs", "src/annotate/mod.rs", "clients/python/src/image.rs"]),
    ("ab_glyph", &["src/annotate/"]),
    ("epaint_default_fonts", &["src/annotate/"]),
    // Reports.
    ("askama", &["src/report/", "src/bench/", "src/commands/"]),
    ("sysinfo", &["src/report/"]),
    ("hdrhistogram", &["src/load/"]),
    // Python.
    ("numpy", &["clients/python/src/"]),
    ("pyo3", &["clients/python/src/"]),
    // Files by address.
    ("ureq", &["fetch/src/", "traces/src/"]),
    ("sha2", &["fetch/src/"]),
    // Models.
    ("prost", &["models/onnx-proto/"]),
    ("half", &["models/src/"]),
    // Compute: each library behind its backend, and each backend behind the file that chooses.
    ("burn*", &["backends/burn/"]),
    ("cubecl*", &["backends/burn/"]),
    ("wgpu", &["backends/burn/"]),
    ("ort", &["backends/ort/"]),
    ("libc", &["backends/cpu/", "backends/simd/"]),
    ("loom", &["backends/simd/"]),
    ("framegate_backend_burn", &["src/backends"]),
    ("framegate_backend_null", &["src/backends", "src/cli/backend.rs"]),
    ("framegate_backend_ort", &["src/backends"]),
    ("framegate_backend_simd", &["src/backends"]),
    ("framegate_onnx_proto", &["models/src/onnx/", "backends/ort/"]),
    ("framegate_testkit", &[]),
];

/// Whether a file names a path of this crate: `name::…`, `use name;` and `use name as …`.
fn uses(code: &str, name: &str) -> bool {
    let (word, is_prefix) = name.strip_suffix('*').map_or((name, false), |word| (word, true));
    let is_path = |at: usize| {
        let before = code[..at].trim_end();
        let after = code[at + word.len()..]
            .trim_start_matches(|c: char| is_prefix && (c.is_alphanumeric() || c == '_'));
        let is_root = !before.ends_with("::") && !before.ends_with('.') && !before.ends_with("mod");
        let is_imported =
            before.ends_with("use") && (after.starts_with(';') || after.starts_with(" as "));
        // `half::<4>()` is a call of a function.
        let is_item = after.starts_with("::") && !after.starts_with("::<");
        is_root && (is_item || is_imported)
    };
    if is_prefix {
        let is_start = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        code.match_indices(word).any(|(at, _)| is_start(at) && is_path(at))
    } else {
        occurrences(code, word).any(is_path)
    }
}

fn crates_out_of_place(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.is_product()) {
        for (name, users) in USERS {
            if !users.iter().any(|user| source.path.starts_with(user))
                && uses(source.product_code(), name)
            {
                violations.push(format!("{} uses {name}; only {users:?} may", source.path));
            }
        }
    }
    violations
}

/// Burn's default device is whatever was built in: a backend names the device it was asked for.
fn burn_devices_not_named(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for Source { path, code, .. } in sources {
        for default in ["Device::default()", "DefaultDevice"] {
            if code.contains(default) {
                violations.push(format!("{path} uses burn's default device"));
            }
        }
        // burn 0.23 has no ndarray device: its one call is easy to replace.
        if code.contains("Device::ndarray()") && path != "backends/burn/src/device.rs" {
            violations.push(format!("{path} makes burn's ndarray device"));
        }
    }
    violations
}

/// Code that decides about frames gets the time passed in, so that tests need no clock and no sleep.
fn clocks_in_pure_code(sources: &[Source]) -> Vec<String> {
    const PURE: [&str; 6] = [
        "src/front/admission/",
        "src/engine/live/fairness.rs",
        "src/engine/live/mailboxes/",
        "src/engine/live/schedule/",
        "src/engine/live/service_times.rs",
        "tracking/src/",
    ];
    let is_pure = |source: &&Source| {
        source.is_product() && PURE.iter().any(|pure| source.path.starts_with(pure))
    };
    let reads_a_clock = |source: &&Source| {
        ["Instant::now", "SystemTime", "sleep", ".elapsed()"]
            .iter()
            .any(|clock| source.product_code().contains(clock))
    };
    sources
        .iter()
        .filter(is_pure)
        .filter(reads_a_clock)
        .map(|source| format!("{} reads a clock", source.path))
        .collect()
}

#[test]
fn crates_are_used_where_they_belong() {
    assert_holds(crates_out_of_place);
}

#[test]
fn a_crate_out_of_place_is_noticed() {
    let cases = [
        ("stages/src/decode/mod.rs", "use tokio::sync::mpsc;"),
        ("stages/src/boxes/mod.rs", "let pool = rayon::spawn(|| ());"),
        ("src/engine/offline.rs", "#[tokio::main]\nfn main() {}"),
        ("src/front/server.rs", "use zune_jpeg::JpegDecoder;"),
        ("src/config/mod.rs", "#[derive(clap::Args)]\nstruct A;"),
        ("src/front/wire.rs", "use clap;"),
        ("models/src/lib.rs", "use burn_tensor::Tensor;"),
        ("backends/simd/src/lib.rs", "use burn::tensor::Tensor;"),
        ("src/engine/mod.rs", "use framegate_backend_simd::SimdBackend;"),
        ("backends/api/src/lib.rs", "use framegate_testkit as kit;"),
    ];
    for (path, text) in cases {
        assert_notices(crates_out_of_place, path, text);
    }
}

#[test]
fn other_uses_of_a_crates_name_are_accepted() {
    let cases = [
        ("stages/src/lib.rs", "// tokio::spawn\nlet text = \"tokio::spawn\";"),
        ("stages/src/lib.rs", "crate::axum::f(); self.tokio.x(); mod rayon;"),
        ("stages/src/lib.rs", "use tokio_like::X; let rayon = 1;"),
        ("jpeg/src/lib.rs", "let rounded = half::<4>();"),
        ("src/front/server.rs", "use tokio::net::TcpListener;"),
        ("stages/src/lib.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use tokio::test;\n}"),
        ("tests/integration/x.rs", "use tokio::net::TcpListener;"),
    ];
    for (path, text) in cases {
        assert_accepts(crates_out_of_place, path, text);
    }
}

#[test]
fn burn_devices_are_named() {
    assert_holds(burn_devices_not_named);
    assert_notices(burn_devices_not_named, "backends/burn/src/session.rs", "Device::default()");
    assert_notices(burn_devices_not_named, "backends/burn/src/session.rs", "Device::ndarray()");
    assert_accepts(burn_devices_not_named, "backends/burn/src/device.rs", "Device::ndarray()");
}

#[test]
fn decisions_about_frames_have_no_clock() {
    assert_holds(clocks_in_pure_code);
    let path = "src/engine/live/schedule/mod.rs";
    assert_notices(clocks_in_pure_code, path, "let now = Instant::now();");
    let tested = "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn f() { Instant::now(); }\n}";
    assert_accepts(clocks_in_pure_code, path, tested);
}
