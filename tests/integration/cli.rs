//! The command line: what is accepted, what is refused, and with which message.

use std::collections::BTreeMap;
use std::process::Stdio;

use clap::CommandFactory;
use framegate::cli::Cli;

use crate::support::program::{framegate, run};

#[test]
fn help_shows_every_subcommand_with_an_example() {
    let help = run(&mut framegate(["--help"]));
    assert_eq!(help.status, 0);
    for subcommand in ["serve", "infer", "eval", "load", "models", "backends"] {
        assert!(help.stdout.contains(subcommand));
    }
    for arguments in [&["serve", "--help"][..], &["infer", "--help"], &["models", "run", "--help"]]
    {
        let help = run(&mut framegate(arguments.iter().copied()));
        assert!(help.stdout.contains("Example"), "{arguments:?}");
        assert!(help.stdout.contains("FRAMEGATE_BACKEND"), "{arguments:?}");
    }
    let version = run(&mut framegate(["--version"]));
    assert_eq!(version.stdout, format!("framegate {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_machine_without_a_display_hears_nothing_of_it() {
    let listed = run(framegate(["backends"]).env_remove("XDG_RUNTIME_DIR"));
    assert_eq!((listed.status, listed.stderr.as_str()), (0, ""));
}

#[test]
fn shells_and_manuals_know_every_command() {
    let names: Vec<String> = Cli::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| command.get_name().to_owned())
        .collect();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut framegate(["completions", shell]));
        assert_eq!(script.status, 0, "{}", script.stderr);
        for name in &names {
            assert!(script.stdout.contains(name), "{shell} does not know {name}");
        }
        assert!(!script.stdout.contains("bench-worker"), "{shell} offers what is hidden");
    }
    run(&mut framegate(["completions", "abacus"])).assert_refused(2, &["abacus", "bash"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(run(&mut framegate(["man", path])).status, 0);
    for name in &names {
        let page = folder.path().join(format!("framegate-{name}.1"));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("no page on {name}"));
        assert!(text.contains(".SH NAME"), "{text}");
    }
    run(&mut framegate(["man", "no/such/folder"])).assert_refused(1, &["no/such/folder"]);
}

#[test]
fn every_option_has_its_variable() {
    fn check(command: &clap::Command, checked: &mut usize) {
        for option in command.get_arguments() {
            let Some(long) = option.get_long().filter(|long| !["help", "version"].contains(long))
            else {
                continue;
            };
            let name = long.to_uppercase().replace('-', "_");
            let variable = match name.as_str() {
                // These names are part of the published protocol.
                "JOBS_DIR" => "VIDEO_JOBS_DIR".to_owned(),
                name if name.starts_with("STREAM_") || name.starts_with("VIDEO_") => {
                    name.to_owned()
                }
                // Everything that loads the runtime reads this variable.
                "ORT_LIB" => "ORT_DYLIB_PATH".to_owned(),
                name => format!("FRAMEGATE_{name}"),
            };
            let found = option.get_env().map(|name| name.to_string_lossy().into_owned());
            assert_eq!(found.as_deref(), Some(variable.as_str()), "--{long}");
            *checked += 1;
        }
        command.get_subcommands().for_each(|command| check(command, checked));
    }
    let mut checked = 0;
    check(&Cli::command(), &mut checked);
    assert!(checked > 20, "only {checked} options were found");
    Cli::command().debug_assert();
}

/// A variable is set for every command that reads it.
#[test]
fn every_variable_means_one_thing() {
    type Meanings = BTreeMap<String, (String, String)>;
    fn check(command: &clap::Command, meanings: &mut Meanings) {
        for option in command.get_arguments() {
            let Some(variable) = option.get_env() else { continue };
            let values: Vec<&str> = match option.get_action().takes_values() {
                true => {
                    option.get_value_names().into_iter().flatten().map(|name| &**name).collect()
                }
                false => Vec::new(),
            };
            // Some commands take several values where others take one.
            let values = values.join(" ").replace(",…", "");
            let possible = option.get_possible_values();
            let possible: Vec<&str> = possible.iter().map(|value| value.get_name()).collect();
            let values = format!("{values} {possible:?}");
            let meaning = (option.get_id().to_string(), values);
            let known = meanings
                .entry(variable.to_string_lossy().into_owned())
                .or_insert_with(|| meaning.clone());
            assert_eq!(*known, meaning, "{variable:?} in `{}`", command.get_name());
        }
        command.get_subcommands().for_each(|command| check(command, meanings));
    }
    let mut meanings = Meanings::new();
    check(&Cli::command(), &mut meanings);
    assert!(meanings.len() > 20, "{meanings:?}");
}

#[test]
fn an_option_beats_its_variable() {
    let infer = ["infer", "--model", "m.onnx", "a.jpg"];
    let mut by_variable = framegate(infer);
    by_variable.env("FRAMEGATE_BATCH", "17").env("FRAMEGATE_MODEL", "other.onnx");
    run(&mut by_variable).assert_refused(2, &["--batch 17", "1 to 16"]);
    // The variable's value would be refused, so the option's was used.
    let mut by_option = framegate(infer);
    by_option.args(["--batch", "2"]).env("FRAMEGATE_BATCH", "17");
    run(&mut by_option).assert_refused(1, &["m.onnx"]);
    let mut switch = framegate(["backends"]);
    assert!(run(switch.env("FRAMEGATE_JSON", "1")).stdout.starts_with('['));
    assert!(!run(switch.env("FRAMEGATE_JSON", "0")).stdout.starts_with('['));
}

#[test]
fn a_misspelt_variable_is_warned_of() {
    let ended = run(framegate(["backends"]).env("FRAMEGATE_BACKND", "simd"));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    for words in ["FRAMEGATE_BACKND is unknown", "did you mean FRAMEGATE_BACKEND?"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn values_out_of_range_are_refused_before_any_work() {
    for (option, named) in [
        ("--batch=0", "--batch 0"),
        ("--batch=17", "--batch 17"),
        ("--conf=1.5", "--conf 1.5"),
        ("--conf=NaN", "--conf NaN"),
        ("--iou=-0.1", "--iou -0.1"),
        ("--threads=0", "--threads 0"),
        ("--input-size=640", "--input-size 640"),
        ("--input-size=0x640", "--input-size 0x640"),
        ("--max-frame-size-mb=0", "--max-frame-size-mb 0"),
        ("--max-frame-width=70000", "--max-frame-width 70000"),
        ("--max-frame-pixels=0", "--max-frame-pixels 0"),
    ] {
        let refused = run(&mut framegate(["infer", "--model", "missing.onnx", option, "a.jpg"]));
        refused.assert_refused(2, &[named]);
        assert!(!refused.stderr.contains("missing.onnx"), "{option}");
    }
}

#[test]
fn unknown_arguments_are_usage_errors() {
    for (arguments, word) in [
        (&["infer"][..], "<PATH>"),
        (&["eval", "--images", "photos"], "--ground-truth"),
        (&["infer", "--model", "m.onnx", "--backend", "abacus", "a.jpg"], "ndarray"),
        (&["infer", "--model", "m.onnx", "--batch", "many", "a.jpg"], "many"),
        (&["infer", "--model", "m.onnx", "-", "-"], "only once"),
        (&["models", "run", "m.onnx", "--backend", "flex"], "--input"),
        (&["watch"], "watch"),
    ] {
        run(&mut framegate(arguments.iter().copied())).assert_refused(2, &[word]);
    }
}

#[test]
fn a_missing_or_broken_model_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.onnx");
    std::fs::write(&broken, b"\x08\x07\x12\x04no onnx at all").unwrap();
    let broken = broken.to_str().unwrap();
    let empty = directory.path().join("empty.onnx");
    std::fs::write(&empty, b"").unwrap();
    let (empty, folder) = (empty.to_str().unwrap(), directory.path().to_str().unwrap());
    for model in ["missing.onnx", broken, empty, folder] {
        for arguments in [
            &["infer", "--model", model, "a.jpg"][..],
            &["models", "inspect", model],
            &["models", "run", model, "--input", "missing.npy", "--output-dir", "missing"],
        ] {
            run(&mut framegate(arguments.iter().copied())).assert_refused(1, &["error: ", model]);
        }
    }
}

#[test]
fn every_known_backend_is_listed_with_a_device_or_a_reason() {
    let listed = run(&mut framegate(["backends", "--json"]));
    assert_eq!(listed.status, 0);
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).unwrap();
    let names: Vec<_> = listed.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["wgpu", "simd", "flex", "ndarray", "ort", "null"]);
    let table = run(&mut framegate(["backends"])).stdout;
    for entry in &listed {
        let usable = entry["usable"] == true;
        assert_eq!(entry["device"].is_string(), usable, "{entry}");
        assert_eq!(entry["reason"].is_string(), !usable, "{entry}");
        let about = if usable { &entry["device"] } else { &entry["reason"] };
        assert!(table.contains(about.as_str().unwrap()), "{table}");
    }
}

#[test]
fn a_closed_standard_output_is_not_an_error() {
    let mut command = framegate(["backends"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn annotating_over_the_inputs_is_refused_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.jpg"), b"precious").unwrap();
    let path = directory.path().to_str().unwrap();
    run(&mut framegate(["infer", "--model", "missing.onnx", "--annotate", path, path]))
        .assert_refused(2, &["overwrite", "a.jpg"]);
    assert_eq!(std::fs::read(directory.path().join("a.jpg")).unwrap(), b"precious");
}

#[cfg(not(feature = "fetch"))]
#[test]
fn an_address_is_refused_by_a_build_that_cannot_fetch() {
    for model in ["https://nowhere.invalid/m.onnx", "hf:o/r/m.onnx"] {
        run(&mut framegate(["infer", "--model", model, "a.jpg"]))
            .assert_refused(2, &[model, "feature `fetch`", "Download"]);
    }
}
