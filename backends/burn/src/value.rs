//! Tensors of any rank: the one place that erases ranks.
//!
//! burn's tensors have their rank in the type; a graph's values have it only at run time. A [`Ranked`] is a
//! tensor of any rank; [`with_rank!`] and [`map_rank!`] run code that is generic over the rank on it. Scalars
//! are vectors of one element, since burn has no rank 0: where that matters, operators go by the shapes in the
//! graph.

use burn_tensor::kind::Basic;
use burn_tensor::{Bool, Device, Float, Int, Shape, Tensor, TensorData};
use framegate_backend_api::HostTensor;

/// Highest rank a value may have.
pub(crate) const MAX_RANK: usize = 6;

/// A tensor of any rank.
#[derive(Debug, Clone)]
pub(crate) enum Ranked<K: Basic> {
    R1(Tensor<1, K>),
    R2(Tensor<2, K>),
    R3(Tensor<3, K>),
    R4(Tensor<4, K>),
    R5(Tensor<5, K>),
    R6(Tensor<6, K>),
}

/// Runs an expression on the tensor inside a [`Ranked`], whatever its rank.
macro_rules! with_rank {
    ($ranked:expr, $tensor:ident => $body:expr) => {
        match $ranked {
            $crate::value::Ranked::R1($tensor) => $body,
            $crate::value::Ranked::R2($tensor) => $body,
            $crate::value::Ranked::R3($tensor) => $body,
            $crate::value::Ranked::R4($tensor) => $body,
            $crate::value::Ranked::R5($tensor) => $body,
            $crate::value::Ranked::R6($tensor) => $body,
        }
    };
}

/// Like [`with_rank!`], for an expression that returns a tensor: the result is a [`Ranked`] again.
macro_rules! map_rank {
    ($ranked:expr, $tensor:ident => $body:expr) => {
        $crate::value::with_rank!($ranked, $tensor => $crate::value::Ranked::from($body))
    };
}

/// Runs an expression that is generic over the element type on a [`Value`].
macro_rules! map_kind {
    ($value:expr, $ranked:ident => $body:expr) => {
        match $value {
            $crate::value::Value::Float($ranked) => $crate::value::Value::from($body),
            $crate::value::Value::Int($ranked) => $crate::value::Value::from($body),
            $crate::value::Value::Bool($ranked) => $crate::value::Value::from($body),
        }
    };
}

pub(crate) use {map_kind, map_rank, with_rank};

/// Tensors that a [`Ranked`] can contain.
pub(crate) trait OfRank<K: Basic>: Sized {
    fn from_ranked(ranked: Ranked<K>) -> Self;
}

macro_rules! impl_conversions {
    ($($rank:literal => $variant:ident),*) => {$(
        impl<K: Basic> From<Tensor<$rank, K>> for Ranked<K> {
            fn from(tensor: Tensor<$rank, K>) -> Self {
                Self::$variant(tensor)
            }
        }

        impl<K: Basic> OfRank<K> for Tensor<$rank, K> {
            fn from_ranked(ranked: Ranked<K>) -> Self {
                match ranked {
                    Ranked::$variant(tensor) => tensor,
                    other => unreachable!("a tensor of rank {} is used as rank {}", other.rank(), $rank),
                }
            }
        }
    )*};
}
impl_conversions!(1 => R1, 2 => R2, 3 => R3, 4 => R4, 5 => R5, 6 => R6);

impl<K: Basic> Ranked<K> {
    /// Uploads host data to a device, in the element type that the device uses for this kind.
    pub(crate) fn upload(data: TensorData, device: &Device) -> Self {
        match data.shape().len() {
            0 | 1 => Self::R1(Tensor::from_data(data, device)),
            2 => Self::R2(Tensor::from_data(data, device)),
            3 => Self::R3(Tensor::from_data(data, device)),
            4 => Self::R4(Tensor::from_data(data, device)),
            5 => Self::R5(Tensor::from_data(data, device)),
            6 => Self::R6(Tensor::from_data(data, device)),
            _ => unreachable!("loading the graph checked its ranks"),
        }
    }

    /// The tensor inside, for code that knows its rank.
    pub(crate) fn tensor<const D: usize>(self) -> Tensor<D, K>
    where
        Tensor<D, K>: OfRank<K>,
    {
        OfRank::from_ranked(self)
    }

    pub(crate) fn shape(&self) -> Vec<usize> {
        with_rank!(self, tensor => tensor.dims().to_vec())
    }

    pub(crate) fn rank(&self) -> usize {
        with_rank!(self, tensor => tensor.rank())
    }

    pub(crate) fn reshape(self, shape: &[usize]) -> Self {
        with_rank!(self, tensor => reshape_tensor(tensor, shape))
    }

    /// Prepends axes of extent 1 until the rank is at least `rank`.
    pub(crate) fn at_least_rank(self, rank: usize) -> Self {
        let shape = self.shape();
        match rank.checked_sub(shape.len()) {
            None | Some(0) => self,
            Some(missing) => self.reshape(&[vec![1; missing], shape].concat()),
        }
    }
}

fn reshape_tensor<const D: usize, K: Basic>(tensor: Tensor<D, K>, shape: &[usize]) -> Ranked<K> {
    let target = if shape.is_empty() { Shape::new([1]) } else { Shape::from(shape.to_vec()) };
    match shape.len() {
        0 | 1 => Ranked::R1(tensor.reshape(target)),
        2 => Ranked::R2(tensor.reshape(target)),
        3 => Ranked::R3(tensor.reshape(target)),
        4 => Ranked::R4(tensor.reshape(target)),
        5 => Ranked::R5(tensor.reshape(target)),
        6 => Ranked::R6(tensor.reshape(target)),
        _ => unreachable!("loading the graph checked its ranks"),
    }
}

/// Raises the lower rank of two operands to the higher one, by prepending axes of extent 1.
pub(crate) fn same_rank<A: Basic, B: Basic>(a: Ranked<A>, b: Ranked<B>) -> (Ranked<A>, Ranked<B>) {
    let rank = a.rank().max(b.rank());
    (a.at_least_rank(rank), b.at_least_rank(rank))
}

/// A graph value on a device.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Float(Ranked<Float>),
    /// As wide as the device's default integer: 64 bits on ndarray, 32 on flex and wgpu. Graphs use
    /// integers as indices and class numbers, which fit.
    Int(Ranked<Int>),
    Bool(Ranked<Bool>),
}

/// burn's kinds of element, which a [`Value`] can contain.
pub(crate) trait Kind: Basic {
    fn from_value(value: Value) -> Ranked<Self>;
}

macro_rules! impl_kind {
    ($($kind:ident),*) => {$(
        impl From<Ranked<$kind>> for Value {
            fn from(ranked: Ranked<$kind>) -> Self {
                Self::$kind(ranked)
            }
        }

        impl Kind for $kind {
            fn from_value(value: Value) -> Ranked<Self> {
                match value {
                    Value::$kind(ranked) => ranked,
                    other => unreachable!("{other:?} is used as {}", stringify!($kind)),
                }
            }
        }
    )*};
}
impl_kind!(Float, Int, Bool);

impl Value {
    /// Uploads a constant to a device.
    pub(crate) fn upload(tensor: &HostTensor, device: &Device) -> Self {
        use framegate_backend_api::TensorData as Elements;
        let shape = match tensor.shape() {
            [] => vec![1],
            shape => shape.to_vec(),
        };
        match tensor.data() {
            Elements::F32(elements) => {
                Self::Float(Ranked::upload(TensorData::new(elements.clone(), shape), device))
            }
            Elements::I64(elements) => {
                Self::Int(Ranked::upload(TensorData::new(elements.clone(), shape), device))
            }
            Elements::Bool(elements) => {
                Self::Bool(Ranked::upload(TensorData::new(elements.clone(), shape), device))
            }
        }
    }

    /// The same elements as floats, the type of every backend output: true is 1, false is 0.
    pub(crate) fn into_float(self) -> Ranked<Float> {
        match self {
            Self::Float(ranked) => ranked,
            Self::Int(ranked) => map_rank!(ranked, tensor => tensor.float()),
            Self::Bool(ranked) => map_rank!(ranked, tensor => tensor.float()),
        }
    }
}
