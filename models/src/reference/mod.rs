//! The scalar meaning of every operator, computed in `f64`.
