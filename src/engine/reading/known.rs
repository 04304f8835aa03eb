//! The texts that a stream has seen lately.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use framegate_barcodes::{BarcodeFormat, Content};
use framegate_tracking::{MEMORY, Observation, Tracker};

use super::look::{Look, Thumbnail};
use crate::observation::observation;
use crate::stages::Detection;

/// A box that could not be read is not tried again for this long, unless it looks different.
const PATIENCE: Duration = Duration::from_millis(500);

/// The texts of one stream, by the tracks along which they were read. A box is not read again as long as its track lasts
/// and it looks the same, since another code may have come to its place, unless its text has a lifetime.
#[derive(Debug)]
pub(crate) struct KnownTexts {
    tracker: Tracker,
    began: Instant,
    /// How long a text is believed without another look.
    lifetime: Option<Duration>,
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

impl KnownTexts {
    pub(crate) fn new(began: Instant, lifetime: Option<Duration>) -> Self {
        Self { tracker: Tracker::default(), began, lifetime, known: BTreeMap::new() }
    }

    /// Writes known texts into the detections of a frame, has the others read, and remembers what they say.
    pub(crate) fn complete(
        &mut self,
        received: Instant,
        thumbnail: &Thumbnail,
        detections: Vec<&mut Detection>,
        read: impl FnOnce(Vec<&mut Detection>),
    ) {
        let now = received.saturating_duration_since(self.began);
        let observations: Vec<Observation> =
            detections.iter().map(|detection| observation(detection)).collect();
        let tracks = self.tracker.update(now, &observations);
        let looks: Vec<Look> =
            detections.iter().map(|detection| thumbnail.look(detection)).collect();
        let mut unread = Vec::new();
        for ((detection, track), look) in detections.into_iter().zip(tracks).zip(looks) {
            if !self.recall(track, now, &look, detection) {
                unread.push((detection, track, look));
            }
        }
        if !unread.is_empty() {
            read(unread.iter_mut().map(|(detection, ..)| &mut **detection).collect());
        }
        for (detection, track, look) in unread {
            let text = text_of(detection);
            self.known.insert(track, Known { look, seen: now, read: now, text });
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
        let age = now.saturating_sub(known.read);
        match &known.text {
            Some(_) if self.lifetime.is_some_and(|lifetime| age >= lifetime) => return false,
            Some(text) => text.write(detection),
            None => return age < PATIENCE,
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
        known: &mut KnownTexts,
        code: u64,
        milliseconds: std::ops::Range<u64>,
        text: Option<&str>,
    ) -> (usize, Vec<Option<String>>) {
        let mut reads = 0;
        let mut texts = Vec::new();
        for at in milliseconds.step_by(67) {
            let mut detections = seen();
            let received = known.began + Duration::from_millis(at);
            let to_read = detections.iter_mut().collect();
            known.complete(received, &thumbnail(code, at), to_read, |unread| {
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
        let mut known = KnownTexts::new(Instant::now(), None);
        let (reads, texts) = show(&mut known, 1, 0..10_000, Some("FG"));
        assert_eq!((reads, texts.len()), (1, 150));
        assert!(texts.iter().all(|text| text.as_deref() == Some("FG")));
    }

    #[test]
    fn another_code_in_its_place_is_read() {
        let mut known = KnownTexts::new(Instant::now(), None);
        show(&mut known, 1, 0..1000, Some("one"));
        let (reads, texts) = show(&mut known, 2, 1005..2000, Some("two"));
        assert_eq!(reads, 1);
        assert!(texts.iter().all(|text| text.as_deref() == Some("two")), "{texts:?}");
    }

    #[test]
    fn a_text_with_a_lifetime_is_read_again_when_that_is_over() {
        let mut known = KnownTexts::new(Instant::now(), Some(Duration::from_secs(1)));
        let (reads, texts) = show(&mut known, 1, 0..10_000, Some("27"));
        assert!((9..=10).contains(&reads), "{reads}");
        assert!(texts.iter().all(|text| text.as_deref() == Some("27")));
        // It looks the same, and nothing can be read any more.
        let (_, texts) = show(&mut known, 1, 10_050..12_000, None);
        assert_eq!(texts.last(), Some(&None));
    }

    #[test]
    fn a_code_that_cannot_be_read_is_tried_now_and_then() {
        let mut known = KnownTexts::new(Instant::now(), None);
        let (reads, texts) = show(&mut known, 1, 0..10_000, None);
        assert!((18..=21).contains(&reads), "{reads}");
        assert!(texts.iter().all(Option::is_none));
    }

    #[test]
    fn a_code_that_has_gone_is_forgotten() {
        let mut known = KnownTexts::new(Instant::now(), None);
        show(&mut known, 1, 0..1000, Some("FG"));
        let later = known.began + Duration::from_secs(4);
        known.complete(later, &thumbnail(3, 0), Vec::new(), |_| {});
        assert!(known.known.is_empty());
    }
}
