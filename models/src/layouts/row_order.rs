//! The order of a box's corners, its score and its class in rows that begin with these six numbers, as far as the graph shows it.

use super::outputs::ModelOutputs;

/// Numbers of a row.
pub(super) const ROW: usize = 6;

/// Where class and score are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowOrder {
    /// Corners, score, class.
    ScoreClass,
    /// Corners, class, score.
    ClassScore,
    /// Class, score, corners.
    ClassFirst,
}

/// The columns of which the graph shows what they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownColumns {
    /// Those with whole numbers.
    whole: Vec<usize>,
    /// Those that come out of a sigmoid or softmax.
    scores: Vec<usize>,
}

impl ShownColumns {
    /// Of rows in the first output that begin with these six.
    pub(super) fn of(outputs: &ModelOutputs<'_>) -> Self {
        Self::after(outputs, 0)
    }

    /// Of rows in the first output that have these six after `first` other numbers.
    pub(super) fn after(outputs: &ModelOutputs<'_>, first: usize) -> Self {
        let last = outputs.first().len().saturating_sub(1);
        let are_scores = outputs.scores_along(last).unwrap_or_default();
        let is_score = |column: &usize| are_scores.get(first + column) == Some(&true);
        Self {
            whole: (0..ROW).filter(|column| outputs.column_is_whole(first + column)).collect(),
            scores: (0..ROW).filter(is_score).collect(),
        }
    }

    /// Whether the class is seen, in the place that it has in this order.
    pub(super) fn show_the_class_of(&self, order: RowOrder) -> bool {
        self.allow(order) && !self.whole.is_empty()
    }

    /// Whether nothing contradicts an order.
    pub(super) fn allow(&self, order: RowOrder) -> bool {
        let (class, score) = order.columns();
        let only = |columns: &[usize], column| columns.iter().all(|shown| *shown == column);
        only(&self.whole, class) && only(&self.scores, score)
    }

    /// Whether it must be this order.
    pub(super) fn say(&self, order: RowOrder) -> bool {
        self.allow(order) && !(self.whole.is_empty() && self.scores.is_empty())
    }
}

impl RowOrder {
    /// The columns of class and score.
    fn columns(self) -> (usize, usize) {
        match self {
            Self::ScoreClass => (5, 4),
            Self::ClassScore => (4, 5),
            Self::ClassFirst => (0, 1),
        }
    }
}
