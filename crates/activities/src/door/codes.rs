//! Codes of a door: made of the key of one activity and the time, so that nothing has to be stored for them. No input
//! or output.

use hmac::{Hmac, KeyInit, Mac};
use kernel::{Id, Timestamp};
use sha2::Sha256;

/// How long a code on the screen is the newest one.
pub(crate) const STEP: i64 = 15 * Timestamp::SECOND;
/// How long a code of the room is; people type it.
const ROOM_STEP: i64 = 60 * Timestamp::SECOND;
/// How long after a scan somebody may still sign in with it.
pub(crate) const SCAN_SECONDS: i64 = 15 * 60;

/// What a code that was shown is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// The one on the screen, or the one before.
    Fresh,
    /// Was on the screen some time.
    Old,
    /// Never was.
    Forged,
}

/// The key of a door, which never leaves the server.
#[derive(Clone)]
pub(crate) struct Key(Vec<u8>);

impl From<Vec<u8>> for Key {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Key {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn mac(&self, what: &str, plan: Id, number: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is taken");
        mac.update(what.as_bytes());
        mac.update(&plan.0);
        mac.update(&number.to_be_bytes());
        mac
    }

    /// Number and the first bytes of its signature.
    fn signed(&self, what: &str, plan: Id, number: i64, bytes: usize) -> String {
        let mac = self.mac(what, plan, number).finalize().into_bytes();
        format!("{number:x}.{}", hex::encode(&mac[..bytes]))
    }

    /// The number in a text that was signed so.
    fn number(&self, what: &str, plan: Id, text: &str, bytes: usize) -> Option<i64> {
        let (number, mac) = text.split_once('.')?;
        let number = i64::from_str_radix(number, 16).ok()?;
        let mac = hex::decode(mac).ok().filter(|m| m.len() == bytes)?;
        let right = self.mac(what, plan, number).verify_truncated_left(&mac);
        right.is_ok().then_some(number)
    }

    /// The code on the screen.
    pub(crate) fn code(&self, plan: Id, now: Timestamp) -> String {
        self.signed("screen", plan, now.0.div_euclid(STEP), 12)
    }

    /// What a code is worth now. Another node's clock may be a step ahead.
    pub(crate) fn worth(&self, plan: Id, code: &str, now: Timestamp) -> Worth {
        match self.number("screen", plan, code, 12) {
            None => Worth::Forged,
            Some(step) if (-1..=1).contains(&(step - now.0.div_euclid(STEP))) => Worth::Fresh,
            Some(_) => Worth::Old,
        }
    }

    fn room_at(&self, plan: Id, step: i64) -> String {
        let mac = self.mac("room", plan, step).finalize().into_bytes();
        let number = mac[..8].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        format!("{:06}", number % 1_000_000)
    }

    /// The code of the room, six digits.
    pub(crate) fn room(&self, plan: Id, now: Timestamp) -> String {
        self.room_at(plan, now.0.div_euclid(ROOM_STEP))
    }

    /// Whether somebody reads it from the screen now, or did a moment ago.
    pub(crate) fn is_room(&self, plan: Id, text: &str, now: Timestamp) -> bool {
        let step = now.0.div_euclid(ROOM_STEP);
        (step - 1..=step + 1).any(|step| self.room_at(plan, step) == text)
    }

    /// What a phone keeps of its scan while its owner signs in.
    pub(crate) fn scan(&self, plan: Id, at: Timestamp) -> String {
        self.signed("scan", plan, at.0, 16)
    }

    /// When that was, while it still holds.
    pub(crate) fn scanned(&self, plan: Id, text: &str, now: Timestamp) -> Option<Timestamp> {
        let at = self.number("scan", plan, text, 16).map(Timestamp)?;
        let kept = at.plus_seconds(SCAN_SECONDS) >= now && at <= now.plus_seconds(60);
        kept.then(|| at.min(now))
    }

    /// What the address of the kiosk carries.
    pub(crate) fn kiosk(&self, plan: Id) -> String {
        self.signed("kiosk", plan, 0, 12)
    }

    /// Whether an address is that of the kiosk.
    pub(crate) fn is_kiosk(&self, plan: Id, text: &str) -> bool {
        self.number("kiosk", plan, text, 12) == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAN: Id = Id([7; 16]);

    proptest! {
        /// A code holds at least one step and at most two, also across midnight and when a clock is set back.
        #[test]
        fn a_code_holds_from_one_step_to_two(at in 0..4_000_000_000_000_000i64, after in -40_000_000..40_000_000i64) {
            let key = Key::from(vec![1; 32]);
            let (at, now) = (Timestamp(at), Timestamp(at + after));
            let worth = key.worth(PLAN, &key.code(PLAN, at), now);
            if (0..=STEP).contains(&after) {
                prop_assert_eq!(worth, Worth::Fresh);
            }
            if after >= 2 * STEP {
                prop_assert_eq!(worth, Worth::Old);
            }
            prop_assert_ne!(worth, Worth::Forged);
            prop_assert_eq!(Key::from(vec![2; 32]).worth(PLAN, &key.code(PLAN, at), now), Worth::Forged);
            prop_assert_eq!(key.worth(Id([8; 16]), &key.code(PLAN, at), now), Worth::Forged);
        }

        #[test]
        fn a_changed_code_is_forged(at in 0..4_000_000_000_000_000i64, place in 0..64usize, with in "[0-9a-f.]") {
            let key = Key::from(vec![1; 32]);
            let code = key.code(PLAN, Timestamp(at));
            let place = place % code.len();
            let changed = format!("{}{with}{}", &code[..place], &code[place + 1..]);
            if changed != code {
                prop_assert_eq!(key.worth(PLAN, &changed, Timestamp(at)), Worth::Forged);
            }
        }

        #[test]
        fn the_moment_of_a_scan_is_kept_for_a_while(at in 0..4_000_000_000_000_000i64, after in 0..2_000i64) {
            let key = Key::from(vec![1; 32]);
            let at = Timestamp(at);
            let kept = key.scanned(PLAN, &key.scan(PLAN, at), at.plus_seconds(after));
            prop_assert_eq!(kept, (after <= SCAN_SECONDS).then_some(at));
        }

        #[test]
        fn the_code_of_the_room_holds_a_minute(at in 0..4_000_000_000_000_000i64, after in 0..60i64) {
            let key = Key::from(vec![1; 32]);
            let at = Timestamp(at);
            let room = key.room(PLAN, at);
            prop_assert_eq!(room.len(), 6);
            prop_assert!(key.is_room(PLAN, &room, at.plus_seconds(after)));
        }
    }

    #[test]
    fn nonsense_is_forged() {
        let key = Key::from(vec![1; 32]);
        for text in [
            "",
            ".",
            "1",
            "1.",
            "g.00",
            "1.0011",
            "-9223372036854775808.00",
            "\0.\u{4e2d}",
        ] {
            assert_eq!(key.worth(PLAN, text, Timestamp(0)), Worth::Forged, "{text}");
            assert_eq!(key.scanned(PLAN, text, Timestamp(0)), None);
            assert!(!key.is_kiosk(PLAN, text) && !key.is_room(PLAN, text, Timestamp(0)));
        }
        assert!(key.is_kiosk(PLAN, &key.kiosk(PLAN)));
        assert!(
            !key.is_kiosk(PLAN, &key.code(PLAN, Timestamp(0))),
            "one code is not another"
        );
    }
}
