//! Query parameters.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Query parameters of `/ws/video/stream`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The pipeline that runs the frames; by default the server's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// `1` asks for the greeting as the server's first message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello: Option<String>,
}

/// Query parameters of `/readyz`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadinessQuery {
    /// `new`: whether there is room for another session. A load balancer asks this way, and sends no new
    /// sessions to a server that is full while those it has go on.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub purpose: Option<ReadyFor>,
}

/// The purpose that a server should be ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadyFor {
    /// A new session.
    New,
}

/// Query parameters of `POST /infer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InferQuery {
    /// The pipeline that runs the image; by default the server's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
}

impl StreamQuery {
    /// Whether the client asked for the greeting.
    pub fn wants_greeting(&self) -> bool {
        self.hello.as_deref() == Some("1")
    }
}
