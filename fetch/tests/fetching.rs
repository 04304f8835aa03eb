//! Fetching from a server in this process, on a port of its own, that does what each test is about.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use framegate_fetch::{Address, Cache, FetchError, FetchOptions, Progress, fetch};

/// The lines of a request.
type Request = Vec<String>;

/// A server that answers each request by the function; returns its URL and the requests it has had.
fn server(
    answer: impl Fn(&str, Option<usize>, &mut TcpStream) + Send + 'static,
) -> (String, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    std::thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let reader = BufReader::new(stream.try_clone().unwrap());
                let lines =
                    reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                let lines: Request = lines.collect();
                let Some(first) = lines.first().cloned() else { continue };
                let range = lines.iter().find_map(|line| {
                    let line = line.to_lowercase();
                    line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
                });
                seen.lock().unwrap().push(lines);
                let path = first.split(' ').nth(1).unwrap_or_default();
                answer(path, range, &mut stream);
            }
        })
        .unwrap();
    (url, requests)
}

fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n\r\n");
    // The client may have seen enough.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn whole(stream: &mut TcpStream, body: &[u8]) {
    reply(stream, "200 OK", &format!("content-length: {}\r\netag: \"1\"", body.len()), body);
}

fn contents() -> Vec<u8> {
    (0..300_000_u32).map(|number| (number * 7 % 251) as u8).collect()
}

fn options(folder: &Path) -> FetchOptions {
    FetchOptions { cache: Cache { folder: folder.to_owned() }, offline: false, max_bytes: 1 << 20 }
}

fn address(text: &str) -> Address {
    Address::parse(text, "https://hub.invalid").unwrap()
}

#[test]
fn a_file_is_fetched_once_with_its_progress() {
    let (url, requests) = server(|_, _, stream| whole(stream, &contents()));
    let folder = tempfile::tempdir().unwrap();
    let model = address(&format!("{url}/a/m.onnx"));
    let seen = RefCell::new(Vec::new());
    let mut report = |progress: Progress| match progress {
        Progress::Begins { resumed, total, .. } => seen.borrow_mut().push((resumed, total)),
        Progress::Received { bytes } => assert!(bytes <= 300_000),
        Progress::Ends { bytes } => seen.borrow_mut().push((bytes, None)),
    };
    let path = fetch(&model, &options(folder.path()), &mut report).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), contents());
    assert!(path.starts_with(folder.path()) && path.ends_with("a/m.onnx"), "{path:?}");
    assert_eq!(*seen.borrow(), [(0, Some(300_000)), (300_000, None)]);
    // From now on the server is not asked, offline or not.
    for offline in [false, true] {
        let options = FetchOptions { offline, ..options(folder.path()) };
        assert_eq!(fetch(&model, &options, &mut |_| ()).unwrap(), path);
    }
    assert_eq!(requests.lock().unwrap().len(), 1);
    let cached = options(folder.path()).cache.list().unwrap();
    let [file] = &cached[..] else { panic!("one file") };
    assert_eq!((file.bytes, file.address.as_str()), (300_000, &*format!("{url}/a/m.onnx")));
    let cache = options(folder.path()).cache;
    // What belongs to it goes with it.
    let sidecar = model.beside("m.toml").unwrap();
    fetch(&sidecar, &options(folder.path()), &mut |_| ()).unwrap();
    cache.complete(&model, std::slice::from_ref(&sidecar)).unwrap();
    let file = &cache.find(&model).unwrap_or_else(|| file.clone());
    assert_eq!(file.companions, Some(vec![sidecar.place()]));
    cache.remove(file).unwrap();
    assert!(options(folder.path()).cache.list().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no folder is left");
}

#[test]
fn what_was_cut_off_goes_on_where_it_was() {
    let (url, requests) = server(|_, range, stream| {
        let all = contents();
        let begin = range.unwrap_or(0);
        let end = (begin + 110_000).min(all.len());
        let headers = format!(
            "content-length: {}\r\netag: \"1\"\r\ncontent-range: bytes {begin}-{}/{}",
            all.len() - begin,
            all.len() - 1,
            all.len()
        );
        let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
        // Less than was promised.
        reply(stream, status, &headers, &all[begin..end]);
    });
    let folder = tempfile::tempdir().unwrap();
    let path =
        fetch(&address(&format!("{url}/m.onnx")), &options(folder.path()), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), contents());
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 3);
    assert!(requests[1].iter().any(|line| line.eq_ignore_ascii_case("if-range: \"1\"")));
}

#[test]
fn a_file_that_has_changed_begins_again() {
    let (url, _) = server(|_, range, stream| match range {
        // The tag is another, so the server ignores the range.
        Some(_) => reply(stream, "200 OK", "content-length: 3\r\netag: \"2\"", b"new"),
        None => reply(stream, "200 OK", "content-length: 100\r\netag: \"1\"", b"old"),
    });
    let folder = tempfile::tempdir().unwrap();
    let path =
        fetch(&address(&format!("{url}/m.onnx")), &options(folder.path()), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"new");
}

#[test]
fn a_cut_that_brings_nothing_new_is_an_error_and_the_next_call_goes_on() {
    let broken = Arc::new(Mutex::new(true));
    let is_broken = Arc::clone(&broken);
    let (url, _) = server(move |_, range, stream| {
        let all = contents();
        let headers = |begin: usize| {
            format!(
                "content-length: {}\r\netag: \"1\"\r\ncontent-range: bytes {begin}-299999/300000",
                all.len() - begin
            )
        };
        match (range, *is_broken.lock().unwrap()) {
            (None, _) => reply(stream, "200 OK", &headers(0), &all[..1000]),
            (Some(begin), true) => reply(stream, "206 Partial Content", &headers(begin), b""),
            (Some(begin), false) => {
                reply(stream, "206 Partial Content", &headers(begin), &all[begin..]);
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let model = address(&format!("{url}/m.onnx"));
    let error = fetch(&model, &options(folder.path()), &mut |_| ()).unwrap_err();
    assert!(matches!(error, FetchError::Cut { received: 1000, .. }), "{error:?}");
    assert!(options(folder.path()).cache.find(&model).is_none());
    *broken.lock().unwrap() = false;
    let mut resumed = None;
    let mut report = |progress: Progress| {
        if let Progress::Begins { resumed: bytes, .. } = progress {
            resumed = Some(bytes);
        }
    };
    let path = fetch(&model, &options(folder.path()), &mut report).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), contents());
    assert_eq!(resumed, Some(1000));
}

#[test]
fn other_contents_than_were_asked_for_are_not_kept() {
    // Of `abc`: FIPS 180-2, appendix B.
    let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let (url, requests) =
        server(|path, _, stream| whole(stream, path.trim_matches('/').as_bytes()));
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let right = address(&format!("{url}/abc#sha256={of_abc}"));
    let path = fetch(&right, &options, &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    let wrong = address(&format!("{url}/abd#sha256={of_abc}"));
    let error = fetch(&wrong, &options, &mut |_| ()).unwrap_err();
    assert!(
        matches!(&error, FetchError::Checksum { expected, .. } if expected == of_abc),
        "{error}"
    );
    assert!(options.cache.find(&wrong).is_none());
    assert!(!options.cache.path_of(&wrong).exists());
    // A file that has changed in the cache is noticed without asking the server, which is asked for it if that is allowed.
    std::fs::write(&path, b"abx").unwrap();
    let offline = FetchOptions { offline: true, ..options.clone() };
    let error = fetch(&right, &offline, &mut |_| ()).unwrap_err();
    assert!(matches!(error, FetchError::CachedChecksum { .. }), "{error}");
    assert_eq!(requests.lock().unwrap().len(), 2);
    let again = fetch(&right, &options, &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(again).unwrap(), b"abc");
    assert_eq!(requests.lock().unwrap().len(), 3);
}

#[test]
fn refusals_and_limits_are_errors() {
    let (url, requests) = server(|path, _, stream| match path {
        "/missing" => reply(stream, "404 Not Found", "content-length: 0", b""),
        "/declared" => reply(stream, "200 OK", "content-length: 2000000", b""),
        // No length, and no end.
        _ => {
            reply(stream, "200 OK", "", b"");
            while stream.write_all(&[0; 65_536]).is_ok() {}
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let error =
        |path: &str| fetch(&address(&format!("{url}{path}")), &options, &mut |_| ()).unwrap_err();
    assert!(matches!(error("/missing"), FetchError::Status { status: 404, .. }));
    for path in ["/declared", "/endless"] {
        let error = error(path);
        assert!(matches!(error, FetchError::TooLarge { limit: 1_048_576, .. }), "{error}");
    }
    let before = requests.lock().unwrap().len();
    let offline = FetchOptions { offline: true, ..options.clone() };
    let error = fetch(&address(&format!("{url}/other")), &offline, &mut |_| ()).unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }), "{error}");
    assert_eq!(requests.lock().unwrap().len(), before, "the server was not asked");
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let (url, _) = server(|path, _, stream| match path {
        "/from" => reply(stream, "302 Found", "location: /to\r\ncontent-length: 0", b""),
        "/to" => whole(stream, b"here"),
        _ => reply(stream, "302 Found", "location: /circle\r\ncontent-length: 0", b""),
    });
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let path = fetch(&address(&format!("{url}/from")), &options, &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"here");
    let error = fetch(&address(&format!("{url}/circle")), &options, &mut |_| ()).unwrap_err();
    assert!(matches!(error, FetchError::Request { .. }), "{error}");
}
