//! Lists of what posts answer for: versions put to use by somebody else, the report of each year, who judges it.

use std::collections::BTreeMap;

use commitments::{
    AnswerLists, Answering, Item, NewList, Report, ReportState, Seen, items_text, read_items,
    timeliness,
};
use commons::packs::Packs;
use jiff::ToSpan;
use kernel::{Date, Error, Id, Scope};
use ledger::{Fact, PlaceId};
use proptest::prelude::*;
use testkit::{on_both, on_postgres};
use web::table::Window;

use crate::house::{House, Who, migrations};

const OWN: &str = include_str!("../../../../packs/answering-cn.toml");

fn samples(text: &str) -> Result<AnswerLists, Vec<(usize, &'static str)>> {
    let packs = Packs::load(vec![("answering-cn.toml".into(), text.to_owned())]).unwrap();
    AnswerLists::read(&packs)
        .map_err(|all| all.into_iter().map(|p| (p.line, p.reason.key)).collect())
}

fn seen(who: Who, issues: bool, h: &House) -> Seen {
    let scope = || if issues { h.scope() } else { Scope::nothing() };
    Seen {
        me: Some(who.person),
        reads: scope(),
        issues: scope(),
    }
}

fn refused<T: std::fmt::Debug>(done: kernel::Result<T>) -> String {
    match done.unwrap_err() {
        Error::Conflict(m) => m.key.to_owned(),
        Error::Invalid(all) => all[0].field.clone(),
        Error::NotFound => "not found".to_owned(),
        Error::Forbidden => "forbidden".to_owned(),
        other => panic!("{other}"),
    }
}

/// A list of the first office in use, written by the head and put to use by the second one's head.
async fn in_use(h: &House) -> Id {
    let a = &h.answering;
    let new = NewList {
        id: h.env.new_id(),
        sample: "in-charge".into(),
        title: "第一科负责人责任清单".into(),
        unit: h.offices[0],
        holder: h.heads[0].person,
        items: String::new(),
    };
    let head = seen(h.head, true, h);
    let none = a
        .write(&new, &seen(h.member, false, h), &h.member.account.into())
        .await;
    assert_eq!(refused(none), "not found");
    let id = a.write(&new, &head, &h.head.account.into()).await.unwrap();
    let own = a.put_to_use(id, 1, &head, &h.head.account.into()).await;
    assert_eq!(refused(own), "commitments-list-own", "not by who wrote it");
    let answers = seen(h.heads[0], true, h);
    let holder = a
        .put_to_use(id, 1, &answers, &h.heads[0].account.into())
        .await;
    assert_eq!(
        refused(holder),
        "commitments-list-own",
        "nor by who answers for it"
    );
    let other = seen(h.heads[1], true, h);
    a.put_to_use(id, 1, &other, &h.heads[1].account.into())
        .await
        .unwrap();
    let twice = a
        .put_to_use(id, 1, &other, &h.heads[1].account.into())
        .await;
    assert_eq!(refused(twice), "commitments-list-moved-on");
    id
}

/// Moves the clock to so many days before the report of a year is due.
fn before_due(t: &testkit::TestDb, days: i64) {
    let today = t.env.today();
    let due = Date::constant(today.year(), 12, 20).saturating_sub(days.days());
    let due = if due > today {
        due
    } else {
        due.saturating_add(1.year())
    };
    t.clock
        .advance(i64::from((due - today).get_days()) * 24 * 3600);
}

async fn report(h: &House, list: Id) -> Report {
    let head = seen(h.head, true, h);
    let found = h
        .answering
        .reports(&head, (None, Some(list), false), Window::new(1, 9));
    found.await.unwrap().1.remove(0)
}

fn texts(r: &Report, text: &str) -> BTreeMap<String, String> {
    let all = r.items.iter().map(|i| (i.code.clone(), text.to_owned()));
    all.collect()
}

async fn held(h: &House) {
    db::transaction!(h.db, |tx| {
        let key = (h.offices[0], h.env.today());
        let path = h.org.paths_on(tx, &[key]).await?.remove(&key).unwrap();
        h.ledger.place(tx, &path).await?;
        let place = PlaceId::of(&path);
        let (id, now) = (h.env.new_id(), h.env.now());
        let fact = Fact::new(id, "pair-visit", place, key.1, h.env.new_id(), "form", now);
        h.ledger.append(tx, &[fact]).await
    })
    .unwrap();
}

#[tokio::test]
async fn a_report_is_opened_by_the_clock_filled_from_the_ledger_and_accepted_by_another() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let a = &h.answering;
        let id = in_use(&h).await;
        before_due(&t, 60);
        assert_eq!(a.mind().await.unwrap(), (0, 0), "not opened yet");
        before_due(&t, 45);
        assert_eq!(a.mind().await.unwrap(), (1, 1));
        assert_eq!(a.mind().await.unwrap(), (0, 1), "once");
        assert_eq!(h.told(h.heads[0]).await, ["commitments-list-notice-open"]);
        held(&h).await;
        held(&h).await;
        let r = report(&h, id).await;
        let me = seen(h.heads[0], false, &h);
        let view = a.report(r.id, &me).await.unwrap();
        assert!(view.may_write && !view.may_judge);
        assert_eq!(view.figures.get("visits"), Some(&2));
        // Who neither reports nor leads nor reads does not see it.
        let nobody = a.report(r.id, &seen(h.member, false, &h)).await;
        assert_eq!(refused(nobody.map(|_| ())), "not found");
        let by = h.heads[0].account.into();
        let empty = a
            .keep((r.id, r.version), &BTreeMap::new(), true, &me, &by)
            .await;
        assert_eq!(refused(empty), "t-training");
        let half = [("visits".to_owned(), "走访两次。".to_owned())].into();
        a.keep((r.id, r.version), &half, false, &me, &by)
            .await
            .unwrap();
        let stale = a.keep((r.id, r.version), &half, false, &me, &by).await;
        assert_eq!(refused(stale), "commitments-list-moved-on");
        let head = seen(h.head, true, &h);
        let r = report(&h, id).await;
        let early = a
            .judge((r.id, r.version), (true, ""), &head, &h.head.account.into())
            .await;
        assert_eq!(refused(early), "commitments-list-moved-on", "not handed in");
        a.keep(
            (r.id, r.version),
            &texts(&r, "按要求完成。"),
            true,
            &me,
            &by,
        )
        .await
        .unwrap();
        // What is handed in shows what the ledger counted then.
        held(&h).await;
        let r = report(&h, id).await;
        assert_eq!(r.figures.get("visits"), Some(&2));
        let own = a
            .judge(
                (r.id, r.version),
                (true, ""),
                &seen(h.heads[0], true, &h),
                &by,
            )
            .await;
        assert_eq!(refused(own), "forbidden", "nobody judges their own");
        let silent = a
            .judge(
                (r.id, r.version),
                (false, " "),
                &head,
                &h.head.account.into(),
            )
            .await;
        assert_eq!(refused(silent), "comment");
        a.judge(
            (r.id, r.version),
            (false, "补充数据"),
            &head,
            &h.head.account.into(),
        )
        .await
        .unwrap();
        before_due(&t, 0);
        t.clock.advance(5 * 24 * 3600);
        let r = report(&h, id).await;
        assert_eq!(
            (r.state, r.comment.as_str()),
            (ReportState::Returned, "补充数据")
        );
        a.keep((r.id, r.version), &texts(&r, "已补充。"), true, &me, &by)
            .await
            .unwrap();
        let r = report(&h, id).await;
        a.judge((r.id, r.version), (true, ""), &head, &h.head.account.into())
            .await
            .unwrap();
        // The first handing-in counts.
        let mut tx = h.db.read().await.unwrap();
        let facts = h.ledger.standing(&mut tx, r.id).await.unwrap();
        let fact: Vec<_> = facts
            .iter()
            .map(|f| (f.kind.as_str(), f.role.as_deref(), f.person))
            .collect();
        assert_eq!(
            fact,
            [("self-report", Some("in-time"), Some(h.heads[0].person))]
        );
    })
    .await;
}

#[tokio::test]
async fn a_new_version_waits_for_somebody_else_and_years_stay_as_they_were() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let a = &h.answering;
        let id = in_use(&h).await;
        before_due(&t, 40);
        a.mind().await.unwrap();
        let head = seen(h.head, true, &h);
        let by = h.head.account.into();
        let (_, versions) = a.list(id, &head).await.unwrap();
        let lines = items_text(&versions[0].items);
        let shorter = format!(
            "{}\n新任务 | 新办法 | 每月一次",
            lines.lines().next().unwrap()
        );
        let unsaid = a.revise((id, 1), (&shorter, ""), &head, &by).await;
        assert_eq!(refused(unsaid), "reason");
        a.revise((id, 1), (&shorter, "分工调整"), &head, &by)
            .await
            .unwrap();
        let stale = a.revise((id, 1), (&shorter, "分工调整"), &head, &by).await;
        assert_eq!(refused(stale), "commitments-list-moved-on");
        let (list, versions) = a.list(id, &head).await.unwrap();
        assert_eq!((list.used, list.newest), (Some(1), 2));
        assert!(
            versions[0].items[0].figure.is_some(),
            "the item that stays keeps its number"
        );
        let other = seen(h.heads[1], true, &h);
        let old = a
            .put_to_use(id, 1, &other, &h.heads[1].account.into())
            .await;
        assert_eq!(refused(old), "commitments-list-moved-on");
        a.put_to_use(id, 2, &other, &h.heads[1].account.into())
            .await
            .unwrap();
        a.hand_over(id, h.member.person, &head, &by).await.unwrap();
        let r = report(&h, id).await;
        assert_eq!(
            (r.items.len(), r.holder),
            (3, h.heads[0].person),
            "this year is as it was opened"
        );
        t.clock.advance(366 * 24 * 3600);
        a.mind().await.unwrap();
        let found = a
            .reports(&head, (None, Some(id), false), Window::new(1, 9))
            .await
            .unwrap();
        let years: Vec<_> = found.1.iter().map(|r| (r.items.len(), r.holder)).collect();
        assert_eq!(years, [(2, h.member.person), (3, h.heads[0].person)]);
        // The one of last year is late, and whoever is in charge hears of it once.
        assert!(
            h.told(h.heads[0])
                .await
                .contains(&"commitments-list-notice-due".to_owned())
        );
        let told = h.told(h.heads[0]).await.len();
        a.mind().await.unwrap();
        assert_eq!(h.told(h.heads[0]).await.len(), told);
    })
    .await;
}

#[tokio::test]
async fn of_two_nodes_one_opens_and_one_judges() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = in_use(&h).await;
        before_due(&t, 30);
        let second: Answering = h.over(t.second().await).await;
        let (one, two) = tokio::join!(h.answering.mind(), second.mind());
        assert_eq!(one.unwrap().0 + two.unwrap().0, 1);
        let r = report(&h, id).await;
        let (me, by) = (seen(h.heads[0], false, &h), h.heads[0].account.into());
        let said = texts(&r, "完成。");
        h.answering
            .keep((r.id, r.version), &said, true, &me, &by)
            .await
            .unwrap();
        let r = report(&h, id).await;
        let (head, other) = (seen(h.head, true, &h), seen(h.heads[1], true, &h));
        let (a, b) = (h.head.account.into(), h.heads[1].account.into());
        let (one, two) = tokio::join!(
            h.answering.judge((r.id, r.version), (true, ""), &head, &a),
            second.judge((r.id, r.version), (false, "补充"), &other, &b),
        );
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let state = report(&h, id).await.state;
        let won = if one.is_ok() {
            ReportState::Accepted
        } else {
            ReportState::Returned
        };
        assert_eq!(state, won);
    })
    .await;
}

#[tokio::test]
async fn lists_and_reports_are_written_and_judged_on_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let head = h.app(h.head);
        let other = h.app(Who {
            issues: true,
            ..h.heads[1]
        });
        let (holder, member) = (h.app(h.heads[0]), h.app(h.member));
        assert_eq!(member.get("/answering/new").await.0, 404);
        assert!(member.get("/answering").await.1.contains("还没有责任清单"));
        let id: Id = h.env.new_id();
        let text = id.to_string();
        let wrong = [
            ("id", text.as_str()),
            ("title", "科<长>清单"),
            ("unit", "O1"),
            ("holder", "2"),
            ("sample", "in-charge"),
            ("items", "一 | 二 | 三 | 四"),
        ];
        let (status, page) = head.post("/answering", &wrong).await;
        assert!(
            status == 422 && page.contains("第 1 行读不懂") && page.contains("科&lt;长&gt;清单"),
            "{page}"
        );
        let right = [
            ("id", text.as_str()),
            ("title", "科<长>清单"),
            ("unit", "O1"),
            ("holder", "2"),
            ("sample", "in-charge"),
            ("items", ""),
        ];
        let at = format!("/answering/lists/{id}");
        assert_eq!(head.post("/answering", &right).await, (303, at.clone()));
        assert_eq!(member.get(&at).await.0, 404);
        let own = head.post(&format!("{at}/acts/use"), &[("n", "1")]).await;
        assert!(own.0 == 422 && own.1.contains("由别人启用"), "{}", own.1);
        assert_eq!(
            other.post(&format!("{at}/acts/use"), &[("n", "1")]).await.0,
            303
        );
        before_due(&t, 10);
        h.answering.mind().await.unwrap();
        let r = report(&h, id).await;
        let at = r.href();
        assert_eq!(member.get(&at).await.0, 404);
        let (_, page) = holder.get(&at).await;
        assert!(
            page.contains("本年 0 次走访") && page.contains("t-visits"),
            "{page}"
        );
        let version = r.version.to_string();
        let half = [
            ("seen", version.as_str()),
            ("t-visits", "走<访>"),
            ("t-training", ""),
            ("t-rectify", ""),
        ];
        let (status, page) = holder.post(&format!("{at}/acts/hand-in"), &half).await;
        assert!(status == 422 && page.contains("走&lt;访&gt;"), "{page}");
        let whole = [
            ("seen", version.as_str()),
            ("t-visits", "走<访>"),
            ("t-training", "二"),
            ("t-rectify", "三"),
        ];
        assert_eq!(
            holder.post(&format!("{at}/acts/hand-in"), &whole).await.0,
            303
        );
        assert!(head.get("/answering").await.1.contains("已提交"));
        let (status, sheet, _) = head
            .send("GET", "/answering/reports.xlsx", String::new())
            .await;
        assert_eq!((status, &sheet[..2]), (200, &b"PK"[..]));
        let (status, paper, _) = holder
            .send("GET", &format!("{at}/paper.docx"), String::new())
            .await;
        assert_eq!((status, &paper[..2]), (200, &b"PK"[..]));
        let version = report(&h, id).await.version.to_string();
        let accept = [("seen", version.as_str()), ("comment", "好")];
        assert_eq!(
            head.post(&format!("{at}/acts/accept"), &accept).await.0,
            303
        );
        assert!(holder.get(&at).await.1.contains("已通过"));
    })
    .await;
}

#[test]
fn samples_are_read_and_every_mistake_is_named_with_its_line() {
    let all = samples(OWN).unwrap();
    let codes: Vec<&str> = all.iter().map(|l| l.code.as_str()).collect();
    assert_eq!(codes, ["first-responsible", "in-charge"]);
    let line = OWN[..OWN.find("[[answer-list]]").unwrap()]
        .matches('\n')
        .count()
        + 1;
    for (from, to, key) in [
        (
            "due = \"12-20\"",
            "due = \"02-29\"",
            "commitments-list-pack-due",
        ),
        (
            "open-days = 45",
            "open-days = 0",
            "commitments-list-pack-due",
        ),
        ("\"+3wd\"", "\"soon\"", "commitments-list-pack-step"),
        (
            "code = \"study\"",
            "code = \"training\"",
            "commitments-pack-code",
        ),
        (
            "{ kind = \"held\" }, axis = \"host\"",
            "{ kind = \"held\" }, axis = \"person\"",
            "commitments-list-pack-figure",
        ),
    ] {
        assert!(OWN.contains(from), "{from}");
        let wrong = samples(&OWN.replacen(from, to, 1)).unwrap_err();
        assert!(wrong.contains(&(line, key)), "{from}: {wrong:?}");
    }
}

proptest! {
    /// What is read of a text is what stands in the form again; codes stay with their items and are never given twice.
    #[test]
    fn items_keep_their_codes_through_any_edit(
        lines in prop::collection::vec("(\\[(n[1-3]|x)\\] )?[一二三a-c]{1,4}( \\| [一二]{0,3}){0,2}", 1..8),
        again in prop::collection::vec("(\\[n[1-9]\\] )?[四五]{1,3}", 1..8),
    ) {
        let first = read_items(&lines.join("\n"), &[]).unwrap();
        let codes = |items: &[Item]| items.iter().map(|i| i.code.clone()).collect::<Vec<_>>();
        prop_assert_eq!(first.len(), lines.len());
        prop_assert_eq!(read_items(&items_text(&first), &first).unwrap(), first.clone());
        let second = read_items(&again.join("\n"), &first).unwrap();
        let mut unique = codes(&second);
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), second.len());
        for (line, item) in again.iter().zip(&second) {
            let said = line.strip_prefix('[').and_then(|l| l.split_once(']')).map(|(c, _)| c.to_owned());
            // Only a line that names a code of before may have one.
            if codes(&first).contains(&item.code) {
                prop_assert_eq!(said, Some(item.code.clone()));
            }
        }
    }

    #[test]
    fn the_first_handing_in_counts(day in 0i64..60) {
        let due = Date::constant(2026, 12, 20);
        let on = Date::constant(2026, 11, 20).saturating_add(day.days());
        prop_assert_eq!(timeliness(Some(on), due) == "in-time", on <= due);
        prop_assert_eq!(timeliness(None, due), "late");
    }
}
