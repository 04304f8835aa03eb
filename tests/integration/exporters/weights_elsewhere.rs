//! Weights in another file beside the model.

use std::fs;
use std::path::Path;

use framegate_models::onnx::{InputValues, OnnxError, OnnxFile};
use framegate_onnx_proto::{StringStringEntryProto, TensorProto};

use super::{IMAGE, assert_refused, floats, outputs, read};
use crate::onnx_model::{FLOAT, OnnxModel, OnnxNode};

/// A model that adds weights which are in another file.
fn with_weights_elsewhere(entries: &[(&str, &str)]) -> OnnxModel {
    let entries = entries
        .iter()
        .map(|(key, value)| StringStringEntryProto {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    OnnxModel::new(18, "x", IMAGE).node(OnnxNode::new("Add", &["x", "w"], &["y"])).output("y").edit(
        |model| {
            model.graph.as_mut().unwrap().initializer.push(TensorProto {
                name: "w".to_owned(),
                dims: vec![1, 1],
                data_type: FLOAT,
                external_data: entries,
                ..Default::default()
            });
        },
    )
}

fn read_at(path: &Path, model: &OnnxModel) -> Result<OnnxFile, OnnxError> {
    OnnxFile::parse_at(&model.bytes(), Some(path), InputValues::new())
}

#[test]
fn weights_beside_the_file_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let bytes: Vec<u8> = [7.0_f32, 5.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(folder.path().join("m.onnx.data"), &bytes).unwrap();
    let entries = [("location", "m.onnx.data"), ("offset", "4"), ("length", "4")];
    let file = read_at(&path, &with_weights_elsewhere(&entries)).unwrap_err();
    // The model itself must be there too: its folder is where links may lead.
    assert!(file.to_string().contains("m.onnx.data"), "{file}");
    fs::write(&path, b"a model").unwrap();
    let file = read_at(&path, &with_weights_elsewhere(&entries)).unwrap();
    assert_eq!(floats(&outputs(&file.graph(4, 4).unwrap())[0])[..2], [5.0, 6.0]);
}

#[test]
fn weights_elsewhere_are_refused_in_words_that_help() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let path = inside.join("m.onnx");
    fs::write(&path, b"a model").unwrap();
    fs::write(inside.join("data"), [0; 8]).unwrap();
    fs::write(folder.path().join("secret"), [0; 8]).unwrap();
    let absolute = folder.path().join("secret").display().to_string();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("location", "missing")], "it is not there"),
        (&[("location", "../secret")], "only files in the model's own folder"),
        (&[("location", &absolute)], "only files in the model's own folder"),
        (&[("location", "")], "only files in the model's own folder"),
        (&[("location", ".")], "not a regular file"),
        (&[("location", "data"), ("offset", "5")], "reach beyond its 8 bytes"),
        (&[("location", "data"), ("offset", "18446744073709551615")], "reach beyond"),
        (&[("location", "data"), ("offset", "-1")], "`offset` is `-1`"),
        (&[("location", "data"), ("length", "8")], "declares 8 bytes where its shape has 4"),
    ];
    for (entries, words) in cases {
        assert_refused(read_at(&path, &with_weights_elsewhere(entries)), &["`w`", words]);
    }
    let model = with_weights_elsewhere(&[("location", "data")]);
    assert_refused(read(&model), &["in memory"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../secret", inside.join("link")).unwrap();
        let link = with_weights_elsewhere(&[("location", "link")]);
        assert_refused(read_at(&path, &link), &["outside the model's own folder"]);
        std::os::unix::fs::symlink("/dev/zero", inside.join("zero")).unwrap();
        let device = with_weights_elsewhere(&[("location", "zero")]);
        assert_refused(read_at(&path, &device), &["outside the model's own folder"]);
    }
}

#[cfg(unix)]
#[test]
fn a_cache_of_links_counts_as_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, snapshot) = (folder.path().join("blobs"), folder.path().join("snapshot"));
    fs::create_dir(&blobs).unwrap();
    fs::create_dir(&snapshot).unwrap();
    fs::write(blobs.join("1"), b"a model").unwrap();
    fs::write(blobs.join("2"), 5.0_f32.to_le_bytes()).unwrap();
    std::os::unix::fs::symlink("../blobs/1", snapshot.join("m.onnx")).unwrap();
    std::os::unix::fs::symlink("../blobs/2", snapshot.join("m.data")).unwrap();
    let model = with_weights_elsewhere(&[("location", "m.data")]);
    assert!(read_at(&snapshot.join("m.onnx"), &model).is_ok());
}
