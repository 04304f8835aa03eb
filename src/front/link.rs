//! One connection as its parts share it: its place, the bytes that are arriving, and how it is cut off.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::places::{ExceededLimit, Place, PlaceLimits, Places};
use super::unfinished::{Meter, Unfinished};
use crate::engine::Client;

/// One connection, from accept to its end.
#[derive(Debug)]
pub struct Link {
    place: Place,
    meter: Meter,
    /// Cancelled when the message that is arriving is given up.
    message_given_up: CancellationToken,
    is_stream: AtomicBool,
    input_ended: CancellationToken,
    request_input_ended: CancellationToken,
    answer_given_up: CancellationToken,
}

/// For what a connection must give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GiveWay {
    /// For another connection or session: this one does nothing, or its client hardly reads.
    Place,
    /// For messages of others: its address holds most of the memory for them.
    Memory,
}

impl Link {
    pub(super) fn new(place: Place, unfinished: &Arc<Unfinished>) -> Self {
        let message_given_up = CancellationToken::new();
        let meter = unfinished.meter(place.address(), message_given_up.clone());
        Self {
            place,
            meter,
            message_given_up,
            is_stream: AtomicBool::new(false),
            input_ended: CancellationToken::new(),
            request_input_ended: CancellationToken::new(),
            answer_given_up: CancellationToken::new(),
        }
    }

    /// A connection without neighbours.
    pub fn alone() -> Arc<Self> {
        let place = Places::new(PlaceLimits::DEFAULT).admit([127, 0, 0, 1].into());
        Arc::new(Self::new(place, &Unfinished::new(usize::MAX)))
    }

    /// The address of the client; of IPv6, the network.
    pub(super) fn address(&self) -> IpAddr {
        self.place.address()
    }

    /// Whose connection it is: what its streams get is shared with the others of this address.
    pub(super) fn client(&self) -> Client {
        Client::Address(self.place.address())
    }

    /// Measures what arrives.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The limit for which only questions about health may be answered here.
    pub(super) fn exceeded(&self) -> Option<ExceededLimit> {
        self.place.exceeded()
    }

    /// A request has arrived.
    pub(super) fn begin_request(&self) {
        self.place.set_busy();
    }

    /// The request has been answered.
    pub(super) fn end_request(&self) {
        self.meter.finish();
        self.place.set_idle();
    }

    /// From now on this is a stream, and the end of its input is not the end of the connection.
    pub(super) fn begin_stream(&self) {
        self.meter.finish();
        self.place.begin_session();
        self.is_stream.store(true, Ordering::Relaxed);
    }

    /// A session has sent no frame for a while: it gives way if others need its place.
    pub(super) fn frames_pause(&self) {
        self.place.set_idle();
    }

    /// Frames come again.
    pub(super) fn frames_go_on(&self) {
        self.place.set_busy();
    }

    /// There may be no more sessions: one that sends no frames gives way.
    pub(super) fn ask_for_session(&self) {
        self.place.cut_idle_session();
    }

    pub(super) fn is_stream(&self) -> bool {
        self.is_stream.load(Ordering::Relaxed)
    }

    /// The client will send nothing more.
    pub fn end_input(&self) {
        self.input_ended.cancel();
    }

    /// Returns when the client of a stream will send nothing more.
    pub(super) async fn input_ended(&self) {
        self.input_ended.cancelled().await;
    }

    /// The client has sent nothing after a request and will not.
    pub(super) fn end_request_input(&self) {
        self.request_input_ended.cancel();
    }

    /// Returns when the client will send nothing after its request.
    pub(super) async fn request_input_ended(&self) {
        self.request_input_ended.cancelled().await;
    }

    /// The answer that is being written is broken off, for others that wait.
    pub(super) fn give_up_answer(&self) {
        self.answer_given_up.cancel();
    }

    /// Returns when the connection must give way.
    pub(super) async fn must_give_way(&self) -> GiveWay {
        tokio::select! {
            () = self.place.cut().cancelled() => GiveWay::Place,
            () = self.answer_given_up.cancelled() => GiveWay::Place,
            () = self.message_given_up.cancelled() => GiveWay::Memory,
        }
    }

    /// A whole message has been read.
    pub(super) fn message_complete(&self) {
        self.meter.finish();
    }

    /// A ping or a pong with a payload of this size has been read, perhaps in the middle of a message.
    pub(super) fn control_read(&self, payload: usize) {
        // RFC 6455, 5.2: two bytes of head and four of mask.
        self.meter.discount(payload + 6);
    }

    /// How long the message that is arriving has been doing so.
    pub(super) fn message_age(&self) -> Option<Duration> {
        self.meter.age()
    }
}
