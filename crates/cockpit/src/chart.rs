//! Pictures drawn on the server (图): no script, no data beyond what the page shows, and they print. Each has a table
//! beside it, so the picture itself is hidden from readers of text.

/// A stretch of months, oldest first, with those of the year before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Months {
    /// Names of the months.
    pub labels: Vec<String>,
    /// Values.
    pub now: Vec<f64>,
    /// Values a year before.
    pub before: Vec<f64>,
}

/// An axis: its name, and how far it goes, in percent of its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Name.
    pub label: String,
    /// Percent of the target.
    pub percent: f64,
}

/// Text as XML takes it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A round number at or above a value, so that the steps below it are round as well.
pub(crate) fn ceiling(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 4.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    let fit = steps.into_iter().find(|s| s * power >= value * 0.999_999);
    (fit.unwrap_or(10.0) * power).max(4.0)
}

/// A number as an axis has it.
fn short(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.fract().abs() < 1e-9 {
        format!("{rounded:.0}")
    } else {
        format!("{rounded:.1}")
    }
}

/// Lines of this stretch and of the one a year before.
pub fn lines(months: &Months) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 240.0;
    const LEFT: f64 = 44.0;
    const RIGHT: f64 = 16.0;
    const TOP: f64 = 16.0;
    const BOTTOM: f64 = 28.0;
    let all = months.now.iter().chain(&months.before);
    let top = ceiling(all.copied().fold(0.0, f64::max));
    let n = months.now.len().max(2);
    let x = |i: usize| LEFT + (WIDTH - LEFT - RIGHT) * i as f64 / (n - 1) as f64;
    let y = |v: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - v / top);
    let mut svg =
        format!("<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\">");
    for step in 0..=4 {
        let value = top * f64::from(step) / 4.0;
        let at = y(value);
        svg += &format!(
            "<line class=\"rule\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            short(value)
        );
    }
    let points = |values: &[f64]| -> String {
        let points = values.iter().enumerate();
        let points = points.map(|(i, v)| format!("{:.1},{:.1}", x(i), y(*v)));
        points.collect::<Vec<_>>().join(" ")
    };
    svg += &format!(
        "<polygon class=\"area\" points=\"{:.1},{:.1} {} {:.1},{:.1}\"/>",
        x(0),
        y(0.0),
        points(&months.now),
        x(months.now.len().saturating_sub(1)),
        y(0.0)
    );
    if months.before.iter().any(|v| *v > 0.0) {
        svg += &format!(
            "<polyline class=\"before\" points=\"{}\"/>",
            points(&months.before)
        );
    }
    svg += &format!(
        "<polyline class=\"now\" points=\"{}\"/>",
        points(&months.now)
    );
    // The highest and the last one are named.
    let highest = (0..months.now.len()).max_by(|a, b| months.now[*a].total_cmp(&months.now[*b]));
    for (i, value) in months.now.iter().enumerate() {
        svg += &format!(
            "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
            x(i),
            y(*value)
        );
        if Some(i) == highest || i + 1 == months.now.len() {
            svg += &format!(
                "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x(i).min(WIDTH - RIGHT - 10.0),
                (y(*value) - 8.0).max(10.0),
                short(*value)
            );
        }
        if let Some(label) = months.labels.get(i) {
            svg += &format!(
                "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x(i),
                HEIGHT - 8.0,
                escape(label)
            );
        }
    }
    svg + "</svg>"
}

/// A polygon of parts of targets; the dashed one is the target itself.
pub fn radar(axes: &[Axis]) -> String {
    const CENTRE: f64 = 150.0;
    const RADIUS: f64 = 104.0;
    /// Beyond the target by so much is drawn as so much.
    const MOST: f64 = 120.0;
    let n = axes.len().max(3);
    let at = |i: usize, percent: f64| {
        let angle = std::f64::consts::TAU * i as f64 / n as f64 - std::f64::consts::FRAC_PI_2;
        let length = RADIUS * percent / MOST;
        (
            CENTRE + 20.0 + length * angle.cos(),
            CENTRE - 8.0 + length * angle.sin(),
        )
    };
    let ring = |percent: &dyn Fn(usize) -> f64| -> String {
        let points = (0..n).map(|i| at(i, percent(i)));
        let points = points.map(|(x, y)| format!("{x:.1},{y:.1}"));
        points.collect::<Vec<_>>().join(" ")
    };
    let mut svg =
        "<svg class=\"chart radar\" viewBox=\"0 0 340 290\" aria-hidden=\"true\">".to_owned();
    for step in [30.0, 60.0, 90.0, MOST] {
        svg += &format!("<polygon class=\"rule\" points=\"{}\"/>", ring(&|_| step));
    }
    svg += &format!(
        "<polygon class=\"target\" points=\"{}\"/>",
        ring(&|_| 100.0)
    );
    let of = |i: usize| axes.get(i).map_or(0.0, |a| a.percent.clamp(0.0, MOST));
    svg += &format!("<polygon class=\"own\" points=\"{}\"/>", ring(&of));
    for (i, axis) in axes.iter().enumerate() {
        let (x, y) = at(i, of(i));
        let (lx, ly) = at(i, MOST + 16.0);
        let anchor = match lx - (CENTRE + 20.0) {
            d if d > 12.0 => "start",
            d if d < -12.0 => "end",
            _ => "middle",
        };
        svg += &format!(
            "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\
             <text class=\"axis\" x=\"{lx:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            ly + 4.0,
            escape(&axis.label)
        );
    }
    svg + "</svg>"
}

/// How dark each value is, 0 for none to 5 for the greatest: by its part of the greatest.
pub fn shades(values: &[f64]) -> Vec<u8> {
    let most = values.iter().copied().fold(0.0, f64::max);
    let shade = |v: &f64| match *v {
        v if v <= 0.0 || most <= 0.0 => 0,
        v => (v / most * 5.0).ceil().clamp(1.0, 5.0) as u8,
    };
    values.iter().map(shade).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let cases = [
            (0.0, 4.0),
            (3.0, 4.0),
            (7.4, 8.0),
            (41.0, 50.0),
            (100.0, 100.0),
            (812.0, 1000.0),
        ];
        for (value, top) in cases {
            assert!(
                (ceiling(value) - top).abs() < 1e-9,
                "{value}: {}",
                ceiling(value)
            );
        }
    }

    #[test]
    fn names_are_text_and_nothing_else() {
        let axes = [
            Axis {
                label: "<b>&".into(),
                percent: 50.0,
            },
            Axis {
                label: "b".into(),
                percent: 500.0,
            },
            Axis {
                label: "c".into(),
                percent: -5.0,
            },
        ];
        let svg = radar(&axes);
        assert!(
            svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"),
            "{svg}"
        );
    }

    proptest! {
        #[test]
        fn every_point_lies_in_the_picture(values in prop::collection::vec(0.0f64..1e9, 2..24)) {
            let before = values.iter().rev().copied().collect();
            let svg = lines(&Months { labels: Vec::new(), now: values, before });
            for pair in svg.split("points=\"").skip(1).flat_map(|p| p.split('"').next().unwrap_or("").split(' ')) {
                let (x, y) = pair.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                prop_assert!((0.0..=640.0).contains(&x) && (0.0..=240.0).contains(&y), "{pair}");
            }
        }

        #[test]
        fn more_is_never_lighter(values in prop::collection::vec(0.0f64..1e6, 1..40)) {
            let shades = shades(&values);
            for (a, x) in values.iter().zip(&shades) {
                for (b, y) in values.iter().zip(&shades) {
                    prop_assert!(a < b || x >= y);
                }
                prop_assert_eq!(*x == 0, *a <= 0.0);
            }
        }
    }
}
