//! Finds and loads the shared library of ONNX Runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;

/// A loaded library, and the path it came from.
struct Loaded {
    path: PathBuf,
    environment: Environment,
}

/// A process loads the library once, and remembers a failure to load it.
static LIBRARY: OnceLock<Result<Loaded, String>> = OnceLock::new();

/// Loads the library at `place` (a file, or a folder that contains it; `None` searches where the operating
/// system does), or returns the one loaded before.
///
/// # Errors
/// What is wrong with the library, and what would help.
pub(crate) fn environment(place: Option<&Path>) -> Result<&'static Environment, String> {
    let path = place.map_or_else(|| PathBuf::from(file_name()), find);
    let loaded = LIBRARY.get_or_init(|| load(&path)).as_ref().map_err(Clone::clone)?;
    if loaded.path != path {
        return Err(format!(
            "this process has already loaded {} and cannot load {} as well",
            loaded.path.display(),
            path.display()
        ));
    }
    Ok(&loaded.environment)
}

fn load(path: &Path) -> Result<Loaded, String> {
    let environment = ort::init_from(path)
        .map_err(|problem| {
            format!(
                "{problem}; point --ort-lib or ORT_DYLIB_PATH to the library, version 1.17 or newer \
                 (the Python package `onnxruntime` has it in its folder `capi`)"
            )
        })?
        .with_telemetry(false)
        .build()
        .map_err(|problem| format!("ONNX Runtime does not start: {problem}"))?;
    Ok(Loaded { path: path.to_owned(), environment })
}

/// The library in the folder `place`, or `place` itself.
fn find(place: &Path) -> PathBuf {
    let libraries = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut named: Vec<PathBuf> = libraries.filter(|path| is_library(path)).collect();
    named.sort();
    named.into_iter().next().unwrap_or_else(|| place.to_owned())
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // On Linux a version may follow, as in libonnxruntime.so.1.32.0.
    name.starts_with(&file_name())
        || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
}

fn file_name() -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_searched_for_the_library() {
        let folder = std::env::temp_dir().join(format!("framegate-ort-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let library = folder.join(format!("{}.1.32.0", file_name()));
        fs::write(&library, "").unwrap();
        fs::write(folder.join("libonnxruntime_providers_shared.so"), "").unwrap();
        assert_eq!(find(&folder), library);
        assert_eq!(find(&library), library);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(find(&folder), folder);
    }
}
