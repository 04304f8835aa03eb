//! Which messages say what: topics and payloads, with those by which Home Assistant finds the cameras.

use serde_json::{Value, json};

use crate::watch::sinks::change::{Change, ChangeKind};

/// Where Home Assistant looks for devices.
const DISCOVERY: &str = "homeassistant/binary_sensor";
/// States of a class before a camera.
pub(super) const ON: &str = "ON";
const OFF: &str = "OFF";
/// Topics of a camera that are not those of classes.
const AVAILABILITY: &str = "availability";
const CODE: &str = "code";

/// A retained message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: String,
}

/// The topics below a prefix.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    prefix: String,
}

impl Topics {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Whether this program is connected. The last will says that it is not.
    pub(super) fn status(&self, is_online: bool) -> Message {
        message(format!("{}/status", self.prefix), word(is_online))
    }

    /// Whether there are results of a camera.
    pub(super) fn availability(&self, source: &str, is_online: bool) -> Message {
        message(format!("{}/{source}/{AVAILABILITY}", self.prefix), word(is_online))
    }

    /// Announces to Home Assistant whether a camera delivers.
    pub(super) fn connectivity(&self, source: &str) -> Message {
        let id = format!("{}_connectivity", self.device_id(source));
        let config = json!({
            "name": "Connectivity",
            "unique_id": id,
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": self.availability(source, true).topic,
            "payload_on": word(true),
            "payload_off": word(false),
            "availability": [{ "topic": self.status(true).topic }],
            "device": self.device(source),
        });
        message(format!("{DISCOVERY}/{id}/config"), &config.to_string())
    }

    /// The messages about a change. A class is announced to Home Assistant together with its state.
    pub(super) fn of(&self, Change { source, kind, time }: &Change) -> Vec<Message> {
        match kind {
            ChangeKind::Up => vec![self.availability(source, true)],
            ChangeKind::Down { .. } => vec![self.availability(source, false)],
            ChangeKind::Known => Vec::new(),
            ChangeKind::Appeared { label, .. } => {
                vec![self.discovery(source, label), self.presence(source, label, true)]
            }
            ChangeKind::Read { label, text, format } => {
                let code =
                    json!({ "label": **label, "text": **text, "format": format, "time": time });
                vec![message(format!("{}/{source}/{CODE}", self.prefix), &code.to_string())]
            }
            ChangeKind::Left { label, .. } => vec![self.presence(source, label, false)],
        }
    }

    /// Whether something of a class is before a camera.
    pub(super) fn presence(&self, source: &str, label: &str, is_there: bool) -> Message {
        message(self.presence_topic(source, label), if is_there { ON } else { OFF })
    }

    /// That nothing of the class with this topic is there.
    pub(super) fn absent(topic: String) -> Message {
        message(topic, OFF)
    }

    /// A filter for the topics of all classes before a camera, and others at the same level.
    pub(super) fn filter(&self, source: &str) -> String {
        format!("{}/{source}/+", self.prefix)
    }

    /// The name of the camera that a topic is about, if it is that of a class.
    pub(super) fn source_of_presence<'a>(&self, topic: &'a str) -> Option<&'a str> {
        let below = topic.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        let (source, class) = below.split_once('/')?;
        (!class.contains('/') && ![AVAILABILITY, CODE].contains(&class)).then_some(source)
    }

    fn presence_topic(&self, source: &str, label: &str) -> String {
        format!("{}/{source}/{}", self.prefix, level(label))
    }

    fn discovery(&self, source: &str, label: &str) -> Message {
        let id = format!("{}_{}", self.device_id(source), id(label));
        let config = json!({
            "name": label,
            "unique_id": id,
            "state_topic": self.presence_topic(source, label),
            "payload_on": ON,
            "payload_off": OFF,
            "availability_mode": "all",
            "availability": [
                { "topic": self.status(true).topic },
                { "topic": self.availability(source, true).topic },
            ],
            "device": self.device(source),
        });
        message(format!("{DISCOVERY}/{id}/config"), &config.to_string())
    }

    /// A camera, as Home Assistant shows it with all its sensors.
    fn device(&self, source: &str) -> Value {
        json!({
            "identifiers": [self.device_id(source)],
            "name": source,
            "manufacturer": "Framegate",
            "sw_version": env!("CARGO_PKG_VERSION"),
        })
    }

    fn device_id(&self, source: &str) -> String {
        let levels = self.prefix.split('/').chain([source]).map(id);
        levels.collect::<Vec<_>>().join("_")
    }
}

fn message(topic: String, payload: &str) -> Message {
    Message { topic, payload: payload.to_owned() }
}

fn word(is_online: bool) -> &'static str {
    if is_online { "online" } else { "offline" }
}

/// A text as a level of a topic.
fn level(text: &str) -> String {
    let allowed = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
    text.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect()
}

/// A text in the letters that Home Assistant allows in an id: others are written as numbers, so that different names
/// have different ids.
fn id(text: &str) -> String {
    let mut id = String::new();
    for letter in text.chars() {
        match letter {
            ' ' => id.push('_'),
            '-' | '_' => id.push(letter),
            _ if letter.is_ascii_alphanumeric() => id.push(letter),
            _ => id += &format!("_{:x}_", u32::from(letter)),
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use framegate_barcodes::BarcodeFormat;

    use super::*;

    #[test]
    fn a_camera_is_announced_with_its_connectivity() {
        let topics = Topics::new("home/cams");
        let announced = topics.connectivity("10.0.0.5");
        let id = "home_cams_10_2e_0_2e_0_2e_5_connectivity";
        assert_eq!(announced.topic, format!("homeassistant/binary_sensor/{id}/config"));
        let config: Value = serde_json::from_str(&announced.payload).unwrap();
        assert_eq!(
            (&config["unique_id"], &config["device_class"]),
            (&id.into(), &"connectivity".into())
        );
        for (is_online, key) in [(true, "payload_on"), (false, "payload_off")] {
            let state = topics.availability("10.0.0.5", is_online);
            assert_eq!(
                (&config["state_topic"], &config[key]),
                (&state.topic.into(), &state.payload.into())
            );
        }
        // It must not become unavailable when the camera does.
        assert_eq!(config["availability"], json!([{ "topic": "home/cams/status" }]));
    }

    #[test]
    fn names_in_any_letters_have_topics_and_ids_of_their_own() {
        let topics = Topics::new("framegate");
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let mut seen = std::collections::BTreeSet::new();
        for (source, label) in
            [("a.b", "x"), ("a_b", "x"), ("Küche", "人"), ("Köche", "车"), ("Küche", "车")]
        {
            let announced = topics.discovery(source, label);
            let config: Value = serde_json::from_str(&announced.payload).unwrap();
            let id = config["unique_id"].as_str().unwrap().to_owned();
            assert!(id.chars().all(allowed), "{id}");
            let state = topics.presence(source, label, true).topic;
            assert_eq!(topics.source_of_presence(&state), Some(source));
            assert!(seen.insert(id) && seen.insert(state), "{source} {label}");
        }
    }

    #[test]
    fn a_class_is_announced_and_has_a_state() {
        let topics = Topics::new("home/cams");
        let change = |kind| Change { source: "10.0.0.5".into(), time: 0.0, kind };
        let label = || "traffic light".into();
        let appeared = topics.of(&change(ChangeKind::Appeared { label: label(), score: 0.9 }));
        let [discovery, state] = &appeared[..] else { panic!("{appeared:?}") };
        let id = "home_cams_10_2e_0_2e_0_2e_5_traffic_light";
        assert_eq!(discovery.topic, format!("homeassistant/binary_sensor/{id}/config"));
        let config: Value = serde_json::from_str(&discovery.payload).unwrap();
        assert_eq!((&config["unique_id"], &config["name"]), (&id.into(), &"traffic light".into()));
        assert_eq!(config["state_topic"], state.topic);
        assert_eq!(config["availability"][0]["topic"], "home/cams/status");
        assert_eq!(config["availability"][1]["topic"], "home/cams/10.0.0.5/availability");
        assert_eq!(state.topic, "home/cams/10.0.0.5/traffic_light");
        assert_eq!(state.payload, config["payload_on"]);
        let left = topics.of(&change(ChangeKind::Left { label: label(), seconds: 1.0 }));
        assert_eq!((&left[0].topic, &left[0].payload), (&state.topic, &"OFF".to_owned()));
        let (text, format) = ("FG 1".into(), Some(BarcodeFormat::QrCode));
        let read = topics.of(&change(ChangeKind::Read { label: "qr".into(), text, format }));
        assert_eq!(read[0].topic, "home/cams/10.0.0.5/code");
        let code: Value = serde_json::from_str(&read[0].payload).unwrap();
        assert_eq!((&code["text"], &code["format"]), (&"FG 1".into(), &"qr_code".into()));
        let up = topics.of(&change(ChangeKind::Up));
        assert_eq!(up, [topics.availability("10.0.0.5", true)]);
    }
}
