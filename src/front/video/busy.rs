//! Keeps a connection busy while an answer is being written over it.

use std::sync::Arc;

use crate::front::link::Link;

/// An answer that is being written.
pub(super) struct Busy {
    link: Arc<Link>,
    has_begun: bool,
}

impl Busy {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link, has_begun: false }
    }

    /// The connection counts as idle since the head of the answer; from now on it is busy again.
    pub(super) fn begin(&mut self) {
        if !self.has_begun {
            self.has_begun = true;
            self.link.begin_request();
        }
    }

    /// There is nothing to write for a while, in which the connection gives way if others need its place.
    pub(super) fn pause(&mut self) {
        if std::mem::take(&mut self.has_begun) {
            self.link.end_request();
        }
    }

    /// The connection that the answer is written over.
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.pause();
    }
}
