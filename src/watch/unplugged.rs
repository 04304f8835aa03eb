//! Tests of cameras whose plug is pulled: nothing answers any more, and nothing says that a connection has ended.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::address::CameraAddress;
use super::attention::Attention;
use super::camera::{AddressedCamera, CameraLimits, Images, Taking};
use super::keep_up::{Event, keep_up};

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    Http,
    Rtsp,
}

/// A camera that plays as long as it is plugged in.
struct Plugged {
    address: SocketAddr,
    plug: watch::Sender<bool>,
    /// When a frame was sent.
    sent: mpsc::Receiver<Instant>,
    _running: AbortOnDropHandle<()>,
}

impl Plugged {
    fn start(protocol: Protocol) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        // With two connections that are not accepted, the next packet for it is lost.
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let (plug, is_in) = watch::channel(true);
        let (sender, sent) = mpsc::channel(10_000);
        let running = AbortOnDropHandle::new(tokio::spawn(run(listener, protocol, is_in, sender)));
        Self { address, plug, sent, _running: running }
    }

    /// Pulls the plug for this long; returns how long after that a frame was sent again.
    async fn pull_for(&mut self, outage: Duration) -> Duration {
        self.plug.send(false).unwrap();
        settle().await;
        let mut lost = JoinSet::new();
        for _ in 0..3 {
            lost.spawn(TcpStream::connect(self.address));
        }
        pass(outage).await;
        drop(lost);
        while self.sent.try_recv().is_ok() {}
        self.plug.send(true).unwrap();
        let back = Instant::now();
        while self.sent.is_empty() {
            pass(STEP).await;
        }
        self.sent.recv().await.unwrap() - back
    }
}

/// Time passes in steps.
const STEP: Duration = Duration::from_millis(100);

async fn pass(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        advance(STEP).await;
        settle().await;
    }
}

/// Lets all tasks go on as far as they can.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

async fn run(
    listener: TcpListener,
    protocol: Protocol,
    mut is_in: watch::Receiver<bool>,
    sent: mpsc::Sender<Instant>,
) {
    let mut connections = JoinSet::new();
    loop {
        is_in.wait_for(|is_in| *is_in).await.unwrap();
        tokio::select! {
            () = is_pulled(&mut is_in) => {}
            accepted = listener.accept() => {
                let (connection, _) = accepted.unwrap();
                connections.spawn(serve(connection, protocol, is_in.clone(), sent.clone()));
            }
        }
    }
}

async fn is_pulled(is_in: &mut watch::Receiver<bool>) {
    // The camera ends with the test.
    drop(is_in.wait_for(|is_in| !*is_in).await);
}

/// Serves a connection until it ends or the plug is pulled; the connection then stays, and nothing more comes.
async fn serve(
    connection: TcpStream,
    protocol: Protocol,
    mut is_in: watch::Receiver<bool>,
    sent: mpsc::Sender<Instant>,
) {
    let mut connection = BufReader::new(connection);
    tokio::select! {
        // The client has gone.
        Err(_) = play(&mut connection, protocol, sent) => {}
        () = is_pulled(&mut is_in) => std::future::pending().await,
    }
}

async fn play(
    connection: &mut BufReader<TcpStream>,
    protocol: Protocol,
    sent: mpsc::Sender<Instant>,
) -> io::Result<()> {
    let frame: &[u8] = match protocol {
        Protocol::Http => {
            request(connection).await?;
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n";
            connection.write_all(head.as_bytes()).await?;
            b"--x\r\nContent-Type: image/jpeg\r\n\r\n\xFF\xD8\xFF\xD9\r\n"
        }
        Protocol::Rtsp => {
            while answer(connection).await? != "PLAY" {}
            &JPEG_PACKET
        }
    };
    let mut frame = frame.to_vec();
    loop {
        connection.write_all(&frame).await?;
        // If this fails, the test has ended.
        let _ = sent.try_send(Instant::now());
        if protocol == Protocol::Rtsp {
            // The number of the packet.
            frame[7] = frame[7].wrapping_add(1);
        }
        sleep(STEP).await;
    }
}

/// A JPEG of 16×8 pixels in one packet (RFC 3550, 5.1, and RFC 2435) of channel 0.
#[rustfmt::skip]
const JPEG_PACKET: [u8; 26] = [
    b'$', 0, 0, 22,
    0x80, 0x80 | 26, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
    0, 0, 0, 0, 0, 60, 2, 1, 1, 2,
];

/// The lines of a request.
async fn request(connection: &mut BufReader<TcpStream>) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => return Ok(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

/// Answers a request of RTSP and returns its method.
async fn answer(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let lines = request(connection).await?;
    let number = lines.iter().find(|line| line.starts_with("CSeq")).unwrap();
    let method = lines[0].split(' ').next().unwrap().to_owned();
    let (fields, body) = match method.as_str() {
        "DESCRIBE" => ("", "v=0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:video\r\n"),
        "SETUP" => ("Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n", ""),
        _ => ("", ""),
    };
    let length = body.len();
    let text =
        format!("RTSP/1.0 200 OK\r\n{number}\r\n{fields}Content-Length: {length}\r\n\r\n{body}");
    connection.write_all(text.as_bytes()).await?;
    Ok(method)
}

async fn next_frame(events: &mut mpsc::Receiver<Event>) {
    while !matches!(events.recv().await.expect("a camera never ends"), Event::Frame(_)) {}
}

/// Results come within 5 s of the camera's return, however long it was away and whatever was under way then.
async fn is_found_again(protocol: Protocol) {
    let mut camera = Plugged::start(protocol);
    let scheme = if protocol == Protocol::Http { "http" } else { "rtsp" };
    let address =
        CameraAddress::parse(&format!("yard={scheme}://{}/video", camera.address)).unwrap();
    let limits = CameraLimits { max_frame_bytes: 1 << 20, fps: None, key_frames: false };
    let attention = Arc::new(Attention::new(false));
    let taking = Taking { limits, images: Images::Decoded, attention };
    let (sender, mut news) = mpsc::channel(1);
    let watching = keep_up(AddressedCamera::new(address, taking), sender);
    let _watching = AbortOnDropHandle::new(tokio::spawn(watching));
    // They are taken as they come.
    let (sender, mut events) = mpsc::channel(10_000);
    tokio::spawn(async move {
        while let Some(event) = news.recv().await {
            let _ = sender.try_send(event);
        }
    });
    for seconds in [20, 12, 27, 61] {
        next_frame(&mut events).await;
        let after = camera.pull_for(Duration::from_secs(seconds)).await;
        assert!(after < Duration::from_secs(5), "{after:?} after {seconds} s");
        let mut was_down = false;
        while let Ok(event) = events.try_recv() {
            was_down |= matches!(event, Event::Down(..));
        }
        assert!(was_down, "{seconds} s");
        println!("away for {seconds} s, found after {after:?}");
    }
    next_frame(&mut events).await;
}

#[tokio::test(start_paused = true)]
async fn an_rtsp_camera_is_found_again_within_5_s_of_its_return() {
    is_found_again(Protocol::Rtsp).await;
}

#[tokio::test(start_paused = true)]
async fn an_mjpeg_camera_is_found_again_within_5_s_of_its_return() {
    is_found_again(Protocol::Http).await;
}
