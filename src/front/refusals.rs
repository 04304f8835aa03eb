//! Refusals: counted always, logged once per minute and limit or origin, with the option that would have
//! admitted it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::log_limit::LogLimit;
use super::metrics::Metrics;
use super::origin::{Origin, Refused};
use super::places::ExceededLimit;
use super::refusal_reason::RefusalReason;
use crate::locks::unpoisoned;

/// Shortest time between two lines about the same origin.
const INTERVAL: Duration = Duration::from_secs(60);
/// Origins that are told apart within that time.
const ORIGINS: usize = 64;
/// Longest part of an origin that is repeated, in characters.
const EXCERPT: usize = 200;

/// The refusals of a server.
#[derive(Debug)]
pub(super) struct Refusals {
    metrics: Arc<Metrics>,
    logged: Mutex<HashMap<String, Instant>>,
    others: LogLimit,
    sessions: LogLimit,
    connections: LogLimit,
    connections_of_one: LogLimit,
}

impl Refusals {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        let [others, sessions, connections, connections_of_one] =
            [(); 4].map(|()| LogLimit::new(1));
        let logged = Mutex::default();
        Self { metrics, logged, others, sessions, connections, connections_of_one }
    }

    /// Counts a refusal.
    pub(super) fn count(&self, reason: RefusalReason) {
        self.metrics.count_refusal(reason);
    }

    /// Counts the refusal of a session, beside as many as there may be, and logs it now and then.
    pub(super) fn session(&self, most: usize) {
        self.count(RefusalReason::Sessions);
        let Some(unmentioned) = self.sessions.mention(Instant::now()) else { return };
        tracing::warn!(
            reason = RefusalReason::Sessions.name(),
            most,
            unmentioned = (unmentioned > 0).then_some(unmentioned),
            admit = "a higher STREAM_MAX_SESSIONS, or no --enforce-max-sessions",
            "a session was refused; this line appears once per minute"
        );
    }

    /// Counts the refusal of a connection for which there is no place, and logs it now and then.
    pub(super) fn connection(&self, exceeded: ExceededLimit) {
        self.count(RefusalReason::Connections);
        let (limit, admit) = match exceeded {
            ExceededLimit::Total => (&self.connections, "a higher --max-connections"),
            ExceededLimit::PerAddress => {
                (&self.connections_of_one, "a higher --max-connections-per-address")
            }
        };
        let Some(unmentioned) = limit.mention(Instant::now()) else { return };
        tracing::warn!(
            reason = RefusalReason::Connections.name(),
            unmentioned = (unmentioned > 0).then_some(unmentioned),
            admit,
            "a connection was refused; this line appears once per minute and option"
        );
    }

    /// Counts the refusal of a web page, and logs it now and then.
    pub(super) fn page(&self, refused: &Refused) {
        let (reason, name) = match refused {
            Refused::Origin(origin) => (RefusalReason::Origin, origin.clone()),
            Refused::Host(host) => (RefusalReason::Host, format!("http://{host}")),
        };
        self.count(reason);
        let name: String = name.chars().take(EXCERPT).collect();
        if !self.is_new(&name, Instant::now()) {
            return;
        }
        // Whatever is not an origin cannot be admitted by one.
        let admit = Origin::parse(&name).map(|origin| format!("--allow-origin {origin}")).ok();
        tracing::warn!(
            reason = reason.name(),
            origin = ?name,
            admit,
            "a web page was refused; this line appears once per minute and origin"
        );
    }

    fn is_new(&self, name: &str, now: Instant) -> bool {
        let mut logged = unpoisoned(self.logged.lock());
        logged.retain(|_, at| now.saturating_duration_since(*at) < INTERVAL);
        if logged.contains_key(name) {
            return false;
        }
        if logged.len() >= ORIGINS {
            return self.others.mention(now).is_some();
        }
        logged.insert(name.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::logged::logged;

    #[tokio::test]
    async fn a_refusal_is_logged_with_the_option_that_would_have_admitted_it() {
        let refusals = Refusals::new(Arc::default());
        let lines = logged(async {
            for _ in 0..100 {
                refusals.session(10);
                refusals.connection(ExceededLimit::PerAddress);
                refusals.connection(ExceededLimit::Total);
                refusals.page(&Refused::Origin("https://a.example".to_owned()));
                refusals.page(&Refused::Host("cam.example".to_owned()));
            }
        });
        let wanted = [
            [
                "a session was refused",
                "most=10",
                "a higher STREAM_MAX_SESSIONS, or no --enforce-max-sessions",
            ],
            ["a connection was refused", "", "a higher --max-connections-per-address\""],
            ["a connection was refused", "", "a higher --max-connections\""],
            ["a web page was refused", "reason=\"origin\"", "--allow-origin https://a.example"],
            ["a web page was refused", "reason=\"host\"", "--allow-origin http://cam.example"],
        ];
        let lines = lines.await;
        assert_eq!(lines.len(), wanted.len(), "{lines:#?}");
        for (line, wanted) in lines.iter().zip(wanted) {
            let has_all = wanted.iter().all(|part| line.contains(part));
            assert!(has_all && line.contains("once per minute"), "{wanted:?} in {line}");
        }
    }

    #[test]
    fn an_origin_is_mentioned_once_per_minute_and_a_flood_of_origins_hardly_at_all() {
        let refusals = Refusals::new(Arc::default());
        let start = Instant::now();
        assert!(refusals.is_new("https://a.example", start));
        assert!(!refusals.is_new("https://a.example", start + Duration::from_secs(59)));
        assert!(refusals.is_new("https://b.example", start + Duration::from_secs(59)));
        let later = start + Duration::from_secs(60);
        assert!(refusals.is_new("https://a.example", later));
        let new = (0..10_000).filter(|n| refusals.is_new(&format!("https://{n}.example"), later));
        assert_eq!(new.count(), ORIGINS - 2 + 1);
        assert!(refusals.logged.lock().unwrap().len() <= ORIGINS);
    }

    #[test]
    fn refusals_are_counted_by_reason() {
        let metrics: Arc<Metrics> = Arc::default();
        let refusals = Refusals::new(Arc::clone(&metrics));
        refusals.page(&Refused::Origin("null".to_owned()));
        refusals.page(&Refused::Origin("null".to_owned()));
        refusals.page(&Refused::Host("rebound.example".to_owned()));
        let text = metrics.encode();
        for line in ["{reason=\"origin\"} 2", "{reason=\"host\"} 1", "{reason=\"memory\"} 0"] {
            let line = format!("framegate_refused_total{line}");
            assert!(text.lines().any(|found| found == line), "no `{line}` in:\n{text}");
        }
    }
}
