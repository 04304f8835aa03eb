//! What waits to be written to a client's socket: bounded, whatever the client does.
//!
//! Of results there is never more than one. A newer one replaces it, and then the older frame counts
//! as dropped: a reader that lags behind gets the present, not the past. Everything else is small and
//! must arrive; when too much of it waits, no more is read from the client.

use std::collections::VecDeque;
use std::time::Instant;

use super::wire::{Message, ResultMessage};
use crate::engine::DropReason;

/// With so many messages waiting, nothing more is read from the client.
const FULL: usize = 256;

/// Something to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    /// A frame's result, and when the frame was received: its age is told when it is written.
    Result {
        /// The result, its age not known yet.
        message: ResultMessage,
        /// When the frame's last byte was read.
        received: Instant,
    },
    /// Any other message.
    Other(Message),
    /// A question whether the client is there.
    Ping,
    /// The end of the connection: a close code of RFC 6455 and a reason.
    Close(u16, &'static str),
}

/// The messages that wait, first to be written first.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<Outgoing>,
    closing: bool,
}

impl Outbox {
    /// Adds a message. Nothing follows a close.
    pub fn push(&mut self, outgoing: Outgoing) {
        if self.closing {
            return;
        }
        self.closing = matches!(outgoing, Outgoing::Close(..));
        self.waiting.push_back(outgoing);
    }

    /// Adds a result. If another one still waits, a drop message takes its place, and its frame's
    /// number is returned.
    pub fn push_result(&mut self, message: ResultMessage, received: Instant) -> Option<u64> {
        if self.closing {
            return None;
        }
        let mut replaced = None;
        for outgoing in &mut self.waiting {
            if let Outgoing::Result { message, .. } = outgoing {
                let frame_index = message.frame_index;
                *outgoing = Outgoing::Other(Message::dropped(frame_index, DropReason::Busy));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::FrameResult;
    use crate::stages::StageTimes;
    use framegate_models::Size;

    fn result(frame_index: u64) -> ResultMessage {
        let result = FrameResult {
            size: Size { width: 1, height: 1 },
            detections: vec![],
            timings: StageTimes::ZERO,
        };
        ResultMessage::new(frame_index, result)
    }

    fn dropped(frame_index: u64) -> Outgoing {
        Outgoing::Other(Message::dropped(frame_index, DropReason::Busy))
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
        outbox.push(Outgoing::Close(1000, "bye"));
        outbox.push(Outgoing::Ping);
        assert_eq!(outbox.push_result(result(2), received), None);
        assert_eq!(outbox.pop(), Some(Outgoing::Result { message: result(1), received }));
        assert_eq!(outbox.pop(), Some(Outgoing::Close(1000, "bye")));
        assert_eq!(outbox.pop(), None);
    }

    #[test]
    fn it_says_when_it_is_full() {
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
