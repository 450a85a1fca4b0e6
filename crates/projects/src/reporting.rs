//! The report of research in four parts (现状、问题、原因、对策): versions, reviewed by another; its problems become cases, its
//! recommendations part of documents.

use commons::findings::{Finder, Finding};
use db::Tx;
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Result, Scope, UnitId, format_date};
use serde_json::json;

use crate::facts::{ADOPTED, PROBLEM, Writing};
use crate::kind::Finds;
use crate::model::{
    Adopted, Eyes, LONGEST, Line, MOST, Parts, Project, Raised, Report, ReportState, SHORT, State,
    href, lines, needed, tidy, unfit,
};
use crate::service::{Projects, conflict, moved_on};
use crate::store::{self, found, parts};

/// Kind of record that finds problems, as cases know it.
pub(crate) const FINDER: &str = "project";
/// Longest problem and recommendation.
const LINE: usize = 300;

/// What the form of a report holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// How things are.
    pub overview: String,
    /// Problems, one a line.
    pub problems: String,
    /// Why.
    pub causes: String,
    /// Recommendations, one a line.
    pub advice: String,
}

/// A finding that somebody raises.
pub(crate) struct Find<'f> {
    pub(crate) finds: &'f Finds,
    pub(crate) source: (&'static str, Id, String, String),
    pub(crate) key: String,
    pub(crate) text: &'f str,
    pub(crate) detail: String,
    pub(crate) unit: UnitId,
    pub(crate) from: UnitId,
}

impl Projects {
    /// Raises a finding as a case in this transaction.
    pub(crate) async fn raise(&self, tx: &mut Tx, f: Find<'_>, actor: &Actor) -> Result<Id> {
        let intake = self.intake.as_ref();
        let intake = intake.ok_or_else(|| Error::internal("nobody takes findings"))?;
        let (source_kind, source_id, source_title, source_href) = f.source;
        let finding = Finding {
            key: f.key,
            source_kind,
            source_id,
            source_title,
            source_href,
            origin: f.finds.origin.clone(),
            kind: f.finds.case_kind.clone(),
            title: f.text.to_owned(),
            detail: f.detail,
            severity: String::new(),
            area: String::new(),
            clause: String::new(),
            unit: f.unit,
            owner: None,
            from: f.from,
        };
        let by = Finder {
            account: actor.account,
            on_behalf: actor.on_behalf,
            address: actor.address.clone(),
        };
        intake.raise(tx, &finding, &by).await
    }

    fn checked(&self, written: &Written, known: &Parts) -> Result<Parts> {
        let parts = Parts {
            overview: tidy(&written.overview),
            problems: lines(&written.problems, &known.problems),
            causes: tidy(&written.causes),
            advice: lines(&written.advice, &known.advice),
        };
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        for (field, text) in [("overview", &parts.overview), ("causes", &parts.causes)] {
            if text.is_empty() || unfit(text, LONGEST) {
                wrong(
                    field,
                    Msg::new("projects-text-needed").with("most", LONGEST),
                );
            }
        }
        for (field, list) in [("problems", &parts.problems), ("advice", &parts.advice)] {
            let bad = |l: &Line| l.text.chars().count() < 2 || unfit(&l.text, LINE);
            if list.is_empty() || list.len() > MOST || list.iter().any(bad) {
                let message = Msg::new("projects-lines-wrong")
                    .with("most", MOST)
                    .with("length", LINE);
                wrong(field, message);
            }
        }
        Error::if_any(errors)?;
        Ok(parts)
    }

    /// Writes another version of the report: members and those who run the project. Problems and recommendations keep their
    /// numbers; one that became a case or was adopted stays in it.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` while one is reviewed, or when the project is not running.
    pub async fn write_report(
        &self,
        id: Id,
        written: &Written,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<i64> {
        db::transaction!(self.db, |tx| {
            let held = self.hold(tx, id, None, eyes).await?;
            let mut p = held.project;
            if !held.writes && !held.member {
                return Err(Error::Forbidden);
            }
            self.researching(&p, &held.kind)?;
            let reports = found::reports(tx, id).await?;
            if reports.iter().any(|r| r.state == ReportState::Sent) {
                return Err(conflict("projects-report-waits"));
            }
            let known = every_line(&reports);
            let parts = self.checked(written, &known)?;
            let raised = found::problems(tx, id).await?;
            let adopted = found::adopted(tx, id).await?;
            let lost = |no: i64, list: &[Line]| list.iter().all(|l| l.no != no);
            if let Some(r) = raised.iter().find(|r| lost(r.no, &parts.problems)) {
                let message = Msg::new("projects-line-used").with("no", r.no);
                return Err(Error::field("problems", message));
            }
            if let Some(a) = adopted.iter().find(|a| lost(a.no, &parts.advice)) {
                let message = Msg::new("projects-line-used").with("no", a.no);
                return Err(Error::field("advice", message));
            }
            let report = Report {
                n: reports.first().map_or(1, |r| r.n + 1),
                parts,
                state: ReportState::Draft,
                author: actor.account,
                name: None,
                at: self.env.now(),
                said: String::new(),
                reviewer: None,
                reviewed_at: None,
            };
            found::put_report(tx, id, &report).await?;
            let body = json!({ "n": report.n });
            self.happened(tx, &mut p, "report", body, "", actor).await?;
            Ok(report.n)
        })
    }

    fn researching(&self, p: &Project, kind: &crate::ProjectKind) -> Result<()> {
        if !kind.research {
            return Err(Error::NotFound);
        }
        match p.state {
            State::Running => Ok(()),
            _ => Err(conflict("projects-not-running")),
        }
    }

    /// Sends the last version to those who review.
    ///
    /// # Errors
    /// `Conflict` when it is no draft.
    pub async fn send_report(&self, id: Id, n: i64, (eyes, actor): (&Eyes, &Actor)) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let held = self.hold(tx, id, None, eyes).await?;
            let mut p = held.project;
            if !held.writes && !held.member {
                return Err(Error::Forbidden);
            }
            self.researching(&p, &held.kind)?;
            let reports = found::reports(tx, id).await?;
            if reports.first().is_none_or(|r| r.n != n) {
                return Err(moved_on());
            }
            let (from, to) = (ReportState::Draft, ReportState::Sent);
            if !found::turn_report(tx, (id, n), from, to).await? {
                return Err(moved_on());
            }
            let body = json!({ "n": n });
            self.happened(tx, &mut p, "report-sent", body, "", actor)
                .await
        })
    }

    /// Accepts a version, or sends it back with a reason. Nobody reviews a report of which they wrote a version.
    ///
    /// # Errors
    /// `Conflict` for who wrote one, or when it was not sent; `Forbidden` for those who do not review.
    pub async fn review_report(
        &self,
        id: Id,
        n: i64,
        (accept, said): (bool, &str),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let said = match accept {
            true => crate::model::optional("said", said, SHORT)?,
            false => needed("said", said, SHORT)?,
        };
        db::transaction!(self.db, |tx| {
            let held = self.hold(tx, id, None, eyes).await?;
            let mut p = held.project;
            if !store::within(tx, &eyes.reviews, p.unit).await? {
                return Err(Error::Forbidden);
            }
            self.researching(&p, &held.kind)?;
            let reports = found::reports(tx, id).await?;
            // Acting for an author is acting as one.
            let wrote = |r: &Report| {
                r.author.is_some() && (r.author == actor.account || r.author == actor.on_behalf)
            };
            if reports.iter().any(wrote) {
                return Err(conflict("projects-own-report"));
            }
            let report = reports.iter().find(|r| r.n == n).ok_or(Error::NotFound)?;
            let (to, act) = match accept {
                true => (ReportState::Accepted, "report-accepted"),
                false => (ReportState::Returned, "report-returned"),
            };
            if !found::turn_report(tx, (id, n), ReportState::Sent, to).await? {
                return Err(moved_on());
            }
            let by = (actor.account, self.env.now());
            found::reviewed(tx, (id, n), &said, by).await?;
            if accept {
                self.reported(tx, (&p, &held.kind), report, actor).await?;
            }
            let body = json!({ "n": n });
            self.happened(tx, &mut p, act, body, &said, actor).await?;
            let message = match accept {
                true => Msg::new("projects-notice-accepted"),
                false => Msg::new("projects-notice-returned"),
            };
            let members = parts::members(tx, id).await?;
            let people: Vec<_> = members.iter().map(|m| m.person).collect();
            self.tell(tx, &p, &people, message, &format!("report-{n}"))
                .await
        })
    }

    /// Raises a problem of the accepted report as a case of a unit; the same problem twice is one case. It may be done as long as
    /// the project is not dropped: what was found does not end with the project.
    ///
    /// # Errors
    /// `Conflict` without an accepted report, or when it was raised before; `NotFound` for an unknown problem; `Forbidden`.
    pub async fn raise_problem(
        &self,
        id: Id,
        no: i64,
        unit: UnitId,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let (mut p, kind) = self.run(tx, id, None, eyes).await?;
            let finds = kind.finds.as_ref().ok_or(Error::NotFound)?;
            let line = self.accepted_line(tx, &p, no, |p| &p.problems).await?;
            if found::problems(tx, id).await?.iter().any(|r| r.no == no) {
                return Err(conflict("projects-raised-before"));
            }
            let find = Find {
                finds,
                source: (FINDER, id, p.content.title.clone(), href(id)),
                key: format!("problem-{no}"),
                text: &line.text,
                detail: String::new(),
                unit,
                from: p.unit,
            };
            let case = self.raise(tx, find, actor).await?;
            let today = self.env.today();
            let raised = Raised {
                id: self.env.new_id(),
                no,
                unit,
                case,
                on: today,
                solved: false,
            };
            if !found::put_problem(tx, id, &raised).await? {
                return Err(conflict("projects-raised-before"));
            }
            let key = (p.unit, today);
            let mut w = Writing::begin(self, tx, &[key], actor).await?;
            let fact = w.add(PROBLEM, key, raised.id);
            fact.category = Some(kind.category().to_owned());
            w.write(tx).await?;
            let body = json!({ "no": no, "case": case });
            self.happened(tx, &mut p, "raised", body, "", actor).await?;
            Ok(case)
        })
    }

    async fn accepted_line(
        &self,
        tx: &mut Tx,
        p: &Project,
        no: i64,
        of: impl Fn(&Parts) -> &Vec<Line>,
    ) -> Result<Line> {
        let reports = found::reports(tx, p.id).await?;
        let accepted = reports.iter().find(|r| r.state == ReportState::Accepted);
        let accepted = accepted.ok_or_else(|| conflict("projects-report-first"))?;
        let line = of(&accepted.parts).iter().find(|l| l.no == no);
        line.cloned().ok_or(Error::NotFound)
    }

    /// Writes down that a recommendation became part of a document.
    ///
    /// # Errors
    /// `Invalid` for `document` and `day`; `Conflict` when it was before.
    pub async fn adopt(
        &self,
        id: Id,
        no: i64,
        (document, on): (&str, Date),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let document = needed("document", document, SHORT)?;
        db::transaction!(self.db, |tx| {
            let (mut p, kind) = self.run(tx, id, None, eyes).await?;
            self.accepted_line(tx, &p, no, |p| &p.advice).await?;
            if on > self.env.today() || on < p.content.from {
                return Err(Error::field("day", Msg::new("projects-day-wrong")));
            }
            let adopted = Adopted {
                id: self.env.new_id(),
                no,
                document: document.clone(),
                on,
            };
            let by = (actor.account, self.env.now());
            if !found::put_adopted(tx, id, &adopted, by).await? {
                return Err(conflict("projects-adopted-before"));
            }
            let key = (p.unit, on);
            let mut w = Writing::begin(self, tx, &[key], actor).await?;
            let fact = w.add(ADOPTED, key, adopted.id);
            fact.category = Some(kind.category().to_owned());
            w.write(tx).await?;
            let body = json!({ "no": no, "document": document, "on": format_date(on) });
            self.happened(tx, &mut p, "adopted", body, "", actor).await
        })
    }

    /// Takes back that a recommendation was adopted; what was said stays in the history of the project.
    ///
    /// # Errors
    /// `NotFound` when it was not adopted; `Invalid` without a reason.
    pub async fn unadopt(
        &self,
        id: Id,
        no: i64,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let reason = needed("reason", reason, SHORT)?;
        db::transaction!(self.db, |tx| {
            let (mut p, _) = self.run(tx, id, None, eyes).await?;
            let all = found::adopted(tx, id).await?;
            let adopted = all.iter().find(|a| a.no == no).ok_or(Error::NotFound)?;
            self.take_back(tx, adopted.id, &[ADOPTED], actor).await?;
            found::drop_adopted(tx, adopted.id).await?;
            let body = json!({ "no": no, "document": adopted.document });
            self.happened(tx, &mut p, "unadopted", body, &reason, actor)
                .await
        })
    }

    /// The unit that has to mend a problem: any that the reader may name.
    pub(crate) async fn responsible(&self, text: &str, scope: &Scope) -> Result<UnitId> {
        let unit = self.organization.unit_picked("unit", text, scope).await?;
        Ok(unit.id)
    }
}

/// Every line that a version ever had, so that no number is given twice.
pub(crate) fn every_line(reports: &[Report]) -> Parts {
    let mut all = Parts::default();
    for r in reports {
        for (into, from) in [
            (&mut all.problems, &r.parts.problems),
            (&mut all.advice, &r.parts.advice),
        ] {
            let new = from.iter().filter(|l| into.iter().all(|k| k.no != l.no));
            let new: Vec<Line> = new.cloned().collect();
            into.extend(new);
        }
    }
    all
}
