//! Keeps a camera up: connects again after every failure and every silence.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::backoff::Backoff;
use super::camera::tcp::HANDSHAKE_LIMIT;
use super::camera::{Camera, CameraError, CameraFrame, Delivery, Frames};

/// Longest silence of a camera before it is given up and connected to again.
pub(super) const SILENCE_LIMIT: Duration = Duration::from_secs(10);
/// Longest time that a camera may take to connect.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How often a camera that cannot be reached is looked for while the next attempt is not due.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// News of a camera.
#[derive(Debug)]
pub(super) enum Event {
    /// A frame: it is up.
    Frame(CameraFrame),
    /// It failed, and is tried again after this wait or as soon as it can be reached.
    Down(CameraError, Duration),
    /// A file has ended.
    Ended,
}

/// Sends the news of a camera until the receiver is gone or, for a file, the frames are.
pub(super) async fn keep_up(camera: impl Camera, events: mpsc::Sender<Event>) {
    let mut backoff = Backoff::default();
    loop {
        let failure = match timeout(CONNECT_LIMIT, camera.connect()).await {
            Ok(Ok(mut frames)) => {
                match deliver(&mut frames, &events, &mut backoff).await {
                    Delivered::NoReceiver => return,
                    Delivered::Failed(CameraError::Ended) if camera.is_finite() => {
                        let _ = events.send(Event::Ended).await;
                        return;
                    }
                    // Another decoder takes over: nothing is lost.
                    Delivered::Failed(CameraError::NotDecodable(_)) => continue,
                    Delivered::Failed(error) => error,
                }
            }
            Ok(Err(error)) => error,
            Err(_) => CameraError::NoAnswer { limit: CONNECT_LIMIT },
        };
        let wait = backoff.wait(fastrand::f64());
        let away = failure.is_away();
        if events.send(Event::Down(failure, wait)).await.is_err() {
            return;
        }
        let due = Instant::now() + wait;
        match camera.authority().filter(|_| away) {
            Some(authority) => look_for(&authority, due).await,
            None => sleep_until(due).await,
        }
    }
}

/// Why no more frames of a connection are delivered.
enum Delivered {
    Failed(CameraError),
    NoReceiver,
}

async fn deliver(
    frames: &mut Frames,
    events: &mpsc::Sender<Event>,
    backoff: &mut Backoff,
) -> Delivered {
    loop {
        let frame = match timeout(SILENCE_LIMIT, frames.next()).await {
            Ok(Ok(Delivery::Frame(frame))) => frame,
            Ok(Ok(Delivery::Nothing)) => continue,
            Ok(Err(error)) => return Delivered::Failed(error),
            Err(_) => return Delivered::Failed(CameraError::Silent { limit: SILENCE_LIMIT }),
        };
        backoff.reset();
        if events.send(Event::Frame(frame)).await.is_err() {
            return Delivered::NoReceiver;
        }
    }
}

/// Waits until a connection to the camera can be made, at most until `due`: after a power cut the next
/// attempt may be half a minute away.
async fn look_for(authority: &str, due: Instant) {
    while Instant::now() + LOOK_INTERVAL < due {
        sleep(LOOK_INTERVAL).await;
        let connecting = TcpStream::connect(authority);
        if matches!(timeout(HANDSHAKE_LIMIT, connecting).await, Ok(Ok(_))) {
            return;
        }
    }
    sleep_until(due).await;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;

    use super::*;
    use crate::engine::FramePayload;

    /// A camera of which each connection follows a script.
    struct Scripted {
        connections: AtomicUsize,
        script: Box<dyn Fn(usize) -> Connection + Send + Sync>,
        attempts: std::sync::Arc<Mutex<Vec<Instant>>>,
    }

    enum Connection {
        Refused,
        /// A number of frames, one per 100 ms; then nothing, but the connection stays.
        FallsSilent(usize),
        /// The same, then the end.
        Ends(usize),
    }

    impl Camera for Scripted {
        async fn connect(&self) -> Result<Frames, CameraError> {
            let number = self.connections.fetch_add(1, Ordering::Relaxed);
            self.attempts.lock().unwrap().push(Instant::now());
            let (count, silent) = match (self.script)(number) {
                Connection::Refused => {
                    return Err(CameraError::Status { status: 503, hint: "" });
                }
                Connection::FallsSilent(count) => (count, true),
                Connection::Ends(count) => (count, false),
            };
            let (sender, frames) = Frames::channel();
            tokio::spawn(async move {
                for _ in 0..count {
                    sleep(Duration::from_millis(100)).await;
                    let frame = FramePayload::Jpeg(Bytes::from_static(b"\xFF\xD8\xFF\xD9"));
                    if sender.send(Ok(frame.into())).await.is_err() {
                        return;
                    }
                }
                if silent {
                    sender.closed().await;
                }
            });
            Ok(frames)
        }

        fn is_finite(&self) -> bool {
            false
        }

        fn authority(&self) -> Option<String> {
            None
        }
    }

    fn start(
        script: impl Fn(usize) -> Connection + Send + Sync + 'static,
    ) -> (mpsc::Receiver<Event>, std::sync::Arc<Mutex<Vec<Instant>>>) {
        let attempts = std::sync::Arc::default();
        let camera = Scripted {
            connections: AtomicUsize::new(0),
            script: Box::new(script),
            attempts: std::sync::Arc::clone(&attempts),
        };
        let (sender, events) = mpsc::channel(1);
        tokio::spawn(keep_up(camera, sender));
        (events, attempts)
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_refuses_is_tried_less_and_less_often() {
        let (mut events, attempts) = start(|_| Connection::Refused);
        for expected in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let Some(Event::Down(CameraError::Status { status: 503, .. }, wait)) =
                events.recv().await
            else {
                panic!("it is down")
            };
            let ratio = wait.as_secs_f64() / expected;
            assert!((0.8..=1.2).contains(&ratio), "{wait:?} for {expected} s");
        }
        let attempts = attempts.lock().unwrap().clone();
        assert!(attempts[6] - attempts[0] >= Duration::from_secs(48));
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_falls_silent_is_connected_to_again() {
        let (mut events, _) = start(|_| Connection::FallsSilent(2));
        for _ in 0..3 {
            assert!(matches!(events.recv().await, Some(Event::Frame(_))));
            assert!(matches!(events.recv().await, Some(Event::Frame(_))));
            let last_frame = Instant::now();
            let Some(Event::Down(CameraError::Silent { .. }, wait)) = events.recv().await else {
                panic!("it is down")
            };
            assert_eq!(Instant::now() - last_frame, SILENCE_LIMIT);
            // It did deliver: the waits begin again.
            assert!(wait <= Duration::from_millis(1200), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_day_of_failures_of_every_kind_costs_no_camera() {
        let (mut events, attempts) = start(|number| match number % 7 {
            0 | 3 => Connection::Refused,
            1 => Connection::FallsSilent(50),
            2 => Connection::Ends(0),
            _ => Connection::Ends(600),
        });
        let begin = Instant::now();
        let day = Duration::from_secs(24 * 3600);
        let (mut frames, mut longest_gap, mut last_frame) = (0_u64, Duration::ZERO, begin);
        while begin.elapsed() < day {
            match events.recv().await {
                Some(Event::Frame(_)) => {
                    frames += 1;
                    longest_gap = longest_gap.max(last_frame.elapsed());
                    last_frame = Instant::now();
                }
                Some(Event::Down(..)) => {}
                Some(Event::Ended) | None => panic!("a camera never ends"),
            }
        }
        let connections = attempts.lock().unwrap().len();
        assert!(frames > 400_000, "{frames}");
        assert!(connections > 2000, "{connections}");
        // A silence of ten seconds, and three waits of 1, 1.2 × 2 and 1.2 × 4 seconds at most.
        assert!(longest_gap < Duration::from_secs(20), "{longest_gap:?}");
    }
}
