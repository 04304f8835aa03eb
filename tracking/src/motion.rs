//! Where an object is expected: a Kalman filter of its box with constant velocity, in seconds.
//!
//! Centre, width and height are filtered each by itself, so a state is two numbers and its covariance three. All
//! noise is relative to the object's size, as in SORT and ByteTrack; theirs per frame, at 30 frames per second, is
//! ours per second.

use crate::bounds::Bounds;

/// Standard deviation of a measured edge, in sizes of the object.
const MEASURED: f32 = 0.05;
/// Variance that a position gains per second beside what its velocity makes of it.
const WANDER: f32 = 0.075;
/// Spectral density of the acceleration: the variance that a velocity gains per second.
const ACCELERATION: f32 = 1.0;
/// Standard deviation of an unknown velocity, in sizes per second.
const FIRST_VELOCITY: f32 = 2.0;

/// A box and how it moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Motion {
    /// Centre, width and height.
    axes: [Axis; 4],
}

#[derive(Debug, Clone, Copy)]
struct Axis {
    position: f32,
    velocity: f32,
    /// Variance of the position, covariance, variance of the velocity.
    covariance: [f32; 3],
}

impl Motion {
    /// Of an object that was never seen before.
    pub(crate) fn new(bounds: &Bounds) -> Self {
        let size = size(bounds);
        Self { axes: measurements(bounds).map(|measured| Axis::new(measured, size)) }
    }

    /// The box that is expected after this time.
    pub(crate) fn after(mut self, seconds: f32) -> Self {
        let size = size(&self.bounds());
        for axis in &mut self.axes {
            axis.pass(seconds, size);
        }
        self
    }

    /// The object was seen here.
    pub(crate) fn correct(&mut self, bounds: &Bounds) {
        let size = size(bounds);
        for (axis, measured) in self.axes.iter_mut().zip(measurements(bounds)) {
            axis.correct(measured, size);
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let [x, y, width, height] = self.axes.map(|axis| axis.position);
        // Extrapolation may make a shrinking object vanish.
        let (width, height) = (width.max(f32::EPSILON), height.max(f32::EPSILON));
        Bounds { x: x - width / 2.0, y: y - height / 2.0, width, height }
    }

    /// Standard deviation of the centre, across and along.
    pub(crate) fn uncertainty(&self) -> [f32; 2] {
        [self.axes[0], self.axes[1]].map(|axis| axis.covariance[0].max(0.0).sqrt())
    }
}

impl Axis {
    fn new(position: f32, size: f32) -> Self {
        let variance = |deviation: f32| (deviation * size).powi(2);
        let covariance = [variance(MEASURED), 0.0, variance(FIRST_VELOCITY)];
        Self { position, velocity: 0.0, covariance }
    }

    /// Time update, with the process noise of a velocity that wanders.
    fn pass(&mut self, seconds: f32, size: f32) {
        let [position, cross, velocity] = self.covariance;
        let square = size * size;
        let gained = ACCELERATION * square * seconds;
        self.position += self.velocity * seconds;
        self.covariance = [
            position
                + seconds * (2.0 * cross + seconds * velocity)
                + WANDER * square * seconds
                + gained * seconds * seconds / 3.0,
            cross + seconds * velocity + gained * seconds / 2.0,
            velocity + gained,
        ];
    }

    /// Measurement update.
    fn correct(&mut self, measured: f32, size: f32) {
        let [position, cross, velocity] = self.covariance;
        let noise = (MEASURED * size).powi(2);
        let total = position + noise;
        if total <= 0.0 {
            self.position = measured;
            return;
        }
        let [gain, velocity_gain] = [position / total, cross / total];
        let surprise = measured - self.position;
        self.position += gain * surprise;
        self.velocity += velocity_gain * surprise;
        self.covariance =
            [position * noise / total, cross * noise / total, velocity - velocity_gain * cross];
    }
}

fn measurements(bounds: &Bounds) -> [f32; 4] {
    let Bounds { x, y, width, height } = *bounds;
    [x + width / 2.0, y + height / 2.0, width, height]
}

fn size(bounds: &Bounds) -> f32 {
    (bounds.width * bounds.height).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32) -> Bounds {
        Bounds { x, y: 50.0, width: 20.0, height: 40.0 }
    }

    #[test]
    fn a_velocity_is_learnt_and_extrapolated_over_any_time() {
        let mut motion = Motion::new(&at(0.0));
        for step in 1..20 {
            motion = motion.after(0.1);
            motion.correct(&at(step as f32 * 6.0));
        }
        // 60 pixels per second; the last was seen at 114.
        for (seconds, expected) in [(0.1, 120.0), (0.5, 144.0), (1.0, 174.0)] {
            let found = motion.after(seconds).bounds();
            assert!((found.x - expected).abs() < 2.0, "{found:?} after {seconds} s");
            assert!((found.width - 20.0).abs() < 0.5 && (found.y - 50.0).abs() < 0.5, "{found:?}");
        }
        let steps = (0..10).fold(motion, |motion, _| motion.after(0.05));
        let once = motion.after(0.5);
        assert!((steps.bounds().x - once.bounds().x).abs() < 1e-2);
        for (one, other) in steps.uncertainty().iter().zip(once.uncertainty()) {
            assert!((one - other).abs() < 1e-2 * one, "ten short steps are one long one");
        }
    }

    #[test]
    fn time_makes_uncertain_and_sight_certain() {
        let motion = Motion::new(&at(0.0));
        let [soon, late] = [0.1, 1.0].map(|seconds| motion.after(seconds));
        assert!(soon.uncertainty()[0] < late.uncertainty()[0]);
        let mut seen = late;
        seen.correct(&at(3.0));
        assert!(seen.uncertainty()[0] < soon.uncertainty()[0]);
        assert!((seen.bounds().x - 3.0).abs() < 0.1, "what is seen counts more than a guess");
    }
}
