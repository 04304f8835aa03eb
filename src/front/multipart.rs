//! The file in a form: a body of the type `multipart/form-data` (RFC 7578), whole and in memory.

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

/// The first part of a form that is a file: one with a file name, whatever the field is called.
pub(super) fn first_file(form: &Bytes, boundary: &str) -> Option<Bytes> {
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter need not begin with a line end.
    let start = match form.strip_prefix(&delimiter.as_bytes()[2..]) {
        Some(_) => delimiter.len() - 2,
        None => memmem::find(form, delimiter.as_bytes())? + delimiter.len(),
    };
    let mut rest = start;
    while let Some(length) = memmem::find(&form[rest..], delimiter.as_bytes()) {
        let part = rest..rest + length;
        if let Some(head) = memmem::find(&form[part.clone()], b"\r\n\r\n")
            && is_file(&form[part.start..part.start + head])
        {
            return Some(form.slice(part.start + head + 4..part.end));
        }
        rest = part.end + delimiter.len();
    }
    None
}

/// Whether the head of a part names a file.
fn is_file(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines().any(|line| {
        line.starts_with("content-disposition:")
            && line.split(';').any(|parameter| {
                let name = parameter.split('=').next().unwrap_or_default().trim();
                ["filename", "filename*"].contains(&name)
            })
    })
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
