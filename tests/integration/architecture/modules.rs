//! How modules are laid out, and that those of a folder use each other in one direction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::assert_holds;
use super::module_paths::{ModulePath, Modules, module};
use super::source::Source;

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

/// For each folder of modules, those in it, and which of the others each names, its children included.
fn neighbours(sources: &[Source]) -> BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>> {
    let sources = sources.iter().filter(|source| source.is_product());
    let mut crates: BTreeMap<&str, Vec<(ModulePath<'_>, &Source)>> = BTreeMap::new();
    for source in sources {
        if let Some((root, path)) = module(&source.path) {
            crates.entry(root).or_default().push((path, source));
        }
    }
    let mut folders: BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (root, files) in crates {
        let modules = Modules::new(&files);
        for (path, source) in &files {
            for other in modules.named(source, path) {
                let shared = path.iter().zip(&other).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (path.get(shared), other.get(shared)) {
                    let folder =
                        [&[root.trim_end_matches('/')], &path[..shared]].concat().join("/");
                    folders.entry(folder).or_default().entry(from).or_default().insert(to);
                }
            }
        }
    }
    folders
}

/// A graph may hold graphs: importing a node may mean importing a graph. The others that name each other
/// there work on the one `Import`.
const RECURSIVE: &str = "models/src/onnx";

/// Modules that can be reached from themselves, each with a shortest way.
fn circles(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for (folder, graph) in neighbours(sources) {
        if folder == RECURSIVE {
            continue;
        }
        for module in graph.keys() {
            if let Some(way) = way_back(module, &graph) {
                violations.push(format!("{folder}: {}", way.join(" uses ")));
            }
        }
    }
    violations
}

/// A shortest way from a module to itself.
fn way_back<'a>(
    module: &'a str,
    graph: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> Option<Vec<&'a str>> {
    let mut reached = BTreeSet::new();
    let mut ways = VecDeque::from([vec![module]]);
    while let Some(way) = ways.pop_front() {
        for used in graph.get(way.last()?).into_iter().flatten() {
            let longer = [way.as_slice(), &[used]].concat();
            if *used == module {
                return Some(longer);
            }
            if reached.insert(*used) {
                ways.push_back(longer);
            }
        }
    }
    None
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
    let deeper = [
        Source::new("src/engine/live/mod.rs", "use lanes::Lane;"),
        Source::new("src/engine/live/lanes.rs", "use super::{work, Engine};"),
        Source::new("src/engine/live/work.rs", "fn f() { super::lanes::x() }"),
    ];
    assert_eq!(circles(&deeper).len(), 2);
    assert!(circles(&deeper[..2]).is_empty());
    let passed_on = [
        Source::new("src/a/mod.rs", "pub use b::X;"),
        Source::new("src/a/b.rs", "use super::c::Y;"),
        Source::new("src/a/c.rs", "use super::X;"),
    ];
    assert_eq!(circles(&passed_on), ["src/a: b uses c uses b", "src/a: c uses b uses c"]);
    assert!(circles(&passed_on[1..]).is_empty());
}

#[test]
fn a_module_may_name_itself() {
    let itself = "use crate::engine::live::Frame;";
    assert!(circles(&[Source::new("src/engine/live.rs", itself)]).is_empty());
}
