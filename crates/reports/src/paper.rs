//! What a report has beside as an official document (公文要素): kept in versions beside the frozen figures; its
//! number is given once.

use std::fmt;

use commons::docx::Official;
use identity::Actor;
use kernel::{AccountId, Date, Error, FieldError, Msg, ReportId, Result, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::store::papers;
use crate::{Reports, Saved, store};

/// How urgent a document is (紧急程度), by code; the standard knows these two.
pub(crate) const URGENCIES: [&str; 2] = ["flash", "urgent"];

/// The elements as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Paper {
    /// Mark of the issuing organ (发文机关标志).
    pub organ: String,
    /// Document number (发文字号); empty: not given yet.
    pub number: String,
    /// Who signed it off (签发人); only on documents that go up.
    pub signer: String,
    /// Code of its urgency (紧急程度); empty: not said.
    pub urgency: String,
    /// To whom it goes (主送机关).
    pub addressees: String,
    /// To whom copies go (抄送机关).
    pub copies: String,
    /// What is attached (附件说明), a line each.
    pub attachments: String,
    /// Who signs (发文机关署名).
    pub signed_by: String,
    /// Day of the document (成文日期).
    pub dated: String,
    /// Who printed it (印发机关).
    pub printed_by: String,
    /// Day of printing (印发日期).
    pub printed_on: String,
}

/// A version of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// 1, 2, 3 …
    pub version: i64,
    /// What it says.
    pub paper: Paper,
    /// When it was kept.
    pub at: Timestamp,
    /// By whom.
    pub by: AccountId,
}

/// A document number (发文字号): the organ's word (机关代字), year, serial number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) word: String,
    pub(crate) year: i16,
    pub(crate) serial: i64,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}〔{}〕{}号", self.word, self.year, self.serial)
    }
}

impl Number {
    /// Reads one; other brackets are taken for 〔 and 〕.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text: String = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| match c {
                '[' | '［' | '【' | '(' | '（' => '〔',
                ']' | '］' | '】' | ')' | '）' => '〕',
                c => c,
            })
            .collect();
        let (word, rest) = text.split_once('〔')?;
        let (year, rest) = rest.split_once('〕')?;
        let serial = rest.strip_suffix('号')?;
        let digits = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_digit());
        let word_fits =
            (1..=12).contains(&word.chars().count()) && word.chars().all(char::is_alphanumeric);
        let fits = word_fits
            && digits(year)
            && (1949..=2999).contains(&year.parse::<i16>().ok()?)
            && digits(serial)
            && !serial.starts_with('0')
            && serial.len() <= 6;
        fits.then(|| {
            Some(Self {
                word: word.to_owned(),
                year: year.parse().ok()?,
                serial: serial.parse().ok()?,
            })
        })?
    }
}

/// One line of text of at most so many characters, trimmed.
fn one_line(field: &'static str, text: &str, most: usize, errors: &mut Vec<FieldError>) -> String {
    let text = text.trim();
    if text.chars().count() > most || text.contains(char::is_control) {
        errors.push(FieldError {
            field: field.into(),
            message: Msg::new("report-paper-long").with("most", most),
        });
    }
    text.to_owned()
}

impl Paper {
    /// What stands on the form before anybody typed.
    pub(crate) fn usual(r: &Saved, number: Option<Number>, today: Date) -> Self {
        let today = kernel::format_date(today);
        Self {
            organ: format!("{}文件", r.body.unit_name),
            number: number.map(|n| n.to_string()).unwrap_or_default(),
            signed_by: r.body.unit_name.clone(),
            dated: today.clone(),
            printed_by: r.body.unit_name.clone(),
            printed_on: today,
            ..Self::default()
        }
    }

    /// The same, as it is kept.
    ///
    /// # Errors
    /// `Invalid` with what is missing or wrong in each field.
    pub(crate) fn checked(&self) -> Result<(Self, Option<Number>)> {
        let mut errors = Vec::new();
        let wrong = |field: &str, key: &'static str| FieldError {
            field: field.into(),
            message: Msg::new(key),
        };
        let mut kept = Self {
            organ: one_line("organ", &self.organ, 40, &mut errors),
            number: one_line("number", &self.number, 40, &mut errors),
            signer: one_line("signer", &self.signer, 40, &mut errors),
            urgency: self.urgency.clone(),
            addressees: one_line("addressees", &self.addressees, 300, &mut errors),
            copies: one_line("copies", &self.copies, 300, &mut errors),
            attachments: String::new(),
            signed_by: one_line("signed_by", &self.signed_by, 40, &mut errors),
            dated: self.dated.trim().to_owned(),
            printed_by: one_line("printed_by", &self.printed_by, 40, &mut errors),
            printed_on: self.printed_on.trim().to_owned(),
        };
        kept.addressees = kept.addressees.trim_end_matches(['：', ':']).to_owned();
        kept.copies = kept.copies.trim_end_matches('。').to_owned();
        let attached = self.attachments.lines().map(str::trim);
        let attached: Vec<&str> = attached.filter(|l| !l.is_empty()).collect();
        if attached.len() > 20 || attached.iter().any(|l| l.chars().count() > 100) {
            errors.push(wrong("attachments", "report-paper-attachments"));
        }
        kept.attachments = attached.join("\n");
        if attached.iter().any(|l| l.contains(char::is_control)) {
            errors.push(wrong("attachments", "report-paper-attachments"));
        }
        for (field, value) in [("organ", &kept.organ), ("signed_by", &kept.signed_by)] {
            if value.is_empty() {
                errors.push(wrong(field, "report-paper-missing"));
            }
        }
        if !kept.urgency.is_empty() && !URGENCIES.contains(&kept.urgency.as_str()) {
            errors.push(wrong("urgency", "report-paper-urgency"));
        }
        let mut number = None;
        if !kept.number.is_empty() {
            number = Number::read(&kept.number);
            match &number {
                Some(number) => kept.number = number.to_string(),
                None => errors.push(wrong("number", "report-paper-number")),
            }
        }
        let dated = kernel::parse_date(&kept.dated);
        if dated.is_none() {
            errors.push(wrong("dated", "report-date-wrong"));
        }
        if kept.printed_by.is_empty() != kept.printed_on.is_empty() {
            let empty = match kept.printed_by.is_empty() {
                true => "printed_by",
                false => "printed_on",
            };
            errors.push(wrong(empty, "report-paper-printed"));
        }
        if !kept.printed_on.is_empty() {
            match (kernel::parse_date(&kept.printed_on), dated) {
                (None, _) => errors.push(wrong("printed_on", "report-date-wrong")),
                (Some(printed), Some(dated)) if printed < dated => {
                    errors.push(wrong("printed_on", "report-paper-early"));
                }
                _ => {}
            }
        }
        Error::if_any(errors)?;
        Ok((kept, number))
    }

    /// As it is printed.
    pub(crate) fn official(&self, labels: &dyn Fn(&str) -> String) -> Official {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Official {
            urgency: some(&self.urgency).map(|u| labels(&format!("report-urgency-{u}"))),
            organ: self.organ.clone(),
            number: some(&self.number),
            signer: some(&self.signer),
            addressees: some(&self.addressees),
            attachments: self.attachments.lines().map(str::to_owned).collect(),
            signed_by: self.signed_by.clone(),
            dated: day_text(&self.dated),
            copies: some(&self.copies),
            printed: some(&self.printed_by).map(|by| (by, day_text(&self.printed_on))),
        }
    }
}

/// A day as documents have it: 2026年11月22日.
fn day_text(day: &str) -> String {
    kernel::parse_date(day).map_or_else(String::new, |d| {
        format!("{}年{}月{}日", d.year(), d.month(), d.day())
    })
}

impl Reports {
    /// The versions of a report's elements, the newest first.
    pub async fn papers(&self, id: ReportId, scope: &Scope) -> Result<Vec<Version>> {
        let mut tx = self.db.read().await?;
        store::report(&mut tx, id, scope).await?;
        papers::versions(&mut tx, id).await
    }

    /// What stands on the form: the newest version, else what is usual with the next number of the unit's word.
    pub(crate) async fn paper_form(&self, r: &Saved) -> Result<(Paper, i64)> {
        let mut tx = self.db.read().await?;
        if let Some(newest) = papers::versions(&mut tx, r.id).await?.into_iter().next() {
            return Ok((newest.paper, newest.version));
        }
        let today = self.env.today();
        let next = match papers::word_of(&mut tx, r.unit).await? {
            None => None,
            Some(word) => Some(Number {
                serial: papers::highest(&mut tx, &word, today.year()).await? + 1,
                word,
                year: today.year(),
            }),
        };
        Ok((Paper::usual(r, next, today), 0))
    }

    /// Keeps a new version of a report's elements. The figures stay as they are.
    ///
    /// # Errors
    /// `Invalid` for what is missing, wrong or taken; `NotFound`; `Conflict` when another version came between.
    pub async fn keep_paper(
        &self,
        id: ReportId,
        version: i64,
        paper: &Paper,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let (paper, number) = paper.checked()?;
        let (now, by) = (self.env.now(), actor.account.ok_or(Error::Forbidden)?);
        db::transaction!(self.db, |tx| {
            let report = store::report(tx, id, scope).await?.kept()?;
            let known = papers::versions(tx, id).await?;
            let newest = known.first().map_or(0, |v| v.version);
            if known.first().is_some_and(|v| v.paper == paper) {
                return Ok(());
            }
            let next = Version {
                version: newest + 1,
                paper: paper.clone(),
                at: now,
                by,
            };
            if newest != version || !papers::insert(tx, report.id, &next).await? {
                return Err(Error::Conflict(Msg::new("report-changed-meanwhile")));
            }
            if let Some(number) = &number
                && papers::take(tx, number, id).await? != id
            {
                let free = Number {
                    serial: papers::highest(tx, &number.word, number.year).await? + 1,
                    ..number.clone()
                };
                let taken = Msg::new("report-number-taken").with("free", free);
                return Err(Error::field("number", taken));
            }
            let detail =
                json!({ "version": next.version, "number": paper.number, "signer": paper.signer });
            let entry = actor.audit("report.paper-kept", ("report", id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_writes_them() {
        let read = |text: &str| Number::read(text).map(|n| n.to_string());
        assert_eq!(
            read("澜司发〔2026〕8号").as_deref(),
            Some("澜司发〔2026〕8号")
        );
        for other in [
            "澜司发[2026]8号",
            "澜司发（2026）8号",
            " 澜司发 ［2026］ 8 号 ",
        ] {
            assert_eq!(read(other).as_deref(), Some("澜司发〔2026〕8号"), "{other}");
        }
        for wrong in [
            "",
            "8号",
            "澜司发2026年8号",
            "澜司发〔26〕8号",
            "澜司发〔2026〕08号",
            "澜司发〔2026〕第8号",
            "澜司发〔2026〕8",
            "〔2026〕8号",
            "澜-司〔2026〕8号",
            "澜司发〔2026〕1234567号",
            "澜司发〔+026〕8号",
            "澜司发〔99999〕8号",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_mistake_of_the_form_is_named() {
        let paper = Paper {
            number: "8号".into(),
            urgency: "now".into(),
            copies: "x".repeat(301),
            attachments: "y".repeat(101),
            dated: "2026-11-22".into(),
            printed_on: "2026-11-21".into(),
            ..Paper::default()
        };
        let Error::Invalid(errors) = paper.checked().unwrap_err() else {
            panic!("not refused");
        };
        let fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
        let wanted = [
            "copies",
            "attachments",
            "organ",
            "signed_by",
            "urgency",
            "number",
            "printed_by",
            "printed_on",
        ];
        assert_eq!(fields, wanted);
    }
}
