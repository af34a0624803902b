//! The one source of what happens: `SplitMix64`, so that a seed is all there is to know.

use hourglass_engine::{Entropy, SeededEntropy};

pub(crate) struct Rng(SeededEntropy);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        let bytes = self.0.bytes();
        u64::from_be_bytes(bytes[..8].try_into().unwrap())
    }

    /// Below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// From `low` to `high`, both possible.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// An index of something of that length, unless it is empty.
    pub(crate) fn index(&mut self, length: usize) -> Option<usize> {
        let length = u64::try_from(length).unwrap();
        (length > 0).then(|| usize::try_from(self.below(length)).unwrap())
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        self.index(from.len()).map(|index| &from[index])
    }
}
