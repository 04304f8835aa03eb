//! A graph on a device, ready to run any number of times.

use burn_tensor::{Device, ExecutionError, Float, TensorData, Transaction};
use framegate_backend_api::graph::{Batching, Graph};

use crate::device::OpenDevice;
use crate::operators::{Operands, Operation, prepare};
use crate::value::{MAX_RANK, Ranked, Value, with_rank};

/// A graph whose weights are on a device.
pub(crate) struct Plan {
    steps: Vec<Step>,
    /// By value number.
    constants: Vec<Option<Value>>,
    input: usize,
    input_shape: Vec<usize>,
    outputs: Vec<Read>,
    batching: Batching,
    device: Device,
}

struct Step {
    operation: Operation,
    inputs: Vec<Read>,
    outputs: Vec<usize>,
}

/// A value being read.
struct Read {
    value: usize,
    /// Whether this is the last read, after which the memory can be reused.
    last: bool,
}

impl Plan {
    /// Uploads the constants of `graph` and prepares its nodes, or explains what burn cannot do.
    pub(crate) fn new(graph: &Graph, open: &OpenDevice) -> Result<Self, String> {
        check_shapes(graph)?;
        let device = open.handle();
        let mut reads = reads(graph).into_iter();
        let steps = graph.nodes.iter().map(|node| Step {
            operation: prepare(graph, node, open),
            inputs: reads.by_ref().take(node.inputs.len()).collect(),
            outputs: node.outputs.iter().map(|id| id.0).collect(),
        });
        let steps = steps.collect();
        let constants = graph.values.iter().zip(graph.use_counts()).map(|(value, uses)| {
            let constant = value.constant.as_ref().filter(|_| uses > 0)?;
            Some(Value::upload(constant, &device))
        });
        Ok(Self {
            steps,
            constants: constants.collect(),
            input: graph.input.0,
            input_shape: graph.value(graph.input).shape.clone(),
            outputs: reads.collect(),
            batching: graph.batching,
            device,
        })
    }

    /// Runs the graph on `batch` images, whose elements are in `images`.
    ///
    /// Returns the outputs as `f32`: all outputs of the first run, then all of the second, …. The graph's
    /// [`Batching`] decides how many images are in a run.
    pub(crate) fn run(
        &self,
        images: &[f32],
        batch: usize,
    ) -> Result<Vec<TensorData>, ExecutionError> {
        let images_in_a_run = match self.batching {
            Batching::FirstAxis => batch,
            Batching::OneByOne => 1,
        };
        // Queues every run before reading anything back, to wait for the device only once.
        let mut results = Transaction::default();
        for images in images.chunks_exact(images.len() / batch * images_in_a_run) {
            for output in self.queue(images, images_in_a_run) {
                results = with_rank!(output, tensor => results.register(tensor));
            }
        }
        results.try_execute()
    }

    fn queue(&self, images: &[f32], batch: usize) -> Vec<Ranked<Float>> {
        let mut shape = self.input_shape.clone();
        shape[0] = batch;
        let input = TensorData::new(images.to_vec(), shape);
        let mut values: Vec<Option<Value>> = vec![None; self.constants.len()];
        values[self.input] = Some(Value::Float(Ranked::upload(input, &self.device)));
        for step in &self.steps {
            let inputs = step.inputs.iter().map(|read| self.read(&mut values, read)).collect();
            let results = (step.operation)(Operands::new(inputs), batch);
            for (value, result) in step.outputs.iter().zip(results) {
                values[*value] = Some(result);
            }
        }
        self.outputs.iter().map(|read| self.read(&mut values, read).into_float()).collect()
    }

    fn read(&self, values: &mut [Option<Value>], read: &Read) -> Value {
        let value = match &self.constants[read.value] {
            Some(constant) => Some(constant.clone()),
            None if read.last => values[read.value].take(),
            None => values[read.value].clone(),
        };
        value.expect("nodes are in execution order")
    }
}

/// Every read of a value in execution order: the nodes' operands, then the outputs.
fn reads(graph: &Graph) -> Vec<Read> {
    let operands = graph.nodes.iter().flat_map(|node| &node.inputs);
    let values: Vec<usize> = operands.chain(&graph.outputs).map(|id| id.0).collect();
    let mut is_read_later = vec![false; graph.values.len()];
    let mut reads: Vec<Read> = values
        .into_iter()
        .rev()
        .map(|value| Read { value, last: !std::mem::replace(&mut is_read_later[value], true) })
        .collect();
    reads.reverse();
    reads
}

fn check_shapes(graph: &Graph) -> Result<(), String> {
    for (value, uses) in graph.values.iter().zip(graph.use_counts()) {
        // An unused constant left over from import, such as the empty region of a resize.
        if value.constant.is_some() && uses == 0 {
            continue;
        }
        if value.shape.len() > MAX_RANK {
            return Err(format!(
                "value `{}` has {} axes; burn backends support up to {MAX_RANK}",
                value.name,
                value.shape.len()
            ));
        }
        if value.shape.contains(&0) {
            return Err(format!(
                "value `{}` has no elements, which burn backends do not support",
                value.name
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{AxisSlice, Binary, GraphBuilder, Operator, Unary};

    use super::*;

    #[test]
    fn values_are_moved_at_their_last_read() {
        let mut builder = GraphBuilder::new("x", [1, 2]);
        let x = builder.input();
        let square = builder.push("square", Operator::Binary(Binary::Mul), &[x, x]).unwrap();
        let root = builder.push("root", Operator::Unary(Unary::Sqrt), &[square]).unwrap();
        let graph = builder.finish(vec![root, square]);
        let last: Vec<(usize, bool)> =
            reads(&graph).iter().map(|read| (read.value, read.last)).collect();
        let (x, square, root) = (x.0, square.0, root.0);
        assert_eq!(last, [(x, false), (x, true), (square, false), (root, true), (square, true)]);
    }

    #[test]
    fn a_value_with_too_many_axes_is_named() {
        let mut builder = GraphBuilder::new("x", [1, 2]);
        let shape = vec![1, 1, 1, 1, 1, 1, 2];
        let deep = builder.push("deep", Operator::Reshape { shape }, &[builder.input()]).unwrap();
        let problem =
            Plan::new(&builder.finish(vec![deep]), &OpenDevice::Cpu(Device::flex())).err().unwrap();
        assert!(problem.contains("`deep` has 7 axes"), "{problem}");
    }

    #[test]
    fn a_value_without_elements_is_named() {
        let mut builder = GraphBuilder::new("x", [1, 2]);
        let nothing = AxisSlice { start: 1, step: 1, len: 0 };
        let slice = Operator::Slice(vec![AxisSlice::all(1), nothing]);
        let empty = builder.push("empty", slice, &[builder.input()]).unwrap();
        let problem = Plan::new(&builder.finish(vec![empty]), &OpenDevice::Cpu(Device::flex()))
            .err()
            .unwrap();
        assert!(problem.contains("`empty` has no elements"), "{problem}");
    }

    #[test]
    fn an_empty_constant_that_nothing_reads_is_accepted() {
        let mut builder = GraphBuilder::new("x", [1, 2]);
        builder.constant("region", HostTensor::from_f32([0], Vec::new()));
        let root = builder.push("root", Operator::Unary(Unary::Sqrt), &[builder.input()]).unwrap();
        assert!(Plan::new(&builder.finish(vec![root]), &OpenDevice::Cpu(Device::flex())).is_ok());
    }
}
