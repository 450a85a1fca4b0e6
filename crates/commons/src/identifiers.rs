//! Numbers that identify people and units, read by their standards, and their masked forms.
//!
//! Messages never repeat a whole number: errors end up in logs and on other people's screens.

use std::fmt;

use kernel::{Date, Msg, format_date};

/// Sex as the identity number tells it (性别).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
}

/// A resident identity number (公民身份号码, GB 11643) of 18 characters, proven by its check character.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResidentId {
    number: String,
    birth: Date,
}

impl ResidentId {
    /// Reads a number as people type it: full-width characters, spaces and a small `x` are taken, 15
    /// digits are made into 18.
    ///
    /// # Errors
    /// What is wrong with the number and what to do.
    pub fn read(text: &str, today: Date) -> Result<ReadId, Msg> {
        let chars = plain(text);
        let converted = chars.len() == 15;
        if !converted && chars.len() != 18 {
            return Err(Msg::new("id-number-length").with("length", chars.len()));
        }
        let digits = if converted { 15 } else { 17 };
        for (place, c) in (1..).zip(&chars) {
            let fits = c.is_ascii_digit() || (place > digits && *c == 'X');
            if !fits || (place == 1 && *c == '0') {
                return Err(Msg::new("id-number-character").with("place", place));
            }
        }
        let mut number: String = chars.iter().collect();
        if converted {
            // 996 to 999 were given to people who were over a hundred: their century is not known.
            if &number[12..] >= "996" {
                return Err(Msg::new("id-number-old"));
            }
            number.insert_str(6, "19");
            number.push(check_character(&number));
        }
        let day = &number[6..14];
        let birth = kernel::parse_date(day).ok_or_else(|| {
            let date = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
            Msg::new("id-number-date").with("date", date)
        })?;
        if birth > today {
            return Err(Msg::new("id-number-future").with("date", format_date(birth)));
        }
        if !number.ends_with(check_character(&number)) {
            return Err(Msg::new("id-number-check"));
        }
        Ok(ReadId {
            id: Self { number, birth },
            converted,
        })
    }

    /// The 18 characters. Seal them before they are stored, mask them before they are shown.
    pub fn as_str(&self) -> &str {
        &self.number
    }

    /// Date of birth (出生日期).
    pub fn birth_date(&self) -> Date {
        self.birth
    }

    /// Sex (性别): the seventeenth digit is odd for men.
    pub fn sex(&self) -> Sex {
        if (self.number.as_bytes()[16] - b'0') % 2 == 1 {
            Sex::Male
        } else {
            Sex::Female
        }
    }

    /// `3401**********1234`.
    pub fn masked(&self) -> String {
        mask_id(&self.number)
    }
}

impl fmt::Debug for ResidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResidentId({})", self.masked())
    }
}

/// An identity number that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadId {
    /// The number in 18 characters.
    pub id: ResidentId,
    /// Whether it was given in 15 digits.
    pub converted: bool,
}

impl ReadId {
    /// What the person should be told: a number of 15 digits was converted.
    pub fn notice(&self) -> Option<Msg> {
        self.converted
            .then(|| Msg::new("id-number-converted").with("number", self.id.masked()))
    }
}

/// ISO 7064 MOD 11-2 over the first 17 digits.
fn check_character(number: &str) -> char {
    let sum = number
        .bytes()
        .take(17)
        .fold(0, |sum, d| (sum + u32::from(d - b'0')) * 2 % 11);
    char::from(b"10X98765432"[sum as usize])
}

/// A unified social credit code (统一社会信用代码, GB 32100): 18 characters, proven by the last one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CreditCode(String);

/// The alphabet of GB 32100: no I, O, S, V, Z.
const CREDIT: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

impl CreditCode {
    /// Reads a code as people type it: full-width and small letters and spaces are taken.
    ///
    /// # Errors
    /// What is wrong with the code and what to do.
    pub fn read(text: &str) -> Result<Self, Msg> {
        let chars = plain(text);
        if chars.len() != 18 {
            return Err(Msg::new("credit-code-length").with("length", chars.len()));
        }
        let mut sum = 0;
        let mut weight = 1;
        for (place, c) in (1..).zip(&chars) {
            // The third to eighth characters are the digits of a region.
            let value = CREDIT
                .find(*c)
                .filter(|v| !(3..=8).contains(&place) || *v < 10);
            let Some(value) = value else {
                return Err(Msg::new("credit-code-character")
                    .with("place", place)
                    .with("character", c));
            };
            if place == 18 {
                sum += value;
            } else {
                sum += value * weight;
                weight = weight * 3 % 31;
            }
        }
        if sum % 31 != 0 {
            return Err(Msg::new("credit-code-check"));
        }
        Ok(Self(chars.into_iter().collect()))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mobile number of the mainland (手机号码): 11 digits that begin with 13 to 19.
///
/// # Errors
/// What is wrong with the number and what to do.
pub fn mobile(text: &str) -> Result<String, Msg> {
    let chars: String = plain(text).into_iter().filter(|c| *c != '-').collect();
    let number = ["+86", "0086"]
        .iter()
        .find_map(|code| chars.strip_prefix(code))
        .unwrap_or(&chars);
    if let Some(place) = number.chars().position(|c| !c.is_ascii_digit()) {
        return Err(Msg::new("mobile-character").with("place", place + 1));
    }
    if number.len() != 11 {
        return Err(Msg::new("mobile-length").with("length", number.len()));
    }
    if !number.starts_with('1') || !(b'3'..=b'9').contains(&number.as_bytes()[1]) {
        return Err(Msg::new("mobile-beginning"));
    }
    Ok(number.to_owned())
}

/// Half-width capitals without blanks.
fn plain(text: &str) -> Vec<char> {
    text.chars()
        .map(|c| match c {
            '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            _ => c,
        })
        .filter(|c| {
            !c.is_whitespace() && !('\u{200B}'..='\u{200F}').contains(c) && *c != '\u{FEFF}'
        })
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// `3401**********1234`: what may be shown of an identity number.
pub fn mask_id(number: &str) -> String {
    mask(number, 4, 4)
}

/// `138****1234`: what may be shown of a telephone number.
pub fn mask_mobile(number: &str) -> String {
    mask(number, 3, 4)
}

/// `王*`: what may be shown of a name; the point in `买买提·艾力` stays.
pub fn mask_name(name: &str) -> String {
    let name = name.trim();
    let alone = name.chars().nth(1).is_none();
    let hide = |(n, c)| match c {
        '·' | ' ' => c,
        _ if n > 0 || alone => '*',
        _ => c,
    };
    name.chars().enumerate().map(hide).collect()
}

/// The first and last characters with stars between; nothing of what is too short to hide enough.
fn mask(text: &str, head: usize, tail: usize) -> String {
    let length = text.chars().count();
    let shown = length >= head + tail + 3;
    let hide = |(n, c)| {
        if shown && (n < head || n + tail >= length) {
            c
        } else {
            '*'
        }
    };
    text.chars().enumerate().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TODAY: Date = Date::constant(2026, 11, 20);

    fn with_check(first: &str) -> String {
        format!("{first}{}", check_character(first))
    }

    fn key(result: Result<ReadId, Msg>) -> &'static str {
        result.expect_err("a wrong number").key
    }

    #[test]
    fn the_example_of_the_standard_is_read() {
        // The two examples printed in GB 11643.
        let read = ResidentId::read("11010519491231002X", TODAY).unwrap();
        assert_eq!(read.id.sex(), Sex::Female);
        assert_eq!(read.id.birth_date(), Date::constant(1949, 12, 31));
        assert_eq!((read.converted, read.notice()), (false, None));
        let read = ResidentId::read("440524188001010014", TODAY);
        assert_eq!(key(read), "id-number-date", "nobody of 1880 is alive");
        let typed = ResidentId::read(" １１０１０５ 19491231 002ｘ\u{200b}", TODAY).unwrap();
        assert_eq!(typed.id.as_str(), "11010519491231002X");
        assert_eq!(typed.id.masked(), "1101**********002X");
        assert_eq!(format!("{:?}", typed.id), "ResidentId(1101**********002X)");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (number, wrong) in [
            ("", "id-number-length"),
            ("1101051949123100", "id-number-length"),
            ("1101O519491231002X", "id-number-character"),
            ("11010519491231X02X", "id-number-character"),
            ("01010519491231002X", "id-number-character"),
            ("110105491231X02", "id-number-character"),
            ("110105194902300021", "id-number-date"),
            ("110105202702010021", "id-number-future"),
            ("110105194912310021", "id-number-check"),
            ("110105491231998", "id-number-old"),
        ] {
            assert_eq!(key(ResidentId::read(number, TODAY)), wrong, "{number}");
        }
    }

    #[test]
    fn credit_codes_are_read() {
        let code = CreditCode::read(" 91350100m000100y43").unwrap();
        assert_eq!(code.as_str(), "91350100M000100Y43");
        for (text, wrong) in [
            ("91350100M000100Y44", "credit-code-check"),
            ("91350100M000100Y4", "credit-code-length"),
            ("91350100O000100Y43", "credit-code-character"),
            ("913501A0M000100Y43", "credit-code-character"),
        ] {
            assert_eq!(CreditCode::read(text).unwrap_err().key, wrong, "{text}");
        }
    }

    #[test]
    fn mobile_numbers_are_read() {
        for text in [
            "13800001234",
            "+86 138-0000-1234",
            "００８６１３８００００１２３４",
        ] {
            assert_eq!(mobile(text).as_deref(), Ok("13800001234"), "{text}");
        }
        for (text, wrong) in [
            ("1380000123", "mobile-length"),
            ("12800001234", "mobile-beginning"),
            ("23800001234", "mobile-beginning"),
            ("1380000I234", "mobile-character"),
            ("", "mobile-length"),
        ] {
            assert_eq!(mobile(text).unwrap_err().key, wrong, "{text}");
        }
    }

    #[test]
    fn masks_hide() {
        assert_eq!(mask_id("340100199001011234"), "3401**********1234");
        assert_eq!(mask_mobile("13800001234"), "138****1234");
        assert_eq!(mask_mobile("12345"), "*****");
        assert_eq!(mask_name("王明"), "王*");
        assert_eq!(mask_name("欧阳小明"), "欧***");
        assert_eq!(mask_name("买买提·艾力"), "买**·**");
        assert_eq!(mask_name("王"), "*");
        assert_eq!(mask_name(""), "");
    }

    proptest! {
        #[test]
        fn identity_numbers_hold_what_went_in_and_no_single_change_passes(
            area in 110_000u32..660_000, day in 0i32..40_000, order in 0u32..1000,
            place in 0usize..18, other in 0u8..11
        ) {
            let birth = Date::constant(1900, 1, 1).saturating_add(jiff_days(day));
            prop_assume!(birth <= TODAY);
            let date = format_date(birth).replace('-', "");
            let number = with_check(&format!("{area}{date}{order:03}"));
            let read = ResidentId::read(&number, TODAY).unwrap();
            prop_assert_eq!(read.id.as_str(), &number);
            prop_assert_eq!(read.id.birth_date(), birth);
            prop_assert_eq!(read.id.sex() == Sex::Male, order % 2 == 1);
            let mut changed = number.clone().into_bytes();
            changed[place] = b"0123456789X"[other as usize];
            let changed = String::from_utf8(changed).unwrap();
            if changed != number {
                prop_assert!(ResidentId::read(&changed, TODAY).is_err());
            }
            let short = format!("{}{}", &number[..6], &number[8..17]);
            if number[6..].starts_with("19") && order < 996 {
                let read = ResidentId::read(&short, TODAY).unwrap();
                prop_assert!(read.converted && read.notice().is_some());
                prop_assert_eq!(read.id.as_str(), &number);
            }
        }

        #[test]
        fn no_single_change_of_a_credit_code_passes(
            body in "[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}",
            place in 0usize..18, other in 0usize..31
        ) {
            let right = CREDIT.chars().map(|c| format!("{body}{c}"));
            let right: Vec<String> = right.filter(|c| CreditCode::read(c).is_ok()).collect();
            prop_assert_eq!(right.len(), 1, "one check character fits");
            let mut changed = right[0].clone().into_bytes();
            changed[place] = CREDIT.as_bytes()[other];
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(CreditCode::read(&changed).is_ok(), changed == right[0]);
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,24}") {
            let _ = ResidentId::read(&text, TODAY);
            let _ = CreditCode::read(&text);
            let _ = mobile(&text);
            prop_assert_eq!(mask_id(&text).chars().count(), text.chars().count());
            mask_name(&text);
        }
    }

    fn jiff_days(n: i32) -> jiff::Span {
        jiff::Span::new().days(n)
    }
}
