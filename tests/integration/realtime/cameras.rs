//! Cameras whose plug is pulled: nothing comes any more, and nothing says that a connection has ended.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use crate::support::images::plain;
use crate::watch::rtsp::{self, Announced};
use crate::watch::{Watching, head};

/// From one frame of a camera to the next.
const INTERVAL: Duration = Duration::from_millis(100);

/// A plug, and the wire behind it.
#[derive(Clone, Default)]
struct Plug(Arc<(Mutex<bool>, Condvar)>);

impl Plug {
    fn put(&self, is_out: bool) {
        *self.0.0.lock().unwrap() = is_out;
        self.0.1.notify_all();
    }

    /// Waits until it is in.
    fn wait(&self) {
        let is_out = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(is_out, |is_out| *is_out).unwrap());
    }

    /// An address behind which there is a camera while the plug is in.
    fn before(&self, camera: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let plug = self.clone();
        spawn(move || {
            for near in listener.incoming() {
                plug.wait();
                let near = near.unwrap();
                let far = TcpStream::connect(&camera).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let plug = plug.clone();
                    spawn(move || plug.carry(from, to));
                }
            }
        });
        address
    }

    /// Passes on what comes, to its end.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 4096];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            self.wait();
            if read == 0 || to.write_all(&buffer[..read]).is_err() {
                // They may have gone already.
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// MJPEG over HTTP.
fn mjpeg_camera(jpeg: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let jpeg = jpeg.clone();
            spawn(move || {
                head(&connection);
                let answer = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n";
                let length = jpeg.len();
                let part =
                    format!("--x\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
                let part = [part.as_bytes(), &jpeg, b"\r\n"].concat();
                let mut sent = connection.write_all(answer.as_bytes());
                while sent.is_ok() {
                    sleep(INTERVAL);
                    sent = connection.write_all(&part);
                }
            });
        }
    });
    address
}

fn rtsp_camera(jpeg: Vec<u8>) -> String {
    rtsp::camera(
        false,
        |_| Announced::Jpeg,
        move |_, player| {
            while player.is_heard() {
                player.jpeg(&jpeg);
                sleep(INTERVAL);
            }
        },
    )
}

#[test]
#[ignore = "takes half a minute; scripts/check runs it"]
fn a_camera_that_was_unplugged_for_20_s_is_found_within_5_s() {
    let plug = Plug::default();
    let http = plug.before(mjpeg_camera(plain(64, 48, [90, 120, 30])));
    let rtsp = plug.before(rtsp_camera(rtsp::jpeg(96)));
    let sources = [format!("yard=http://{http}/video"), format!("door=rtsp://{rtsp}/video")];
    let mut watching = Watching::start(&sources.each_ref().map(String::as_str));
    let mut next = |after: Option<Instant>| loop {
        let line = watching.next();
        if line["result"].is_object() && after.is_none_or(|after| Instant::now() > after) {
            return (Instant::now(), line["source"].as_str().unwrap().to_owned());
        }
    };
    while next(None).1 != "yard" {}
    while next(None).1 != "door" {}
    plug.put(true);
    let out = Instant::now();
    let (sender, put_back) = mpsc::channel();
    let back_in_time = plug.clone();
    spawn(move || {
        sleep(Duration::from_secs(20));
        sender.send(Instant::now()).unwrap();
        back_in_time.put(false);
    });
    // All that was sent before it was pulled is reported within a moment.
    let mut found = next(Some(out + Duration::from_secs(5)));
    let back = put_back.try_recv().expect("nothing comes while it is out");
    let mut firsts: BTreeMap<String, Duration> = BTreeMap::new();
    while firsts.len() < 2 {
        firsts.entry(found.1).or_insert(found.0 - back);
        assert!(found.0 - back < Duration::from_secs(20), "{firsts:?}");
        found = next(None);
    }
    for (camera, after) in firsts {
        println!("{camera}: unplugged for 20 s, a result {:.2} s later", after.as_secs_f64());
        assert!(after < Duration::from_secs(5), "{camera}: {after:?}");
    }
    let log = watching.interrupt();
    assert!(log.matches("source_down").count() >= 2, "{log}");
}
