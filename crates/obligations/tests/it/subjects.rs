//! Who is bound, day by day: people who join, leave, move and are away, posts, bodies, pairs, events.

use axum::http::StatusCode;
use commons::packs::Packs;
use kernel::{Calendar, Date, FactId, Id, Period, PeriodKind, PersonId, Scope, UnitId};
use ledger::Fact;
use obligations::{Line, Obligations, Rule, Rules, State};
use organization::{
    Attributes, Body, BodyKinds, By, NewAssignment, NewPerson, NewTie, Organization,
};
use testkit::{TestDb, on_both};

use crate::house::{House, day, migrations};
use crate::pages::{app, get};

const RULES: &str = r#"
[pack]
code = "t"
name = { zh = "t", en = "t" }
version = "1"

[[obligation]]
code = "lecture"
name = { zh = "讲一堂课", en = "x" }
document = { zh = "制度", en = "x" }
article = { zh = "第一条", en = "x" }
subject = "person"
categories = ["处室"]
who = { attributes = { leading = ["chief", "deputy"] } }
away = { state = ["leave"] }
done-by = { where = { kind = "attendance", role = "speaker" } }
[[obligation.version]]
from = "2026-01-01"
every = "quarter"
shift = "stay"

[[obligation]]
code = "attending"
name = { zh = "听课", en = "x" }
document = { zh = "制度", en = "x" }
article = { zh = "第一条", en = "x" }
subject = "person"
done-by = { where = { kind = "attendance", role = "present" } }
[[obligation.version]]
from = "2026-01-01"
every = "quarter"
shift = "stay"

[[obligation]]
code = "hours"
name = { zh = "学时", en = "x" }
document = { zh = "制度", en = "x" }
article = { zh = "第二条", en = "x" }
subject = "person"
joiners = "pro-rata"
done-by = { where = { kind = "attendance", role = "present" } }
[[obligation.version]]
from = "2026-01-01"
every = "year"
minutes = 3650
shift = "stay"

[[obligation]]
code = "chief"
name = { zh = "主要负责人", en = "x" }
document = { zh = "制度", en = "x" }
article = { zh = "第三条", en = "x" }
subject = "post"
categories = ["处室"]
who = { attributes = { leading = ["chief"] } }
done-by = { where = { kind = "attendance", role = "speaker" } }
[[obligation.version]]
from = "2026-01-01"
every = "half"
shift = "stay"

[[obligation]]
code = "branch"
name = { zh = "支部党员大会", en = "x" }
document = { zh = "制度", en = "x" }
article = { zh = "第四条", en = "x" }
subject = "body"
kinds = ["party-branch"]
done-by = { where = { kind = "held" }, axis = "host" }
[[obligation.version]]
from = "2026-01-01"
every = "month"
shift = "stay"

[[obligation]]
code = "pairs"
name = { zh = "师徒谈话", en = "x" }
document = { zh = "制度", en = "x" }
article = { zh = "第五条", en = "x" }
subject = "pair"
pairing = "mentoring"
done-by = { where = { kind = "talk" } }
[[obligation.version]]
from = "2026-01-01"
every = "quarter"
shift = "stay"

[[obligation]]
code = "topic"
name = { zh = "第一议题", en = "x" }
document = { zh = "制度", en = "x" }
article = { zh = "第六条", en = "x" }
categories = ["处室"]
after = { where = { kind = "held", category = "meeting" }, axis = "host" }
done-by = { where = { kind = "agenda", category = "first-topic" }, axis = "host" }
[[obligation.version]]
from = "2026-01-01"
every = "event"
shift = "stay"

[[obligation-set]]
code = "all"
name = { zh = "一组规则", en = "x" }
rules = ["lecture", "hours"]
"#;

fn packs() -> Packs {
    let people = include_str!("../../../../packs/people-cn.toml");
    Packs::load(vec![
        ("t.toml".into(), RULES.into()),
        ("people-cn.toml".into(), people.into()),
    ])
    .unwrap()
}

struct People {
    h: House,
    attributes: Attributes,
    kinds: BodyKinds,
}

impl People {
    async fn new(t: &TestDb) -> Self {
        let h = House::new(t).await;
        let rules = Rules::read(&packs()).unwrap();
        h.ledger.define(&rules.definitions()).await.unwrap();
        let obligations = Obligations::new(
            (t.db.clone(), t.env.clone()),
            h.ledger.clone(),
            h.org.clone(),
            rules,
            Calendar::default(),
        );
        Self {
            h: House { obligations, ..h },
            attributes: Attributes::read(&packs()).unwrap(),
            kinds: BodyKinds::read(&packs()).unwrap(),
        }
    }

    fn org(&self) -> &Organization {
        &self.h.org
    }

    fn rule(&self, code: &str) -> Rule {
        let rules = Rules::read(&packs()).unwrap();
        rules.get(code).unwrap().clone()
    }

    async fn person(&self, no: &str, unit: UnitId, from: Date) -> PersonId {
        let new = NewPerson {
            staff_no: no.into(),
            name: format!("人员{no}"),
            assignment: serves(unit, from, None),
        };
        let added = self.org().add_person(&new, By::default(), &Scope::All);
        added.await.unwrap()
    }

    async fn moves(&self, person: PersonId, unit: UnitId, from: Date, to: Option<Date>) {
        let new = serves(unit, from, to);
        let moved = self.org().assign(person, &new, By::default(), &Scope::All);
        moved.await.unwrap();
    }

    async fn is(&self, person: PersonId, attribute: &str, value: &str, from: Date) {
        let (org, list) = (self.org(), &self.attributes);
        org.set_attribute(
            list,
            person,
            attribute,
            value,
            from,
            By::default(),
            &Scope::All,
        )
        .await
        .unwrap();
    }

    /// A fact of a unit about somebody or something.
    async fn fact(&self, t: &TestDb, unit: UnitId, date: Date, set: impl Fn(&mut Fact)) -> FactId {
        let path = self.org().ancestors(unit).await.unwrap();
        let subject: Id = t.env.new_id();
        let id: FactId = t.env.new_id();
        db::transaction!(t.db, |tx| {
            let place = self.h.ledger.place(tx, &path).await?;
            let mut fact = Fact::new(id, "held", place, date, subject, "roster", t.env.now());
            set(&mut fact);
            self.h.ledger.append(tx, &[fact]).await
        })
        .unwrap();
        id
    }

    async fn lines(&self, code: &str, units: &[UnitId]) -> Vec<Line> {
        let (rule, o) = (self.rule(code), &self.h.obligations);
        let mut all = o.bound(&rule, &Scope::All, None).await.unwrap();
        all.retain(|u| units.is_empty() || units.contains(&u.id));
        let year = Period::containing(PeriodKind::Year, day(1, 1));
        let subjects = o.subjects(&rule, &all, year).await.unwrap();
        let lines = o.lines(&rule, subjects, year).await.unwrap();
        let mut lines = lines.expect("counted");
        lines.retain(|l| !l.occurrences.is_empty());
        lines
    }

    /// The states of one subject.
    async fn states(&self, code: &str, subject: Id) -> Vec<State> {
        let lines = self.lines(code, &[]).await;
        let line = lines.into_iter().find(|l| l.subject.id == subject);
        let occurrences = line.into_iter().flat_map(|l| l.occurrences);
        occurrences.map(|s| s.state).collect()
    }
}

fn serves(unit: UnitId, from: Date, to: Option<Date>) -> NewAssignment {
    NewAssignment {
        unit,
        post: String::new(),
        from,
        to,
        primary: true,
        nature: Default::default(),
    }
}

fn before() -> Date {
    Date::constant(2025, 1, 1)
}

#[tokio::test]
async fn people_join_move_leave_and_are_away() {
    on_both(&migrations(), |t| async move {
        let p = People::new(&t).await;
        let (a, b) = (p.h.a, p.h.b);
        use State::{Done, Overdue, Upcoming};
        // One all year; one who joins in February; one who moves in May; one who leaves in August.
        let stays = p.person("1", a, before()).await;
        let joins = p.person("2", a, day(2, 10)).await;
        let moves = p.person("3", a, before()).await;
        p.moves(moves, b, day(5, 4), None).await;
        let leaves = p.person("4", a, before()).await;
        p.moves(leaves, a, before(), Some(day(8, 20))).await;
        // One is a leader from June on only; one is on leave in the third quarter; one leads nothing.
        let late = p.person("5", a, before()).await;
        let away = p.person("6", a, before()).await;
        let none = p.person("7", a, before()).await;
        for (who, from) in [
            (stays, before()),
            (joins, day(2, 10)),
            (moves, before()),
            (leaves, before()),
            (away, before()),
            (late, day(6, 1)),
        ] {
            p.is(who, "leading", "deputy", from).await;
        }
        p.is(away, "state", "leave", day(7, 1)).await;
        p.is(away, "state", "on-duty", day(9, 1)).await;
        let speaks = |who: PersonId| {
            move |f: &mut Fact| {
                f.kind = "attendance".into();
                f.person = Some(who);
                f.role = Some("speaker".into());
            }
        };
        p.fact(&t, a, day(3, 2), speaks(stays)).await;
        p.fact(&t, b, day(4, 2), speaks(moves)).await;
        let taken_back = p.fact(&t, a, day(9, 30), speaks(stays)).await;
        db::transaction!(t.db, |tx| p.h.ledger.reverse(tx, &[taken_back], None).await).unwrap();
        for sealed in [false, true] {
            if sealed {
                p.h.ledger.settle().await.unwrap();
            }
            // Today is 20 November: the fourth quarter is not due yet.
            for (who, want) in [
                (stays, vec![Done, Overdue, Overdue, Upcoming]),
                (joins, vec![Overdue, Overdue, Upcoming]),
                (moves, vec![Overdue, Done, Overdue, Upcoming]),
                (leaves, vec![Overdue, Overdue]),
                (late, vec![Overdue, Upcoming]),
                (away, vec![Overdue, Overdue, Upcoming]),
                (none, vec![]),
            ] {
                assert_eq!(
                    p.states("lecture", who.0).await,
                    want,
                    "{who}, sealed: {sealed}"
                );
            }
            // Who moved is shown where they are now, with all of the year.
            let of_a = p.lines("lecture", &[a]).await;
            let of_b = p.lines("lecture", &[b]).await;
            let ids = |lines: &[Line]| lines.iter().map(|l| l.subject.id).collect::<Vec<_>>();
            assert!(!ids(&of_a).contains(&moves.0) && of_a.len() == 5);
            assert_eq!(ids(&of_b), [moves.0]);
            assert_eq!(of_b[0].occurrences.len(), 4);
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_missed_and_made_up_says_so() {
    on_both(&migrations(), |t| async move {
        let p = People::new(&t).await;
        let one = p.person("1", p.h.a, before()).await;
        let made = |f: &mut Fact| {
            f.kind = "makeup".into();
            f.person = Some(one);
        };
        use State::{MadeUpLate, Overdue, Upcoming};
        let missed = vec![Overdue, Overdue, Overdue, Upcoming];
        assert_eq!(p.states("attending", one.0).await, missed);
        let fact = p.fact(&t, p.h.a, day(7, 8), made).await;
        // In the third quarter, which it lies in; sealed or not.
        let third = vec![Overdue, Overdue, MadeUpLate, Upcoming];
        assert_eq!(p.states("attending", one.0).await, third);
        p.fact(&t, p.h.a, day(10, 8), made).await;
        p.h.ledger.settle().await.unwrap();
        let both = vec![Overdue, MadeUpLate, MadeUpLate, Upcoming];
        assert_eq!(p.states("attending", one.0).await, both);
        db::transaction!(t.db, |tx| p.h.ledger.reverse(tx, &[fact], None).await).unwrap();
        assert_eq!(p.states("attending", one.0).await, third);
        // Who had to speak makes up for nothing by hearing.
        let rule = p.rule("lecture");
        assert_eq!(rule.made_up_by, None);
    })
    .await;
}

#[tokio::test]
async fn hours_are_owed_by_the_part_of_the_year() {
    on_both(&migrations(), |t| async move {
        let p = People::new(&t).await;
        let all = p.person("1", p.h.a, before()).await;
        // 365 days owe 3650 minutes; from 2 December on 30 days owe 300.
        let late = p.person("2", p.h.a, day(12, 2)).await;
        let minutes = |who: PersonId, minutes: i64| {
            move |f: &mut Fact| {
                f.kind = "attendance".into();
                f.person = Some(who);
                f.role = Some("present".into());
                f.minutes = Some(minutes);
            }
        };
        p.fact(&t, p.h.a, day(3, 2), minutes(all, 3000)).await;
        p.fact(&t, p.h.a, day(3, 3), minutes(all, 649)).await;
        let lines = p.lines("hours", &[]).await;
        let of = |who: PersonId| {
            let line = lines.iter().find(|l| l.subject.id == who.0).unwrap();
            let s = line.occurrences[0];
            (s.need.minutes, s.so_far.sum, s.state)
        };
        assert_eq!(of(all), (3650, 3649, State::Upcoming));
        assert_eq!(of(late), (300, 0, State::Upcoming));
        p.fact(&t, p.h.a, day(3, 4), minutes(all, 1)).await;
        assert_eq!(p.states("hours", all.0).await, [State::Done]);
    })
    .await;
}

#[tokio::test]
async fn a_post_is_done_by_whoever_holds_it() {
    on_both(&migrations(), |t| async move {
        let p = People::new(&t).await;
        let first = p.person("1", p.h.a, before()).await;
        let second = p.person("2", p.h.a, before()).await;
        p.is(first, "leading", "chief", before()).await;
        p.is(first, "leading", "deputy", day(4, 1)).await;
        p.is(second, "leading", "chief", day(4, 1)).await;
        let speaks = |who: PersonId| {
            move |f: &mut Fact| {
                f.kind = "attendance".into();
                f.person = Some(who);
                f.role = Some("speaker".into());
            }
        };
        // Before and after they held it does not count.
        p.fact(&t, p.h.a, day(5, 6), speaks(first)).await;
        p.fact(&t, p.h.a, day(3, 6), speaks(second)).await;
        let states = p.states("chief", p.h.a.0).await;
        assert_eq!(states, [State::Overdue, State::Upcoming]);
        p.fact(&t, p.h.a, day(3, 30), speaks(first)).await;
        let states = p.states("chief", p.h.a.0).await;
        assert_eq!(states, [State::Done, State::Upcoming]);
        assert_eq!(
            p.lines("chief", &[]).await.len(),
            1,
            "nobody holds the other"
        );
    })
    .await;
}

#[tokio::test]
async fn bodies_pairs_and_what_follows_a_meeting() {
    on_both(&migrations(), |t| async move {
        let p = People::new(&t).await;
        let (a, b) = (p.h.a, p.h.b);
        let branch = Body {
            id: t.env.new_id(),
            kind: "party-branch".into(),
            name: "第一党支部".into(),
            unit: a,
            charter: String::new(),
            from: day(8, 15),
            to: None,
        };
        let kept = p
            .org()
            .keep_body(&p.kinds, &branch, By::default(), &Scope::All);
        kept.await.unwrap();
        let body = branch.id;
        p.fact(&t, a, day(9, 9), |f| f.body = Some(body)).await;
        p.fact(&t, a, day(10, 9), |_| ()).await;
        let states = p.states("branch", body).await;
        use State::{Done, Overdue, Upcoming};
        assert_eq!(
            states,
            [Done, Overdue, Upcoming, Upcoming],
            "from September on"
        );

        let (mentor, trainee) = (
            p.person("1", a, before()).await,
            p.person("2", b, before()).await,
        );
        let new = NewTie {
            kind: "mentoring".into(),
            staff_no: "1".into(),
            end: "2".into(),
            ..NewTie::default()
        };
        let tied = p
            .org()
            .tie(&p.kinds, &new, day(3, 1), By::default(), &Scope::All);
        tied.await.unwrap();
        let pair = ledger::pair(trainee, mentor);
        // Whoever talked with whom.
        p.fact(&t, b, day(5, 5), |f| {
            f.kind = "talk".into();
            f.person = Some(mentor);
            f.other = Some(trainee);
        })
        .await;
        assert_eq!(p.states("pairs", pair).await, [Done, Overdue, Upcoming]);
        let lines = p.lines("pairs", &[b]).await;
        assert_eq!(lines[0].subject.name, "人员1 – 人员2");
        assert!(p.lines("pairs", &[a]).await.is_empty());

        let meeting = |f: &mut Fact| f.category = Some("meeting".into());
        let topic = |f: &mut Fact| {
            f.kind = "agenda".into();
            f.category = Some("first-topic".into());
        };
        p.fact(&t, a, day(5, 5), meeting).await;
        p.fact(&t, a, day(5, 5), topic).await;
        p.fact(&t, a, day(6, 5), meeting).await;
        p.fact(&t, b, day(6, 5), topic).await;
        assert_eq!(p.states("topic", a.0).await, [Done, Overdue]);
        assert_eq!(p.states("topic", b.0).await, []);
        // What presses is listed with whose it is.
        let todo = p.h.obligations.todo(&Scope::All, 50).await.unwrap();
        let todo: Vec<_> = todo
            .iter()
            .map(|t| (t.rule.as_str(), t.who.as_deref(), t.due))
            .collect();
        assert_eq!(todo, [("branch", Some("第一党支部"), day(10, 31))]);
    })
    .await;
}

#[tokio::test]
async fn pages_show_people_and_oneself() {
    on_both(&migrations(), |t| async move {
        let p = People::new(&t).await;
        let who = p.person("1", p.h.a, before()).await;
        let other = p.person("2", p.h.b, before()).await;
        p.is(who, "leading", "chief", before()).await;
        p.is(other, "leading", "deputy", before()).await;
        let mine = app(&p.h, &t, Scope::Under(vec![p.h.a]));
        let (status, page) = get(&mine, "/obligations?rule=lecture").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for text in ["单位A", "未到期 1", "一组规则"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(!page.contains("单位B"));
        let (status, page) = get(&mine, &format!("/obligations/lecture/{}", p.h.a)).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(
            page.contains("人员1") && !page.contains("人员2") && page.contains("0 / 3"),
            "{page}"
        );
        // Filters by state: nobody of the unit has done it in time.
        for (state, there) in [("overdue", true), ("done", false)] {
            let path = format!("/obligations/lecture/{}?state={state}", p.h.a);
            let (_, page) = get(&mine, &path).await;
            assert_eq!(page.contains("人员1"), there, "{state}: {page}");
        }
        for (state, there) in [("upcoming", true), ("done", false), ("x", true)] {
            let path = format!("/obligations?rule=lecture&state={state}");
            let (_, page) = get(&mine, &path).await;
            assert_eq!(
                page.contains("/obligations/lecture/"),
                there,
                "{state}: {page}"
            );
        }
        let (status, page) = get(&mine, &format!("/obligations/lecture/{}?of={who}", p.h.a)).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(
            page.contains("人员1") && page.contains("2026-09-30"),
            "{page}"
        );
        let (status, page) = get(&mine, "/obligations/hours").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for text in ["每名人员", "不少于 3650 分钟", "按在册天数的比例", "现行"]
        {
            assert!(page.contains(text), "{text}: {page}");
        }
        // Hours of a year, so far.
        let (_, page) = get(&mine, &format!("/obligations/hours/{}?of={who}", p.h.a)).await;
        assert!(page.contains("0 / 3650 分钟"), "{page}");
        for path in [
            format!("/obligations/lecture/{}", p.h.b),
            format!("/obligations/lecture/{}?of={other}", p.h.a),
            format!("/obligations/lecture/{}?of=x", p.h.a),
            "/obligations/nothing".into(),
        ] {
            assert_eq!(get(&mine, &path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        let (status, page) = get(&mine, "/obligations/mine").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("账号没有对应的人员"), "{page}");
        let todo = p.h.obligations.todo_of(who).await.unwrap();
        assert_eq!(
            todo.len(),
            0,
            "the third quarter is longer ago than four weeks"
        );
        let year = Period::containing(PeriodKind::Year, day(1, 1));
        let owed = p.h.obligations.owed_by(who, year).await.unwrap();
        let owed: Vec<_> = owed
            .iter()
            .map(|(r, l)| (r.code.as_str(), l.tally()))
            .collect();
        let want = [
            ("lecture", (0, 3)),
            ("attending", (0, 3)),
            ("hours", (0, 0)),
        ];
        assert_eq!(owed, want);
    })
    .await;
}

#[tokio::test]
async fn lists_are_arranged_and_taken_out() {
    on_both(&migrations(), |t| async move {
        let p = People::new(&t).await;
        let diligent = p.person("1", p.h.a, before()).await;
        let other = p.person("2", p.h.a, before()).await;
        let elsewhere = p.person("3", p.h.b, before()).await;
        for who in [diligent, other, elsewhere] {
            p.is(who, "leading", "deputy", before()).await;
        }
        p.fact(&t, p.h.a, day(3, 2), |f| {
            f.kind = "attendance".into();
            f.person = Some(other);
            f.role = Some("speaker".into());
        })
        .await;
        let mine = app(&p.h, &t, Scope::Under(vec![p.h.a]));
        let unit = format!("/obligations/lecture/{}", p.h.a);
        let place = async |path: &str, name: &str| {
            let (status, page) = get(&mine, path).await;
            assert_eq!(status, StatusCode::OK, "{path}: {page}");
            page.find(name).unwrap_or(usize::MAX)
        };
        // By name, or by what is missing, either way.
        for (query, first, second) in [
            ("", "人员1", "人员2"),
            ("?sort=-name", "人员2", "人员1"),
            ("?sort=done", "人员2", "人员1"),
            ("?sort=-done", "人员1", "人员2"),
            ("?sort=nonsense&columns=name&dense=1", "人员1", "人员2"),
        ] {
            let path = format!("{unit}{query}");
            let (a, b) = (place(&path, first).await, place(&path, second).await);
            assert!(a < b && b < usize::MAX, "{path}");
        }
        let (_, page) = get(&mine, &format!("{unit}?columns=name&state=overdue")).await;
        assert!(!page.contains("0 / 3</td>"), "{page}");
        assert!(
            page.contains(&format!("{unit}/states.csv?state=overdue")),
            "{page}"
        );
        // A line a period, within the scope and the filter.
        let (status, sheet) = get(&mine, &format!("{unit}/states.csv?year=2026")).await;
        assert_eq!(status, StatusCode::OK, "{sheet}");
        assert_eq!(sheet.lines().count(), 1 + 2 * 4, "{sheet}");
        assert!(
            sheet.contains("人员2,2026-01-01,2026-03-31,2026-03-31,,按期完成,2026-03-02,1,0"),
            "{sheet}"
        );
        let (_, sheet) = get(&mine, "/obligations/states.csv?rule=lecture&state=overdue").await;
        assert_eq!(sheet.lines().count(), 1 + 2 + 3, "{sheet}");
        assert!(!sheet.contains("人员3"));
        for path in [
            format!("/obligations/lecture/{}/states.csv", p.h.b),
            format!("/obligations/nothing/{}/states.csv", p.h.a),
            "/obligations/lecture/x/states.csv".into(),
        ] {
            assert_eq!(get(&mine, &path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    })
    .await;
}
