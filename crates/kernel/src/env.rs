//! What differs between a test and the world: the clock and randomness. Passed in, never reached for.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Id, Timestamp};

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The instant now.
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from.
pub trait Random: Send + Sync {
    /// Fills the buffer with bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_microsecond())
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// A clock that stands still until a test moves it, forwards or back.
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that stands at the given instant.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now.0)))
    }

    /// A clock that stands at noon of a date, Beijing time.
    pub fn noon(year: i16, month: i8, day: i8) -> Arc<Self> {
        let noon = Date::constant(year, month, day).at(12, 0, 0, 0);
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let at = zone
            .to_ambiguous_zoned(noon)
            .compatible()
            .expect("a date in range");
        Self::at(Timestamp(at.timestamp().as_microsecond()))
    }

    /// Moves the clock by so many seconds; negative sets it back.
    pub fn advance(&self, seconds: i64) {
        self.0
            .fetch_add(seconds * Timestamp::SECOND, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Clock, randomness and time zone of the running program; cheap to clone.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    zone: TimeZone,
    last: Arc<Mutex<u128>>,
}

impl Env {
    /// The real world, Beijing time.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemRandom))
    }

    /// A world with the given clock and system randomness.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, Arc::new(SystemRandom))
    }

    /// A world with the given clock and randomness, Beijing time.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let zone = TimeZone::get("Asia/Shanghai").expect("the bundled time zone database has it");
        Self {
            clock,
            random,
            zone,
            last: Arc::default(),
        }
    }

    /// The instant now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Today's business date.
    pub fn today(&self) -> Date {
        self.now().date(&self.zone)
    }

    /// The tenant's time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// A new id, above every id this process gave before, also when the clock is set back.
    pub fn new_id<T: From<Id>>(&self) -> T {
        self.new_id_above(Id([0; 16]))
    }

    /// A new id that is also above `floor` (a reversal sorts after its target on every node).
    pub fn new_id_above<T: From<Id>>(&self, floor: Id) -> T {
        let millis = u128::try_from(self.now().0 / 1000).unwrap_or(0);
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let floor_millis = u128::from(floor.millis());
        let mut bytes = self.random::<16>();
        let time = millis.max(*last >> 80).max(floor_millis);
        bytes[..6].copy_from_slice(&time.to_be_bytes()[10..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let mut id = u128::from_be_bytes(bytes);
        let above = (*last).max(u128::from_be_bytes(floor.0));
        if id <= above {
            // The same millisecond: step on from the last one, over the version and variant bits.
            let step = u128::from(u32::from_be_bytes(self.random::<4>()) >> 8) + 1;
            let mut low = (above & ((1 << 62) - 1)) + step;
            let mut high = (above >> 64) & 0xfff;
            let mut millis = above >> 80;
            if low >> 62 != 0 {
                low &= (1 << 62) - 1;
                high += 1;
            }
            if high > 0xfff {
                high = 0;
                millis += 1;
            }
            id = (millis << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low;
        }
        *last = id.max(*last);
        T::from(Id(id.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_even_when_the_clock_is_set_back() {
        let clock = TestClock::noon(2026, 1, 1);
        let env = Env::with_clock(clock.clone());
        let mut last: Id = env.new_id();
        for step in 0..10_000 {
            if step % 1000 == 0 {
                clock.advance(-3600);
            }
            let next: Id = env.new_id();
            assert!(next > last);
            assert_eq!(
                (next.0[6] >> 4, next.0[8] >> 6),
                (7, 2),
                "version 7, variant 2"
            );
            last = next;
        }
    }

    #[test]
    fn an_id_above_another_nodes_id_is_above_it() {
        let ahead = Env::with_clock(TestClock::noon(2027, 1, 1));
        let behind = Env::with_clock(TestClock::noon(2026, 1, 1));
        for _ in 0..1000 {
            let target: Id = ahead.new_id();
            let reversal: Id = behind.new_id_above(target);
            assert!(reversal > target);
        }
    }
}
