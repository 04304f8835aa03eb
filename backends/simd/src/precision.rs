//! The numbers that convolutions multiply, from `framegate-cpu`.

pub(crate) use framegate_cpu::Precision;
