//! The pages of `docs/`: the reference of the command line is what help says, and links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use framegate::cli::Cli;

use crate::support::program::{framegate, run};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A section for a command, and for the commands below it.
fn describe(command: &clap::Command, path: &[&str], page: &mut String) {
    let mut help = framegate(path.iter().copied().chain(["--help"]));
    // Help shows the values of variables, and fits the terminal.
    for variable in ["ORT_DYLIB_PATH", "COLUMNS"] {
        help.env_remove(variable);
    }
    let text = run(&mut help).stdout;
    let name = [&["framegate"], path].concat().join(" ");
    *page += &format!("\n## {name}\n\n```text\n{}\n```\n", text.trim_end());
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        describe(below, &[path, &[below.get_name()]].concat(), page);
    }
}

#[test]
fn the_reference_of_the_command_line_is_what_help_says() {
    let mut page =
        "# Command line\n\nWhat `--help` says of each command, with the variables that set its \
                    options.\n"
            .to_owned();
    describe(&Cli::command(), &[], &mut page);
    let path = root().join("docs/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/cli.md is out of date: run this test with UPDATE_DOCS=1 to regenerate it"
    );
}

/// The Markdown files of these folders, not of those below them.
fn pages(folders: &[&str]) -> Vec<PathBuf> {
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

/// A page without its blocks of code.
fn prose(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("```").step_by(2).collect()
}

/// The targets of a page's links and images, without those that lead out of the project.
fn links(prose: &str) -> Vec<String> {
    let targets = prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

/// The names of a page's headings, as links write them.
fn anchors(prose: &str) -> BTreeSet<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// A link's problem, if it has one.
fn broken(page: &Path, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, a)| (path, Some(a)));
    let target = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    if !target.exists() {
        return Some(format!("{} links to {link}, which is not there", page.display()));
    }
    let anchor = anchor?;
    (!anchors(&prose(&target)).contains(anchor))
        .then(|| format!("{} links to {link}, but there is no such heading", page.display()))
}

#[test]
fn links_lead_somewhere() {
    let mut checked = 0;
    let mut problems = Vec::new();
    for page in pages(&[".", "docs", "deploy"]) {
        for link in links(&prose(&page)) {
            problems.extend(broken(&page, &link));
            checked += 1;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(checked > 20, "{checked}");
    let readme = root().join("README.md");
    assert!(broken(&readme, "docs/nowhere.md").is_some());
    assert!(broken(&readme, "#no-such-heading").is_some());
    assert_eq!(broken(&readme, "#serve"), None);
}

#[test]
fn links_of_the_book_stay_in_the_book() {
    for page in pages(&["docs"]) {
        for link in links(&prose(&page)) {
            assert!(!link.starts_with(".."), "{}: the book has no {link}", page.display());
        }
    }
}

#[test]
fn every_page_is_in_the_book() {
    let summary = root().join("docs/SUMMARY.md");
    let listed: BTreeSet<String> = links(&prose(&summary)).into_iter().collect();
    for page in pages(&["docs"]) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "SUMMARY.md" || listed.contains(&name), "docs/SUMMARY.md lacks {name}");
    }
}
