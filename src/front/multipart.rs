//! The parts of a form: a body of the type `multipart/form-data` (RFC 7578), whole and in memory. What a client can
//! make of one is bounded: how many parts are looked at, and how long the head of each may be.

use axum::body::Bytes;
use memchr::memmem;
use tokio::task::spawn_blocking;

/// Most parts of a form, with those that have no head.
const MOST_PARTS: usize = 100;
/// Longest head of a part, in bytes.
const LONGEST_HEAD: usize = 8 << 10;
/// Longest form that is taken apart where it was read, in bytes: that takes microseconds.
const SHORT: usize = 64 << 10;

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
#[derive(Debug)]
pub(super) struct Part {
    /// The name of its field; empty if it has none.
    pub(super) name: String,
    /// Whether it is a file: it has a file name, or the type of an image, of a video or of just bytes.
    pub(super) is_file: bool,
    pub(super) content: Bytes,
}

/// Why a form cannot be taken apart. Says so to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    #[error("The form has more than {MOST_PARTS} parts")]
    TooManyParts,
    #[error("A part of the form has a head of more than {LONGEST_HEAD} bytes")]
    HeadTooLong,
    #[error("The form cannot be taken apart")]
    Lost,
}

/// The parts of a form, in order, without those that have no head.
pub(super) async fn parts(form: Bytes, boundary: &str) -> Result<Vec<Part>, FormError> {
    search(form, boundary, take_apart).await?
}

/// Searches a form, a long one beside the threads that serve sockets.
async fn search<T: Send + 'static>(
    form: Bytes,
    boundary: &str,
    work: fn(&Bytes, &str) -> T,
) -> Result<T, FormError> {
    if form.len() <= SHORT {
        return Ok(work(&form, boundary));
    }
    let boundary = boundary.to_owned();
    spawn_blocking(move || work(&form, &boundary)).await.map_err(|_| FormError::Lost)
}

/// The file of a form: the first, whatever its field is called. One without content, as browsers send it for a field
/// that was left empty, counts only where there is no other.
pub(super) async fn first_file(form: Bytes, boundary: &str) -> Result<Option<Bytes>, FormError> {
    let files = parts(form, boundary).await?.into_iter().filter(|part| part.is_file);
    let mut contents: Vec<Bytes> = files.map(|part| part.content).collect();
    let chosen = contents.iter().position(|content| !content.is_empty()).unwrap_or(0);
    Ok((!contents.is_empty()).then(|| contents.swap_remove(chosen)))
}

/// Reads a form once from its beginning to its end, whatever it holds.
fn take_apart(form: &Bytes, boundary: &str) -> Result<Vec<Part>, FormError> {
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = memmem::Finder::new(&delimiter);
    let length = delimiter.needle().len();
    let next = |from: usize| delimiter.find(&form[from..]).map(|at| from + at);
    // The first delimiter need not begin with a line end.
    let first = match form.starts_with(&delimiter.needle()[2..]) {
        true => Some(length - 2),
        false => next(0).map(|at| at + length),
    };
    let mut parts = Vec::new();
    let Some(mut start) = first else { return Ok(parts) };
    for _ in 0..MOST_PARTS {
        let Some(end) = next(start) else { return Ok(parts) };
        let head = &form[start..end.min(start + LONGEST_HEAD)];
        match memmem::find(head, b"\r\n\r\n") {
            Some(head) => {
                let content = form.slice(start + head + 4..end);
                parts.push(part(&form[start..start + head], content));
            }
            None if end - start > LONGEST_HEAD => return Err(FormError::HeadTooLong),
            None => {}
        }
        start = end + length;
    }
    if next(start).is_some() { Err(FormError::TooManyParts) } else { Ok(parts) }
}

/// The first file of a form, or else its first part that begins like a JPEG.
pub(super) async fn first_jpeg(form: Bytes, boundary: &str) -> Result<Option<Bytes>, FormError> {
    match first_file(form.clone(), boundary).await? {
        Some(file) => Ok(Some(file)),
        None => search(form, boundary, bare_jpeg).await,
    }
}

/// The first part of a form that begins like a JPEG. Small devices write forms without file names, with line ends of one
/// byte, or without the last boundary; where a JPEG ends, it says itself.
fn bare_jpeg(form: &Bytes, boundary: &str) -> Option<Bytes> {
    let delimiter = format!("--{boundary}");
    let begin = memmem::find(form, delimiter.as_bytes())? + delimiter.len();
    let heads = [&b"\n\r\n\xFF\xD8"[..], b"\n\n\xFF\xD8"];
    let after = |head: &[u8]| Some(memmem::find(&form[begin..], head)? + head.len() - 2);
    let begin = begin + heads.into_iter().filter_map(after).min()?;
    let end = memmem::find(&form[begin..], format!("\n{delimiter}").as_bytes());
    Some(form.slice(begin..end.map_or(form.len(), |end| begin + end)))
}

/// A part with this head.
fn part(head: &[u8], content: Bytes) -> Part {
    let head = String::from_utf8_lossy(head);
    let header = |wanted: &str| {
        let headers = head.lines().filter_map(|line| line.split_once(':'));
        let mut found = headers.filter(|(name, _)| name.trim_end().eq_ignore_ascii_case(wanted));
        found.next().map_or("", |(_, value)| value)
    };
    let declared = header("content-type").trim_start().to_ascii_lowercase();
    let mut is_file =
        ["image/", "video/", "application/octet-stream"].iter().any(|t| declared.starts_with(t));
    let mut name = String::new();
    for parameter in header("content-disposition").split(';').skip(1) {
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
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    const FORM: &str = "multipart/form-data; boundary=\"xyz\"";

    fn parts_of(form: &str) -> Result<Vec<Part>, FormError> {
        take_apart(&Bytes::copy_from_slice(form.as_bytes()), "xyz")
    }

    async fn file(form: &str) -> Option<String> {
        let form = Bytes::copy_from_slice(form.as_bytes());
        let found = first_file(form, &boundary(FORM).unwrap()).await.unwrap();
        found.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_first_file_is_taken_whatever_its_name() {
        let form = "--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n\
            --xyz\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\
            Content-Type: image/jpeg\r\n\r\n\r\n--xy: the bytes\r\n\r\n--xyz--\r\n";
        assert_eq!(file(form).await.as_deref(), Some("\r\n--xy: the bytes\r\n"));
        let with_preamble = format!("preamble\r\n{form}");
        assert_eq!(file(&with_preamble).await, file(form).await);
        let long = form.replace("hello", &"hello".repeat(SHORT));
        assert_eq!(file(&long).await, file(form).await);
    }

    #[tokio::test]
    async fn a_file_is_known_by_its_type_too_and_one_without_content_gives_way() {
        let typed = |declared: &str, content: &str| {
            format!(
                "--xyz\r\nContent-Disposition: form-data; name=a\r\nContent-Type: {declared}\r\n\r\n{content}\r\n"
            )
        };
        let empty = "--xyz\r\nContent-Disposition: form-data; name=b; filename=\"\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n\r\n";
        for (form, expected) in [
            (typed("image/jpeg", "jpeg"), Some("jpeg")),
            (typed("Video/MP4", "mp4"), Some("mp4")),
            (typed("application/octet-stream", "bytes"), Some("bytes")),
            (typed("text/plain", "a note"), None),
            (typed("application/json", "{}"), None),
            (empty.to_owned() + &typed("image/jpeg", "jpeg"), Some("jpeg")),
            (empty.to_owned(), Some("")),
        ] {
            assert_eq!(file(&(form.clone() + "--xyz--\r\n")).await.as_deref(), expected, "{form}");
        }
    }

    #[test]
    fn a_form_has_a_bounded_number_of_parts_and_each_a_short_head() {
        let form = |parts: usize| "--xyz".to_owned() + &"\r\n\r\n\r\n--xyz".repeat(parts);
        assert_eq!(parts_of(&form(MOST_PARTS)).unwrap().len(), MOST_PARTS);
        assert_eq!(parts_of(&form(MOST_PARTS + 1)).unwrap_err(), FormError::TooManyParts);
        let headless = "--xyz".to_owned() + &"\r\n--xyz".repeat(MOST_PARTS + 1);
        assert_eq!(parts_of(&headless).unwrap_err(), FormError::TooManyParts);
        let head = |length: usize| format!("--xyz{}\r\n\r\nx\r\n--xyz--", "h".repeat(length));
        assert_eq!(parts_of(&head(LONGEST_HEAD - 4)).unwrap().len(), 1);
        assert_eq!(parts_of(&head(LONGEST_HEAD)).unwrap_err(), FormError::HeadTooLong);
    }

    #[tokio::test]
    async fn long_forms_are_taken_apart_beside_the_threads_that_serve_sockets() {
        for (bytes, at_once) in [(SHORT, true), (SHORT + 1, false)] {
            let mut taking_apart = pin!(parts(vec![b'-'; bytes].into(), "xyz"));
            let polled = taking_apart.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled.is_ready(), at_once, "{bytes}");
        }
    }

    #[test]
    fn parts_have_the_names_of_their_fields() {
        let form = "--xyz\r\nContent-Disposition: form-data; Name=\"a\"\r\n\r\n0.4\r\n--xyz\r\n\r\nbare\r\n\
            --xyz\r\nContent-Type: image/jpeg\r\ncontent-disposition: form-data; filename=b; name=image\r\n\r\n\
            jpeg\r\n--xyz--\r\n";
        let found: Vec<_> = parts_of(form)
            .unwrap()
            .into_iter()
            .map(|part| {
                (part.name, part.is_file, String::from_utf8(part.content.to_vec()).unwrap())
            })
            .collect();
        let expected = [("a", false, "0.4"), ("", false, "bare"), ("image", true, "jpeg")];
        assert_eq!(found, expected.map(|(a, b, c)| (a.to_owned(), b, c.to_owned())));
    }

    #[tokio::test]
    async fn broken_forms_hold_no_file() {
        let whole = "--xyz\r\nContent-Disposition: form-data; filename=a\r\n\r\nbytes\r\n--xyz--";
        assert_eq!(file(whole).await.as_deref(), Some("bytes"));
        for cut in 0..whole.len() - 2 {
            let found = file(&whole[..cut]).await;
            assert!(found.is_none() || found.as_deref() == Some("bytes"), "{cut}: {found:?}");
        }
        for broken in
            ["", "--xyz", "--xyz--", "--xyz\r\n\r\n--xyz\r\n--xyz", "--abc\r\n\r\nx\r\n--abc--"]
        {
            assert_eq!(file(broken).await, None, "{broken}");
        }
        let field =
            "--xyz\r\nContent-Disposition: form-data; name=filename\r\n\r\nbytes\r\n--xyz--";
        assert_eq!(file(field).await, None);
    }

    #[tokio::test]
    async fn a_jpeg_is_found_in_forms_that_are_not_quite_right() {
        let head = "Content-Disposition: form-data; name=\"a\"";
        for line in ["\r\n", "\n"] {
            for end in [format!("{line}--xyz--{line}"), line.to_owned(), String::new()] {
                for name in ["", "; filename=\"a.jpg\""] {
                    let begin = format!("{line}--xyz{line}{head}{name}{line}{line}");
                    let jpeg = b"\xFF\xD8\n\r\n\xFF\xD9";
                    let note = format!("--xyz{line}{head}{line}{line}0.4");
                    let form = [note.as_bytes(), begin.as_bytes(), jpeg, end.as_bytes()].concat();
                    let found = first_jpeg(form.into(), "xyz").await.unwrap().unwrap();
                    assert_eq!(found.trim_ascii_end(), jpeg, "{begin:?} {end:?}");
                }
            }
        }
        for other in [&b"--xyz\r\n\r\nbytes\r\n--xyz--"[..], b"\n\n\xFF\xD8"] {
            assert_eq!(first_jpeg(Bytes::from_static(other), "xyz").await, Ok(None));
        }
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
