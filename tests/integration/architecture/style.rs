//! Habits: small files, errors with types, Cargo features known to one file.

use super::source::{Source, occurrences};
use super::{assert_accepts, assert_holds, assert_notices};

/// The longest file, in lines.
const LONGEST: usize = 500;

fn long_files(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| source.text.lines().count() > LONGEST)
        .map(|source| format!("{} is too long: split it by idea", source.path))
        .collect()
}

fn errors_without_types(sources: &[Source]) -> Vec<String> {
    let loses = |source: &&Source| occurrences(&source.code, "anyhow").next().is_some();
    sources
        .iter()
        .filter(loses)
        .map(|source| format!("{} loses an error's type", source.path))
        .collect()
}

/// The root package asks for Cargo features in one file, the one that chooses a backend.
fn features_out_of_place(sources: &[Source]) -> Vec<String> {
    let asks = |source: &&Source| {
        source.path.starts_with("src/") && source.product_code().contains("feature = \"\"")
    };
    let mut files: Vec<&str> = sources.iter().filter(asks).map(|s| s.path.as_str()).collect();
    files.sort_unstable();
    if let [only] = files[..]
        && only.starts_with("src/backends")
    {
        return Vec::new();
    }
    files.iter().map(|path| format!("{path} asks for a Cargo feature")).collect()
}

#[test]
fn files_stay_small() {
    assert_holds(long_files);
    assert_notices(long_files, "src/x.rs", &"\n".repeat(LONGEST + 1));
    assert_accepts(long_files, "src/x.rs", &"\n".repeat(LONGEST));
}

#[test]
fn errors_keep_their_types() {
    assert_holds(errors_without_types);
    assert_notices(errors_without_types, "src/x.rs", "fn f() -> anyhow::Result<()> {}");
}

#[test]
fn features_are_known_to_one_file_of_the_root_package() {
    assert_holds(features_out_of_place);
    for planted in [
        "#[cfg(feature = \"simd\")]",
        "#[cfg(not(feature = \"simd\"))]",
        "if cfg!(any(unix, feature = \"simd\")) {}",
        "#[cfg_attr(feature = \"simd\", derive(Debug))]",
    ] {
        assert_notices(features_out_of_place, "src/engine/mod.rs", planted);
        assert_accepts(features_out_of_place, "src/backends/known.rs", planted);
    }
    let two = [
        Source::new("src/backends/choice.rs", "#[cfg(feature = \"simd\")]"),
        Source::new("src/backends/create.rs", "#[cfg(feature = \"simd\")]"),
    ];
    assert_eq!(features_out_of_place(&two).len(), 2);
}
