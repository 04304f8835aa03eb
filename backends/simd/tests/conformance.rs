//! Runs the conformance suite at every level that this processor has.

use framegate_backend_simd::{Level, Precision, SimdBackend, SimdOptions};
use framegate_testkit::conformance::{self, Options};

#[test]
fn every_level_conforms() {
    for level in Level::available().into_iter().filter(|level| level.has(Precision::F32)) {
        eprintln!("running on {level}");
        let backend = SimdBackend::new(SimdOptions { level, precision: Precision::F32 });
        conformance::run(&backend, &Options::full()).assert_passed();
    }
}
