//! Leave asked for in advance, and what is made up later.

use activities::{LeaveState, MadeUpBy, NewMakeUp, NewPlan, PLAN, READ, RECORD, Role, View};
use jiff::civil::time;
use kernel::{AccountId, Id, Scope};
use notices::Reader;
use organization::Traces;
use testkit::{TestDb, on_both};

use crate::evidence::parts;
use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

/// Something of the first office tomorrow morning.
async fn tomorrow(h: &House, t: &TestDb) -> Id {
    let new = NewPlan {
        id: t.env.new_id(),
        kind: "friday-study".into(),
        host: h.offices[0],
        title: "周五学习".into(),
        date: t.env.today().tomorrow().unwrap(),
        starts: time(9, 0, 0, 0),
        ends: time(10, 0, 0, 0),
        location: "三楼".into(),
        of: None,
        typed: vec![("title".into(), "周五学习".into())],
    };
    h.activities.plan(&new, &Scope::All, h.clerk).await.unwrap()
}

#[tokio::test]
async fn leave_is_asked_for_answered_and_stands_on_the_roster() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await.as_other(&t);
        let (a, all) = (&h.activities, Scope::All);
        let id = tomorrow(&h, &t).await;
        let (one, two) = (h.people["001"], h.people["002"]);
        let own: AccountId = t.env.new_id();
        assert_eq!(
            refused(a.ask_leave(id, one, " ", own).await),
            why("reason", "leave-reason-missing")
        );
        assert_eq!(
            refused(a.ask_leave(id, h.people["003"], "出差", own).await),
            why("", "not-found")
        );
        a.ask_leave(id, one, "出差", own).await.unwrap();
        assert_eq!(
            refused(a.ask_leave(id, one, "出差", own).await),
            why("conflict", "leave-asked-before")
        );
        a.withdraw_leave(id, one, own).await.unwrap();
        assert_eq!(
            refused(a.withdraw_leave(id, one, own).await),
            why("conflict", "leave-not-open")
        );
        a.ask_leave(id, one, "开庭", own).await.unwrap();
        a.ask_leave(id, two, "看病", own).await.unwrap();
        let (total, waiting) = a.waiting_leaves(&all, 1).await.unwrap();
        assert_eq!(
            (total, waiting.len(), waiting[0].name.as_str()),
            (2, 1, "甲某")
        );
        let outside = Scope::Under(vec![h.elsewhere]);
        assert_eq!(a.waiting_leaves(&outside, 9).await.unwrap().0, 0);
        let leaves = a.leaves(id).await.unwrap();
        let (first, second) = (leaves[0].id, leaves[1].id);
        let decide = async |leave, grant, answer: &str, scope: &Scope| {
            a.decide_leave((id, leave), grant, answer, scope, h.clerk)
                .await
        };
        assert_eq!(
            refused(decide(first, true, "", &outside).await),
            why("", "not-found")
        );
        assert_eq!(
            refused(decide(second, false, "", &all).await),
            why("answer", "leave-reason-missing")
        );
        // Nobody answers their own.
        let mine: AccountId = t.env.new_id();
        db::transaction!(h.db, |tx| {
            let sql = "INSERT INTO account (id, login, person, failures, created_at) VALUES ($1, 'one', $2, 0, 0)";
            tx.execute(sql, db::args![mine, one]).await
        })
        .unwrap();
        let answered = a.decide_leave((id, first), true, "", &all, mine).await;
        assert_eq!(refused(answered), why("conflict", "leave-own"));
        decide(first, true, "", &all).await.unwrap();
        decide(second, false, "请调换门诊时间", &all).await.unwrap();
        assert_eq!(
            refused(decide(second, true, "", &all).await),
            why("conflict", "leave-not-open")
        );
        let states: Vec<_> = a
            .leaves(id)
            .await
            .unwrap()
            .iter()
            .map(|l| l.state)
            .collect();
        assert_eq!(states, [LeaveState::Granted, LeaveState::Refused]);
        // The organiser was told of each, the two of their answers.
        let told = async |reader: Reader| {
            let mut tx = h.db.read().await.unwrap();
            let of = match reader {
                Reader::Person(p) => p.0,
                Reader::Account(a) => a.0,
            };
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM notice WHERE reader = $1";
            let n: i64 = tx.one(sql, db::args![of]).await.unwrap().get(0).unwrap();
            n
        };
        assert_eq!(told(Reader::Account(h.clerk)).await, 3);
        assert_eq!(
            (
                told(Reader::Person(one)).await,
                told(Reader::Person(two)).await
            ),
            (1, 1)
        );
        // Too late, then on the roster, and no fact before it is recorded.
        t.clock.advance(22 * 3600);
        assert_eq!(
            refused(a.ask_leave(id, two, "看病", own).await),
            why("conflict", "leave-too-late")
        );
        assert_eq!(
            refused(a.withdraw_leave(id, one, own).await),
            why("conflict", "leave-not-open")
        );
        let app = App::new(&h, &t, &[(READ, Scope::All), (RECORD, Scope::All)]);
        let form = app
            .get(&format!("/activities/new?plan={id}"))
            .await
            .page(200);
        assert_eq!(form.matches("value=\"leave\" checked").count(), 1);
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT person, reason FROM activity_leave WHERE reason <> '' ORDER BY id";
        let row = tx.query(sql, db::args![]).await.unwrap().remove(0);
        let person: kernel::PersonId = row.get(0).unwrap();
        drop(tx);
        let by = organization::By::default();
        db::transaction!(t.db, |tx| activities::Texts.erase(tx, person, &by).await).unwrap();
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT DISTINCT reason FROM activity_leave WHERE person = $1";
        let rows = tx.query(sql, db::args![person]).await.unwrap();
        let left: Vec<String> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        assert_eq!(left, ["***"]);
        drop(tx);
        for (action, n) in [
            ("asked", 3),
            ("withdrawn", 1),
            ("granted", 1),
            ("refused", 1),
        ] {
            let action = match action {
                "asked" => "activity.leave-asked",
                "withdrawn" => "activity.leave-withdrawn",
                "granted" => "activity.leave-granted",
                _ => "activity.leave-refused",
            };
            assert_eq!(h.audited(action).await.len(), n, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_made_up_is_a_fact_of_its_own_and_the_absence_stays() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let a = &h.activities;
        let id = h.record(&h.session(&t, day(6, 5))).await.unwrap();
        let (one, two) = (h.people["001"], h.people["002"]);
        let before = h.numbers(h.bureau).await;
        let new = |d| NewMakeUp {
            date: Some(d),
            minutes: 60,
            content: "自学并写笔记".into(),
            files: vec![],
        };
        let up = async |person, new: &NewMakeUp| {
            a.make_up(id, person, new, MadeUpBy::Oneself, h.clerk).await
        };
        let wrong = refused(
            up(
                two,
                &NewMakeUp {
                    minutes: 0,
                    content: "x".into(),
                    ..new(day(6, 4))
                },
            )
            .await,
        );
        let fields: Vec<&str> = wrong.iter().map(|(f, _)| f.as_str()).collect();
        assert_eq!(fields, ["date", "minutes", "content"]);
        let future = t.env.today().tomorrow().unwrap();
        assert_eq!(
            refused(up(two, &new(future)).await),
            why("date", "makeup-date")
        );
        assert_eq!(
            refused(up(one, &new(day(7, 3))).await),
            why("conflict", "makeup-was-there")
        );
        assert_eq!(
            refused(up(h.people["003"], &new(day(7, 3))).await),
            why("", "not-found")
        );
        up(two, &new(day(7, 3))).await.unwrap();
        assert_eq!(
            refused(up(two, &new(day(7, 4))).await),
            why("conflict", "makeup-before")
        );
        let made = || async {
            h.standing(id)
                .await
                .into_iter()
                .find(|f| f.kind == "makeup")
        };
        let fact = made().await.unwrap();
        assert_eq!(
            (fact.person, fact.date, fact.minutes),
            (Some(two), day(7, 3), Some(60))
        );
        assert_eq!(
            (fact.category.as_deref(), fact.subject, fact.role),
            (Some("friday-study"), id.0, None)
        );
        assert_eq!(
            h.numbers(h.bureau).await,
            before,
            "attendance is what it was"
        );
        let missed = a.missed(two, day(6, 1)).await.unwrap();
        assert_eq!(
            (missed.len(), missed[0].role, missed[0].made_up),
            (1, Role::Leave, Some((day(7, 3), 60)))
        );
        assert_eq!(a.missed(one, day(6, 1)).await.unwrap(), []);
        // Present after all: what was made up has to go first.
        let present = async || {
            a.correct(id, two, Role::Present, &Scope::All, h.clerk)
                .await
        };
        assert_eq!(refused(present().await), why("conflict", "makeup-there"));
        let view = View::from(&Scope::Under(vec![h.elsewhere]));
        assert_eq!(
            refused(a.take_make_up_back(id, two, "误录", view, h.clerk).await),
            why("", "not-found")
        );
        a.take_make_up_back(id, two, "误录一次", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(made().await, None);
        up(two, &new(day(7, 4))).await.unwrap();
        // Taken back as a whole, it takes this with it.
        a.reverse(id, "误录一场", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.standing(id).await, []);
        assert_eq!(a.missed(two, day(6, 1)).await.unwrap(), []);
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn ones_own_page_asks_and_makes_up() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = tomorrow(&h, &t).await;
        let held = h.record(&h.session(&t, day(11, 6))).await.unwrap();
        let two = App::person(&h, &t, "002");
        let page = two.get("/activities/mine").await.page(200);
        assert!(
            page.contains("周五学习") && page.contains("登记补课") && page.contains("申请请假")
        );
        App::new(&h, &t, &[])
            .get("/activities/mine")
            .await
            .page(409);
        let ask = format!("/activities/mine/{id}/leave");
        assert!(
            two.post(&ask, &[("reason", "")])
                .await
                .page(422)
                .contains("请写一行")
        );
        assert_eq!(
            two.post(&ask, &[("reason", "看病")]).await.status.as_u16(),
            303
        );
        assert!(two.get("/activities/mine").await.page(200).contains("待批"));
        App::person(&h, &t, "003")
            .post(&ask, &[("reason", "看病")])
            .await
            .page(404);
        // The organiser answers; who only reads sees no reasons.
        let clerk = App::new(
            &h,
            &t,
            &[(READ, Scope::All), (RECORD, Scope::All), (PLAN, Scope::All)],
        );
        let path = format!("/activities/plans/{id}");
        assert!(clerk.get(&path).await.page(200).contains("看病"));
        assert!(
            !App::new(&h, &t, &[(READ, Scope::All)])
                .get(&path)
                .await
                .page(200)
                .contains("看病")
        );
        let leave = h.activities.leaves(id).await.unwrap()[0].id;
        let decide = format!("{path}/leave/{leave}");
        assert!(
            clerk
                .post(&decide, &[("act", "refuse")])
                .await
                .page(422)
                .contains("请写一行")
        );
        clerk.post(&decide, &[("act", "x")]).await.page(404);
        assert_eq!(
            clerk
                .post(&decide, &[("act", "grant")])
                .await
                .status
                .as_u16(),
            303
        );
        assert!(
            two.get("/activities/mine")
                .await
                .page(200)
                .contains("已准假")
        );
        assert_eq!(
            two.post(&format!("{ask}/withdraw"), &[])
                .await
                .status
                .as_u16(),
            303
        );
        // Made up by oneself, with a proof; seen and taken back by whoever records.
        let up = format!("/activities/mine/{held}/makeup");
        let send = async |app: &App, path: &str, fields: &[(&str, &str, &str)]| {
            let (kind, body) = parts(fields);
            app.send("POST", path, &kind, body).await
        };
        let page = send(
            &two,
            &up,
            &[
                ("date", "", "2026-11-01"),
                ("minutes", "", "x"),
                ("content", "", "自学笔记"),
            ],
        )
        .await;
        assert!(page.page(422).contains("自学笔记"));
        let good = [
            ("date", "", "2026-11-10"),
            ("minutes", "", "60"),
            ("content", "", "自学笔记"),
            ("file", "笔记.png", "PNG"),
        ];
        assert_eq!(send(&two, &up, &good).await.status.as_u16(), 303);
        assert!(
            two.get("/activities/mine")
                .await
                .page(200)
                .contains("2026-11-10 补课 60 分钟")
        );
        let shown = clerk.get(&format!("/activities/{held}")).await.page(200);
        assert!(shown.contains("自学笔记") && shown.contains("笔记.png"));
        let fact = h
            .standing(held)
            .await
            .into_iter()
            .find(|f| f.kind == "makeup")
            .unwrap();
        assert_eq!((fact.evidence.len(), fact.source.as_str()), (1, "self"));
        let back = format!("/activities/{held}/makeup/{}/reversal", h.people["002"]);
        clerk.post(&back, &[("reason", "")]).await.page(422);
        assert_eq!(
            clerk
                .post(&back, &[("reason", "日期有误")])
                .await
                .status
                .as_u16(),
            303
        );
        let person = h.people["002"].to_string();
        let of = [
            ("person", "", person.as_str()),
            ("date", "", "2026-11-11"),
            ("minutes", "", "45"),
            ("content", "", "补课"),
        ];
        assert_eq!(
            send(&clerk, &format!("/activities/{held}/makeup"), &of)
                .await
                .status
                .as_u16(),
            303
        );
        send(&two, &format!("/activities/{held}/makeup"), &of)
            .await
            .page(404);
    })
    .await;
}
