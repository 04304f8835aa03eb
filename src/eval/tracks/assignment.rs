//! Pairs of rows and columns that have the largest sum of weights.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Steps per unit of weight: the algorithm needs numbers without rounding.
const STEPS: f64 = 1e12;
/// A forbidden pair has weight 0; every other is preferred to it by at least a step.
const LARGEST: f64 = 1e5;

/// Pairs each row with a column, or each column with a row if there are fewer. Weights are from 0 to 100,000. Pairs of
/// weight 0 are left out.
pub(super) fn assign(weights: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let (rows, columns) = (weights.len(), weights.first().map_or(0, Vec::len));
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let steps = |row: usize, column: usize| {
        (weights[row][column].clamp(0.0, LARGEST) * STEPS).round() as i128
    };
    let pairs: Vec<(usize, usize)> = if rows <= columns {
        let matrix = Matrix::from_fn(rows, columns, |(row, column)| steps(row, column));
        kuhn_munkres(&matrix).1.into_iter().enumerate().collect()
    } else {
        let matrix = Matrix::from_fn(columns, rows, |(column, row)| steps(row, column));
        kuhn_munkres(&matrix).1.into_iter().enumerate().map(|(column, row)| (row, column)).collect()
    };
    pairs.into_iter().filter(|(row, column)| weights[*row][*column] > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_counts_and_not_the_first_choice() {
        let weights = [vec![0.9, 0.8], vec![0.8, 0.0]];
        assert_eq!(assign(&weights), [(0, 1), (1, 0)]);
        let tall = [vec![0.1], vec![0.7], vec![0.2]];
        assert_eq!(assign(&tall), [(1, 0)]);
        assert_eq!(assign(&[vec![0.0, 0.0, 0.3]]), [(0, 2)]);
        assert_eq!(assign(&[vec![0.0]]), []);
        assert_eq!(assign(&[Vec::new(), Vec::new()]), []);
        assert_eq!(assign(&[]), []);
    }
}
