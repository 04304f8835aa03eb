//! A Huffman table as a DHT segment gives it (T.81, B.2.4.2).

/// A Huffman table as it is written: how many codes there are of each length, and what they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HuffmanSpec<'a> {
    /// Codes of 1 to 16 bits.
    pub(crate) counts: &'a [u8; 16],
    /// Their symbols, by length and code.
    pub(crate) symbols: &'a [u8],
}
