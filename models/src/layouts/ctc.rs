//! `ctc`: recognisers of text, trained by connectionist temporal classification (Graves et al., 2006).

use framegate_backend_api::OutputBatch;

use super::classify::makes_probabilities;
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::best_class;
use super::{Blank, Candidate, Decoder, Layout, Reading, Recognition, Transcript};
use crate::image_input::LetterboxAlign;

/// Its name in sidecar files.
pub(super) const NAME: &str = "ctc";

/// PaddleOCR's recognisers: a line of text at the left, grey beside it, from −1 to 1.
const PADDLE_OCR: Family = Family {
    name: "paddleocr",
    preprocessing: Preprocessing::STRETCHED
        .letterboxed(LetterboxAlign::TopLeft, 127)
        .standardised([127.5; 3], [127.5; 3])
        .bgr(),
};

/// `[1, T, C + 1]` or `[T, 1, C + 1]`: in each of `T` steps from left to right, a score for each of `C` characters and
/// for the blank. Scores that are not probabilities yet go through a softmax, which logarithms of probabilities pass
/// unchanged.
#[derive(Debug)]
pub(super) struct Ctc;

impl Layout for Ctc {
    fn names(&self) -> &'static [&'static str] {
        &[NAME]
    }

    fn shape(&self) -> &'static str {
        "[1, steps, characters + 1], scores of characters from left to right"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, steps, characters + 1], and `blank = \"first\"` or `blank = \"last\"` in the sidecar"
            .to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let ([1, _, classes] | [_, 1, classes]) = *outputs.first() else { return None };
        let blank = Some(outputs.blank?);
        Some(Reading { blank, ..Reading::of(ClassCount::beyond(classes, 1)?) })
    }

    /// Only a sidecar can say so.
    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::No
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&PADDLE_OCR]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn finds_boxes(&self) -> bool {
        false
    }

    fn reads_text(&self) -> bool {
        true
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let classes = outputs.first()[2];
        Box::new(CtcDecoder {
            classes,
            blank: if reading.blank == Some(Blank::First) { 0 } else { classes - 1 },
            needs_softmax: !makes_probabilities(outputs.graph, outputs.graph.outputs[0]),
        })
    }
}

#[derive(Debug)]
struct CtcDecoder {
    classes: usize,
    /// Number of the class for no character.
    blank: usize,
    needs_softmax: bool,
}

impl Decoder for CtcDecoder {
    fn decode(
        &mut self,
        _outputs: &OutputBatch,
        _image: usize,
        _confidence: f32,
        _candidates: &mut Vec<Candidate>,
    ) {
    }

    fn text(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        labels: &[String],
    ) -> Option<Transcript> {
        let mut steps = outputs.tensors[0].image(image).to_vec();
        if self.needs_softmax {
            steps.chunks_exact_mut(self.classes).for_each(softmax);
        }
        let steps = steps.chunks_exact(self.classes);
        let characters = self.best_path(steps.clone())?;
        let name =
            |class: &usize| labels.get(class - usize::from(self.blank == 0)).map(String::as_str);
        let text: String = characters.iter().map(name).collect::<Option<_>>()?;
        let score = self.probability(steps, &characters) as f32;
        (!text.is_empty()).then_some(Transcript { text, score })
    }
}

impl CtcDecoder {
    /// The characters of the best class in each step: what repeats is one character, unless a blank lies between.
    fn best_path<'a>(&self, steps: impl Iterator<Item = &'a [f32]>) -> Option<Vec<usize>> {
        let mut classes = steps
            .map(|scores| best_class(scores).map(|(class, _)| class))
            .collect::<Option<Vec<usize>>>()?;
        classes.dedup();
        classes.retain(|class| *class != self.blank);
        Some(classes)
    }

    /// The probability of a text: the sum over all ways to spread its characters over the steps (Graves et al., 2006,
    /// section 4.1). A character that was nearly read, or nearly not, lowers it.
    fn probability<'a>(&self, steps: impl Iterator<Item = &'a [f32]>, characters: &[usize]) -> f64 {
        // By place in the text with a blank around each character: the ways that end there.
        let mut ways = vec![0.0; 2 * characters.len() + 1];
        ways[0] = 1.0;
        for scores in steps {
            for place in (0..ways.len()).rev() {
                let is_character = place % 2 == 1;
                let class = if is_character { characters[place / 2] } else { self.blank };
                // The blank between two characters may be left out unless they are the same.
                let may_skip = is_character && place > 1 && characters[place / 2 - 1] != class;
                let mut sum: f64 = ways[place];
                sum += if place > 0 { ways[place - 1] } else { 0.0 };
                sum += if may_skip { ways[place - 2] } else { 0.0 };
                ways[place] = sum * f64::from(scores[class]);
            }
        }
        ways.iter().rev().take(2).sum()
    }
}

fn softmax(scores: &mut [f32]) {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
    let total: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= total);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{batch, decoder, recognised};
    use super::super::{BoxLayout, LayoutError};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 128, height: 32 };

    /// The text that is read in steps of scores of `a`, `b` and a blank.
    fn read(blank: Blank, steps: &[[f32; 3]]) -> Option<Transcript> {
        let shape = [1, steps.len(), 3];
        let outputs = [("scores", &shape[..], steps.concat())];
        let layout = BoxLayout::named(NAME).unwrap();
        let mut decoder = decoder(&layout.with_blank(blank), INPUT, &outputs);
        decoder.text(&batch(&outputs), 0, &["a".to_owned(), "b".to_owned()])
    }

    /// Logits that make one class all but certain.
    fn certain(class: usize) -> [f32; 3] {
        std::array::from_fn(|index| if index == class { 30.0 } else { 0.0 })
    }

    #[test]
    fn repeats_are_one_character_unless_a_blank_lies_between() {
        for (blank, [a, b, none]) in [(Blank::Last, [0, 1, 2]), (Blank::First, [1, 2, 0])] {
            let text = |steps: &[usize]| {
                let steps: Vec<_> = steps.iter().map(|class| certain(*class)).collect();
                read(blank, &steps).map(|read| {
                    assert!(read.score > 0.999, "{read:?}");
                    read.text
                })
            };
            assert_eq!(text(&[a, a, b, none, b]).as_deref(), Some("abb"), "{blank:?}");
            assert_eq!(text(&[none, a, none, none, a, b]).as_deref(), Some("aab"), "{blank:?}");
            assert_eq!(text(&[none, none]), None, "{blank:?}");
        }
    }

    #[test]
    fn the_score_is_the_sum_over_all_ways_to_read_the_text() {
        // Three ways to read `a` in two steps: `aa`, `a-`, `-a`.
        let logs = [0.6_f32, 0.1, 0.3].map(f32::ln);
        let Transcript { text, score } = read(Blank::Last, &[logs, logs]).unwrap();
        assert_eq!(text, "a");
        assert!((score - (0.36 + 2.0 * 0.18)).abs() < 1e-5, "{score}");
        // `aa` takes a blank between.
        let none = [0.1_f32, 0.1, 0.8].map(f32::ln);
        let Transcript { text, score } = read(Blank::Last, &[logs, none, logs]).unwrap();
        assert_eq!(text, "aa");
        assert!((score - 0.6 * 0.8 * 0.6).abs() < 1e-5, "{score}");
    }

    #[test]
    fn a_character_that_is_nearly_left_out_makes_the_text_uncertain() {
        let half = [0.48_f32, 0.0, 0.52].map(f32::ln);
        let Transcript { text, score } =
            read(Blank::Last, &[certain(1), half, certain(1)]).unwrap();
        assert_eq!(text, "bb");
        assert!((score - 0.52).abs() < 1e-3, "{score}");
    }

    #[test]
    fn what_is_not_a_number_is_not_read() {
        assert_eq!(read(Blank::Last, &[certain(0), [f32::NAN; 3]]), None);
    }

    #[test]
    fn only_a_sidecar_says_that_scores_are_of_characters() {
        let outputs = [("scores", &[1, 24, 37][..])];
        let second = |blank| {
            recognised(&outputs, INPUT, move |outputs| ModelOutputs {
                blank,
                is_second: true,
                ..outputs
            })
        };
        let Err(error @ LayoutError::NoText { .. }) = second(None) else { panic!() };
        for words in ["[1, 24, 37]", "`blank = \"first\"`", "`blank = \"last\"`"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
