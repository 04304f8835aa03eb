//! Turns a code that is seen from the side into a square.

use crate::grey::GreyImage;
use crate::threshold::{below_local_mean, otsu};

type Point = [f32; 2];

/// Quiet zone around the code, in sides of it.
const QUIET: f32 = 0.08;
/// Sides of the square, in pixels: two of them for each pixel of the code's longest side, within bounds.
const SIDES: (f32, f32) = (64.0, 800.0);

/// A code that was made square.
#[derive(Debug)]
pub(crate) struct Rectified {
    pub(crate) image: GreyImage,
    /// From the image's pixels to those of the one it was made of.
    pub(crate) map: Homography,
}

/// Pixels of a rectified image, at most.
pub(crate) fn rectified_size(image: &GreyImage) -> usize {
    let side = (2.0 * image.width.max(image.height) as f32).clamp(SIDES.0, SIDES.1);
    let size = (side * (1.0 + 2.0 * QUIET)) as usize;
    size * size
}

/// A way to make an image black, which is 0, and white.
pub(crate) type Darken = fn(&GreyImage) -> GreyImage;

/// The ways to find the dark pixels, in the order in which they are tried: in even light, and where the paper's far end is as
/// dark as the code's near one.
pub(crate) const DARKEN: [Darken; 2] = [
    |image| {
        let threshold = otsu(image);
        let black_or_white = |&value: &u8| if value < threshold { 0 } else { 255 };
        let pixels = image.pixels.iter().map(black_or_white).collect();
        GreyImage { pixels, ..*image }
    },
    |image| below_local_mean(image, 75),
];

/// Stretches the quadrilateral around the dark pixels to a square with a quiet zone. What lies at the rim is left out, as it
/// belongs to whatever is beside the code. `None` where there is no such quadrilateral.
pub(crate) fn rectify(image: &GreyImage, darken: Darken) -> Option<Rectified> {
    let black = darken(image).pixels;
    let (left, top) = (image.width / RIM, image.height / RIM);
    let (right, bottom) = (image.width - left, image.height - top);
    let corners = quadrilateral(hull(image, |x, y| {
        let is_inside = (left..right).contains(&x) && (top..bottom).contains(&y);
        is_inside && black[y * image.width + x] == 0
    }))?;
    let sides = (0..4).map(|corner| distance(corners[corner], corners[(corner + 1) % 4]));
    let side = (sides.fold(0.0, f32::max) * 2.0).clamp(SIDES.0, SIDES.1);
    let margin = side * QUIET;
    let size = (side + 2.0 * margin) as usize;
    let map = Homography::of_square(corners, margin, side);
    let pixels = (0..size * size).map(|index| {
        let [x, y] = map.apply([(index % size) as f32, (index / size) as f32]);
        image.at(x, y) as u8
    });
    Some(Rectified {
        image: GreyImage { pixels: pixels.collect(), width: size, height: size },
        map,
    })
}

/// Part of the width or height that is the rim.
const RIM: usize = 13;

fn distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Twice the signed area of a triangle; positive where it turns clockwise on screen.
fn turn(a: Point, b: Point, c: Point) -> f32 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Convex hull of the dark pixels, clockwise (Andrew's monotone chain on the outermost ones of each row).
fn hull(image: &GreyImage, dark: impl Fn(usize, usize) -> bool) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for y in 0..image.height {
        let Some(first) = (0..image.width).find(|&x| dark(x, y)) else { continue };
        let last = (first..image.width).rev().find(|&x| dark(x, y)).unwrap_or(first);
        for (x, y) in [(first, y), (last + 1, y), (first, y + 1), (last + 1, y + 1)] {
            points.push([x as f32, y as f32]);
        }
    }
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..]
                && turn(a, b, point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

/// The hull with edges taken away until four are left: each time the one without which it grows least.
fn quadrilateral(mut hull: Vec<Point>) -> Option<[Point; 4]> {
    while hull.len() > 4 {
        let count = hull.len();
        let mut best: Option<(f32, usize, Point)> = None;
        for edge in 0..count {
            let (before, from) = (hull[(edge + count - 1) % count], hull[edge]);
            let (to, after) = (hull[(edge + 1) % count], hull[(edge + 2) % count]);
            let Some(corner) = intersection(before, from, after, to) else { continue };
            let added = turn(from, corner, to).abs();
            if best.is_none_or(|(least, ..)| added < least) {
                best = Some((added, edge, corner));
            }
        }
        let (_, edge, corner) = best?;
        hull[edge] = corner;
        hull.remove((edge + 1) % count);
    }
    let corners: [Point; 4] = hull.try_into().ok()?;
    let area = turn(corners[0], corners[1], corners[2]) + turn(corners[0], corners[2], corners[3]);
    (area.abs() >= 2.0 * 100.0).then_some(corners)
}

/// Where a line through `a`, beyond `b`, and one through `c`, beyond `d`, meet. `None` where they do not.
fn intersection(a: Point, b: Point, c: Point, d: Point) -> Option<Point> {
    let (p, q) = ([b[0] - a[0], b[1] - a[1]], [d[0] - c[0], d[1] - c[1]]);
    let cross = p[0] * q[1] - p[1] * q[0];
    if cross.abs() < 1e-6 {
        return None;
    }
    let t = ((c[0] - a[0]) * q[1] - (c[1] - a[1]) * q[0]) / cross;
    let s = ((c[0] - a[0]) * p[1] - (c[1] - a[1]) * p[0]) / cross;
    (t >= 1.0 - 1e-4 && s >= 1.0 - 1e-4).then(|| [a[0] + t * p[0], a[1] + t * p[1]])
}

/// The projective map of a square onto a quadrilateral (P. Heckbert, Fundamentals of Texture Mapping, 1989).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Homography {
    /// Of the square's top left corner, and its side.
    margin: f32,
    side: f32,
    origin: Point,
    across: Point,
    down: Point,
    perspective: Point,
}

impl Homography {
    fn of_square([a, b, c, d]: [Point; 4], margin: f32, side: f32) -> Self {
        let (p, q) = ([b[0] - c[0], b[1] - c[1]], [d[0] - c[0], d[1] - c[1]]);
        let sum = [a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]];
        let cross = p[0] * q[1] - p[1] * q[0];
        let g = (sum[0] * q[1] - sum[1] * q[0]) / cross;
        let h = (p[0] * sum[1] - p[1] * sum[0]) / cross;
        Self {
            margin,
            side,
            origin: a,
            across: [b[0] - a[0] + g * b[0], b[1] - a[1] + g * b[1]],
            down: [d[0] - a[0] + h * d[0], d[1] - a[1] + h * d[1]],
            perspective: [g, h],
        }
    }

    /// The point of the quadrilateral that a point of the square is on; both count from pixel centres.
    pub(crate) fn apply(&self, point: Point) -> Point {
        let [x, y] = point.map(|at| (at + 0.5 - self.margin) / self.side);
        let scale = 1.0 / (1.0 + self.perspective[0] * x + self.perspective[1] * y);
        [0, 1].map(|axis| {
            (self.origin[axis] + self.across[axis] * x + self.down[axis] * y) * scale - 0.5
        })
    }
}
