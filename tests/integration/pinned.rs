//! Texts that people and programs read, pinned word for word: help, a report on a model, a server's answers.
//!
//! `INSTA_UPDATE=always cargo test …` accepts a change; look at the difference before you commit it.

use std::time::Duration;

use clap::CommandFactory;
use framegate::cli::Cli;
use framegate_testkit::ReferenceBackend;

use crate::support::colours::image;
use crate::support::program::{framegate, run};
use crate::support::server::{Setup, TestServer};

/// The path of every command, as arguments.
fn commands(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let path = [path, &[subcommand.get_name().to_owned()]].concat();
        commands(subcommand, &path, found);
    }
}

#[test]
fn help() {
    let mut all = Vec::new();
    commands(&Cli::command(), &[], &mut all);
    assert!(all.len() > 9, "{all:?}");
    for path in all {
        let arguments = path.iter().map(String::as_str).chain(["--help"]);
        let mut command = framegate(arguments);
        // Help shows the values of variables, and fits the terminal.
        for variable in ["ORT_DYLIB_PATH", "COLUMNS"] {
            command.env_remove(variable);
        }
        let name = [&["help".to_owned()], &path[..]].concat().join("-");
        insta::assert_snapshot!(name, run(&mut command).stdout);
    }
}

#[test]
fn the_report_on_the_built_in_model() {
    let inspected = run(&mut framegate(["models", "inspect", "codes"]));
    assert_eq!(inspected.status, 0, "{}", inspected.stderr);
    insta::assert_snapshot!(inspected.stdout);
}

#[tokio::test]
async fn descriptions_of_a_server() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for path in ["/info", "/pipelines"] {
        let (status, mut body) = server.get(path).await;
        assert_eq!(status, 200);
        body.sort_all_objects();
        let text = serde_json::to_string_pretty(&body).unwrap();
        insta::with_settings!({ filters => [(env!("CARGO_PKG_VERSION"), "[version]")] }, {
            insta::assert_snapshot!(path.trim_start_matches('/'), text);
        });
    }
    server.stop().await;
}

#[tokio::test]
async fn metrics_of_a_server() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("").await;
    client.ask(image(0)).await;
    // The last thing that is counted of a result.
    while server.metric("framegate_frame_age_seconds_count") < 1.0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let text = reqwest::get(server.url("/metrics")).await.unwrap().text().await.unwrap();
    // Series have no order, and only their numbers change from run to run.
    let filters = [
        (r"(?m)^([a-z_]+(?:\{[^}]*\})?) [0-9.e+-]+$", "$1 [number]"),
        (env!("CARGO_PKG_VERSION"), "[version]"),
    ];
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!("metrics", with_sorted_series(&text));
    });
    server.stop().await;
}

/// The series below each comment, sorted.
fn with_sorted_series(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for series in lines.chunk_by_mut(|a, b| a.starts_with('#') == b.starts_with('#')) {
        if !series[0].starts_with('#') {
            series.sort_unstable();
        }
    }
    lines.join("\n")
}
