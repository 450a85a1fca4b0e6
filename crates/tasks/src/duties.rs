//! Duty catalogues (职责目录) in versions, and the gaps in them: duties that no entry of the year serves, for which nobody is
//! responsible, or of which the ledger shows nothing.

use std::collections::{BTreeMap, HashMap};

use commons::findings::{Finder, Finding};
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Period, Result, Timestamp, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kind::{Claim, Count, Frequency};
use crate::model::{Eyes, TITLE, conflict, reason_of, tidy};
use crate::service::Tasks;
use crate::store::{duties, entries};

/// Duties of a catalogue.
pub(crate) const MOST: usize = 500;

/// A duty of a unit's catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Code, the same from version to version.
    pub code: String,
    /// What has to be done.
    pub text: String,
    /// Where it is written.
    pub source: String,
    /// In which article.
    pub article: String,
    /// How often.
    pub frequency: Frequency,
    /// Post that has it (岗位); empty: the unit.
    pub post: String,
    /// What shows records of it.
    pub claim: Option<Claim>,
}

/// A version of a unit's catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogued {
    /// Its number.
    pub n: i64,
    /// From which day.
    pub effective: Date,
    /// Its duties.
    pub duties: Vec<Duty>,
    /// Why it was made.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What is wanting of a duty (缺口).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The duty.
    pub duty: Duty,
    /// No entry of the year serves it.
    pub no_entry: bool,
    /// An entry does, but nobody is responsible.
    pub nobody: bool,
    /// The ledger shows nothing of it in the stretch that its frequency names.
    pub no_record: bool,
    /// Records in that stretch; none: nothing is counted.
    pub records: Option<i64>,
}

impl Gap {
    /// Whether something is wanting.
    pub fn is_gap(&self) -> bool {
        self.no_entry || self.nobody || self.no_record
    }
}

/// The stretch in which a record of a duty is looked for: the last whole one of its frequency that ended by a day; of the
/// year, what has passed of it.
pub(crate) fn stretch(frequency: Frequency, year: i16, today: Date) -> Option<Period> {
    let kind = match frequency {
        Frequency::Month => kernel::PeriodKind::Month,
        Frequency::Quarter => kernel::PeriodKind::Quarter,
        Frequency::Half => kernel::PeriodKind::Half,
        Frequency::Year => kernel::PeriodKind::Year,
        Frequency::Cause => return None,
    };
    let whole = Period::containing(kernel::PeriodKind::Year, Date::constant(year, 1, 1));
    let last = whole.to.min(today);
    if last < whole.from {
        return None;
    }
    if frequency == Frequency::Year {
        return Some(Period {
            from: whole.from,
            to: last,
        });
    }
    let now = Period::containing(kind, last);
    let ended = if now.to <= today { now } else { now.before() };
    (ended.from >= whole.from).then_some(ended)
}

/// What is wanting, from entries by duty (whether somebody is responsible) and records by duty.
pub fn gaps(
    catalogue: &[Duty],
    served: &HashMap<String, bool>,
    records: &HashMap<String, i64>,
) -> Vec<Gap> {
    let gap = |duty: &Duty| {
        let found = served.get(&duty.code).copied();
        let records = records.get(&duty.code).copied();
        // What comes only with cause needs no entry.
        let needs = duty.frequency != Frequency::Cause;
        Gap {
            no_entry: needs && found.is_none(),
            nobody: found == Some(false),
            no_record: records == Some(0),
            records,
            duty: duty.clone(),
        }
    };
    catalogue.iter().map(gap).collect()
}

impl Tasks {
    /// A unit's catalogue on a day, with its versions.
    pub(crate) async fn catalogue(
        &self,
        unit: UnitId,
        day: Date,
    ) -> Result<(Option<Catalogued>, Vec<Catalogued>)> {
        let mut tx = self.db.read().await?;
        let now = duties::on(&mut tx, unit, day).await?;
        Ok((now, duties::versions(&mut tx, unit).await?))
    }

    /// Another version of a unit's catalogue, from today on.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope; `Conflict` when another version came first.
    pub async fn keep_catalogue(
        &self,
        (unit, seen): (UnitId, i64),
        list: &[Duty],
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let reason = reason_of(reason, seen > 0)?;
        let mut errors = Vec::new();
        if list.is_empty() || list.len() > MOST {
            errors.push(FieldError {
                field: "duties".to_owned(),
                message: Msg::new("tasks-duties-wrong").with("most", MOST),
            });
        }
        for (n, duty) in list.iter().enumerate() {
            let mut wrong = |key| {
                errors.push(FieldError {
                    field: "duties".to_owned(),
                    message: Msg::new(key).with("line", n + 1).with("most", TITLE),
                });
            };
            let long = |t: &str| t.chars().count() > TITLE || t.contains(char::is_control);
            let texts = [&duty.text, &duty.source, &duty.article, &duty.post];
            if duty.text.trim().chars().count() < 2 || texts.iter().any(|t| long(t)) {
                wrong("tasks-duty-line");
            }
            if !commons::packs::is_kebab(&duty.code)
                || list[..n].iter().any(|d| d.code == duty.code)
            {
                wrong("tasks-duty-code-wrong");
            }
        }
        Error::if_any(errors)?;
        let catalogue = Catalogued {
            n: seen + 1,
            effective: self.env.today(),
            duties: list.to_vec(),
            reason,
            at: self.env.now(),
        };
        db::transaction!(self.db, |tx| {
            if !Self::within(tx, &eyes.plans, unit).await? {
                return Err(Error::NotFound);
            }
            let now = self.env.now();
            if !duties::put(tx, unit, &catalogue, actor.account, now).await? {
                return Err(crate::model::moved_on());
            }
            let detail = json!({ "n": catalogue.n, "duties": catalogue.duties.len() });
            let entry = actor.audit("task.duties", ("unit", unit), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    /// What is wanting of a unit's duties in a year; none when it has no catalogue.
    pub(crate) async fn gaps(&self, unit: UnitId, year: i16) -> Result<Option<Vec<Gap>>> {
        let today = self.env.today();
        let day = Date::constant(year, 12, 31).min(today);
        let mut reading = self.ledger.reading().await?;
        let Some(catalogue) = duties::on(reading.tx(), unit, day).await? else {
            return Ok(None);
        };
        let mut served: HashMap<String, bool> = HashMap::new();
        for (code, person) in entries::duties(reading.tx(), unit, year).await? {
            *served.entry(code).or_default() |= person.is_some();
        }
        // Duties with the same claim and stretch are counted together.
        let mut alike: BTreeMap<(String, Date, Date), Vec<&Duty>> = BTreeMap::new();
        for duty in &catalogue.duties {
            if let (Some(claim), Some(days)) = (&duty.claim, stretch(duty.frequency, year, today)) {
                let key = serde_json::to_string(claim).map_err(Error::internal)?;
                alike
                    .entry((key, days.from, days.to))
                    .or_default()
                    .push(duty);
            }
        }
        let mut records = HashMap::new();
        for ((_, from, to), list) in alike {
            let Some(claim) = &list[0].claim else {
                continue;
            };
            let days = Period { from, to };
            let persons = claim.count == Count::Persons;
            let definition = claim.definition();
            let found = reading.tally(&definition, &[unit], days, persons).await?;
            let n = found.get(&unit).map_or(0, |t| t.n);
            records.extend(list.iter().map(|d| (d.code.clone(), n)));
        }
        Ok(Some(gaps(&catalogue.duties, &served, &records)))
    }

    /// Raises a gap as a case of the unit; the same gap of a year is one case.
    ///
    /// # Errors
    /// `NotFound` when the unit is out of scope or has no such gap; `Conflict` when nothing takes cases in.
    pub async fn raise(
        &self,
        (unit, year): (UnitId, i16),
        code: &str,
        words: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        self.ledger.admit()?;
        let intake = self
            .intake
            .as_ref()
            .ok_or_else(|| conflict("tasks-no-intake"))?;
        let found = self.gaps(unit, year).await?.unwrap_or_default();
        let gap = found
            .into_iter()
            .find(|g| g.duty.code == code && g.is_gap());
        let gap = gap.ok_or(Error::NotFound)?;
        let key = format!("{year}-{code}");
        let by = Finder {
            account: actor.account,
            on_behalf: actor.on_behalf,
            address: actor.address.clone(),
        };
        db::transaction!(self.db, |tx| {
            if !Self::within(tx, &eyes.plans, unit).await? {
                return Err(Error::NotFound);
            }
            let finding = Finding {
                key: key.clone(),
                source_kind: "duty",
                source_id: unit.0,
                source_title: gap.duty.text.clone(),
                source_href: format!("/tasks/duties?unit={unit}&year={year}"),
                origin: "self-check".to_owned(),
                kind: String::new(),
                title: gap.duty.text.clone(),
                detail: tidy(words),
                severity: String::new(),
                area: String::new(),
                clause: String::new(),
                unit,
                owner: None,
                from: unit,
            };
            let id = intake.raise(tx, &finding, &by).await?;
            let detail = json!({ "duty": gap.duty.code, "case": id });
            let entry = actor.audit("task.gap", ("unit", unit), detail);
            identity::record(tx, &self.env, &entry).await?;
            Ok(id)
        })
    }

    /// Which gaps of a unit were raised as cases, by key: where these are shown.
    pub(crate) async fn raised(&self, unit: UnitId) -> Result<HashMap<String, String>> {
        let Some(intake) = &self.intake else {
            return Ok(HashMap::new());
        };
        let mut tx = self.db.read().await?;
        let found = intake.of_source(&mut tx, "duty", unit.0).await?;
        Ok(found.into_iter().map(|f| (f.key, f.href)).collect())
    }
}
