//! Every burn device against the conformance suite that every backend passes.

use framegate_testkit::conformance::{self, Options};

#[test]
fn ndarray_conforms() {
    let backend = framegate_backend_burn::ndarray();
    conformance::run(&backend, &Options::full()).assert_passed();
}

#[test]
fn flex_conforms() {
    let backend = framegate_backend_burn::flex();
    conformance::run(&backend, &Options::full()).assert_passed();
}

/// Runs on any adapter, including lavapipe. Without one the test is skipped, or fails if
/// `FRAMEGATE_REQUIRE_ADAPTER` is 1.
#[cfg(feature = "wgpu")]
#[test]
fn wgpu_conforms() {
    use framegate_backend_api::Backend;
    use framegate_backend_burn::WgpuOptions;

    let backend = framegate_backend_burn::wgpu(WgpuOptions { allow_software: true, adapter: None });
    match backend.probe() {
        Ok(device) => {
            eprintln!("running on {}", device.name);
            conformance::run(&backend, &Options::reduced()).assert_passed();
        }
        Err(error) => {
            let required = std::env::var("FRAMEGATE_REQUIRE_ADAPTER").is_ok_and(|set| set == "1");
            assert!(!required, "{error}");
            eprintln!("skipped: {error}");
        }
    }
}
