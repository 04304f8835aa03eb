//! What each stream can have, by the definition of weighted max-min fairness.

use std::time::Duration;

use super::{LEAST, Model, OFFER_LASTS, Owner, Spent, Stream, share, worker_time};

fn median(values: impl Iterator<Item = Duration>) -> Option<f64> {
    let mut values: Vec<Duration> = values.collect();
    values.sort();
    values.get(values.len().checked_sub(1)? / 2).map(Duration::as_secs_f64)
}

impl Model {
    /// Seconds of the fast lane or the device, of the slow lane, and of a worker.
    fn costs(&self, stream: usize) -> [f64; 3] {
        let Stream { pipeline, ref recent, ref offered, announced, .. } = self.streams[stream];
        let itself = usize::from(offered.is_none());
        let streams = self.counting(|stream| stream.pipeline == pipeline) + itself;
        let announced =
            announced.map(|expensive| (worker_time(expensive), share(expensive), true, expensive));
        let recent = match recent.is_empty() {
            true => announced.into_iter().collect(),
            false => recent.clone(),
        };
        let reached = recent.iter().filter(|(_, _, reached, _)| *reached).count() as f64;
        let reached = if recent.is_empty() { 1.0 } else { reached / recent.len() as f64 };
        let of_lane = |slow: bool| {
            let share = |spent: &Spent| if spent.3 == slow { spent.1 } else { Duration::ZERO };
            median(recent.iter().map(share)).unwrap_or(0.0)
        };
        let device = Self::device_seconds(pipeline, streams) * reached;
        let common = of_lane(false).max(device).max(LEAST.as_secs_f64());
        [common, of_lane(true), median(recent.iter().map(|spent| spent.0)).unwrap_or(0.0)]
    }

    pub(super) fn report(&mut self, stream: usize, fps: f64) {
        let [common, slow, worker] = self.costs(stream);
        let through = fps.min(self.share(stream, 1) / slow).min(1.0 / worker);
        let seconds = [through * common, if slow > 0.0 { fps * slow } else { 0.0 }];
        // Until its next frames are overdue.
        let lasts = Duration::try_from_secs_f64(2.5 / fps).unwrap_or(OFFER_LASTS);
        let end = self.now + lasts.max(OFFER_LASTS).min(Duration::from_secs(60));
        self.streams[stream].offered = Some((seconds, 1.0, end));
        for other in &mut self.streams {
            other.offered = other.offered.filter(|(_, _, end)| self.now < *end);
        }
        let weight = self.weight(stream, 0);
        self.streams[stream].offered = Some((seconds, weight, end));
    }

    /// The weight of a stream, beside so many that are not counted.
    fn weight(&self, stream: usize, more: usize) -> f64 {
        let owner = self.streams[stream].owner;
        let clients = if owner == Owner::Posts { self.sessions() } else { 1 };
        let counted = match owner {
            Owner::Alone => 1,
            _ => (self.counting(|stream| stream.owner == owner) + more).max(1),
        };
        1.0 / (counted * clients) as f64
    }

    /// Weighted max-min fairness by its definition: the level at which a lane is just full.
    fn share(&self, stream: usize, lane: usize) -> f64 {
        let own = self.weight(stream, usize::from(self.streams[stream].offered.is_none()));
        let busy = |level: f64| -> f64 {
            let others = self.streams.iter().enumerate().filter(|(at, _)| *at != stream);
            let others = others.filter_map(|(_, other)| other.offered);
            own * level + others.map(|(loads, w, _)| loads[lane].min(w * level)).sum::<f64>()
        };
        let (mut low, mut high) = (0.0, 1000.0);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if busy(middle) < 1.0 { low = middle } else { high = middle }
        }
        own * low
    }

    pub(in crate::flow::model) fn sustainable_fps(&self, stream: usize) -> f64 {
        let [common, slow, worker] = self.costs(stream);
        let fair = self.share(stream, 0) / common;
        fair.min(self.share(stream, 1) / slow).min(1.0 / worker)
    }
}
