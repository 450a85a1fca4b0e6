//! Results: who reached what, released, void, marked anew, and the facts of all that.

use exams::{Office, Proof, Shows, Takes};
use kernel::{Id, Scope};
use ledger::Fact;
use questions::{Key, Kind};
use serde_json::{Value, json};
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{given, right};
use crate::making::draw;
use crate::office::{App, Bureau, migrations, refused};

/// A published examination of four questions with both people of an office and somebody without an account.
async fn published(b: &Bureau, t: &TestDb, shows: Shows, takes: Takes) -> Id {
    let id: Id = t.env.new_id();
    let terms = exams::Terms {
        shows,
        takes,
        attempts: 2,
        ..b.terms(t)
    };
    b.office
        .make(id, &terms, &Default::default(), &Scope::All, b.clerk)
        .await
        .unwrap();
    b.stock(t, 4, Kind::Single, "刑法/总则", 2).await;
    draw(b, t, id, "业务题库：刑法", "4").await;
    b.office.publish(id, 2, &Scope::All, b.clerk).await.unwrap();
    let people = [(b.people[0], b.offices[0]), (b.people[1], b.offices[0])];
    b.exams
        .admit(id, &people, &Scope::All, b.clerk)
        .await
        .unwrap();
    id
}

/// Sits it with so many right answers.
async fn sit(b: &Bureau, id: Id, person: usize, good: usize) -> Id {
    let proof = Proof::Person(b.people[person]);
    let begun = b.exams.begin(id, &proof, "").await.unwrap();
    let token = Proof::Token(begun.token.clone());
    for (n, item) in begun.items.iter().enumerate() {
        let letter = right(item);
        let wrong = if letter == "A" { "B" } else { "A" };
        let answer: Value = if n < good {
            letter.into()
        } else {
            wrong.into()
        };
        b.exams
            .save(begun.attempt, &token, &[given(item, 1, answer)])
            .await
            .unwrap();
    }
    b.exams.submit(begun.attempt, &token).await.unwrap();
    begun.attempt
}

async fn exam_fact(b: &Bureau, t: &TestDb, attempt: Id) -> Option<Fact> {
    let mut standing = b.standing(t, attempt).await;
    assert!(standing.len() <= 1, "never twice");
    standing.pop()
}

async fn facts(t: &TestDb, kind: &str) -> i64 {
    let mut tx = t.db.read().await.unwrap();
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM fact WHERE kind = $1";
    let row = tx.one(sql, db::args![kind]).await.unwrap();
    row.get(0).unwrap()
}

#[tokio::test]
async fn results_are_released_counted_voided_and_every_change_moves_the_facts() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        let id = published(&b, &t, Shows::ByHand, Takes::Best).await;
        t.clock.advance(3_601);
        let first = sit(&b, id, 0, 1).await;
        let second = sit(&b, id, 0, 3).await;
        let failed = sit(&b, id, 1, 0).await;
        let at = format!("/exams/{id}");
        let early = b.office.release(id, &Scope::All, b.clerk).await;
        assert_eq!(refused(early)[0].1, "exam-release-early");
        assert!(!b.office.settle(id, None).await.unwrap());
        // Nobody sees questions and keys by reading results while it is sat.
        for path in [format!("{at}/items"), format!("/exams/attempts/{first}")] {
            assert_eq!(app.get(&path).await.status, 409);
        }
        t.clock.advance(3_600);
        assert_eq!(b.office.settle_due().await.unwrap(), 0, "not released");
        let page = app.get(&format!("{at}/results")).await.page(200);
        assert!(page.contains("公布成绩") && page.contains("50.0%") && page.contains("1/2"), "{page}");
        assert_eq!(app.post(&format!("{at}/release"), &[]).await.status, 303);
        assert_eq!(refused(b.office.release(id, &Scope::All, b.clerk).await)[0].1, "exam-release-twice");
        // The best of two counts, with points in thousandths and the day it was handed in.
        assert_eq!(exam_fact(&b, &t, first).await, None);
        let fact = exam_fact(&b, &t, second).await.unwrap();
        assert_eq!((fact.kind.as_str(), fact.category.as_deref()), ("exam", Some("quarterly-test")));
        assert_eq!((fact.role.as_deref(), fact.quantity), (Some("passed"), Some(6_000)));
        assert_eq!((fact.person, fact.date), (Some(b.people[0]), t.env.today()));
        assert_ne!(fact.unit, Some(fact.host), "of the office, held by the bureau");
        let fact = exam_fact(&b, &t, failed).await.unwrap();
        assert_eq!((fact.role.as_deref(), fact.quantity), (Some("failed"), Some(0)));
        assert_eq!(b.standing(&t, id).await.len(), 1, "held once");
        let sum = async |role: &str| -> i64 {
            let mut tx = t.db.read().await.unwrap();
            let sql = "SELECT CAST(COALESCE(SUM(quantity * sign), 0) AS BIGINT) FROM fact WHERE kind = 'exam-item' AND role = $1";
            tx.one(sql, db::args![role]).await.unwrap().get(0).unwrap()
        };
        assert_eq!((sum("right").await, sum("wrong").await), (3_000, 5_000));
        // From entry to number: who passed of the office, what was right in what the bureau held.
        let passed = json!({ "where": { "kind": "exam", "role": "passed" } });
        let judged = json!({ "where": { "kind": "exam", "role": ["passed", "failed"] } });
        let right = json!({ "where": { "kind": "exam-item", "role": "right" }, "axis": "host", "value": "quantity" });
        let held = json!({ "where": { "kind": ["held", "held-exam"], "category": "quarterly-test" }, "axis": "host" });
        let defined = [passed, judged, right, held].map(|d| serde_json::from_value::<ledger::Definition>(d).unwrap());
        b.ledger.define(&defined).await.unwrap();
        b.ledger.backfill_all().await.unwrap();
        b.ledger.settle().await.unwrap();
        let numbers = async || -> Vec<(i64, i64)> {
            let today = t.env.today();
            let period = kernel::Period { from: today.first_of_year(), to: today };
            let mut reading = b.ledger.reading().await.unwrap();
            let mut numbers = Vec::new();
            for (definition, unit) in defined.iter().zip([b.offices[0], b.offices[0], b.bureau, b.bureau]) {
                let total = reading.total(definition, unit, period, false).await.unwrap();
                numbers.push((total.n, total.sum));
            }
            numbers
        };
        assert_eq!(numbers().await, [(1, 0), (2, 0), (3, 3_000), (1, 0)]);
        let before = facts(&t, "exam").await;
        assert!(!b.office.settle(id, None).await.unwrap(), "nothing is left to do");
        assert_eq!(facts(&t, "exam").await, before);
        // Made void by a person, the other attempt counts; the old fact is reversed.
        let why = b.office.void(second, true, "", &Scope::All, b.clerk).await;
        assert_eq!(refused(why), [("reason".into(), "exam-reason")]);
        let page = format!("/exams/attempts/{second}");
        let shown = app.get(&page).await.page(200);
        assert!(shown.contains("计入成绩") && shown.contains("甲说"), "{shown}");
        let unsure = [("act", "void"), ("reason", "替考"), ("confirm", "x")];
        assert_eq!(app.post(&page, &unsure).await.status, 422);
        let sure = [("act", "void"), ("reason", "替考"), ("confirm", "作废")];
        assert_eq!(app.post(&page, &sure).await.status, 303);
        assert_eq!(exam_fact(&b, &t, second).await, None);
        let fact = exam_fact(&b, &t, first).await.unwrap();
        assert_eq!((fact.role.as_deref(), fact.quantity), (Some("failed"), Some(2_000)));
        assert_eq!((sum("right").await, sum("wrong").await), (1_000, 7_000));
        assert_eq!(numbers().await, [(0, 0), (2, 0), (1, 1_000), (1, 0)]);
        assert!(app.get(&page).await.page(200).contains("已作废：替考"));
        let told = b.exams.outturn(second, b.people[0]).await.unwrap();
        assert_eq!(told.void.as_deref(), Some("替考"));
        assert_eq!(app.post(&page, &[("act", "restore"), ("reason", "查明无误")]).await.status, 303);
        assert_eq!(exam_fact(&b, &t, second).await.unwrap().quantity, Some(6_000));
        assert_eq!(exam_fact(&b, &t, first).await, None);
        assert_eq!(b.standing(&t, id).await.len(), 1);
        assert_eq!((b.audited(&t, "exam.attempt-voided").await, b.audited(&t, "exam.attempt-restored").await), (1, 1));
        // Pages: figures by unit with their people, questions with numerator and denominator.
        let drill = app.get(&format!("{at}/results?unit={}", b.offices[0])).await.page(200);
        assert!(drill.contains("甲某") && drill.contains("单位O1"), "{drill}");
        let items = app.get(&format!("{at}/items")).await.page(200);
        assert!(items.contains("刑法/总则") && items.contains("3/8"), "{items}");
        // A point that too few know becomes a problem of a unit, once.
        let gap = async |point: &str, unit: &str| app.post(&format!("{at}/gaps"), &[("point", point), ("unit", unit)]).await;
        assert!(items.contains("登记为问题"), "{items}");
        for (point, unit) in [("没有的知识点", "O1"), ("刑法/总则", "没有的单位")] {
            assert_eq!(gap(point, unit).await.status, 422, "{point} {unit}");
        }
        for _ in 0..2 {
            assert_eq!(gap("刑法/总则", "O1").await.status, 303);
        }
        {
            let raised = b.raised.lock().unwrap();
            let [(_, f)] = raised.as_slice() else { panic!("{raised:?}") };
            assert_eq!((f.unit, f.from, f.kind.as_str(), f.origin.as_str()), (b.offices[0], b.bureau, "problem", "exam"));
            assert!(f.title.contains("刑法/总则") && f.detail.contains("答对 3 次") && f.detail.contains("作答 8 次"), "{f:?}");
            assert_eq!(f.source_href, format!("{at}/items"));
        }
        let items = app.get(&format!("{at}/items")).await.page(200);
        assert!(items.contains("ZG-0"), "{items}");
        assert_eq!(b.audited(&t, "exam.gap").await, 2);
        assert_eq!(app.get(&format!("{at}/results.xlsx")).await.status, 200);
        // Who only reads examinations sees no results; who has another scope neither.
        let reader = App::new(&b, &t, t.env.new_id(), &[(exams::READ, Scope::All)]);
        let other = App::new(&b, &t, t.env.new_id(), &[(exams::RESULTS, Scope::Under(vec![b.offices[0]]))]);
        for path in [format!("{at}/results"), format!("{at}/items"), page.clone()] {
            assert_eq!(reader.get(&path).await.status, 404);
            assert_eq!(other.get(&path).await.status, 404);
        }
        let body: Value = serde_json::from_slice(&app.get(&format!("/api/v1/exams/{id}/results")).await.bytes).unwrap();
        assert_eq!(body["figures"], json!({ "admitted": 2, "sat": 2, "counted": 2, "passed": 1 }));
        let named = |fact: &Fact| ledger::Source::href(&exams::ExamFacts(b.office.kinds().clone()), fact);
        assert_eq!(named(&exam_fact(&b, &t, second).await.unwrap()), page);
        let item: Id = {
            let mut tx = t.db.read().await.unwrap();
            let row = tx.one("SELECT id FROM exam_item WHERE exam = $1 AND item = 1", db::args![id]).await.unwrap();
            row.get(0).unwrap()
        };
        assert_eq!(app.get(&format!("/exams/items/{item}")).await.to, format!("{at}/items"));
        assert_eq!(reader.get(&format!("/exams/items/{item}")).await.status, 404);
        let version = b.office.held(id, &Scope::All).await.unwrap().version;
        let off = b.office.call_off(id, version, "停电", &Scope::All, b.clerk).await;
        assert_eq!(refused(off)[0].1, "exam-settled");
    })
    .await;
}

#[tokio::test]
async fn a_corrected_key_marks_anew_and_keeps_what_was_marked_before() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        let id = published(&b, &t, Shows::AfterClose, Takes::Last).await;
        t.clock.advance(3_601);
        let attempt = sit(&b, id, 0, 4).await;
        let (_, paper) = b
            .office
            .look(id, "paper", &Scope::All, b.clerk)
            .await
            .unwrap();
        let item = paper.item(2).unwrap().1.clone();
        let (question, version) = item.from.unwrap();
        let remark = async |why: &str| b.office.remark(id, 2, why, &Scope::All, b.clerk).await;
        assert_eq!(refused(remark("答案有误").await)[0].1, "exam-remark-early");
        t.clock.advance(3_700);
        assert_eq!(b.office.settle_due().await.unwrap(), 1);
        assert_eq!(
            exam_fact(&b, &t, attempt).await.unwrap().quantity,
            Some(8_000)
        );
        assert_eq!(refused(remark("答案有误").await)[0].1, "exam-remark-same");
        let mut corrected = item.question.clone();
        corrected.options[0] = "另一种说法".into();
        b.put(question, Some(version), &corrected).await;
        assert_eq!(refused(remark("答案有误").await)[0].1, "exam-remark-other");
        let mut corrected = item.question.clone();
        corrected.key = Key::Choices("C".parse().unwrap());
        b.put(question, Some(version + 1), &corrected).await;
        let page = app
            .get(&format!("/exams/pinned/{question}"))
            .await
            .page(200);
        assert!(
            page.contains("第三季度业务测试") && page.contains("不是最新版"),
            "{page}"
        );
        let at = format!("/exams/{id}");
        assert!(
            app.get(&format!("{at}/items"))
                .await
                .page(200)
                .contains("可改判")
        );
        let own = async || {
            let own = b.exams.outturn(attempt, b.people[0]).await.unwrap();
            own.items.into_iter().find(|i| i.item == 2).unwrap()
        };
        let before = own().await;
        assert!(before.mark.scored.right);
        let none = app
            .post(&format!("{at}/remark"), &[("item", "2"), ("reason", "")])
            .await
            .page(422);
        assert!(none.contains("请写明原因"), "{none}");
        assert_eq!(
            app.post(
                &format!("{at}/remark"),
                &[("item", "2"), ("reason", "答案有误")]
            )
            .await
            .status,
            303
        );
        let fact = exam_fact(&b, &t, attempt).await.unwrap();
        assert_eq!(fact.quantity, Some(6_000));
        assert_eq!(facts(&t, "exam").await, 3, "written, reversed, written");
        let page = app
            .get(&format!("/exams/attempts/{attempt}"))
            .await
            .page(200);
        assert!(
            page.contains("判分记录") && page.contains("8 分") && page.contains("答案有误"),
            "{page}"
        );
        let result = b
            .exams
            .result(attempt, &Proof::Person(b.people[0]))
            .await
            .unwrap();
        assert_eq!(result.points, Some((6_000, 8_000, Some(true))));
        // Who sat sees the corrected key, though the paper was opened before.
        let after = own().await;
        assert!(!after.mark.scored.right && after.key != before.key);
        assert_eq!((&after.seen, &after.answer), (&before.seen, &before.answer));
        assert_eq!(b.audited(&t, "exam.remarked").await, 1);
        assert!(
            app.get(&format!("{at}/items"))
                .await
                .page(200)
                .contains("已改判")
        );
    })
    .await;
}

#[tokio::test]
async fn two_nodes_settle_one_examination_once() {
    on_postgres(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let id = published(&b, &t, Shows::AtOnce, Takes::Best).await;
        t.clock.advance(3_601);
        let attempts = [sit(&b, id, 0, 2).await, sit(&b, id, 1, 4).await];
        t.clock.advance(3_700);
        let db = t.second().await;
        let org = organization::Organization::new(db.clone(), t.env.clone());
        let exams =
            exams::Exams::new(db.clone(), t.env.clone(), org.clone()).with_vault(b.vault.clone());
        let ledger = ledger::Ledger::open(db.clone(), t.env.clone())
            .await
            .unwrap();
        let questions = questions::Questions::new(db, t.env.clone(), org, b.files.clone());
        let other = Office::new(
            exams,
            questions,
            ledger,
            Default::default(),
            Default::default(),
        );
        let both = tokio::join!(b.office.settle(id, None), other.settle(id, None));
        let done = [both.0, both.1]
            .into_iter()
            .filter(|r| matches!(r, Ok(true)))
            .count();
        assert_eq!(done, 1);
        for attempt in attempts {
            assert!(exam_fact(&b, &t, attempt).await.is_some());
        }
        assert_eq!(
            (facts(&t, "exam").await, facts(&t, "held-exam").await),
            (2, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn programs_list_make_and_publish() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        let id: Id = t.env.new_id();
        let now = t.env.now();
        let body = json!({ "id": id, "unit": b.bureau, "kind": "quarterly-test", "title": "接口建的考试",
            "opens": now.plus_seconds(60).rfc3339(), "closes": now.plus_seconds(3_600).rfc3339(), "seconds": 1_800, "pass_thousandths": 1_000 });
        let made = app.json("POST", "/api/v1/exams", &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(app.json("POST", "/api/v1/exams", &body).await.status, 201, "once");
        let mut wrong = body.clone();
        wrong["opens"] = "tomorrow".into();
        assert_eq!(app.json("POST", "/api/v1/exams", &wrong).await.status, 422);
        let list: Value = serde_json::from_slice(&app.get("/api/v1/exams?state=draft").await.bytes).unwrap();
        assert_eq!((&list["total"], &list["items"][0]["title"]), (&1.into(), &"接口建的考试".into()));
        assert_eq!(app.get("/api/v1/exams?state=x").await.status, 422);
        let publication = format!("/api/v1/exams/{id}/publication");
        assert_eq!(app.json("POST", &publication, &json!({ "version": 1 })).await.status, 422, "no paper");
        b.stock(&t, 1, Kind::Single, "刑法", 2).await;
        draw(&b, &t, id, "业务题库", "1").await;
        let done = app.json("POST", &publication, &json!({ "version": 2 })).await;
        assert_eq!(done.status, 200, "{}", done.text());
        let reader = App::new(&b, &t, t.env.new_id(), &[(exams::READ, Scope::Under(vec![b.offices[0]]))]);
        assert_eq!(reader.get(&format!("/api/v1/exams/{id}")).await.status, 404);
        assert_eq!(reader.json("POST", "/api/v1/exams", &body).await.status, 404);
    })
    .await;
}
