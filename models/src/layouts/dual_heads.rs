//! Models with a second head that helped to train them: YOLOv9's before it is converted.

use framegate_backend_api::graph::Graph;

use super::outputs::ModelOutputs;
use crate::Size;

/// Leaves out the auxiliary one of two outputs that are both `[1, 4 + C, N]`, and returns the sentence that says so. It
/// comes first, and YOLOv9's own `detect_dual.py` reads the second.
pub(crate) fn leave_out_auxiliary(graph: &mut Graph, input: Size) -> Option<String> {
    let outputs = ModelOutputs::of(graph, input);
    let [first, second] = outputs.shapes[..] else { return None };
    let [1, column, cells] = *first.shape else { return None };
    let is_dual = first.shape == second.shape
        && (5..cells).contains(&column)
        && outputs.strides_of(cells).is_some();
    let sentence = is_dual.then(|| {
        format!(
            "its outputs `{}` and `{}` are two heads that find the same; the second is read, as YOLOv9's main one is; \
             to read the first, export the model without the second",
            first.name, second.name
        )
    })?;
    graph.outputs.remove(0);
    Some(sentence)
}

#[cfg(test)]
mod tests {
    use super::super::choose;
    use super::super::testing::graph;
    use super::*;

    const INPUT: Size = Size { width: 320, height: 320 };

    #[test]
    fn the_second_of_two_heads_is_read() {
        let mut dual = graph(&[("output0", &[1, 7, 2100]), ("1852", &[1, 7, 2100])]);
        let sentence = leave_out_auxiliary(&mut dual, INPUT).unwrap();
        assert!(sentence.contains("`output0` and `1852`"), "{sentence}");
        let outputs = ModelOutputs::of(&dual, INPUT);
        assert_eq!(outputs.shapes[0].name, "1852");
        assert_eq!(choose(&outputs, None).unwrap().layout.name(), "decoded-columns");
    }

    #[test]
    fn outputs_that_mean_different_things_stay() {
        for shapes in [
            [("boxes", &[1, 4, 2100][..]), ("scores", &[1, 4, 2100])],
            [("output0", &[1, 7, 2100]), ("masks", &[1, 32, 2100])],
            [("a", &[1, 100, 300]), ("b", &[1, 100, 300])],
        ] {
            let mut graph = graph(&shapes);
            assert_eq!(leave_out_auxiliary(&mut graph, INPUT), None);
            assert_eq!(graph.outputs.len(), 2);
        }
    }
}
