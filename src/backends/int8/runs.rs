//! Runs of a part of the model.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use framegate_backend_api::graph::{Graph, ValueId};
use framegate_backend_api::{
    Backend, BackendError, InputBatch, Limits, Model, OutputBatch, Session,
};
use framegate_models::quantise::Observation;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::backends::batch_time::batch_time;

/// Memory for the values that are observed in one run, in elements.
const MOST_ELEMENTS: usize = 64 << 20;

/// Runs graphs of one model.
pub(super) struct Runs<'a> {
    pub(super) backend: &'a dyn Backend,
    pub(super) model: &'a Model,
    pub(super) threads: usize,
}

impl Runs<'_> {
    /// Observes these values for all images.
    pub(super) fn observe(
        &self,
        ids: &[ValueId],
        images: &[Vec<f32>],
    ) -> Result<HashMap<ValueId, Observation>, BackendError> {
        let mut seen: HashMap<ValueId, Observation> = HashMap::new();
        let input = self.model.graph.input;
        let computed: Vec<ValueId> = ids.iter().copied().filter(|id| *id != input).collect();
        if computed.len() < ids.len() {
            let of_input = seen.entry(input).or_default();
            images.iter().for_each(|image| of_input.observe(image));
        }
        for ids in self.in_memory(&computed) {
            let graph = Graph { outputs: ids.clone(), ..self.model.graph.clone() };
            self.run(graph.without_dead_nodes(), images, |outputs| {
                for (id, tensor) in ids.iter().zip(&outputs.tensors) {
                    seen.entry(*id).or_default().observe(tensor.image(0));
                }
            })?;
        }
        Ok(seen)
    }

    /// The outputs of a graph for each image.
    pub(super) fn outputs(
        &self,
        graph: Graph,
        images: &[Vec<f32>],
    ) -> Result<Vec<OutputBatch>, BackendError> {
        let mut all = Vec::with_capacity(images.len());
        self.run(graph.without_dead_nodes(), images, |outputs| all.push(outputs.clone()))?;
        Ok(all)
    }

    /// The fastest of some runs of the whole model with this graph.
    pub(super) fn time(&self, graph: &Graph) -> Result<Duration, BackendError> {
        let model = Model { graph: graph.clone(), ..self.model.clone() };
        let mut session = self.load(&model)?;
        let start = Instant::now();
        batch_time(session.as_mut(), &|| start.elapsed(), &model, &self.limits())
    }

    fn run(
        &self,
        graph: Graph,
        images: &[Vec<f32>],
        mut deliver: impl FnMut(&OutputBatch),
    ) -> Result<(), BackendError> {
        let mut input = InputBatch::new(graph.image_shape(), 1);
        input.set_len(1);
        let mut outputs = OutputBatch::declared_by(&graph);
        let model = Model { graph, ..self.model.clone() };
        let mut session = self.load(&model)?;
        for image in images {
            input.slots_mut().for_each(|slot| slot.copy_from_slice(image));
            session.infer(&input, &mut outputs)?;
            deliver(&outputs);
        }
        Ok(())
    }

    /// There may be as many sessions as convolutions, so each loads silently.
    fn load(&self, model: &Model) -> Result<Box<dyn Session>, BackendError> {
        with_default(NoSubscriber::new(), || self.backend.load(model, &self.limits()))
    }

    fn limits(&self) -> Limits {
        Limits { max_batch: 1, threads: self.threads }
    }

    /// The values in parts that fit in memory together.
    fn in_memory(&self, ids: &[ValueId]) -> Vec<Vec<ValueId>> {
        let mut parts: Vec<Vec<ValueId>> = Vec::new();
        let mut room = 0;
        for id in ids {
            let len = self.model.graph.value(*id).shape.iter().product::<usize>();
            if len > room {
                parts.push(Vec::new());
                room = MOST_ELEMENTS;
            }
            room = room.saturating_sub(len);
            parts.last_mut().expect("there is a part").push(*id);
        }
        parts
    }
}
