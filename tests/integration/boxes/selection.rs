//! Which detections somebody wants: filtered before boxes suppress each other.

use framegate::stages::Selection;

use super::*;

#[test]
fn classes_are_left_out_before_boxes_suppress_each_other() {
    let detector =
        Detector { nms: NmsScope::ClassAgnostic, ..single(layout("decoded"), [1, 400, 7], 2) };
    let mut raw = outputs(&detector, 1, || 0.0);
    // Two objects, each seen as class 0 and less surely as class 1 in nearly the same place.
    for (row, place, classes) in [
        (0, [20.0, 20.0, 16.0, 16.0], [0.9, 0.0]),
        (1, [21.0, 20.0, 16.0, 16.0], [0.0, 0.8]),
        (2, [50.0, 50.0, 16.0, 16.0], [0.7, 0.0]),
        (3, [51.0, 50.0, 16.0, 16.0], [0.0, 0.3]),
    ] {
        let numbers = [&place[..], &[1.0], &classes].concat();
        raw.tensors[0].data[row * 7..][..7].copy_from_slice(&numbers);
    }
    let placement = FrameTransform::of(FRAME, &detector.input);
    let mut stage = BoxStage::new(&detector, Thresholds::DEFAULT).unwrap();
    let all = Selection::of_all(Thresholds::DEFAULT);
    let mut found = |selection: &Selection| {
        let mut detections = Vec::new();
        stage.detect_selected(selection, &raw, 0, &placement, &mut detections).unwrap();
        detections.iter().map(|found| (found.class_id, found.score)).collect::<Vec<_>>()
    };
    assert_eq!(found(&all), [(0, 0.9), (0, 0.7)]);
    let second = Selection { classes: Some([(1, None)].into()), ..all.clone() };
    assert_eq!(found(&second), [(1, 0.8), (1, 0.3)]);
    let sure = Selection { classes: Some([(1, Some(0.5))].into()), ..all.clone() };
    assert_eq!(found(&sure), [(1, 0.8)]);
    let mixed = Selection { classes: Some([(0, Some(0.8)), (1, None)].into()), ..all.clone() };
    assert_eq!(found(&mixed), [(0, 0.9), (1, 0.3)]);
    assert_eq!(found(&Selection { max_detections: 1, ..all.clone() }), [(0, 0.9)]);
    let overlapping = Thresholds { iou: 1.0, ..Thresholds::DEFAULT };
    assert_eq!(found(&Selection { thresholds: overlapping, ..all.clone() }).len(), 4);
    let strict = Thresholds { confidence: 0.75, iou: 1.0 };
    assert_eq!(found(&Selection { thresholds: strict, ..all }), [(0, 0.9), (1, 0.8)]);
}
