//! Publishes the state of every camera at an MQTT broker: on change, retained, with a last will.
//!
//! The connection is served by a task of its own, because a connection that is being made must not be given up for
//! a change that comes meanwhile.
//!
//! At the begin of a connection the topics of the cameras are subscribed to for a while, to find what an earlier process
//! left there.

mod earlier;
mod retained;
mod topics;

use std::time::Duration;

use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, Publish, QoS,
    SubscribeFilter,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::address::MqttAddress;
use super::change::{Change, ChangeKind};
use crate::error_chain::error_chain;
use crate::watch::backoff::Backoff;
use earlier::Earlier;
use retained::Retained;
use topics::{Message, ON, Topics};

/// Messages that the library holds.
const PENDING: usize = 256;
/// How long to wait for room for the next.
const FULL_WAIT: Duration = Duration::from_millis(100);
/// After this time without a message the broker is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long the broker may take to send what it retains.
const LISTEN: Duration = Duration::from_secs(5);
/// Largest message. Those of others at the level of ours are read, too.
const MAX_PACKET_BYTES: usize = 4 << 20;
/// Longest time for the last messages.
const GOODBYE_LIMIT: Duration = Duration::from_secs(3);

/// News of the connection.
enum News {
    Connected,
    Lost,
    /// The broker has a message.
    Acknowledged,
    /// The broker retains that something is there, under this topic.
    Found(String),
}

/// Publishes changes until there are no more.
pub(super) async fn run(
    address: MqttAddress,
    sources: Vec<String>,
    mut changes: mpsc::Receiver<Change>,
) {
    let topics = Topics::new(&address.prefix);
    let (client, events) = AsyncClient::new(options(&address, &topics), PENDING);
    let (sender, mut news) = mpsc::channel(8);
    let serving = AbortOnDropHandle::new(serve(events, address.to_string(), sender));
    let mut state = Retained::default();
    state.set(topics.status(true));
    for source in &sources {
        state.set(topics.connectivity(source));
        state.set(topics.availability(source, false));
    }
    let mut earlier = Earlier::new(topics.clone(), &sources);
    let mut is_connected = false;
    let mut listening = Listening::Not;
    // Messages that were handed over and not acknowledged; the library keeps them over a lost connection.
    let mut open = 0;
    loop {
        let is_flushed = !is_connected
            || listening.go_on(&client, &topics, &sources) && flush(&mut state, &client, &mut open);
        tokio::select! {
            change = changes.recv() => match change {
                Some(Change { source, kind: ChangeKind::Known, .. }) => earlier.known(&source, &mut state),
                Some(change) => topics.of(&change).into_iter().for_each(|message| state.set(message)),
                None => break,
            },
            heard = news.recv() => match heard {
                Some(News::Connected) => {
                    is_connected = true;
                    // A broker that was restarted may have lost what it retained.
                    state.forget_sent();
                    listening = Listening::Wanted;
                }
                Some(News::Lost) => is_connected = false,
                Some(News::Acknowledged) => open = open.saturating_sub(1),
                Some(News::Found(topic)) => earlier.found(&topic, &mut state),
                None => return,
            },
            () = sleep_until(listening.end().unwrap_or_else(Instant::now)), if listening.end().is_some() => {
                listening = Listening::Over;
            }
            () = sleep(FULL_WAIT), if !is_flushed => {}
        }
    }
    if is_connected {
        state.set(topics.status(false));
        let _ = timeout(GOODBYE_LIMIT, say_goodbye(&mut state, &client, &mut news, open)).await;
    }
    drop(serving);
}

/// Whether the topics of the cameras are subscribed to.
#[derive(Clone, Copy)]
enum Listening {
    Not,
    Wanted,
    Until(Instant),
    Over,
}

impl Listening {
    fn end(self) -> Option<Instant> {
        match self {
            Self::Until(end) => Some(end),
            _ => None,
        }
    }

    /// Begins or ends the subscription; `false` if there was no room for that.
    fn go_on(&mut self, client: &AsyncClient, topics: &Topics, sources: &[String]) -> bool {
        let mut filters = sources.iter().map(|source| topics.filter(source));
        let (is_sent, next) = match self {
            Self::Wanted => {
                // The echo of our own messages needs no acknowledgement.
                let filters = filters.map(|filter| SubscribeFilter::new(filter, QoS::AtMostOnce));
                (client.try_subscribe_many(filters).is_ok(), Self::Until(Instant::now() + LISTEN))
            }
            Self::Over => (filters.all(|filter| client.try_unsubscribe(filter).is_ok()), Self::Not),
            Self::Not | Self::Until(_) => return true,
        };
        if is_sent {
            *self = next;
        }
        is_sent
    }
}

/// Sends the last messages and ends the connection. It is not closed before the broker has them: what a connection
/// holds when it is closed may be lost.
async fn say_goodbye(
    state: &mut Retained,
    client: &AsyncClient,
    news: &mut mpsc::Receiver<News>,
    mut open: usize,
) {
    flush(state, client, &mut open);
    while open > 0 {
        match news.recv().await {
            Some(News::Acknowledged) => open -= 1,
            Some(News::Connected | News::Found(_)) => {}
            Some(News::Lost) | None => return,
        }
    }
    if client.try_disconnect().is_ok() {
        while news.recv().await.is_some() {}
    }
}

fn options(address: &MqttAddress, topics: &Topics) -> MqttOptions {
    // Two programs with one name would throw each other out.
    let id = format!("framegate-{:08x}", fastrand::u32(..));
    let mut options = MqttOptions::new(id, address.host.clone(), address.port);
    options.set_keep_alive(KEEP_ALIVE);
    options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
    let Message { topic, payload } = topics.status(false);
    options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true));
    if let Some(credentials) = &address.credentials {
        options.set_credentials(&credentials.user, &credentials.password);
    }
    options
}

/// Hands over what has not been sent; counts it. Whether that was all.
fn flush(state: &mut Retained, client: &AsyncClient, count: &mut usize) -> bool {
    state.flush(|topic, payload| {
        let is_sent = client.try_publish(topic, QoS::AtLeastOnce, true, payload).is_ok();
        *count += usize::from(is_sent);
        is_sent
    })
}

/// Serves the connection and makes it again when it is lost. Ends after a goodbye.
fn serve(mut events: EventLoop, broker: String, news: mpsc::Sender<News>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut backoff = Backoff::default();
        loop {
            let heard = match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    backoff.reset();
                    tracing::info!(%broker, "mqtt_up");
                    news.send(News::Connected).await
                }
                Ok(Event::Incoming(Packet::PubAck(_))) => news.send(News::Acknowledged).await,
                Ok(Event::Incoming(Packet::Publish(publish))) if is_presence(&publish) => {
                    news.send(News::Found(publish.topic)).await
                }
                Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
                Ok(_) => Ok(()),
                Err(error) => {
                    let wait = backoff.wait(fastrand::f64());
                    let wait_s = wait.as_secs_f64();
                    tracing::warn!(%broker, error = error_chain(&error), wait_s, "mqtt_down");
                    let heard = news.send(News::Lost).await;
                    sleep(wait).await;
                    heard
                }
            };
            if heard.is_err() {
                return;
            }
        }
    })
}

/// Whether a message was retained, and says that something is there.
fn is_presence(publish: &Publish) -> bool {
    publish.retain && publish.payload == ON && publish.topic.len() <= earlier::LONGEST
}
