//! The files of `deploy/` fit the program: metrics, variables and times have the names and values it has.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use framegate::ServerOptions;
use framegate::cli::Cli;
use framegate::watch::WatchMetrics;
use framegate_testkit::ReferenceBackend;

use crate::support::colours::image;
use crate::support::server::{Setup, TestServer};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn read(path: &str) -> String {
    fs::read_to_string(deploy().join(path)).unwrap_or_else(|_| panic!("there is no deploy/{path}"))
}

/// The words of a text that begin like this.
fn words(text: &str, prefixes: &[&str]) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_word(c));
    let words = words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)));
    words.map(str::to_owned).collect()
}

/// The metrics that a text names, without the endings of histograms' series.
fn metrics_in(text: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let family = |name: String| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        match base {
            Some(base) if known.contains(base) => base.to_owned(),
            _ => name,
        }
    };
    words(text, &["framegate_"]).into_iter().map(family).collect()
}

#[tokio::test]
async fn the_dashboard_shows_every_metric_and_no_other() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    // A stage has a series from its first frame on.
    server.connect("").await.ask(image(0)).await;
    let text = server.app.encode_metrics() + &WatchMetrics::of(["camera"]).encode();
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let known: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(known.len() > 8, "{known:?}");
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("grafana/framegate.json")).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| {
        panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap())
    });
    let shown = metrics_in(&targets.collect::<Vec<_>>().join("\n"), &known);
    assert_eq!(shown, known);
    for path in
        ["prometheus/alerts.yml", "prometheus/alerts_test.yml", "kubernetes/autoscaling.yaml"]
    {
        let used = metrics_in(&read(path), &known);
        assert!(!used.is_empty() && used.is_subset(&known), "{path}: {used:?}");
    }
}

#[tokio::test]
async fn the_book_explains_every_metric() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let text = server.app.encode_metrics() + &WatchMetrics::of(["camera"]).encode();
    let page = fs::read_to_string(deploy().join("../docs/deployment.md")).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let known: BTreeSet<&str> = names.collect();
    assert!(known.contains("framegate_source_up") && known.len() > 12, "{known:?}");
    let missing: Vec<_> = known.iter().filter(|name| !page.contains(&format!("`{name}"))).collect();
    assert!(missing.is_empty(), "docs/deployment.md lacks {missing:?}");
}

/// Where the image keeps fetched models is a volume wherever its root is read-only.
#[test]
fn fetched_models_have_a_place_in_containers() {
    let package = fs::read_to_string(deploy().join("../scripts/package")).unwrap();
    let (_, rest) = package.split_once("IMAGE_CACHE = \"").unwrap();
    let cache = format!("/{}", rest.split_once('"').unwrap().0);
    assert!(read("compose/compose.yaml").contains(&format!("models:{cache}")));
    assert!(read("kubernetes/deployment.yaml").contains(&format!("mountPath: {cache} ")));
    for file in ["kubernetes/framegate.env", "systemd/framegate.service"] {
        assert!(read(file).contains(&format!("FRAMEGATE_CACHE={cache}\n")), "{file}");
    }
}

#[test]
fn every_variable_is_one_that_the_server_reads() {
    let command = Cli::command();
    let options = command
        .get_arguments()
        .chain(command.find_subcommand("serve").expect("it is a command").get_arguments());
    let mut known: BTreeSet<String> = options
        .filter_map(|option| Some(option.get_env()?.to_string_lossy().into_owned()))
        .collect();
    // It is the proxies', not the server's.
    known.insert("FRAMEGATE_TOKEN".to_owned());
    let prefixes = ["FRAMEGATE_", "STREAM_", "VIDEO_"];
    let mut checked = 0;
    let mut folders = vec![deploy()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for variable in words(&fs::read_to_string(&path).unwrap(), &prefixes) {
                // `STREAM_…` in a sentence.
                if !prefixes.contains(&variable.as_str()) {
                    assert!(known.contains(&variable), "{}: {variable}", path.display());
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn packages_hold_every_default_feature_but_those_of_burn() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table =
        fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let default = manifest["features"]["default"].as_array().unwrap();
    let default = default.iter().map(|feature| feature.as_str().unwrap());
    let packed: Vec<_> = default.filter(|feature| !["burn", "wgpu"].contains(feature)).collect();
    assert!(packed.contains(&"codes"), "{packed:?}");
    for (path, start) in [
        ("scripts/package", "\"--features\", \""),
        (".github/workflows/release.yml", "--no-default-features --features "),
        ("docs/deployment.md", "--no-default-features --features "),
    ] {
        let text = fs::read_to_string(root.join(path)).unwrap();
        let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{path}"));
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != ',').unwrap();
        assert_eq!(rest[..end].split(',').collect::<Vec<_>>(), packed, "{path}");
    }
}

#[test]
fn the_services_have_the_folders_that_their_options_name() {
    let (server, cameras) =
        (read("systemd/framegate.service"), read("systemd/framegate-watch@.service"));
    assert!(server.contains("StateDirectory=framegate/jobs\n"));
    assert!(read("systemd/framegate.env").contains("VIDEO_JOBS_DIR=/var/lib/framegate/jobs\n"));
    assert!(cameras.contains("CacheDirectory=framegate-watch\n"));
    assert!(cameras.contains("FRAMEGATE_CACHE=/var/cache/framegate-watch\n"));
    // What protects one protects the other.
    let protection = |unit: &str| unit[unit.find("DynamicUser=").unwrap()..].to_owned();
    assert_eq!(protection(&server), protection(&cameras));
}

/// The number after a text.
fn number_after(text: &str, start: &str) -> f64 {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("there is no {start}"));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].parse().unwrap()
}

#[test]
fn nothing_ends_a_server_before_its_sessions_have_drained() {
    let drain = ServerOptions::default().drain.as_secs_f64();
    assert!(number_after(&read("systemd/framegate.service"), "TimeoutStopSec=") > drain);
    assert!(number_after(&read("compose/compose.yaml"), "stop_grace_period: ") > drain);
    let pod = read("kubernetes/deployment.yaml");
    let drain = number_after(&read("kubernetes/framegate.env"), "FRAMEGATE_DRAIN_SECONDS=");
    let pause = number_after(&pod, "sleep: { seconds: ");
    assert!(number_after(&pod, "terminationGracePeriodSeconds: ") > drain + pause);
}
