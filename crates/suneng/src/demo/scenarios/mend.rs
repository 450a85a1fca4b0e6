//! What was found and mended, examined and checked: campaigns with their units, cases raised through the intake of
//! cases and accepted by somebody else, answers of examinations, checklists filled in.

use std::collections::BTreeMap;

use campaigns::{Act as Move, Content, New, Taken};
use cases::{Act, Eyes, Measure, Said};
use commons::findings::{Finder, Finding, Intake};
use exams::{Given, Item, Paper, Proof, Section, Shows, Takes, Terms};
use identity::{Actor, NewAccount, NewGrant, NewPassword};
use inspections::{NewPlan, PlanState, Put, Reach, Repeats};
use jiff::ToSpan;
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Scope, Timestamp};
use questions::{Key, Kind, Question, Rule};

use super::Stage;
use super::spec::{CampaignSpec, CaseSpec, CheckSpec, ExamSpec, Scenario, day};

/// A case that will be accepted: its number in its row, its id, its owner.
pub struct Raised {
    n: usize,
    id: Id,
    owner: PersonId,
}

const HOUR: i64 = 3_600;

impl Stage<'_> {
    fn campaign_eyes(&self) -> Result<campaigns::Eyes> {
        Ok(campaigns::Eyes {
            account: self.clerk,
            person: None,
            reads: self.scope()?,
            plans: self.scope()?,
            reports: self.scope()?,
            scores: self.scope()?,
        })
    }

    fn campaign(&self, key: &str) -> Result<Id> {
        let unknown = || Error::internal(format!("no campaign {key}"));
        self.groups
            .get(&format!("campaign {key}"))
            .copied()
            .ok_or_else(unknown)
    }

    /// Writes a campaign down, names its units, says who does not take part, and starts it.
    pub(super) async fn begin(&mut self, spec: &CampaignSpec) -> Result<()> {
        let room = &self.rooms.campaigns;
        let kinds = room.kinds();
        let kind = kinds.get(&spec.kind).ok_or(Error::NotFound)?;
        let from = day(&spec.from)?;
        let (phases, to) = Content::laid_out(kind, from);
        let mut claims = Vec::new();
        for track in &kind.tracks {
            for code in &track.claims {
                claims.push(Taken {
                    track: track.code.clone(),
                    claim: kinds.claim(code).ok_or(Error::NotFound)?.clone(),
                    categories: kind.problems.clone(),
                });
            }
        }
        let parent = match &spec.above {
            Some(key) => Some(self.campaign(key)?),
            None => None,
        };
        let new = New {
            id: self.world.env.new_id(),
            kind: kind.code.clone(),
            unit: self.unit(&spec.unit)?,
            parent,
            node: None,
            content: Content {
                title: spec.title.clone(),
                goals: spec.goals.clone(),
                group: None,
                office: None,
                lead: None,
                from,
                to,
                phases,
                measures: Vec::new(),
                claims,
            },
        };
        let (eyes, actor) = (self.campaign_eyes()?, Actor::from(self.clerk));
        let id = room.create(&new, &eyes, &actor).await?;
        let below = Scope::Under(vec![new.unit]);
        let units = self.world.organization.units(&below).await?;
        let named = units
            .iter()
            .filter(|u| spec.categories.contains(&u.category))
            .map(|u| u.id);
        let named: Vec<_> = named.collect();
        room.name_units(id, &named, (&eyes, &actor)).await?;
        for (code, reason) in &spec.absent {
            room.set_taking(id, self.unit(code)?, false, reason, (&eyes, &actor))
                .await?;
        }
        room.act(id, None, Move::Start, "", (&eyes, &actor)).await?;
        self.groups.insert(format!("campaign {}", spec.key), id);
        Ok(())
    }

    /// Winds a campaign up: its summary is drafted from its records, then it is closed.
    pub(super) async fn conclude(&self, spec: &CampaignSpec) -> Result<()> {
        let (room, id) = (&self.rooms.campaigns, self.campaign(&spec.key)?);
        let (eyes, actor) = (self.campaign_eyes()?, Actor::from(self.clerk));
        let by = (&eyes, &actor);
        self.world.ledger.settle().await?;
        room.act(id, None, Move::Conclude, "", by).await?;
        let kind = room.kinds().get(&spec.kind).ok_or(Error::NotFound)?;
        let body: Vec<&str> = kind.summary.iter().map(|t| t.zh.as_str()).collect();
        let lessons = "支部领题、专人跟踪、办结验收，问题才能真销号。";
        room.keep_summary(id, (&body.join("\n"), lessons), "zh", by)
            .await?;
        room.act(id, None, Move::Close, "", by).await
    }

    /// How an account and its person stand to cases of the scenarios.
    fn case_eyes(&self, account: AccountId, me: Option<PersonId>) -> Result<Eyes> {
        Ok(Eyes {
            account,
            person: me,
            me,
            on_behalf: None,
            reads: self.scope()?,
            raises: self.scope()?,
            handles: match me {
                None => self.scope()?,
                Some(_) => Scope::nothing(),
            },
            supervises: self.scope()?,
            reporters: Scope::nothing(),
        })
    }

    /// Raises the cases of a day in one step; gives those that will be accepted.
    pub(super) async fn raise(
        &self,
        scenario: &Scenario,
        spec: &CaseSpec,
        which: &[usize],
    ) -> Result<Vec<Raised>> {
        let campaign = match &spec.campaign {
            Some(key) => {
                let id = self.campaign(key)?;
                let eyes = self.campaign_eyes()?;
                Some(self.rooms.campaigns.campaign(id, &eyes).await?.campaign)
            }
            None => None,
        };
        let mut findings = Vec::new();
        for &n in which {
            let code = self.turn(scenario, (&spec.units, &spec.except), n);
            let owner = self.named(&format!("{code}/1"))?[0];
            let owner = self.person(owner).await?;
            let unit = self.unit(&code)?;
            let finding = Finding {
                key: format!("{n}"),
                source_kind: "campaign",
                source_id: campaign.as_ref().map_or(unit.into(), |c| c.id),
                source_title: campaign
                    .as_ref()
                    .map_or_else(String::new, |c| c.content.title.clone()),
                source_href: campaign.as_ref().map_or_else(String::new, |c| c.href()),
                origin: match &campaign {
                    Some(_) => "campaign".to_owned(),
                    None => spec.source.clone(),
                },
                kind: spec.kind.clone(),
                title: spec.titles.at(n).to_owned(),
                detail: "支部领题，明确措施和时限。".to_owned(),
                severity: String::new(),
                area: spec.areas.at(n).to_owned(),
                clause: String::new(),
                unit,
                owner: Some(owner),
                from: campaign.as_ref().map_or(unit, |c| c.unit),
            };
            findings.push((n, owner, finding));
        }
        let by = Finder {
            account: Some(self.clerk),
            ..Finder::default()
        };
        let (room, db) = (&self.rooms.cases, &self.world.db);
        let raised: Vec<Raised> = db::transaction!(db, |tx| {
            let mut raised = Vec::new();
            for (n, owner, finding) in &findings {
                let id = match &campaign {
                    Some(_) => Intake::raise(room, tx, finding, &by).await?,
                    None => {
                        room.raise_in(tx, &single(finding, *n, self), &Actor::from(self.clerk))
                            .await?
                    }
                };
                raised.push(Raised {
                    n: *n,
                    id,
                    owner: *owner,
                });
            }
            Ok::<_, Error>(raised)
        })?;
        Ok(raised
            .into_iter()
            .filter(|r| r.n < spec.accepted.first)
            .collect())
    }

    /// The account of who accepts, opened when it is first needed.
    async fn acceptor(&self, line: &str) -> Result<(AccountId, PersonId)> {
        let staff_no = self.named(line)?[0];
        let person = self.person(staff_no).await?;
        let (identity, login) = (&self.rooms.identity, staff_no.to_lowercase());
        if let Some(known) = identity.account_by_login(&login).await? {
            return Ok((known.id, person));
        }
        let new = NewAccount {
            login,
            person: Some(person),
            unit: None,
            password: NewPassword::None,
            grants: vec![NewGrant {
                role: "supervisor".to_owned(),
                unit: self.unit(line.split('/').next().unwrap_or_default())?,
                from: self.world.env.today(),
                to: None,
            }],
        };
        let opened = identity
            .create_account(&Actor::default(), &new, &Scope::All)
            .await?;
        Ok((opened.account, person))
    }

    /// Hands the cases of a day in, accepts them, and asks those concerned where that belongs to it.
    pub(super) async fn accept(&self, spec: &CaseSpec, raised: &[Raised]) -> Result<()> {
        let room = &self.rooms.cases;
        let kind = room.kinds().get(&spec.kind).ok_or(Error::NotFound)?;
        let plans = kind.states.iter().any(|s| s.stage == cases::Stage::Cause);
        let (account, person) = self.acceptor(&spec.accepted.by).await?;
        let (clerk, judge) = (
            (self.case_eyes(self.clerk, None)?, Actor::from(self.clerk)),
            (self.case_eyes(account, Some(person))?, Actor::from(account)),
        );
        let today = self.world.env.today();
        let said = |text: &str| Said {
            text: text.to_owned(),
            ..Said::default()
        };
        // How many of those up to one said yes: spread over the row, exactly as many as the file says.
        let yes = |count: usize, n: usize| count * n / spec.accepted.first;
        db::transaction!(self.world.db, |tx| {
            for r in raised {
                let mut steps: Vec<(Act, &str, bool)> = Vec::new();
                if plans {
                    let measure = Measure {
                        no: 0,
                        text: "制定整改措施，明确责任人和时限".to_owned(),
                        owner: r.owner,
                        due: today,
                        done: None,
                    };
                    let cause = "日常抓得不紧，责任没有落实到人。".to_owned();
                    let measures = vec![measure];
                    steps.push((Act::Planned { cause, measures }, "", true));
                    steps.push((Act::MeasureDone { no: 1, on: today }, "已落实", true));
                }
                steps.push((Act::Submitted, "措施已落实，请验收。", true));
                steps.push((Act::Accepted, "核查属实，同意销号。", false));
                let answers: BTreeMap<String, String> = spec
                    .answers
                    .iter()
                    .map(|(code, count)| {
                        let said = yes(*count, r.n + 1) > yes(*count, r.n);
                        (code.clone(), if said { "yes" } else { "no" }.to_owned())
                    })
                    .collect();
                if !answers.is_empty() {
                    steps.push((Act::Evaluated { values: answers }, "电话回访", false));
                }
                for (act, text, owner) in &steps {
                    let (eyes, actor) = if *owner { &clerk } else { &judge };
                    room.act_in(tx, r.id, act, &said(text), eyes, actor).await?;
                }
            }
            Ok::<_, Error>(())
        })
    }

    /// Holds an examination in the evening: everybody answers, it closes, its results count.
    pub(super) async fn examine(&self, spec: &ExamSpec) -> Result<()> {
        let exams = &self.rooms.exams;
        let items = (1..=spec.questions).map(|n| Item {
            question: Question {
                key: Key::Truth(true),
                ..Question::new(Kind::Judgement, format!("第{n}题：下列表述符合有关规定。"))
            },
            points: 1_000,
            from: None,
        });
        let paper = Paper {
            title: spec.title.clone(),
            sections: vec![Section {
                title: "判断题".to_owned(),
                rule: Rule::Exact,
                pick: spec.questions,
                items: items.collect(),
            }],
            mixed: false,
            mixed_options: false,
        };
        let opens = self.world.env.now();
        let unit = self.unit(&spec.unit)?;
        let terms = Terms {
            unit,
            kind: spec.kind.clone(),
            title: spec.title.clone(),
            opens,
            closes: Timestamp(opens.0 + 2 * HOUR * Timestamp::SECOND),
            seconds: HOUR,
            grace: 60,
            late: None,
            attempts: 1,
            takes: Takes::Best,
            pass: Some(60_000),
            shows: Shows::AfterClose,
        };
        let scope = self.scope()?;
        let id = exams.create(&paper, terms, &scope, self.clerk).await?;
        exams.publish(id, &scope, self.clerk).await?;
        let mut people = Vec::new();
        for line in &spec.people {
            let unit = self.unit(line.split('/').next().unwrap_or_default())?;
            for staff_no in self.named(line)? {
                people.push((self.person(staff_no).await?, unit));
            }
        }
        exams.admit(id, &people, &scope, self.clerk).await?;
        for (n, (person, _)) in people.iter().enumerate() {
            let begun = exams.begin(id, &Proof::Person(*person), "").await?;
            let right = spec.questions - spec.wrong[n % spec.wrong.len()];
            let mut given = Vec::new();
            for (k, item) in begun.items.iter().enumerate() {
                let number = item["item"].as_u64().unwrap_or_default();
                given.push(Given {
                    item: u16::try_from(number).map_err(Error::internal)?,
                    seq: 1,
                    value: if k < right { "T" } else { "F" }.into(),
                    at: None,
                });
            }
            let token = Proof::Token(begun.token.clone());
            exams.save(begun.attempt, &token, &given).await?;
            exams.submit(begun.attempt, &token).await?;
        }
        self.clock.advance(2 * HOUR + 120);
        self.rooms.exam_office.settle_due().await?;
        Ok(())
    }

    /// Fills a checklist in about the unit itself, and hands it in.
    pub(super) async fn check(&self, spec: &CheckSpec, date: Date) -> Result<()> {
        let (room, scope) = (&self.rooms.inspections, self.scope()?);
        let unit = self.unit(&spec.unit)?;
        let actor = Actor::from(self.clerk);
        let plan = NewPlan {
            id: self.world.env.new_id(),
            kind: "self".to_owned(),
            host: unit,
            form: spec.form.clone(),
            title: spec.title.clone(),
            basis: "年度监督检查计划".to_owned(),
            opens: date,
            until: date.saturating_add(5.days()),
            repeats: Repeats::Never,
            under: unit,
            reach: Reach::Itself,
            categories: Vec::new(),
            bodies: Vec::new(),
        };
        let id = room.plan(&plan, &scope, &actor).await?;
        let eyes = inspections::Eyes {
            account: self.clerk,
            on_behalf: None,
            person: None,
            reads: scope.clone(),
            plans: scope.clone(),
            fills: scope.clone(),
            reviews: Scope::nothing(),
        };
        let whole = room.whole(id, &eyes).await?;
        room.start((id, whole.plan.seq), &scope, &actor).await?;
        let whole = room.whole(id, &eyes).await?;
        for task in &whole.tasks {
            let form = room.standing(task.id, &eyes).await?.form;
            let items = form.items().map(|item| Put {
                seq: 0,
                item: item.code.clone(),
                fields: [(format!("v-{}", item.code), "yes".to_owned())].into(),
                seen: None,
            });
            let puts: Vec<Put> = items.collect();
            room.put(task.id, "", &puts, &eyes).await?;
            room.hand_in(task.id, task.version, &[], (None, ""), &eyes, &actor)
                .await?;
        }
        let whole = room.whole(id, &eyes).await?;
        room.finish(
            (id, whole.plan.seq),
            PlanState::Ended,
            "检查结束",
            &scope,
            &actor,
        )
        .await?;
        Ok(())
    }
}

/// An order that no other record found; its number is that of the hotline.
fn single(f: &Finding, n: usize, stage: &Stage<'_>) -> cases::Raise {
    let values = match f.kind.as_str() {
        "hotline" => {
            let day = stage.world.env.today().strftime("%Y%m%d");
            [("order".to_owned(), format!("12345-{day}-{n:03}"))].into()
        }
        _ => BTreeMap::new(),
    };
    let kinds = stage.rooms.cases.kinds();
    let severity = kinds.get(&f.kind).and_then(|k| k.severities.last());
    cases::Raise {
        id: stage.world.env.new_id(),
        kind: f.kind.clone(),
        title: f.title.clone(),
        detail: f.detail.clone(),
        severity: severity.map_or_else(String::new, |s| s.code.clone()),
        area: f.area.clone(),
        source: f.origin.clone(),
        clause: String::new(),
        values,
        unit: f.unit,
        from: f.from,
        owner: f.owner,
        co: Vec::new(),
        supervisor: None,
        reporter: None,
        origin: None,
        key: None,
        recurs: Some(false),
        fixed: None,
    }
}
