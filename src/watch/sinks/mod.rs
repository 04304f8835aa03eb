//! Reports to others that something has appeared before a camera, or left.
//!
//! | file | what |
//! | --- | --- |
//! | `presence` | which classes are there, from results that flicker |
//! | `change` | a change at a camera |
//! | `observer` | a camera's side |
//! | `address` | where sinks are, and what may be shown of that |
//! | `webhook` | a POST per change |
//! | `mqtt` | the state of every camera at a broker |

mod address;
mod change;
mod mqtt;
mod observer;
mod presence;
mod webhook;

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use address::{MqttAddress, SinkAddressError, WebhookAddress};
pub(super) use observer::Observer;

use change::Change;

/// Changes that wait for a sink.
const QUEUE: usize = 256;
/// Longest time for the last changes.
const GOODBYE_LIMIT: Duration = Duration::from_secs(5);

/// The sinks that are wanted.
#[derive(Debug, Clone, Default)]
pub struct SinkAddresses {
    /// Gets a POST per change.
    pub webhook: Option<WebhookAddress>,
    /// Knows the state of every camera.
    pub mqtt: Option<MqttAddress>,
}

/// The ways to all sinks.
#[derive(Debug, Clone)]
pub(super) struct Sinks {
    queues: Vec<mpsc::Sender<Change>>,
    lost: Counter,
}

/// Sinks at work, which end after the last change.
pub(super) struct RunningSinks(JoinSet<()>);

impl SinkAddresses {
    /// Starts the sinks of these cameras.
    pub(super) fn start(self, sources: Vec<String>, lost: Counter) -> (Sinks, RunningSinks) {
        let mut running = JoinSet::new();
        let mut queues = Vec::new();
        if let Some(address) = self.webhook {
            let (sender, changes) = mpsc::channel(QUEUE);
            queues.push(sender);
            running.spawn(webhook::run(address, changes, lost.clone()));
        }
        if let Some(address) = self.mqtt {
            let (sender, changes) = mpsc::channel(QUEUE);
            queues.push(sender);
            running.spawn(mqtt::run(address, sources, changes));
        }
        (Sinks { queues, lost }, RunningSinks(running))
    }
}

impl Sinks {
    fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Reports a change to every sink, except to those that are too slow.
    fn report(&self, change: &Change) {
        for queue in &self.queues {
            if queue.try_send(change.clone()).is_err() {
                self.lost.inc();
            }
        }
    }
}

impl RunningSinks {
    /// Waits for the last reports, for a while.
    pub(super) async fn end(mut self) {
        let all = async { while self.0.join_next().await.is_some() {} };
        if timeout(GOODBYE_LIMIT, all).await.is_err() {
            tracing::warn!("the last changes were not reported");
        }
    }
}
