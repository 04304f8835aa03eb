//! Rewriting a graph so that backends do less.
