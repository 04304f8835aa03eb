//! ONNX Runtime against the conformance suite that every backend passes.

use std::env;
use std::path::PathBuf;

use framegate_backend_api::Backend;
use framegate_backend_ort::OrtBackend;
use framegate_testkit::conformance::{self, Options};

/// Uses the library at `ORT_DYLIB_PATH`. Without it the test is skipped, or fails if
/// `FRAMEGATE_REQUIRE_TEST_DATA` is 1.
#[test]
fn ort_conforms() {
    let library = env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let backend = OrtBackend::new(library);
    match backend.probe() {
        Ok(device) => {
            eprintln!("running on {}", device.name);
            conformance::run(&backend, &Options::full()).assert_passed();
        }
        Err(error) => {
            let required = env::var("FRAMEGATE_REQUIRE_TEST_DATA").is_ok_and(|set| set == "1");
            assert!(!required, "{error}");
            eprintln!("skipped: {error}");
        }
    }
}
