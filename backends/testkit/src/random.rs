//! Reproducible pseudo-random numbers.

/// A generator whose sequence depends on a name and a seed alone, on every platform.
pub(crate) struct Random(u64);

impl Random {
    /// A generator for the case of this name; every seed gives another sequence.
    pub(crate) fn new(name: &str, seed: u64) -> Self {
        // FNV-1a spreads similar names over the whole state, http://www.isthe.com/chongo/tech/comp/fnv/
        let state = name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(state.max(1))
    }

    /// The next 32 bits: xorshift64*, by Vigna, "An experimental exploration of Marsaglia's xorshift
    /// generators, scrambled" (2016).
    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// A number between `low` and `high`, uniformly distributed.
    pub(crate) fn uniform(&mut self, low: f32, high: f32) -> f32 {
        let fraction = (self.bits() >> 8) as f32 / (1_u32 << 24) as f32;
        low + (high - low) * fraction
    }

    /// An integer from `low` to `high`, both inclusive.
    pub(crate) fn integer(&mut self, low: i32, high: i32) -> i32 {
        low + (self.bits() % (high - low + 1) as u32) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depends_on_name_and_seed_alone() {
        let draw = |name, seed| {
            let mut random = Random::new(name, seed);
            [random.uniform(-1.0, 1.0), random.uniform(-1.0, 1.0)]
        };
        assert_eq!(draw("a", 1), draw("a", 1));
        assert_ne!(draw("a", 1), draw("b", 1));
        assert_ne!(draw("a", 1), draw("a", 2));
    }

    #[test]
    fn stays_in_range_and_reaches_the_ends() {
        let mut random = Random::new("range", 0);
        let integers: Vec<i32> = (0..200).map(|_| random.integer(-2, 2)).collect();
        assert!((-2..=2).all(|value| integers.contains(&value)), "{integers:?}");
        assert!(integers.iter().all(|value| (-2..=2).contains(value)));
        assert!((0..200).all(|_| (0.5..1.5).contains(&random.uniform(0.5, 1.5))));
    }
}
