//! How stage times are written in JSON.

use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::stages::StageTimes;

/// [`StageTimes`] as on the wire: milliseconds in each stage, by its name, and their sum as `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimingsMs(StageTimes);

impl From<StageTimes> for TimingsMs {
    fn from(times: StageTimes) -> Self {
        Self(times)
    }
}

impl Serialize for TimingsMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (stage, time) in self.0.iter() {
            map.serialize_entry(stage.name(), &milliseconds(time))?;
        }
        map.serialize_entry("total", &milliseconds(self.0.total()))?;
        map.end()
    }
}

/// Milliseconds, to the microsecond: more digits would be noise.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
