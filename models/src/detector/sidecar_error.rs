//! Errors of a sidecar.

/// A mistake in a sidecar.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// The system would not read the file.
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
    /// It is not TOML, or a key is unknown or has a value that is not allowed.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// `mean` is infinite or not a number.
    #[error("`mean` must be made of finite numbers")]
    Mean,
    /// `scale` is zero, infinite or not a number.
    #[error("`scale` must be made of finite numbers other than 0")]
    Scale,
    /// Keys for a letterbox where there is none.
    #[error("`placement` and `fill` only go with `fit = \"letterbox\"`")]
    LetterboxKeys,
    /// `crop` beside another fit, or outside its range.
    #[error("`crop` must be above 0 and at most 1, and only goes with `fit = \"crop\"`")]
    Crop,
    /// `strides` is empty or has a 0.
    #[error("`strides` must name at least one cell size of 1 pixel or more")]
    Strides,
    /// Keys of a second model where there is none.
    #[error("`second_classes` and `second_confidence` only go with `second = \"NAME.onnx\"`")]
    SecondKeys,
    /// `second_confidence` is outside its range.
    #[error("`second_confidence` must be from 0 to 1")]
    SecondConfidence,
    /// `second_classes` has a name that no class has.
    #[error("`second_classes` names `{class}`, which is none of the detector's labels: {labels}")]
    SecondClass {
        /// The name.
        class: String,
        /// The labels, for people.
        labels: String,
    },
    /// The second stage of another model names one itself.
    #[error("the model is a second stage, so `second` does not go here")]
    SecondOfSecond,
    /// The rows of an input differ in length.
    #[error("the rows of `{input}` in `inputs` must be equally long")]
    Rows {
        /// Name of the input.
        input: String,
    },
    /// `blank` beside another layout.
    #[error("`blank` only goes with `boxes = \"ctc\"`")]
    Blank,
}
