//! How modules are laid out, and that those of a crate's first level use each other in one direction.

use std::collections::{BTreeMap, BTreeSet};

use super::assert_holds;
use super::source::{Source, occurrences};

/// A module with children is a folder with a `mod.rs`: never a file beside the folder.
fn files_beside_their_folder(sources: &[Source]) -> Vec<String> {
    let paths: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    let has_folder = |path: &&str| {
        let folder = format!("{}/", path.trim_end_matches(".rs"));
        paths.range(folder.as_str()..).next().is_some_and(|next| next.starts_with(&folder))
    };
    paths
        .iter()
        .filter(|path| has_folder(path))
        .map(|path| format!("{path} should be {}/mod.rs", path.trim_end_matches(".rs")))
        .collect()
}

/// For each crate, the modules of its first level and which of them each names.
fn module_graphs(sources: &[Source]) -> BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> {
    let mut graphs: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    let modules = |source: &Source| {
        let (root, inner) = source.path.split_at(source.path.find("src/")? + "src/".len());
        let module = inner.split('/').next()?.trim_end_matches(".rs");
        let is_root = matches!(module, "lib" | "main");
        (source.is_product() && !is_root).then(|| (root.len(), root.len() + module.len()))
    };
    for source in sources {
        let Some((start, end)) = modules(source) else { continue };
        let (root, module) = (&source.path[..start], &source.path[start..end]);
        let used = graphs.entry(root).or_default().entry(module).or_default();
        let code = source.product_code();
        for at in occurrences(code, "crate") {
            let Some(path) = code[at..].strip_prefix("crate::") else { continue };
            let first = path.split(|c: char| !c.is_alphanumeric() && c != '_').next();
            used.extend(first.filter(|first| !first.is_empty() && *first != module));
        }
    }
    graphs
}

/// Modules that can be reached from themselves.
fn circles(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for (root, graph) in module_graphs(sources) {
        for module in graph.keys() {
            let mut reached = BTreeSet::new();
            let mut ahead = vec![*module];
            while let Some(next) = ahead.pop() {
                for used in graph.get(next).into_iter().flatten() {
                    if reached.insert(*used) {
                        ahead.push(used);
                    }
                }
            }
            if reached.contains(module) {
                violations.push(format!("{root}{module} uses a module that uses it"));
            }
        }
    }
    violations
}

#[test]
fn modules_with_children_are_folders() {
    assert_holds(files_beside_their_folder);
    let planted = [Source::new("src/front/page.rs", ""), Source::new("src/front/page/x.rs", "")];
    assert_eq!(files_beside_their_folder(&planted).len(), 1);
    let accepted = [Source::new("src/front/page.rs", ""), Source::new("src/front/pages/x.rs", "")];
    assert!(files_beside_their_folder(&accepted).is_empty());
}

#[test]
fn modules_use_each_other_in_one_direction() {
    assert_holds(circles);
    let planted = [
        Source::new("src/engine/mod.rs", "use crate::sources::Source;"),
        Source::new("src/sources/files.rs", "use crate::locks::held;"),
        Source::new("src/locks.rs", "pub fn f() { crate::engine::x() }"),
    ];
    assert_eq!(circles(&planted).len(), 3);
    assert!(circles(&planted[..2]).is_empty());
}

#[test]
fn a_module_may_name_itself() {
    let itself = "use crate::engine::Frame;";
    assert!(circles(&[Source::new("src/engine/live.rs", itself)]).is_empty());
}
