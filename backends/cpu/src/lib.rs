//! What the processor can do: vector levels, precisions, and proofs that an instruction set is there.
