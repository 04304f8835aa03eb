//! The parts of a form: a body of the type `multipart/form-data` (RFC 7578), whole and in memory.

use axum::body::Bytes;
use memchr::memmem;

/// The boundary that a `Content-Type` declares, if it is that of a form.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let value = value.trim().trim_matches('"');
    // RFC 2046, 5.1.1.
    (1..=70).contains(&value.len()).then(|| value.to_owned())
}

/// A part of a form.
pub(super) struct Part {
    /// The name of its field; empty if it has none.
    pub(super) name: String,
    /// Whether it has a file name.
    pub(super) is_file: bool,
    pub(super) content: Bytes,
}

/// The parts of a form, in order, without those that have no head.
pub(super) fn parts(form: &Bytes, boundary: &str) -> impl Iterator<Item = Part> {
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter need not begin with a line end.
    let mut rest = match form.strip_prefix(&delimiter.as_bytes()[2..]) {
        Some(_) => Some(delimiter.len() - 2),
        None => memmem::find(form, delimiter.as_bytes()).map(|at| at + delimiter.len()),
    };
    let next = move || -> Option<Option<Part>> {
        let start = rest?;
        let end = start + memmem::find(&form[start..], delimiter.as_bytes())?;
        rest = Some(end + delimiter.len());
        let head = memmem::find(&form[start..end], b"\r\n\r\n");
        Some(head.map(|head| part(&form[start..start + head], form.slice(start + head + 4..end))))
    };
    std::iter::from_fn(next).flatten()
}

/// The first part of a form that is a file: one with a file name, whatever the field is called.
pub(super) fn first_file(form: &Bytes, boundary: &str) -> Option<Bytes> {
    parts(form, boundary).find(|part| part.is_file).map(|part| part.content)
}

/// The first file of a form, or else its first part that begins like a JPEG. Small devices write forms without file
/// names, with line ends of one byte, or without the last boundary; where a JPEG ends, it says itself.
pub(super) fn first_jpeg(form: &Bytes, boundary: &str) -> Option<Bytes> {
    first_file(form, boundary).or_else(|| {
        let delimiter = format!("--{boundary}");
        let begin = memmem::find(form, delimiter.as_bytes())? + delimiter.len();
        let heads = [&b"\n\r\n\xFF\xD8"[..], b"\n\n\xFF\xD8"];
        let after = |head: &[u8]| Some(memmem::find(&form[begin..], head)? + head.len() - 2);
        let begin = begin + heads.into_iter().filter_map(after).min()?;
        let end = memmem::find(&form[begin..], format!("\n{delimiter}").as_bytes());
        Some(form.slice(begin..end.map_or(form.len(), |end| begin + end)))
    })
}

/// A part with this head.
fn part(head: &[u8], content: Bytes) -> Part {
    let head = String::from_utf8_lossy(head);
    let is_disposition = |line: &&str| {
        let key = line.split(':').next().unwrap_or_default();
        key.eq_ignore_ascii_case("content-disposition")
    };
    let disposition = head.lines().find(is_disposition).unwrap_or_default();
    let (mut name, mut is_file) = (String::new(), false);
    for parameter in disposition.split(';').skip(1) {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match key.trim().to_ascii_lowercase().as_str() {
            "name" => name = value.trim().trim_matches('"').to_owned(),
            "filename" | "filename*" => is_file = true,
            _ => {}
        }
    }
    Part { name, is_file, content }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "multipart/form-data; boundary=\"xyz\"";

    fn file(form: &str) -> Option<String> {
        let found = first_file(&Bytes::copy_from_slice(form.as_bytes()), &boundary(FORM).unwrap());
        found.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn the_first_file_is_taken_whatever_its_name() {
        let form = "--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n\
            --xyz\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\
            Content-Type: image/jpeg\r\n\r\n\r\n--xy: the bytes\r\n\r\n--xyz--\r\n";
        assert_eq!(file(form).as_deref(), Some("\r\n--xy: the bytes\r\n"));
        let with_preamble = format!("preamble\r\n{form}");
        assert_eq!(file(&with_preamble), file(form));
    }

    #[test]
    fn parts_have_the_names_of_their_fields() {
        let form = "--xyz\r\nContent-Disposition: form-data; Name=\"a\"\r\n\r\n0.4\r\n--xyz\r\n\r\nbare\r\n\
            --xyz\r\nContent-Type: image/jpeg\r\ncontent-disposition: form-data; filename=b; name=image\r\n\r\n\
            jpeg\r\n--xyz--\r\n";
        let form = Bytes::copy_from_slice(form.as_bytes());
        let found: Vec<_> = parts(&form, "xyz")
            .map(|part| {
                (part.name, part.is_file, String::from_utf8(part.content.to_vec()).unwrap())
            })
            .collect();
        let expected = [("a", false, "0.4"), ("", false, "bare"), ("image", true, "jpeg")];
        assert_eq!(found, expected.map(|(a, b, c)| (a.to_owned(), b, c.to_owned())));
    }

    #[test]
    fn broken_forms_hold_no_file() {
        let whole = "--xyz\r\nContent-Disposition: form-data; filename=a\r\n\r\nbytes\r\n--xyz--";
        assert_eq!(file(whole).as_deref(), Some("bytes"));
        for cut in 0..whole.len() - 2 {
            let found = file(&whole[..cut]);
            assert!(found.is_none() || found.as_deref() == Some("bytes"), "{cut}: {found:?}");
        }
        for broken in
            ["", "--xyz", "--xyz--", "--xyz\r\n\r\n--xyz\r\n--xyz", "--abc\r\n\r\nx\r\n--abc--"]
        {
            assert_eq!(file(broken), None, "{broken}");
        }
        let field =
            "--xyz\r\nContent-Disposition: form-data; name=filename\r\n\r\nbytes\r\n--xyz--";
        assert_eq!(file(field), None);
    }

    #[test]
    fn a_jpeg_is_found_in_forms_that_are_not_quite_right() {
        let head = "Content-Disposition: form-data; name=\"a\"";
        for line in ["\r\n", "\n"] {
            for end in [format!("{line}--xyz--{line}"), line.to_owned(), String::new()] {
                for name in ["", "; filename=\"a.jpg\""] {
                    let begin = format!("{line}--xyz{line}{head}{name}{line}{line}");
                    let jpeg = b"\xFF\xD8\n\r\n\xFF\xD9";
                    let note = format!("--xyz{line}{head}{line}{line}0.4");
                    let form = [note.as_bytes(), begin.as_bytes(), jpeg, end.as_bytes()].concat();
                    let found = first_jpeg(&Bytes::from(form), "xyz").unwrap();
                    assert_eq!(found.trim_ascii_end(), jpeg, "{begin:?} {end:?}");
                }
            }
        }
        assert_eq!(first_jpeg(&Bytes::from_static(b"--xyz\r\n\r\nbytes\r\n--xyz--"), "xyz"), None);
        assert_eq!(first_jpeg(&Bytes::from_static(b"\n\n\xFF\xD8"), "xyz"), None);
    }

    #[test]
    fn the_boundary_is_read_from_the_type() {
        for (declared, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=abc", None),
            ("image/jpeg", None),
        ] {
            assert_eq!(boundary(declared).as_deref(), expected, "{declared}");
        }
    }
}
