//! Detections drawn into images.

use framegate::annotate::{AnnotationDirectory, DirectoryError, Mark, annotate};
use framegate::engine::FrameOrigin;
use framegate::sources::Source;
use framegate::stages::{DecodeLimits, Detection, RgbImage};

use crate::support::images::plain;
use crate::support::jpeg::{Coding, decode, encode};

const GREY: [u8; 3] = [128; 3];

fn mark(x: f32, y: f32, width: f32, height: f32) -> Mark {
    Mark::from(&Detection::of_box("traffic light", 9, 0.87, [x, y, width, height]))
}

/// Whether a pixel differs clearly from the grey of the original.
fn is_drawn(image: &RgbImage, x: usize, y: usize) -> bool {
    let pixel = &image.pixels[(y * image.width + x) * 3..][..3];
    pixel.iter().zip(GREY).any(|(level, grey)| level.abs_diff(grey) > 60)
}

#[test]
fn the_box_is_drawn_where_the_detection_is_and_its_label_above() {
    let grey = plain(320, 240, GREY);
    let annotated =
        annotate(&grey, DecodeLimits::DEFAULT, &[mark(100.0, 80.0, 120.0, 90.0)]).unwrap();
    let image = decode(&annotated).unwrap();
    assert_eq!((image.width, image.height), (320, 240));
    for (x, y) in [(100, 120), (219, 120), (160, 80), (160, 169)] {
        assert!(is_drawn(&image, x, y), "the box's edge at {x}, {y}");
    }
    for (x, y) in [(160, 125), (50, 125), (280, 125), (160, 200), (160, 20)] {
        assert!(!is_drawn(&image, x, y), "nothing at {x}, {y}");
    }
    let label_row = 80 - 6;
    assert!((100..200).filter(|x| is_drawn(&image, *x, label_row)).count() > 80);
}

#[test]
fn a_label_without_room_above_is_drawn_inside_the_box() {
    let grey = plain(320, 240, GREY);
    let annotated =
        annotate(&grey, DecodeLimits::DEFAULT, &[mark(250.0, 2.0, 70.0, 200.0)]).unwrap();
    let image = decode(&annotated).unwrap();
    assert!(is_drawn(&image, 316, 8), "the label is moved left to fit");
    assert!(!is_drawn(&image, 300, 100));
}

#[test]
fn labels_of_boxes_in_one_place_do_not_cover_each_other() {
    let grey = plain(320, 240, GREY);
    let twice = [mark(100.0, 80.0, 120.0, 90.0), mark(101.0, 81.0, 120.0, 90.0)];
    let once = decode(&annotate(&grey, DecodeLimits::DEFAULT, &twice[..1]).unwrap()).unwrap();
    let both = decode(&annotate(&grey, DecodeLimits::DEFAULT, &twice).unwrap()).unwrap();
    let row_below_the_top_edge = 80 + 8;
    let drawn = |image: &RgbImage| {
        (110..210).filter(|x| is_drawn(image, *x, row_below_the_top_edge)).count()
    };
    assert_eq!(drawn(&once), 0);
    assert!(drawn(&both) > 60, "the second label is inside its box");
}

#[test]
fn the_image_is_turned_upright() {
    let coding = Coding { orientation: Some(6), ..Coding::default() };
    let turned = encode(&GREY.repeat(64 * 32), 64, 32, coding);
    let image = decode(&annotate(&turned, DecodeLimits::DEFAULT, &[]).unwrap()).unwrap();
    assert_eq!((image.width, image.height), (32, 64));
    assert_eq!(image.upright_size().width, 32, "it needs no more rotation");
}

#[test]
fn the_smallest_image_can_be_annotated() {
    let annotated =
        annotate(&plain(1, 1, GREY), DecodeLimits::DEFAULT, &[mark(0.0, 0.0, 1.0, 1.0)]);
    assert_eq!(decode(&annotated.unwrap()).unwrap().width, 1);
}

#[test]
fn an_input_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("a.jpg");
    std::fs::write(&input, b"precious").unwrap();
    let roundabout = directory.path().join("sub").join("..");
    std::fs::create_dir(directory.path().join("sub")).unwrap();
    for target in [directory.path(), &roundabout] {
        let refused = AnnotationDirectory::create(target, &[Source::File(input.clone())]);
        assert!(matches!(refused, Err(DirectoryError::OverwritesInput(path)) if path == input));
    }
}

#[test]
fn two_inputs_of_one_name_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let inputs = ["x/a.jpg", "y/a.jpg"].map(|path| Source::File(path.into()));
    let refused = AnnotationDirectory::create(directory.path(), &inputs);
    assert!(matches!(refused, Err(DirectoryError::SameName { .. })));
    let twice = ["x/a.jpg", "x/a.jpg"].map(|path| Source::File(path.into()));
    assert!(AnnotationDirectory::create(directory.path(), &twice).is_ok());
}

#[test]
fn with_a_stream_no_input_may_be_named_like_one_of_its_frames() {
    let directory = tempfile::tempdir().unwrap();
    let create = |name: &str| {
        let file = || Source::File(name.into());
        let alone = AnnotationDirectory::create(directory.path(), &[file()]);
        assert!(alone.is_ok(), "{name} alone");
        AnnotationDirectory::create(directory.path(), &[file(), Source::StandardInput])
    };
    for name in ["x/frame-000001.jpg", "x/frame-1000000.jpg"] {
        let refused = create(name);
        assert!(matches!(refused, Err(DirectoryError::NamedLikeAStreamFrame(_))), "{name}");
    }
    for name in ["x/frame-1.jpg", "x/frame-00000a.jpg", "x/frame-000001.jpeg", "x/a.jpg"] {
        assert!(create(name).is_ok(), "{name}");
    }
}

#[test]
fn files_keep_their_names_and_frames_of_a_stream_get_one() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("new").join("marked");
    let annotations = AnnotationDirectory::create(&target, &[]).unwrap();
    annotations.write(&FrameOrigin::File("x/Street 1.JPG".into()), b"1").unwrap();
    annotations.write(&FrameOrigin::Stream { number: 12 }, b"2").unwrap();
    assert_eq!(std::fs::read(target.join("Street 1.JPG")).unwrap(), b"1");
    assert_eq!(std::fs::read(target.join("frame-000012.jpg")).unwrap(), b"2");
}
