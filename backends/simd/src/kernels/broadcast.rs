//! Functions of pairs of elements along a line, each operand with a step of its own: 1 for neighbours, 0 for
//! an element that is repeated. The loops are plain, and the compiler vectorises them for every level.
#![expect(unsafe_code, reason = "elements are read and written through pointers")]

use framegate_backend_api::graph::{Binary, Unary};

use crate::vector::{LONGEST_VECTOR, Vector, complementary_error, exponential, versions};

/// Whether a binary function of floats has a version here.
pub(crate) fn has_binary(function: Binary) -> bool {
    use Binary::{Add, Div, Max, Min, Mul, Pow, Sub};
    matches!(function, Add | Sub | Mul | Div | Pow | Max | Min)
}

/// Whether a function of one float has a version here.
pub(crate) fn has_unary(function: Unary) -> bool {
    use Unary::{
        Abs, Atan, Ceil, Cos, Erf, Exp, Floor, Log, Neg, Reciprocal, Round, Sign, Sin, Sqrt,
    };
    match function {
        Abs | Neg | Exp | Log | Sqrt | Reciprocal | Floor | Ceil | Round | Sin | Cos | Atan
        | Erf => true,
        Sign | Unary::Not => false,
    }
}

/// Whether a comparison of floats has a version here.
pub(crate) fn has_comparison(function: Binary) -> bool {
    use Binary::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    matches!(function, Equal | Less | LessOrEqual | Greater | GreaterOrEqual)
}

/// The most operands of a function.
pub(crate) const MOST_OPERANDS: usize = 3;

/// A function of elements of several tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// Of two floats.
    Pair(Binary),
    /// Of two floats, to a boolean.
    Comparison(Binary),
    /// The second operand where the first, a boolean, holds, else the third.
    Choice,
}

/// Elements of the operands, and where the results go. Booleans are bytes, all other elements `f32`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) from: [*const u8; MOST_OPERANDS],
    /// Elements from one to the next, of each operand.
    pub(crate) steps: [isize; MOST_OPERANDS],
    pub(crate) to: *mut u8,
    pub(crate) len: usize,
}

versions!(line_version = line(line: &Line, function: Function));

/// # Safety
/// The processor has `V`'s instructions. The operands are good for `len` elements at their steps, `to` for
/// as many neighbours, which overlap no operand.
#[inline(always)]
unsafe fn line<V: Vector>(line: &Line, function: Function) {
    // SAFETY: the caller's promise.
    unsafe {
        match function {
            Function::Pair(function) => binary(line, function),
            Function::Comparison(function) => comparison(line, function),
            Function::Choice => choice(line),
        }
    }
}

/// # Safety
/// As [`line`].
#[inline(always)]
unsafe fn comparison(line: &Line, function: Binary) {
    // SAFETY: the caller's promise.
    unsafe {
        match function {
            Binary::Equal => pairs(line, |a, b| u8::from(a == b)),
            Binary::Less => pairs(line, |a, b| u8::from(a < b)),
            Binary::LessOrEqual => pairs(line, |a, b| u8::from(a <= b)),
            Binary::Greater => pairs(line, |a, b| u8::from(a > b)),
            Binary::GreaterOrEqual => pairs(line, |a, b| u8::from(a >= b)),
            _ => unreachable!("{function:?} is not a comparison"),
        }
    }
}

/// # Safety
/// As [`line`].
#[inline(always)]
unsafe fn choice(line: &Line) {
    let Line { from: [condition, a, b], steps, to, len } = *line;
    let (a, b, to) = (a.cast::<f32>(), b.cast::<f32>(), to.cast::<f32>());
    macro_rules! map {
        (|$at:ident| $a:expr, $b:expr) => {
            for $at in 0..len {
                *to.add($at) = if *condition.add($at) != 0 { $a } else { $b };
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe {
        match steps {
            [1, 1, 1] => map!(|at| *a.add(at), *b.add(at)),
            [1, 1, 0] => map!(|at| *a.add(at), *b),
            [1, 0, 1] => map!(|at| *a, *b.add(at)),
            _ => {
                for at in 0..len as isize {
                    let [holds, a_at, b_at] = steps.map(|step| at * step);
                    let holds = *condition.offset(holds) != 0;
                    *to.offset(at) = if holds { *a.offset(a_at) } else { *b.offset(b_at) };
                }
            }
        }
    }
}

/// # Safety
/// As [`line`].
#[inline(always)]
unsafe fn binary(line: &Line, function: Binary) {
    // SAFETY: the caller's promise.
    unsafe {
        match function {
            Binary::Add => pairs(line, |a, b| a + b),
            Binary::Sub => pairs(line, |a, b| a - b),
            Binary::Mul => pairs(line, |a, b| a * b),
            Binary::Div => pairs(line, |a, b| a / b),
            Binary::Pow => pairs(line, f32::powf),
            Binary::Max => pairs(line, |a, b| if a > b || a.is_nan() { a } else { b }),
            Binary::Min => pairs(line, |a, b| if a < b || a.is_nan() { a } else { b }),
            _ => unreachable!("{function:?} has no version for lines"),
        }
    }
}

/// # Safety
/// As [`line`].
#[inline(always)]
unsafe fn pairs<T>(line: &Line, function: impl Fn(f32, f32) -> T) {
    let Line { from: [a, b, _], steps: [a_step, b_step, _], to, len } = *line;
    let (a, b, to) = (a.cast::<f32>(), b.cast::<f32>(), to.cast::<T>());
    // SAFETY: the caller's promise.
    unsafe {
        match [a_step, b_step] {
            [1, 1] => {
                for at in 0..len {
                    *to.add(at) = function(*a.add(at), *b.add(at));
                }
            }
            [1, 0] => {
                let b = *b;
                for at in 0..len {
                    *to.add(at) = function(*a.add(at), b);
                }
            }
            [0, 1] => {
                let a = *a;
                for at in 0..len {
                    *to.add(at) = function(a, *b.add(at));
                }
            }
            _ => {
                for at in 0..len {
                    let (a, b) = (a.offset(at as isize * a_step), b.offset(at as isize * b_step));
                    *to.add(at) = function(*a, *b);
                }
            }
        }
    }
}

versions!(unary_version = unary(from: *const f32, to: *mut f32, len: usize, function: Unary));

/// # Safety
/// The processor has `V`'s instructions; both pointers are good for `len` elements, which do not overlap.
#[inline(always)]
unsafe fn unary<V: Vector>(from: *const f32, to: *mut f32, len: usize, function: Unary) {
    // SAFETY: the caller's promise.
    unsafe {
        match function {
            Unary::Abs => each(from, to, len, f32::abs),
            Unary::Neg => each(from, to, len, |x| -x),
            Unary::Exp => vectors(from, to, len, |x: V| {
                // The vector function clamps what would be infinite.
                let is_above = V::splat(88.72).sub(x);
                V::splat(f32::INFINITY).where_negative(is_above, exponential(x))
            }),
            Unary::Log => each(from, to, len, f32::ln),
            Unary::Sqrt => each(from, to, len, f32::sqrt),
            Unary::Reciprocal => each(from, to, len, |x| 1.0 / x),
            Unary::Floor => each(from, to, len, f32::floor),
            Unary::Ceil => each(from, to, len, f32::ceil),
            Unary::Round => each(from, to, len, f32::round_ties_even),
            Unary::Sin => each(from, to, len, f32::sin),
            Unary::Cos => each(from, to, len, f32::cos),
            Unary::Atan => each(from, to, len, f32::atan),
            Unary::Erf => vectors(from, to, len, |x: V| {
                let (zero, one) = (V::splat(0.0), V::splat(1.0));
                let rest = complementary_error(x.max(zero.sub(x)));
                rest.sub(one).where_negative(x, one.sub(rest))
            }),
            _ => unreachable!("{function:?} has no version for lines"),
        }
    }
}

/// # Safety
/// As [`unary`].
#[inline(always)]
unsafe fn each(from: *const f32, to: *mut f32, len: usize, function: impl Fn(f32) -> f32) {
    for at in 0..len {
        // SAFETY: the caller's promise.
        unsafe { *to.add(at) = function(*from.add(at)) };
    }
}

/// # Safety
/// As [`unary`].
#[inline(always)]
unsafe fn vectors<V: Vector>(
    from: *const f32,
    to: *mut f32,
    len: usize,
    function: impl Fn(V) -> V,
) {
    let whole = len / V::LANES * V::LANES;
    // SAFETY: the caller's promise; the rest is shorter than a vector.
    unsafe {
        for at in (0..whole).step_by(V::LANES) {
            function(V::load(from.add(at))).store(to.add(at));
        }
        let mut last = [0.0; LONGEST_VECTOR];
        last.as_mut_ptr().copy_from_nonoverlapping(from.add(whole), len - whole);
        function(V::load(last.as_ptr())).store(last.as_mut_ptr());
        to.add(whole).copy_from_nonoverlapping(last.as_ptr(), len - whole);
    }
}
