//! Why operands do not fit an operator.

use std::ops::RangeInclusive;

use super::AxisSlice;
use crate::ElementType;

/// A reason why operands do not fit an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Their number.
    #[error("takes {allowed:?} operands, got {got}")]
    Count {
        /// How many it takes.
        allowed: RangeInclusive<usize>,
        /// How many there are.
        got: usize,
    },
    /// The types of their elements.
    #[error("cannot work on elements of types {0:?}")]
    Types(Vec<ElementType>),
    /// A shape is not that of feature maps.
    #[error("works on [batch, channels, height, width], got {0:?}")]
    NotFeatureMaps(Vec<usize>),
    /// There is no such axis.
    #[error("{shape:?} has no axis {axis}")]
    Axis {
        /// The axis.
        axis: usize,
        /// The shape without it.
        shape: Vec<usize>,
    },
    /// An axis from which something is chosen is empty.
    #[error("axis {axis} of {shape:?} has no elements to choose from")]
    Empty {
        /// The axis.
        axis: usize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// A list that needs an entry for each axis has another length.
    #[error("needs {needed} axes, got {got:?}")]
    Rank {
        /// Number of axes.
        needed: usize,
        /// The list.
        got: Vec<usize>,
    },
    /// A list that does not name each axis once.
    #[error("{permutation:?} is not a permutation of the axes of {shape:?}")]
    Permutation {
        /// The list.
        permutation: Vec<usize>,
        /// The shape.
        shape: Vec<usize>,
    },
    /// Axes that cannot be reduced.
    #[error("cannot reduce the axes {axes:?} of {shape:?}")]
    Reduction {
        /// The axes.
        axes: Vec<usize>,
        /// The shape.
        shape: Vec<usize>,
    },
    /// A slice that reaches beyond an axis.
    #[error("{slice:?} leaves an axis of {extent} elements")]
    Slice {
        /// The slice.
        slice: AxisSlice,
        /// The extent of the axis.
        extent: usize,
    },
    /// More elements are wanted than an axis has.
    #[error("cannot take {wanted} of the {extent} elements of an axis")]
    TooFew {
        /// How many are wanted.
        wanted: usize,
        /// The extent of the axis.
        extent: usize,
    },
    /// A parameter that makes no sense.
    #[error("{0}")]
    Parameter(&'static str),
    /// A window that is larger than the feature map.
    #[error("a window of {reach} does not fit into {extent} elements")]
    Window {
        /// Elements that it spans.
        reach: usize,
        /// Elements there are.
        extent: usize,
    },
    /// Filters for another number of channels.
    #[error(
        "{filters} filters over {filter_channels} channels in {groups} groups do not fit {channels} channels"
    )]
    Filters {
        /// Number of filters.
        filters: usize,
        /// Channels of each.
        filter_channels: usize,
        /// Groups.
        groups: usize,
        /// Channels of the operand.
        channels: usize,
    },
    /// Two shapes that do not go together.
    #[error("{first:?} {relation} {second:?}")]
    Pair {
        /// One shape.
        first: Vec<usize>,
        /// The relation that they would need, denied.
        relation: &'static str,
        /// The other shape.
        second: Vec<usize>,
    },
    /// A result that no device can hold.
    #[error("a result of shape {0:?} is too large")]
    TooLarge(Vec<usize>),
}

impl Misfit {
    pub(super) fn pair(first: &[usize], relation: &'static str, second: &[usize]) -> Self {
        Self::Pair { first: first.to_vec(), relation, second: second.to_vec() }
    }
}
