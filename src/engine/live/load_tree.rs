//! The loads of all streams, in order, with sums, so that a fair share costs O(log streams).
//!
//! A treap: a search tree that is a heap by random priorities, which keeps it balanced (Aragon and Seidel,
//! 1989). Streams are in the order of what they ask for per weight; each node knows what its subtree asks
//! for, and weighs.
//!
//! Nodes live in slots that the caller numbers, so nothing is allocated when a load changes.

/// A node's slot; `None` is an empty subtree.
type Link = Option<usize>;

/// The load of a stream, or of several together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Load {
    /// Seconds of the server per second; infinite if it sends as fast as it can.
    pub(super) seconds: f64,
    /// Share of the server relative to others' when all ask for more than there is, above 0.
    pub(super) weight: f64,
}

/// Streams by what they ask for.
#[derive(Debug)]
pub(super) struct LoadTree {
    nodes: Vec<Node>,
    /// Of each node's subtree. Unlimited loads are left out of the seconds: no share ever satisfies them.
    totals: Vec<Load>,
    root: Link,
    /// State of a xorshift generator (Marsaglia, 2003).
    random: u64,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    load: Load,
    priority: u64,
    left: Link,
    right: Link,
}

impl LoadTree {
    pub(super) fn new() -> Self {
        let random = 0x9E37_79B9_7F4A_7C15;
        Self { nodes: Vec::new(), totals: Vec::new(), root: None, random }
    }

    /// Adds a stream in a slot that is free. Slots are numbered from 0 without gaps.
    pub(super) fn insert(&mut self, slot: usize, load: Load) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let node = Node { load, priority: self.random, left: None, right: None };
        if slot == self.nodes.len() {
            self.nodes.push(node);
            self.totals.push(Load::default());
        } else {
            self.nodes[slot] = node;
        }
        self.sum_up(slot);
        let (lower, higher) = self.split(self.root, slot);
        let lower = self.merge(lower, Some(slot));
        self.root = self.merge(lower, higher);
    }

    /// Takes a stream out of the tree.
    pub(super) fn remove(&mut self, slot: usize) {
        self.root = self.without(self.root, slot);
    }

    /// Seconds of the server per second that a stream of this weight gets beside all others, however much it
    /// asks for. `own` is its slot if it is in the tree.
    ///
    /// This is the level at which weighted max-min fairness fills the server: the others get what they ask
    /// for if that is below the level, and the level otherwise. Whether a load is below it follows from the
    /// loads that are lower still, so the level is found on one way down the tree.
    pub(super) fn fair_share(&self, own: Link, own_weight: f64) -> f64 {
        let own_load = own.map_or(Load::default(), |slot| self.nodes[slot].finite_load());
        let all = self.total(self.root).minus(own_load);
        // The level if just these get what they ask for.
        let level = |satisfied: Load| {
            (1.0 - satisfied.seconds) / (all.weight - satisfied.weight + own_weight)
        };
        // Those with lower loads than all that is still to be searched; with the stream's own, if
        // `own_passed`, which does not count.
        let (mut lower, mut own_passed) = (Load::default(), false);
        let mut next = self.root;
        while let Some(top) = next {
            let node = &self.nodes[top];
            let below = lower.plus(self.total(node.left));
            let own_below = own_passed || own.is_some_and(|own| self.precedes(own, top));
            let others = if own_below { below.minus(own_load) } else { below };
            if node.load.level() < level(others) {
                lower = below.plus(node.finite_load());
                own_passed = own_below || own == Some(top);
                next = node.right;
            } else {
                next = node.left;
            }
        }
        level(if own_passed { lower.minus(own_load) } else { lower }) * own_weight
    }

    /// Seconds of the server per second that all streams ask for together, except for those that ask for as
    /// much as there is.
    pub(super) fn asked_for(&self) -> f64 {
        self.total(self.root).seconds
    }

    fn total(&self, tree: Link) -> Load {
        tree.map_or(Load::default(), |top| self.totals[top])
    }

    /// Whether one stream is before another in the order of loads.
    fn precedes(&self, slot: usize, other: usize) -> bool {
        let levels = self.nodes[slot].load.level().total_cmp(&self.nodes[other].load.level());
        levels.then(slot.cmp(&other)).is_lt()
    }

    /// The streams before one that is not in the tree, and those after it.
    fn split(&mut self, tree: Link, slot: usize) -> (Link, Link) {
        let Some(top) = tree else { return (None, None) };
        if self.precedes(top, slot) {
            let (lower, higher) = self.split(self.nodes[top].right, slot);
            self.nodes[top].right = lower;
            self.sum_up(top);
            (tree, higher)
        } else {
            let (lower, higher) = self.split(self.nodes[top].left, slot);
            self.nodes[top].left = higher;
            self.sum_up(top);
            (lower, tree)
        }
    }

    /// Joins two trees, all of whose loads in one are before all in the other.
    fn merge(&mut self, lower: Link, higher: Link) -> Link {
        let (Some(low), Some(high)) = (lower, higher) else { return lower.or(higher) };
        let top = if self.nodes[low].priority > self.nodes[high].priority {
            self.nodes[low].right = self.merge(self.nodes[low].right, higher);
            low
        } else {
            self.nodes[high].left = self.merge(lower, self.nodes[high].left);
            high
        };
        self.sum_up(top);
        Some(top)
    }

    fn without(&mut self, tree: Link, slot: usize) -> Link {
        let top = tree?;
        let Node { left, right, .. } = self.nodes[top];
        if top == slot {
            return self.merge(left, right);
        }
        if self.precedes(slot, top) {
            self.nodes[top].left = self.without(left, slot);
        } else {
            self.nodes[top].right = self.without(right, slot);
        }
        self.sum_up(top);
        tree
    }

    /// Works out a node's total from those of its children.
    fn sum_up(&mut self, slot: usize) {
        let node = self.nodes[slot];
        let children = self.total(node.left).plus(self.total(node.right));
        self.totals[slot] = children.plus(node.finite_load());
    }

    #[cfg(test)]
    pub(super) fn height(&self) -> usize {
        fn of(tree: &LoadTree, link: Link) -> usize {
            link.map_or(0, |top| {
                let Node { left, right, .. } = tree.nodes[top];
                1 + of(tree, left).max(of(tree, right))
            })
        }
        of(self, self.root)
    }
}

impl Node {
    fn finite_load(&self) -> Load {
        let Load { seconds, weight } = self.load;
        Load { seconds: if seconds.is_finite() { seconds } else { 0.0 }, weight }
    }
}

impl Load {
    /// Its seconds per weight.
    fn level(self) -> f64 {
        self.seconds / self.weight
    }

    fn plus(self, other: Self) -> Self {
        Self { seconds: self.seconds + other.seconds, weight: self.weight + other.weight }
    }

    fn minus(self, other: Self) -> Self {
        Self { seconds: self.seconds - other.seconds, weight: self.weight - other.weight }
    }
}
