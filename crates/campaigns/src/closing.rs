//! The summary of a campaign (总结报告): drafted from data. Each figure of it stands in braces with the value it had when the
//! text was kept (`{solved=41}`), so that page and paper show it and the page opens what is behind it.

use std::collections::BTreeMap;

use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope, format_date};
use serde_json::json;

use crate::kind::braces;
use crate::model::{Eyes, LONGEST, Side, Solid, State, tidy, unfit};
use crate::service::{Campaigns, Whole};
use crate::store::{self, scores};

/// A figure: its value, and where it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) href: Option<String>,
}

pub(crate) type Figures = BTreeMap<String, Shown>;

/// A piece of a summary: words, or a figure with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    Words(&'t str),
    Figure(&'t str, &'t str),
}

/// The pieces of a text; braces that hold no figure are words.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find('{') {
        let Some(end) = rest[at..].find('}').map(|n| at + n) else {
            break;
        };
        if at > 0 {
            found.push(Piece::Words(&rest[..at]));
        }
        let inside = &rest[at + 1..end];
        let (name, value) = inside.split_once('=').unwrap_or((inside, ""));
        found.push(Piece::Figure(name, value));
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() {
        found.push(Piece::Words(rest));
    }
    found
}

/// The same text with the figures as they are now; the name of one that is not known.
pub(crate) fn refreshed<'t>(text: &'t str, figures: &Figures) -> Result<String, &'t str> {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) => out += words,
            Piece::Figure(name, _) => {
                let shown = figures.get(name).ok_or(name)?;
                out += &format!("{{{name}={}}}", shown.text);
            }
        }
    }
    Ok(out)
}

/// A text as it is printed: figures without their names.
pub(crate) fn plain(text: &str) -> String {
    let part = |piece: &Piece<'_>| match piece {
        Piece::Words(words) => (*words).to_owned(),
        Piece::Figure(_, value) => (*value).to_owned(),
    };
    pieces(text).iter().map(part).collect()
}

/// A part of a whole in per mille as percent with one decimal.
pub(crate) fn percent(rate: Option<i64>) -> String {
    rate.map_or_else(|| "—".to_owned(), |r| format!("{}.{}%", r / 10, r % 10))
}

impl Campaigns {
    /// The figures of a campaign as they are now.
    pub(crate) async fn figures(&self, w: &Whole, lang: &str, scope: &Scope) -> Result<Figures> {
        let c = &w.campaign;
        let at = c.href();
        let mut reading = self.ledger.reading().await?;
        let ground = self.ground(&mut reading, c, scope).await?;
        let problems = self
            .problems_of(&mut reading, (c, &w.kind), &ground)
            .await?;
        let lines = self.lines_of(&mut reading, c, &ground).await?;
        let shares = scores::shares(reading.tx(), c.id, Side::Inspection).await?;
        let answers = scores::answers(reading.tx(), c.id).await?.len();
        drop(reading);
        let unit = self.organization.names(&[c.unit]).await?;
        let joined: Vec<i64> = w
            .joined()
            .filter(|u| w.visible.contains(u))
            .filter_map(|u| shares.get(&u).copied())
            .collect();
        let score = match joined.len() as i64 {
            0 => "—".to_owned(),
            n => Solid(joined.iter().sum::<i64>() / n / 100 * 100).to_string(),
        };
        let units = |show: &str| Some(format!("{at}/units?show={show}"));
        let problems_at = |solved: &str| Some(format!("{at}/problems?solved={solved}"));
        let measures = Some(format!("{at}#measures"));
        let mut figures = Figures::new();
        let mut add = |name: &str, text: String, href: Option<String>| {
            figures.insert(name.to_owned(), Shown { text, href });
        };
        add("title", c.content.title.clone(), None);
        add("unit", unit.get(&c.unit).cloned().unwrap_or_default(), None);
        add("from", format_date(c.content.from), None);
        add("to", format_date(c.content.to), None);
        add("named", w.units.len().to_string(), units("all"));
        add("joined", c.joined.to_string(), units("joined"));
        add("absent", c.absent.to_string(), units("absent"));
        add(
            "measures",
            c.content.measures.len().to_string(),
            measures.clone(),
        );
        add("done", w.done.len().to_string(), measures);
        add("problems", problems.found.to_string(), problems_at(""));
        add("solved", problems.solved.to_string(), problems_at("yes"));
        add("rate", percent(problems.rate()), problems_at(""));
        add("score", score, Some(format!("{at}/scores")));
        add(
            "answers",
            answers.to_string(),
            Some(format!("{at}/summary#survey")),
        );
        for line in &lines {
            let unit = line.taken.claim.unit.get(lang);
            let text = format!("{}{unit}", line.cell.text(&line.taken.claim));
            let name = format!("claim:{}", line.taken.claim.code);
            add(&name, text, Some(format!("{at}/rows?claim={}", line.no)));
        }
        // What the kind speaks of and the campaign does not claim.
        for text in &w.kind.summary {
            for name in braces(text.get(lang)) {
                if !figures.contains_key(name) {
                    let none = Shown {
                        text: "—".to_owned(),
                        href: None,
                    };
                    figures.insert(name.to_owned(), none);
                }
            }
        }
        Ok(figures)
    }

    /// A summary drafted from data.
    pub(crate) fn drafted(&self, w: &Whole, figures: &Figures, lang: &str) -> String {
        let texts = w.kind.summary.iter().map(|t| t.get(lang));
        let texts = texts.filter_map(|t| refreshed(t, figures).ok());
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Keeps the summary, its figures as they are now.
    ///
    /// # Errors
    /// `Invalid` for `body` when it is empty or names an unknown figure, for `lessons`; `Conflict` unless it is being wound up.
    pub async fn keep_summary(
        &self,
        id: Id,
        (body, lessons): (&str, &str),
        lang: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        if body.trim().is_empty() || unfit(body, LONGEST) {
            let message = Msg::new("campaigns-summary-empty").with("most", LONGEST);
            return Err(Error::field("body", message));
        }
        if unfit(lessons, LONGEST) {
            let message = Msg::new("campaigns-text-wrong").with("most", LONGEST);
            return Err(Error::field("lessons", message));
        }
        let w = self.campaign(id, eyes).await?;
        let figures = self.figures(&w, lang, &eyes.reads).await?;
        let body = tidy(body);
        let text = refreshed(&body, &figures).map_err(|name| {
            let message = Msg::new("campaigns-figure-unknown").with("name", name);
            Error::field("body", message)
        })?;
        db::transaction!(self.db, |tx| {
            let (mut c, _) = self.planned(tx, id, None, eyes).await?;
            if c.state != State::Closing {
                return Err(Error::Conflict(Msg::new("campaigns-not-closing")));
            }
            let last = scores::summary(tx, id).await?;
            let summary = store::scores::Summary {
                n: last.map_or(1, |s| s.n + 1),
                body: text.clone(),
                lessons: tidy(lessons),
                at: self.env.now(),
            };
            scores::put_summary(tx, id, &summary, actor.into()).await?;
            let body = json!({ "n": summary.n });
            self.happened(tx, &mut c, "summary", body, "", actor).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn figures(n: i64) -> Figures {
        let shown = |text: String| Shown { text, href: None };
        [
            ("n".to_owned(), shown(n.to_string())),
            ("m".to_owned(), shown("甲".into())),
        ]
        .into()
    }

    #[test]
    fn a_figure_that_is_not_known_is_named() {
        assert_eq!(refreshed("有 {n} 和 {x=3}", &figures(1)), Err("x"));
        assert_eq!(refreshed("有 {n", &figures(1)), Ok("有 {n".into()));
    }

    proptest! {
        #[test]
        fn figures_are_put_in_again_and_again(a in 0i64..99, b in 0i64..99, words in "[^{}]{0,12}") {
            let text = format!("{words}{{n}}{words}{{m}}");
            let once = refreshed(&text, &figures(a)).unwrap();
            prop_assert_eq!(plain(&once), format!("{words}{a}{words}甲"));
            let again = refreshed(&once, &figures(b)).unwrap();
            prop_assert_eq!(plain(&again), format!("{words}{b}{words}甲"));
            prop_assert_eq!(refreshed(&again, &figures(b)).unwrap(), again);
        }
    }
}
