//! Files that are taken for ONNX models and are something else: downloads that failed, and other formats of models.

/// The kind of a file that is no ONNX model, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OtherFormat {
    pub(super) is: String,
    pub(super) advice: &'static str,
}

/// Bytes at a place near the start of a file, what they mean, and what to do.
type Signature = (usize, &'static [u8], &'static str, &'static str);

const EXPORT: &str =
    "export the model to ONNX, for example with `torch.onnx.export` or `yolo export format=onnx`";
const UNPACK: &str = "unpack it first";
const ORIGINAL: &str = "use the ONNX file that it was made from";

const SIGNATURES: &[Signature] = &[
    (
        0,
        b"version https://git-lfs.",
        "the pointer that Git keeps in place of a large file",
        "fetch the file itself with `git lfs pull`",
    ),
    (0, b"PK\x03\x04", "a zip archive, as PyTorch's .pt and .pth files are", EXPORT),
    (0, b"\x80\x02", "a pickled Python object, as PyTorch's old .pt files are", EXPORT),
    (0, b"\x1f\x8b", "compressed with gzip", UNPACK),
    (0, b"BZh", "compressed with bzip2", UNPACK),
    (0, b"\xfd7zXZ\0", "compressed with xz", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (4, b"ORTM", "in ONNX Runtime's own format (.ort)", ORIGINAL),
    (
        4,
        b"TFL3",
        "a TensorFlow Lite model",
        "turn it into ONNX with `python -m tf2onnx.convert --tflite`",
    ),
    (0, b"ftrt", "a TensorRT engine, which runs only where it was built", ORIGINAL),
    (
        0,
        b"\x89HDF\r\n",
        "an HDF5 file, as Keras writes its models",
        "turn it into ONNX with tf2onnx",
    ),
    (0, b"RKNN", "a model for Rockchip's processors", ORIGINAL),
    (0, b"\xff\xd8\xff", "a JPEG image", "name the model's file"),
    (0, b"\x89PNG", "a PNG image", "name the model's file"),
];

/// Bytes of a file that are looked at where it is a text.
const BEGINNING: usize = 2048;
/// Characters of a text that a message shows.
const SHOWN: usize = 40;

impl OtherFormat {
    /// The kind of a file that cannot be read as an ONNX model, if it is a known one.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let signature = SIGNATURES
            .iter()
            .find(|(at, magic, ..)| bytes.get(*at..).is_some_and(|bytes| bytes.starts_with(magic)));
        if let Some((_, _, is, advice)) = signature {
            return Some(Self { is: (*is).to_owned(), advice });
        }
        of_text(&bytes[..bytes.len().min(BEGINNING)])
    }
}

fn of_text(bytes: &[u8]) -> Option<OtherFormat> {
    // The end may cut a character in two.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(problem) if problem.error_len().is_none() => {
            std::str::from_utf8(&bytes[..problem.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let begins = |start: &str| lower.starts_with(start);
    let (is, advice) = if begins("<ir_version") {
        (
            "an ONNX model written as text",
            "save it as a binary with `onnx.save(onnx.parser.parse_model(open(NAME).read()), NEW)`",
        )
    } else if begins("ir_version:") || begins("producer_name:") {
        (
            "an ONNX model written as text",
            "save it as a binary with `onnx.save(onnx.load(NAME, format=\"textproto\"), NEW)`",
        )
    } else if begins("{") && (text.contains("\"irVersion\"") || text.contains("\"opsetImport\"")) {
        (
            "an ONNX model written as JSON",
            "save it as a binary with `onnx.save(onnx.load(NAME, format=\"json\"), NEW)`",
        )
    } else if lower.contains("<net ") {
        ("a model of OpenVINO", ORIGINAL)
    } else if begins("<!doctype html") || begins("<html") {
        (
            "a web page",
            "its address leads to a page about the file or to an error; download the file itself",
        )
    } else {
        let line = text.lines().next().unwrap_or_default();
        let cut: String = line.chars().take(SHOWN).collect();
        let rest = if cut.len() < text.len() { "…" } else { "" };
        return Some(OtherFormat {
            is: format!("a text (`{cut}{rest}`)"),
            advice: "a download may have ended in an error message; download the file again",
        });
    };
    Some(OtherFormat { is: is.to_owned(), advice })
}

#[cfg(test)]
mod tests {
    use super::super::{OnnxError, OnnxFile};

    #[test]
    fn other_formats_are_named_with_what_to_do() {
        for (bytes, is, advice) in [
            (
                &b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n"[..],
                "pointer",
                "git lfs pull",
            ),
            (b"<!DOCTYPE html><html></html>", "a web page", "download the file itself"),
            (b"\n<HTML>", "a web page", "download the file itself"),
            (b"Entry not found", "a text (`Entry not found`)", "download the file again"),
            (b"{\"error\":\"no\"}", "a text (`{\"error\":\"no\"}`)", "download the file again"),
            (b"PK\x03\x04aaaaaaaa", "zip archive", "export the model to ONNX"),
            (b"\x1c\0\0\0ORTM\x14\0\x20\0aaaa", ".ort", "made from"),
            (b"\x1c\0\0\0TFL3\x14\0\x20\0aaaa", "TensorFlow Lite", "tf2onnx"),
            (b"<?xml version=\"1.0\"?><net name=\"m\">", "OpenVINO", "made from"),
            (b"ftrt\0\0\0\0aaaa", "TensorRT engine", "made from"),
            (b"\x1f\x8b\x08\x08aaaaaaaa", "gzip", "unpack"),
            (b"ir_version: 8\ngraph {\n}\n", "written as text", "textproto"),
            (
                b"<ir_version: 8, opset_import: [\"\" : 17]>\nagraph",
                "written as text",
                "parse_model",
            ),
            (b"{\"irVersion\":\"8\",\"graph\":{}}", "as JSON", "format=\"json\""),
        ] {
            let problem = OnnxFile::parse(bytes).unwrap_err();
            assert!(matches!(problem, OnnxError::OtherFormat { .. }), "{problem}");
            let message = problem.to_string();
            assert!(message.contains(is) && message.contains(advice), "{message}");
        }
    }

    #[test]
    fn a_file_of_which_the_end_is_missing_is_still_an_onnx_model() {
        let problem = OnnxFile::parse(b"\x08\x08\x12\x07pytorch\x3a\x90\x03").unwrap_err();
        assert!(matches!(problem, OnnxError::Malformed(_)), "{problem}");
    }
}
