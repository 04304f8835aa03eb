//! Backends to run a test on.

use std::path::PathBuf;

use framegate::backends::{BackendId, BackendOptions};
use framegate::engine::reading::{SECOND_BATCH, TextReader};
use framegate::stages::DecodeLimits;
use framegate_backend_api::{Backend, Limits};
use framegate_models::Detector;
use framegate_models::detector::SecondStage;

/// The backend of this name. `None` if it cannot run here and the environment does not require it.
pub(crate) fn usable(name: &str) -> Option<Box<dyn Backend>> {
    let ort_library = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let options =
        BackendOptions { allow_software_gpu: true, ort_library, ..BackendOptions::default() };
    let id: BackendId = name.parse().expect("the name of a backend");
    let probed = id.create(&options).and_then(|backend| backend.probe().map(|_| backend));
    match probed {
        Ok(backend) => Some(backend),
        Err(error) => {
            let variable = match name {
                "ort" => "FRAMEGATE_REQUIRE_TEST_DATA",
                _ => "FRAMEGATE_REQUIRE_ADAPTER",
            };
            let required = std::env::var(variable).is_ok_and(|set| set == "1");
            assert!(!required, "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// The second stage of a detector, on the backend `simd`.
pub(crate) fn reader(detector: &Detector) -> Option<TextReader> {
    let second = match &detector.second {
        Some(SecondStage::Model(second)) => {
            let limits = Limits { max_batch: SECOND_BATCH, threads: 1 };
            let simd = usable("simd").expect("simd runs everywhere");
            Some(simd.load(&second.reader.model, &limits).unwrap())
        }
        _ => None,
    };
    TextReader::of(detector, second, DecodeLimits::DEFAULT.into()).unwrap()
}
