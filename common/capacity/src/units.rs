//! Amounts of capacity.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul};

/// An amount of read or write capacity units, in halves of a unit: the smallest amount that DynamoDB charges is the
/// half unit of an eventually consistent read, and all others are multiples of it.
///
/// Sums and products saturate at the largest amount (9 × 10^18 units).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapacityUnits {
    halves: u64,
}

impl CapacityUnits {
    /// Nothing.
    pub const ZERO: Self = Self { halves: 0 };

    /// Whole units.
    pub const fn new(units: u64) -> Self {
        Self { halves: units.saturating_mul(2) }
    }

    /// Halves of a unit.
    pub const fn from_halves(halves: u64) -> Self {
        Self { halves }
    }

    /// Units as in `ConsumedCapacity`, to the nearest half; negative amounts and NaN are zero.
    pub fn from_f64(units: f64) -> Self {
        Self { halves: (units * 2.0).round() as u64 }
    }

    /// In halves of a unit.
    pub const fn halves(self) -> u64 {
        self.halves
    }

    /// In whole units, rounded up.
    pub const fn rounded_up(self) -> u64 {
        self.halves.div_ceil(2)
    }

    /// Units as in `ConsumedCapacity`.
    pub fn as_f64(self) -> f64 {
        self.halves as f64 / 2.0
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.halves == 0
    }

    /// The difference, at least zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self { halves: self.halves.saturating_sub(other.halves) }
    }
}

impl Add for CapacityUnits {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { halves: self.halves.saturating_add(other.halves) }
    }
}

impl AddAssign for CapacityUnits {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<u64> for CapacityUnits {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self { halves: self.halves.saturating_mul(times) }
    }
}

impl Sum for CapacityUnits {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for CapacityUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = if self.halves % 2 == 1 { ".5" } else { "" };
        write!(f, "{}{tenths}", self.halves / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_add_up_to_wholes() {
        let half = CapacityUnits::from_halves(1);
        assert_eq!(half + half, CapacityUnits::new(1));
        assert_eq!([half; 5].into_iter().sum::<CapacityUnits>(), CapacityUnits::from_f64(2.5));
        assert_eq!((half * 3).rounded_up(), 2);
    }

    #[test]
    fn it_reads_as_dynamodb_writes_it() {
        assert_eq!(CapacityUnits::from_halves(5).to_string(), "2.5");
        assert_eq!(CapacityUnits::new(1000).to_string(), "1000");
        assert_eq!(CapacityUnits::from_halves(5).as_f64(), 2.5);
        assert_eq!(CapacityUnits::from_f64(-1.0), CapacityUnits::ZERO);
        assert_eq!(CapacityUnits::from_f64(f64::NAN), CapacityUnits::ZERO);
    }

    #[test]
    fn it_stops_at_the_ends() {
        let largest = CapacityUnits::from_halves(u64::MAX);
        assert_eq!(largest + largest, largest);
        assert_eq!(largest * 2, largest);
        assert_eq!(CapacityUnits::new(1).saturating_sub(CapacityUnits::new(2)), CapacityUnits::ZERO);
    }
}
