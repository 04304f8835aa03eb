//! Sequences of tensors. How many tensors one has, and where each is, is known while the file is read, so no
//! operator of the graph knows of them.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{AxisSlice, Operator, ValueId};

use super::context::{Import, OnnxNode, Problem, axis_of, extents_of};
use super::control::stacked;

/// Longer ones are not kept.
const MOST_TENSORS: usize = 4096;

/// Whether an operator of the standard makes a sequence or reads one.
pub(super) fn is_known(operator: &str) -> bool {
    matches!(
        operator,
        "SequenceConstruct"
            | "SequenceEmpty"
            | "SequenceInsert"
            | "SequenceErase"
            | "SequenceAt"
            | "SequenceLength"
            | "SplitToSequence"
            | "ConcatFromSequence"
    )
}

/// The results of a node with one of these operators.
pub(super) fn run(import: &mut Import, node: &OnnxNode<'_>) -> Result<Vec<ValueId>, Problem> {
    let result = match node.operator {
        "SequenceConstruct" => {
            let tensors = node.operands()?;
            import.sequence(tensors)?
        }
        "SequenceEmpty" => import.sequence(Vec::new())?,
        "SequenceInsert" => {
            let mut tensors = import.tensors_of(node.operand(0)?)?;
            let place = place(import, node, 2, tensors.len(), tensors.len())?;
            tensors.insert(place, node.operand(1)?);
            import.sequence(tensors)?
        }
        "SequenceErase" => {
            let mut tensors = import.tensors_of(node.operand(0)?)?;
            let last = tensors.len().checked_sub(1).ok_or("the sequence is empty")?;
            let place = place(import, node, 1, last, last)?;
            tensors.remove(place);
            import.sequence(tensors)?
        }
        "SequenceAt" => {
            let tensors = import.tensors_of(node.operand(0)?)?;
            let last = tensors.len().checked_sub(1).ok_or("the sequence is empty")?;
            tensors[place(import, node, 1, last, last)?]
        }
        "SequenceLength" => {
            let len = import.tensors_of(node.operand(0)?)?.len();
            import.constant(HostTensor::from_i64([], vec![len as i64]))
        }
        "SplitToSequence" => split(import, node)?,
        _ => concatenated(import, node)?,
    };
    Ok(vec![result])
}

impl Import {
    /// A sequence of these tensors. What stands for it is a value that only operators on sequences may read.
    fn sequence(&mut self, tensors: Vec<ValueId>) -> Result<ValueId, Problem> {
        if tensors.len() > MOST_TENSORS {
            return Err(format!("a sequence of more than {MOST_TENSORS} tensors is not supported"));
        }
        if tensors.iter().any(|tensor| self.is_sequence(*tensor)) {
            return Err("a sequence of sequences is not supported".to_owned());
        }
        self.reserve(tensors.len())?;
        let id = self.constant(HostTensor::from_i64([], vec![tensors.len() as i64]));
        self.sequences.insert(id, tensors);
        Ok(id)
    }

    /// The tensors of a sequence.
    fn tensors_of(&self, id: ValueId) -> Result<Vec<ValueId>, Problem> {
        self.sequences.get(&id).cloned().ok_or_else(|| "its operand is not a sequence".to_owned())
    }
}

/// A place from 0 to `last` that operand `index` names, from the end if it is negative.
fn place(
    import: &Import,
    node: &OnnxNode<'_>,
    index: usize,
    last: usize,
    default: usize,
) -> Result<usize, Problem> {
    let Some(operand) = node.optional(index) else { return Ok(default) };
    let places = import.integers_of(operand, "the place in a sequence")?;
    let place = *places.first().ok_or("the place is missing")?;
    // Where a tensor may be put at the end, places from the end are still those of tensors.
    let len = if node.operator == "SequenceInsert" { last } else { last + 1 };
    let resolved = if place < 0 { place.saturating_add(len as i64) } else { place };
    let resolved = usize::try_from(resolved).ok().filter(|place| *place <= last);
    resolved.ok_or_else(|| format!("place {place} is outside a sequence of {len} tensors"))
}

fn split(import: &mut Import, node: &OnnxNode<'_>) -> Result<ValueId, Problem> {
    let x = node.operand(0)?;
    let shape = import.shape(x);
    let axis = axis_of(node.attributes.integer_or("axis", 0)?, shape.len())?;
    if import.axes(x)[axis].is_some() {
        return Err("the number of tensors depends on the image".to_owned());
    }
    let whole = shape[axis];
    let (parts, keeps_axis) = match node.optional(1) {
        Some(parts) => {
            let is_list = !import.value(parts).shape.is_empty();
            let parts = extents_of(&import.integers_of(parts, "split")?, "split")?;
            match (is_list, &parts[..]) {
                (true, _) => (parts, true),
                (false, [part]) if *part > 0 => {
                    let count = whole.div_ceil(*part);
                    if count > MOST_TENSORS {
                        return Err("it makes too many tensors".to_owned());
                    }
                    let part_at = |index: usize| (whole - index * part).min(*part);
                    ((0..count).map(part_at).collect(), true)
                }
                _ => return Err("parts must have elements".to_owned()),
            }
        }
        None if whole > MOST_TENSORS => return Err("it makes too many tensors".to_owned()),
        None => (vec![1; whole], node.attributes.flag("keepdims", true)?),
    };
    if parts.iter().sum::<usize>() != whole {
        return Err(format!("parts of {parts:?} do not make up {whole}"));
    }
    let mut start = 0;
    let mut tensors = Vec::with_capacity(parts.len());
    for len in parts {
        let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
        slices[axis] = AxisSlice { start, step: 1, len };
        let mut part = import.emit(Operator::Slice(slices), &[x])?;
        if !keeps_axis {
            let mut shape = shape.clone();
            shape.remove(axis);
            part = import.emit(Operator::Reshape { shape }, &[part])?;
        }
        tensors.push(part);
        start += len;
    }
    import.sequence(tensors)
}

fn concatenated(import: &mut Import, node: &OnnxNode<'_>) -> Result<ValueId, Problem> {
    let tensors = import.tensors_of(node.operand(0)?)?;
    let rank = match tensors.first() {
        Some(first) => import.shape(*first).len(),
        None => return Err("the sequence is empty".to_owned()),
    };
    let axis = node.attributes.integer("axis")?.ok_or("attribute `axis` is missing")?;
    if node.attributes.flag("new_axis", false)? {
        return stacked(import, &tensors, axis_of(axis, rank + 1)?);
    }
    import.emit(Operator::Concat { axis: axis_of(axis, rank)? }, &tensors)
}
