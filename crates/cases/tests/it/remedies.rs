//! What people have to learn because of a case: asked for, met by facts of other rooms, waited for at acceptance.

use cases::{Act, AskRemedy, Said};
use jiff::ToSpan;
use kernel::{Date, FactId, Id, Result};
use ledger::Fact;
use testkit::{on_both, on_sqlite};

use crate::house::hidden;
use crate::house::{House, Sees as _, Who, migrations, refused, why};

fn said(text: &str) -> Said {
    Said {
        text: text.into(),
        ..Said::default()
    }
}

impl House {
    fn class(&self, learner: Who, needed: bool) -> AskRemedy {
        AskRemedy {
            code: "class".into(),
            person: learner.person,
            by: self.env.today().saturating_add(10.days()),
            needed,
        }
    }

    async fn ask_remedy(&self, id: Id, ask: &AskRemedy, who: Who) -> Result<()> {
        let (eyes, actor) = (who.eyes(), who.actor());
        let text = said("把程序规定学透");
        self.cases.ask_remedy(id, ask, &text, &eyes, &actor).await
    }

    /// Somebody was in a class on a day, as another room writes it.
    async fn attended(&self, learner: Who, day: Date) -> FactId {
        let path = [self.bureau, self.offices[0]];
        db::transaction!(self.db, |tx| {
            let place = self.ledger.place(tx, &path).await?;
            let id = self.env.new_id();
            let mut fact = Fact::new(
                id,
                "attendance",
                place,
                day,
                self.env.new_id(),
                "test",
                self.env.now(),
            );
            fact.category = Some("training-class".into());
            fact.role = Some("present".into());
            fact.person = Some(learner.person);
            self.ledger.append(tx, &[fact]).await?;
            Ok(id)
        })
        .unwrap()
    }
}

#[tokio::test]
async fn acceptance_waits_for_what_has_to_be_learned_first() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.submitted("程序不规范").await;
        let today = h.env.today();
        let yesterday = today.saturating_sub(1.days());
        // What was learned before it was asked for does not count.
        h.attended(h.owner, yesterday).await;
        let class = h.class(h.owner, true);
        // Whoever has no part does not see it; who mends it may ask, but not for what acceptance waits for.
        let stranger = h.class(h.second, false);
        assert_eq!(
            refused(
                h.ask_remedy(
                    h.raise(&h.problem("别的")).await.unwrap(),
                    &stranger,
                    h.lonely
                )
                .await
            ),
            why("", "not-found")
        );
        assert_eq!(
            refused(h.ask_remedy(id, &class, h.owner).await),
            why("", "forbidden")
        );
        for (wrong, field, key) in [
            (
                AskRemedy {
                    code: "dance".into(),
                    ..class.clone()
                },
                "remedy",
                "cases-choice-missing",
            ),
            (
                AskRemedy {
                    by: yesterday,
                    ..class.clone()
                },
                "by",
                "cases-time-past",
            ),
            (
                AskRemedy {
                    by: today.saturating_add(3.years()),
                    ..class.clone()
                },
                "by",
                "cases-day-far",
            ),
        ] {
            assert_eq!(
                refused(h.ask_remedy(id, &wrong, h.supervisor).await),
                why(field, key)
            );
        }
        h.ask_remedy(id, &class, h.supervisor).await.unwrap();
        h.ask_remedy(id, &h.class(h.helper, false), h.owner)
            .await
            .unwrap();
        h.ask_remedy(id, &class, h.supervisor).await.unwrap();
        assert!(
            h.told(h.owner)
                .await
                .contains(&"cases-notice-remedy".to_owned())
        );
        assert_eq!(h.cases.to_learn(h.owner.person).await.unwrap().len(), 2);
        assert_eq!(h.cases.to_learn(h.helper.person).await.unwrap().len(), 1);
        assert_eq!(
            refused(h.act(id, Act::Accepted, h.supervisor).await),
            why("conflict", "cases-remedy-open")
        );
        // One class meets one of the two.
        let first = h.attended(h.owner, today).await;
        assert_eq!(h.cases.to_learn(h.owner.person).await.unwrap().len(), 1);
        assert_eq!(
            refused(h.act(id, Act::Accepted, h.supervisor).await),
            why("conflict", "cases-remedy-open")
        );
        // Asked for no more, by who supervises, and with a reason.
        let drop = async |no, text: &str, who: Who| {
            h.cases
                .drop_remedy(id, no, &said(text), &who.eyes(), &who.actor())
                .await
        };
        assert_eq!(
            refused(drop(3, "", h.supervisor).await),
            why("text", "cases-text-missing")
        );
        assert_eq!(
            refused(drop(3, "重复了", h.owner).await),
            why("", "forbidden")
        );
        assert_eq!(
            refused(drop(9, "重复了", h.supervisor).await),
            why("", "not-found")
        );
        drop(3, "重复了", h.supervisor).await.unwrap();
        // A record that is taken back meets nothing any more.
        let back = db::transaction!(h.db, |tx| h.ledger.reverse(tx, &[first], None).await);
        back.unwrap();
        assert_eq!(
            refused(h.act(id, Act::Accepted, h.supervisor).await),
            why("conflict", "cases-remedy-open")
        );
        h.attended(h.owner, today).await;
        h.act(id, Act::Accepted, h.supervisor).await.unwrap();
        // What acceptance did not wait for ends with the case, and comes back with it.
        assert_eq!(h.cases.to_learn(h.helper.person).await.unwrap().len(), 0);
        assert_eq!(
            refused(h.ask_remedy(id, &class, h.supervisor).await),
            why("conflict", "cases-moved-on")
        );
        let until = today.saturating_add(5.days());
        h.act(id, Act::Reopened { until }, h.supervisor)
            .await
            .unwrap();
        assert_eq!(h.cases.to_learn(h.helper.person).await.unwrap().len(), 1);
        // The numbers go on: what was dropped is not confused with what is asked for now.
        h.ask_remedy(id, &class, h.supervisor).await.unwrap();
        let w = h.whole(id).await;
        let numbers: Vec<i64> = w.case.remedies.iter().map(|r| r.no).collect();
        assert_eq!(numbers, [1, 2, 4]);
    })
    .await;
}

#[tokio::test]
async fn the_page_and_the_chain_show_what_was_asked_and_what_met_it() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.submitted("程序不规范").await;
        let [supervisor, owner, lonely] = [h.supervisor, h.owner, h.lonely].map(|w| h.app(w));
        let path = format!("/cases/{id}");
        let by = kernel::format_date(h.env.today().saturating_add(3.days()));
        let mut form = vec![
            ("remedy", "class"),
            ("learner", ""),
            ("by", by.as_str()),
            ("needed", "on"),
            ("text", "<b>学透</b>"),
        ];
        let ask = format!("{path}/remedies");
        let (status, page) = supervisor.post(&ask, &form).await;
        assert!(
            status == 422 && page.contains("请选择由谁完成") && page.contains("&lt;b&gt;学透"),
            "{page}"
        );
        form[1] = ("learner", "4");
        let (_, before) = supervisor.get(&path).await;
        let seen = hidden(&before, "seen");
        form.push(("seen", seen.as_str()));
        assert_eq!(supervisor.post(&ask, &form).await, (303, path.clone()));
        let (status, page) = supervisor.post(&ask, &form).await;
        assert_eq!(status, 422, "sent twice it is asked for once: {page}");
        assert_eq!(h.whole(id).await.case.remedies.len(), 1);
        let (_, page) = supervisor.get(&path).await;
        assert!(
            page.contains("参加培训")
                && page.contains("验收前必须完成")
                && !page.contains("<b>学透"),
            "{page}"
        );
        let seen = hidden(&page, "seen");
        let accepted = [("text", "已整改到位"), ("seen", seen.as_str())];
        let (status, page) = supervisor
            .parts(&format!("{path}/acts/accept"), &accepted, None)
            .await;
        assert!(status == 422 && page.contains("还有 1 项"), "{page}");
        // The one who has to learn it, those above, and a person asked for by number see the chain.
        for (who, path) in [
            (&owner, "/cases/chain"),
            (&supervisor, "/cases/chain"),
            (&supervisor, "/cases/chain?person=4"),
        ] {
            let (status, page) = who.get(path).await;
            assert!(
                status == 200 && page.contains("程序不规范") && page.contains("参加培训"),
                "{path}: {page}"
            );
        }
        let (_, page) = supervisor.get("/cases/chain?person=99").await;
        assert!(
            page.contains("aria-invalid") && !page.contains("程序不规范"),
            "{page}"
        );
        let (_, page) = lonely.get("/cases/chain?person=4").await;
        assert!(
            !page.contains("程序不规范"),
            "whoever may not look there sees nothing: {page}"
        );
        let told = async || {
            let (status, answer) = supervisor.get(&format!("/api/v1{path}")).await;
            assert_eq!(status, 200, "{answer}");
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            answer["remedies"][0].clone()
        };
        let open = told().await;
        assert_eq!(
            (&open["code"], &open["needed"], &open["met_on"]),
            (&"class".into(), &true.into(), &serde_json::Value::Null)
        );
        h.attended(h.owner, h.env.today()).await;
        let today = kernel::format_date(h.env.today());
        assert_eq!(told().await["met_on"], today, "programs see what met it");
        let (_, page) = owner.get("/cases/chain").await;
        assert!(page.contains("已有记录"), "{page}");
        let (_, page) = supervisor.get(&path).await;
        assert!(
            page.contains("已有记录") && !page.contains("撤销理由"),
            "{page}"
        );
    })
    .await;
}
