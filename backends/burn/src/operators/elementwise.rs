//! Functions of one, two or three elements.

use burn_tensor::kind::{Basic, Numeric, Ordered};
use burn_tensor::{Bool, Tensor};
use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Binary, Unary};

use super::Operation;
use super::movement::expand_to;
use crate::value::{Ranked, Value, map_kind, map_rank, same_rank};

/// [`Operator::Unary`](framegate_backend_api::graph::Operator::Unary)
pub(super) fn unary(function: Unary) -> Operation {
    Box::new(move |mut operands, _| {
        vec![match operands.any() {
            Value::Float(x) => map_rank!(x, x => float_function(function, x)).into(),
            Value::Int(x) => map_rank!(x, x => sign_function(function, x)).into(),
            Value::Bool(x) => map_rank!(x, x => x.bool_not()).into(),
        }]
    })
}

fn float_function<const D: usize>(function: Unary, x: Tensor<D>) -> Tensor<D> {
    match function {
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Atan => x.atan(),
        Unary::Erf => x.erf(),
        Unary::Abs | Unary::Neg | Unary::Sign | Unary::Not => sign_function(function, x),
    }
}

/// The functions that exist for integers as well.
fn sign_function<const D: usize, K: Numeric>(function: Unary, x: Tensor<D, K>) -> Tensor<D, K> {
    match function {
        Unary::Abs => x.abs(),
        Unary::Neg => x.neg(),
        Unary::Sign => x.sign(),
        other => unreachable!("{other:?} does not exist on this element type"),
    }
}

/// [`Operator::Binary`](framegate_backend_api::graph::Operator::Binary)
pub(super) fn binary(function: Binary) -> Operation {
    Box::new(move |mut operands, _| {
        vec![match operands.any() {
            Value::Float(a) if function == Binary::Pow => {
                let (a, b) = broadcast(a, operands.next());
                map_rank!(a, a => a.powf(b.tensor())).into()
            }
            Value::Int(a) if function == Binary::Pow => {
                let (a, b) = broadcast(a, operands.next());
                map_rank!(a, a => a.powi(b.tensor())).into()
            }
            Value::Float(a) => on_numbers(function, a, operands.next()),
            Value::Int(a) => on_numbers(function, a, operands.next()),
            Value::Bool(a) => {
                let (a, b) = broadcast(a, operands.next());
                map_rank!(a, a => logic(function, a, b.tensor())).into()
            }
        }]
    })
}

fn on_numbers<K: Ordered>(function: Binary, a: Ranked<K>, b: Ranked<K>) -> Value
where
    Ranked<K>: Into<Value>,
{
    match function {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Mod => {
            let (a, b) = same_rank(a, b);
            map_rank!(a, a => arithmetic(function, a, b.tensor())).into()
        }
        Binary::Max | Binary::Min => {
            let (a, b) = broadcast(a, b);
            map_rank!(a, a => extremum(function, a, b.tensor())).into()
        }
        _ => {
            let (a, b) = broadcast(a, b);
            map_rank!(a, a => comparison(function, a, b.tensor())).into()
        }
    }
}

fn arithmetic<const D: usize, K: Ordered>(
    function: Binary,
    a: Tensor<D, K>,
    b: Tensor<D, K>,
) -> Tensor<D, K> {
    match function {
        Binary::Add => a.add(b),
        Binary::Sub => a.sub(b),
        Binary::Mul => a.mul(b),
        Binary::Div => a.div(b),
        Binary::Mod => a.remainder(b),
        other => unreachable!("{other:?} is not arithmetic"),
    }
}

fn extremum<const D: usize, K: Ordered>(
    function: Binary,
    a: Tensor<D, K>,
    b: Tensor<D, K>,
) -> Tensor<D, K> {
    if function == Binary::Max { a.max_pair(b) } else { a.min_pair(b) }
}

fn comparison<const D: usize, K: Ordered>(
    function: Binary,
    a: Tensor<D, K>,
    b: Tensor<D, K>,
) -> Tensor<D, Bool> {
    match function {
        Binary::Equal => a.equal(b),
        Binary::Less => a.lower(b),
        Binary::LessOrEqual => a.lower_equal(b),
        Binary::Greater => a.greater(b),
        Binary::GreaterOrEqual => a.greater_equal(b),
        other => unreachable!("{other:?} compares nothing"),
    }
}

fn logic<const D: usize>(
    function: Binary,
    a: Tensor<D, Bool>,
    b: Tensor<D, Bool>,
) -> Tensor<D, Bool> {
    match function {
        Binary::And => a.bool_and(b),
        Binary::Or => a.bool_or(b),
        Binary::Xor => a.bool_xor(b),
        Binary::Equal => a.equal(b),
        other => unreachable!("{other:?} does not exist on truth values"),
    }
}

/// [`Operator::Where`](framegate_backend_api::graph::Operator::Where)
pub(super) fn select_where() -> Operation {
    Box::new(|mut operands, _| {
        let condition = operands.next();
        vec![map_kind!(operands.any(), a => choose(condition, a, operands.next()))]
    })
}

fn choose<K: Basic>(condition: Ranked<Bool>, a: Ranked<K>, b: Ranked<K>) -> Ranked<K> {
    let (a, b) = broadcast(a, b);
    let (condition, a) = broadcast(condition, a);
    let b = expand_to(b, &a.shape());
    map_rank!(a, a => b.tensor().mask_where(condition.tensor(), a))
}

/// Broadcasts two operands to one shape.
///
/// burn broadcasts basic arithmetic and remainders itself, but the rest only on some devices.
fn broadcast<A: Basic, B: Basic>(a: Ranked<A>, b: Ranked<B>) -> (Ranked<A>, Ranked<B>) {
    let (a, b) = same_rank(a, b);
    let shape: Vec<usize> =
        a.shape().iter().zip(b.shape()).map(|(a, b)| if *a == 1 { b } else { *a }).collect();
    (expand_to(a, &shape), expand_to(b, &shape))
}

/// [`Operator::Cast`](framegate_backend_api::graph::Operator::Cast)
pub(super) fn cast(to: ElementType) -> Operation {
    Box::new(move |mut operands, _| {
        vec![match (operands.any(), to) {
            (value, ElementType::F32) => value.into_float().into(),
            (Value::Float(x), ElementType::I64) => map_rank!(x, x => x.int()).into(),
            (Value::Bool(x), ElementType::I64) => map_rank!(x, x => x.int()).into(),
            (Value::Float(x), ElementType::Bool) => map_rank!(x, x => x.not_equal_elem(0.0)).into(),
            (Value::Int(x), ElementType::Bool) => map_rank!(x, x => x.not_equal_elem(0)).into(),
            (unchanged, ElementType::I64 | ElementType::Bool) => unchanged,
        }]
    })
}
