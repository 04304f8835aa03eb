//! Arithmetic on extents, as files do it to make shapes.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Binary, Operator, Reduce, Reduction, ValueId};

use super::Extent;
use crate::onnx::context::{Import, Problem};

/// Shapes and the like have few elements; larger values are data.
const MOST_ELEMENTS: usize = 256;

/// An element of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Number(Extent),
    /// A number from 0 to `most`; the graph computes it.
    UpTo(i64),
    Truth(bool),
}

impl Import {
    /// The results of an operator on extents, if they are extents or follow from them.
    pub(in crate::onnx) fn emit_known(
        &mut self,
        operator: &Operator,
        operands: &[ValueId],
    ) -> Result<Option<ValueId>, Problem> {
        if !operands.iter().any(|id| self.ragged.elements.contains_key(id)) {
            return Ok(None);
        }
        let Some(elements) = self.known(operator, operands) else { return Ok(None) };
        let shape = self.result_shape(operator, operands)?;
        let all = |kind: fn(&Element) -> Option<i64>| elements.iter().map(kind).collect();
        let truths: Option<Vec<i64>> = all(|element| match element {
            Element::Truth(truth) => Some(i64::from(*truth)),
            _ => None,
        });
        if let Some(truths) = truths {
            let truths = truths.into_iter().map(|truth| truth != 0).collect();
            return Ok(Some(self.constant(HostTensor::from_bool(shape, truths))));
        }
        let numbers: Option<Vec<i64>> = all(|element| match element {
            Element::Number(number) => number.number(),
            _ => None,
        });
        if let Some(numbers) = numbers {
            return Ok(Some(self.constant(HostTensor::from_i64(shape, numbers))));
        }
        let result = self.emit_plain(operator.clone(), operands)?[0];
        let mut numbers = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            numbers.push(match element {
                Element::Number(number) => number,
                Element::UpTo(most) if shape.len() < 2 => self.count_in(result, index, most)?,
                _ => return Ok(Some(result)),
            });
        }
        self.ragged.elements.insert(result, numbers);
        Ok(Some(result))
    }

    fn known(&self, operator: &Operator, operands: &[ValueId]) -> Option<Vec<Element>> {
        let numbers = |index: usize| {
            let elements = self.elements_of(*operands.get(index)?)?;
            (elements.len() <= MOST_ELEMENTS).then_some(elements)
        };
        match operator {
            Operator::Reshape { .. }
            | Operator::Transpose { .. }
            | Operator::Slice(_)
            | Operator::Expand { .. }
            | Operator::Tile { .. }
            | Operator::Concat { .. } => self.moved(operator, operands, operands.len()),
            Operator::Gather { .. } => self.moved(operator, operands, 1),
            Operator::Binary(binary) => {
                let shape = self.result_shape(operator, operands).ok()?;
                let broadcast = |index| {
                    let expand = Operator::Expand { shape: shape.clone() };
                    self.moved(&expand, &operands[index..=index], 1)
                };
                let pairs = broadcast(0)?.into_iter().zip(broadcast(1)?);
                pairs.map(|(a, b)| combined(*binary, a, b)).collect()
            }
            Operator::Where => {
                let condition = self.value(operands[0]).constant.clone()?;
                let shape = self.result_shape(operator, operands).ok()?;
                let expand = Operator::Expand { shape };
                let condition = framegate_scalar::evaluate(&expand, &[&condition]).pop()?;
                let framegate_backend_api::TensorData::Bool(holds) = condition.data() else {
                    return None;
                };
                let [a, b] = [1, 2].map(|index| self.moved(&expand, &operands[index..=index], 1));
                let pairs = a?.into_iter().zip(b?);
                Some(pairs.zip(holds).map(|((a, b), holds)| if *holds { a } else { b }).collect())
            }
            Operator::Reduce(Reduce { reduction, axes, .. }) => {
                let binary = match reduction {
                    Reduction::Sum => Binary::Add,
                    Reduction::Product => Binary::Mul,
                    Reduction::Max => Binary::Max,
                    Reduction::Min => Binary::Min,
                    Reduction::Mean => return None,
                };
                if axes.len() != self.value(operands[0]).shape.len() {
                    return None;
                }
                let mut elements = numbers(0)?.into_iter().map(Element::Number);
                let first = elements.next()?;
                let all = elements.try_fold(first, |all, element| combined(binary, all, element));
                all.map(|all| vec![all])
            }
            _ => None,
        }
    }

    /// The elements that an operator that only moves them puts into its result; its operands after the
    /// first `moved` must be constant.
    fn moved(
        &self,
        operator: &Operator,
        operands: &[ValueId],
        moved: usize,
    ) -> Option<Vec<Element>> {
        let mut all = Vec::new();
        let mut tensors = Vec::new();
        for id in &operands[..moved] {
            let elements = self.elements_of(*id)?;
            let numbers = (all.len()..all.len() + elements.len()).map(|index| index as i64);
            tensors.push(HostTensor::from_i64(self.value(*id).shape.clone(), numbers.collect()));
            all.extend(elements);
        }
        for id in &operands[moved..] {
            tensors.push(self.value(*id).constant.as_deref()?.clone());
        }
        if self.result_shape(operator, operands).ok()?.iter().product::<usize>() > MOST_ELEMENTS {
            return None;
        }
        let result =
            framegate_scalar::evaluate(operator, &tensors.iter().collect::<Vec<_>>()).pop()?;
        let element = |index: &i64| all.get(*index as usize).copied().map(Element::Number);
        result.as_i64()?.iter().map(element).collect()
    }
}

fn combined(binary: Binary, a: Element, b: Element) -> Option<Element> {
    let exact = match (a, b) {
        (Element::Number(a), Element::Number(b)) => exact(binary, a, b),
        _ => None,
    };
    if let Some(exact) = exact {
        return Some(Element::Number(exact));
    }
    let ([a_least, a_most], [b_least, b_most]) = (bounds(a)?, bounds(b)?);
    let always = |holds: bool, fails: bool| match (holds, fails) {
        (true, _) => Some(Element::Truth(true)),
        (_, true) => Some(Element::Truth(false)),
        _ => None,
    };
    let positive = a_least >= 0 && b_least >= 0;
    let up_to = |most: i64| positive.then_some(Element::UpTo(most));
    match binary {
        Binary::Equal => always(a == b, a_most < b_least || b_most < a_least),
        Binary::Less => always(a_most < b_least, a_least >= b_most),
        Binary::LessOrEqual => always(a_most <= b_least, a_least > b_most),
        Binary::Greater => always(a_least > b_most, a_most <= b_least),
        Binary::GreaterOrEqual => always(a_least >= b_most, a_most < b_least),
        Binary::Add => up_to(a_most.saturating_add(b_most)),
        Binary::Sub if a_least >= b_most => up_to(a_most - b_least),
        Binary::Mul => up_to(a_most.saturating_mul(b_most)),
        Binary::Div if b_least > 0 => up_to(a_most / b_least),
        Binary::Mod if b_least > 0 => up_to(a_most.min(b_most - 1)),
        Binary::Max => up_to(a_most.max(b_most)),
        Binary::Min => up_to(a_most.min(b_most)),
        _ => None,
    }
}

fn exact(binary: Binary, a: Extent, b: Extent) -> Option<Extent> {
    match binary {
        Binary::Add => a.plus(b),
        Binary::Sub => a.plus(b.times(Extent::known(-1))?),
        Binary::Mul => a.times(b),
        Binary::Div => a.divided_by(b.number()?),
        Binary::Max if a.least() >= b.most() => Some(a),
        Binary::Max if b.least() >= a.most() => Some(b),
        Binary::Min if a.least() >= b.most() => Some(b),
        Binary::Min if b.least() >= a.most() => Some(a),
        _ => None,
    }
}

fn bounds(element: Element) -> Option<[i64; 2]> {
    match element {
        Element::Number(number) => Some([number.least(), number.most()]),
        Element::UpTo(most) => Some([0, most]),
        Element::Truth(_) => None,
    }
}
