//! What went wrong with other ledgers of problems, and the test that keeps it from going wrong here. The table is read by a
//! test: what it names has to be there.
//!
//! | thread | test |
//! |---|---|
//! | looking at a case resets its clock | service.rs::looking_leaves_no_trace_in_a_case |
//! | reminders change a day or a state | case.rs::looking_at_a_case_and_reminders_change_no_day_and_no_state |
//! | no date until which an answer is owed, none who is pressed | minding.rs::the_ladder_is_climbed_by_working_days_and_never_twice |
//! | reminders reach only the owner | threads.rs::each_rung_reaches_further_than_the_owner |
//! | deadlines at week-ends, holidays and make-up days | threads.rs::days_are_counted_over_holidays_make_up_days_and_new_year |
//! | the clock stops at New Year | minding.rs::the_ladder_is_climbed_by_working_days_and_never_twice |
//! | more time overwrites the first day | service.rs::more_time_is_asked_for_and_given_by_others_beside_the_first_day |
//! | closed is counted as fixed | threads.rs::closed_is_not_fixed |
//! | duplicates and refusals are counted | service.rs::duplicates_and_what_is_not_taken_on_do_not_count |
//! | "not fixed" of those concerned reaches nobody | evaluating.rs::what_callers_say_is_asked_once_it_is_closed_and_goes_when_it_is_opened_again |
//! | ages in buckets that nobody understands | evaluating.rs::the_board_shows_how_long_and_a_form_says_what_callers_said |
//! | what is closed vanishes, opening again loses its past | case.rs::it_is_never_judged_by_who_mends_it_and_keeps_its_day |
//! | the day of evidence is that of its upload | threads.rs::evidence_has_the_day_that_it_shows_and_the_day_that_it_was_sent |
//! | one accepts one's own work | service.rs::it_is_raised_mended_by_one_and_accepted_by_another |
//! | one accepts one's own work through a deputy | threads.rs::nobody_accepts_through_a_deputy_what_they_did |
//! | two people close at once | races.rs::of_two_who_close_at_once_one_wins_and_the_other_is_told |
//! | numbers with holes or twins | races.rs::numbers_given_at_once_have_no_hole_and_no_twin |
//! | the look back of a merged unit is lost | service.rs::a_look_back_comes_by_itself_goes_to_the_successor_and_opens_it_again |
//! | the same problem every year | service.rs::a_recurrence_is_asked_about_linked_and_counted |
//! | a finding is not raised from where it was found | service.rs::a_finding_of_another_room_becomes_one_case |
//! | a finding without its cause | papers.rs::what_caused_it_is_named_and_never_goes_round |
//! | not escalated to a superior, or by itself to the public | papers.rs::the_public_list_is_somebodys_decision_at_the_end_of_the_ladder |
//! | script in every field | hostile.rs::script_in_every_field_is_shown_as_text_on_every_page |
//! | a name leaks through page, list, export, search or API | pages.rs::a_name_told_in_confidence_leaves_the_house_nowhere |
//! | a name leaks through mail and papers | threads.rs::mail_and_papers_say_nothing_of_who_told |
//! | a name told in the open lies open in the database | threads.rs::who_told_is_sealed_whether_in_confidence_or_not |
//! | raised in another's name | threads.rs::what_is_raised_says_who_raised_it |
//! | a newer rule changes an old case | service.rs::a_case_keeps_the_kind_it_was_begun_with |

use cases::{Act, Ask, CaseKinds, End, Raise, Reporter, Said};
use kernel::{Calendar, Date, DayKind};
use ledger::Fact;
use testkit::on_both;

use crate::house::{House, Sees as _, Who, migrations, packs, refused, why};
use crate::pages::open_names;

#[test]
fn every_thread_names_a_test_that_is_there() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    testkit::threads_are_tested(include_str!("threads.rs"), &tests, 25);
}

#[test]
fn days_are_counted_over_holidays_make_up_days_and_new_year() {
    let kinds = CaseKinds::read(&packs()).unwrap();
    let hotline = kinds.get("hotline").unwrap();
    let day = |y: i16, m: i8, d: i8| Date::constant(y, m, d);
    // Three days off at New Year, and a Sunday on which people work for one of them.
    let calendar = Calendar::new([
        (day(2027, 1, 1), DayKind::Off),
        (day(2027, 1, 4), DayKind::Off),
        (day(2027, 1, 3), DayKind::Work),
    ]);
    // Wednesday; Thursday, Sunday that is worked, Tuesday to Thursday.
    let due = hotline.due("common", day(2026, 12, 30), &calendar);
    assert_eq!(due, Some(day(2027, 1, 7)));
    let plain = hotline.due("common", day(2026, 12, 30), &Calendar::default());
    assert_eq!(plain, Some(day(2027, 1, 6)), "without that calendar");
}

#[tokio::test]
async fn each_rung_reaches_further_than_the_owner() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut problem = h.problem("久拖不改");
        problem.owner = Some(h.owner.person);
        problem.supervisor = Some(h.supervisor.person);
        h.raise(&problem).await.unwrap();
        let late = async |who: Who| {
            let told = h.told(who).await.into_iter();
            told.filter(|k| k == "cases-notice-late").count()
        };
        let mut days = Vec::new();
        for _ in 0..70 {
            t.clock.advance(86_400);
            h.cases.remind().await.unwrap();
            days.push((late(h.owner).await, late(h.supervisor).await));
        }
        assert!(days.contains(&(1, 0)), "the owner first");
        assert_eq!(
            days.last(),
            Some(&(3, 2)),
            "then who supervises, on both later rungs"
        );
    })
    .await;
}

fn of<'f>(facts: &'f [(String, String)], kind: &str) -> Vec<&'f str> {
    let own = facts.iter().filter(|(k, _)| k == kind);
    own.map(|(_, role)| role.as_str()).collect()
}

#[tokio::test]
async fn closed_is_not_fixed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("一时改不了的事")).await.unwrap();
        h.act(id, h.assigned(), h.supervisor).await.unwrap();
        h.ask(id, Ask::End(End::Explained), h.owner).await.unwrap();
        let mut agreed = false;
        for who in [h.supervisor, h.second, h.below] {
            if testhouse::waiting(&h.approvals, who).await > 0 {
                agreed |= testhouse::decide(&h.approvals, who, 0, "agree").await;
            }
        }
        assert!(agreed);
        let facts = h.facts(id).await;
        assert_eq!(of(&facts, "case-closed"), ["explained"]);
        for kind in ["case-accepted", "case-on-time"] {
            assert!(
                of(&facts, kind).is_empty(),
                "{kind} is of what was accepted only"
            );
        }
        let fixed = h.solved("改好了的事").await;
        let facts = h.facts(fixed).await;
        assert_eq!(of(&facts, "case-closed"), ["solved"]);
        assert_eq!(of(&facts, "case-accepted").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn evidence_has_the_day_that_it_shows_and_the_day_that_it_was_sent() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("窗口等候偏长")).await.unwrap();
        h.act(id, h.assigned(), h.supervisor).await.unwrap();
        h.act(id, h.planned(), h.owner).await.unwrap();
        t.clock.advance(9 * 86_400);
        let report = async |of: Date| {
            let mut file = h.evidence();
            file.of = Some(of);
            let said = Said {
                text: "附照片".into(),
                files: vec![file],
                ..Said::default()
            };
            let (eyes, actor) = (h.owner.eyes(), h.owner.actor());
            h.cases.act(id, &Act::Reported, &said, &eyes, &actor).await
        };
        let (shown, today) = (Date::constant(2026, 11, 22), h.env.today());
        let ahead = refused(report(today.tomorrow().unwrap()).await);
        assert_eq!(ahead, why("of", "cases-day-future"));
        report(shown).await.unwrap();
        let w = h.whole(id).await;
        let event = w.events.last().unwrap();
        assert_eq!(event.files[0].of, Some(shown));
        assert_eq!(event.at.date(h.env.zone()), today);
        let (_, page) = h.app(h.owner).get(&format!("/cases/{id}")).await;
        assert!(
            page.contains("2026-11-22") && page.contains("2026-11-29"),
            "{page}"
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_accepts_through_a_deputy_what_they_did() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.submitted("窗口等候偏长").await;
        let accept = async |on_behalf: Option<Who>| {
            let eyes = cases::Eyes {
                on_behalf: on_behalf.map(|who| who.account),
                ..h.second.eyes()
            };
            let said = Said::default();
            let actor = h.second.actor();
            h.cases.act(id, &Act::Accepted, &said, &eyes, &actor).await
        };
        let in_place = refused(accept(Some(h.owner)).await);
        assert_eq!(in_place, why("conflict", "cases-judge-deputy"));
        accept(None).await.unwrap();
    })
    .await;
}

fn told_by(h: &House, confidential: bool) -> Raise {
    Raise {
        reporter: Some(Reporter {
            name: "反映人甲".into(),
            contact: "13900000000".into(),
            confidential,
        }),
        ..h.problem("收费不规范")
    }
}

#[tokio::test]
async fn mail_and_papers_say_nothing_of_who_told() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&told_by(&h, true)).await.unwrap();
        h.act(id, h.assigned(), h.supervisor).await.unwrap();
        let app = h.app(h.supervisor);
        for paper in ["urging", "notice", "feedback"] {
            let (status, bytes) = app.bytes(&format!("/cases/{id}/papers/{paper}")).await;
            assert_eq!(status, 200);
            let mut words = String::new();
            commons::contents::texts(&bytes, &mut |text| words += text).unwrap();
            assert!(words.contains("收费不规范"), "{words}");
            assert!(
                !words.contains("反映人甲") && !words.contains("139"),
                "{words}"
            );
        }
        // Mail about it says nothing at all: every notice of it is confidential.
        let sql = "SELECT DISTINCT confidential FROM notice WHERE about_id = $1";
        let mut tx = h.db.read().await.unwrap();
        let rows = tx.query(sql, db::args![id.to_string()]).await.unwrap();
        let kinds: Vec<bool> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        assert_eq!(kinds, [true]);
    })
    .await;
}

#[tokio::test]
async fn who_told_is_sealed_whether_in_confidence_or_not() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&told_by(&h, false)).await.unwrap();
        let sealed = [(String::new(), String::new(), true)];
        assert_eq!(open_names(&h.db).await, sealed);
        // What lay open in an older house is sealed by the next morning.
        let sql = "UPDATE case_reporter SET name = '反映人甲', contact = '1', name_sealed = NULL, contact_sealed = NULL";
        let opened: kernel::Result<u64> =
            db::transaction!(h.db, |tx| tx.execute(sql, db::args![]).await);
        assert_eq!(opened.unwrap(), 1);
        assert_eq!(h.cases.seal_reporters().await.unwrap(), 1);
        assert_eq!(open_names(&h.db).await, sealed);
        let (_, page) = h.app(h.supervisor).get(&format!("/cases/{id}")).await;
        assert!(
            page.contains("反映人甲"),
            "who sees the case sees what was told openly"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_raised_says_who_raised_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&told_by(&h, false)).await.unwrap();
        let w = h.whole(id).await;
        let first = &w.events[0];
        let by = (first.account, first.person);
        assert_eq!(by, (Some(h.raiser.account), Some(h.raiser.person)));
        assert_eq!(
            w.matter.raiser,
            Some(h.raiser.account),
            "not who told of it"
        );
        let facts: Vec<Fact> = h.standing(id).await;
        assert!(
            facts.iter().all(|f| f.person.is_none()),
            "a problem is a unit's"
        );
    })
    .await;
}
