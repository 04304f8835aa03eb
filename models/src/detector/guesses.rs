//! The facts about a model that nothing but its outputs and its graph says, as sentences for people.

use super::model_card::ProcessorConfig;
use super::sidecar::Sidecar;
use crate::layouts::Choice;

/// One sentence for each fact that was guessed, with the line that would say otherwise.
pub(super) fn guesses(
    choice: &Choice,
    sidecar: &Sidecar,
    processor: Option<&ProcessorConfig>,
) -> Vec<String> {
    let mut guesses = Vec::new();
    if sidecar.layout().is_none() {
        guesses.push(format!(
            "its boxes are read as `{}`, because {}; to say otherwise, write `boxes = \"…\"`",
            choice.layout, choice.reason
        ));
    }
    if let Some(processor) = processor {
        guesses.push(format!(
            "its images are prepared as `{}` beside it says; to say otherwise, write `family = \"…\"`",
            processor.file
        ));
    } else if sidecar.family.is_none() && !sidecar.prepares_images() {
        guesses.push(format!(
            "its images are prepared as for `{}`; to say otherwise, write `family = \"…\"` or the keys \
             `channel_order`, `mean`, `scale`, `fit`",
            choice.family.name
        ));
    }
    if let (Some(range), None, None) = (choice.input_range, sidecar.mean, sidecar.scale)
        && processor.is_none()
    {
        guesses.push(format!(
            "the file normalises pixels itself, so it is given values from {}; to say otherwise, write \
             `mean` and `scale`",
            range.describe()
        ));
    }
    if let (1.., None) = (choice.layout.first_class(), sidecar.first_class) {
        guesses.push(format!(
            "class {} of the file has the first label; to say otherwise, write `first_class = 0`",
            choice.layout.first_class()
        ));
    }
    guesses
}
