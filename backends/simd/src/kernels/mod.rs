//! Vector kernels: most on channel-blocked feature maps, some on row-major elements.
//!
//! Each is written once, generic over [`Vector`](crate::vector::Vector), and compiled for every level;
//! the one for tiles is generic over what multiplies them. A kernel works on a small piece; `steps`
//! decides which pieces there are and on which thread each runs. Tests compare each with its scalar
//! twin.

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod bilinear;
pub(crate) mod broadcast;
pub(crate) mod centre;
pub(crate) mod combine_bytes;
pub(crate) mod depthwise;
pub(crate) mod depthwise_bytes;
pub(crate) mod direct_conv;
pub(crate) mod elementwise;
pub(crate) mod epilogue;
pub(crate) mod grid_sample;
pub(crate) mod layout;
pub(crate) mod matmul;
pub(crate) mod normalise;
pub(crate) mod overlap;
pub(crate) mod pool;
pub(crate) mod pool_bytes;
pub(crate) mod quantise;
pub(crate) mod reduce;
pub(crate) mod requantise;
pub(crate) mod roi_align;
pub(crate) mod softmax;
pub(crate) mod table;
pub(crate) mod to_bf16;
pub(crate) mod window;
pub(crate) mod winograd;
pub(crate) mod winograd_integers;
