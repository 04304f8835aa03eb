//! The table of layouts as a whole: names and families.

use std::collections::HashSet;

use super::*;

#[test]
fn every_name_means_one_layout_and_every_family_one_preprocessing() {
    let mut names = HashSet::new();
    for layout in LAYOUTS {
        assert!(!layout.families().is_empty(), "{layout:?}");
        for name in layout.names() {
            assert!(names.insert(*name), "`{name}` occurs twice");
        }
        for family in layout.families() {
            assert_eq!(Family::named(family.name), Some(*family), "{layout:?}");
        }
    }
}

#[test]
fn old_names_still_work() {
    for (old, name) in
        [("yolov5", "decoded"), ("yolov8", "decoded-columns"), ("end2end", "end-to-end")]
    {
        assert_eq!(BoxLayout::named(old).unwrap().name(), name);
    }
    assert_eq!(BoxLayout::named("ssd"), None);
}
