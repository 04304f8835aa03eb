//! The modules of a crate that a file of it names, as far as reading it can show.

use std::collections::BTreeSet;

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

/// The modules among `modules` that the file of `module` names, itself and the crate not among them.
pub(super) fn named<'a>(
    source: &'a Source,
    module: &ModulePath<'a>,
    modules: &BTreeSet<ModulePath<'a>>,
) -> BTreeSet<ModulePath<'a>> {
    let code = source.product_code();
    let mut paths = Vec::new();
    for start in ["crate", "super", "self", "use"] {
        for at in occurrences(code, start) {
            let is_within_a_path = code[..at].ends_with("::");
            let rest = &code[at..];
            match rest.strip_prefix("use ") {
                Some(child) => read(child, &mut Vec::new(), &mut paths),
                None if is_within_a_path => continue,
                None => read(rest, &mut Vec::new(), &mut paths),
            };
        }
    }
    let found = paths.iter().filter_map(|path| resolve(path, module, modules));
    found.filter(|found| found != module && !found.is_empty()).collect()
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

/// The innermost module on a path that is written in `module`.
fn resolve<'a>(
    path: &[&'a str],
    module: &ModulePath<'a>,
    modules: &BTreeSet<ModulePath<'a>>,
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
            let is_child = modules.contains(&[module.as_slice(), &[child]].concat());
            if !is_child {
                return None;
            }
        }
    }
    for part in rest {
        found.push(part);
        if !modules.contains(&found) {
            found.pop();
            break;
        }
    }
    Some(found)
}

#[test]
fn every_way_to_name_a_module_is_found() {
    let modules = ["a", "a/b", "a/b/c", "d", "d/e"].map(|path| path.split('/').collect());
    let modules: BTreeSet<ModulePath<'_>> = modules.into_iter().collect();
    let cases = [
        ("use crate::d::e::X;", "d/e"),
        ("use crate::{locks, d::{self, Y as Z}};", "d"),
        ("use super::X;", "a"),
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
        let (_, module) = module(&source.path).unwrap();
        let found: Vec<_> = named(&source, &module, &modules).into_iter().collect();
        let found: Vec<_> = found.iter().map(|path| path.join("/")).collect();
        assert_eq!(found.join(" "), wanted, "{text}");
    }
}
