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
