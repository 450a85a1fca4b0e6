//! Figures: exact ratios, printed by rounding once, at the end.

use kernel::Period;
use serde::{Deserialize, Serialize};

/// An exact value: numerator by denominator. Printed with a fixed number of decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// Above.
    pub numerator: i64,
    /// Below, above zero.
    pub denominator: i64,
    /// Decimals when printed.
    pub decimals: u32,
}

impl Ratio {
    /// A whole number.
    pub fn whole(n: i64) -> Self {
        Self {
            numerator: n,
            denominator: 1,
            decimals: 0,
        }
    }

    /// A quotient in its lowest terms, whatever the size of what it was made of. Where even these are too large for
    /// 64 bits both sides lose their last bits alike.
    fn of(numerator: i128, denominator: i128, decimals: u32) -> Self {
        let (mut a, mut b) = (numerator.unsigned_abs(), denominator.unsigned_abs());
        while b > 0 {
            (a, b) = (b, a % b);
        }
        let common = i128::try_from(a.max(1)).unwrap_or(1);
        let (mut above, mut below) = (numerator / common, denominator / common);
        while above.abs().max(below) > i128::from(i64::MAX) {
            (above, below) = (above / 2, below / 2);
        }
        Self {
            numerator: above as i64,
            denominator: (below as i64).max(1),
            decimals,
        }
    }

    /// A hundred times the value.
    fn percent(self) -> Self {
        Self::of(
            i128::from(self.numerator) * 100,
            self.denominator.into(),
            self.decimals,
        )
    }

    /// Both sides for reckoning without overflow.
    fn wide(self) -> (i128, i128) {
        (self.numerator.into(), self.denominator.max(1).into())
    }

    /// The value times 10^decimals, rounded half away from zero.
    fn scaled(self) -> i128 {
        let top = i128::from(self.numerator) * 10_i128.pow(self.decimals);
        let below = i128::from(self.denominator.max(1));
        (top.abs() * 2 + below) / (below * 2) * top.signum()
    }

    /// Digits grouped by thousands, `12,846` or `94.6`.
    pub fn text(self) -> String {
        let scaled = self.scaled();
        let unit = 10_i128.pow(self.decimals);
        let whole = (scaled.abs() / unit).to_string();
        let mut text = String::new();
        if scaled < 0 {
            text.push('-');
        }
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if self.decimals > 0 {
            let width = self.decimals as usize;
            text += &format!(".{:0width$}", scaled.abs() % unit);
        }
        text
    }

    /// Digits without grouping, rounded to a whole number, as sentences have round numbers.
    pub fn plain(self) -> String {
        Self {
            decimals: 0,
            ..self
        }
        .text()
        .replace(',', "")
    }

    /// The value as sentences round it: its one or two leading digits where it lies strictly above them (余, 多),
    /// and whether it does. 23 is 20 and more, 3,018 is 3,000 and more, 660 is 660.
    pub fn leading(self) -> (Self, bool) {
        let whole = self.numerator / self.denominator.max(1);
        let digits = whole.unsigned_abs().checked_ilog10().unwrap_or(0);
        let step = 10_i64.pow(digits.saturating_sub(1).max(u32::from(digits == 1)));
        let round = whole / step * step;
        let over = self.numerator != round * self.denominator.max(1);
        (Self::whole(round), over)
    }

    /// The value cut to a whole number, which it reaches at least (以上).
    pub fn at_least(self) -> Self {
        Self::whole(self.numerator.div_euclid(self.denominator.max(1)))
    }

    /// The rate of this to another, in percent; none when there is nothing below.
    pub fn by(self, whole: Self, decimals: u32) -> Option<Self> {
        let ((a, b), (c, d)) = (self.wide(), whole.wide());
        (c > 0).then(|| Self::of(a * d, b * c, decimals).percent())
    }

    /// Compares two exact values.
    pub fn order(self, other: Self) -> std::cmp::Ordering {
        let side = |a: Self, b: Self| i128::from(a.numerator) * i128::from(b.denominator.max(1));
        side(self, other).cmp(&side(other, self))
    }

    /// For drawing only.
    pub fn approximate(self) -> f64 {
        self.numerator as f64 / self.denominator.max(1) as f64
    }
}

/// How a figure compares with its base (同比).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// Relative change in percent.
    Percent {
        /// The change.
        change: Ratio,
    },
    /// Difference of two rates, in percentage points (百分点).
    Points {
        /// The difference.
        change: Ratio,
    },
    /// There is no base to compare with.
    NoBase,
}

/// Whether a change is told in percent or in points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Relative, in percent (相对).
    Percent,
    /// The difference of two rates, in percentage points (百分点).
    Points,
}

/// What a figure is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// The same stretch one year before (同比).
    YearBefore,
    /// The stretch of the same length just before (环比).
    Before,
}

impl Base {
    /// Both.
    pub const ALL: [Self; 2] = [Self::YearBefore, Self::Before];

    /// Its code in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::YearBefore => "year-before",
            Self::Before => "before",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|b| b.code() == code)
    }

    /// Message key of its name.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::YearBefore => "yoy",
            Self::Before => "mom",
        }
    }

    /// The stretch of the base.
    pub fn of(self, period: Period) -> Period {
        match self {
            Self::YearBefore => period.year_before(),
            Self::Before => period.before(),
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More.
    #[default]
    Up,
    /// Less.
    Down,
    /// Neither.
    None,
}

impl Direction {
    /// Message key of its name.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Up => "indicator-better-more",
            Self::Down => "indicator-better-less",
            Self::None => "indicator-better-neither",
        }
    }
}

impl Change {
    /// The change of a kind from a base to a value.
    pub fn of(kind: ChangeKind, value: Ratio, base: Ratio, decimals: u32) -> Self {
        match kind {
            ChangeKind::Percent => Self::percent(value, base, decimals),
            ChangeKind::Points => Self::points(value, base, decimals),
        }
    }

    /// The relative change from a base to a value.
    pub fn percent(value: Ratio, base: Ratio, decimals: u32) -> Self {
        // value/base − 1 in percent, over one denominator.
        let ((a, b), (c, d)) = (value.wide(), base.wide());
        if c <= 0 {
            return Self::NoBase;
        }
        // Each product is below 2^126; the percent are brought in once common factors are out.
        Self::Percent {
            change: Ratio::of(a * d - c * b, c * b, decimals).percent(),
        }
    }

    /// The difference of two rates given in percent.
    pub fn points(value: Ratio, base: Ratio, decimals: u32) -> Self {
        let ((a, b), (c, d)) = (value.wide(), base.wide());
        Self::Points {
            change: Ratio::of(a * d - c * b, b * d, decimals),
        }
    }

    /// The change, if there is one.
    pub fn ratio(self) -> Option<Ratio> {
        match self {
            Self::Percent { change } | Self::Points { change } => Some(change),
            Self::NoBase => None,
        }
    }

    /// 1 up, −1 down, 0 level after rounding.
    pub fn direction(self) -> i8 {
        self.ratio().map_or(0, |r| r.scaled().signum() as i8)
    }
}

/// A figure with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Code of the indicator.
    pub code: String,
    /// The value; none while old facts are being counted, or when the denominator is nothing.
    pub value: Option<Ratio>,
    /// Rows under it.
    pub rows: i64,
    /// Against the same stretch one year before, or the base that was asked for; none where none was.
    pub yoy: Option<Change>,
    /// Old facts are still being counted.
    pub computing: bool,
    /// Somebody typed in (申报) some of what it, or what it is compared with, is made of.
    #[serde(default)]
    pub declared: bool,
    /// There are cases, but too few for it to say anything (样本不足).
    #[serde(default)]
    pub few: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_are_printed_as_people_write_them() {
        let r = |numerator, denominator, decimals| {
            Ratio {
                numerator,
                denominator,
                decimals,
            }
            .text()
        };
        assert_eq!(r(12_846, 1, 0), "12,846");
        assert_eq!(r(100, 1, 0), "100");
        assert_eq!(r(1000, 1, 0), "1,000");
        assert_eq!(r(94_600, 1000, 1), "94.6");
        assert_eq!(r(1, 3, 1), "0.3");
        assert_eq!(r(5, 100, 1), "0.1");
        assert_eq!(r(-5, 100, 1), "-0.1");
        assert_eq!(r(-1, 1000, 1), "0.0");
        assert_eq!(r(1_234_567, 10, 1), "123,456.7");
    }

    #[test]
    fn comparisons_say_percent_or_points() {
        let whole = Ratio::whole;
        // The relative change of source 5's kind: from 1,897 to 1,447 is −23.7 %.
        let fall = Change::percent(whole(1447), whole(1897), 1);
        assert_eq!(
            (fall.ratio().unwrap().text(), fall.direction()),
            ("-23.7".into(), -1)
        );
        assert_eq!(Change::percent(whole(5), whole(0), 1), Change::NoBase);
        let rate = |n: i64, d: i64| Ratio {
            numerator: n * 100,
            denominator: d,
            decimals: 1,
        };
        assert_eq!(
            Change::points(rate(95, 100), rate(90, 100), 1)
                .ratio()
                .unwrap()
                .text(),
            "5.0"
        );
        assert_eq!(Change::percent(whole(100), whole(100), 1).direction(), 0);
    }

    #[test]
    fn sentences_round_to_what_surely_holds() {
        let leading = |n: i64| {
            let (round, over) = Ratio::whole(n).leading();
            (round.numerator, over)
        };
        let cases = [
            (0, 0, false),
            (7, 7, false),
            (10, 10, false),
            (23, 20, true),
            (63, 60, true),
            (103, 100, true),
        ];
        for (n, round, over) in cases {
            assert_eq!(leading(n), (round, over), "{n}");
        }
        assert_eq!(leading(660), (660, false));
        assert_eq!(leading(664), (660, true));
        assert_eq!(leading(3018), (3000, true));
        assert_eq!(leading(3520), (3500, true));
        let rate = Ratio {
            numerator: 9_745,
            denominator: 100,
            decimals: 2,
        };
        assert_eq!(rate.at_least().text(), "97");
        assert_eq!(rate.order(Ratio::whole(97)), std::cmp::Ordering::Greater);
    }

    #[test]
    fn rates_of_large_sums_do_not_overflow() {
        // Thousandths of thousands of orders: the products pass 64 bits.
        let rate = |part: i64, whole: i64| {
            let of = |n: i64| Ratio {
                numerator: n * 1_000,
                denominator: 1_000,
                decimals: 0,
            };
            of(part).by(of(whole), 2).unwrap()
        };
        let change = Change::percent(rate(2_849, 3_000), rate(2_500, 3_000), 2);
        assert_eq!(change.ratio().unwrap().text(), "13.96");
        let huge = |n: i64| Ratio {
            numerator: n,
            denominator: 1_000,
            decimals: 0,
        };
        let change = Change::percent(huge(i64::MAX), huge(i64::MAX / 2), 1);
        assert_eq!(change.ratio().unwrap().text(), "100.0");
    }

    proptest! {
        #[test]
        fn changes_of_rates_are_those_of_exact_reckoning(
            a in 0i64..1_000_000_000, b in 1i64..1_000_000_000, c in 1i64..1_000_000_000, d in 1i64..1_000_000_000,
        ) {
            let of = |n: i64| Ratio { numerator: n, denominator: 1_000, decimals: 0 };
            let (now, before) = (of(a).by(of(b), 2).unwrap(), of(c).by(of(d), 2).unwrap());
            let points = Change::points(now, before, 2).ratio().unwrap();
            let (above, below) = (
                (i128::from(a) * i128::from(d) - i128::from(c) * i128::from(b)) * 100,
                i128::from(b) * i128::from(d),
            );
            let exact = above as f64 / below as f64;
            prop_assert!((points.approximate() - exact).abs() <= exact.abs().max(1.0) * 1e-9);
        }

        #[test]
        fn what_is_rounded_lies_below_by_less_than_its_last_digit(n in 1i64..10_000_000) {
            let (round, over) = Ratio::whole(n).leading();
            let mut unit = 1;
            while round.numerator % (unit * 10) == 0 {
                unit *= 10;
            }
            prop_assert!(round.numerator <= n && n < round.numerator + unit);
            prop_assert_eq!(over, n != round.numerator);
        }

        #[test]
        fn rounding_is_off_by_half_a_unit_at_most(n in -1_000_000_000i64..1_000_000_000, d in 1i64..100_000, decimals in 0u32..4) {
            let text = Ratio { numerator: n, denominator: d, decimals }.text();
            let printed: f64 = text.replace(',', "").parse().unwrap();
            let off = (printed - n as f64 / d as f64).abs();
            prop_assert!(off <= 0.5 / 10f64.powi(decimals as i32) + 1e-6, "{} {}", text, off);
        }
    }
}
