//! Where `unsafe` may be written, and that each instruction set's code has a twin without it.

use super::source::{Source, occurrences};
use super::{assert_accepts, assert_holds, assert_notices};

/// The only places for `unsafe`, with what it is there for.
const PLACES: &[(&str, &str)] = &[
    ("backends/cpu/src/", "asking the processor and the system for AMX"),
    ("backends/simd/src/kernels/", "vector loads and stores through pointers"),
    ("backends/simd/src/vector/", "instructions that only some processors have"),
    ("backends/simd/src/tiles/", "instructions that only some processors have"),
    ("backends/simd/src/steps/", "kernels are given the plan's buffers"),
    ("backends/simd/src/memory.rs", "threads write disjoint parts of one arena"),
    ("backends/simd/src/executor", "threads run the plan's tasks"),
    ("backends/simd/src/session.rs", "threads write into the caller's outputs"),
    ("backends/simd/src/plan/tests", "steps are run by hand"),
    ("backends/simd/src/loom_tests.rs", "steps are run by hand"),
    ("backends/simd/tests/allocations.rs", "an allocator that counts"),
    ("tests/integration/allocations.rs", "an allocator that counts"),
    ("jpeg/src/kernels/", "vector loads and stores through pointers"),
    ("stages/src/normalise/", "vector loads and stores through pointers"),
    ("stages/src/resize/", "vector loads and stores through pointers"),
];

/// Blocks, functions, traits and implementations, but not the types of functions.
fn has_unsafe_code(source: &Source) -> bool {
    let is_type = |at: usize| source.code[at..].starts_with("unsafe fn(");
    occurrences(&source.code, "unsafe").any(|at| !is_type(at))
}

fn unsafe_out_of_place(sources: &[Source]) -> Vec<String> {
    let is_known = |source: &Source| PLACES.iter().any(|(place, _)| source.path.starts_with(place));
    sources
        .iter()
        .filter(|source| has_unsafe_code(source) && !is_known(source))
        .map(|source| format!("{} may not hold unsafe code", source.path))
        .collect()
}

fn unsafe_without_reason(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| has_unsafe_code(source)) {
        // The lint also wants a reason, but any attribute above the file would do for it.
        if !source.code.contains("expect(unsafe_code, reason = ") {
            violations.push(format!("{} is unsafe without a reason", source.path));
        }
        if !source.text.contains("SAFETY:") && !source.text.contains("# Safety") {
            violations.push(format!("{} does not say what makes it sound", source.path));
        }
    }
    violations
}

/// Code for one instruction set is in a folder with a scalar twin, which defines the right answer.
fn intrinsics_without_twin(sources: &[Source]) -> Vec<String> {
    let has_twin = |path: &str| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        ["scalar.rs", "portable.rs"].iter().any(|twin| {
            let twin = format!("{folder}/{twin}");
            sources.iter().any(|source| source.path == twin && !has_intrinsics(source))
        })
    };
    sources
        .iter()
        .filter(|source| has_intrinsics(source) && !source.path.starts_with("backends/cpu/"))
        .filter(|source| !has_twin(&source.path))
        .map(|source| format!("{} has no scalar twin beside it", source.path))
        .collect()
}

fn has_intrinsics(source: &Source) -> bool {
    let names = ["arch::x86_64", "arch::aarch64", "arch::asm"];
    names.iter().any(|name| source.code.contains(name))
}

#[test]
fn unsafe_code_is_where_it_is_needed() {
    assert_holds(unsafe_out_of_place);
    for planted in [
        "fn f() { unsafe { g() } }",
        "unsafe fn f() {}",
        "unsafe impl Send for A {}",
        "unsafe trait A {}",
        "unsafe extern \"C\" {}",
        "#[unsafe(no_mangle)] fn f() {}",
        "fn f() { unsafe\n{ g() } }",
    ] {
        assert_notices(unsafe_out_of_place, "src/engine/mod.rs", planted);
        assert_accepts(unsafe_out_of_place, "stages/src/resize/avx2.rs", planted);
    }
    let words = "#![expect(unsafe_code, reason = \"x\")]\n// unsafe\nlet x = \"unsafe\"; \
                 type F = unsafe fn();";
    assert_accepts(unsafe_out_of_place, "src/engine/mod.rs", words);
}

#[test]
fn unsafe_code_has_a_reason() {
    assert_holds(unsafe_without_reason);
    let path = "stages/src/resize/avx2.rs";
    let reasoned = "#![expect(unsafe_code, reason = \"x\")]\n// SAFETY: y\nunsafe { f() }";
    assert_accepts(unsafe_without_reason, path, reasoned);
    assert_notices(unsafe_without_reason, path, "// SAFETY: y\nunsafe { f() }");
    let unexplained = "#![expect(unsafe_code, reason = \"x\")]\nunsafe fn f() {}";
    assert_notices(unsafe_without_reason, path, unexplained);
}

#[test]
fn instruction_sets_have_a_scalar_twin() {
    assert_holds(intrinsics_without_twin);
    let kernel = Source::new("stages/src/x/avx2.rs", "use std::arch::x86_64::*;");
    let portable = Source::new("stages/src/x/scalar.rs", "fn f() {}");
    let no_twin = Source::new("stages/src/x/scalar.rs", "use std::arch::x86_64::*;");
    let elsewhere = Source::new("stages/src/y/scalar.rs", "fn f() {}");
    assert!(intrinsics_without_twin(&[copy(&kernel), portable]).is_empty());
    assert_eq!(intrinsics_without_twin(&[copy(&kernel), no_twin]).len(), 2);
    assert_eq!(intrinsics_without_twin(&[copy(&kernel), elsewhere]).len(), 1);
}

fn copy(source: &Source) -> Source {
    Source::new(&source.path, &source.text)
}
