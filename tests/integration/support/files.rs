//! A server of files, as a registry of models would be, on a port of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server that is there until the tests end.
pub(crate) struct Files {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Files {
    /// Serves these files by path; of every other it says that it is not there.
    pub(crate) fn serve<const N: usize>(files: [(&str, Vec<u8>); N]) -> Self {
        let files: BTreeMap<String, Vec<u8>> =
            files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let serve = move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let path = path_of(&stream);
                let (status, body) = match files.get(&path) {
                    Some(bytes) => ("200 OK", bytes.as_slice()),
                    None => ("404 Not Found", &b""[..]),
                };
                seen.lock().unwrap().push(path);
                let length = body.len();
                let kind = if body.starts_with(b"<html") { "text/html" } else { "text/plain" };
                let head = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}; charset=utf-8\r\n\
                     content-length: {length}\r\n\r\n"
                );
                // The client may have gone.
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            }
        };
        std::thread::Builder::new().name("files".to_owned()).spawn(serve).unwrap();
        Self { url, asked }
    }

    /// The paths that were asked for since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// The path of a request.
fn path_of(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    lines.for_each(drop);
    first.split(' ').nth(1).unwrap_or_default().to_owned()
}
