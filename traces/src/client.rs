//! The exporter's HTTP client.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use ureq::Agent;

/// Longest that a batch of spans may take: others wait meanwhile, and once there is no room for more they are lost.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// Most bytes of an answer that are read: a collector says what it refused.
const ANSWER_LIMIT: u64 = 64 << 10;

/// Sends batches, one after the other, on the exporter's thread, which it blocks.
#[derive(Debug)]
pub(crate) struct Client(Agent);

impl Client {
    pub(crate) fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(SEND_LIMIT))
            .max_redirects(0)
            .http_status_as_error(false);
        Self(config.build().into())
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, &body[..]))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(ANSWER_LIMIT).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}
