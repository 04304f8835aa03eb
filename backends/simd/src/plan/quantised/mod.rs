//! Finds what can be computed on bytes: convolutions between quantised numbers, sums, products and functions
//! of them, and what only moves them.
//!
//! ```text
//! dequantize ─▶ convolution ─▶ activation ─▶ quantize      a convolution of bytes
//! dequantize ─▶ sigmoid ─▶ … ─▶ quantize                   a table
//! two dequantize ─▶ sum or product ─▶ quantize             a sum or product of bytes
//! ```
//!
//! A byte holds a quantised number less the smallest one of its type, so that signed and unsigned ones are the
//! same here. Storing bytes loses nothing, so whatever has no kernel for them reads the numbers as `f32`.

mod lattice;
mod table;

use std::collections::HashMap;

use framegate_backend_api::graph::{
    Activation, Binary, Convolution, Graph, Node, Operator, Resize, ResizeMode, ValueId, Window,
};

use super::byte_scale::byte_scale;
use super::classify::Lowering;
use super::fuse::{Fusion, Fusions};
use super::window_axes::axes;
use crate::kernels::combine_bytes::Pairing;
use crate::kernels::quantise::ByteScale;
use crate::kernels::table::Table;
use crate::steps::Rescale;
use table::{ByteFunction, Known};

/// A node that is computed on bytes.
#[derive(Debug, Clone)]
pub(crate) enum OnBytes {
    Convolution(ByteConvolution),
    Map {
        source: ValueId,
        table: Box<Table>,
    },
    Combine {
        sources: [ValueId; 2],
        pairing: Pairing,
        scale: ByteScale,
    },
    /// A convolution of `f32`, whose results become bytes as they are stored.
    Stored(ByteScale),
}

impl OnBytes {
    pub(crate) fn reads_bytes(&self) -> bool {
        !matches!(self, Self::Stored(_))
    }
}

/// A convolution of a map of bytes.
#[derive(Debug, Clone)]
pub(crate) struct ByteConvolution {
    pub(crate) source: ValueId,
    /// The byte that stands for 0.
    pub(crate) zero: i32,
    /// In the order of the graph's.
    pub(crate) weights: Vec<i16>,
    pub(crate) rescale: Rescale,
}

/// The maps of bytes of a graph.
#[derive(Debug)]
pub(crate) struct ByteMaps {
    /// By node.
    pub(crate) of_node: Vec<Option<OnBytes>>,
    /// By value, for maps of bytes: the number that a byte of 0 is.
    pub(crate) lows: Vec<Option<f32>>,
    /// By value: whether the step that computes it writes bytes.
    pub(crate) is_written: Vec<bool>,
}

impl ByteMaps {
    /// How a byte of this map becomes its number as an `f32`: less a zero point, times a scale.
    pub(crate) fn zero_and_scale(&self, id: ValueId) -> Option<[f32; 2]> {
        self.lows[id.0].map(|low| [-low, 1.0])
    }
}

/// Finds the maps and what is computed on them; nodes that become part of others, and those that only they
/// read, lose their fusion.
pub(crate) fn find(graph: &Graph, lowerings: &[Lowering], fusions: &mut Fusions) -> ByteMaps {
    let mut readers = vec![None; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|id| readers[id.0] = Some(index));
    }
    let mut search = Search {
        graph,
        lowerings,
        uses: graph.use_counts(),
        producers: graph.producers(),
        readers,
        functions: HashMap::new(),
        maps: ByteMaps {
            of_node: vec![None; graph.nodes.len()],
            lows: vec![None; graph.values.len()],
            is_written: vec![false; graph.values.len()],
        },
    };
    for (index, lowering) in lowerings.iter().enumerate() {
        if *lowering != Lowering::Scalar && fusions.of_node[index].is_some() {
            search.visit(index, fusions);
        }
    }
    let Search { mut maps, .. } = search;
    let reads = drop_unread(graph, &maps, fusions);
    fuse_tables(&mut maps, fusions, &reads);
    maps
}

/// A quantised number that a value stands for.
struct Dequantised {
    number: ValueId,
    /// As a byte of the number's map.
    zero: f32,
    scale: f32,
}

struct Search<'a> {
    graph: &'a Graph,
    lowerings: &'a [Lowering],
    /// By value.
    uses: Vec<usize>,
    producers: Vec<Option<usize>>,
    /// One of the nodes that read each value.
    readers: Vec<Option<usize>>,
    functions: HashMap<ValueId, ByteFunction>,
    maps: ByteMaps,
}

impl Search<'_> {
    fn visit(&mut self, index: usize, fusions: &mut Fusions) {
        let node = &self.graph.nodes[index];
        match &node.operator {
            Operator::Convolution(parameters) => self.convolution(index, parameters, fusions),
            Operator::TransposedConvolution(parameters) => {
                self.note_quantised(node.outputs[0], parameters.activation);
            }
            Operator::Activation(quantize @ Activation::Quantize { .. }) => {
                if let Some((scale, low)) = byte_scale(*quantize) {
                    self.quantize(node, *quantize, scale, low, index);
                }
            }
            Operator::MaxPool(window) if self.has_elements(node, window) => self.movement(index),
            Operator::Concat { .. }
            | Operator::Slice(_)
            | Operator::Gather { .. }
            | Operator::Resize(Resize { mode: ResizeMode::Nearest(_), .. }) => self.movement(index),
            _ => {}
        }
    }

    /// Whether every window has an element. The largest of none is not a byte.
    fn has_elements(&self, node: &Node, window: &Window) -> bool {
        let axes = axes(self.graph, node.inputs[0], node.outputs[0], window);
        axes.iter().all(|axis| (0..axis.windows).all(|it| !axis.taps_inside(it).is_empty()))
    }

    /// A node that moves elements of feature maps of bytes.
    fn movement(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let moved = match node.operator {
            Operator::Concat { .. } => &node.inputs[..],
            _ => &node.inputs[..1],
        };
        let low = self.maps.lows[moved[0].0];
        if low.is_some() && moved.iter().all(|id| self.maps.lows[id.0] == low) {
            let result = node.outputs[0];
            self.maps.lows[result.0] = low;
            self.maps.is_written[result.0] = self.lowerings[index] == Lowering::Kernel;
        }
    }

    /// Notes that a value is quantised, though it is computed in `f32`.
    fn note_quantised(&mut self, id: ValueId, activation: Option<Activation>) {
        self.maps.lows[id.0] = activation.and_then(byte_scale).map(|(_, low)| low);
    }

    fn quantize(
        &mut self,
        node: &Node,
        quantize: Activation,
        scale: ByteScale,
        low: f32,
        index: usize,
    ) {
        let (x, result) = (node.inputs[0], node.outputs[0]);
        let known = Known {
            graph: self.graph,
            producers: &self.producers,
            lows: &self.maps.lows,
            functions: &self.functions,
        };
        if let Some(function) = known.function(x, quantize, low) {
            let ByteFunction { source, table } = function.clone();
            self.maps.of_node[index] = Some(OnBytes::Map { source, table });
            self.functions.insert(result, function);
        } else {
            self.maps.of_node[index] = self.combination(x, scale);
        }
        self.maps.lows[result.0] = Some(low);
        self.maps.is_written[result.0] = true;
    }

    /// A sum or product of what two maps stand for, perhaps cut off below 0.
    fn combination(&self, x: ValueId, mut scale: ByteScale) -> Option<OnBytes> {
        let mut node = self.node(x)?;
        if node.operator == Operator::Activation(Activation::Relu) {
            scale.low = scale.low.max(scale.zero).min(scale.high);
            node = self.node(node.inputs[0])?;
        }
        let [a, b] = node.inputs[..] else { return None };
        let (a, b) = (self.dequantised(a)?, self.dequantised(b)?);
        let shape = |id: ValueId| &self.graph.value(id).shape;
        if shape(a.number) != shape(x) || shape(b.number) != shape(x) {
            return None;
        }
        let pairing = match node.operator {
            Operator::Binary(Binary::Add) => {
                let factors = [a.scale, b.scale].map(|it| f64::from(it) / f64::from(scale.scale));
                let offset = factors[0] * f64::from(a.zero) + factors[1] * f64::from(b.zero);
                let factors = factors.map(|factor| factor as f32);
                Pairing::Sum { factors, offset: -offset as f32 }
            }
            Operator::Binary(Binary::Mul) => {
                let product = f64::from(a.scale) * f64::from(b.scale);
                let factor = (product / f64::from(scale.scale)) as f32;
                Pairing::Product { zeros: [a.zero, b.zero], factor }
            }
            _ => return None,
        };
        Some(OnBytes::Combine { sources: [a.number, b.number], pairing, scale })
    }

    fn convolution(&mut self, index: usize, parameters: &Convolution, fusions: &mut Fusions) {
        let result = self.graph.nodes[index].outputs[0];
        let Some(mut convolution) = self.byte_convolution(index, parameters, fusions) else {
            let fusion = fusions.of_node[index];
            if self.may_store_bytes(index, parameters, fusion.as_ref())
                && let Some((reader, scale, low)) = self.quantising_reader(result)
            {
                self.maps.of_node[index] = Some(OnBytes::Stored(scale));
                self.absorb(index, reader, low, fusions);
                return;
            }
            return self.note_quantised(result, parameters.activation);
        };
        fusions.of_node[index] = Some(Fusion { residual: None, after: None, result });
        if let Some((scale, low)) = parameters.activation.and_then(byte_scale) {
            convolution.rescale.scale = Some(scale);
            self.maps.lows[result.0] = Some(low);
            self.maps.is_written[result.0] = true;
        } else {
            convolution.rescale.activation = parameters.activation;
            if let Some((reader, scale, low)) = self.quantising_reader(result) {
                convolution.rescale.scale = Some(scale);
                self.absorb(index, reader, low, fusions);
            }
        }
        self.maps.of_node[index] = Some(OnBytes::Convolution(convolution));
    }

    /// The only reader of a value, if it makes bytes of it: how, and what a byte of 0 is.
    fn quantising_reader(&self, id: ValueId) -> Option<(usize, ByteScale, f32)> {
        let reader = self.readers[id.0].filter(|_| self.uses[id.0] == 1)?;
        let Operator::Activation(activation) = self.graph.nodes[reader].operator else {
            return None;
        };
        let (scale, low) = byte_scale(activation)?;
        (self.lowerings[reader] == Lowering::Kernel).then_some((reader, scale, low))
    }

    /// Makes the reader of a convolution's result, which makes bytes, part of the convolution.
    fn absorb(&mut self, convolution: usize, reader: usize, low: f32, fusions: &mut Fusions) {
        let result = self.graph.nodes[reader].outputs[0];
        fusions.of_node[reader] = None;
        fusions.of_node[convolution] = Some(Fusion { residual: None, after: None, result });
        self.maps.lows[result.0] = Some(low);
        self.maps.is_written[result.0] = true;
    }

    /// Whether a convolution of `f32` can store bytes: one with a single group and nothing added, but not those that are
    /// faster by Winograd's transforms, which store `f32`.
    fn may_store_bytes(
        &self,
        index: usize,
        parameters: &Convolution,
        fusion: Option<&Fusion>,
    ) -> bool {
        let taps = &self.graph.value(self.graph.nodes[index].inputs[1]).shape[2..];
        let is_three = taps == [3, 3] && parameters.stride == [1, 1];
        fusion.is_some_and(|fusion| fusion.residual.is_none())
            && self.lowerings[index] == Lowering::Kernel
            && parameters.groups == 1
            && !is_three
    }

    /// A convolution of bytes whose sums are exact, in 32-bit integers or, with a filter per channel, in `f32`.
    fn byte_convolution(
        &self,
        index: usize,
        parameters: &Convolution,
        fusions: &Fusions,
    ) -> Option<ByteConvolution> {
        let node = &self.graph.nodes[index];
        let is_plain = fusions.of_node[index].is_some_and(|fusion| fusion.residual.is_none());
        let is_depthwise = self.lowerings[index] == Lowering::Depthwise;
        if !is_plain || !(is_depthwise || parameters.groups == 1) {
            return None;
        }
        let x = self.dequantised(node.inputs[0])?;
        let constant =
            |id: &ValueId| self.graph.value(*id).constant.as_ref().and_then(|it| it.as_f32());
        let filters = self.graph.value(node.inputs[1]).shape[0];
        let lattice = lattice::lattice(constant(&node.inputs[1])?, filters)?;
        let zero = Some(x.zero).filter(|zero| zero.fract() == 0.0 && zero.abs() <= 16_384.0)?;
        let furthest = i64::from(zero.abs().max((255.0 - zero).abs()) as i32);
        let filter_len = lattice.integers.len() / filters;
        let most = if is_depthwise { 1 << 24 } else { i64::from(i32::MAX) };
        let is_exact = |filter: &[i16]| {
            let sum: i64 = filter.iter().map(|weight| i64::from(*weight).abs()).sum();
            sum * furthest <= most
        };
        if !lattice.integers.chunks_exact(filter_len).all(is_exact) {
            return None;
        }
        let offsets = match node.inputs.get(2) {
            Some(bias) => constant(bias)?.iter().map(|bias| f64::from(*bias)).collect(),
            None => vec![0.0; filters],
        };
        let factors = lattice.steps.iter().map(|step| step * f64::from(x.scale)).collect();
        Some(ByteConvolution {
            source: x.number,
            zero: zero as i32,
            weights: lattice.integers,
            rescale: Rescale { factors, offsets, activation: None, scale: None, table: None },
        })
    }

    /// The map of bytes behind a value: what it was dequantised from, or itself.
    fn dequantised(&self, id: ValueId) -> Option<Dequantised> {
        if let Some(low) = self.maps.lows[id.0] {
            return Some(Dequantised { number: id, zero: -low, scale: 1.0 });
        }
        let node = self.node(id)?;
        let Operator::Activation(Activation::Dequantize { scale, zero }) = node.operator else {
            return None;
        };
        let number = node.inputs[0];
        let low = self.maps.lows[number.0]?;
        Some(Dequantised { number, zero: zero - low, scale })
    }

    fn node(&self, id: ValueId) -> Option<&Node> {
        self.producers[id.0].map(|index| &self.graph.nodes[index])
    }
}

/// Takes the fusions of nodes whose results nothing reads any more, and counts who reads each value.
fn drop_unread(graph: &Graph, maps: &ByteMaps, fusions: &mut Fusions) -> Vec<usize> {
    let mut reads = vec![0; graph.values.len()];
    graph.outputs.iter().for_each(|id| reads[id.0] += 1);
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let Some(fusion) = fusions.of_node[index] else { continue };
        let mut results = node.outputs.iter().chain([&fusion.result]);
        if results.all(|id| reads[id.0] == 0) {
            fusions.of_node[index] = None;
            continue;
        }
        match &maps.of_node[index] {
            Some(OnBytes::Convolution(ByteConvolution { source, .. }))
            | Some(OnBytes::Map { source, .. }) => reads[source.0] += 1,
            Some(OnBytes::Combine { sources, .. }) => {
                sources.iter().for_each(|id| reads[id.0] += 1)
            }
            None | Some(OnBytes::Stored(_)) => {
                let residual = fusion.residual.iter();
                node.inputs.iter().chain(residual).for_each(|id| reads[id.0] += 1);
            }
        }
    }
    reads
}

/// Makes a table part of the convolution whose result only it reads.
fn fuse_tables(maps: &mut ByteMaps, fusions: &mut Fusions, reads: &[usize]) {
    let mut computed: HashMap<ValueId, usize> = HashMap::new();
    for index in 0..maps.of_node.len() {
        let Some(fusion) = fusions.of_node[index] else { continue };
        computed.insert(fusion.result, index);
        let Some(OnBytes::Map { source, table }) = &maps.of_node[index] else { continue };
        let (source, table) = (*source, table.clone());
        let Some(convolution) = computed.get(&source).copied() else { continue };
        if reads[source.0] == 1
            && let Some(OnBytes::Convolution(own)) = &mut maps.of_node[convolution]
        {
            own.rescale.table = Some(table);
            fusions.of_node[index] = None;
            fusions.of_node[convolution] =
                Some(Fusion { residual: None, after: None, result: fusion.result });
            computed.insert(fusion.result, convolution);
            // Another table must not be found to follow this one: it would replace it.
            computed.remove(&source);
        }
    }
}
