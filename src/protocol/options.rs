//! The options of a session or a request: which detections are reported to it.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Longest text message that is read, in bytes.
pub const MAX_TEXT: usize = 16 << 10;

/// The text message that a client may send: it changes the options of its session, and is answered by the greeting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigureMessage {
    /// The changes. An option that is absent stays; `null` is the server's default again.
    #[serde(deserialize_with = "from_object")]
    pub configure: DetectionChanges,
}

/// Why a text message cannot be read. Says so to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigureError {
    /// It is not a message that changes options.
    #[error("Expected binary frame payload, received text message")]
    OtherText,
    #[error("configure must be an object, and the only key")]
    NotAnObject,
    #[error("configure has no key {0:?}; its keys are conf, iou, classes, max_det and text")]
    UnknownKey(String),
    #[error("{0} must be {1}, or null")]
    Value(&'static str, &'static str),
}

impl ConfigureMessage {
    /// Reads the message.
    ///
    /// # Errors
    /// [`ConfigureError`].
    pub fn read(text: &str) -> Result<Self, ConfigureError> {
        let message: serde_json::Map<_, _> =
            serde_json::from_str(text).map_err(|_| ConfigureError::OtherText)?;
        let configure = message.get("configure").ok_or(ConfigureError::OtherText)?;
        let Some(changes) = configure.as_object().filter(|_| message.len() == 1) else {
            return Err(ConfigureError::NotAnObject);
        };
        for (key, value) in changes {
            let Some(&(key, values)) = OPTIONS.iter().find(|(name, _)| name == key) else {
                // A client cannot make the server repeat more.
                return Err(ConfigureError::UnknownKey(key.chars().take(100).collect()));
            };
            let one = serde_json::json!({ (key): value });
            if serde_json::from_value::<DetectionChanges>(one).is_err() {
                return Err(ConfigureError::Value(key, values));
            }
        }
        let read = serde_json::from_value(configure.clone());
        read.map(|configure| Self { configure }).map_err(|_| ConfigureError::OtherText)
    }
}

/// The options, and what their values are in words.
const OPTIONS: [(&str, &str); 5] = [
    ("conf", "a number from 0 to 1"),
    ("iou", "a number from 0 to 1"),
    ("classes", "a text or a list, of labels and class numbers"),
    ("max_det", "a whole number, at least 1"),
    ("text", "true or false"),
];

/// Reads an object and nothing else: by itself serde also takes the values of a structure from a list.
fn from_object<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let keys = serde_json::Map::deserialize(deserializer)?;
    T::deserialize(serde_json::Value::Object(keys)).map_err(D::Error::custom)
}

/// Changes of a session's options.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectionChanges {
    /// Lowest score of a detection.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f32>, minimum = 0, maximum = 1)]
    pub conf: Option<Option<f32>>,
    /// Overlap above which the lower-scoring of two boxes is dropped.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f32>, minimum = 0, maximum = 1)]
    pub iou: Option<Option<f32>>,
    /// The classes to report, as labels or class numbers; `person:0.6` gives a class a lowest score of its own.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ClassList>)]
    pub classes: Option<Option<ClassList>>,
    /// Most detections per frame: those with the highest scores.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<usize>, minimum = 1)]
    pub max_det: Option<Option<usize>>,
    /// Whether what is in the boxes is also read, by pipelines that can.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<bool>)]
    pub text: Option<Option<Switch>>,
}

/// Classes, each as a label or a number, with a lowest score of its own or without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ClassList {
    /// Separated by commas.
    Text(String),
    /// One by one; an entry may contain commas.
    Entries(Vec<ClassEntry>),
}

/// A class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ClassEntry {
    /// A class number.
    Number(usize),
    /// A label or a class number, and perhaps `:` and the lowest score.
    Text(String),
}

/// A yes or no, as JSON or as the query has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Switch {
    /// `true` or `false`.
    Bool(bool),
    /// `1` or `0`.
    Number(Bit),
}

/// `0` or `1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Bit(bool);

impl From<Switch> for bool {
    fn from(switch: Switch) -> Self {
        match switch {
            Switch::Bool(on) | Switch::Number(Bit(on)) => on,
        }
    }
}

impl TryFrom<u8> for Bit {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self(false)),
            1 => Ok(Self(true)),
            _ => Err("neither 0 nor 1"),
        }
    }
}

impl From<Bit> for u8 {
    fn from(Bit(bit): Bit) -> Self {
        bit.into()
    }
}

/// The options in force in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionSettings {
    /// Lowest score of a detection.
    #[schema(minimum = 0, maximum = 1)]
    pub conf: f64,
    /// Overlap above which the lower-scoring of two boxes is dropped.
    #[schema(minimum = 0, maximum = 1)]
    pub iou: f64,
    /// The classes that are reported, in the form in which they can be asked for; `null` for all.
    pub classes: Option<Vec<String>>,
    /// Most detections per frame.
    #[schema(minimum = 1)]
    pub max_det: usize,
    /// Whether detections carry `track_id`.
    pub track: bool,
    /// Whether what is in the boxes is read, by a pipeline that can.
    #[serde(default)]
    pub text: bool,
}

/// Distinguishes a key with the value `null` from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<DetectionChanges, ConfigureError> {
        ConfigureMessage::read(json).map(|message| message.configure)
    }

    #[test]
    fn what_is_absent_stays_and_null_resets() {
        let changes = read(r#"{"configure":{"conf":0.5,"max_det":null}}"#).unwrap();
        let expected =
            DetectionChanges { conf: Some(Some(0.5)), max_det: Some(None), ..Default::default() };
        assert_eq!(changes, expected);
        let message = ConfigureMessage { configure: changes };
        let json = r#"{"configure":{"conf":0.5,"max_det":null}}"#;
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
        assert_eq!(read(r#"{"configure":{}}"#).unwrap(), DetectionChanges::default());
    }

    #[test]
    fn classes_are_a_text_or_a_list() {
        let text = read(r#"{"configure":{"classes":"person:0.6,2"}}"#).unwrap().classes;
        assert_eq!(text, Some(Some(ClassList::Text("person:0.6,2".to_owned()))));
        let list = read(r#"{"configure":{"classes":["person:0.6",2]}}"#).unwrap().classes;
        let entries = vec![ClassEntry::Text("person:0.6".to_owned()), ClassEntry::Number(2)];
        assert_eq!(list, Some(Some(ClassList::Entries(entries))));
    }

    #[test]
    fn other_texts_are_refused() {
        let other = "Expected binary frame payload, received text message";
        let no_object = "configure must be an object, and the only key";
        for (json, detail) in [
            ("", other),
            ("{}", other),
            ("[]", other),
            ("[{}]", other),
            (r#"{"configure":{}} and more"#, other),
            (r#"{"frame":1}"#, other),
            (r#"{"configure":[]}"#, no_object),
            (r#"{"configure":{},"more":1}"#, no_object),
            (
                r#"{"configure":{"confidence":0.5}}"#,
                "configure has no key \"confidence\"; its keys are conf, iou, classes, max_det and text",
            ),
            (r#"{"configure":{"conf":"0.5"}}"#, "conf must be a number from 0 to 1, or null"),
            (
                r#"{"configure":{"max_det":-1}}"#,
                "max_det must be a whole number, at least 1, or null",
            ),
            (
                r#"{"configure":{"iou":0.5,"max_det":1.0}}"#,
                "max_det must be a whole number, at least 1, or null",
            ),
            (
                r#"{"configure":{"classes":7}}"#,
                "classes must be a text or a list, of labels and class numbers, or null",
            ),
            (r#"{"configure":{"text":2}}"#, "text must be true or false, or null"),
        ] {
            assert_eq!(read(json).unwrap_err().to_string(), detail, "{json}");
        }
        for json in [r#"{"configure":{"text":1}}"#, r#"{"configure":{"text":true}}"#] {
            assert!(read(json).is_ok(), "{json}");
        }
    }

    #[test]
    fn every_option_has_words_for_its_values() {
        let all = DetectionChanges {
            conf: Some(None),
            iou: Some(None),
            classes: Some(None),
            max_det: Some(None),
            text: Some(None),
        };
        let keys = serde_json::to_value(all).unwrap();
        assert!(OPTIONS.iter().all(|(key, _)| keys.get(key).is_some()));
        assert_eq!(keys.as_object().unwrap().len(), OPTIONS.len());
    }
}
