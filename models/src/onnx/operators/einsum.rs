//! `Einsum`, as transpositions, sums and matrix products of one pair of operands after another.

use framegate_backend_api::{
    HostTensor,
    graph::{Binary, Operator, Reduce, Reduction, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::Problem;

/// A tensor with a letter for each of its axes.
struct Term {
    value: ValueId,
    letters: Vec<char>,
}

pub(super) fn einsum(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let equation = node.attributes.text_or("equation", "")?;
    let operands = node.operands()?;
    let ranks: Vec<usize> = operands.iter().map(|id| graph.shape(*id).len()).collect();
    let Letters { operands: letters, result } = Letters::of(&equation, &ranks)
        .ok_or_else(|| format!("equation `{equation}` does not fit operands of {ranks:?} axes"))?;
    let mut terms = Vec::new();
    for (value, letters) in operands.into_iter().zip(letters) {
        terms.push(diagonal(graph, Term { value, letters })?);
    }
    let mut terms = terms.into_iter();
    let mut product = terms.next().ok_or("it has no operands")?;
    let mut rest: Vec<Term> = terms.collect();
    loop {
        let needed = |letter: &char| {
            result.contains(letter) || rest.iter().any(|term| term.letters.contains(letter))
        };
        product = summed(graph, product, needed)?;
        if rest.is_empty() {
            break;
        }
        let next = rest.remove(0);
        let later = |letter: &char| {
            result.contains(letter) || rest.iter().any(|term| term.letters.contains(letter))
        };
        let needed_of_next = |letter: &char| later(letter) || product.letters.contains(letter);
        let next = summed(graph, next, needed_of_next)?;
        product = multiplied(graph, product, next, later)?;
    }
    let all = result.iter().all(|letter| product.letters.contains(letter));
    if !all || result.len() != product.letters.len() {
        return Err(format!("the result of equation `{equation}` is not made of its operands"));
    }
    Ok(vec![transposed(graph, &product, &result)?])
}

/// The letters of every operand and of the result. Axes that an ellipsis stands for get letters of their
/// own, the same ones from the right in each operand.
struct Letters {
    operands: Vec<Vec<char>>,
    result: Vec<char>,
}

impl Letters {
    fn of(equation: &str, ranks: &[usize]) -> Option<Self> {
        let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match equation.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (equation.as_str(), None),
        };
        let parts: Vec<&str> = left.split(',').collect();
        if parts.len() != ranks.len() {
            return None;
        }
        let named = |part: &str| part.chars().filter(|c| *c != '.').count();
        let hidden = |(part, rank): (&&str, &usize)| match part.contains("...") {
            true => rank.checked_sub(named(part)),
            false => (named(part) == *rank).then_some(0),
        };
        let hidden: Vec<usize> = parts.iter().zip(ranks).map(hidden).collect::<Option<_>>()?;
        let most = hidden.iter().copied().max().unwrap_or(0);
        let ellipsis = |count: usize| -> String {
            let own = most - count..most;
            own.filter_map(|axis| char::from_u32(0xE000 + axis as u32)).collect()
        };
        let spelled = |part: &str, count: usize| -> Vec<char> {
            part.replace("...", &ellipsis(count)).chars().collect()
        };
        let operands: Vec<Vec<char>> =
            parts.iter().zip(&hidden).map(|(part, count)| spelled(part, *count)).collect();
        let result = match right {
            Some(right) => spelled(right, most),
            None => {
                let all: Vec<char> = operands.concat();
                let once = |letter: &&char| all.iter().filter(|other| other == letter).count() == 1;
                let mut letters: Vec<char> =
                    all.iter().filter(|c| c.is_ascii_alphabetic()).filter(once).copied().collect();
                letters.sort_unstable();
                [ellipsis(most).chars().collect(), letters].concat()
            }
        };
        Some(Self { operands, result })
    }
}

/// Takes the diagonal of axes that have the same letter.
fn diagonal(graph: &mut Import, mut term: Term) -> Result<Term, Problem> {
    while let Some((first, second)) = repeated(&term.letters) {
        let letter = term.letters[first];
        let extent = graph.shape(term.value)[first];
        if graph.shape(term.value)[second] != extent {
            return Err(format!("axes `{letter}` are of different extents"));
        }
        let mut order: Vec<usize> = (0..term.letters.len()).collect();
        order.retain(|axis| *axis != first && *axis != second);
        let kept: Vec<char> = order.iter().map(|axis| term.letters[*axis]).collect();
        order.extend([first, second]);
        let moved = graph.emit(Operator::Transpose { permutation: order }, &[term.value])?;
        let mut shape = graph.shape(moved);
        shape.truncate(kept.len());
        shape.push(extent * extent);
        let flat = graph.emit(Operator::Reshape { shape }, &[moved])?;
        let places = (0..extent).map(|index| (index * (extent + 1)) as i64).collect();
        let places = graph.constant(HostTensor::from_i64([extent], places));
        term.value = graph.emit(Operator::Gather { axis: kept.len() }, &[flat, places])?;
        term.letters = [kept, vec![letter]].concat();
    }
    Ok(term)
}

fn repeated(letters: &[char]) -> Option<(usize, usize)> {
    (0..letters.len()).find_map(|first| {
        let rest = &letters[first + 1..];
        let second = rest.iter().position(|letter| *letter == letters[first])?;
        Some((first, first + 1 + second))
    })
}

/// Sums over the axes that nothing needs any more.
fn summed(graph: &mut Import, term: Term, needed: impl Fn(&char) -> bool) -> Result<Term, Problem> {
    let axes: Vec<usize> =
        (0..term.letters.len()).filter(|axis| !needed(&term.letters[*axis])).collect();
    if axes.is_empty() {
        return Ok(term);
    }
    let reduce = Reduce { reduction: Reduction::Sum, axes, keep_axes: false };
    let value = graph.emit(Operator::Reduce(reduce), &[term.value])?;
    Ok(Term { value, letters: term.letters.into_iter().filter(needed).collect() })
}

/// The product of two terms, summed over the letters of both that are not needed later.
fn multiplied(
    graph: &mut Import,
    a: Term,
    b: Term,
    later: impl Fn(&char) -> bool,
) -> Result<Term, Problem> {
    let is_shared = |letter: &&char| a.letters.contains(letter) && b.letters.contains(letter);
    let shared: Vec<char> = a.letters.iter().filter(is_shared).copied().collect();
    let (stack, inner): (Vec<char>, Vec<char>) = shared.into_iter().partition(|it| later(it));
    let own = |term: &Term| -> Vec<char> {
        let is_own = |letter: &&char| !stack.contains(letter) && !inner.contains(letter);
        term.letters.iter().filter(is_own).copied().collect()
    };
    let (rows, columns) = (own(&a), own(&b));
    let extents = |graph: &Import, term: &Term, letters: &[char]| -> Vec<usize> {
        let shape = graph.shape(term.value);
        let extent = |letter: &char| term.letters.iter().position(|own| own == letter);
        letters.iter().filter_map(extent).map(|axis| shape[axis]).collect()
    };
    let (a_inner, b_inner) = (extents(graph, &a, &inner), extents(graph, &b, &inner));
    if a_inner != b_inner {
        return Err(format!("extents {a_inner:?} and {b_inner:?} do not fit"));
    }
    let (row_extents, column_extents) = (extents(graph, &a, &rows), extents(graph, &b, &columns));
    let (a_stack, b_stack) = (extents(graph, &a, &stack), extents(graph, &b, &stack));
    let ones = |count: usize| vec![1_usize; count];
    let a_value = transposed(graph, &a, &[&stack[..], &rows, &inner].concat())?;
    let letters = [&stack[..], &rows, &columns].concat();
    if inner.is_empty() {
        let b_value = transposed(graph, &b, &[&stack[..], &columns].concat())?;
        let shape = [a_stack, row_extents, ones(columns.len())].concat();
        let a_value = graph.emit(Operator::Reshape { shape }, &[a_value])?;
        let shape = [b_stack, ones(rows.len()), column_extents].concat();
        let b_value = graph.emit(Operator::Reshape { shape }, &[b_value])?;
        let value = graph.emit(Operator::Binary(Binary::Mul), &[a_value, b_value])?;
        return Ok(Term { value, letters });
    }
    let b_value = transposed(graph, &b, &[&stack[..], &inner, &columns].concat())?;
    let count = |extents: &[usize]| extents.iter().product::<usize>();
    // With nothing else to stack, the first axis stays on its own: it may be the batch axis.
    let lead = usize::from(stack.is_empty() && !rows.is_empty());
    let (first_row, other_rows) = row_extents.split_at(lead);
    let shape = [&a_stack[..], first_row, &[count(other_rows), count(&a_inner)]].concat();
    let a_value = graph.emit(Operator::Reshape { shape }, &[a_value])?;
    let shape = [&b_stack[..], &[count(&b_inner), count(&column_extents)]].concat();
    let b_value = graph.emit(Operator::Reshape { shape }, &[b_value])?;
    let product = graph.emit(Operator::MatMul, &[a_value, b_value])?;
    let mut shape = graph.shape(product);
    shape.truncate(stack.len());
    let shape = [shape, row_extents, column_extents].concat();
    let value = graph.emit(Operator::Reshape { shape }, &[product])?;
    Ok(Term { value, letters })
}

/// A term with its axes in this order.
fn transposed(graph: &mut Import, term: &Term, order: &[char]) -> Result<ValueId, Problem> {
    let axis = |letter: &char| term.letters.iter().position(|own| own == letter);
    let permutation: Vec<usize> = order.iter().filter_map(axis).collect();
    if permutation.iter().copied().eq(0..permutation.len()) {
        return Ok(term.value);
    }
    graph.emit(Operator::Transpose { permutation }, &[term.value])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(equation: &str, ranks: &[usize]) -> (Vec<usize>, usize) {
        let letters = Letters::of(equation, ranks).unwrap();
        (letters.operands.iter().map(Vec::len).collect(), letters.result.len())
    }

    #[test]
    fn an_ellipsis_stands_for_all_other_axes() {
        assert_eq!(letters("...ij,jk->...ik", &[4, 2]), (vec![4, 2], 4));
        assert_eq!(letters("b...,...->b", &[3, 1]), (vec![3, 1], 1));
        assert_eq!(letters("ij, jk", &[2, 2]), (vec![2, 2], 2));
        assert!(Letters::of("ij,jk->ik", &[2, 3]).is_none());
    }
}
