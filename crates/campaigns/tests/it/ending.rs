//! How a campaign ends: survey, summary, facts; what the clock tells.

use campaigns::{Act, Side, Window};
use commons::forms::{Answer, Answers, Value};
use kernel::{Error, Id};
use testkit::on_both;

use crate::house::{House, Sees as _, migrations};
use crate::story::{act, all, day, refused, running, score};

#[tokio::test]
async fn a_survey_is_answered_once_by_who_takes_part_and_shown_only_of_enough() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = running(&h).await;
        act(&h, id, Act::Conclude, "总结").await.unwrap();
        let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
        let window = Window {
            opens: day(11, 20),
            closes: day(11, 22),
        };
        h.campaigns
            .open_survey(id, window, (&eyes, &actor))
            .await
            .unwrap();
        let said = |choice: &str, words: &str| -> Answers {
            let of = |value| Answer {
                value,
                note: String::new(),
                files: vec![],
            };
            [
                ("content", Value::Chosen(vec![choice.into()])),
                ("mended", Value::Yes(true)),
                ("words", Value::Text(words.into())),
            ]
            .into_iter()
            .map(|(code, value)| (code.to_owned(), of(value)))
            .collect()
        };
        let outside = h.person("90", h.bureau).await;
        assert!(
            matches!(
                h.campaigns.speak(id, outside, &said("much", "")).await,
                Err(Error::NotFound)
            ),
            "the bureau takes no part itself"
        );
        refused(
            h.campaigns
                .speak(id, h.reporter.person, &said("best", ""))
                .await,
            "form-answer-unknown",
        );
        let mut people = vec![h.reporter.person, h.far.person];
        people.push(h.person("91", h.offices[0]).await);
        people.push(h.person("92", h.offices[1]).await);
        for (n, p) in people.iter().enumerate() {
            h.campaigns
                .speak(id, *p, &said("much", &format!("意见{n}")))
                .await
                .unwrap();
        }
        refused(
            h.campaigns.speak(id, people[0], &said("none", "")).await,
            "campaigns-spoke-before",
        );
        assert_eq!(
            h.campaigns.surveys_of(people[0]).await.unwrap().len(),
            0,
            "done"
        );
        let app = h.app(h.planner);
        let summary = format!("/campaigns/{id}/summary");
        let (_, page) = app.get(&summary).await;
        assert!(
            page.contains("收到答卷 4 份")
                && !page.contains("意见0")
                && page.contains("结束后公布"),
            "{page}"
        );
        t.clock.advance(3 * 24 * 3600);
        let (_, page) = app.get(&summary).await;
        assert!(
            page.contains("不足 5 份") && !page.contains("意见0"),
            "{page}"
        );
        let last = h.person("93", h.offices[1]).await;
        refused(
            h.campaigns.speak(id, last, &said("some", "")).await,
            "campaigns-survey-not-open",
        );
        let window = Window {
            opens: day(11, 20),
            closes: day(11, 23),
        };
        h.campaigns
            .open_survey(id, window, (&eyes, &actor))
            .await
            .unwrap();
        h.campaigns
            .speak(id, last, &said("some", ""))
            .await
            .unwrap();
        t.clock.advance(24 * 3600);
        let (_, page) = app.get(&summary).await;
        assert!(page.contains("意见0") && page.contains("很大"), "{page}");
        refused(
            h.campaigns
                .open_survey(
                    id,
                    Window {
                        opens: day(11, 20),
                        closes: day(12, 20),
                    },
                    (&eyes, &actor),
                )
                .await,
            "campaigns-survey-shown",
        );
        // Nothing that was kept says who said what or when: names without answers, answers with ids at random.
        let mut tx = h.db.read().await.unwrap();
        let rows = tx
            .query("SELECT id FROM campaign_answer ORDER BY id", db::args![])
            .await
            .unwrap();
        let ids: Vec<Id> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        assert_eq!(ids.len(), 5);
        let timed =
            |id: &Id| id.millis().abs_diff(h.env.new_id::<Id>().millis()) < 1_000 * 3600 * 24 * 30;
        assert!(!ids.iter().any(timed), "ids carry no time");
        let w = h.campaigns.campaign(id, &eyes).await.unwrap();
        assert!(w.events.iter().all(|e| e.act != "spoke"));
    })
    .await;
}

#[tokio::test]
async fn closing_writes_facts_and_opening_again_takes_them_back() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = running(&h).await;
        let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
        let by = (&eyes, &actor);
        h.campaigns
            .set_taking(id, h.offices[2], false, "撤并", by)
            .await
            .unwrap();
        score(&h, id, h.inspector, Side::Inspection, &all(18_500, ""))
            .await
            .unwrap();
        h.fact(
            "held",
            "friday-study",
            h.offices[0],
            day(11, 18),
            h.env.new_id(),
        )
        .await;
        refused(
            act(&h, id, Act::Conclude, "").await,
            "campaigns-reason-wrong",
        );
        act(&h, id, Act::Conclude, "提前完成").await.unwrap();
        refused(act(&h, id, Act::Close, "").await, "campaigns-summary-first");
        let keep = async |text: &str| {
            h.campaigns
                .keep_summary(id, (text, "抓早抓小"), "zh-CN", by)
                .await
        };
        refused(keep("参加{joind}家").await, "campaigns-figure-unknown");
        keep("参加{joined}家，开展活动{claim:activities}，评分{score}。")
            .await
            .unwrap();
        act(&h, id, Act::Close, "").await.unwrap();
        let standing = async || {
            let mut tx = h.db.read().await.unwrap();
            let mut found = h.ledger.standing(&mut tx, id).await.unwrap();
            found.sort_by_key(|f| (f.kind.clone(), f.role.clone(), f.quantity));
            found
                .into_iter()
                .map(|f| (f.kind, f.role.unwrap_or_default(), f.quantity))
                .collect::<Vec<_>>()
        };
        let unit = |role: &str, quantity| ("campaign-unit".to_owned(), role.to_owned(), quantity);
        let facts = vec![
            ("campaign".to_owned(), String::new(), Some(2_000)),
            unit("absent", None),
            unit("joined", None),
            unit("joined", Some(92_500)),
        ];
        assert_eq!(standing().await, facts);
        let app = h.app(h.planner);
        let (_, page) = app.get(&format!("/campaigns/{id}/summary")).await;
        assert!(
            page.contains(&format!("/campaigns/{id}/units?show=joined\">2</a>"))
                && page.contains("1场"),
            "{page}"
        );
        let (status, bytes, _) = app
            .send("GET", &format!("/campaigns/{id}/summary.docx"), "", vec![])
            .await;
        assert!(status == 200 && bytes.starts_with(b"PK"));
        // What is recorded later is said beside the figure that was kept.
        h.fact(
            "held",
            "friday-study",
            h.offices[1],
            day(11, 19),
            h.env.new_id(),
        )
        .await;
        let (_, page) = app.get(&format!("/campaigns/{id}/summary")).await;
        assert!(page.contains("现为 2场"), "{page}");
        assert!(
            matches!(keep("改").await, Err(Error::Conflict(_))),
            "closed is closed"
        );
        refused(act(&h, id, Act::Reopen, "").await, "campaigns-reason-wrong");
        act(&h, id, Act::Reopen, "漏了一家").await.unwrap();
        assert_eq!(standing().await, []);
        h.campaigns
            .set_taking(id, h.offices[2], true, "", by)
            .await
            .unwrap();
        act(&h, id, Act::Close, "").await.unwrap();
        assert_eq!(standing().await.len(), 4);
        assert_eq!(standing().await[0].2, Some(3_000));
    })
    .await;
}

#[tokio::test]
async fn phases_that_begin_and_measures_that_are_late_are_told_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        running(&h).await;
        for _ in 0..2 {
            h.campaigns.remind().await.unwrap();
        }
        let told = |all: Vec<String>, key: &str| all.iter().filter(|k| *k == key).count();
        assert_eq!(told(h.told(h.reporter).await, "campaigns-notice-phase"), 1);
        t.clock.advance(15 * 24 * 3600);
        for _ in 0..2 {
            h.campaigns.remind().await.unwrap();
        }
        assert_eq!(told(h.told(h.reporter).await, "campaigns-notice-late"), 1);
        assert_eq!(
            told(h.told(h.leader).await, "campaigns-notice-late"),
            1,
            "and who is responsible first"
        );
        assert_eq!(told(h.told(h.far).await, "campaigns-notice-late"), 0);
    })
    .await;
}
