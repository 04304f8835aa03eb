//! Cameras that are watched: each is connected to, again and again if need be, and its newest frame is run
//! through a pipeline.
//!
//! ```text
//! camera ─▶ keep_up ─▶ session ─▶ engine      a session per camera; the newest frame wins
//!   ▲          │          │ ▲        │
//!   └ again ───┘          │ └────────┘ replies
//!                         ├─▶ JSON lines, metrics
//!                         └─▶ sinks: a webhook, an MQTT broker
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `address` | where a camera is, and what may be shown of that |
//! | `camera` | connects to one and yields its frames, a file per kind |
//! | `attention` | whether anything is seen, for `--keyframes` |
//! | `backoff` | how long to wait before the next attempt |
//! | `keep_up` | connects again after every failure and every silence |
//! | `session` | frames into the engine, results out |
//! | `analyser`, `remote` | the engine of this process, or a server elsewhere |
//! | `answer` | the fate of each frame, and advice |
//! | `line`, `lines` | a result as a line of JSON, and the way to where they are printed |
//! | `sinks` | reports to a webhook or an MQTT broker that something has appeared, or left |
//! | `metrics`, `endpoint` | which cameras are up, for Prometheus |

mod address;
mod analyser;
mod answer;
mod attention;
mod backoff;
mod camera;
mod endpoint;
mod keep_up;
mod line;
mod lines;
mod metrics;
mod remote;
mod session;
mod sinks;

pub use address::{AddressError, CameraAddress};
pub use analyser::Analysers;
pub use camera::CameraLimits;
pub use endpoint::serve_metrics;
pub use metrics::WatchMetrics;
pub use remote::RemoteTarget;
pub use session::{Watched, watch};
pub use sinks::{MqttAddress, SinkAddressError, SinkAddresses, WebhookAddress};
