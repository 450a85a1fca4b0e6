//! What those concerned say after a case was closed (回访评价), the field of work as a fact, and the numbers of the board.

use std::collections::BTreeMap;

use cases::{Act, Raise};
use kernel::Id;
use testkit::on_both;

use crate::house::hidden;
use crate::house::{House, Who, migrations, refused, why};

fn answers(pairs: &[(&str, &str)]) -> Act {
    let pair = |(code, value): &(&str, &str)| ((*code).to_owned(), (*value).to_owned());
    let values: BTreeMap<String, String> = pairs.iter().map(pair).collect();
    Act::Evaluated { values }
}

/// An order of the hotline that was handled and accepted.
async fn order(h: &House) -> Id {
    let order = Raise {
        kind: "hotline".into(),
        severity: "common".into(),
        clause: String::new(),
        values: [("order".to_owned(), "X-1".to_owned())].into(),
        ..h.problem("路灯不亮")
    };
    let id = h.raise(&order).await.unwrap();
    h.act(id, h.assigned(), h.supervisor).await.unwrap();
    h.act(id, Act::Submitted, h.owner).await.unwrap();
    let early = h
        .act(id, answers(&[("satisfied", "yes")]), h.supervisor)
        .await;
    assert_eq!(
        refused(early),
        why("conflict", "cases-moved-on"),
        "nobody is asked before it is closed"
    );
    h.act(id, Act::Accepted, h.supervisor).await.unwrap();
    id
}

/// The facts of what was said, in order of kind and part.
async fn said(h: &House, id: Id) -> Vec<(String, String)> {
    let mut facts = h.facts(id).await;
    facts.retain(|(kind, _)| kind == "case-asked" || kind == "case-praised");
    facts.sort();
    facts
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    list.iter().map(pair).collect()
}

#[tokio::test]
async fn what_callers_say_is_asked_once_it_is_closed_and_goes_when_it_is_opened_again() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = order(&h).await;
        let act = async |what: Act, who: Who| h.act(id, what, who).await;
        // Who mended it does not say what others think of it.
        let own = act(answers(&[("satisfied", "yes")]), h.owner).await;
        assert!(matches!(own, Err(kernel::Error::Forbidden)), "{own:?}");
        for wrong in [&[][..], &[("order", "X-2")], &[("nothing", "yes")]] {
            let told = act(answers(wrong), h.supervisor).await;
            assert_eq!(refused(told), why("evaluated", "cases-evaluated-missing"));
        }
        let told = act(answers(&[("satisfied", "perhaps")]), h.supervisor).await;
        assert_eq!(refused(told), why("v-satisfied", "cases-field-wrong"));
        act(
            answers(&[("satisfied", "yes"), ("solved", "no")]),
            h.supervisor,
        )
        .await
        .unwrap();
        let first = [
            ("case-asked", "satisfied"),
            ("case-asked", "solved"),
            ("case-praised", "satisfied"),
        ];
        assert_eq!(said(&h, id).await, pairs(&first));
        assert_eq!(h.whole(id).await.matter.values["solved"], "no");
        // Asked again, the last word counts and the one before is taken back.
        act(answers(&[("solved", "yes")]), h.supervisor)
            .await
            .unwrap();
        let second = [("case-asked", "solved"), ("case-praised", "solved")];
        assert_eq!(said(&h, id).await, pairs(&second));
        let values = h.whole(id).await.matter.values;
        assert!(!values.contains_key("satisfied") && values["order"] == "X-1");
        // Opened again nobody was asked about it.
        let until = t.env.today();
        act(Act::Reopened { until }, h.supervisor).await.unwrap();
        assert_eq!(said(&h, id).await, []);
        assert!(!h.whole(id).await.matter.values.contains_key("solved"));
        // A kind that asks nothing has nothing to say.
        let other = h.solved("记录不全").await;
        let none = h
            .act(other, answers(&[("satisfied", "yes")]), h.supervisor)
            .await;
        assert_eq!(refused(none), why("conflict", "cases-moved-on"));
    })
    .await;
}

#[tokio::test]
async fn the_field_of_work_counts_as_long_as_the_case_does() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let raise = Raise {
            area: "service".into(),
            ..h.problem("窗口等候偏长")
        };
        let id = h.raise(&raise).await.unwrap();
        let areas = async || {
            let mut tx = h.db.read().await.unwrap();
            let facts = h.ledger.standing(&mut tx, id).await.unwrap();
            let mut areas: Vec<_> = facts.iter().filter(|f| f.kind == "case-area").collect();
            areas.retain(|f| f.role.as_deref() == Some("service"));
            areas.len()
        };
        assert_eq!(areas().await, 1);
        h.act(id, Act::Rejected, h.supervisor).await.unwrap();
        assert_eq!(areas().await, 0, "what was not taken on has no field");
    })
    .await;
}

#[tokio::test]
async fn the_board_shows_how_long_and_a_form_says_what_callers_said() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.solved("问题一").await;
        h.raise(&h.problem("问题二")).await.unwrap();
        t.clock.advance(100 * 86_400);
        let old = h.problem("问题三");
        h.raise(&old).await.unwrap();
        let app = h.app(h.supervisor);
        let (_, board) = app.get("/cases/board").await;
        let plain: String = board.split_whitespace().collect();
        assert!(plain.contains("91—180天<bclass=\"num\">1</b>"), "{board}");
        let (_, list) = app.get("/cases?view=problems&age=91-180").await;
        assert!(
            list.contains("问题二<") && !list.contains("问题三<"),
            "{list}"
        );
        let (_, list) = app.get("/cases?view=problems&age=0-30").await;
        assert!(
            list.contains("问题三<") && !list.contains("问题二<"),
            "{list}"
        );
        // By the form of the page.
        let id = order(&h).await;
        let (_, page) = app.get(&format!("/cases/{id}")).await;
        assert!(
            page.contains("群众满意") && page.contains("一次性办好"),
            "{page}"
        );
        let seen = hidden(&page, "seen");
        let path = format!("/cases/{id}/acts/evaluate");
        let empty = [("seen", seen.as_str())];
        let (status, page) = app.parts(&path, &empty, None).await;
        assert!(status == 422 && page.contains("至少填写一项"), "{page}");
        let fields = [
            ("seen", seen.as_str()),
            ("v-satisfied", "yes"),
            ("text", "电话回访"),
        ];
        assert_eq!(app.parts(&path, &fields, None).await.0, 303);
        assert_eq!(
            said(&h, id).await,
            pairs(&[("case-asked", "satisfied"), ("case-praised", "satisfied")])
        );
    })
    .await;
}

#[tokio::test]
async fn what_callers_said_comes_in_with_old_orders_and_never_with_open_ones() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(h.raiser);
        let csv = "工单号,类型,诉求标题,承办单位,受理时间,办理时限,结束方式,销号日期,一次性办好,问题解决,群众满意\n\
            X-1,热线工单,路灯不亮,单位O1,2026-03-02,2026-03-09,已整改,2026-03-05,是,否,满意\n\
            X-2,热线工单,证明难开,单位O2,2026-11-03,2026-11-30,,,是,,\n\
            X-3,热线工单,积水,单位O2,2026-03-03,2026-03-10,已整改,2026-03-08,,,也许\n";
        let file = Some(("工单.csv", csv.as_bytes()));
        let (status, page) = app.parts("/cases/import", &[], file).await;
        assert_eq!(status, 200, "{page}");
        for cell in ["I3", "K4"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        let (id, sheet) = (hidden(&page, "id"), hidden(&page, "sheet"));
        let sent = [
            ("id", id.as_str()),
            ("sheet", sheet.as_str()),
            ("fine", "1"),
            ("faulty", "2"),
        ];
        assert_eq!(app.post("/cases/import/publish", &sent).await.0, 303);
        let (_, list) = app.get("/cases?view=all&kind=hotline").await;
        let before = list.split_once("路灯不亮").expect("it is listed").0;
        let href = before.rsplit_once("href=\"/cases/").expect("a link").1;
        let case: Id = href.split('"').next().unwrap().parse().unwrap();
        assert_eq!(
            said(&h, case).await,
            pairs(&[
                ("case-asked", "done-at-once"),
                ("case-asked", "satisfied"),
                ("case-asked", "solved"),
                ("case-praised", "done-at-once"),
                ("case-praised", "satisfied"),
            ]),
            "what was answered, and what was answered well"
        );
    })
    .await;
}
