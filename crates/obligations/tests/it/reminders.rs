//! Reminders by the clock: told once each, whoever runs, and no more once it is done or excused.

use std::collections::HashMap;

use axum::http::StatusCode;
use db::args;
use futures::future::BoxFuture;
use kernel::{AccountId, PersonId, Result, Scope};
use notices::{Contacts, Notices, Reader, Settings};
use obligations::{Asker, ExcuseKind, NewExcuse, Obligations, Rules};
use organization::{Attributes, By, NewAssignment, NewPerson};
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{House, RULE, day, migrations};
use crate::pages::{app, get};

struct Nobody;

impl Contacts for Nobody {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        Box::pin(async { Ok(HashMap::new()) })
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

/// The weekly study, due on Fridays, with these timers.
fn rules(timers: &str) -> std::result::Result<Rules, Vec<commons::packs::PackProblem>> {
    let text = include_str!("../../../../packs/weekly-study.toml");
    let text = text.replacen(
        "\n[[obligation.version]]",
        &format!("{timers}\n[[obligation.version]]"),
        1,
    );
    let packs = commons::packs::Packs::load(vec![("t.toml".into(), text)]).unwrap();
    Rules::read(&packs)
}

const TIMERS: &str = r#"
remind-to = "self"
remind = ["-2d", "0d", "+1d"]
escalate = [{ after = "+3wd", to = "superior" }, { after = "+4wd", to = "responsible-leader" }]
"#;

struct Told {
    h: House,
    notices: Notices,
    /// Head of A, head of the top.
    heads: [PersonId; 2],
}

impl Told {
    async fn new(t: &TestDb) -> Self {
        let h = House::new(t).await;
        let notices = Notices::new(t.db.clone(), t.env.clone(), Settings::default(), Nobody);
        let h = with(h, t, t.db.clone(), &notices);
        let pack = include_str!("../../../../packs/people-cn.toml");
        let packs = commons::packs::Packs::load(vec![("p.toml".into(), pack.into())]).unwrap();
        let list = Attributes::read(&packs).unwrap();
        let mut heads = Vec::new();
        for (no, unit) in [("1", h.a), ("2", h.top)] {
            let new = NewPerson {
                staff_no: no.into(),
                name: format!("人员{no}"),
                assignment: NewAssignment {
                    unit,
                    post: String::new(),
                    from: day(1, 1),
                    to: None,
                    primary: true,
                    nature: Default::default(),
                },
            };
            let person = h
                .org
                .add_person(&new, By::default(), &Scope::All)
                .await
                .unwrap();
            let set = h.org.set_attribute(
                &list,
                person,
                "leading",
                "chief",
                day(1, 1),
                By::default(),
                &Scope::All,
            );
            set.await.unwrap();
            heads.push(person);
        }
        Self {
            h,
            notices,
            heads: [heads[0], heads[1]],
        }
    }

    async fn unread(&self, person: PersonId) -> i64 {
        self.notices
            .unread(&[Reader::Person(person)])
            .await
            .unwrap()
    }

    /// The steps about A, in order.
    async fn steps(&self, t: &TestDb) -> Vec<String> {
        let sql = "SELECT step FROM obligation_reminder WHERE subject = $1 ORDER BY due, at, id";
        let rows =
            t.db.read()
                .await
                .unwrap()
                .query(sql, args![self.h.a])
                .await
                .unwrap();
        rows.iter().map(|r| r.get(0).unwrap()).collect()
    }
}

fn with(h: House, t: &TestDb, db: db::Db, notices: &Notices) -> House {
    let obligations = Obligations::new(
        (db, t.env.clone()),
        h.ledger.clone(),
        h.org.clone(),
        rules(TIMERS).unwrap(),
        kernel::Calendar::default(),
    )
    .with_notices(notices.clone());
    House { obligations, ..h }
}

const DAY: i64 = 86_400;

#[tokio::test]
async fn by_the_clock_from_reminder_to_superior_until_it_is_done() {
    on_both(&migrations(), |t| async move {
        let told = Told::new(&t).await;
        let (o, [a, top]) = (&told.h.obligations, told.heads);
        // A did all its weeks until now, so that only this one is open; B did none.
        let mut friday = day(1, 9);
        while friday < day(11, 20) {
            told.h.held(&t, told.h.a, friday).await;
            friday = friday.saturating_add(jiff::Span::new().days(7));
        }
        // Friday 20 November: due today. For B also what was due a week ago, of which the fourth working day was
        // Thursday; steps of longer ago than that are passed over.
        let (steps, people) = o.remind().await.unwrap();
        assert!(steps > 1 && people > 0);
        assert_eq!(told.steps(&t).await, ["0d"]);
        assert_eq!(told.unread(a).await, 1);
        let before = told.unread(top).await;
        assert_eq!(before, 1, "one notice, whatever it holds");
        // Again the same day: nothing.
        assert_eq!(o.remind().await.unwrap(), (0, 0));
        // Over the weekend nobody is told; on Monday the day after.
        t.clock.advance(DAY);
        assert_eq!(o.remind().await.unwrap(), (0, 0));
        t.clock.advance(2 * DAY);
        o.remind().await.unwrap();
        assert_eq!(told.steps(&t).await, ["0d", "+1d"]);
        // More time: the timers count from its end.
        let new = NewExcuse {
            rule: RULE.into(),
            unit: told.h.a,
            subject: told.h.a.0,
            kind: ExcuseKind::Extended,
            from: day(11, 16),
            to: None,
            day: Some(day(11, 26)),
            reason: "集中办案".into(),
            document: String::new(),
            record: String::new(),
        };
        let everywhere = Asker {
            scope: Some(&Scope::All),
            person: None,
        };
        let id = o
            .ask(&new, everywhere, t.env.new_id::<AccountId>())
            .await
            .unwrap();
        o.decide(id, true, "", &Scope::All, t.env.new_id::<AccountId>())
            .await
            .unwrap();
        t.clock.advance(DAY);
        o.remind().await.unwrap();
        assert_eq!(
            told.steps(&t).await,
            ["0d", "+1d", "-2d"],
            "Tuesday, for Thursday"
        );
        // Then this week's own: due on the 27th.
        t.clock.advance(DAY);
        o.remind().await.unwrap();
        let steps = told.steps(&t).await;
        assert_eq!(steps, ["0d", "+1d", "-2d", "-2d"], "Wednesday, for Friday");
        // Done twice by Thursday: nothing more for A.
        t.clock.advance(DAY);
        for _ in 0..2 {
            told.h.held(&t, told.h.a, day(11, 26)).await;
        }
        for _ in 0..6 {
            o.remind().await.unwrap();
            t.clock.advance(DAY);
        }
        assert_eq!(told.steps(&t).await.len(), 4, "nothing more");
        // B's superiors are those of the unit above.
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM obligation_told d
                   JOIN obligation_reminder r ON r.id = d.reminder
                   WHERE r.subject = $1 AND r.step = '+3wd' AND d.person = $2 AND d.at IS NOT NULL";
        let mut tx = t.db.read().await.unwrap();
        let row = tx.one(sql, args![told.h.b, top]).await.unwrap();
        assert!(row.get::<i64>(0).unwrap() >= 1);
        drop(tx);
        // The page says what was told and what will be, within the scope.
        let pages = app(&told.h, &t, Scope::Under(vec![told.h.b]));
        let (status, page) = get(&pages, "/obligations/reminders").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for text in [
            "单位B",
            "督办",
            "应完成日后 3 个工作日",
            "人员2",
            "上级负责人",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(!page.contains("单位A"), "{page}");
        let (status, page) = get(&pages, "/obligations/reminders/mine").await;
        assert!(
            status == StatusCode::OK && page.contains("没有收到提醒"),
            "{page}"
        );
        let (_, page) = get(&pages, &format!("/obligations/{RULE}")).await;
        assert!(
            page.contains("应完成日前 2 天") && page.contains("分管领导"),
            "{page}"
        );
    })
    .await;
}

#[tokio::test]
async fn two_servers_and_a_crash_tell_once() {
    on_postgres(&migrations(), |t| async move {
        let told = Told::new(&t).await;
        let db = t.second().await;
        let there = Notices::new(db.clone(), t.env.clone(), Settings::default(), Nobody);
        let other = with(told.h.on_another(&t).await, &t, db, &there);
        // One that wrote its steps down and fell over before it told anybody.
        let mute = Obligations::new(
            (t.db.clone(), t.env.clone()),
            told.h.ledger.clone(),
            told.h.org.clone(),
            rules(TIMERS).unwrap(),
            kernel::Calendar::default(),
        );
        let (steps, people) = mute.remind().await.unwrap();
        assert!(steps > 0 && people == 0);
        assert_eq!(told.unread(told.heads[0]).await, 0);
        for _ in 0..6 {
            let (x, y) = tokio::join!(told.h.obligations.remind(), other.obligations.remind());
            let _ = (x.unwrap(), y.unwrap());
            t.clock.advance(DAY);
        }
        let mut tx = t.db.read().await.unwrap();
        let count = async |tx: &mut db::Tx, sql: &'static str| -> i64 {
            tx.one(sql, args![]).await.unwrap().get(0).unwrap()
        };
        let doubled = "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS x FROM obligation_reminder
                       GROUP BY rule, subject, begin_day, due, step, escalates HAVING COUNT(*) > 1) d";
        assert_eq!(count(&mut tx, doubled).await, 0);
        let open = "SELECT CAST(COUNT(*) AS BIGINT) FROM obligation_told WHERE at IS NULL";
        assert_eq!(count(&mut tx, open).await, 0);
        // As many notices as people and moments, and each holds what it says.
        let moments = "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT DISTINCT person, at FROM obligation_told) d";
        let notices = "SELECT CAST(COUNT(*) AS BIGINT) FROM notice";
        assert_eq!(count(&mut tx, moments).await, count(&mut tx, notices).await);
    })
    .await;
}

#[test]
fn timers_that_make_no_sense_are_named() {
    for wrong in [
        "remind = [\"3\"]",
        "remind = [\"-93d\"]",
        "escalate = [{ after = \"-1d\", to = \"superior\" }]",
        "escalate = [{ after = \"+1d\", to = \"boss\" }]",
        "remind-to = \"role:\"",
        "remind-to = \"permission:activity\"",
    ] {
        let problems = rules(wrong).unwrap_err();
        assert_eq!(problems[0].reason.key, "obligation-timer", "{wrong}");
    }
    for right in [
        "remind = []",
        "remind-to = \"attribute:leading.chief\"",
        "remind-to = \"role:clerk\"",
    ] {
        assert!(rules(right).is_ok(), "{right}");
    }
}
