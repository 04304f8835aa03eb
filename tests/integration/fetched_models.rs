//! Models by address: fetched with what belongs to them, kept, used offline, removed.

use std::path::Path;
use std::process::Command;

use framegate_onnx_proto::{Message, ModelProto, StringStringEntryProto};

use crate::support::files::Files;
use crate::support::program::{Ended, framegate, run};

/// The built-in model, as a file.
const ONNX: &[u8] = include_bytes!("../../models/codes/codes.onnx");
const SIDECAR: &str = include_str!("../../models/codes/codes.toml");

/// A command with a cache of its own.
fn with_cache<'a>(cache: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = framegate(arguments);
    command.env("FRAMEGATE_CACHE", cache);
    command
}

fn ask(cache: &Path, arguments: &[&str]) -> Ended {
    run(&mut with_cache(cache, arguments.iter().copied()))
}

/// The labels of what is found in an image of codes.
fn found(ended: &Ended) -> Vec<String> {
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let line = &ended.json_lines()[0];
    let detections = line["detections"].as_array().unwrap().iter();
    detections.map(|entry| entry["label"].as_str().unwrap().to_owned()).collect()
}

/// The model with its first weights in another file; and that file.
fn with_weights_elsewhere() -> (Vec<u8>, Vec<u8>) {
    let mut model = ModelProto::decode(ONNX).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let tensor = graph.initializer.iter_mut().find(|tensor| tensor.raw_data.len() > 64).unwrap();
    let bytes = std::mem::take(&mut tensor.raw_data);
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    tensor.external_data = vec![entry("location", "weights/m.data"), entry("offset", "0")];
    (model.encode_to_vec(), bytes)
}

/// The checksum of a file, as the list of a cache has it that this is fetched into.
fn sha256_of(address: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(ask(folder.path(), &["models", "pull", address]).status, 0);
    let listed = ask(folder.path(), &["models", "list", "--json"]).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    listed[0]["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn a_model_is_fetched_with_its_sidecar_labels_and_weights_and_used_from_then_on() {
    let (onnx, weights) = with_weights_elsewhere();
    let labels = "labels = [\"qr_code\", \"data_matrix\", \"aztec\", \"pdf417\", \"linear\"]";
    assert!(SIDECAR.contains(labels));
    let files = Files::serve([
        ("/a/m.onnx", onnx),
        ("/a/m.toml", SIDECAR.replace(labels, "labels = \"names.txt\"").into()),
        ("/a/names.txt", b"one\ntwo\nthree\nfour\nfive\n".to_vec()),
        ("/a/weights/m.data", weights),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path();
    let address = format!("{}/a/m.onnx", files.url);
    let infer = ["infer", "--model", &address, "docs/codes.jpg"];
    let first = ask(cache, &infer);
    assert!(
        found(&first)
            .iter()
            .all(|label| ["one", "two", "three", "four", "five"].contains(&&**label))
    );
    assert!(!found(&first).is_empty());
    assert_eq!(files.asked(), ["/a/m.onnx", "/a/m.toml", "/a/names.txt", "/a/weights/m.data"]);
    // The log says what comes from where, and how large it is.
    let size = std::fs::metadata(
        cache.join("http").join(files.url[7..].replace(':', "_")).join("a/m.onnx"),
    );
    let size = size.unwrap().len().to_string();
    for words in ["fetching", &address, &size, "unencrypted"] {
        assert!(first.stderr.contains(words), "{words}: {}", first.stderr);
    }
    for arguments in [&infer[..], &["infer", "--offline", "--model", &address, "docs/codes.jpg"]] {
        assert_eq!(found(&ask(cache, arguments)), found(&first));
    }
    let inspected = ask(cache, &["models", "inspect", &address]);
    assert!(inspected.stdout.contains("five"), "{}", inspected.stdout);
    assert!(files.asked().is_empty(), "the server is not asked again");
    let listed = ask(cache, &["models", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["address"]),
        (1, &address.as_str().into())
    );
    assert!(listed[0]["bytes"].as_u64().unwrap() > ONNX.len() as u64);
    let table = ask(cache, &["models", "list"]);
    assert!(table.stdout.contains(&address), "{}", table.stdout);
    assert_eq!(ask(cache, &["models", "rm", &address]).status, 0);
    assert_eq!(std::fs::read_dir(cache).unwrap().count(), 0, "nothing is left");
    ask(cache, &["models", "rm", &address]).assert_refused(1, &["not in the cache"]);
    ask(cache, &["infer", "--offline", "--model", &address, "docs/codes.jpg"])
        .assert_refused(1, &["--offline", "models pull"]);
    assert!(files.asked().is_empty());
}

#[test]
fn a_second_model_is_fetched_with_what_is_its_own() {
    let sidecar = SIDECAR.replace("second = \"codes\"", "second = \"digits.onnx\"");
    let digits = include_bytes!("../../models/digits/digits.onnx");
    let files = Files::serve([
        ("/a/m.onnx", ONNX.to_vec()),
        ("/a/m.toml", sidecar.into()),
        ("/a/digits.onnx", digits.to_vec()),
        ("/a/digits.toml", include_bytes!("../../models/digits/digits.toml").to_vec()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let address = format!("{}/a/m.onnx", files.url);
    let inspected = ask(folder.path(), &["models", "inspect", &address]);
    assert!(inspected.stdout.contains("digits: ctc"), "{}", inspected.stderr);
    assert_eq!(files.asked(), ["/a/m.onnx", "/a/m.toml", "/a/digits.onnx", "/a/digits.toml"]);
    assert_eq!(ask(folder.path(), &["models", "rm", &address]).status, 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_repository_is_asked_for_its_files() {
    let files = Files::serve([
        ("/o/r/resolve/v1/onnx/m.onnx", ONNX.to_vec()),
        ("/o/r/resolve/v1/onnx/m.toml", SIDECAR.into()),
        ("/o/r/resolve/v1/config.json", b"{}".to_vec()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let mut pull = with_cache(folder.path(), ["models", "pull", "hf:o/r/onnx/m.onnx@v1"]);
    let pulled = run(pull.env("HF_ENDPOINT", &files.url));
    assert_eq!(pulled.status, 0, "{}", pulled.stderr);
    assert!(pulled.stdout.trim().ends_with("o/r/v1/onnx/m.onnx"), "{}", pulled.stdout);
    assert_eq!(
        files.asked(),
        [
            "/o/r/resolve/v1/onnx/m.onnx",
            "/o/r/resolve/v1/onnx/m.toml",
            "/o/r/resolve/v1/config.json",
            "/o/r/resolve/v1/preprocessor_config.json",
        ]
    );
    // Where it came from does not matter any more.
    let offline = ["infer", "--offline", "--model", "hf:o/r/onnx/m.onnx@v1", "docs/codes.jpg"];
    assert!(!found(&ask(folder.path(), &offline)).is_empty());
}

#[test]
fn what_cannot_be_fetched_is_refused_in_words_that_help() {
    let files = Files::serve([
        ("/m.onnx", ONNX.to_vec()),
        ("/page.onnx", b"<html>log in</html>".to_vec()),
        ("/empty.onnx", Vec::new()),
        ("/text.onnx", b"one\ntwo\n".to_vec()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let infer = |model: &str, more: &[&str]| {
        let arguments = [&["infer", "docs/codes.jpg", "--model", model], more].concat();
        ask(folder.path(), &arguments)
    };
    let url = |rest: &str| format!("{}{rest}", files.url);
    infer(&url("/gone.onnx"), &[]).assert_refused(1, &["gone.onnx", "404"]);
    let wrong = url(&format!("/m.onnx#sha256={}", "0".repeat(64)));
    infer(&wrong, &[]).assert_refused(1, &["another file", "not kept"]);
    infer(&url("/m.onnx"), &["--max-model-size-mb", "1"])
        .assert_refused(1, &["1 MiB", "--max-model-size-mb"]);
    infer(&url("/page.onnx"), &[]).assert_refused(1, &["web page", "login"]);
    infer(&url("/empty.onnx"), &[]).assert_refused(1, &["empty file"]);
    infer(&url("/text.onnx"), &[]).assert_refused(1, &["text.onnx", "not kept"]);
    assert_eq!(ask(folder.path(), &["models", "list", "--json"]).stdout.trim(), "[]");
    infer(&url("/m.onnx#md5=1"), &[]).assert_refused(2, &["sha256="]);
    infer("hf:o", &[]).assert_refused(2, &["hf:OWNER"]);
    infer("http://user:hunter2@127.0.0.1:1/m.onnx?token=hunter3", &[])
        .assert_refused(1, &["http://127.0.0.1:1/m.onnx"]);
    let refused = infer("http://user:hunter2@127.0.0.1:1/m.onnx?token=hunter3", &[]);
    assert!(!refused.stderr.contains("hunter"), "{}", refused.stderr);
}

#[test]
fn a_file_with_another_checksum_takes_the_place_of_the_one_before() {
    let (other, weights) = with_weights_elsewhere();
    let before = Files::serve([("/m.onnx", ONNX.to_vec())]);
    let after = Files::serve([("/m.onnx", other), ("/weights/m.data", weights)]);
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = [&before, &after].map(|files| sha256_of(&format!("{}/m.onnx", files.url)));
    let at = |files: &Files, pin: &str| format!("{}/m.onnx#sha256={pin}", files.url);
    assert_eq!(ask(folder.path(), &["models", "pull", &at(&before, &old)]).status, 0);
    // The same address has other contents later.
    let place = before.url[7..].replace(':', "_");
    let moved = after.url[7..].replace(':', "_");
    let http = folder.path().join("http");
    std::fs::rename(http.join(place), http.join(moved)).unwrap();
    let pinned = at(&after, &new);
    after.asked();
    ask(folder.path(), &["models", "pull", "--offline", &pinned])
        .assert_refused(1, &["the cache holds", "without --offline"]);
    let pulled = ask(folder.path(), &["models", "pull", &pinned]);
    assert_eq!(pulled.status, 0, "{}", pulled.stderr);
    assert_eq!(after.asked()[0], "/m.onnx");
    ask(folder.path(), &["models", "pull", &at(&after, &old)])
        .assert_refused(1, &["another file", "not kept"]);
    assert_eq!(ask(folder.path(), &["models", "pull", "--offline", &pinned]).status, 0);
}
