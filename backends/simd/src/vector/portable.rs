//! Eight `f32` in plain Rust, for processors that have no vector type here.
#![expect(unsafe_code, reason = "the trait's methods are unsafe for the sake of the others")]

use super::{Products, Vector};

/// Eight lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable(pub(super) [f32; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, function: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| function(self.0[lane], other.0[lane])))
    }
}

impl Products for Portable {
    const LANES: usize = 8;
    /// Vectors of baseline x86-64 and AArch64 hold four `f32`; the former has 16 of them.
    const REGISTERS: usize = 8;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract: the pointer is good for eight elements.
        Self(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }

    /// Rounds twice: without an instruction for it, rounding once is a function call.
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * factor.0[lane] + addend.0[lane]))
    }
}

impl Vector for Portable {
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        // Adding 1.5 · 2²³ leaves no bits for a fraction. Valid in the range of exponents.
        const SHIFT: f32 = 12_582_912.0;
        Self(self.0.map(|x| (x + SHIFT) - SHIFT))
    }

    #[inline(always)]
    unsafe fn scale_by_power_of_two(self, n: Self) -> Self {
        self.zip(n, |x, n| x * f32::from_bits(((n as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    unsafe fn where_negative(self, condition: Self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            if condition.0[lane] < 0.0 { self.0[lane] } else { other.0[lane] }
        }))
    }

    #[inline(always)]
    unsafe fn of_integers(self) -> Self {
        Self(self.0.map(|x| x.to_bits() as i32 as f32))
    }

    #[inline(always)]
    unsafe fn transpose(row: impl Fn(usize) -> *const f32, column: impl Fn(usize) -> *mut f32) {
        // SAFETY: the trait's contract.
        unsafe {
            let rows: [Self; Self::LANES] = std::array::from_fn(|index| Self::load(row(index)));
            for index in 0..Self::LANES {
                Self(rows.map(|row| row.0[index])).store(column(index));
            }
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: the trait's contract: the pointer is good for eight elements.
        Self(unsafe { from.cast::<[u8; 8]>().read_unaligned() }.map(f32::from))
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: as above.
        unsafe { to.cast::<[u8; 8]>().write_unaligned(self.0.map(|x| x as u8)) }
    }
}
