//! What ARCHITECTURE.md promises about the sources, as far as reading them can tell.

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust source below the workspace root, outside of build folders, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> =
        ["src", "models", "backends", "benches", "tests"].map(|name| root.join(name)).to_vec();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

/// Files that hold `needle`, this one excepted.
fn files_with(needle: &str) -> Vec<PathBuf> {
    let here = Path::new(file!());
    sources()
        .into_iter()
        .filter(|(path, text)| path != here && text.contains(needle))
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn burn_stays_behind_its_backend() {
    for file in files_with("burn_tensor") {
        assert!(file.starts_with("backends/burn"), "{} uses burn", file.display());
    }
    for default in ["Device::default()", "DefaultDevice"] {
        assert!(files_with(default).is_empty(), "burn's default device is used");
    }
    assert_eq!(files_with("Device::ndarray()"), [Path::new("backends/burn/src/device.rs")]);
}

#[test]
fn features_are_known_to_one_file_of_the_root_package() {
    for file in files_with("cfg(feature") {
        let known = file == Path::new("src/backends/known.rs") || file.starts_with("backends");
        assert!(known, "{} asks for a Cargo feature", file.display());
    }
}

#[test]
fn unsafe_code_is_in_kernels_with_a_reason() {
    for file in files_with("unsafe {") {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        assert!(
            text.contains("expect(unsafe_code"),
            "{} is unsafe without a reason",
            file.display()
        );
        assert!(text.contains("SAFETY:"), "{} says nothing about safety", file.display());
    }
}

#[test]
fn errors_keep_their_types() {
    assert!(files_with("anyhow").is_empty(), "an error lost its type");
}

#[test]
fn files_stay_small() {
    for (path, text) in sources() {
        assert!(text.lines().count() <= 500, "{} is too long: split it by idea", path.display());
    }
}
