//! The meaning of every operator of a graph, in scalar code.
