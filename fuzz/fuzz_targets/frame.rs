//! Any bytes as a frame: validated, decoded, resized, normalised. They may be refused; they must not
//! end the process, exceed the limits, or write outside the batch.

#![no_main]

use std::cell::RefCell;

use framegate::protocol::validate;
use framegate::stages::{DecodeLimits, Preprocessor};
use framegate_fuzz::{FixedOutputs, ModelFolder};
use framegate_models::detector::ImageInput;
use libfuzzer_sys::fuzz_target;
use memchr::memmem;

const LIMIT: usize = 65_536;
const EXTENT: usize = 64;
/// Small, so that an image that declares a large size costs no time.
const LIMITS: DecodeLimits =
    DecodeLimits { max_width: 1024, max_height: 1024, max_pixels: 262_144 };

/// The input of a YOLOX model: values are the pixels' own, 0 to 255.
fn input() -> ImageInput {
    let outputs = [("output".to_owned(), vec![1, 84, 7])];
    let model = FixedOutputs { side: Some(EXTENT), outputs: &outputs, metadata: &[] };
    let folder = ModelFolder::new("frame");
    folder.write("model.onnx", &model.encode());
    folder.write("model.toml", b"boxes = \"yolox\"");
    folder.load().expect("the model is a YOLOX").input
}

thread_local! {
    /// Reused from frame to frame, as a worker does.
    static PREPROCESSOR: RefCell<Preprocessor> =
        RefCell::new(Preprocessor::new(&input(), LIMITS));
}

fuzz_target!(
    init: {
        // A panic that a stage catches is a refused frame; any other still ends the process.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |message: &[u8]| {
        let valid = validate(message, LIMIT).is_ok();
        assert_eq!(
            valid,
            message.len() <= LIMIT
                && message.starts_with(&[0xFF, 0xD8])
                && memmem::find(&message[2..], &[0xFF, 0xD9]).is_some()
        );
        // What the validator refuses is decoded too: files have no validator.
        let mut slot = vec![f32::NAN; 3 * EXTENT * EXTENT];
        let preprocessed =
            PREPROCESSOR.with_borrow_mut(|stage| stage.preprocess(message, &mut slot));
        match preprocessed {
            Ok(done) => {
                let frame = done.transform.frame;
                assert!(frame.width * frame.height <= LIMITS.max_pixels);
                assert!(slot.iter().all(|level| (0.0..=255.0).contains(level)));
            }
            Err(_) => assert!(slot.iter().all(|level| level.is_nan()), "a refused frame is untouched"),
        }
    }
);
