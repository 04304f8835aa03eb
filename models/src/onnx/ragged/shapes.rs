//! Where the axes of a value are after a reshape.

use super::{Axes, Extent};
use crate::onnx::context::{Import, Problem};

impl Import {
    /// The axes of a value of shape `from`, reshaped to `to`.
    pub(super) fn reshaped(
        &mut self,
        axes: &Axes,
        from: &[usize],
        to: &[usize],
    ) -> Result<Axes, Problem> {
        if from == to {
            return Ok(axes.clone());
        }
        let mut reshaped = vec![None; to.len()];
        let refused =
            || format!("an axis that depends on the image is lost from {from:?} to {to:?}");
        for (sources, targets) in groups(from, to).ok_or_else(refused)? {
            let mut ragged = sources.clone().filter_map(|axis| Some((axis, axes[axis]?)));
            let Some((axis, extent)) = ragged.next() else { continue };
            if ragged.next().is_some() || from[sources.start..axis].iter().any(|n| *n != 1) {
                return Err(refused());
            }
            // It is outermost, so it stays so; the elements within it are multiplied or divided.
            let target = targets.clone().find(|axis| to[*axis] != 1).ok_or_else(refused)?;
            let within = |shape: &[usize]| Extent::known(shape.iter().product::<usize>() as i64);
            let elements = extent.times(within(&from[axis + 1..sources.end]));
            let per_entry = within(&to[target + 1..targets.end]).most();
            let entries = elements.and_then(|elements| elements.divided_by(per_entry));
            reshaped[target] = Some(entries.ok_or_else(refused)?);
        }
        Ok(reshaped)
    }
}

type Range = std::ops::Range<usize>;

/// Runs of axes that hold the same elements in both shapes, each as short as can be. `None` where there are
/// no elements.
fn groups(from: &[usize], to: &[usize]) -> Option<Vec<(Range, Range)>> {
    let mut groups = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        let (first, first_to) = (i, j);
        let (mut a, mut b) = (1, 1);
        loop {
            if a == b && (i > first || j > first_to) && a != 1 {
                break;
            }
            if a <= b && i < from.len() {
                a *= from[i];
                i += 1;
            } else if j < to.len() {
                b *= to[j];
                j += 1;
            } else if i < from.len() {
                a *= from[i];
                i += 1;
            } else {
                break;
            }
        }
        if a == 0 || b == 0 {
            return None;
        }
        groups.push((first..i, first_to..j));
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_grouped_by_their_elements() {
        assert_eq!(groups(&[300, 4], &[1200]), Some(vec![(0..2, 0..1)]));
        assert_eq!(groups(&[300, 4], &[1, 300, 4]), Some(vec![(0..1, 0..2), (1..2, 2..3)]));
        assert_eq!(groups(&[1, 300], &[300, 1]), Some(vec![(0..2, 0..1), (2..2, 1..2)]));
        assert_eq!(groups(&[12, 5], &[3, 4, 5]), Some(vec![(0..1, 0..2), (1..2, 2..3)]));
        assert_eq!(groups(&[0, 4], &[0]), None);
    }
}
