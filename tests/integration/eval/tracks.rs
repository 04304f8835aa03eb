//! The numbers that objects keep: figures against TrackEval's, and the command on a small sequence.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use framegate::error_chain::error_chain;
use framegate::eval::tracks::{LabelledFrame, MotLabels, Sequence, TrackReport, TrackedBox};
use framegate_tracking::{Bounds, Observation, Tracker};
use serde_json::Value;

use super::has_simd;
use crate::support::images::{GENERATED, plain};
use crate::support::program::{Ended, framegate, run};

/// Tracks and labels that `tests/yardsticks/mot.py` has generated, and TrackEval's figures for them.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/data/mot");

fn report(labels: &Path, keep: impl Fn(u64) -> bool) -> TrackReport {
    let read = |path: &Path| MotLabels::read(path).unwrap().0;
    let (mut truth, mut found) = (read(labels), read(&Path::new(DATA).join("tracks.txt")));
    let mut sequence = Sequence::default();
    for frame in (1..=120).filter(|frame| keep(*frame)) {
        let of =
            |frames: &mut BTreeMap<u64, LabelledFrame>| frames.remove(&frame).unwrap_or_default();
        sequence.add(of(&mut truth), of(&mut found).objects);
    }
    sequence.report()
}

#[test]
fn figures_are_those_of_trackeval() {
    let own = Path::new(DATA).join("gt.txt");
    let folder = tempfile::tempdir().unwrap();
    // MOT20 has one class more that may be taken for pedestrians; the folder says that it is of MOT20.
    let mot20 = folder.path().join("MOT20-01/gt/gt.txt");
    fs::create_dir_all(mot20.parent().unwrap()).unwrap();
    fs::copy(&own, &mot20).unwrap();
    // As in a copy of the sequence in a folder of another name.
    let renamed = folder.path().join("renamed/gt/gt.txt");
    fs::create_dir_all(renamed.parent().unwrap()).unwrap();
    fs::copy(&own, &renamed).unwrap();
    let seqinfo = "[Sequence]\nname=MOT20-01\nframeRate=25\n";
    fs::write(folder.path().join("renamed/seqinfo.ini"), seqinfo).unwrap();

    let expected = fs::read_to_string(Path::new(DATA).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    for (labels, benchmark) in [(own, "mot17"), (mot20, "mot20"), (renamed, "mot20")] {
        let expected = expected[benchmark].as_object().unwrap();
        let found = serde_json::to_value(report(&labels, |_| true)).unwrap();
        assert_eq!(found.as_object().unwrap().len(), expected.len());
        for (name, expected) in expected {
            let difference = found[name].as_f64().unwrap() - expected.as_f64().unwrap();
            assert!(difference.abs() < 1e-6, "{benchmark}: {name}: {} and {expected}", found[name]);
        }
    }
}

#[test]
fn without_frames_nothing_is_found() {
    let none = report(&Path::new(DATA).join("gt.txt"), |_| false);
    assert_eq!((none.mota, none.idf1, none.hota), (0.0, 0.0, 0.0));
    assert_eq!((none.frames, none.objects, none.tracks), (0, 0, 0));
}

/// Twelve people at 25 frames per second, who walk up and down and cross, up to a quarter of their width per frame.
const FRAMES: usize = 500;
const RATE: f64 = 25.0;

fn walkers(frame: usize) -> Vec<TrackedBox> {
    let seconds = frame as f64 / RATE;
    let walker = |index: u64| {
        let phase = index as f64;
        let (width, height) = (30.0 + 2.0 * phase, 70.0 + 4.0 * phase);
        let pace = 0.25 + 0.03 * phase;
        let x = 800.0 + 500.0 * (pace * seconds + phase).sin();
        let y = 400.0 + 250.0 * (0.4 * pace * seconds + 2.0 * phase).cos();
        TrackedBox { id: index, x, y, width, height }
    };
    (0..12).map(walker).collect()
}

/// The boxes that a detector finds: one in twenty is missed, and edges are off by two pixels or so.
fn seen(truth: &[TrackedBox], random: &mut fastrand::Rng) -> Vec<TrackedBox> {
    let mut off = |value: f64| value + 4.0 * (random.f64() - 0.5) + 2.0 * (random.f64() - 0.5);
    let boxes: Vec<_> = truth
        .iter()
        .map(|object| TrackedBox {
            id: 0,
            x: off(object.x),
            y: off(object.y),
            width: off(object.width),
            height: off(object.height),
        })
        .collect();
    boxes.into_iter().filter(|_| random.f64() >= 0.05).collect()
}

/// The tracker on the frames that are not dropped. `clock` gives the time of a frame by its number in the sequence and
/// among those that arrive.
fn tracked(dropped: f64, seed: u64, clock: impl Fn(usize, usize) -> f64) -> TrackReport {
    let (mut fate, mut random) = (fastrand::Rng::with_seed(seed), fastrand::Rng::with_seed(7));
    let mut tracker = Tracker::default();
    let mut sequence = Sequence::default();
    let mut arrived = 0;
    for frame in 0..FRAMES {
        let truth = walkers(frame);
        let mut found = seen(&truth, &mut random);
        if fate.f64() < dropped {
            continue;
        }
        let observation = |found: &TrackedBox| {
            let [x, y, width, height] =
                [found.x, found.y, found.width, found.height].map(|value| value as f32);
            Observation { class_id: 0, score: 0.9, bounds: Bounds { x, y, width, height } }
        };
        let observations: Vec<_> = found.iter().map(observation).collect();
        let time = Duration::from_secs_f64(clock(frame, arrived) / RATE);
        let numbers = tracker.update(time, &observations);
        found.iter_mut().zip(numbers).for_each(|(found, number)| found.id = number);
        sequence.add(LabelledFrame { objects: truth, ..LabelledFrame::default() }, found);
        arrived += 1;
    }
    sequence.report()
}

#[test]
fn dropped_frames_break_no_tracks_because_the_clock_is_time() {
    let in_time = |frame: usize, _: usize| frame as f64;
    let by_count = |_: usize, arrived: usize| arrived as f64;
    let all = tracked(0.0, 0, in_time);
    assert!(all.idf1 > 0.9, "{all:?}");
    for seed in 1..=5 {
        let dropped = tracked(0.3, seed, in_time);
        let counted = tracked(0.3, seed, by_count);
        println!(
            "IDF1 of all frames {:.3}, without 30 % of them {:.3}, by their count {:.3}; switches {}, {}, {}",
            all.idf1, dropped.idf1, counted.idf1, all.switches, dropped.switches, counted.switches
        );
        assert!(dropped.frames < FRAMES * 3 / 4, "{dropped:?}");
        assert!(dropped.idf1 >= all.idf1 - 0.02, "{seed}: {dropped:?} beside {all:?}");
        assert!(counted.idf1 < all.idf1 - 0.04, "{seed}: {counted:?} beside {all:?}");
    }
}

/// Evaluates a sequence of codes with these labels.
fn eval(folder: &Path, labels: &str, arguments: &[&str]) -> Ended {
    fs::write(folder.join("gt.txt"), labels).unwrap();
    let mut command = framegate(["eval", "--backend", "simd", "--tracks"]);
    command.arg(folder.join("gt.txt")).arg("--images").arg(folder.join("img1"));
    run(command.args(arguments))
}

#[test]
fn the_tracker_is_evaluated_on_a_sequence() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("img1");
    fs::create_dir(&images).unwrap();
    // One code, which is hidden in the third frame, in an order that is not that of names.
    for frame in 8..=11 {
        let image = images.join(format!("{frame}.jpg"));
        match frame {
            10 => fs::write(image, plain(416, 416, [120; 3])).unwrap(),
            _ => drop(fs::copy(Path::new(GENERATED).join("qr_code.jpg"), image).unwrap()),
        }
    }
    let labels: String = [8, 9, 10, 11, 12]
        .iter()
        .map(|frame| format!("{frame},7,24,1,356,309,1,-1,-1\n"))
        .collect();
    let arguments = ["--class", "qr_code", "--frame-rate", "10"];
    let ended = eval(folder.path(), &labels, &[&arguments[..], &["--json"]].concat());
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["class"], &report["frames"]), (&"qr_code".into(), &4.into()));
    let counts = ["boxes", "tracked_boxes", "missed", "switches"].map(|name| report[name].as_u64());
    assert_eq!(counts, [4, 3, 1, 0].map(Some), "{report}");
    assert_eq!(
        (&report["mota"], &report["objects"], &report["tracks"]),
        (&0.75.into(), &1.into(), &1.into())
    );
    assert!(ended.stderr.contains("frames with labels were not seen"), "{}", ended.stderr);

    fs::write(folder.path().join("seqinfo.ini"), "[Sequence]\nframeRate = 10\n").unwrap();
    let text = eval(folder.path(), &labels, &["--class", "qr_code"]).stdout;
    assert!(text.contains("IDF1 0.857, MOTA 0.750, HOTA 0."), "{text}");
    assert!(
        text.contains("1 objects in 4 boxes, 1 tracks in 3 boxes: 1 missed, 0 false"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("img1");
    fs::create_dir(&images).unwrap();
    fs::write(images.join("1.jpg"), plain(8, 8, [0; 3])).unwrap();
    let good = "1,1,0,0,9,9\n";
    let rate = ["--frame-rate", "10"];
    eval(folder.path(), good, &[]).assert_refused(2, &["--frame-rate"]);
    eval(folder.path(), good, &["--frame-rate", "0"])
        .assert_refused(2, &["--frame-rate", "above 0"]);
    if has_simd() {
        eval(folder.path(), good, &rate).assert_refused(2, &["--class", "qr_code"]);
        let other = [&rate[..], &["--class", "cat"]].concat();
        eval(folder.path(), good, &other).assert_refused(2, &["`cat`", "qr_code"]);
    }
    fs::write(images.join("b.jpg"), plain(8, 8, [0; 3])).unwrap();
    eval(folder.path(), good, &rate).assert_refused(2, &["b.jpg", "000001.jpg"]);
    let without_images = run(&mut framegate(["eval", "--tracks", "gt.txt"]));
    without_images.assert_refused(2, &["--tracks", "--images"]);
    let both = ["eval", "--tracks", "gt.txt", "--ground-truth", "a.json", "--images", "b"];
    run(&mut framegate(both)).assert_refused(2, &["cannot be used with"]);
}

#[test]
fn labels_with_a_mistake_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gt.txt");
    for (text, words) in [
        ("1,1,0,0,9", "line 1: there are 5 numbers"),
        ("1,1,0,0,9,9\n\n1,1,0,0,9,9", "line 3: object 1 is in frame 1 twice"),
        ("1,1,0,0,9,x", "line 1: `x` is not a number"),
        ("1,1,0,0,9,nan", "line 1: `nan` is not a number"),
        ("1,1,0,0,9,0", "line 1: the box has 9x0 pixels"),
        ("0,1,0,0,9,9", "line 1: frame 0 is not a whole number from 1"),
        ("1,1.5,0,0,9,9", "line 1: object 1.5 is not a whole number"),
        ("1,1,0,0,9,9,0\n1,2,0,0,9,9,1,3", "no object that counts"),
    ] {
        fs::write(&path, text).unwrap();
        let found = error_chain(&MotLabels::read(&path).unwrap_err());
        assert!(found.contains("gt.txt") && found.contains(words), "{found}");
    }
    // Of what need not be found, number and size are of no concern.
    fs::write(&path, "1,1,0,0,9,9,1,1\n1,-1,0,0,9,0,0,13\n1,-1,0,0,9,9,1,8").unwrap();
    let read = MotLabels::read(&path).unwrap().0.remove(&1).unwrap();
    assert_eq!([read.objects.len(), read.distractors.len(), read.others.len()], [1, 1, 1]);
    let gone = MotLabels::read(&folder.path().join("gone.txt")).unwrap_err();
    assert!(error_chain(&gone).contains("cannot be read"));
}
