//! Results of operators on constants, so that what several nodes compute alike is computed and kept once. Unrolled
//! recurrent layers transpose the same weights in every step.

use std::collections::{HashMap, HashSet};

use framegate_backend_api::graph::{Operator, ValueId};

/// Operators on the same operands that are remembered; the search among them must not take long, however often a file
/// reads a constant.
const MOST_PER_OPERANDS: usize = 8;

/// Results of operators on constants so far.
#[derive(Debug, Default)]
pub(super) struct Computed {
    by_operands: HashMap<Vec<ValueId>, Vec<(Operator, Vec<ValueId>)>>,
}

impl Computed {
    /// The results of an operator on these constants, if they are known.
    pub(super) fn results(&self, operator: &Operator, operands: &[ValueId]) -> Option<&[ValueId]> {
        let known = self.by_operands.get(operands)?;
        let (_, results) = known.iter().find(|(known, _)| known == operator)?;
        Some(results)
    }

    /// Remembers the results of an operator on these constants. A cast has results of its own: they may be of other types
    /// in the file.
    pub(super) fn remember(
        &mut self,
        operator: Operator,
        operands: &[ValueId],
        results: &[ValueId],
    ) {
        if matches!(operator, Operator::Cast(_)) {
            return;
        }
        let known = self.by_operands.entry(operands.to_vec()).or_default();
        if known.len() < MOST_PER_OPERANDS {
            known.push((operator, results.to_vec()));
        }
    }

    /// Forgets results that are freed.
    pub(super) fn forget(&mut self, freed: &[ValueId]) {
        let freed: HashSet<ValueId> = freed.iter().copied().collect();
        for known in self.by_operands.values_mut() {
            known.retain(|(_, results)| results.iter().all(|id| !freed.contains(id)));
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::{ElementType, HostTensor};

    use super::super::context::Import;
    use super::*;

    #[test]
    fn what_nodes_compute_alike_is_computed_once() {
        let mut import = Import::new("image", [1]);
        let weights = HostTensor::from_f32([1024, 1024], vec![0.5; 1 << 20]);
        let weights = import.named_constant("weights", weights);
        let transpose =
            |permutation: [usize; 2]| Operator::Transpose { permutation: permutation.to_vec() };
        let first = import.emit(transpose([1, 0]), &[weights]).unwrap();
        // Together they would take more than constants may.
        for _ in 0..100 {
            assert_eq!(import.emit(transpose([1, 0]), &[weights]), Ok(first));
        }
        assert_ne!(import.emit(transpose([0, 1]), &[weights]), Ok(first));
    }

    #[test]
    fn casts_stay_apart_because_their_types_may_differ() {
        let mut import = Import::new("image", [1]);
        let numbers = import.named_constant("numbers", HostTensor::from_f32([1], vec![1.0]));
        let mut cast = || import.emit(Operator::Cast(ElementType::I64), &[numbers]).unwrap();
        assert_ne!(cast(), cast());
    }

    #[test]
    fn what_was_freed_is_computed_again() {
        let mut import = Import::new("image", [1]);
        let weights = HostTensor::from_f32([64, 128], vec![0.5; 1 << 13]);
        let weights = import.named_constant("weights", weights);
        let transpose = Operator::Transpose { permutation: vec![1, 0] };
        let first = import.emit(transpose.clone(), &[weights]).unwrap();
        import.free_constants([weights].into_iter());
        let again = import.emit(transpose, &[weights]).unwrap();
        assert_ne!(again, first);
        assert_eq!(import.shape(again), [128, 64]);
        assert!(import.value(again).constant.is_some() && import.value(first).constant.is_none());
    }

    #[test]
    fn the_search_is_bounded() {
        let mut computed = Computed::default();
        let operands = [ValueId(0)];
        for count in 0..1000 {
            let repeats = Operator::Tile { repeats: vec![count] };
            computed.remember(repeats, &operands, &operands);
        }
        assert_eq!(computed.by_operands[&operands[..]].len(), MOST_PER_OPERANDS);
    }
}
