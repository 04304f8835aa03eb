//! Names that an engine gives to its pipelines and streams. No other code can make them up.

use std::fmt;
use std::net::IpAddr;

/// A pipeline of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId(pub(super) usize);

impl PipelineId {
    /// Position among the pipelines that the engine was started with.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A stream of frames that is open. None is ever used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(super) u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The pipeline is of another engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this engine has no pipeline number {}", .0.index())]
pub struct UnknownPipeline(pub PipelineId);

/// Whose stream it is. The streams of one client share what one client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// Sessions from this address.
    Address(IpAddr),
    /// Sessions that are each a client of their own.
    Own,
    /// `POST /infer`: all of them together are charged as one stream, and get no more than a session.
    Posts,
    /// Frames of video files, which can wait: their turn comes when no other frame waits, and once per second
    /// whatever waits. None of them grows stale.
    Videos,
}
