//! The messages that a broker is to retain, and which of them were not sent: the newest state of each topic, however long the
//! broker is away.

use std::collections::BTreeMap;

use super::topics::Message;

/// The state of all topics.
#[derive(Debug, Default)]
pub(super) struct Retained {
    /// By topic: the payload, and whether it was sent over this connection.
    topics: BTreeMap<String, (String, bool)>,
}

impl Retained {
    /// The state of a topic, from now on. What has not changed is not sent again.
    pub(super) fn set(&mut self, Message { topic, payload }: Message) {
        match self.topics.get_mut(&topic) {
            Some((known, _)) if *known == payload => {}
            Some(state) => *state = (payload, false),
            None => {
                self.topics.insert(topic, (payload, false));
            }
        }
    }

    /// Whether a topic has a state.
    pub(super) fn has(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }

    /// The connection is a new one: all of it must be sent.
    pub(super) fn forget_sent(&mut self) {
        self.topics.values_mut().for_each(|(_, is_sent)| *is_sent = false);
    }

    /// Sends what has not been sent, as long as `send` accepts it. Whether that was all.
    pub(super) fn flush(&mut self, mut send: impl FnMut(&str, &str) -> bool) -> bool {
        for (topic, (payload, is_sent)) in &mut self.topics {
            if !*is_sent {
                *is_sent = send(topic, payload);
                if !*is_sent {
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(retained: &mut Retained, topic: &str, payload: &str) {
        retained.set(Message { topic: topic.to_owned(), payload: payload.to_owned() });
    }

    fn sent(retained: &mut Retained, most: usize) -> Vec<String> {
        let mut sent = Vec::new();
        retained.flush(|topic, payload| {
            let has_room = sent.len() < most;
            if has_room {
                sent.push(format!("{topic}={payload}"));
            }
            has_room
        });
        sent
    }

    #[test]
    fn only_changes_are_sent_and_after_a_reconnect_the_newest_state() {
        let mut retained = Retained::default();
        set(&mut retained, "cat", "ON");
        set(&mut retained, "dog", "ON");
        assert_eq!(sent(&mut retained, 1), ["cat=ON"]);
        assert_eq!(sent(&mut retained, 9), ["dog=ON"]);
        set(&mut retained, "cat", "ON");
        assert!(sent(&mut retained, 9).is_empty());
        // While the broker is away.
        for payload in ["OFF", "ON", "OFF"] {
            set(&mut retained, "cat", payload);
        }
        retained.forget_sent();
        assert_eq!(sent(&mut retained, 9), ["cat=OFF", "dog=ON"]);
    }
}
