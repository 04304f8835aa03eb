//! Which frames are sent.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample,
};

use crate::FRAME;

/// Sends a share of all frames. A request that is to be left out is; one that is to be followed is followed, but of
/// the frames of a session, which may last for days, only the share is.
#[derive(Debug, Clone)]
pub(crate) struct Share(pub(crate) f64);

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _trace: TraceId,
        name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span());
        let parent = parent.as_ref().map(|span| span.span_context()).filter(|span| span.is_valid());
        let is_sent = match parent {
            Some(span) if !span.is_sampled() => false,
            Some(span) if !(span.is_remote() && name == FRAME) => true,
            _ => self.chance(),
        };
        let decision =
            if is_sent { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        let trace_state = parent.map(|span| span.trace_state().clone()).unwrap_or_default();
        SamplingResult { decision, attributes: vec![], trace_state }
    }
}

impl Share {
    fn chance(&self) -> bool {
        // 63 random bits, of which f64 keeps the first 53.
        let bits = u64::from_be_bytes(RandomIdGenerator::default().new_span_id().to_bytes()) >> 1;
        (bits as f64) < self.0 * (1u64 << 63) as f64
    }
}
