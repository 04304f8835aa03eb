//! Vector kernels, one file each: on the channel-blocked layout, some on row-major elements.
//!
//! Each is written once, generic over [`Vector`](crate::vector::Vector), and compiled for every
//! level; that for tiles is generic over what multiplies them. A kernel works on a small piece; which
//! pieces there are, and on which thread, is the business of `steps`. Tests hold each against
//! `framegate-scalar`.

pub(crate) mod activation;
pub(crate) mod blend;
pub(crate) mod dense;
#[cfg(any(test, target_arch = "x86_64"))]
pub(crate) mod dense_tiles;
pub(crate) mod depthwise;
pub(crate) mod elementwise;
pub(crate) mod layout;
pub(crate) mod matmul;
pub(crate) mod pool;
pub(crate) mod round;
pub(crate) mod softmax;
pub(crate) mod window;
pub(crate) mod winograd;
