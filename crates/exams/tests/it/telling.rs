//! Who is told of what, and tickets that are void for every node.

use exams::{Admitted, Change, Details, Exams, Proof, Shows};
use kernel::{Id, Scope};
use notices::{NoticeRow, Reader};
use questions::{Key, Kind};
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{given, key};
use crate::making::draw;
use crate::office::{App, Bureau, migrations};

/// What somebody was told since the last time, the oldest first.
async fn told(b: &Bureau, person: usize) -> Vec<NoticeRow> {
    let of = [Reader::Person(b.people[person])];
    let mut rows = b.notices.list(&of, true, None, 100).await.unwrap();
    b.notices.read_all(&of).await.unwrap();
    rows.reverse();
    rows
}

async fn keys(b: &Bureau, person: usize) -> Vec<String> {
    let rows = told(b, person).await;
    rows.into_iter().map(|row| row.key).collect()
}

fn by_number(number: &str, place: &str) -> Admitted {
    Admitted {
        staff_no: number.to_owned(),
        place: place.to_owned(),
        at: "people".to_owned(),
        ..Admitted::default()
    }
}

async fn draft(b: &Bureau, t: &TestDb, shows: Shows) -> Id {
    let (id, terms) = (
        t.env.new_id(),
        exams::Terms {
            shows,
            ..b.terms(t)
        },
    );
    let about = Details::default();
    let made = b.office.make(id, &terms, &about, &Scope::All, b.clerk);
    made.await.unwrap();
    b.stock(t, 3, Kind::Single, "刑法", 2).await;
    draw(b, t, id, "业务题库：刑法", "3").await;
    id
}

#[tokio::test]
async fn those_on_the_list_are_told_and_each_of_themselves_alone() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let id = draft(&b, &t, Shows::ByHand).await;
        let all = Scope::All;
        let two = [by_number("001", "第一考场"), by_number("002", "")];
        b.office.admit(id, &two, &all, b.clerk).await.unwrap();
        assert_eq!(told(&b, 0).await, [], "a draft is nobody's business");
        b.office.publish(id, 2, &all, b.clerk).await.unwrap();
        let first = told(&b, 0).await;
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].key, "exam-told-admitted-room");
        assert_eq!(first[0].href, format!("/sit/{id}"));
        let said = format!("{:?}", first[0].args);
        assert!(said.contains("第三季度业务测试") && said.contains("第一考场"), "{said}");
        assert!(!said.contains("乙某"), "{said}");
        assert_eq!(keys(&b, 1).await, ["exam-told-admitted"]);
        // Who comes later is told then; who is on the list already hears nothing again.
        let three = [two[0].clone(), two[1].clone(), by_number("003", "")];
        b.office.admit(id, &three, &all, b.clerk).await.unwrap();
        assert_eq!(keys(&b, 2).await, ["exam-told-admitted"]);
        assert_eq!(keys(&b, 0).await, Vec::<String>::new());
        // Another room and more time, and being taken off the list.
        let candidates: Vec<Id> = {
            let mut tx = t.db.read().await.unwrap();
            let sql = "SELECT c.id FROM exam_candidate c JOIN person p ON p.id = c.person WHERE c.exam = $1 ORDER BY p.staff_no";
            let rows = tx.query(sql, db::args![id]).await.unwrap();
            rows.iter().map(|r| r.get(0).unwrap()).collect()
        };
        let change = Change {
            place: "第二考场".into(),
            extra: 20,
            reason: "视力障碍".into(),
            ..Change::default()
        };
        b.office.change_candidate(id, candidates[0], &change, &all, b.clerk).await.unwrap();
        let changed = told(&b, 0).await;
        assert_eq!(changed[0].key, "exam-told-changed");
        let said = format!("{:?}", changed[0].args);
        assert!(said.contains("第二考场") && said.contains("20") && !said.contains("视力障碍"), "{said}");
        let off = Change {
            revoked: true,
            reason: "调离".into(),
            ..Change::default()
        };
        b.office.change_candidate(id, candidates[2], &off, &all, b.clerk).await.unwrap();
        assert_eq!(keys(&b, 2).await, ["exam-told-revoked"]);
        // Two sit it; the result is told when it is released, to those who sat.
        t.clock.advance(3_601);
        let mut attempts = Vec::new();
        for person in 0..2 {
            let proof = Proof::Person(b.people[person]);
            let begun = b.exams.begin(id, &proof, "").await.unwrap();
            b.exams.submit(begun.attempt, &Proof::Token(begun.token)).await.unwrap();
            attempts.push(begun.attempt);
        }
        t.clock.advance(6_000);
        assert_eq!(keys(&b, 0).await, Vec::<String>::new());
        b.office.release(id, &all, b.clerk).await.unwrap();
        for person in 0..2 {
            let shown = told(&b, person).await;
            assert_eq!(shown.len(), 1);
            assert_eq!(shown[0].key, "exam-told-shown");
            let said = format!("{:?}", shown[0]);
            assert!(!said.contains("points") && !said.contains("甲某"), "{said}");
        }
        assert_eq!(keys(&b, 2).await, Vec::<String>::new(), "who did not sit has no result");
        // Void and counted again: only whose it is.
        b.office.void(attempts[0], true, "替考", &all, b.clerk).await.unwrap();
        b.office.void(attempts[0], false, "查明无误", &all, b.clerk).await.unwrap();
        let rows = told(&b, 0).await;
        assert_eq!(rows.iter().map(|r| r.key.as_str()).collect::<Vec<_>>(), ["exam-told-void", "exam-told-restored"]);
        assert_eq!(rows[0].href, format!("/my/exams/{}", attempts[0]));
        assert_eq!(keys(&b, 1).await, Vec::<String>::new());
        // A corrected key is told to those of whom it changes something: nobody here answered anything.
        let (_, paper) = b.office.look(id, "paper", &all, b.clerk).await.unwrap();
        let item = paper.item(1).unwrap().1.clone();
        let (question, version) = item.from.unwrap();
        let mut corrected = item.question.clone();
        corrected.key = Key::Choices("C".parse().unwrap());
        b.put(question, Some(version), &corrected).await;
        assert_eq!(b.office.remark(id, 1, "答案有误", &all, b.clerk).await.unwrap(), 0);
        assert_eq!(keys(&b, 0).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_corrected_key_and_a_calling_off_are_told() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let id = draft(&b, &t, Shows::AfterClose).await;
        let all = Scope::All;
        b.office
            .admit(id, &[by_number("001", "")], &all, b.clerk)
            .await
            .unwrap();
        b.office.publish(id, 2, &all, b.clerk).await.unwrap();
        t.clock.advance(3_601);
        let begun = b
            .exams
            .begin(id, &Proof::Person(b.people[0]), "")
            .await
            .unwrap();
        let token = Proof::Token(begun.token.clone());
        for item in &begun.items {
            let answer = crate::house::right(item);
            b.exams
                .save(begun.attempt, &token, &[given(item, 1, answer)])
                .await
                .unwrap();
        }
        b.exams.submit(begun.attempt, &token).await.unwrap();
        t.clock.advance(4_000);
        assert_eq!(b.office.settle_due().await.unwrap(), 1);
        assert_eq!(keys(&b, 0).await, ["exam-told-admitted", "exam-told-shown"]);
        let (_, paper) = b.office.look(id, "paper", &all, b.clerk).await.unwrap();
        let item = paper.item(1).unwrap().1.clone();
        let (question, version) = item.from.unwrap();
        let mut corrected = item.question.clone();
        corrected.key = Key::Choices("C".parse().unwrap());
        b.put(question, Some(version), &corrected).await;
        assert_eq!(
            b.office
                .remark(id, 1, "答案有误", &all, b.clerk)
                .await
                .unwrap(),
            1
        );
        assert_eq!(keys(&b, 0).await, ["exam-told-marked"]);
        assert_eq!(b.office.settle_due().await.unwrap(), 0);
        assert_eq!(keys(&b, 0).await, Vec::<String>::new(), "told once");
        let off = draft(&b, &t, Shows::ByHand).await;
        b.office
            .admit(off, &[by_number("001", "")], &all, b.clerk)
            .await
            .unwrap();
        b.office.publish(off, 2, &all, b.clerk).await.unwrap();
        b.office
            .call_off(off, 3, "停电", &all, b.clerk)
            .await
            .unwrap();
        let rows = told(&b, 0).await;
        assert_eq!(rows.last().unwrap().key, "exam-told-off");
        assert!(format!("{:?}", rows.last().unwrap().args).contains("停电"));
    })
    .await;
}

#[tokio::test]
async fn a_ticket_that_was_issued_anew_is_void_on_every_node_at_once() {
    on_postgres(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let id = draft(&b, &t, Shows::AtOnce).await;
        let all = Scope::All;
        let guest = Admitted {
            name: "外单位考生".into(),
            at: "names".into(),
            ..Admitted::default()
        };
        b.office.admit(id, &[guest], &all, b.clerk).await.unwrap();
        b.office.publish(id, 2, &all, b.clerk).await.unwrap();
        b.office
            .issue_tickets(id, None, &all, b.clerk)
            .await
            .unwrap();
        let app = App::officer(&b, &t);
        let printed = async || {
            let page = app.get(&format!("/exams/{id}/tickets")).await.page(200);
            let at = page
                .split_once("sit-ticket")
                .or_else(|| page.split_once("class=\"num"))
                .map(|p| p.1);
            let text = at.unwrap_or(&page);
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            let mut found = words.filter(|w| w.len() == 19 && w.matches('-').count() == 3);
            found.next().expect("a ticket").to_owned()
        };
        let old = Proof::Ticket(printed().await);
        let db = t.second().await;
        let org = organization::Organization::new(db.clone(), t.env.clone());
        let other = Exams::new(db, t.env.clone(), org).with_vault(b.vault.clone());
        t.clock.advance(3_601);
        // Begun without a device, so that the ticket itself proves each request, on both nodes.
        let begun = b.exams.begin(id, &old, "").await.unwrap();
        let answer = [given(&begun.items[0], 1, "A")];
        b.exams.save(begun.attempt, &old, &answer).await.unwrap();
        other
            .save(begun.attempt, &old, &[given(&begun.items[0], 2, "B")])
            .await
            .unwrap();
        let candidate: Id = {
            let mut tx = t.db.read().await.unwrap();
            let row = tx
                .one(
                    "SELECT id FROM exam_candidate WHERE exam = $1",
                    db::args![id],
                )
                .await
                .unwrap();
            row.get(0).unwrap()
        };
        b.office
            .issue_tickets(id, Some(candidate), &all, b.clerk)
            .await
            .unwrap();
        let new = Proof::Ticket(printed().await);
        assert_ne!(old, new);
        for node in [&b.exams, &other] {
            let late = [given(&begun.items[0], 3, "C")];
            assert_eq!(
                key(node.save(begun.attempt, &old, &late).await),
                "not-found"
            );
            assert_eq!(key(node.submit(begun.attempt, &old).await), "not-found");
        }
        other
            .save(begun.attempt, &new, &[given(&begun.items[0], 4, "D")])
            .await
            .unwrap();
        b.exams.submit(begun.attempt, &new).await.unwrap();
        assert_eq!(key(other.result(begun.attempt, &old).await), "not-found");
        // What counts no more says so, on the API too.
        b.office
            .void(begun.attempt, true, "替考", &all, b.clerk)
            .await
            .unwrap();
        let result = other.result(begun.attempt, &new).await.unwrap();
        assert_eq!(result.void.as_deref(), Some("替考"));
        // Question by question for who holds the ticket, and only for them.
        let Proof::Ticket(code) = &new else {
            unreachable!()
        };
        let page = app
            .post("/sit/results", &[("result-ticket", code)])
            .await
            .page(200);
        assert!(
            page.contains("理由：替考") && page.contains("甲说") && !page.contains("申请复核"),
            "{page}"
        );
        let Proof::Ticket(code) = &old else {
            unreachable!()
        };
        let page = app
            .post("/sit/results", &[("result-ticket", code)])
            .await
            .page(422);
        assert!(page.contains("没有这个准考证码"), "{page}");
    })
    .await;
}
