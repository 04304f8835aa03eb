//! Reports to systemd, or to another supervisor that sets `NOTIFY_SOCKET`, that the server is ready, that it
//! lives, that it stops. Without a supervisor nothing happens.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// Frames are accepted.
pub(super) fn ready() {
    notify("READY=1");
}

/// The shutdown has begun.
pub(super) fn stopping() {
    notify("STOPPING=1");
}

/// Reports that the server lives, twice within the supervisor's time limit, if it has set one. This is a task
/// of the runtime that serves clients, so a runtime that hangs reports nothing.
pub(super) async fn keep_alive() {
    let Some(limit) = watchdog() else { return };
    let mut tick = interval(limit / 2);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        notify("WATCHDOG=1");
    }
}

#[cfg(unix)]
fn notify(state: &'static str) {
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Custom(state)]) {
        tracing::warn!(%error, state, "the supervisor cannot be notified");
    }
}

#[cfg(not(unix))]
fn notify(_: &'static str) {}

/// Longest time between two signs of life.
#[cfg(unix)]
fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

#[cfg(not(unix))]
fn watchdog() -> Option<Duration> {
    None
}
