//! The order in which the coefficients of a block are coded (T.81, figure A.6). They stay in it up to their transform.

/// For each row and column the place of the coefficient in that order.
pub(crate) const CODED: [[u8; 8]; 8] = [
    [0, 1, 5, 6, 14, 15, 27, 28],
    [2, 4, 7, 13, 16, 26, 29, 42],
    [3, 8, 12, 17, 25, 30, 41, 43],
    [9, 11, 18, 24, 31, 40, 44, 53],
    [10, 19, 23, 32, 39, 45, 52, 54],
    [20, 22, 33, 38, 46, 51, 55, 60],
    [21, 34, 37, 47, 50, 56, 59, 61],
    [35, 36, 48, 49, 57, 58, 62, 63],
];

/// Coefficients of lowest frequency: all that come before this place are in the first four rows and columns.
pub(crate) const LOW: usize = 10;
