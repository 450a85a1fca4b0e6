//! Filling in (填报), handing in with what is found, correcting, looking over, objecting.

use std::collections::HashMap;
use std::sync::Arc;

use commons::findings::{Finder, Finding, Found, Mended, Proof};
use commons::forms::{Form, check, deficiencies, score};
use desk::Attached;
use identity::Actor;
use jiff::ToSpan;
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, PersonId, Result, UnitId};
use notices::Reader;
use requests::{Act, Said as Word};
use serde_json::json;

use crate::FILL;
use crate::kind::Mode;
use crate::model::{Filled, Outcome, Said, Task, TaskState, Way};
use crate::planning::{TASK, Whole, sight, task_href};
use crate::service::{Eyes, Inspections, changed, reached, reasoned, who, wrong};
use crate::store;
use crate::store::results::{FoundItem, Objection};

/// Characters of the line that says what was found, at most.
const TITLE: usize = 120;

/// How somebody stands to a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hand {
    /// They fill it in.
    pub fills: bool,
    /// They stand for the unit that is looked at.
    pub own: bool,
    /// They look it over, or decide about objections.
    pub over: bool,
    /// They see it although nothing of that.
    pub sees: bool,
}

impl Hand {
    fn any(self) -> bool {
        self.fills || self.own || self.over || self.sees
    }
}

/// A task with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its plan.
    pub whole: Whole,
    /// The task.
    pub task: Task,
    /// The form.
    pub form: Arc<Form>,
    /// What was answered so far; for others than who fills it in nothing.
    pub filled: Filled,
    /// Its results, the newest first.
    pub outcomes: Vec<Outcome>,
    /// What was found.
    pub found: Vec<FoundItem>,
    /// What is said against it.
    pub objections: Vec<Objection>,
    /// What came of what was found.
    pub kept: Vec<Found>,
    /// How the reader stands to it.
    pub hand: Hand,
}

/// A form on paper that is typed in later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// The day on which it was filled in.
    pub on: Date,
    /// Its pictures.
    pub files: Vec<Attached>,
}

impl Inspections {
    /// The tasks of a plan that somebody may see.
    pub(crate) async fn tasks_seen(&self, w: &Whole, eyes: &Eyes) -> Result<Vec<Task>> {
        let mut units = w.units();
        units.push(w.plan.host);
        let mut tx = self.db.read().await?;
        let paths = reached(&mut tx, &units).await?;
        drop(tx);
        let path = |unit: &UnitId| paths.get(unit).map_or(&[][..], Vec::as_slice);
        let host = path(&w.plan.host);
        if [&eyes.reads, &eyes.plans, &eyes.reviews]
            .iter()
            .any(|s| s.reaches(host))
        {
            return Ok(w.tasks.clone());
        }
        let member = |t: &Task| {
            let team = w.team(t.team);
            team.is_some_and(|g| eyes.person.is_some_and(|me| g.members.contains(&me)))
        };
        let below = |t: &Task| {
            let path = path(&t.unit);
            [&eyes.reads, &eyes.fills, &eyes.reviews]
                .iter()
                .any(|s| s.reaches(path))
        };
        let given = |t: &&Task| {
            !matches!(t.state, TaskState::Preparing | TaskState::Withdrawn)
                && (member(t) || below(t))
        };
        Ok(w.tasks.iter().filter(given).cloned().collect())
    }

    /// How somebody stands to a task.
    async fn hand(&self, tx: &mut db::Tx, w: &Whole, t: &Task, eyes: &Eyes) -> Result<Hand> {
        let paths = reached(tx, &[t.unit, w.plan.host]).await?;
        let path = |unit: &UnitId| paths.get(unit).map_or(&[][..], Vec::as_slice);
        let (unit, host) = (path(&t.unit), path(&w.plan.host));
        let mode = self
            .checklists
            .kind(&w.plan.kind)
            .map_or(Mode::Inspection, |k| k.mode);
        let member = w.team(t.team).is_some_and(|team| {
            eyes.person
                .is_some_and(|me| team.members.contains(&me) && w.may_look(t.unit, me))
        });
        let own = eyes.fills.reaches(unit);
        let given = t.state != TaskState::Preparing;
        let over = match mode {
            // The next level of the unit, or whoever planned it.
            Mode::Own => {
                let above = unit.split_last().map_or(&[][..], |(_, above)| above);
                eyes.reviews.reaches(above) || eyes.reviews.reaches(host)
            }
            _ => eyes.reviews.reaches(host),
        };
        Ok(Hand {
            fills: given && if mode == Mode::Own { own } else { member },
            own: given && mode != Mode::Own && own && !member,
            over,
            sees: eyes.plans.reaches(host)
                || eyes.reads.reaches(host)
                || given && t.state != TaskState::Withdrawn && eyes.reads.reaches(unit),
        })
    }

    pub(crate) async fn standing_in(
        &self,
        tx: &mut db::Tx,
        id: Id,
        eyes: &Eyes,
    ) -> Result<Standing> {
        let task = store::tasks::one(tx, id).await?.ok_or(Error::NotFound)?;
        let plan = store::plans::one(tx, task.plan, sight(eyes)).await?;
        let whole = self.with_all(tx, plan).await?;
        let hand = self.hand(tx, &whole, &task, eyes).await?;
        if !hand.any() {
            return Err(Error::NotFound);
        }
        let (code, version) = &whole.plan.form;
        let form = self.form(tx, code, *version).await?;
        let filled = match hand.fills {
            true => store::results::answers(tx, id).await?,
            false => Filled::default(),
        };
        let kept = match &self.intake {
            Some(intake) => intake.of_source(tx, TASK, id).await?,
            None => Vec::new(),
        };
        Ok(Standing {
            form,
            filled,
            outcomes: store::results::outcomes(tx, id).await?,
            found: store::results::found(tx, id).await?,
            objections: store::results::objections(tx, id).await?,
            kept,
            hand,
            whole,
            task,
        })
    }

    /// A task that somebody may see, with all that belongs to it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn standing(&self, id: Id, eyes: &Eyes) -> Result<Standing> {
        let mut tx = self.db.read().await?;
        self.standing_in(&mut tx, id, eyes).await
    }

    /// The task whose printed form bears a code.
    ///
    /// # Errors
    /// `NotFound` when there is none that one may see.
    pub async fn by_code(&self, code: &str, eyes: &Eyes) -> Result<Id> {
        let mut tx = self.db.read().await?;
        let code = code.trim().to_uppercase();
        let task = store::tasks::by_code(&mut tx, &code).await?;
        let id = task.ok_or(Error::NotFound)?.id;
        self.standing_in(&mut tx, id, eyes).await.map(|s| s.task.id)
    }

    /// Hands a task in, or corrects what was handed in: result, facts, findings and their cases in one transaction.
    ///
    /// # Errors
    /// `Invalid` for what is missing, item by item, for what was mended without a word, and without a reason for a
    /// correction; `Conflict` when somebody was first; `Busy` when the ledger is flooded; `NotFound`.
    pub async fn hand_in(
        &self,
        id: Id,
        version: i64,
        said: &[Said],
        (paper, reason): (Option<&Paper>, &str),
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<i64> {
        let by = who(actor)?;
        self.ledger.admit()?;
        let today = self.env.today();
        let reason = match version {
            0 => String::new(),
            _ => reasoned("reason", reason, 300)?,
        };
        db::transaction!(self.db, |tx| {
            store::tasks::hold(tx, id).await?;
            let s = self.standing_in(tx, id, eyes).await?;
            Self::fillable(&s)?;
            let (w, task) = (&s.whole, &s.task);
            if task.version != version {
                return Err(changed());
            }
            let mut errors: Vec<FieldError> = check(&s.form, &s.filled.answers, true)
                .into_iter()
                .map(|fault| wrong(format!("v-{}", fault.item), fault.message))
                .collect();
            for rival in store::rivals::of(tx, id).await? {
                let message = Msg::new("inspection-rival-open");
                errors.push(wrong(format!("v-{}", rival.item), message));
            }
            let on = paper.map_or(today, |p| p.on);
            if on > today || on < w.plan.opens.min(today) {
                errors.push(wrong("paper-on", Msg::new("inspection-paper-day")));
            }
            if paper.is_some_and(|p| p.files.is_empty()) {
                errors.push(wrong("file", Msg::new("inspection-paper-missing")));
            }
            let wanting = deficiencies(&s.form, &s.filled.answers);
            let mut found = Vec::new();
            for d in &wanting {
                let told = said.iter().find(|x| x.item == d.item.code);
                let way = told.map_or(Way::Case, |x| x.way);
                let note = told.map_or("", |x| x.note.trim());
                if way == Way::Mended && !(2..=300).contains(&note.chars().count()) {
                    let message = Msg::new("inspection-mended-how").with("item", &d.item.text.zh);
                    errors.push(wrong(format!("note-{}", d.item.code), message));
                }
                let known = |code: &&str| self.words.severities.iter().any(|(c, _)| c == code);
                let severity = told.map(|x| x.severity.as_str()).filter(known);
                let severity = severity.or(Some(d.item.severity.as_str()).filter(known));
                let title = told.map_or("", |x| x.title.trim());
                let title = if title.is_empty() {
                    &d.item.text.zh
                } else {
                    title
                };
                found.push(FoundItem {
                    n: version + 1,
                    item: d.item.code.clone(),
                    way,
                    severity: severity.unwrap_or_default().to_owned(),
                    title: title
                        .chars()
                        .filter(|c| !c.is_control())
                        .take(TITLE)
                        .collect(),
                    note: note.to_owned(),
                    kept: None,
                });
            }
            let mut menders: HashMap<String, PersonId> = HashMap::new();
            for d in wanting.iter().filter(|_| self.intake.is_some()) {
                let item = &d.item.code;
                let told = said
                    .iter()
                    .find(|x| x.item == *item && x.way == Way::Mended);
                let Some(no) = told.map(|x| x.owner.trim()).filter(|no| !no.is_empty()) else {
                    continue;
                };
                match organization::finding::serving(tx, no, today).await? {
                    Some(person) => drop(menders.insert(item.clone(), person)),
                    None => {
                        let message = Msg::new("inspection-person-unknown").with("no", no);
                        errors.push(wrong(format!("owner-{item}"), message));
                    }
                }
                if d.answer.files.is_empty() {
                    let message = Msg::new("inspection-mended-photo").with("item", &d.item.text.zh);
                    errors.push(wrong(format!("owner-{item}"), message));
                }
            }
            Error::if_any(errors)?;
            for one in &mut found {
                let mender = menders.get(&one.item).copied();
                if one.way == Way::Case || mender.is_some() {
                    one.kept = self.raise(tx, &s, one, mender, actor).await?;
                }
            }
            let outcome = Outcome {
                n: version + 1,
                filled: s.filled.clone(),
                score: score(&s.form, &s.filled.answers),
                on,
                paper: paper.map_or_else(Vec::new, |p| p.files.clone()),
                reason: reason.clone(),
                by,
                on_behalf: actor.on_behalf,
                at: self.env.now(),
            };
            for file in &outcome.paper {
                store::results::add_file(tx, id, file, outcome.at).await?;
            }
            if !store::results::add(tx, task, &outcome, found.len() as i64).await? {
                return Err(changed());
            }
            store::results::add_found(tx, id, &found).await?;
            let severities: Vec<String> = found.iter().map(|f| f.severity.clone()).collect();
            self.write_facts(tx, (&w.plan, task), &outcome, &severities, by)
                .await?;
            self.answer(tx, task, Act::Answer, "", actor).await?;
            let action = match version {
                0 => "inspection.handed-in",
                _ => "inspection.corrected",
            };
            let detail = json!({ "n": outcome.n, "share": outcome.score.share(), "findings": found.len(),
                "paper": outcome.paper.len(), "reason": reason });
            self.trace(tx, actor, action, ("inspection-task", id), detail)
                .await?;
            self.tell_unit(tx, w, task, "notice-inspection-result")
                .await?;
            Ok(outcome.n)
        })
    }

    /// A deficiency becomes a finding of whoever keeps findings; the same item of a task only once.
    async fn raise(
        &self,
        tx: &mut db::Tx,
        s: &Standing,
        found: &FoundItem,
        mender: Option<PersonId>,
        actor: &Actor,
    ) -> Result<Option<Id>> {
        let Some(intake) = &self.intake else {
            return Ok(None);
        };
        let (w, task) = (&s.whole, &s.task);
        let kind = self.kind(&w.plan.kind)?;
        let item = s.form.item(&found.item).ok_or(Error::NotFound)?;
        let mut detail = vec![item.text.zh.clone()];
        detail.extend(item.clause.as_ref().map(|c| c.zh.clone()));
        if !task.object.is_empty() {
            detail.push(task.object.clone());
        }
        detail.extend(s.filled.places.get(&found.item).cloned());
        let note = s.filled.answers.get(&found.item).map(|a| a.note.clone());
        detail.extend(note.filter(|n| !n.is_empty()));
        let area = self.words.areas.iter().any(|(code, _)| *code == item.field);
        let finding = Finding {
            key: format!("{}/{}", task.id, found.item),
            source_kind: TASK,
            source_id: task.id,
            source_title: w.plan.title.clone(),
            source_href: task_href(task.id),
            origin: kind.origin.clone(),
            kind: kind.case_kind.clone(),
            title: found.title.clone(),
            detail: detail.join("\n"),
            severity: found.severity.clone(),
            area: if area {
                item.field.clone()
            } else {
                String::new()
            },
            clause: String::new(),
            unit: task.unit,
            owner: mender,
            from: w.plan.host,
        };
        let by = Finder {
            account: actor.account,
            on_behalf: actor.on_behalf,
            address: actor.address.clone(),
        };
        if mender.is_none() {
            return intake.raise(tx, &finding, &by).await.map(Some);
        }
        let named = store::results::files(tx, &[task.id]).await?;
        let named = named.get(&task.id).map_or(&[][..], Vec::as_slice);
        let own = s.filled.answers.get(&found.item);
        let own = own.map_or(&[][..], |a| a.files.as_slice());
        let proofs = named.iter().filter(|f| own.contains(&f.sha256));
        let proofs = proofs.map(|f| Proof {
            name: f.name.clone(),
            sha256: f.sha256.clone(),
            size: u64::try_from(f.size).unwrap_or_default(),
        });
        let mended = Mended {
            how: found.note.clone(),
            files: proofs.collect(),
        };
        intake
            .raise_mended(tx, &finding, &mended, &by)
            .await
            .map(Some)
    }

    /// Moves the request of a task, if it still waits for that.
    async fn answer(
        &self,
        tx: &mut db::Tx,
        task: &Task,
        act: Act,
        text: &str,
        actor: &Actor,
    ) -> Result<()> {
        let (Some(requests), Some(request)) = (&self.requests, task.request) else {
            return Ok(());
        };
        let state = requests.state(tx, request).await?;
        let fits = match act {
            Act::Answer => state.is_some_and(requests::State::is_open),
            _ => state == Some(requests::State::Answered),
        };
        if !fits {
            return Ok(());
        }
        let word = Word {
            text: text.to_owned(),
            ..Word::default()
        };
        requests.act_in(tx, request, act, &word, actor).await
    }

    /// Those who fill in for the unit that is looked at hear of something.
    async fn tell_unit(
        &self,
        tx: &mut db::Tx,
        w: &Whole,
        task: &Task,
        key: &'static str,
    ) -> Result<()> {
        let to = self.nearest(tx, FILL, task.unit).await?;
        let message = Msg::new(key).with("title", &w.plan.title);
        self.tell(tx, &to, message, task_href(task.id), task.id)
            .await
    }

    /// Somebody of the next level looks a self-check over: passes it, or sends it back for a reason; never who handed it
    /// in.
    ///
    /// # Errors
    /// `Invalid` without a reason; `Conflict` for one's own and for what is not there any more; `NotFound`.
    pub async fn look_over(
        &self,
        id: Id,
        version: i64,
        back: Option<&str>,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let by = who(actor)?;
        let back = back.map(|text| reasoned("back", text, 300)).transpose()?;
        db::transaction!(self.db, |tx| {
            let s = self.standing_in(tx, id, eyes).await?;
            let own = self.kind(&s.whole.plan.kind)?.mode == Mode::Own;
            if !s.hand.over || !own {
                return Err(Error::NotFound);
            }
            if s.task.state != TaskState::HandedIn || s.task.version != version {
                return Err(changed());
            }
            if s.outcomes.iter().any(|o| is_of(o.by, o.on_behalf, eyes)) {
                return Err(Error::Conflict(Msg::new("inspection-own-result")));
            }
            let (to, action) = match &back {
                None => (TaskState::Passed, "inspection.passed"),
                Some(_) => (TaskState::Open, "inspection.sent-back"),
            };
            if !store::tasks::turn(tx, &s.task, to).await? {
                return Err(changed());
            }
            match &back {
                None => self.answer(tx, &s.task, Act::Confirm, "", actor).await?,
                Some(reason) => {
                    // What does not hold is no result.
                    let standing = self.ledger.standing(tx, id).await?;
                    let ids: Vec<_> = standing.iter().map(|f| f.id).collect();
                    if !ids.is_empty() {
                        self.ledger.reverse(tx, &ids, Some(by)).await?;
                    }
                    self.answer(tx, &s.task, Act::SendBack, reason, actor)
                        .await?;
                }
            }
            let detail = json!({ "n": version, "reason": back });
            self.trace(tx, actor, action, ("inspection-task", id), detail)
                .await?;
            let key = match back {
                None => "notice-inspection-passed",
                Some(_) => "notice-inspection-sent-back",
            };
            self.tell_unit(tx, &s.whole, &s.task, key).await
        })
    }

    /// The last day on which the unit may object to a result.
    pub(crate) fn objection_day(&self, s: &Standing) -> Option<Date> {
        let days = self.checklists.kind(&s.whole.plan.kind)?.objection_days;
        let last = s.outcomes.first()?;
        let day = last.at.date(self.env.zone()).saturating_add(days.days());
        (days > 0).then_some(day)
    }

    /// The unit that was looked at objects to a result.
    ///
    /// # Errors
    /// `Invalid` without words; `Conflict` when the days are over or there is an objection already; `NotFound`.
    pub async fn object(
        &self,
        id: Id,
        version: i64,
        text: &str,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let by = who(actor)?;
        let text = reasoned("objection", text, 1_000)?;
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            let s = self.standing_in(tx, id, eyes).await?;
            if !s.hand.own {
                return Err(Error::NotFound);
            }
            if !s.task.state.is_done() || s.task.version != version {
                return Err(changed());
            }
            if self.objection_day(&s).is_none_or(|day| today > day) {
                return Err(Error::Conflict(Msg::new("inspection-objection-late")));
            }
            let objection = Objection {
                id: self.env.new_id(),
                n: version,
                text: text.clone(),
                by,
                on_behalf: actor.on_behalf,
                at: self.env.now(),
                upheld: None,
                answer: String::new(),
                decided_by: None,
            };
            if !store::results::object(tx, id, &objection).await? {
                return Err(Error::Conflict(Msg::new("inspection-objection-twice")));
            }
            let detail = json!({ "n": version });
            self.trace(
                tx,
                actor,
                "inspection.objected",
                ("inspection-task", id),
                detail,
            )
            .await?;
            let planner = self.reader(tx, s.whole.plan.by).await?;
            let message =
                Msg::new("notice-inspection-objection").with("title", &s.whole.plan.title);
            self.tell(tx, &[planner], message, task_href(id), id).await
        })
    }

    /// Decides about an objection: never who inspected, handed in, or objected. One that is upheld asks the team to
    /// correct the result.
    ///
    /// # Errors
    /// `Invalid` without an answer; `Conflict` for one's own and for what was decided; `NotFound`.
    pub async fn decide_objection(
        &self,
        (id, objection): (Id, Id),
        upheld: bool,
        answer: &str,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let by = who(actor)?;
        let answer = reasoned("answer", answer, 1_000)?;
        db::transaction!(self.db, |tx| {
            let s = self.standing_in(tx, id, eyes).await?;
            let found = s.objections.iter().find(|o| o.id == objection);
            let Some(found) = found.filter(|_| s.hand.over) else {
                return Err(Error::NotFound);
            };
            let inspected = s
                .whole
                .team(s.task.team)
                .is_some_and(|team| eyes.person.is_some_and(|me| team.members.contains(&me)));
            let wrote = s.outcomes.iter().any(|o| is_of(o.by, o.on_behalf, eyes));
            if inspected || wrote || is_of(found.by, found.on_behalf, eyes) {
                return Err(Error::Conflict(Msg::new("inspection-own-objection")));
            }
            let told = (upheld, answer.as_str());
            if !store::results::decide(tx, (id, objection), told, (by, self.env.now())).await? {
                return Err(changed());
            }
            let action = match upheld {
                true => "inspection.objection-upheld",
                false => "inspection.objection-refused",
            };
            let detail = json!({ "n": found.n });
            self.trace(tx, actor, action, ("inspection-task", id), detail)
                .await?;
            let key = match upheld {
                true => "notice-inspection-upheld",
                false => "notice-inspection-refused",
            };
            let mut to = vec![self.reader(tx, found.by).await?];
            if upheld {
                let team = s.whole.team(s.task.team);
                let members = team.map_or(&[][..], |t| &t.members);
                to.extend(members.iter().map(|p| Reader::Person(*p)));
            }
            let message = Msg::new(key).with("title", &s.whole.plan.title);
            self.tell(tx, &to, message, task_href(id), id).await
        })
    }

    /// The last self-check of each unit with the form of a plan, as a share of the points.
    pub(crate) async fn self_shares(&self, w: &Whole) -> Result<HashMap<UnitId, i64>> {
        let kinds = self
            .checklists
            .kinds()
            .iter()
            .filter(|k| k.mode == Mode::Own);
        let kinds: Vec<&str> = kinds.map(|k| k.code.as_str()).collect();
        let mut tx = self.db.read().await?;
        store::results::self_shares(&mut tx, &w.plan.form.0, &kinds, w.plan.until).await
    }
}

/// Whether something was done by the one who looks, or in their place.
fn is_of(by: AccountId, on_behalf: Option<AccountId>, eyes: &Eyes) -> bool {
    eyes.is(by) || on_behalf.is_some_and(|of| eyes.is(of))
}
