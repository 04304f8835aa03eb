//! The outbox as shared by the loop that fills it and the loop that empties it.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::front::outbox::{Outbox, Outgoing};
use crate::locks::unpoisoned;

/// An [`Outbox`] behind a lock that is only ever held briefly.
#[derive(Debug, Default)]
pub(super) struct SharedOutbox {
    outbox: Mutex<Outbox>,
    filled: Notify,
    emptied: Notify,
}

impl SharedOutbox {
    /// Changes the outbox and wakes the loop that empties it.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Outbox) -> T) -> T {
        let result = work(&mut self.lock());
        self.filled.notify_one();
        result
    }

    /// Waits for the next message to be written.
    pub(super) async fn next(&self) -> Outgoing {
        loop {
            let next = self.lock().pop();
            if let Some(outgoing) = next {
                self.emptied.notify_one();
                return outgoing;
            }
            self.filled.notified().await;
        }
    }

    /// Waits until more may be read from the client.
    pub(super) async fn room(&self) {
        while !self.lock().has_room() {
            self.emptied.notified().await;
        }
    }

    /// Whether a close has been added.
    pub(super) fn is_closing(&self) -> bool {
        self.lock().is_closing()
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        unpoisoned(self.outbox.lock())
    }
}
