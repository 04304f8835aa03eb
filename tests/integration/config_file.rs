//! `framegate.toml`: what overrides what, what is refused and with which line, pipelines with options of their own.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::Client;
use crate::support::program::{Ended, framegate, run};
use crate::support::serving::Server;

/// A folder with a file in it.
struct File {
    folder: TempDir,
    path: PathBuf,
}

impl File {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("framegate.toml");
        std::fs::write(&path, text).unwrap();
        Self { folder, path }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// The report of `check --config`.
    fn check(&self) -> Ended {
        run(&mut framegate(["check", "--config", self.path()]))
    }
}

async fn info(server: &Server) -> Value {
    let answer = reqwest::get(format!("http://{}/info", server.address)).await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The setting of this name.
fn setting(info: &Value, name: &str) -> Value {
    let settings = info["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["name"] == name);
    found.cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_variable_beats_the_file_and_an_option_beats_both() {
    let file = File::with(
        "backend = \"null\"\n\
         stream_max_sessions = 3\n\
         stream_max_frame_size_mb = 2\n\
         batch = 2\n\
         enforce_max_sessions = true\n\
         max_connections = 7\n",
    );
    let server = Server::start_with(&["--batch", "3", "--config", file.path()], |command| {
        command.env("STREAM_MAX_FRAME_SIZE_MB", "1").env("FRAMEGATE_BATCH", "5");
        command.env("FRAMEGATE_ENFORCE_MAX_SESSIONS", "0");
    });
    let info = info(&server).await;
    let limits = &info["limits"];
    assert_eq!(limits["recommended_sessions"], 3);
    assert_eq!(limits["max_frame_bytes"], 1 << 20);
    assert_eq!(limits["max_batch"], 3);
    assert_eq!(limits["sessions_enforced"], false);
    for (name, value, set_by, line) in [
        ("stream_max_sessions", "3", "file", json!(2)),
        ("stream_max_frame_size_mb", "1", "variable", Value::Null),
        ("batch", "3", "option", Value::Null),
        ("enforce_max_sessions", "0", "variable", Value::Null),
        ("max_connections", "7", "file", json!(6)),
    ] {
        let setting = setting(&info, name);
        assert_eq!(setting["value"], value, "{setting}");
        assert_eq!((&setting["set_by"], &setting["line"]), (&json!(set_by), &line), "{setting}");
    }
    assert_eq!(setting(&info, "iou"), Value::Null, "a default is not listed");
}

#[tokio::test]
async fn a_variable_may_name_the_file() {
    let file = File::with("backend = \"null\"\nstream_max_sessions = 4\n");
    let server = Server::start_with(&[], |command| {
        command.env("FRAMEGATE_CONFIG", file.path());
    });
    assert_eq!(info(&server).await["limits"]["recommended_sessions"], 4);
}

#[tokio::test]
async fn no_file_is_read_that_is_not_named() {
    let file = File::with("stream_max_sessions = 4\n");
    let server = Server::start_with(&["--backend", "null"], |command| {
        command.current_dir(file.folder.path());
    });
    assert_eq!(info(&server).await["limits"]["recommended_sessions"], 10);
}

#[tokio::test]
async fn pipelines_have_their_own_options() {
    let file = File::with(
        "conf = 0.3\n\
         stream_max_sessions = 2\n\
         [[pipeline]]\n\
         name = \"strict\"\n\
         model = \"codes\"\n\
         conf = 0.9\n\
         labels = \"labels.txt\"\n\
         [[pipeline]]\n\
         model = \"codes\"\n\
         iou = 0.7\n\
         backend = \"null\"\n",
    );
    let labels = ["one", "two", "three", "four", "five"];
    std::fs::write(file.folder.path().join("labels.txt"), labels.join("\n")).unwrap();
    let server = Server::start(&["--config", file.path()]);
    let info = info(&server).await;
    let described: Vec<_> = info["pipelines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let number = |key: &str| (entry[key].as_f64().unwrap() * 100.0).round();
            (entry["id"].as_str().unwrap(), number("confidence"), number("iou"))
        })
        .collect();
    assert_eq!(described, [("strict", 90.0, 45.0), ("codes", 30.0, 70.0)]);
    assert_eq!(info["pipelines"][1]["backend"], "null");
    assert_ne!(info["pipelines"][0]["backend"], "null");
    assert_eq!(
        setting(&info, "pipeline[0].conf"),
        json!({
            "name": "pipeline[0].conf", "value": "0.9", "set_by": "file", "line": 6
        })
    );
    let image = std::fs::read("docs/codes.jpg").unwrap();
    let mut strict = Client::connect(server.address, "pipeline_id=strict&hello=1").await;
    assert_eq!(strict.hear_message().await["session"]["labels"], json!(labels));
    let found = strict.ask(image.clone()).await;
    let scores = found["result"]["detections"].as_array().unwrap().iter();
    assert!(
        scores.map(|entry| entry["score"].as_f64().unwrap()).all(|score| score >= 0.9),
        "{found}"
    );
    let mut other = Client::connect(server.address, "pipeline_id=codes&hello=1").await;
    assert_eq!(other.hear_message().await["session"]["backend"], "null");
    // An option holds for every pipeline.
    drop((strict, other, server));
    let server = Server::start(&["--config", file.path(), "--conf", "0.5"]);
    let info = self::info(&server).await;
    for entry in info["pipelines"].as_array().unwrap() {
        assert_eq!(entry["confidence"], 0.5, "{entry}");
    }
    // Pipelines that are typed replace those of the file.
    drop(server);
    let server = Server::start(&["--config", file.path(), "--pipeline", "typed=codes"]);
    let info = self::info(&server).await;
    assert_eq!(info["pipelines"].as_array().unwrap().len(), 1);
    assert_eq!(info["pipelines"][0]["id"], "typed");
}

#[tokio::test]
async fn what_a_pipeline_reports_by_default_is_its_own() {
    let file = File::with(
        "max_det = 7\n\
         [[pipeline]]\n\
         model = \"codes\"\n\
         classes = [\"data_matrix\", \"qr_code:0.5\"]\n\
         decode_scale = \"half\"\n\
         [[pipeline]]\n\
         name = \"other\"\n\
         model = \"codes\"\n\
         max_det = 1\n",
    );
    let server = Server::start(&["--config", file.path()]);
    let image = std::fs::read("docs/codes.jpg").unwrap();
    let kinds = |found: &Value| -> Vec<String> {
        let found = found["result"]["detections"].as_array().unwrap().iter();
        found.map(|one| one["label"].as_str().unwrap().to_owned()).collect()
    };
    let mut client = Client::connect(server.address, "hello=1").await;
    let greeting = client.hear_message().await;
    let settings = &greeting["session"]["settings"];
    assert_eq!(settings["classes"], json!(["qr_code:0.5", "data_matrix"]));
    assert_eq!(settings["max_det"], 7);
    let chosen = kinds(&client.ask(image.clone()).await);
    assert!(!chosen.is_empty());
    assert!(chosen.iter().all(|kind| kind == "qr_code" || kind == "data_matrix"), "{chosen:?}");
    // A client asks for others, and then for the server's own again.
    for (changes, expected) in [
        (json!({"classes": ["linear"], "max_det": 2}), (json!(["linear"]), 2)),
        (json!({"classes": null, "max_det": null}), (settings["classes"].clone(), 7)),
    ] {
        let message = json!({ "configure": changes }).to_string();
        client.send_message(Message::text(message)).await;
        let settings = client.hear_message().await["session"]["settings"].clone();
        assert_eq!(
            (settings["classes"].clone(), settings["max_det"].clone()),
            (expected.0, json!(expected.1))
        );
    }
    assert_eq!(kinds(&client.ask(image.clone()).await), chosen);
    let mut other = Client::connect(server.address, "pipeline_id=other").await;
    assert_eq!(kinds(&other.ask(image).await).len(), 1);
    // An option holds for every pipeline.
    drop((client, other, server));
    let server =
        Server::start(&["--config", file.path(), "--classes", "aztec,pdf417", "--max-det", "3"]);
    let mut client = Client::connect(server.address, "hello=1").await;
    let settings = client.hear_message().await["session"]["settings"].clone();
    assert_eq!(
        (&settings["classes"], &settings["max_det"]),
        (&json!(["aztec", "pdf417"]), &json!(3))
    );
}

#[test]
fn a_class_that_the_model_does_not_have_is_a_problem() {
    let file = File::with("max_det = 301\n[[pipeline]]\nmodel = \"codes\"\nclasses = [\"cat\"]\n");
    let checked = file.check();
    assert_eq!(checked.status, 1, "{}", checked.stderr);
    assert!(checked.stdout.contains("framegate.toml:1: --max-det 301"), "{}", checked.stdout);
    let file = File::with("[[pipeline]]\nmodel = \"codes\"\nclasses = [\"cat\"]\n");
    let checked = file.check();
    assert_eq!(checked.status, 1, "{}", checked.stderr);
    let words = "pipeline codes: there is no class \"cat\" (--classes); the model has qr_code, ";
    assert!(checked.stdout.contains(words), "{}", checked.stdout);
    let served = run(&mut framegate(["serve", "--classes", "cat"]));
    assert!(served.status != 0 && served.stderr.contains("no class \"cat\""), "{}", served.stderr);
}

#[test]
fn every_problem_is_named_with_its_line() {
    let file = File::with(
        "prot = 8000\n\
         batch = 17\n\
         port = \"many\"\n\
         \n\
         host = [\"a\", \"b\"]\n\
         model = \"codes\"\n\
         [[pipeline]]\n\
         confidence = 0.5\n\
         [watch]\n\
         webhok = 1\n\
         [serve]\n\
         port = 1\n\
         [limits]\n\
         batch = 1\n\
         [[pipelines]]\n\
         model = \"codes\"\n\
         [[source]]\n\
         name = \"yard\"\n\
         [wach]\n",
    );
    let checked = file.check();
    assert_eq!(checked.status, 1, "{}", checked.stderr);
    let path = file.path();
    for (line, words) in [
        (1, &["unknown key `prot`", "`port`"][..]),
        (3, &["port", "many"]),
        (5, &["host", "not a list"]),
        (6, &["`model`", "[watch]"]),
        (7, &["no model", "`model = \"codes\"`"]),
        (8, &["unknown key `confidence`", "`conf`"]),
        (10, &["unknown key `webhok`", "`webhook`"]),
        (11, &["unknown table [serve]", "by themselves"]),
        (13, &["unknown table [limits]", "by themselves"]),
        (15, &["unknown table [[pipelines]]", "did you mean [[pipeline]]?"]),
        (17, &["unknown table [[source]]", "did you mean `sources`, below [watch]?"]),
        (19, &["unknown table [wach]", "did you mean [watch]?"]),
    ] {
        let start = format!("{path}:{line}: ");
        let found = checked.stdout.lines().find(|text| text.starts_with(&start));
        let found = found.unwrap_or_else(|| panic!("no line {line} in {}", checked.stdout));
        for word in words {
            assert!(found.contains(word), "{found}");
        }
    }
    assert!(checked.stdout.contains("12 problems"), "{}", checked.stdout);
    // The server refuses the same file in the same words.
    let served = run(&mut framegate(["serve", "--config", path]));
    served.assert_refused(2, &["framegate.toml:1: unknown key `prot`", "framegate.toml:11: "]);
}

#[test]
fn values_out_of_range_are_all_found() {
    let file = File::with(
        "batch = 17\n\
         stream_drop_threshold = 0.5\n\
         stream_slowdown_threshold = 0.4\n\
         conf = 2\n\
         [[pipeline]]\n\
         name = \"a\"\n\
         conf = 0.5\n\
         iou = -1.0\n\
         model = \"codes\"\n\
         [[pipeline]]\n\
         name = \"a\"\n\
         conf = 0.5\n\
         model = \"codes\"\n\
         [watch]\n\
         sources = [\"clip.mp4\"]\n\
         fps = 0\n",
    );
    let checked = file.check();
    assert_eq!(checked.status, 1, "{}", checked.stderr);
    let lines: Vec<usize> = checked
        .stdout
        .lines()
        .filter_map(|text| text.strip_prefix(file.path())?.split(':').nth(1)?.parse().ok())
        .collect();
    assert_eq!(lines.len(), 6, "{}", checked.stdout);
    for line in [1, 3, 4, 8, 11, 16] {
        assert!(lines.contains(&line), "{line} is not in {}", checked.stdout);
    }
    let served = run(&mut framegate(["serve", "--config", file.path()]));
    served.assert_refused(2, &["framegate.toml:1: --batch 17", "framegate.toml:8: --iou -1"]);
}

#[test]
fn a_source_that_cannot_be_used_is_one_problem() {
    let file = File::with("[watch]\nbackend = \"null\"\nsources = [\"https://camera/\"]\n");
    let checked = file.check();
    assert_eq!(checked.status, 1, "{}", checked.stderr);
    for words in ["framegate.toml:3: SOURCE 1: https", "1 problem\n"] {
        assert!(checked.stdout.contains(words), "{words}: {}", checked.stdout);
    }
}

#[test]
fn a_collector_of_traces_that_cannot_be_used_is_a_problem() {
    for (collector, problem) in
        [("localhost:4318", Some("http://HOST:4318")), ("http://localhost:4318", None)]
    {
        let file = File::with(&format!("backend = \"null\"\notlp = \"{collector}\"\n"));
        let checked = file.check();
        let problem = if cfg!(feature = "otlp") { problem } else { Some("--features otlp") };
        assert_eq!(checked.status, i32::from(problem.is_some()), "{}", checked.stdout);
        if let Some(words) = problem {
            let found = checked.stdout.contains("framegate.toml:2: --otlp");
            assert!(found && checked.stdout.contains(words), "{}", checked.stdout);
        }
    }
    let share = File::with("backend = \"null\"\notlp_share = 2.0\n").check();
    assert!(share.stdout.contains("framegate.toml:2: --otlp-share 2"), "{}", share.stdout);
}

#[test]
fn a_file_that_is_not_toml_or_not_there_is_refused() {
    let broken = File::with("port = 8000\nhost = \n");
    let checked = broken.check();
    assert_eq!(checked.status, 1);
    assert!(checked.stdout.contains("framegate.toml:2: "), "{}", checked.stdout);
    for command in ["serve", "watch"] {
        let missing = run(&mut framegate([command, "--config", "no/such/file.toml"]));
        missing.assert_refused(2, &["no/such/file.toml"]);
    }
}

#[test]
fn models_and_labels_that_cannot_be_read_are_problems() {
    let file = File::with(
        "[[pipeline]]\nmodel = \"codes\"\n\n[[pipeline]]\nname = \"gone\"\nmodel = \"gone.onnx\"\n\
         [[pipeline]]\nmodel = \"codes\"\nname = \"nameless\"\nlabels = \"gone.txt\"\n\
         [[pipeline]]\nname = \"remote\"\nmodel = \"https://nowhere.invalid/m.onnx\"\n",
    );
    let checked = file.check();
    assert_eq!(checked.status, 1, "{}", checked.stderr);
    let gone = file.folder.path().join("gone.onnx");
    for words in
        ["framegate.toml:4: pipeline gone", "framegate.toml:7: pipeline nameless", "2 problems"]
    {
        assert!(checked.stdout.contains(words), "{words}: {}", checked.stdout);
    }
    assert!(checked.stdout.contains(gone.to_str().unwrap()), "paths are relative to the file");
}

#[test]
fn the_example_has_no_problem() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/framegate.toml");
    let text = std::fs::read_to_string(&example).unwrap();
    let checked = run(&mut framegate(["check", "--config", example.to_str().unwrap()]));
    assert_eq!(checked.status, 0, "{}", checked.stdout);
    assert!(checked.stdout.contains("serves codes"), "{}", checked.stdout);
    // What is commented out is right as well, except that its files are not there.
    let is_code =
        |line: &str| line.starts_with("# [") || line.starts_with("# ") && line.contains(" = ");
    let all: Vec<&str> =
        text.lines().map(|line| if is_code(line) { &line[2..] } else { line }).collect();
    let all = File::with(&all.join("\n"));
    let checked = all.check();
    assert!(checked.stdout.contains("pipeline people"), "{}", checked.stdout);
    assert!(checked.stdout.contains("1 problem\n"), "{}", checked.stdout);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let file = File::with(
        "backend = \"null\"\nallow_origin = [\"https://cam.example/page?token=hunter3\"]\n\
         [watch]\nmqtt = \"mqtt://user:hunter4@broker\"\nsources = [\"rtsp://user:hunter5@camera\"]\n",
    );
    let server = Server::start(&["--config", file.path()]);
    let info = info(&server).await.to_string();
    assert!(info.contains("cam.example"), "{info}");
    assert!(!info.contains("hunter"), "{info}");
}

#[test]
fn watch_takes_its_sources_from_the_file() {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("video/tests/data/small.mp4");
    let file = File::with(&format!(
        "conf = 2\n[watch]\nbackend = \"null\"\nsources = [\"{}\"]\n",
        clip.display()
    ));
    run(&mut framegate(["watch", "--config", file.path()]))
        .assert_refused(2, &["framegate.toml:1: --conf 2"]);
}
