//! Making a report: waits until the ledger is sealed, takes the figures and keeps them.

use std::collections::HashMap;
use std::sync::Arc;

use commons::packs::levels::Levels;
use db::Db;
use guard::Guard;
use identity::Actor;
use indicators::{Change, Figure, Indicator, Indicators};
use kernel::{AccountId, Env, Error, Msg, Period, ReportId, Result, Scope, Timestamp, UnitId};
use notices::Notices;
use organization::Organization;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::checks::Warning;
use crate::store;
use crate::template::{Piece, Template, Templates, pieces};

/// A piece of a sentence with its figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// What is printed.
    pub text: String,
    /// Code of the indicator whose figure it is; none for plain text.
    pub figure: Option<String>,
}

/// What is kept of a report: sentences and figures in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Name of the unit as it was.
    pub unit_name: String,
    /// Title by language, Chinese and English.
    pub title: (String, String),
    /// Paragraphs by language.
    pub paragraphs: (Vec<Vec<Segment>>, Vec<Vec<Segment>>),
    /// The figures of the table.
    pub figures: Vec<Figure>,
    /// Those that stand in sentences alone.
    #[serde(default)]
    pub others: Vec<Figure>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is kept.
    Kept,
    /// The clock drafted it; somebody keeps or drops it (草稿).
    Draft,
    /// It was dropped; nobody sees it any more.
    Dropped,
}

impl State {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Draft => "draft",
            Self::Dropped => "dropped",
        }
    }

    pub(crate) fn from_code(code: &str) -> Result<Self> {
        let all = [Self::Kept, Self::Draft, Self::Dropped];
        let found = all.into_iter().find(|s| s.code() == code);
        found.ok_or_else(|| Error::internal(format!("a report is {code}")))
    }
}

/// A kept report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Id.
    pub id: ReportId,
    /// Code of the template.
    pub template: String,
    /// The unit it is about.
    pub unit: UnitId,
    /// The period.
    pub period: Period,
    /// Size of the ledger at which its figures are frozen.
    pub as_of: i64,
    /// Title in Chinese.
    pub title: String,
    /// The rest.
    pub body: Body,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: AccountId,
    /// Code of its level of secrecy (密级).
    pub level: String,
    /// Kept, or a draft.
    pub state: State,
}

impl Saved {
    /// The same, if it is kept: of a draft nothing leaves the program.
    pub(crate) fn kept(self) -> Result<Self> {
        match self.state {
            State::Kept => Ok(self),
            State::Draft | State::Dropped => Err(Error::NotFound),
        }
    }
}

/// Which report is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Made when the form was opened: sent twice, it is made once.
    pub id: ReportId,
    /// Code of the template.
    pub template: String,
    /// The unit it is about.
    pub unit: UnitId,
    /// The period.
    pub period: Period,
    /// Code of its level of secrecy; empty: the one usual for its template.
    pub level: String,
}

/// The reading; cheap to clone.
#[derive(Clone)]
pub struct Reports {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) organization: Organization,
    pub(crate) indicators: Indicators,
    pub(crate) templates: Arc<Templates>,
    pub(crate) levels: Arc<Levels>,
    pub(crate) notices: Option<Notices>,
    pub(crate) guard: Option<Guard>,
}

impl Reports {
    /// Reports over the indicators.
    pub fn new(
        db: Db,
        env: Env,
        organization: Organization,
        indicators: Indicators,
        templates: Templates,
    ) -> Self {
        Self {
            db,
            env,
            organization,
            indicators,
            templates: Arc::new(templates),
            levels: Arc::default(),
            notices: None,
            guard: None,
        }
    }

    /// The same, telling who may write reports of drafts.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// The same, which drafts every week where the burden guard lets it; without a guard it never does.
    pub fn with_guard(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// The same, in which reports may have these levels of secrecy.
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.levels = Arc::new(levels);
        self
    }

    /// Makes a report and keeps it.
    ///
    /// # Errors
    /// As [`Self::draft`].
    pub async fn make(&self, wanted: &Wanted, scope: &Scope, actor: &Actor) -> Result<ReportId> {
        let drafted = self.draft(wanted, scope, actor).await?;
        self.keep(&drafted, &[], "", actor).await
    }

    /// A report with its figures as they are now, not kept yet.
    ///
    /// # Errors
    /// `NotFound` for an unknown template or a unit out of scope; `Conflict` while figures are being
    /// computed; `Busy` when the ledger does not come to rest.
    pub(crate) async fn draft(
        &self,
        wanted: &Wanted,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<Saved> {
        let (id, period) = (wanted.id, wanted.period);
        let template = self
            .templates
            .get(&wanted.template)
            .ok_or(Error::NotFound)?;
        let level = self.levels.take(&wanted.level, template.level.as_deref())?;
        let unit = self.organization.unit(wanted.unit, scope).await?;
        let which = self.printed(template)?;
        let (mut figures, as_of) = self.settled_figures(&[unit.id], period, &which).await?;
        let figures = figures.remove(&unit.id).unwrap_or_default();
        if figures.iter().any(|f| f.computing) {
            return Err(Error::Conflict(Msg::new("report-computing")));
        }
        let body = self.body(template, &unit.name, period, &figures)?;
        Ok(Saved {
            id,
            template: template.code.clone(),
            unit: unit.id,
            period,
            as_of,
            title: body.title.0.clone(),
            body,
            created_at: self.env.now(),
            created_by: actor.account.ok_or(Error::Forbidden)?,
            level: level.code.clone(),
            state: State::Kept,
        })
    }

    /// What a template says with these figures.
    pub(crate) fn body(
        &self,
        template: &Template,
        unit: &str,
        period: Period,
        figures: &[Figure],
    ) -> Result<Body> {
        let about = (unit, period);
        let print = |lang: &str| -> Result<Vec<Vec<Segment>>> {
            let paragraphs = template.paragraphs.iter();
            let mut printed = paragraphs
                .map(|p| self.segments(p.get(lang), about, figures, template.form, lang))
                .collect::<Result<Vec<_>>>()?;
            printed.extend(self.open_blanks(template, figures, lang)?);
            Ok(printed)
        };
        let title = |lang: &str| -> Result<String> {
            let text = template.title.get(lang);
            let segments = self.segments(text, about, figures, template.form, lang)?;
            Ok(segments.into_iter().map(|s| s.text).collect())
        };
        let in_table = |f: &Figure| template.table.contains(&f.code);
        let (table, others) = figures.iter().cloned().partition(in_table);
        Ok(Body {
            unit_name: unit.to_owned(),
            title: (title("zh-CN")?, title("en")?),
            paragraphs: (print("zh-CN")?, print("en")?),
            figures: table,
            others,
        })
    }

    /// Keeps a report that was drafted; sent twice it is made, and recorded, once.
    /// Of doubts that were confirmed the audit trail keeps what and why.
    pub(crate) async fn keep(
        &self,
        saved: &Saved,
        doubts: &[Warning],
        reason: &str,
        actor: &Actor,
    ) -> Result<ReportId> {
        let detail = made_detail(saved, doubts, reason);
        let entry = actor.audit("report.made", ("report", saved.id), detail);
        db::transaction!(self.db, |tx| {
            if store::insert(tx, saved).await? {
                crate::searching::index(tx, saved).await?;
                identity::record(tx, &self.env, &entry).await?;
            }
            Ok(())
        })?;
        Ok(saved.id)
    }

    /// Gives a report another level of secrecy, with a reason that the audit trail keeps.
    ///
    /// # Errors
    /// `Invalid` without a reason, or for a level that may not be here; `NotFound`; `Conflict` when it was changed
    /// meanwhile.
    pub async fn set_level(
        &self,
        id: ReportId,
        level: &str,
        reason: &str,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let reason = reason.trim();
        let length = reason.chars().count();
        if level.trim().is_empty() {
            return Err(Error::field("level", Msg::new("secrecy-level-unknown")));
        }
        let level = self.levels.take(level, None)?;
        if !(2..=200).contains(&length) || reason.contains(char::is_control) {
            let missing = Msg::new("report-level-reason-missing");
            return Err(Error::field("level-reason", missing));
        }
        db::transaction!(self.db, |tx| {
            let known = store::report(tx, id, scope).await?;
            if known.level == level.code {
                return Ok(());
            }
            if !store::change_level(tx, id, &known.level, &level.code).await? {
                return Err(Error::Conflict(Msg::new("report-changed-meanwhile")));
            }
            let detail = json!({ "from": known.level, "to": level.code, "reason": reason });
            let entry = actor.audit("report.level-changed", ("report", id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    /// The indicators that a template prints.
    pub(crate) fn printed(&self, template: &Template) -> Result<Vec<&Indicator>> {
        let codes = template.codes();
        codes.iter().map(|c| self.indicators.indicator(c)).collect()
    }

    /// The figures of a moment at which all facts are sealed, and the size of the ledger then.
    pub(crate) async fn settled_figures(
        &self,
        units: &[UnitId],
        period: Period,
        which: &[&Indicator],
    ) -> Result<(HashMap<UnitId, Vec<Figure>>, i64)> {
        for _ in 0..10 {
            self.indicators.ledger().settle().await?;
            let mut reading = self.indicators.ledger().reading().await?;
            if reading.tail_len() == 0 {
                let size = reading.size();
                let found = self
                    .indicators
                    .figures(&mut reading, units, period, which, true)
                    .await?;
                return Ok((found, size));
            }
        }
        Err(Error::Busy { retry_after: 2 })
    }

    /// The last paragraph: which blanks stayed open, each leading to where its records would be.
    fn open_blanks(
        &self,
        template: &Template,
        figures: &[Figure],
        lang: &str,
    ) -> Result<Option<Vec<Segment>>> {
        let zh = lang.starts_with("zh");
        let open = figures.iter().filter(|f| blank(f, template.form));
        let mut list = Vec::new();
        for figure in open {
            let name = self.indicators.indicator(&figure.code)?.name.get(lang);
            list.push(Segment {
                text: name.to_owned(),
                figure: Some(figure.code.clone()),
            });
        }
        if list.is_empty() {
            return Ok(None);
        }
        let plain = |text: &str| Segment {
            text: text.to_owned(),
            figure: None,
        };
        let mut told = vec![plain(if zh {
            "以下各项本期没有记录，未填写："
        } else {
            "Nothing was recorded of these, which stay open: "
        })];
        for (n, segment) in list.into_iter().enumerate() {
            if n > 0 {
                told.push(plain(if zh { "、" } else { ", " }));
            }
            told.push(segment);
        }
        told.push(plain(if zh { "。" } else { "." }));
        Ok(Some(told))
    }

    fn segments(
        &self,
        text: &str,
        (unit, period): (&str, Period),
        figures: &[Figure],
        form: bool,
        lang: &str,
    ) -> Result<Vec<Segment>> {
        let pieces =
            pieces(text).ok_or_else(|| Error::internal("a template with an open brace"))?;
        let plain = |text: String| Segment { text, figure: None };
        pieces
            .into_iter()
            .map(|piece| {
                Ok(match piece {
                    Piece::Text(text) => plain(text),
                    Piece::Unit => plain(unit.to_owned()),
                    Piece::Period => plain(period_text(period, lang)),
                    Piece::Value(code, style) => {
                        let figure = figures
                            .iter()
                            .find(|f| f.code == code)
                            .ok_or(Error::NotFound)?;
                        let indicator = self.indicators.indicator(&code)?;
                        let value = figure.value.filter(|_| !blank(figure, form));
                        let text = match figure.few && value.is_none() {
                            true if lang.starts_with("zh") => "【样本不足】".to_owned(),
                            true => "[too few]".to_owned(),
                            false => indicator.print_as(value, style, lang),
                        };
                        Segment {
                            text,
                            figure: Some(code),
                        }
                    }
                    Piece::Benchmark(code) => {
                        plain(self.indicators.indicator(&code)?.print_benchmarks(lang))
                    }
                    Piece::Yoy(code) => {
                        let figure = figures
                            .iter()
                            .find(|f| f.code == code)
                            .ok_or(Error::NotFound)?;
                        let name = self.indicators.indicator(&code)?.name.get(lang);
                        Segment {
                            text: format!("{name}{}", change_text(figure.yoy, lang)),
                            figure: Some(code),
                        }
                    }
                })
            })
            .collect()
    }

    /// A kept report.
    pub async fn report(&self, id: ReportId, scope: &Scope) -> Result<Saved> {
        store::report(&mut self.db.read().await?, id, scope).await
    }

    /// The figures of a report as they are now, to name what changed since.
    pub(crate) async fn figures_now(&self, report: &Saved) -> Result<Vec<Figure>> {
        let mut reading = self.indicators.ledger().reading().await?;
        let all = report.body.figures.iter().chain(&report.body.others);
        let codes = all.map(|f| &f.code);
        // What a pack no longer has cannot be compared.
        let which: Vec<_> = codes
            .filter_map(|c| self.indicators.list().get(c))
            .collect();
        let mut found = self
            .indicators
            .figures(&mut reading, &[report.unit], report.period, &which, false)
            .await?;
        Ok(found.remove(&report.unit).unwrap_or_default())
    }

    /// A template's name.
    pub(crate) fn template(&self, code: &str) -> Option<&Template> {
        self.templates.get(code)
    }
}

/// What the audit trail keeps of a report that is made.
pub(crate) fn made_detail(saved: &Saved, doubts: &[Warning], reason: &str) -> Value {
    let mut detail = json!({
        "template": saved.template, "unit": saved.unit, "as_of": saved.as_of, "level": saved.level,
    });
    if !doubts.is_empty() {
        let what: Vec<&str> = doubts.iter().map(|d| d.what.as_str()).collect();
        detail["confirmed"] = json!(what);
        detail["reason"] = json!(reason);
    }
    detail
}

/// Whether a figure has nothing to print: no value, or, in a form, no record.
fn blank(figure: &Figure, form: bool) -> bool {
    figure.value.is_none() || form && figure.rows == 0
}

/// The period as documents have it.
pub(crate) fn period_text(period: Period, lang: &str) -> String {
    let (from, to) = (period.from, period.to);
    if !lang.starts_with("zh") {
        return format!(
            "{} to {}",
            kernel::format_date(from),
            kernel::format_date(to)
        );
    }
    let whole_year =
        from == from.first_of_year() && to == to.last_of_year() && from.year() == to.year();
    let whole_month = from == from.first_of_month() && to == from.last_of_month();
    if whole_year {
        format!("{}年", from.year())
    } else if whole_month {
        format!("{}年{}月", from.year(), from.month())
    } else {
        let head = format!("{}年{}月{}日至", from.year(), from.month(), from.day());
        if from.year() == to.year() {
            format!("{head}{}月{}日", to.month(), to.day())
        } else {
            format!("{head}{}年{}月{}日", to.year(), to.month(), to.day())
        }
    }
}

/// A change as sentences have it: 上升 3.2%, 下降 0.6 个百分点, 持平.
pub(crate) fn change_text(change: Option<Change>, lang: &str) -> String {
    let zh = lang.starts_with("zh");
    let Some(change) = change else {
        return if zh {
            "无同比".into()
        } else {
            " not compared".into()
        };
    };
    let Some(ratio) = change.ratio() else {
        return if zh {
            "上年同期无数据".into()
        } else {
            ": nothing the year before".into()
        };
    };
    let amount = indicators::Ratio {
        numerator: ratio.numerator.abs(),
        ..ratio
    }
    .text();
    let unit = match (change, zh) {
        (Change::Points { .. }, true) => "个百分点",
        (Change::Points { .. }, false) => " points",
        _ => "%",
    };
    match (change.direction(), zh) {
        (1, true) => format!("上升{amount}{unit}"),
        (-1, true) => format!("下降{amount}{unit}"),
        (_, true) => "持平".into(),
        (1, false) => format!(" up {amount}{unit}"),
        (-1, false) => format!(" down {amount}{unit}"),
        (_, false) => " level".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicators::Ratio;
    use kernel::Date;

    #[test]
    fn periods_and_changes_read_as_officials_write_them() {
        let p = |a: (i16, i8, i8), b: (i16, i8, i8)| Period {
            from: Date::constant(a.0, a.1, a.2),
            to: Date::constant(b.0, b.1, b.2),
        };
        assert_eq!(
            period_text(p((2025, 1, 1), (2025, 12, 31)), "zh-CN"),
            "2025年"
        );
        assert_eq!(
            period_text(p((2026, 2, 1), (2026, 2, 28)), "zh-CN"),
            "2026年2月"
        );
        assert_eq!(
            period_text(p((2026, 1, 1), (2026, 11, 21)), "zh-CN"),
            "2026年1月1日至11月21日"
        );
        assert_eq!(
            period_text(p((2025, 12, 1), (2026, 1, 5)), "zh-CN"),
            "2025年12月1日至2026年1月5日"
        );
        let rise = Change::percent(Ratio::whole(110), Ratio::whole(100), 1);
        assert_eq!(change_text(Some(rise), "zh-CN"), "上升10.0%");
        assert_eq!(change_text(Some(Change::NoBase), "zh-CN"), "上年同期无数据");
        let rate = |n: i64| Ratio {
            numerator: n,
            denominator: 1,
            decimals: 1,
        };
        assert_eq!(
            change_text(Some(Change::points(rate(90), rate(95), 1)), "zh-CN"),
            "下降5.0个百分点"
        );
        assert_eq!(
            change_text(Some(Change::points(rate(90), rate(90), 1)), "en"),
            " level"
        );
    }
}
