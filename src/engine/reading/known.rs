//! The codes that a stream has seen lately.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use framegate_barcodes::{BarcodeFormat, Content};
use framegate_tracking::{MEMORY, Observation, Tracker};

use super::look::{Look, Thumbnail};
use crate::observation::observation;
use crate::stages::Detection;

/// A code that could not be read is not tried again for this long, unless it looks different.
const PATIENCE: Duration = Duration::from_millis(500);

/// The codes of one stream, by what was read along their tracks. A code is not read again as long as its track lasts and it
/// looks the same: another code may have come to its place.
#[derive(Debug)]
pub(crate) struct KnownCodes {
    tracker: Tracker,
    began: Instant,
    known: BTreeMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    look: Look,
    seen: Duration,
    read: Duration,
    text: Option<KnownText>,
}

#[derive(Debug, Clone)]
struct KnownText {
    text: String,
    format: Option<BarcodeFormat>,
    content: Option<Content>,
    /// In widths and heights of the box.
    corners: Option<[[f32; 2]; 4]>,
}

impl KnownCodes {
    pub(crate) fn new(began: Instant) -> Self {
        Self { tracker: Tracker::default(), began, known: BTreeMap::new() }
    }

    /// Writes known texts into the detections of a frame, has the others read, and remembers what they say.
    pub(crate) fn complete(
        &mut self,
        received: Instant,
        thumbnail: &Thumbnail,
        detections: &mut [Detection],
        read: impl FnOnce(Vec<&mut Detection>),
    ) {
        let now = received.saturating_duration_since(self.began);
        let observations: Vec<Observation> = detections.iter().map(observation).collect();
        let tracks = self.tracker.update(now, &observations);
        let looks: Vec<Look> =
            detections.iter().map(|detection| thumbnail.look(detection)).collect();
        let mut unread = Vec::new();
        let mut to_read = Vec::new();
        for (index, detection) in detections.iter_mut().enumerate() {
            if self.recall(tracks[index], now, &looks[index], detection) {
                continue;
            }
            unread.push(index);
            to_read.push(detection);
        }
        if !to_read.is_empty() {
            read(to_read);
        }
        for index in unread {
            let look = looks[index].clone();
            let text = text_of(&detections[index]);
            self.known.insert(tracks[index], Known { look, seen: now, read: now, text });
        }
        self.known.retain(|_, known| now.saturating_sub(known.seen) <= MEMORY);
    }

    /// Writes what is known of a track into its detection. `false` if it has to be read.
    fn recall(
        &mut self,
        track: u64,
        now: Duration,
        look: &Look,
        detection: &mut Detection,
    ) -> bool {
        let Some(known) = self.known.get_mut(&track) else { return false };
        if !known.look.is_like(look) {
            return false;
        }
        // Follows changes that are slow.
        known.look = look.clone();
        known.seen = now;
        match &known.text {
            Some(text) => text.write(detection),
            None => return now.saturating_sub(known.read) < PATIENCE,
        }
        true
    }
}

impl KnownText {
    fn write(&self, detection: &mut Detection) {
        let Self { text, format, content, corners } = self.clone();
        let Detection { x, y, width, height, .. } = *detection;
        let on_frame = |[across, down]: [f32; 2]| [x + across * width, y + down * height];
        detection.text = Some(text);
        (detection.format, detection.content) = (format, content);
        detection.corners = corners.map(|corners| corners.map(on_frame));
    }
}

fn text_of(detection: &Detection) -> Option<KnownText> {
    let Detection { x, y, width, height, format, content, .. } = *detection;
    let in_box = |[across, down]: [f32; 2]| [(across - x) / width, (down - y) / height];
    Some(KnownText {
        text: detection.text.clone()?,
        format,
        content,
        corners: detection.corners.map(|corners| corners.map(in_box)),
    })
}

#[cfg(test)]
mod tests {
    use framegate_barcodes::GreyImage;

    use super::*;

    const SIDE: usize = 200;

    /// An image of random cells, with noise all over.
    fn thumbnail(code: u64, noise: u64) -> Thumbnail {
        let mut cells = fastrand::Rng::with_seed(code);
        let cells: Vec<u8> = (0..400).map(|_| if cells.bool() { 50 } else { 200 }).collect();
        let mut noises = fastrand::Rng::with_seed(noise);
        let pixels = (0..SIDE * SIDE).map(|index| {
            let (x, y) = (index % SIDE, index / SIDE);
            let cell = cells[(y / 10) * 20 + x / 10];
            cell + noises.u8(0..12)
        });
        let image = GreyImage { pixels: pixels.collect(), width: SIDE, height: SIDE };
        Thumbnail::of_grey(image)
    }

    fn seen() -> Vec<Detection> {
        vec![Detection::of_box("qr_code", 0, 0.9, [100.0, 120.0, 160.0, 160.0])]
    }

    /// Shows a code for some frames, 15 per second; returns how often it was read, and the texts of the results.
    fn show(
        known: &mut KnownCodes,
        code: u64,
        milliseconds: std::ops::Range<u64>,
        text: Option<&str>,
    ) -> (usize, Vec<Option<String>>) {
        let mut reads = 0;
        let mut texts = Vec::new();
        for at in milliseconds.step_by(67) {
            let mut detections = seen();
            let received = known.began + Duration::from_millis(at);
            known.complete(received, &thumbnail(code, at), &mut detections, |unread| {
                reads += unread.len();
                for detection in unread {
                    detection.text = text.map(str::to_owned);
                }
            });
            texts.extend(detections.into_iter().map(|detection| detection.text));
        }
        (reads, texts)
    }

    #[test]
    fn a_code_that_is_held_still_is_read_once_and_always_reported() {
        let mut known = KnownCodes::new(Instant::now());
        let (reads, texts) = show(&mut known, 1, 0..10_000, Some("FG"));
        assert_eq!((reads, texts.len()), (1, 150));
        assert!(texts.iter().all(|text| text.as_deref() == Some("FG")));
    }

    #[test]
    fn another_code_in_its_place_is_read() {
        let mut known = KnownCodes::new(Instant::now());
        show(&mut known, 1, 0..1000, Some("one"));
        let (reads, texts) = show(&mut known, 2, 1005..2000, Some("two"));
        assert_eq!(reads, 1);
        assert!(texts.iter().all(|text| text.as_deref() == Some("two")), "{texts:?}");
    }

    #[test]
    fn a_code_that_cannot_be_read_is_tried_now_and_then() {
        let mut known = KnownCodes::new(Instant::now());
        let (reads, texts) = show(&mut known, 1, 0..10_000, None);
        assert!((18..=21).contains(&reads), "{reads}");
        assert!(texts.iter().all(Option::is_none));
    }

    #[test]
    fn a_code_that_has_gone_is_forgotten() {
        let mut known = KnownCodes::new(Instant::now());
        show(&mut known, 1, 0..1000, Some("FG"));
        let later = known.began + Duration::from_secs(4);
        known.complete(later, &thumbnail(3, 0), &mut [], |_| {});
        assert!(known.known.is_empty());
    }
}
