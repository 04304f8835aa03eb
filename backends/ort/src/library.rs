//! The shared library of ONNX Runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;

/// What was loaded, and where it was found.
struct Loaded {
    path: PathBuf,
    environment: Environment,
}

/// The library is loaded once a process, and so is what is known of one that cannot be.
static LIBRARY: OnceLock<Result<Loaded, String>> = OnceLock::new();

/// Loads the library at `place` (a file, a folder that holds it, or by name where the system looks), or
/// gives what was loaded before.
///
/// # Errors
/// What is wrong with the library, and what would help.
pub(crate) fn environment(place: Option<&Path>) -> Result<&'static Environment, String> {
    let path = place.map_or_else(|| PathBuf::from(file_name()), find);
    let loaded = LIBRARY.get_or_init(|| load(&path)).as_ref().map_err(Clone::clone)?;
    if loaded.path != path {
        return Err(format!(
            "this process has loaded {} already and cannot load {} too",
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
                 (Python's package `onnxruntime` has it in its folder `capi`)"
            )
        })?
        .with_telemetry(false)
        .build()
        .map_err(|problem| format!("ONNX Runtime does not start: {problem}"))?;
    Ok(Loaded { path: path.to_owned(), environment })
}

/// The library in a folder, or the file itself.
fn find(place: &Path) -> PathBuf {
    let libraries = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut named: Vec<PathBuf> = libraries.filter(|path| is_library(path)).collect();
    named.sort();
    named.into_iter().next().unwrap_or_else(|| place.to_owned())
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // On Linux a version may follow: libonnxruntime.so.1.32.0
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
    fn a_folder_stands_for_the_library_in_it() {
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
