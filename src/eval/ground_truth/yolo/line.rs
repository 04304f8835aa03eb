//! An object, as a line says it.

use super::super::LabelledObject;
use super::names::Classes;

/// How far a share may be outside 0 to 1: the last digit of six, or an error of a computation.
const ROUNDING: f64 = 1e-5;

pub(super) fn object(
    line: &str,
    Classes { names, keypoints }: &Classes,
) -> Result<LabelledObject, String> {
    let mut words = line.split_whitespace();
    let class = words.next().unwrap_or_default();
    let number = class_number(class).ok_or_else(|| {
        format!("`{class}` is not a class number; write `CLASS X Y WIDTH HEIGHT`")
    })?;
    let label = names.get(number).ok_or_else(|| {
        format!("there is no class {number}: {} are named; correct it, or name more", names.len())
    })?;
    let share = |word: &str| {
        let share = word.parse::<f64>().ok();
        let share = share.filter(|share| (-ROUNDING..=1.0 + ROUNDING).contains(share));
        share.map(|share| share.clamp(0.0, 1.0)).ok_or_else(|| {
            format!("`{word}` is not from 0 to 1; divide pixels by the image's width or height")
        })
    };
    // Key points have marks besides shares: 1 for a hidden one, 2 for a visible one.
    let shares = words.take(if *keypoints { 4 } else { usize::MAX });
    let shares: Vec<f64> = shares.map(share).collect::<Result<_, _>>()?;
    let box_ = match shares[..] {
        [x, y, width, height] => [x - width / 2.0, y - height / 2.0, width, height],
        ref corners if corners.len() >= 6 && corners.len() % 2 == 0 => enclosing(corners),
        _ => {
            let numbers = shares.len();
            return Err(format!(
                "{numbers} numbers follow the class; write `CLASS X Y WIDTH HEIGHT`, or an outline"
            ));
        }
    };
    Ok(LabelledObject::of_box(label, box_))
}

/// Tools that keep all numbers in one table write `3.0`.
fn class_number(word: &str) -> Option<usize> {
    word.parse().ok().or_else(|| {
        let number = word.parse::<f64>().ok()?;
        (number.fract() == 0.0 && (0.0..1e9).contains(&number)).then_some(number as usize)
    })
}

/// The box around the corners x, y, x, y, ….
fn enclosing(corners: &[f64]) -> [f64; 4] {
    let range = |first: usize| {
        let along = || corners.iter().skip(first).step_by(2).copied();
        (along().fold(1.0, f64::min), along().fold(0.0, f64::max))
    };
    let ((left, right), (top, bottom)) = (range(0), range(1));
    [left, top, right - left, bottom - top]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object_of(text: &str) -> Result<LabelledObject, String> {
        let names = ["cat", "dog"].map(str::to_owned).to_vec();
        object(text, &Classes { names, keypoints: false })
    }

    #[test]
    fn numbers_may_be_written_as_tools_do() {
        let whole = LabelledObject::of_box("dog", [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(object_of("1.0 0.5 0.5 1.0000000000000002 1.00001"), Ok(whole.clone()));
        assert_eq!(object_of("1 5e-1 .5 1 1"), Ok(whole));
        let edge = object_of("0 -1e-17 0 0 0").unwrap();
        assert_eq!((edge.x, edge.label.as_str()), (0.0, "cat"));
        for (line, words) in [
            ("0.5 0 0 0 0", "`0.5` is not a class number"),
            ("-1 0 0 0 0", "`-1` is not a class number"),
            ("nan 0 0 0 0", "`nan` is not a class number"),
            ("2.0 0 0 0 0", "there is no class 2"),
            ("0 1.001 0 0 0", "`1.001` is not from 0 to 1"),
            ("0 nan 0 0 0", "`nan` is not from 0 to 1"),
        ] {
            let problem = object_of(line).unwrap_err();
            assert!(problem.contains(words), "{line}: {problem}");
        }
    }
}
