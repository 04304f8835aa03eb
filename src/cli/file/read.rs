//! Reads a file: which keys it has, on which lines, and what is wrong with them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use framegate_models::detector::EMBEDDED_MODEL;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::known::Known;
use super::values::words;
use super::{ConfigFile, Entry, FileError, PipelineTable, Problem};
use crate::nearest::nearest;

/// The tables of a file.
const TABLES: [&str; 2] = ["pipeline", "watch"];
/// More than anybody writes by hand.
const MAX_BYTES: u64 = 1 << 20;

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError`] with everything that is wrong.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let unreadable = |error: io::Error| {
            let message = format!("cannot be read: {error}");
            FileError::new(path, vec![Problem { line: 1, message }])
        };
        Self::parse(path, &text(path).map_err(unreadable)?)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader =
            Reader { text, folder: path.parent().unwrap_or(Path::new("")), problems: Vec::new() };
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            reader.problem(at, error.message().to_owned());
        }
        let mut file = Self { path: path.to_owned(), entries: Vec::new(), pipelines: Vec::new() };
        // What could not be parsed may have hidden what follows it.
        if reader.problems.is_empty() {
            reader.top(table.get_ref(), &mut file);
        }
        match reader.problems.is_empty() {
            true => Ok(file),
            false => Err(FileError::new(path, reader.problems)),
        }
    }
}

/// The message about a key that does not exist, with the one that may have been meant.
fn unknown(name: &str, value: &DeValue, known: &Known) -> String {
    let written = written(name, value);
    let hint = match nearest(name, &TABLES).filter(|_| is_table(value)) {
        Some("pipeline") => "; did you mean [[pipeline]]?".to_owned(),
        Some(table) => format!("; did you mean [{table}]?"),
        None => match nearest(name, &known.names()) {
            Some(key) => format!("; did you mean `{key}`?"),
            None if is_table(value) => {
                "; options stand by themselves, above [watch] and [[pipeline]]".to_owned()
            }
            None => String::new(),
        },
    };
    format!("unknown {written}{hint}")
}

/// The option of `watch` that may have been meant by a key that no option of `serve` is near to.
fn like_of_watch<'a>(
    name: &str,
    value: &DeValue,
    known: &Known,
    of_watch: &'a Known,
) -> Option<&'a str> {
    let is_like_table = is_table(value) && nearest(name, &TABLES).is_some();
    if matches!(value, DeValue::Table(_)) || is_like_table || known.find(name).is_some() {
        return None;
    }
    nearest(name, &known.names()).is_none().then(|| nearest(name, &of_watch.names()))?
}

/// A key as the file writes it.
fn written(name: &str, value: &DeValue) -> String {
    match value {
        DeValue::Table(_) => format!("table [{name}]"),
        value if is_table(value) => format!("table [[{name}]]"),
        _ => format!("key `{name}`"),
    }
}

/// Whether it is a table, or several.
fn is_table(value: &DeValue) -> bool {
    match value {
        DeValue::Array(values) => values.iter().any(|value| value.get_ref().is_table()),
        value => value.is_table(),
    }
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

struct Reader<'a> {
    text: &'a str,
    /// Paths are relative to it.
    folder: &'a Path,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn top(&mut self, table: &DeTable, file: &mut ConfigFile) {
        let known = Known::of_serve();
        let of_watch = Known::of_watch();
        for (key, values) in table {
            let at = key.span().start;
            match (key.get_ref().as_ref(), values.get_ref()) {
                ("watch", DeValue::Table(table)) => {
                    self.options(table, &of_watch, true, &mut file.entries);
                }
                ("watch", _) => self.problem(at, "expected a table, [watch]".to_owned()),
                ("pipeline", DeValue::Array(tables)) => {
                    for table in tables.iter() {
                        self.pipeline(table, &mut file.pipelines);
                    }
                }
                ("pipeline", _) => {
                    self.problem(at, "expected tables, each under [[pipeline]]".to_owned());
                }
                (name, _) if known.find(name).is_none() && of_watch.find(name).is_some() => {
                    self.problem(
                        at,
                        format!("`{name}` is an option of watch; write it below [watch]"),
                    );
                }
                (name, value) => match like_of_watch(name, value, &known, &of_watch) {
                    Some(meant) => {
                        let written = written(name, value);
                        let hint = format!("did you mean `{meant}`, below [watch]?");
                        self.problem(at, format!("unknown {written}; {hint}"));
                    }
                    None => self.option(key, values, &known, false, &mut file.entries),
                },
            }
        }
        file.entries.sort_by_key(|entry| entry.line);
    }

    fn pipeline(&mut self, table: &Spanned<DeValue>, pipelines: &mut Vec<PipelineTable>) {
        let at = table.span().start;
        let DeValue::Table(keys) = table.get_ref() else {
            return self.problem(at, "expected tables, each under [[pipeline]]".to_owned());
        };
        if !keys.iter().any(|(key, _)| key.get_ref() == "model") {
            let message = format!(
                "this pipeline has no model: write `model = \"FILE.onnx\"`, or `model = \"{EMBEDDED_MODEL}\"` for the \
                 built-in one"
            );
            self.problem(at, message);
        }
        let mut pipeline = PipelineTable { line: self.line(at), entries: Vec::new() };
        self.options(keys, &Known::of_pipeline(), false, &mut pipeline.entries);
        pipelines.push(pipeline);
    }

    fn options(
        &mut self,
        table: &DeTable,
        known: &Known,
        is_of_watch: bool,
        into: &mut Vec<Entry>,
    ) {
        for (key, value) in table {
            self.option(key, value, known, is_of_watch, into);
        }
    }

    fn option(
        &mut self,
        key: &Spanned<std::borrow::Cow<str>>,
        value: &Spanned<DeValue>,
        known: &Known,
        is_of_watch: bool,
        into: &mut Vec<Entry>,
    ) {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let Some(argument) = known.find(name) else {
            return self.problem(at, unknown(name, value.get_ref(), known));
        };
        match words(argument, value.get_ref(), self.folder) {
            Ok(values) => {
                let line = self.line(at);
                into.push(Entry { name: name.to_owned(), values, line, is_of_watch });
            }
            Err(message) => self.problem(at, format!("{name}: {message}")),
        }
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|&&b| b == b'\n').count()
    }

    fn problem(&mut self, at: usize, message: String) {
        let line = self.line(at);
        self.problems.push(Problem { line, message });
    }
}
