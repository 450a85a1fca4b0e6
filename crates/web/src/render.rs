//! Templates (模板): minijinja with strict undefined values and escaping, one environment per language.

use std::collections::BTreeMap;
use std::sync::Arc;

use fluent::{FluentArgs, FluentValue};
use kernel::{Env, Error, Timestamp};
use minijinja::value::{Kwargs, Serde, ValueKind};
use minijinja::{
    AutoEscape, Environment, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter,
};
use serde::Serialize;

use crate::assets::Assets;
use crate::{Catalog, Lang, lang};

type TemplateResult<T> = Result<T, minijinja::Error>;

/// The templates of all modules, ready in every language.
pub(crate) struct Templates(BTreeMap<Lang, Environment<'static>>);

impl Templates {
    pub fn new(
        sources: impl IntoIterator<Item = (&'static str, &'static str)>,
        catalog: &Arc<Catalog>,
        assets: &Arc<Assets>,
        env: &Env,
    ) -> Result<Self, Error> {
        let sources: Vec<_> = sources.into_iter().collect();
        let mut all = BTreeMap::new();
        for lang in Lang::ALL {
            let mut templates = environment(lang, catalog.clone(), assets.clone(), env.clone());
            for (name, source) in &sources {
                if templates.get_template(name).is_ok() {
                    return Err(Error::internal(format_args!(
                        "two templates are named {name}"
                    )));
                }
                templates
                    .add_template(name, source)
                    .map_err(|e| Error::internal(format_args!("{name}: {e:#}")))?;
            }
            all.insert(lang, templates);
        }
        Ok(Self(all))
    }

    /// Renders a template; `shell` stands beside the fields of the context.
    pub fn render(
        &self,
        lang: Lang,
        name: &str,
        shell: impl Into<Value>,
        context: impl Serialize,
    ) -> Result<String, Error> {
        let fail = |e: minijinja::Error| Error::internal(format_args!("{name}: {e:#}"));
        let templates = self
            .0
            .get(&lang)
            .ok_or_else(|| Error::internal("no such language"))?;
        let template = templates.get_template(name).map_err(fail)?;
        let shell: Value = shell.into();
        let context = minijinja::context! { shell, ..Value::from(Serde(context)) };
        template.render(context).map_err(fail)
    }
}

fn environment(
    lang: Lang,
    catalog: Arc<Catalog>,
    assets: Arc<Assets>,
    env: Env,
) -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_formatter(escape);
    templates.set_debug(true);

    templates.add_function(
        "t",
        move |key: &str, args: Kwargs| -> TemplateResult<String> {
            let mut named = FluentArgs::new();
            for name in args.args() {
                named.set(name.to_owned(), fluent_value(&args.get::<Value>(name)?));
            }
            Ok(catalog.text(lang, key, &named))
        },
    );
    let files = assets.clone();
    templates.add_function("asset", move |name: &str| -> TemplateResult<String> {
        let url = files.url(name).map(str::to_owned);
        url.ok_or_else(|| invalid(format!("no asset {name}")))
    });
    templates.add_function("icon", move |name: &str, class: Option<&str>| {
        let sprite = assets.url("icons.svg").filter(|_| assets.has_icon(name));
        let sprite = sprite.ok_or_else(|| invalid(format!("no icon {name}")))?;
        let class = class.unwrap_or_default();
        TemplateResult::Ok(Value::from_safe_string(format!(
            "<svg class=\"icon {class}\" aria-hidden=\"true\"><use href=\"{sprite}#{name}\"></use></svg>"
        )))
    });
    templates.add_function("spark", spark);
    templates.add_function("bar", bar);
    templates.add_filter("number", number);
    templates.add_filter("date", move |text: &str| date(lang, text));
    let zone = env.zone().clone();
    templates.add_filter("datetime", move |micros: i64| {
        Timestamp(micros).minute_text(&zone)
    });
    templates
}

/// Escapes text for HTML text and quoted attributes; nothing (null) prints nothing.
fn escape(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> TemplateResult<()> {
    if value.is_none() {
        return Ok(());
    }
    let Some(text) = value.as_str().filter(|_| !value.is_safe()) else {
        return escape_formatter(out, state, value);
    };
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, tail) = rest.split_at(at);
        out.write_str(plain)?;
        out.write_str(match tail.as_bytes()[0] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &tail[1..];
    }
    Ok(out.write_str(rest)?)
}

fn invalid(what: String) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, what)
}

fn fluent_value(value: &Value) -> FluentValue<'static> {
    if value.kind() == ValueKind::Number
        && let Ok(n) = i64::try_from(value.clone())
    {
        return FluentValue::from(n);
    }
    let text = value.to_string();
    match lang::value_of(&text) {
        FluentValue::Number(n) => FluentValue::Number(n),
        _ => FluentValue::from(text),
    }
}

/// Groups digits by thousands: 1234567.5 → 1,234,567.5. With `places`, rounds to so many decimals.
fn number(value: Value, places: Option<usize>) -> TemplateResult<String> {
    let text = match (f64::try_from(value.clone()), places) {
        (Ok(n), Some(places)) => format!("{n:.places$}"),
        (Ok(_), None) => value.to_string(),
        (Err(_), _) => return Err(invalid(format!("{value} is not a number"))),
    };
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut out = sign.to_owned();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    Ok(out + rest)
}

/// 2026-10-21 → 2026年10月21日, 21 Oct 2026.
fn date(lang: Lang, text: &str) -> TemplateResult<String> {
    let day = kernel::parse_date(text).ok_or_else(|| invalid(format!("{text} is not a date")))?;
    Ok(match lang {
        Lang::Zh => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        Lang::En => day.strftime("%-d %b %Y").to_string(),
    })
}

/// A small line over the last values, as SVG; empty for fewer than two.
fn spark(values: Vec<f64>) -> Value {
    let (low, high) = values
        .iter()
        .fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    if values.len() < 2 || !(high - low).is_finite() {
        return Value::from_safe_string(String::new());
    }
    let step = 70.0 / (values.len() - 1) as f64;
    let span = if high > low { high - low } else { 1.0 };
    let points: Vec<(f64, f64)> = values
        .iter()
        .enumerate()
        .map(|(i, v)| (2.0 + step * i as f64, 26.0 - 21.0 * (v - low) / span))
        .collect();
    let line: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let line = line.join(" ");
    let (x, y) = points[points.len() - 1];
    Value::from_safe_string(format!(
        "<svg class=\"spark\" viewBox=\"0 0 76 30\" aria-hidden=\"true\">\
         <polygon class=\"area\" points=\"2,30 {line} 72,30\"/><polyline points=\"{line}\"/>\
         <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/></svg>"
    ))
}

/// A thin bar filled to a percentage; `kind` is empty, `ok`, `warn` or `bad`.
fn bar(percent: f64, kind: Option<&str>) -> Value {
    let width = if percent.is_finite() {
        percent.clamp(0.0, 100.0)
    } else {
        0.0
    };
    let kind = ["ok", "warn", "bad"]
        .into_iter()
        .find(|k| Some(*k) == kind)
        .unwrap_or_default();
    Value::from_safe_string(format!(
        "<svg class=\"bar {kind}\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"bg\" width=\"100\" height=\"6\"/><rect width=\"{width:.1}\" height=\"6\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates() {
        let show = |v: Value, places| number(v, places).expect("a number");
        assert_eq!(show(Value::from(0), None), "0");
        assert_eq!(show(Value::from(-123), None), "-123");
        assert_eq!(show(Value::from(1234567), None), "1,234,567");
        assert_eq!(show(Value::from(-12846.25), Some(1)), "-12,846.2");
        assert!(number(Value::from("x"), None).is_err());
        assert_eq!(
            date(Lang::Zh, "2026-02-03").expect("a date"),
            "2026年2月3日"
        );
        assert_eq!(date(Lang::En, "2026-02-03").expect("a date"), "3 Feb 2026");
        assert!(date(Lang::Zh, "2026-02-30").is_err());
    }

    #[test]
    fn small_drawings_take_any_values() {
        assert_eq!(spark(vec![1.0]).to_string(), "");
        assert!(spark(vec![5.0, 5.0]).to_string().contains("72.0,26.0"));
        assert_eq!(spark(vec![f64::NAN, f64::INFINITY]).to_string(), "");
        assert!(bar(f64::NAN, None).to_string().contains("width=\"0.0\""));
        assert!(
            bar(130.0, Some("\"><script>"))
                .to_string()
                .contains("class=\"bar \"")
        );
    }
}
