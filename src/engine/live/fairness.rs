//! How much of the server each stream can have, beside the others as they are at present.
//!
//! Weighted max-min fairness, as serving streams by virtual time brings it about: all clients get equal shares of
//! the server's time, except that one that asks for less gets just that, and the others share what it
//! leaves. The streams of a client share what it gets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::ids::{Client, StreamId};
use super::lanes::Lane;
use super::load_tree::{Load, LoadTree};

/// A stream that has reported no rate for this long no longer counts towards the load, unless its frames are
/// further apart.
const OFFER_LASTS: Duration = Duration::from_secs(2);
/// How many intervals between its frames a slow stream may stay silent, so that jitter does not hide it.
const INTERVALS: f64 = 2.5;
/// However slow a stream is, it does not count for longer than this after a frame.
const OFFER_LASTS_AT_MOST: Duration = Duration::from_secs(60);

/// The load that the streams offer at present.
#[derive(Debug)]
pub(super) struct OfferedLoad {
    /// The load on the device and the workers of the fast lane, and the load on the slow lane.
    trees: [LoadTree; Lane::ALL.len()],
    /// The slot of each stream that counts, in the trees and in `reports`.
    slots: BTreeMap<StreamId, usize>,
    reports: Vec<Report>,
    free: Vec<usize>,
    /// The slots by the time when their reports no longer count.
    ends: BTreeSet<(Instant, usize)>,
    /// Streams that count, of each pipeline and of each client.
    by_pipeline: Vec<usize>,
    by_client: BTreeMap<Client, usize>,
}

/// Whose a report is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reporter {
    pub(super) stream: StreamId,
    pub(super) client: Client,
    pub(super) pipeline: usize,
}

/// The latest report of a stream.
#[derive(Debug, Clone, Copy)]
struct Report {
    reporter: Reporter,
    end: Instant,
}

/// How long the report of a stream counts, by the frames per second that it sends.
pub(super) fn offer_lasts(fps: f64) -> Duration {
    // An unknown rate, 0, makes infinity.
    let silent = Duration::try_from_secs_f64(INTERVALS / fps).unwrap_or(OFFER_LASTS);
    silent.clamp(OFFER_LASTS, OFFER_LASTS_AT_MOST)
}

impl OfferedLoad {
    pub(super) fn new(pipelines: usize) -> Self {
        Self {
            trees: Lane::ALL.map(|_| LoadTree::new()),
            slots: BTreeMap::new(),
            reports: Vec::new(),
            free: Vec::new(),
            ends: BTreeSet::new(),
            by_pipeline: vec![0; pipelines],
            by_client: BTreeMap::new(),
        }
    }

    /// Notes what a stream asks for, in seconds of each lane per second, for as long as it `lasts`, and forgets
    /// the streams that have been silent. No `now` may be much before the one of an earlier call.
    pub(super) fn report(
        &mut self,
        reporter: Reporter,
        seconds: [f64; 2],
        lasts: Duration,
        now: Instant,
    ) {
        let stream = reporter.stream;
        let slot = match self.slots.get(&stream).copied() {
            Some(slot) => {
                self.trees.iter_mut().for_each(|tree| tree.remove(slot));
                self.ends.remove(&(self.reports[slot].end, slot));
                slot
            }
            None => {
                let slot = self.free.pop().unwrap_or(self.reports.len());
                self.slots.insert(stream, slot);
                self.by_pipeline[reporter.pipeline] += 1;
                if reporter.client != Client::Own {
                    *self.by_client.entry(reporter.client).or_default() += 1;
                }
                slot
            }
        };
        let report = Report { reporter, end: now + lasts };
        if slot == self.reports.len() {
            self.reports.push(report);
        } else {
            self.reports[slot] = report;
        }
        self.ends.insert((report.end, slot));
        self.forget_silent(now);
        let weight = self.weight(reporter.client, self.streams_of(reporter.client));
        for (tree, seconds) in self.trees.iter_mut().zip(seconds) {
            tree.insert(slot, Load { seconds, weight });
        }
    }

    /// Seconds that all streams together ask for, per second that there is, of the busier lane.
    pub(super) fn ratio(&mut self, now: Instant) -> f64 {
        self.forget_silent(now);
        self.trees.iter().map(LoadTree::asked_for).fold(0.0, f64::max)
    }

    fn forget_silent(&mut self, now: Instant) {
        while let Some((end, slot)) = self.ends.first().copied()
            && end <= now
        {
            self.remove(self.reports[slot].reporter.stream);
        }
    }

    /// Forgets a stream.
    pub(super) fn remove(&mut self, stream: StreamId) {
        let Some(slot) = self.slots.remove(&stream) else { return };
        self.trees.iter_mut().for_each(|tree| tree.remove(slot));
        self.free.push(slot);
        let Report { reporter: Reporter { client, pipeline, .. }, end } = self.reports[slot];
        self.ends.remove(&(end, slot));
        self.by_pipeline[pipeline] -= 1;
        if let Some(streams) = self.by_client.get_mut(&client) {
            *streams -= 1;
            if *streams == 0 {
                self.by_client.remove(&client);
            }
        }
    }

    /// Number of streams of a pipeline that count.
    pub(super) fn streams(&self, pipeline: usize) -> usize {
        self.by_pipeline[pipeline]
    }

    /// How many times what a frame costs is charged. All posts together, which are one client, get no more
    /// than any session.
    pub(super) fn times_charged(&self, client: Client) -> usize {
        match client {
            Client::Posts => self.sessions(),
            Client::Own | Client::Address(_) | Client::Videos => 1,
        }
    }

    /// Number of streams of a client that count, at least the one that is asked about.
    fn streams_of(&self, client: Client) -> usize {
        self.by_client.get(&client).copied().unwrap_or(1)
    }

    /// Number of streams that count and are not posts, at least 1.
    fn sessions(&self) -> usize {
        let posts = self.by_client.get(&Client::Posts).copied().unwrap_or(0);
        (self.slots.len() - posts).max(1)
    }

    /// Whether a stream counts.
    pub(super) fn contains(&self, stream: StreamId) -> bool {
        self.slots.contains_key(&stream)
    }

    /// Most seconds of a lane per second that a stream gets, however much it asks for.
    pub(super) fn fair_share(&self, stream: StreamId, client: Client, lane: Lane) -> f64 {
        let own = self.slots.get(&stream).copied();
        let streams = match (own, self.by_client.get(&client)) {
            (None, Some(others)) => others + 1,
            _ => self.streams_of(client),
        };
        self.trees[lane as usize].fair_share(own, self.weight(client, streams))
    }

    /// The weight of a stream of a client with this many streams.
    fn weight(&self, client: Client, streams: usize) -> f64 {
        let clients = if client == Client::Posts { self.sessions() } else { 1 };
        1.0 / (streams * clients) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const ALICE: Client = Client::Address(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));

    fn reporter(stream: u64, client: Client) -> Reporter {
        Reporter { stream: StreamId(stream), client, pipeline: 0 }
    }

    /// The share by the definition: each stream in order of load per weight gets what it asks for as long
    /// as that is below its share of the rest.
    fn naive_share(own_weight: f64, others: &[(f64, f64)]) -> f64 {
        let mut others = others.to_vec();
        others.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let mut server = 1.0;
        let mut weight = own_weight + others.iter().map(|(_, weight)| weight).sum::<f64>();
        for (seconds, of) in others {
            if seconds / of >= server / weight {
                break;
            }
            server -= seconds;
            weight -= of;
        }
        own_weight * server / weight
    }

    /// The share of a stream beside others with these loads.
    fn share(others: &[f64]) -> f64 {
        let now = Instant::now();
        let mut offered = OfferedLoad::new(1);
        for (number, seconds) in (1..).zip(others) {
            offered.report(reporter(number, Client::Own), [*seconds, 0.0], OFFER_LASTS, now);
        }
        offered.fair_share(StreamId(0), Client::Own, Lane::Fast)
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn alone_a_stream_gets_everything() {
        assert_near(share(&[]), 1.0);
    }

    #[test]
    fn light_streams_get_what_they_ask_for_and_the_rest_is_shared() {
        assert_near(share(&[0.05; 9]), 0.55);
        assert_near(share(&[1.0, 0.1, 0.1, 0.1]), 0.35);
    }

    #[test]
    fn greedy_streams_share_evenly_whatever_their_frames_cost() {
        assert_near(share(&[0.6, 1.0]), 1.0 / 3.0);
        assert_near(share(&[1000.0, 1.0, 0.5]), 0.25);
        assert_near(share(&[f64::INFINITY; 2]), 1.0 / 3.0);
    }

    #[test]
    fn the_ratio_is_what_is_asked_for_lately_of_the_busier_lane() {
        let now = Instant::now();
        let mut offered = OfferedLoad::new(1);
        assert_near(offered.ratio(now) + 1.0, 1.0);
        offered.report(reporter(1, ALICE), [0.5, 0.1], OFFER_LASTS, now);
        offered.report(reporter(2, Client::Own), [0.75, 0.2], OFFER_LASTS, now + OFFER_LASTS / 2);
        assert_near(offered.ratio(now + OFFER_LASTS / 2), 1.25);
        assert_near(offered.ratio(now + OFFER_LASTS), 0.75);
        offered.report(reporter(3, ALICE), [0.0, 0.9], OFFER_LASTS, now + OFFER_LASTS);
        assert_near(offered.ratio(now + OFFER_LASTS), 1.1);
    }

    #[test]
    fn many_streams_of_a_client_get_what_one_client_gets() {
        let now = Instant::now();
        let mut offered = OfferedLoad::new(1);
        // Twice, because a report holds the weight that there was when it was made.
        for stream in (1..=400).chain(1..=400) {
            offered.report(reporter(stream, ALICE), [0.25, 0.0], OFFER_LASTS, now);
        }
        assert_near(offered.fair_share(StreamId(0), Client::Own, Lane::Fast), 0.5);
        assert_near(offered.fair_share(StreamId(1), ALICE, Lane::Fast), 1.0 / 400.0);
        offered.report(reporter(0, Client::Own), [0.25, 0.0], OFFER_LASTS, now);
        assert_near(offered.fair_share(StreamId(1), ALICE, Lane::Fast), 0.75 / 400.0);
        (2..=400).for_each(|stream| offered.remove(StreamId(stream)));
        assert_near(offered.fair_share(StreamId(1), ALICE, Lane::Fast), 0.75);
        offered.remove(StreamId(1));
        assert!(offered.by_client.is_empty());
    }

    #[test]
    fn all_posts_together_get_no_more_than_a_session() {
        let now = Instant::now();
        let mut offered = OfferedLoad::new(1);
        for _ in 0..2 {
            (1..=4).for_each(|session| {
                offered.report(reporter(session, ALICE), [1.0, 0.0], OFFER_LASTS, now)
            });
            (5..=8).for_each(|post| {
                offered.report(reporter(post, Client::Posts), [1.0, 0.0], OFFER_LASTS, now)
            });
        }
        assert_eq!((offered.times_charged(ALICE), offered.times_charged(Client::Posts)), (1, 4));
        assert_near(offered.fair_share(StreamId(1), ALICE, Lane::Fast), 1.0 / 5.0);
        assert_near(offered.fair_share(StreamId(5), Client::Posts, Lane::Fast), 1.0 / 20.0);
    }

    #[test]
    fn a_stream_that_falls_silent_no_longer_counts() {
        let start = Instant::now();
        let mut offered = OfferedLoad::new(4);
        let [one, other] = [StreamId(0), StreamId(1)];
        let of_other = Reporter { pipeline: 3, ..reporter(1, ALICE) };
        offered.report(of_other, [0.25, 0.0], OFFER_LASTS, start);
        offered.report(reporter(0, ALICE), [0.05, 0.0], OFFER_LASTS, start + OFFER_LASTS / 2);
        assert!(offered.contains(other));
        assert_eq!((offered.streams(3), offered.streams_of(ALICE)), (1, 2));
        offered.report(reporter(0, ALICE), [0.05, 0.0], OFFER_LASTS, start + OFFER_LASTS);
        assert!(!offered.contains(other) && offered.contains(one));
        assert_eq!((offered.streams(3), offered.streams_of(ALICE)), (0, 1));
        offered.report(of_other, [0.25, 0.0], OFFER_LASTS, start + OFFER_LASTS);
        offered.remove(one);
        assert!(offered.contains(other) && !offered.contains(one));
        assert_eq!(offered.reports.len(), 2, "its slot is free again");
        assert_eq!(offered.ends.len(), 1);
    }

    /// A crowd that follows advice of less than one frame in two seconds: each learns its share beside all
    /// others, not beside the few that have just sent.
    #[test]
    fn a_slow_stream_counts_between_its_frames() {
        let start = Instant::now();
        let mut offered = OfferedLoad::new(1);
        let fps = 0.125;
        for frame in 0..2 {
            for stream in 0..400 {
                let now =
                    start + Duration::from_secs(8 * frame) + Duration::from_millis(20 * stream);
                let seconds = [0.02 * fps, 0.0];
                offered.report(reporter(stream, ALICE), seconds, offer_lasts(fps), now);
            }
        }
        let now = start + Duration::from_secs(16);
        assert_near(offered.ratio(now), 1.0);
        assert_near(offered.fair_share(StreamId(0), ALICE, Lane::Fast), 0.02 * fps);
        assert_near(offered.ratio(now + Duration::from_secs(20)) + 1.0, 1.0);
    }

    #[test]
    fn how_long_a_report_counts_has_bounds() {
        let seconds = |fps| offer_lasts(fps).as_secs_f64();
        assert_eq!([0.0, f64::INFINITY, 30.0, 1.0, 0.001].map(seconds), [2.0, 2.0, 2.0, 2.5, 60.0]);
    }

    /// Random populations that come, go, fall silent and change their loads: each share is that of the
    /// definition.
    #[test]
    fn shares_are_those_of_the_definition() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..30 {
            let mut offered = OfferedLoad::new(1);
            // Load, weight and time of the latest report.
            let mut known: BTreeMap<u64, (f64, f64, Instant)> = BTreeMap::new();
            let mut now = Instant::now();
            let client = |stream: u64| if stream.is_multiple_of(3) { ALICE } else { Client::Own };
            for _ in 0..200 {
                now += Duration::from_millis(random.u64(0..60));
                let stream = random.u64(0..40);
                if random.u8(0..10) == 0 {
                    offered.remove(StreamId(stream));
                    known.remove(&stream);
                    continue;
                }
                let seconds = match random.u8(0..10) {
                    0 => f64::INFINITY,
                    1 => 0.0,
                    2 => 0.1,
                    _ => 0.001 + 0.5 * random.f64() * random.f64(),
                };
                offered.report(reporter(stream, client(stream)), [seconds, 0.0], OFFER_LASTS, now);
                known.insert(stream, (seconds, 1.0, now));
                known.retain(|_, (_, _, at)| now.duration_since(*at) < OFFER_LASTS);
                let siblings = |of: u64, known: &BTreeMap<u64, _>| match client(of) {
                    ALICE => known.keys().filter(|other| client(**other) == ALICE).count(),
                    _ => 1,
                };
                let weight = 1.0 / siblings(stream, &known) as f64;
                known.insert(stream, (seconds, weight, now));
                assert_eq!(offered.streams(0), known.len());

                // Of one that has just reported, and of one that may never have.
                for stream in [stream, random.u64(0..41)] {
                    let others = known.iter().filter(|(other, _)| **other != stream);
                    let others: Vec<(f64, f64)> =
                        others.map(|(_, (seconds, weight, _))| (*seconds, *weight)).collect();
                    let itself =
                        usize::from(!known.contains_key(&stream) && client(stream) == ALICE);
                    let weight = 1.0 / (siblings(stream, &known) + itself) as f64;
                    let found = offered.fair_share(StreamId(stream), client(stream), Lane::Fast);
                    assert_near(found, naive_share(weight, &others));
                }
            }
        }
    }

    /// The work per arrival is bounded by the height of the tree: a hundred times as many streams double it
    /// or so.
    #[test]
    fn a_thousand_streams_make_a_shallow_tree() {
        let mut random = fastrand::Rng::with_seed(4);
        let now = Instant::now();
        let mut height = |streams: u64| {
            let mut offered = OfferedLoad::new(1);
            // In order, and then each again with another load.
            for round in 0..3 {
                for stream in 0..streams {
                    let seconds = if round == 0 { stream as f64 } else { random.f64() };
                    offered.report(reporter(stream, Client::Own), [seconds, 0.0], OFFER_LASTS, now);
                }
            }
            offered.trees[0].height()
        };
        assert!(height(10) <= 10);
        let thousand = height(1000);
        assert!((10..=30).contains(&thousand), "{thousand}");
    }
}
