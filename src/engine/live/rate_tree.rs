//! The offered rates of all streams in order, with sums, so that a fair share costs O(log streams).
//!
//! A treap: a search tree by rate that is a heap by random priorities, which keeps it balanced (Aragon and
//! Seidel, 1989). Each node knows, per pipeline, how many streams its subtree holds and what they offer.
//! The sums are not weighted with the cost of a frame, because that cost changes while the tree does not.
//!
//! Nodes live in slots that the caller numbers, so nothing is allocated when a rate changes.

/// A node's slot; `None` is an empty subtree.
type Link = Option<usize>;

/// Streams by the rate that they offer.
#[derive(Debug)]
pub(super) struct RateTree {
    nodes: Vec<Node>,
    /// Of each node's subtree, one for each pipeline.
    totals: Vec<Total>,
    pipelines: usize,
    root: Link,
    /// State of a xorshift generator (Marsaglia, 2003).
    random: u64,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    fps: f64,
    pipeline: usize,
    priority: u64,
    left: Link,
    right: Link,
}

/// What streams of one pipeline offer together.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    streams: usize,
    /// Frames per second. Unlimited rates are left out: no share ever satisfies them.
    fps: f64,
}

/// What streams of all pipelines cost.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    /// Seconds of the device per second, at the offered rates.
    device: f64,
    /// Seconds of the device for one frame of each stream.
    frame_each: f64,
}

impl RateTree {
    pub(super) fn new(pipelines: usize) -> Self {
        let random = 0x9E37_79B9_7F4A_7C15;
        Self { nodes: Vec::new(), totals: Vec::new(), pipelines, root: None, random }
    }

    /// Adds a stream in a slot that is free. Slots are numbered from 0 without gaps.
    pub(super) fn insert(&mut self, slot: usize, pipeline: usize, fps: f64) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let node = Node { fps, pipeline, priority: self.random, left: None, right: None };
        if slot == self.nodes.len() {
            self.nodes.push(node);
            self.totals.extend(std::iter::repeat_n(Total::default(), self.pipelines));
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

    /// Number of streams of a pipeline.
    pub(super) fn streams(&self, pipeline: usize) -> usize {
        self.root.map_or(0, |root| self.totals[root * self.pipelines + pipeline].streams)
    }

    /// Frames per second that a stream gets beside all others, however many it offers, if a frame of each
    /// pipeline costs this many seconds of the device. `own` is its slot if it is in the tree.
    ///
    /// This is the level at which max-min fairness fills the device: the others get what they offer if
    /// that is below the level, and the level otherwise. Whether a rate is below it can be told from what
    /// the lower rates cost, so the level is found on one way down the tree.
    pub(super) fn fair_share(
        &self,
        own: Link,
        own_seconds_per_frame: f64,
        seconds_per_frame: impl Fn(usize) -> f64,
    ) -> f64 {
        let cost = &seconds_per_frame;
        let own_load = own.map_or(Load::default(), |slot| self.load_of(slot, cost));
        let all = self.load(self.root, cost);
        let all = if own.is_some() { all.minus(own_load) } else { all };
        // The level if just these get what they offer.
        let level = |satisfied: Load| {
            let rest = all.frame_each - satisfied.frame_each + own_seconds_per_frame;
            (1.0 - satisfied.device) / rest
        };
        // Those with lower rates than all that is still to be searched; with the stream's own rate, if
        // `own_passed`, which does not count.
        let (mut lower, mut own_passed) = (Load::default(), false);
        let mut next = self.root;
        while let Some(top) = next {
            let Node { fps, left, right, .. } = self.nodes[top];
            let below = lower.plus(self.load(left, cost));
            let own_below = own_passed || own.is_some_and(|own| self.precedes(own, top));
            let others = if own_below { below.minus(own_load) } else { below };
            if fps < level(others) {
                lower = below.plus(self.load_of(top, cost));
                own_passed = own_below || own == Some(top);
                next = right;
            } else {
                next = left;
            }
        }
        level(if own_passed { lower.minus(own_load) } else { lower })
    }

    fn load(&self, tree: Link, seconds_per_frame: impl Fn(usize) -> f64) -> Load {
        let Some(top) = tree else { return Load::default() };
        let totals = &self.totals[top * self.pipelines..][..self.pipelines];
        let loads = totals.iter().enumerate().filter(|(_, total)| total.streams > 0);
        loads.fold(Load::default(), |sum, (pipeline, total)| {
            sum.plus(total.load(seconds_per_frame(pipeline)))
        })
    }

    fn load_of(&self, slot: usize, seconds_per_frame: impl Fn(usize) -> f64) -> Load {
        let node = &self.nodes[slot];
        node.total().load(seconds_per_frame(node.pipeline))
    }

    /// Whether one stream is before another in the order of rates.
    fn precedes(&self, slot: usize, other: usize) -> bool {
        let rates = self.nodes[slot].fps.total_cmp(&self.nodes[other].fps);
        rates.then(slot.cmp(&other)).is_lt()
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

    /// Joins two trees, all of whose rates in one are before all in the other.
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

    /// Works out a node's totals from those of its children.
    fn sum_up(&mut self, slot: usize) {
        let node = self.nodes[slot];
        for pipeline in 0..self.pipelines {
            let mut sum = if pipeline == node.pipeline { node.total() } else { Total::default() };
            for child in [node.left, node.right].into_iter().flatten() {
                let total = self.totals[child * self.pipelines + pipeline];
                sum.streams += total.streams;
                sum.fps += total.fps;
            }
            self.totals[slot * self.pipelines + pipeline] = sum;
        }
    }

    #[cfg(test)]
    pub(super) fn height(&self) -> usize {
        fn of(tree: &RateTree, link: Link) -> usize {
            link.map_or(0, |top| {
                let Node { left, right, .. } = tree.nodes[top];
                1 + of(tree, left).max(of(tree, right))
            })
        }
        of(self, self.root)
    }
}

impl Node {
    fn total(&self) -> Total {
        Total { streams: 1, fps: if self.fps.is_finite() { self.fps } else { 0.0 } }
    }
}

impl Total {
    fn load(self, seconds_per_frame: f64) -> Load {
        let Self { streams, fps } = self;
        Load { device: fps * seconds_per_frame, frame_each: streams as f64 * seconds_per_frame }
    }
}

impl Load {
    fn plus(self, other: Self) -> Self {
        let Self { device, frame_each } = self;
        Self { device: device + other.device, frame_each: frame_each + other.frame_each }
    }

    fn minus(self, other: Self) -> Self {
        let Self { device, frame_each } = self;
        Self { device: device - other.device, frame_each: frame_each - other.frame_each }
    }
}
