//! The workspace's Rust files, and their text without what the compiler does not read.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// A Rust file.
pub(super) struct Source {
    /// Path from the workspace root, with `/` between folders.
    pub(super) path: String,
    pub(super) text: String,
    /// The text without comments and without what is in string literals.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: code(text) }
    }

    /// Whether the file is part of a crate, rather than of its tests, benchmarks or examples.
    pub(super) fn is_product(&self) -> bool {
        let is_test = |part| matches!(part, "tests" | "benches" | "examples" | "fuzz" | "tests.rs");
        !self.path.split('/').any(is_test)
    }

    /// The code without the module `tests` at the file's end.
    pub(super) fn product_code(&self) -> &str {
        self.code.find("#[cfg(test)]\nmod tests {").map_or(&self.code, |end| &self.code[..end])
    }
}

/// Every Rust file of the workspace, outside of build folders.
pub(super) fn workspace() -> &'static [Source] {
    static WORKSPACE: LazyLock<Vec<Source>> = LazyLock::new(read);
    &WORKSPACE
}

fn read() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "src", "stages", "barcodes", "tracking", "jpeg", "video", "fetch", "traces", "models",
        "backends", "clients", "benches", "tests", "examples", "fuzz",
    ];
    let mut folders: Vec<_> =
        folders.map(|name| root.join(name)).into_iter().filter(|folder| folder.exists()).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !matches!(name, "target" | "node_modules") {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                let parts: Vec<_> =
                    path.strip_prefix(root).unwrap().iter().map(|p| p.to_str().unwrap()).collect();
                sources.push(Source::new(&parts.join("/"), &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

/// Where `word` occurs in `code` as a whole identifier.
pub(super) fn occurrences<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_identifier = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !code[..at].ends_with(is_identifier) && !code[at + word.len()..].starts_with(is_identifier)
    })
}

/// Leaves out comments, and what is in literals. Line breaks stay where they are.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest, &code) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            rest[start..].find(&end).map_or(rest.len(), |length| start + length + end.len())
        } else if next == '"' {
            quoted(rest, '"')
        } else if next == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        if next != '/' {
            code.push_str("\"\"");
        }
        code.extend(rest[..skipped].chars().filter(|&c| c == '\n'));
        rest = &rest[skipped..];
    }
    code
}

/// The number of hashes of the raw string that `rest` begins with.
fn raw_string(rest: &str, before: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let quote = after.trim_start_matches('#');
    let is_raw =
        quote.starts_with('"') && !before.ends_with(|c: char| c.is_alphanumeric() && c != 'b');
    is_raw.then(|| after.len() - quote.len())
}

/// Whether `rest` begins with a character, not with a lifetime.
fn is_character(rest: &str) -> bool {
    let mut after = rest.chars().skip(1);
    after.next() == Some('\\') || after.next() == Some('\'')
}

/// Length of the literal that `rest` begins with, quotes included.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, next) in rest.char_indices().skip(1) {
        if next == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = next == '\\' && !is_escaped;
    }
    rest.len()
}

#[test]
fn comments_and_literals_are_left_out() {
    let cases = [
        ("a // tokio::x\nb", "a \nb"),
        ("a /* tokio */ b", "a  b"),
        (r#"f("tokio \" x", y)"#, "f(\"\", y)"),
        ("f(r#\"a \"tokio\" b\"#, y)", "f(\"\", y)"),
        ("f(b\"tokio\")", "f(b\"\")"),
        ("'\"', 'a, '\\'' // x", "\"\", 'a, \"\" "),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("\"one\ntwo\"", "\"\"\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(code(text), expected, "{text}");
    }
}

#[test]
fn words_are_found_whole() {
    let found: Vec<_> = occurrences("unsafe_code; unsafe {} xunsafe", "unsafe").collect();
    assert_eq!(found, [13]);
}
