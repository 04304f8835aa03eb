//! The formats of labels: each recognised, read as the others are, and refused with its place where it is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use framegate::Size;
use framegate::error_chain::error_chain;
use framegate::eval::{GroundTruth, GroundTruthFormat, LabelledObject, ObjectKind, UnknownClass};
use tempfile::TempDir;

const SIZE: Size = Size { width: 200, height: 100 };

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The objects of `a.jpg` in labels at `path` below a folder.
fn objects(files: &[(&str, &str)], path: &str, images: Option<&str>) -> Vec<LabelledObject> {
    let folder = folder(files);
    let images = images.map(|images| folder.path().join(images));
    let truth = GroundTruth::read(&folder.path().join(path), images.as_deref(), None)
        .unwrap_or_else(|error| panic!("{path}: {}", error_chain(&error)));
    let image: PathBuf = truth.paths().find(|path| path.ends_with("a.jpg")).expect("a.jpg");
    truth.objects(&image, SIZE).unwrap().into_owned()
}

/// The error about labels that cannot be used.
fn refused(files: &[(&str, &str)], path: &str) -> String {
    let folder = folder(files);
    let path = folder.path().join(path);
    let read = GroundTruth::read(&path, Some(folder.path()), None);
    error_chain(&read.map(|truth| truth.images().to_vec()).unwrap_err())
}

fn assert_refused(files: &[(&str, &str)], path: &str, words: &[&str]) {
    let found = refused(files, path);
    for word in words {
        assert!(found.contains(word), "`{word}` is not in: {found}");
    }
}

const OWN: &str =
    r#"{"a.jpg": {"objects": [{"label": "dog", "x": 20, "y": 10, "w": 80, "h": 40}]}}"#;
const COCO: &str = r#"{
    "images": [{"id": 9, "file_name": "b.jpg"}, {"id": 4, "file_name": "a.jpg", "width": 200, "height": 100}],
    "annotations": [{"id": 1, "image_id": 4, "category_id": 18, "bbox": [20, 10, 80, 40], "area": 1500}],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
}"#;
const VOC: &str = "<annotation><filename>a.jpg</filename>
<size><width>200</width><height>100</height><depth>3</depth></size>
<object><name>dog</name>
<bndbox><xmin>21</xmin><ymin>11</ymin><xmax>100</xmax><ymax>50</ymax></bndbox></object>
</annotation>";
const YOLO: &str = "1 0.3 0.3 0.4 0.4\n\n";
const NAMES: &str = "names: [person, dog]\nval: images\n";

#[test]
fn every_format_says_the_same_of_the_same_object() {
    let dog = [LabelledObject::of_box("dog", [20.0, 10.0, 80.0, 40.0])];
    let [x, y, width, height] = [20.0, 10.0, 80.0, 40.0];
    assert_eq!(objects(&[("l.json", OWN)], "l.json", Some("")), dog);
    let coco = objects(&[("l.json", COCO)], "l.json", Some("photos"));
    assert_eq!(coco, [LabelledObject { area: Some(1500.0), ..dog[0].clone() }]);
    for (file, path) in [("Annotations/a.xml", ""), ("a.xml", ""), ("a.xml", "a.xml")] {
        // A file alone is not recognised by its name, so its folder is given.
        let path = if path.ends_with(".xml") { "" } else { path };
        assert_eq!(objects(&[(file, VOC)], path, None), dog, "{file}");
    }
    let image = ("images/a.jpg", "");
    for (files, path) in [
        (vec![image, ("labels/a.txt", YOLO), ("data.yaml", NAMES)], ""),
        (vec![image, ("labels/a.txt", YOLO), ("data.yaml", NAMES)], "data.yaml"),
        (vec![image, ("labels/a.txt", YOLO), ("classes.txt", "person\ndog\n")], ""),
        (vec![image, ("labels/a.txt", YOLO), ("labels/classes.txt", "person\ndog")], "labels"),
        (
            vec![
                ("set/images/val/a.jpg", ""),
                ("set/labels/val/a.txt", YOLO),
                ("data.yaml", "path: set\nval: images/val\nnames:\n  1: dog\n  0: person\n"),
            ],
            "data.yaml",
        ),
        (
            vec![
                ("valid/images/a.jpg", ""),
                ("valid/labels/a.txt", YOLO),
                (
                    "data.yaml",
                    "train: ../train/images\nval: ../valid/images\nnames: ['person', 'dog']",
                ),
            ],
            "data.yaml",
        ),
        (vec![("a.jpg", ""), ("a.txt", YOLO), ("classes.txt", "person\ndog")], ""),
        (
            // The outline of the same box.
            vec![
                image,
                ("labels/a.txt", "1 0.1 0.1 0.5 0.2 0.3 0.5"),
                ("classes.txt", "person\ndog"),
            ],
            "",
        ),
        (
            vec![
                image,
                ("labels/a.txt", "1 0.3 0.3 0.4 0.4 0.2 0.2 2 0.3 0.3 1"),
                ("data.yaml", "kpt_shape: [2, 3]\nnames: [person, dog]"),
            ],
            "",
        ),
    ] {
        let found = objects(&files, path, None);
        assert_eq!(found.len(), 1, "{files:?}");
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
        assert_eq!(found[0].label, "dog");
        assert!(near(found[0].x, x) && near(found[0].y, y), "{found:?}");
        assert!(near(found[0].width, width) && near(found[0].height, height), "{found:?}");
    }
}

#[test]
fn labels_of_no_area_are_counted_and_left_out() {
    let line = r#"{"label": "dog", "x": 5, "y": 6, "w": 70, "h": 0}"#;
    let dog = r#"[{"label": "dog", "x": 20"#;
    let own = OWN.replace(dog, &dog.replace('[', &format!("[{line}, {line}, ")));
    let coco = COCO.replace("[20, 10, 80, 40]", "[20, 10, 0, 40]");
    let yolo = [("images/a.jpg", ""), ("labels/a.txt", "1 0.3 0.3 0 0.4"), ("data.yaml", NAMES)];
    for (files, path, left, out) in [
        (vec![("l.json", own.as_str())], "l.json", 1, 2),
        (vec![("l.json", coco.as_str())], "l.json", 0, 1),
        (yolo.to_vec(), "", 0, 1),
    ] {
        let folder = folder(&files);
        let images = path.ends_with(".json").then(|| folder.path().to_owned());
        let path = folder.path().join(path);
        let truth = GroundTruth::read(&path, images.as_deref(), None).unwrap();
        let objects: usize = truth.images().iter().map(|image| image.objects.len()).sum();
        let without = truth.without_area().unwrap();
        assert_eq!((objects, without.labels), (left, out), "{files:?}");
        assert_eq!(without.first, "`dog` of a.jpg");
    }
    let folder = folder(&[("l.json", OWN)]);
    let path = folder.path().join("l.json");
    let truth = GroundTruth::read(&path, Some(folder.path()), None).unwrap();
    assert_eq!(truth.without_area(), None);
}

#[test]
fn texts_are_read_with_their_objects() {
    let own = OWN.replace(r#""h": 40"#, r#""h": 40, "text": "A\r\n7""#);
    let coco = COCO.replace(r#""area": 1500"#, r#""area": 1500, "text": "A\r\n7""#);
    for text in [own, coco] {
        let found = objects(&[("l.json", &text)], "l.json", Some(""));
        assert_eq!(found[0].text.as_deref(), Some("A\r\n7"));
    }
    assert_eq!(objects(&[("l.json", OWN)], "l.json", Some(""))[0].text, None);
}

#[test]
fn objects_that_need_not_be_found_are_marked() {
    let crowd = COCO.replace(r#""area": 1500"#, r#""area": 1500, "iscrowd": 1"#);
    assert_eq!(objects(&[("l.json", &crowd)], "l.json", Some(""))[0].kind, ObjectKind::Crowd);
    let voc = VOC.replace("<bndbox>", "<difficult>1</difficult><bndbox>");
    let found = objects(&[("Annotations/a.xml", &voc)], "", None);
    assert_eq!(found[0].kind, ObjectKind::Difficult);
}

#[test]
fn coco_may_be_written_as_tools_do() {
    let read = |text: &str| objects(&[("l.json", text)], "l.json", Some("")).remove(0);
    for (crowd, kind) in [
        ("false", ObjectKind::Single),
        ("null", ObjectKind::Single),
        ("0.0", ObjectKind::Single),
        ("true", ObjectKind::Crowd),
        ("1.0", ObjectKind::Crowd),
    ] {
        let area = format!(r#""area": 1500, "iscrowd": {crowd}"#);
        assert_eq!(read(&COCO.replace(r#""area": 1500"#, &area)).kind, kind, "{crowd}");
    }
    let floats = COCO
        .replace(r#""image_id": 4"#, r#""image_id": 4.0"#)
        .replace(r#""category_id": 18"#, r#""category_id": 18.0"#)
        .replace(r#""width": 200"#, r#""width": 200.0"#);
    assert_eq!(read(&floats), read(COCO));
    let mark = format!("\u{feff}{COCO}");
    assert_eq!(read(&mark), read(COCO));
}

#[test]
fn yolo_may_list_folders_and_files_of_paths() {
    let names = |val: &str| format!("names: [person, dog]\nval: {val}\n");
    let whole = tempfile::tempdir().unwrap();
    let elsewhere = whole.path().join("c.jpg");
    fs::write(&elsewhere, "").unwrap();
    // Beside each other, of images without labels, by a whole path, and of Windows.
    let list = format!("\u{feff}./images/a.jpg\r\n{}\r\n\r\nimages/b.jpg\r\n", elsewhere.display());
    let mark = "\u{feff}1.0 0.3 0.3 0.4 0.4\r\n";
    for (val, expected) in [
        ("val.txt", 3),
        ("[val.txt]", 3),
        ("[images, more/images]", 3),
        ("[more/images, val.txt]", 4),
        ("\n  - images\n", 2),
    ] {
        let yaml = names(val);
        let folder = folder(&[
            ("images/a.jpg", ""),
            ("images/b.jpg", ""),
            ("images/note.md", ""),
            ("more/images/d.jpg", ""),
            ("labels/a.txt", mark),
            ("val.txt", &list),
            ("data.yaml", &yaml),
        ]);
        let truth = GroundTruth::read(&folder.path().join("data.yaml"), None, None)
            .unwrap_or_else(|error| panic!("{val}: {}", error_chain(&error)));
        let paths: Vec<PathBuf> = truth.paths().collect();
        assert_eq!(paths.len(), expected, "{val}: {paths:?}");
        assert!(paths.iter().all(|path| path.is_file()), "{paths:?}");
        for path in &paths {
            let found = truth.objects(path, SIZE).unwrap();
            let is_labelled = path.ends_with("images/a.jpg");
            assert_eq!(found.len(), usize::from(is_labelled), "{val}: {path:?}");
        }
    }
    for (list, words) in [
        ("images/a.jpg\nimages/a.png\n", ["val.txt, line 2", "convert"]),
        ("images/gone.jpg\n", ["val.txt, line 1", "no such image"]),
        ("images/b.jpg\n", ["data.yaml, `val`", "no image there has labels"]),
        ("images/a.jpg\nimages/a.jpg\n", ["a.jpg", "twice"]),
    ] {
        let yaml = names("val.txt");
        let folder = folder(&[
            ("images/a.jpg", ""),
            ("images/b.jpg", ""),
            ("labels/a.txt", YOLO),
            ("val.txt", list),
            ("data.yaml", &yaml),
        ]);
        let read = GroundTruth::read(&folder.path().join("data.yaml"), None, None);
        let found = error_chain(&read.map(drop).unwrap_err());
        assert!(words.iter().all(|word| found.contains(word)), "{words:?}: {found}");
    }
}

#[test]
fn classes_of_labels_alone_are_named_with_their_number() {
    let two = COCO.replace(
        r#""annotations": ["#,
        r#""annotations": [{"image_id": 9, "category_id": 1, "bbox": [0, 0, 9, 9]}, "#,
    );
    let folder = folder(&[("l.json", &two)]);
    let truth =
        GroundTruth::read(&folder.path().join("l.json"), Some(folder.path()), None).unwrap();
    let unknown = |known: &[&str]| {
        let known: Vec<String> = known.iter().map(|known| (*known).to_owned()).collect();
        truth.unknown_classes(&known).map_err(|error| error.to_string())
    };
    assert_eq!(unknown(&["dog", "cat", "person"]), Ok(Vec::new()));
    let person = UnknownClass { label: "person".to_owned(), labels: 1 };
    assert_eq!(unknown(&["dog", "cat"]), Ok(vec![person]));
    let none = unknown(&["cat", "owl"]).unwrap_err();
    assert!(none.contains("dog, person") && none.contains("cat, owl"), "{none}");
}

#[test]
fn images_of_another_size_than_their_labels_were_made_for_are_refused() {
    for (name, text) in [("l.json", COCO), ("Annotations/a.xml", VOC)] {
        let folder = folder(&[(name, text)]);
        let path =
            if name.ends_with(".json") { folder.path().join(name) } else { folder.path().into() };
        let truth = GroundTruth::read(&path, Some(folder.path()), None).unwrap();
        let image = folder.path().join("a.jpg");
        assert_eq!(truth.objects(&image, SIZE).unwrap().len(), 1);
        let other = truth.objects(&image, Size { width: 100, height: 200 }).unwrap_err();
        assert!(other.to_string().contains("100x200 pixels, and its labels are for 200x100"));
        let unknown = truth.objects(&folder.path().join("c.jpg"), SIZE).unwrap();
        assert!(unknown.is_empty(), "nothing is known of it");
    }
}

#[test]
fn coco_images_are_run_in_the_order_of_their_numbers() {
    let folder = folder(&[("l.json", COCO)]);
    let path = folder.path().join("l.json");
    let truth = GroundTruth::read(&path, Some(Path::new("photos")), None).unwrap();
    let names: Vec<_> = truth.paths().collect();
    assert_eq!(names, [Path::new("photos/a.jpg"), Path::new("photos/b.jpg")]);
}

#[test]
fn a_named_format_is_read_and_no_other() {
    let folder = folder(&[("l.json", COCO), ("Annotations/a.xml", VOC), ("labels/a.txt", YOLO)]);
    let read = |path: &str, format| {
        GroundTruth::read(&folder.path().join(path), Some(folder.path()), format).map(drop)
    };
    assert!(read("l.json", Some(GroundTruthFormat::Framegate)).is_err());
    assert!(read("l.json", Some(GroundTruthFormat::Coco)).is_ok());
    let ambiguous = error_chain(&read("", None).unwrap_err());
    assert!(ambiguous.contains("--ground-truth-format yolo or voc"), "{ambiguous}");
    assert!(read("", Some(GroundTruthFormat::Voc)).is_ok());
    let without_images = GroundTruth::read(&folder.path().join("l.json"), None, None);
    assert!(error_chain(&without_images.unwrap_err()).contains("--images DIR"));
}

#[test]
fn what_is_wrong_in_coco_is_named_by_its_item() {
    let with = |from: &str, to: &str| {
        assert!(COCO.contains(from), "{from}");
        COCO.replace(from, to)
    };
    for (text, words) in [
        (with(r#""category_id": 18"#, r#""category_id": 3"#), ["annotations[0]", "no category 3"]),
        (with(r#""image_id": 4"#, r#""image_id": 5"#), ["annotations[0]", "no image 5"]),
        (with("[20, 10, 80, 40]", "[20, 10, 80, -1]"), ["annotations[0]", "80x-1 pixels"]),
        (with("[20, 10, 80, 40]", "[20, 10, 80]"), ["`annotations[0].bbox`", "length 3"]),
        (with("[20, 10, 80, 40]", r#"[20, 10, 80, "x"]"#), ["`annotations[0].bbox[3]`", "f64"]),
        (with(r#""image_id": 4, "#, ""), ["`annotations[0]`", "image_id"]),
        (
            with(r#""image_id": 4"#, r#""image_id": 4.5"#),
            ["`annotations[0].image_id`", "not a whole number"],
        ),
        (with(r#""area": 1500"#, r#""iscrowd": "no""#), ["`annotations[0].iscrowd`", "Crowd"]),
        (with(r#""area": 1500"#, r#""iscrowd": 2"#), ["annotations[0]", "write 0 or 1"]),
        (with(r#""width": 200"#, r#""width": -200"#), ["image 4", "below 0; write pixels"]),
        (with(r#""id": 9"#, r#""id": 4"#), ["image 4", "same number"]),
        (with("b.jpg", "a.jpg"), ["image `a.jpg`", "twice"]),
        (with(r#""id": 1, "name""#, r#""id": 18, "name""#), ["category 18", "same number"]),
        (with("person", "dog"), ["category 18", "also named `dog`"]),
        (with(r#""images": ["#, r#""photos": ["#), ["missing field", "images"]),
    ] {
        assert_refused(&[("l.json", &text)], "l.json", &[&["l.json"], &words[..]].concat());
    }
}

#[test]
fn what_is_wrong_in_yolo_is_named_by_file_and_line() {
    for (labels, words) in [
        ("1 0.3 0.3 0.4 0.4\n1 0.3 0.3 0.4", ["line 2", "3 numbers"]),
        ("2 0.3 0.3 0.4 0.4", ["line 1", "no class 2"]),
        ("dog 0.3 0.3 0.4 0.4", ["line 1", "`dog` is not a class number"]),
        ("1 60 30 80 40", ["line 1", "`60` is not from 0 to 1"]),
        ("1 nan 0.3 0.4 0.4", ["line 1", "`nan`"]),
        ("\n1 0.3 0.3 0.1", ["line 2", "3 numbers"]),
    ] {
        let files = [("images/a.jpg", ""), ("labels/a.txt", labels), ("data.yaml", NAMES)];
        let folder = folder(&files);
        let read = GroundTruth::read(folder.path(), None, None).map(drop);
        let found = error_chain(&read.unwrap_err());
        for word in words.iter().chain(&["a.txt"]) {
            assert!(found.contains(word), "`{word}` is not in: {found}");
        }
    }
    let labels = ("labels/a.txt", YOLO);
    for (files, path, words) in [
        (vec![labels], "", ["classes.txt", "one per line"]),
        (vec![labels, ("images/a.png", ""), ("classes.txt", "a\nb")], "", ["a.txt", "JPEG"]),
        (vec![labels, ("data.yaml", "names: [a\nb: [")], "", ["data.yaml, line", "YAML"]),
        (vec![labels, ("data.yaml", "nc: 2")], "", ["data.yaml, `names`", "there is none"]),
        (vec![labels, ("data.yaml", "names: {0: a, 2: b}")], "", ["`names`", "from 0"]),
        (vec![labels, ("data.yaml", "names: [a, [b]]")], "", ["`names`", "name 1"]),
        (
            vec![labels, ("data.yaml", "names: [a, b]\nval: [c, 4]")],
            "data.yaml",
            ["`val`", "write a folder, a text file of paths"],
        ),
        (
            vec![("labels/val/a.txt", YOLO), ("classes.txt", "a\nb")],
            "",
            ["they are in folders", "val"],
        ),
    ] {
        assert_refused(&files, path, &words);
    }
}

#[test]
fn what_is_wrong_in_voc_is_named_by_file_and_line() {
    let with = |from: &str, to: &str| {
        assert!(VOC.contains(from), "{from}");
        VOC.replace(from, to)
    };
    for (text, words) in [
        (with("<ymin>11</ymin>", ""), ["line 4", "<bndbox> has no <ymin>"]),
        (with("<ymin>11</ymin>", "<ymin>x</ymin>"), ["line 4", "<ymin> is `x`"]),
        (with("<ymin>11</ymin>", "<ymin>51</ymin>"), ["line 4", "smaller numbers first"]),
        (with("<name>dog</name>", ""), ["line 3", "<object> has no <name>"]),
        (
            with("<name>dog</name>", "<name>dog</name><difficult>2</difficult>"),
            ["line 3", "0 or 1"],
        ),
        (with("<filename>a.jpg</filename>", ""), ["line 1", "no <filename>"]),
        (with("</annotation>", ""), ["line", "not XML"]),
    ] {
        assert_refused(&[("Annotations/a.xml", &text)], "", &[&["a.xml"], &words[..]].concat());
    }
    // Entities that grow are not XML here.
    let bomb = format!("<!DOCTYPE a [<!ENTITY x \"y\">]>{VOC}");
    assert_refused(&[("Annotations/a.xml", &bomb)], "", &["a.xml", "not XML"]);
}

#[test]
fn files_that_are_not_labels_are_not_guessed() {
    assert_refused(&[("notes.md", "")], "", &["no labels that are recognised", "--format"]);
    assert_refused(&[("notes.md", "")], "notes.md", &["no labels that are recognised"]);
    assert_refused(&[("Annotations/notes.md", "")], "", &["*.xml", "no such file"]);
    assert_refused(&[], "gone.json", &["gone.json cannot be read"]);
}
