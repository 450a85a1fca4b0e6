//! The recurring obligations of the packs: what each asks for, entered as the rooms write it, turns it green.

use std::collections::BTreeMap;

use commons::packs::Packs;
use kernel::{Calendar, Date, Id, Period, Scope, UnitId};
use ledger::Fact;
use obligations::{Obligations, Rules, State};
use organization::{Attributes, Body, BodyKinds, By, NewAssignment, NewPerson, NewTie, NewUnit};
use testkit::on_both;

use crate::house::{House, migrations};

/// What a rule is done by: kind, category and role of the fact, minutes, and how often in a window.
struct Deed(&'static str, &'static str, Option<&'static str>, i64, usize);

const fn held(category: &'static str) -> Deed {
    Deed("held", category, None, 90, 1)
}

const fn plan(of: &'static str) -> Deed {
    Deed("entry", "annual-plans", Some(of), 0, 1)
}

/// Each rule of the pack with its deed, as the regulation or paper it is from describes it.
const DEEDS: [(&str, Deed); 32] = [
    ("branch-members-meeting", held("members-meeting")),
    ("branch-committee-meeting", held("branch-committee")),
    ("party-group-meeting", held("group-meeting")),
    (
        "chief-party-lecture",
        Deed("attendance", "leader-party-lecture", Some("speaker"), 60, 1),
    ),
    ("party-day", held("party-day")),
    (
        "organisation-life-meeting",
        held("organisation-life-meeting"),
    ),
    ("yearly-talk", Deed("talk", "talk", None, 30, 1)),
    (
        "double-organisation-life",
        Deed("attendance", "members-meeting", Some("present"), 60, 1),
    ),
    ("centre-group-study", held("centre-group")),
    ("first-topic", Deed("agenda", "first-topic", None, 0, 1)),
    ("daily-study", held("daily-study")),
    (
        "weekly-training",
        Deed("held", "training-day", None, 210, 1),
    ),
    ("monthly-training", held("training-class")),
    (
        "quarterly-test",
        Deed("held-exam", "quarterly-test", None, 60, 1),
    ),
    ("year-end-appraisal", held("year-end-appraisal")),
    (
        "monthly-briefs",
        Deed("bulletin", "drill-bulletin", None, 0, 2),
    ),
    ("quarterly-talk", Deed("talk", "talk", None, 30, 1)),
    ("mentoring-talk", Deed("talk", "talk", None, 30, 1)),
    (
        "leader-law-lecture",
        Deed("attendance", "leader-law-lecture", Some("speaker"), 60, 1),
    ),
    (
        "half-yearly-inspection",
        Deed("inspection", "theory-study", Some("inspection"), 0, 1),
    ),
    ("yearly-study-plan", plan("study")),
    ("yearly-training-plan", plan("training")),
    ("yearly-drill-plan", plan("drill")),
    ("quarterly-drill", held("drill")),
    ("monthly-contest", held("contest")),
    ("open-mic", Deed("agenda", "open-mic", None, 0, 1)),
    ("quarterly-discipline-class", held("discipline-class")),
    (
        "quarterly-reminder-talk",
        Deed("talk", "reminder-talk", None, 30, 1),
    ),
    (
        "quarterly-role-model",
        Deed("entry", "role-models", None, 0, 1),
    ),
    ("weekly-forum", held("forum")),
    ("weekly-friday-study", held("friday-study")),
    (
        "monthly-briefs-entered",
        Deed("entry", "submitted-articles", None, 0, 2),
    ),
];

/// What an obligation follows.
const CAUSES: [(&str, &str); 2] = [
    ("first-topic", "party-group-meeting"),
    ("open-mic", "staff-meeting"),
];

fn packs() -> Packs {
    let files = [
        (
            "cadence-cn.toml",
            include_str!("../../../../packs/cadence-cn.toml"),
        ),
        (
            "weekly-study.toml",
            include_str!("../../../../packs/weekly-study.toml"),
        ),
        (
            "registers-cn.toml",
            include_str!("../../../../packs/registers-cn.toml"),
        ),
        (
            "people-cn.toml",
            include_str!("../../../../packs/people-cn.toml"),
        ),
    ];
    Packs::load(
        files
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into(),
    )
    .unwrap()
}

fn on(month: i8, day: i8) -> Date {
    Date::constant(2027, month, day)
}

#[tokio::test]
async fn each_rule_of_the_packs_turns_green_by_what_it_asks_for() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let rules = Rules::read(&packs()).unwrap();
        h.ledger.define(&rules.definitions()).await.unwrap();
        let obligations = Obligations::new(
            (t.db.clone(), t.env.clone()),
            h.ledger.clone(),
            h.org.clone(),
            rules.clone(),
            Calendar::default(),
        );
        let attributes = Attributes::read(&packs()).unwrap();
        let kinds = BodyKinds::read(&packs()).unwrap();
        // The pack holds from 2027 on; it is the middle of July.
        t.clock.advance(238 * 86_400);
        assert_eq!(t.env.today(), on(7, 16));
        let start = Date::constant(2026, 1, 1);
        let mut of: BTreeMap<&str, UnitId> = BTreeMap::new();
        for (code, category) in [("K", "县区局"), ("E", "执法监督"), ("C", "处室")] {
            let new = NewUnit {
                parent: Some(h.top),
                code: code.into(),
                name: category.into(),
                category: category.into(),
                from: start,
            };
            of.insert(
                category,
                h.org.add_unit(new, "", None, &Scope::All).await.unwrap(),
            );
        }
        let unit = of["处室"];
        let person = async |no: &str| {
            let assignment = NewAssignment {
                unit,
                post: String::new(),
                from: start,
                to: None,
                primary: true,
                nature: Default::default(),
            };
            let new = NewPerson {
                staff_no: no.into(),
                name: format!("人员{no}"),
                assignment,
            };
            h.org
                .add_person(&new, By::default(), &Scope::All)
                .await
                .unwrap()
        };
        let (leader, trainee) = (person("1").await, person("2").await);
        for (attribute, value) in [("leading", "chief"), ("political", "party-member")] {
            let set = h.org.set_attribute(
                &attributes,
                leader,
                attribute,
                value,
                start,
                By::default(),
                &Scope::All,
            );
            set.await.unwrap();
        }
        let mut bodies: BTreeMap<&str, Id> = BTreeMap::new();
        for kind in ["party-branch", "party-group", "centre-group"] {
            let body = Body {
                id: t.env.new_id(),
                kind: kind.into(),
                name: kind.into(),
                unit,
                charter: String::new(),
                from: start,
                to: None,
            };
            h.org
                .keep_body(&kinds, &body, By::default(), &Scope::All)
                .await
                .unwrap();
            bodies.insert(kind, body.id);
        }
        let tie = NewTie {
            kind: "mentoring".into(),
            staff_no: "1".into(),
            end: "2".into(),
            ..NewTie::default()
        };
        h.org
            .tie(&kinds, &tie, start, By::default(), &Scope::All)
            .await
            .unwrap();

        let named: Vec<&str> = DEEDS.iter().map(|(code, _)| *code).collect();
        for rule in rules.iter() {
            assert!(
                named.contains(&rule.code.as_str()),
                "{} has no deed",
                rule.code
            );
        }
        let states = async |code: &str| {
            let rule = rules.get(code).unwrap();
            let units = obligations.bound(rule, &Scope::All, None).await.unwrap();
            let half = Period {
                from: on(1, 1),
                to: on(7, 16),
            };
            let subjects = obligations.subjects(rule, &units, half).await.unwrap();
            let lines = obligations
                .lines(rule, subjects, half)
                .await
                .unwrap()
                .expect("counted");
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for standing in lines.iter().flat_map(|l| &l.occurrences) {
                let what = match standing.state {
                    State::Done | State::MadeUp => "done",
                    _ => "not",
                };
                *counts.entry(what).or_default() += 1;
            }
            (
                counts.get("done").copied().unwrap_or(0),
                counts.get("not").copied().unwrap_or(0),
            )
        };
        let write = async |date: Date, host: UnitId, set: &dyn Fn(&mut Fact)| {
            let path = h.org.ancestors(host).await.unwrap();
            db::transaction!(t.db, |tx| {
                let place = h.ledger.place(tx, &path).await?;
                let mut fact = Fact::new(
                    t.env.new_id(),
                    "held",
                    place,
                    date,
                    t.env.new_id(),
                    "form",
                    t.env.now(),
                );
                set(&mut fact);
                h.ledger.append(tx, &[fact]).await
            })
            .unwrap();
        };
        for rule in rules.iter() {
            assert_eq!(states(&rule.code).await.0, 0, "{}", rule.code);
        }
        for (name, Deed(kind, category, role, minutes, times)) in DEEDS {
            let code = name.trim_end_matches("-entered");
            let rule = rules.get(code).unwrap();
            let bound = rule.categories.iter().find_map(|c| of.get(c.as_str()));
            let host = bound.copied().unwrap_or(unit);
            if let Some((_, cause)) = CAUSES.iter().find(|(c, _)| *c == code) {
                write(on(6, 9), host, &|f| f.category = Some((*cause).to_owned())).await;
            }
            let (before, owed) = states(code).await;
            assert!(owed > 0, "{code}: nobody is bound");
            for n in 0..times {
                let date = match (name.ends_with("-plan"), name.ends_with("-entered")) {
                    (true, _) => on(1, 14),
                    (_, true) => on(5, 12),
                    _ => on(6, 9),
                };
                write(date, host, &|f| {
                    f.kind = kind.to_owned();
                    f.category = Some(category.to_owned());
                    f.role = role.map(str::to_owned);
                    f.minutes = (minutes > 0).then_some(minutes);
                    f.body = rule
                        .kinds
                        .first()
                        .and_then(|k| bodies.get(k.as_str()))
                        .copied();
                    if kind == "talk" || kind == "attendance" {
                        f.person = Some(leader);
                        f.other = (kind == "talk").then_some(trainee);
                    }
                })
                .await;
                let (done, _) = states(code).await;
                match n + 1 == times {
                    true => assert!(done > 0, "{name} is not done"),
                    false => assert_eq!(done, before, "{name} is done by {} of {times}", n + 1),
                }
            }
        }
    })
    .await;
}
