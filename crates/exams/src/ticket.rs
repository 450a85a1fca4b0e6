//! Tickets (准考证码) and tokens of sittings: proven by a key of the examination, without a look into the database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Env, Id};
use sha2::Sha256;

/// Digits of codes: no I, L, O and U, so that they can be read aloud and typed.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Digits of a ticket: 80 random bits.
const LENGTH: usize = 16;
/// Bytes of a token before its signature: attempt, examination, seat.
const BODY: usize = 36;
/// Bytes of its signature.
const SIGNED: usize = 16;

/// The key of an examination, which never leaves the server.
#[derive(Clone)]
pub(crate) struct Key(pub(crate) [u8; 32]);

/// What a token of a sitting says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) attempt: Id,
    pub(crate) exam: Id,
    /// Which device: an unlock for another one counts on.
    pub(crate) seat: u32,
}

/// A fresh ticket, in groups of four.
pub(crate) fn fresh(env: &Env) -> String {
    let random = env.random::<LENGTH>();
    let digits: Vec<u8> = random.iter().map(|b| DIGITS[usize::from(b % 32)]).collect();
    let groups: Vec<&str> = digits
        .chunks(4)
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join("-")
}

/// A ticket as it was typed, in its one form; none when it cannot be one.
pub(crate) fn plain(typed: &str) -> Option<String> {
    let read = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let digits: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(read)
        .collect();
    let known = |c: char| u8::try_from(c).is_ok_and(|c| DIGITS.contains(&c));
    (digits.len() == LENGTH && digits.chars().all(known)).then_some(digits)
}

impl Key {
    fn mac(&self, what: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is taken");
        mac.update(what.as_bytes());
        mac
    }

    /// What is kept of a ticket.
    pub(crate) fn ticket(&self, plain: &str) -> [u8; 32] {
        let mut mac = self.mac("ticket");
        mac.update(plain.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The token of a sitting.
    pub(crate) fn token(&self, token: Token) -> String {
        let body = token.body();
        let mut mac = self.mac("sitting");
        mac.update(&body);
        let mut bytes = body.to_vec();
        bytes.extend(&mac.finalize().into_bytes()[..SIGNED]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether a token was signed with this key.
    pub(crate) fn proves(&self, token: Token, signature: &[u8]) -> bool {
        let mut mac = self.mac("sitting");
        mac.update(&token.body());
        signature.len() == SIGNED && mac.verify_truncated_left(signature).is_ok()
    }
}

impl Token {
    fn body(&self) -> [u8; BODY] {
        let mut body = [0; BODY];
        body[..16].copy_from_slice(&self.attempt.0);
        body[16..32].copy_from_slice(&self.exam.0);
        body[32..].copy_from_slice(&self.seat.to_be_bytes());
        body
    }

    /// What a token says and its signature, which is still to be proven; none when it is no token at all.
    pub(crate) fn read(text: &str) -> Option<(Self, [u8; SIGNED])> {
        let mut bytes = [0; BODY + SIGNED];
        let n = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (body, signature) = bytes.split_at(BODY);
        let token = Self {
            attempt: Id::from_slice(&body[..16]).ok()?,
            exam: Id::from_slice(&body[16..32]).ok()?,
            seat: u32::from_be_bytes(body[32..].try_into().ok()?),
        };
        (n == BODY + SIGNED).then_some((token, signature.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tickets_are_read_as_people_type_them() {
        let env = Env::system();
        let ticket = fresh(&env);
        assert_eq!(ticket.len(), 19);
        let one = plain(&ticket).unwrap();
        assert_eq!(
            plain(&ticket.to_lowercase().replace('-', " ")).unwrap(),
            one
        );
        assert_eq!(plain("o1il-0000-0000-0000").unwrap(), "0111000000000000");
        assert_eq!(plain("0000-0000-0000-000"), None);
        assert_eq!(plain("0000-0000-0000-000U"), None);
        assert_eq!(plain("０000-0000-0000-0000"), None);
        assert_ne!(fresh(&env), ticket);
        let (a, b) = (Key([1; 32]), Key([2; 32]));
        assert_ne!(a.ticket(&one), b.ticket(&one));
    }

    proptest! {
        #[test]
        fn a_token_holds_for_its_key_and_as_it_was_given(attempt: [u8; 16], exam: [u8; 16], seat: u32, flip in 0usize..52, bit in 0u8..8) {
            let token = Token { attempt: Id(attempt), exam: Id(exam), seat };
            let text = Key([7; 32]).token(token);
            let (read, signature) = Token::read(&text).unwrap();
            prop_assert_eq!(read, token);
            prop_assert!(Key([7; 32]).proves(read, &signature));
            prop_assert!(!Key([8; 32]).proves(read, &signature));
            let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
            bytes[flip] ^= 1 << bit;
            let (forged, signature) = Token::read(&URL_SAFE_NO_PAD.encode(bytes)).unwrap();
            prop_assert!(!Key([7; 32]).proves(forged, &signature));
            prop_assert!(Token::read(&text[1..]).is_none());
        }
    }
}
