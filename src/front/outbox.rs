//! Messages that wait to be written to a client's socket: bounded, whatever the client does.
//!
//! At most one result waits. A newer one replaces it, and the older frame then counts as dropped: a
//! client that reads slowly gets the present, not the past. At most one greeting waits, too, the latest: with many
//! labels it is large. Everything else is small and must arrive; when too much of it waits, the server stops reading
//! from the client.

use std::collections::VecDeque;
use std::time::Instant;

use crate::protocol::{CloseReason, DropReason, ResultMessage, ServerMessage};

/// With this many messages waiting, nothing more is read from the client.
const FULL: usize = 256;

/// Something to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    /// A frame's result. Its age is measured when it is written.
    Result {
        message: ResultMessage,
        /// When the frame's last byte was read.
        received: Instant,
    },
    /// Any other message.
    Other(ServerMessage),
    /// Asks whether the client is still there.
    Ping,
    /// Writes out the answer to a client's ping, which the library has prepared. While many of these wait,
    /// nothing more is read from the client.
    Pong,
    /// Ends the connection.
    Close(CloseReason),
}

/// The messages that wait, next to be written first.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<Outgoing>,
    closing: bool,
}

impl Outbox {
    /// Adds a message. Nothing follows a close. A greeting replaces one that still waits.
    pub fn push(&mut self, outgoing: Outgoing) {
        if self.closing {
            return;
        }
        if is_greeting(&outgoing) {
            self.waiting.retain(|waiting| !is_greeting(waiting));
        }
        self.closing = matches!(outgoing, Outgoing::Close(..));
        self.waiting.push_back(outgoing);
    }

    /// Adds a result. If another one still waits, a drop message replaces it; returns the number of the
    /// frame that was dropped.
    pub fn push_result(&mut self, message: ResultMessage, received: Instant) -> Option<u64> {
        if self.closing {
            return None;
        }
        let mut replaced = None;
        for outgoing in &mut self.waiting {
            if let Outgoing::Result { message, .. } = outgoing {
                let frame_index = message.frame_index;
                *outgoing = Outgoing::Other(ServerMessage::dropped(frame_index, DropReason::Busy));
                replaced = Some(frame_index);
            }
        }
        self.push(Outgoing::Result { message, received });
        replaced
    }

    /// Takes the next message to be written.
    pub fn pop(&mut self) -> Option<Outgoing> {
        self.waiting.pop_front()
    }

    /// Whether a close has been added.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Whether more may be read from the client.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < FULL
    }
}

fn is_greeting(outgoing: &Outgoing) -> bool {
    matches!(outgoing, Outgoing::Other(ServerMessage::Greeting(_)))
}

#[cfg(test)]
mod tests {
    use framegate_models::Size;

    use super::*;
    use crate::protocol::{DetectionResult, Greeting, SessionInfo, TimingsMs};
    use crate::stages::StageTimes;

    fn result(frame_index: u64) -> ResultMessage {
        ResultMessage {
            frame_index,
            result: DetectionResult { width: 1, height: 1, detections: vec![], tensors: vec![] },
            timings_ms: TimingsMs::from(StageTimes::ZERO),
            age_ms: 0.0,
        }
    }

    fn dropped(frame_index: u64) -> Outgoing {
        Outgoing::Other(ServerMessage::dropped(frame_index, DropReason::Busy))
    }

    #[test]
    fn the_latest_result_replaces_older_ones_which_become_drops() {
        let received = Instant::now();
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push_result(result(1), received), None);
        outbox.push(Outgoing::Ping);
        assert_eq!(outbox.push_result(result(2), received), Some(1));
        assert_eq!(outbox.push_result(result(3), received), Some(2));
        let written: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        let latest = Outgoing::Result { message: result(3), received };
        assert_eq!(written, [dropped(1), Outgoing::Ping, dropped(2), latest]);
        assert_eq!(outbox.push_result(result(4), received), None);
    }

    #[test]
    fn nothing_follows_a_close() {
        let mut outbox = Outbox::default();
        let received = Instant::now();
        outbox.push_result(result(1), received);
        outbox.push(Outgoing::Close(CloseReason::Silent));
        outbox.push(Outgoing::Ping);
        assert_eq!(outbox.push_result(result(2), received), None);
        assert_eq!(outbox.pop(), Some(Outgoing::Result { message: result(1), received }));
        assert_eq!(outbox.pop(), Some(Outgoing::Close(CloseReason::Silent)));
        assert_eq!(outbox.pop(), None);
    }

    #[test]
    fn one_greeting_waits_the_latest() {
        let greeting = |session_id: &str| {
            let session = SessionInfo {
                session_id: session_id.to_owned(),
                pipeline_id: String::new(),
                backend: String::new(),
                device: String::new(),
                max_frame_bytes: 1,
                labels: vec![],
                input: Size { width: 1, height: 1 },
                settings: None,
            };
            Outgoing::Other(ServerMessage::Greeting(Greeting { session }))
        };
        let mut outbox = Outbox::default();
        for outgoing in [greeting("1"), dropped(1), greeting("2"), greeting("3"), dropped(2)] {
            outbox.push(outgoing);
        }
        let written: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(written, [dropped(1), greeting("3"), dropped(2)]);
    }

    #[test]
    fn it_has_no_room_when_it_is_full() {
        let mut outbox = Outbox::default();
        for frame_index in 1..=FULL as u64 {
            assert!(outbox.has_room());
            outbox.push(dropped(frame_index));
        }
        assert!(!outbox.has_room());
        outbox.pop();
        assert!(outbox.has_room());
    }
}
