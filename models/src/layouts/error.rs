//! Why no layout could be chosen for a model's outputs.

use crate::Size;

/// How a model's outputs are to be read is not known, or cannot be as the sidecar says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The outputs cannot be read in the layout that was named.
    #[error("`{layout}` needs {needs} for an input of {input}, but the outputs are {outputs}")]
    Mismatch {
        /// Name of the layout.
        layout: &'static str,
        /// The outputs that it would need.
        needs: String,
        /// Size of the model's input.
        input: Size,
        /// Names and shapes of the outputs.
        outputs: String,
    },
    /// `first_class` beside a score for each class.
    #[error(
        "`first_class` only goes with outputs that hold the numbers of classes; `{layout}` has a score \
         for each"
    )]
    FirstClass {
        /// Name of the layout.
        layout: &'static str,
    },
    /// `anchors` beside a layout that has none, or another number of them.
    #[error("the sidecar lists {given} `anchors`, and `{layout}` takes {}", anchor_counts(counts))]
    Anchors {
        /// Name of the layout.
        layout: &'static str,
        /// How many it can take.
        counts: Vec<usize>,
        /// How many there are.
        given: usize,
    },
    /// The model was trained for something else than boxes or classes.
    #[error(
        "the model's metadata says that it was trained to `{task}`, which gives no boxes; export a model \
         for `detect`, `segment`, `pose`, `obb` or `classify`, or write `boxes = \"tensors\"` into the \
         sidecar to get its outputs as numbers"
    )]
    Task {
        /// `task` of the file's metadata.
        task: String,
    },
    /// A second stage whose outputs say nothing about what a box shows.
    #[error(
        "a second stage says what a box shows, and the outputs {outputs} do not as far as they show: it takes a \
         classifier, [1, classes], or a recogniser of text, [1, steps, characters + 1]; for the latter, write \
         `blank = \"first\"` (as PaddleOCR has it) or `blank = \"last\"` into the sidecar"
    )]
    NoText {
        /// Names and shapes of the outputs.
        outputs: String,
    },
    /// A detector whose only output is a score of each character, step by step.
    #[error(
        "the output {outputs} is a list of steps with a score for each of {classes} classes, as networks that read \
         text have it, and they find no boxes: name the file in a detector's sidecar, `second = \"NAME.onnx\"`, or \
         write `boxes = \"tensors\"` into its own to get the scores as numbers"
    )]
    ReadsText {
        /// Name and shape of the output.
        outputs: String,
        /// Scores of a step.
        classes: usize,
    },
    /// The outputs look like no layout.
    #[error(
        "how to read boxes from the outputs {outputs} for an input of {input} is not known; {}",
        advice(fitting)
    )]
    Unknown {
        /// Names and shapes of the outputs.
        outputs: String,
        /// Size of the model's input.
        input: Size,
        /// Lines for the sidecar, each with the shapes that it is right for.
        fitting: Vec<String>,
    },
    /// The outputs look like more than one layout, or like models that need different images.
    #[error(
        "the outputs {outputs} for an input of {input} can be read in more than one way; write one \
         of these lines into the sidecar: {}",
        lines.join("; ")
    )]
    Ambiguous {
        /// Names and shapes of the outputs.
        outputs: String,
        /// Size of the model's input.
        input: Size,
        /// Lines for the sidecar, each with when it is right.
        lines: Vec<String>,
    },
}

fn anchor_counts(counts: &[usize]) -> String {
    let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(" or ") }
}

/// The lines that could be written.
fn advice(fitting: &[String]) -> String {
    if !fitting.is_empty() {
        return format!(
            "if one of these is right, write it into the sidecar: {}; `boxes = \"tensors\"` gives the \
             outputs as numbers",
            fitting.join("; ")
        );
    }
    "no box layout has such outputs; `boxes = \"tensors\"` in the sidecar gives them \
     as numbers"
        .to_owned()
}
