//! Frames that are cut into tiles: more is found, and nothing twice.

use std::path::Path;

use framegate::Tiling;
use framegate::stages::Detection;
use framegate::{Frame, Pipeline, PipelineOptions};
use framegate_models::detector::EMBEDDED_MODEL;

use crate::support::program::{framegate, run};
use crate::support::symbols::{BADGE, PARCEL, SIDE, Symbol, frame_of};

const FRAME: (usize, usize) = (1920, 1080);

fn options(tiles: Option<Tiling>) -> PipelineOptions {
    PipelineOptions { backend: Some("simd".parse().unwrap()), tiles, ..PipelineOptions::default() }
}

/// Two kinds of codes in turn, of 63 pixels with modules of three, in seven columns and four rows.
fn wall() -> Vec<(&'static Symbol, (usize, usize), usize)> {
    let place = |index: usize| (60 + 265 * (index % 7), 50 + 260 * (index / 7));
    (0..28).map(|index| ([&PARCEL, &BADGE][index % 2], place(index), 3)).collect()
}

/// How many boxes have their centre on each of the symbols, and how many elsewhere.
fn boxes_on(
    detections: &[Detection],
    symbols: &[(&Symbol, (usize, usize), usize)],
) -> (Vec<usize>, usize) {
    let on = |found: &Detection, (_, (left, top), module): &(&Symbol, (usize, usize), usize)| {
        let inside =
            |at: f32, from: usize| (from as f32..(from + SIDE * module) as f32).contains(&at);
        inside(found.x + found.width / 2.0, *left) && inside(found.y + found.height / 2.0, *top)
    };
    let counts =
        symbols.iter().map(|symbol| detections.iter().filter(|found| on(found, symbol)).count());
    let elsewhere =
        detections.iter().filter(|found| !symbols.iter().any(|symbol| on(found, symbol)));
    (counts.collect(), elsewhere.count())
}

#[test]
fn more_codes_of_a_wall_are_found_and_none_twice() {
    let wall = wall();
    let jpeg = frame_of(FRAME, &wall);
    let mut whole = Pipeline::load(EMBEDDED_MODEL, &options(None)).unwrap();
    let found = whole.detect(&jpeg).unwrap().detections;
    let (counts, _) = boxes_on(&found, &wall);
    let without = counts.iter().filter(|count| **count > 0).count();
    assert!(without < 20, "{without} are found in the whole frame: too easy");

    let mut tiled = Pipeline::load(EMBEDDED_MODEL, &options(Some(Tiling::Auto))).unwrap();
    let results = tiled.detect_batch(&[Frame::Jpeg(&jpeg), Frame::Jpeg(b"no JPEG")]);
    assert!(results[1].is_err());
    let found = &results[0].as_ref().unwrap().detections;
    assert_eq!(boxes_on(found, &wall), (vec![1; wall.len()], 0));
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    for (symbol, place, module) in &wall {
        let one = [(*symbol, *place, *module)];
        let text = found.iter().find(|found| boxes_on(&[(*found).clone()], &one).0 == [1]);
        assert_eq!(text.and_then(|found| found.text.as_deref()), Some(symbol.text), "{place:?}");
    }
}

#[test]
fn a_code_is_found_once_wherever_tiles_cut_it() {
    let tiling = Tiling::Grid { columns: 3, rows: 2 };
    let mut tiled = Pipeline::load(EMBEDDED_MODEL, &options(Some(tiling))).unwrap();
    // Tiles are 739 pixels wide: from 0, 590 and 1181 on. A small code moves over what the first two share, and a large
    // one is in no tile whole.
    for left in [500, 545, 590, 620, 650, 700] {
        let symbols = [(&PARCEL, (left, 100), 4), (&BADGE, (860, 150), 30)];
        let mut found = tiled.detect(&frame_of(FRAME, &symbols)).unwrap().detections;
        // Seen so large, a part of a QR code may look like a code of another kind.
        found.retain(|found| &*found.label == "qr_code");
        let (counts, elsewhere) = boxes_on(&found, &symbols);
        assert_eq!((counts, elsewhere), (vec![1, 1], 0), "{left}: {found:?}");
    }
}

#[test]
fn the_command_cuts_frames_into_tiles() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wall.jpg");
    std::fs::write(&file, frame_of(FRAME, &wall())).unwrap();
    let infer = |arguments: &[&str]| {
        let mut command = framegate(["infer", "--backend", "simd"]);
        run(command.args(arguments).args([file.as_path(), Path::new("/no/such.jpg")]))
    };
    let lines = infer(&["--tiles", "5x3"]).json_lines();
    assert_eq!(lines[0]["detections"].as_array().unwrap().len(), 28);
    assert_eq!(lines[1]["error"], "read_failed");
    let fewer = infer(&[]).json_lines();
    assert!(fewer[0]["detections"].as_array().unwrap().len() < 28);
    for tiles in ["4x4", "0x2", "3", "x", "3x-1", "many"] {
        infer(&["--tiles", tiles]).assert_refused(2, &["--tiles", tiles, "auto, or COLUMNSxROWS"]);
    }
    infer(&["--tiles", "2x1", "--masks"]).assert_refused(1, &["--tiles", "leave masks out"]);
}
