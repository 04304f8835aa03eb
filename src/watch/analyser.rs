//! Analyses a camera's frames: the engine of this process, or a server elsewhere.

use std::time::Instant;

use super::answer::Answer;
use super::remote::{RemoteStream, RemoteTarget};
use crate::engine::{
    Client, DropReason, Engine, FramePayload, PipelineId, StreamHandle, UnknownPipeline,
};

/// Where frames are analysed.
#[derive(Clone, Copy)]
pub enum Analysers<'a> {
    /// By a pipeline of an engine.
    Engine(&'a Engine, PipelineId),
    /// By a server.
    Server(&'a RemoteTarget),
}

/// A session with one of them.
pub(super) enum Analyser {
    Engine(StreamHandle),
    Server(RemoteStream),
}

impl Analysers<'_> {
    /// Opens a session for a camera of this name.
    pub(super) fn open(self, source: &str) -> Result<Analyser, UnknownPipeline> {
        Ok(match self {
            Self::Engine(engine, pipeline) => Analyser::Engine(engine.open(pipeline, Client::Own)?),
            Self::Server(target) => {
                Analyser::Server(RemoteStream::open(target.clone(), source.to_owned()))
            }
        })
    }
}

impl Analyser {
    /// Whether it is there from the start. A server says when it is.
    pub(super) fn is_up(&self) -> bool {
        matches!(self, Self::Engine(_))
    }

    /// Hands over a frame. Each that is taken gets exactly one answer.
    pub(super) fn offer(
        &mut self,
        frame_index: u64,
        received: Instant,
        payload: FramePayload,
    ) -> Result<(), DropReason> {
        match self {
            Self::Engine(handle) => handle.offer(frame_index, received, payload),
            Self::Server(stream) => stream.offer(frame_index, received, payload),
        }
    }

    /// Waits for the next answer. The wait can be cancelled and started again at any time.
    pub(super) async fn next(&mut self) -> Answer {
        match self {
            Self::Engine(handle) => handle.next_reply().await.into(),
            Self::Server(stream) => stream.next().await,
        }
    }
}
