//! The modules of a crate that a file of it names, as far as reading it can show.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, occurrences};

/// A module's place in its crate, from the root: `["engine", "live"]`.
pub(super) type ModulePath<'a> = Vec<&'a str>;

/// The crate of a file, as the path of its sources, and its module in it. `None` for other files.
pub(super) fn module(path: &str) -> Option<(&str, ModulePath<'_>)> {
    let (root, inner) = path.split_at(path.find("src/")? + "src/".len());
    let mut module: Vec<_> = inner.strip_suffix(".rs")?.split('/').collect();
    module.pop_if(|last| matches!(*last, "mod" | "lib" | "main"));
    Some((root, module))
}

/// Files of a crate, and what each of its modules imports.
pub(super) struct Modules<'a> {
    /// With the folders that they are in.
    all: BTreeSet<ModulePath<'a>>,
    /// By module and name, the path that stands for it.
    imports: BTreeMap<ModulePath<'a>, BTreeMap<&'a str, ModulePath<'a>>>,
}

impl<'a> Modules<'a> {
    pub(super) fn new(files: &[(ModulePath<'a>, &'a Source)]) -> Self {
        let mut all = BTreeSet::new();
        let mut imports: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (module, source) in files {
            all.extend((1..=module.len()).map(|len| module[..len].to_vec()));
            for path in paths(source.product_code(), &["use"]) {
                if let Some(name) = path.last() {
                    imports.entry(module.clone()).or_default().insert(*name, path);
                }
            }
        }
        Self { all, imports }
    }

    /// The modules that the file of `module` names, itself and the crate not among them. What another module has
    /// imported is that of the module it comes from.
    pub(super) fn named(
        &self,
        source: &'a Source,
        module: &ModulePath<'a>,
    ) -> BTreeSet<ModulePath<'a>> {
        let paths = paths(source.product_code(), &["crate", "super", "self", "use"]);
        let found = paths.iter().filter_map(|path| self.resolve(path, module, &mut Vec::new()));
        found.filter(|found| found != module && !found.is_empty()).collect()
    }

    /// The innermost module on a path that is written in `module`. `followed` are the imports that led there.
    fn resolve(
        &self,
        path: &[&'a str],
        module: &ModulePath<'a>,
        followed: &mut Vec<(ModulePath<'a>, &'a str)>,
    ) -> Option<ModulePath<'a>> {
        let mut found = module.clone();
        let mut rest = path;
        match path.first()? {
            &"crate" => {
                found.clear();
                rest = &path[1..];
            }
            &"super" | &"self" => {
                while let [first @ ("super" | "self"), after @ ..] = rest {
                    if *first == "super" {
                        found.pop();
                    }
                    rest = after;
                }
            }
            child => {
                let is_child = self.all.contains(&[module.as_slice(), &[child]].concat());
                if !is_child {
                    return None;
                }
            }
        }
        for part in rest {
            found.push(part);
            if !self.all.contains(&found) {
                found.pop();
                let imported = self.imports.get(&found).and_then(|imports| imports.get(part));
                let import = (found.clone(), *part);
                if let Some(imported) = imported.filter(|_| !followed.contains(&import)) {
                    followed.push(import);
                    return self.resolve(imported, &found, followed).or(Some(found));
                }
                break;
            }
        }
        Some(found)
    }
}

/// The paths in `code` that begin with one of `starts`; behind `use` each path of its tree.
fn paths<'a>(code: &'a str, starts: &[&'a str]) -> Vec<ModulePath<'a>> {
    let mut paths = Vec::new();
    for start in starts {
        for at in occurrences(code, start) {
            let is_within_a_path = code[..at].ends_with("::");
            let rest = &code[at..];
            match rest.strip_prefix("use ") {
                Some(tree) => read(tree, &mut Vec::new(), &mut paths),
                None if is_within_a_path => continue,
                None => read(rest, &mut Vec::new(), &mut paths),
            };
        }
    }
    paths
}

/// Reads a path or a tree of them from the start of `code` and returns what is behind it.
fn read<'a>(
    mut code: &'a str,
    prefix: &mut ModulePath<'a>,
    paths: &mut Vec<ModulePath<'a>>,
) -> &'a str {
    let len = prefix.len();
    loop {
        code = code.trim_start();
        if let Some(list) = code.strip_prefix('{') {
            code = list;
            while !code.trim_start().starts_with('}') && !code.is_empty() {
                code = read(code, prefix, paths);
                // An alias, and what separates one from the next.
                code = code.split_at(code.find([',', '}']).unwrap_or(code.len())).1;
                code = code.strip_prefix(',').unwrap_or(code);
            }
            code = code.trim_start().strip_prefix('}').unwrap_or(code);
            break;
        }
        let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
        prefix.push(&code[..end]);
        code = &code[end..];
        match code.strip_prefix("::") {
            Some(rest) => code = rest,
            None => {
                paths.push(prefix.clone());
                break;
            }
        }
    }
    prefix.truncate(len);
    code
}

#[test]
fn every_way_to_name_a_module_is_found() {
    let others = ["src/a/b/c.rs", "src/d/e.rs"].map(|path| Source::new(path, ""));
    let imports = Source::new("src/a/mod.rs", "pub(crate) use f::{G, H};\nuse crate::d::e::E;");
    let f = Source::new("src/a/f.rs", "pub use super::K;");
    let cases = [
        ("use crate::d::e::X;", "d/e"),
        ("use crate::{locks, d::{self, Y as Z}};", "d"),
        ("use super::X;", "a"),
        ("use super::G;", "a/f"),
        ("use super::{E, H::new};", "a/f d/e"),
        ("use crate::a::f::K;", "a"),
        ("use super::super::d::X;", "d"),
        ("fn f() { super::g(); }", "a"),
        ("fn f(x: &crate::d::X) {}", "d"),
        ("pub(in crate::d) fn f() {}", "d"),
        ("use c::X;", "a/b/c"),
        ("use self::c::{X, Y};", "a/b/c"),
        ("use d::X;", ""),
        ("use std::d::X;", ""),
        ("fn f(x: &self::X) {}", ""),
    ];
    for (text, wanted) in cases {
        let source = Source::new("src/a/b/mod.rs", text);
        let files = others.iter().chain([&imports, &f, &source]);
        let files: Vec<_> = files.map(|file| (module(&file.path).unwrap().1, file)).collect();
        let (_, module) = module(&source.path).unwrap();
        let found = Modules::new(&files).named(&source, &module);
        let found: Vec<_> = found.iter().map(|path| path.join("/")).collect();
        assert_eq!(found.join(" "), wanted, "{text}");
    }
}
