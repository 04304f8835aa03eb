//! Reads weights that lie in another file beside the model, as torch writes them since version 2.9.
//!
//! A model names such a file itself, so it could name any: only regular files within the model's own
//! folder are read, and never more bytes than the tensor has.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use framegate_onnx_proto::TensorProto;

use crate::beside::stays_inside;
use crate::onnx::error::OnnxError;
use crate::onnx::tensor::{element_count, stored_bytes};

/// Bytes that all tensors together may take from other files. A file of protobuf cannot hold more either.
const MAX_TOTAL: u64 = 2 << 30;

/// The files beside a model.
pub(super) struct ExternalData<'a> {
    model: Option<&'a Path>,
    files: HashMap<String, (File, u64)>,
    total: u64,
}

impl<'a> ExternalData<'a> {
    /// The files beside the one at `model`; none for a model in memory.
    pub(super) fn new(model: Option<&'a Path>) -> Self {
        Self { model, files: HashMap::new(), total: 0 }
    }

    /// Fetches the elements of a tensor that are in another file; others stay as they are.
    pub(super) fn read_into(&mut self, tensor: &mut TensorProto) -> Result<(), OnnxError> {
        if tensor.external_data.is_empty() {
            return Ok(());
        }
        let entries = std::mem::take(&mut tensor.external_data);
        let entry = |key: &str| {
            entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
        };
        let location = entry("location").unwrap_or_default().to_owned();
        let weights = |problem: String| OnnxError::Weights {
            tensor: tensor.name.clone(),
            file: location.clone(),
            problem,
        };
        let number = |key: &str| match entry(key) {
            Some(text) => text.trim().parse().map(Some).map_err(|_| {
                weights(format!("its `{key}` is `{text}` where a number of bytes belongs"))
            }),
            None => Ok(None),
        };
        let count = element_count(tensor).map_err(weights)?;
        let len = stored_bytes(tensor.data_type, count).map_err(weights)?;
        let offset: u64 = number("offset")?.unwrap_or(0);
        if let Some(declared) = number("length")?
            && declared != len
        {
            return Err(weights(format!("it declares {declared} bytes where its shape has {len}")));
        }
        self.total = self.total.saturating_add(len);
        if self.total > MAX_TOTAL {
            return Err(OnnxError::TooMuch("the weights beside it are larger than 2 GiB".into()));
        }
        let (file, size) = self.file(&location).map_err(weights)?;
        if offset.checked_add(len).is_none_or(|end| end > *size) {
            let whole = format!("{len} bytes from {offset} on reach beyond its {size} bytes");
            return Err(weights(format!("{whole}; copy both files again")));
        }
        let mut bytes = vec![0; len as usize];
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|problem| weights(problem.to_string()))?;
        tensor.raw_data = bytes;
        Ok(())
    }

    /// The file that a model calls `location`, opened once, and its size.
    fn file(&mut self, location: &str) -> Result<&mut (File, u64), String> {
        if !self.files.contains_key(location) {
            let opened = open(self.model, location)?;
            self.files.insert(location.to_owned(), opened);
        }
        self.files.get_mut(location).ok_or_else(|| "it is not open".to_owned())
    }
}

fn open(model: Option<&Path>, location: &str) -> Result<(File, u64), String> {
    let model = model.ok_or("a model in memory has no file beside it")?;
    if !stays_inside(location) {
        return Err("only files in the model's own folder are read".to_owned());
    }
    let text = |problem: io::Error| problem.to_string();
    let real =
        folder_of(model).join(location).canonicalize().map_err(|problem| match problem.kind() {
            io::ErrorKind::NotFound => {
                "it is not there; copy it into the folder of the model, under this name".to_owned()
            }
            _ => text(problem),
        })?;
    // Caches of downloads keep files under other names in one folder, and links to them in another.
    let beside_link = folder_of(model).canonicalize().map_err(text)?;
    let beside_target = model.canonicalize().map(|target| folder_of(&target)).map_err(text)?;
    if ![beside_link, beside_target].iter().any(|root| real.starts_with(root)) {
        return Err("it is a link to a place outside the model's own folder".to_owned());
    }
    // A pipe or a device might never end.
    let about = std::fs::metadata(&real).map_err(text)?;
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    Ok((File::open(&real).map_err(text)?, about.len()))
}

fn folder_of(model: &Path) -> PathBuf {
    match model.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
