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

impl ConfigureMessage {
    /// Reads the message.
    ///
    /// # Errors
    /// The text is not such a message.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let mut text = serde_json::Deserializer::from_str(text);
        let message = from_object(&mut text)?;
        text.end()?;
        Ok(message)
    }
}

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

    fn read(json: &str) -> Result<DetectionChanges, serde_json::Error> {
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
        for json in [
            "",
            "{}",
            "[]",
            "[{}]",
            r#"{"configure":{}} and more"#,
            r#"{"frame":1}"#,
            r#"{"configure":[]}"#,
            r#"{"configure":{},"more":1}"#,
            r#"{"configure":{"confidence":0.5}}"#,
            r#"{"configure":{"conf":"0.5"}}"#,
            r#"{"configure":{"max_det":-1}}"#,
            r#"{"configure":{"text":2}}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        for json in [r#"{"configure":{"text":1}}"#, r#"{"configure":{"text":true}}"#] {
            assert!(read(json).is_ok(), "{json}");
        }
    }
}
