//! Reports that the clock drafts: once, whoever runs, and nobody's until somebody keeps them.

use db::args;
use identity::{Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use kernel::{ReportId, Scope};
use reports::State;
use testkit::{TestDb, on_both};

use crate::house::{House, day, migrations};

const DAY: i64 = 86_400;

/// Somebody who may write reports on everything.
async fn writer(h: &House, t: &TestDb) {
    let identity = Identity::new(t.db.clone(), t.env.clone(), SecuritySettings::default());
    let text = "[pack]\ncode = \"r\"\nversion = \"1\"\nname = { zh = \"r\", en = \"r\" }\n[[role]]\ncode = \"writer\"\nname = { zh = \"写\", en = \"Writer\" }\npermissions = [\"report.write\"]\n";
    let packs = commons::packs::Packs::load(vec![("r.toml".into(), text.into())]).unwrap();
    let roles = Roles::read(&packs, &["report.write"]).unwrap();
    identity.sync_roles(&roles).await.unwrap();
    let new = NewAccount {
        login: "writer".into(),
        person: Some(h.people[0]),
        unit: None,
        password: NewPassword::None,
        grants: vec![NewGrant {
            role: "writer".into(),
            unit: h.top,
            from: day(2024, 1, 1),
            to: None,
        }],
    };
    let nobody = identity::Actor::default();
    let made = identity.create_account(&nobody, &new, &Scope::All);
    made.await.unwrap();
}

/// The drafts: id and title.
async fn drafts(t: &TestDb) -> Vec<(ReportId, String)> {
    let mut tx = t.db.read().await.unwrap();
    let sql = "SELECT id, title FROM report WHERE state = 'draft' ORDER BY title";
    let rows = tx.query(sql, args![]).await.unwrap();
    let row = |r: &db::Row| (r.get(0).unwrap(), r.get(1).unwrap());
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn each_unit_gets_one_draft_a_week_whoever_drafts() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        writer(&h, &t).await;
        let other = h.on_another(&t).await;
        assert_eq!(
            h.reports.draft_due().await.unwrap(),
            0,
            "every week is off until a legal basis switches it on"
        );
        let case = h.let_weekly(&t).await;
        let (a, b) = tokio::join!(h.reports.draft_due(), other.draft_due());
        assert_eq!(a.unwrap() + b.unwrap(), 3);
        assert_eq!(h.reports.draft_due().await.unwrap(), 0);
        let found = drafts(&t).await;
        let titles: Vec<&str> = found.iter().map(|(_, title)| title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "乙科2026年11月9日至11月15日学习周报",
                "澜州市司法局2026年11月9日至11月15日学习周报",
                "甲科2026年11月9日至11月15日学习周报",
            ]
        );
        let drafted = h.reports.report(found[0].0, &Scope::All).await.unwrap();
        assert_eq!(crate::house::texts(&drafted.body.figures), ["1"]);
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM notice";
        let told: i64 = tx.one(sql, args![]).await.unwrap().get(0).unwrap();
        assert_eq!(told, 3);
        drop(tx);
        // The week that ends is drafted from Monday on.
        t.clock.advance(2 * DAY);
        assert_eq!(h.reports.draft_due().await.unwrap(), 0);
        t.clock.advance(DAY);
        assert_eq!(other.draft_due().await.unwrap(), 3);
        assert_eq!(h.reports.draft_due().await.unwrap(), 0);
        // Taken back, nothing more is drafted.
        let guard = guard::Guard::new(t.db.clone(), t.env.clone(), h.org.clone());
        guard
            .end(case, "不再需要", &Scope::All, h.clerk)
            .await
            .unwrap();
        t.clock.advance(7 * DAY);
        assert_eq!(h.reports.draft_due().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_draft_waits_until_somebody_keeps_or_drops_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.let_weekly(&t).await;
        assert_eq!(h.reports.draft_due().await.unwrap(), 3);
        let found = drafts(&t).await;
        let (kept, dropped) = (found[0].0, found[1].0);
        let (reader, app) = (h.app(&t, Scope::All, false), h.app(&t, Scope::All, true));
        let path = format!("/reports/{kept}");
        // It is there for those who may write, and nothing of it leaves.
        reader.get(&path, 404).await;
        assert!(
            reader
                .get("/reports?drafts=1", 200)
                .await
                .contains("还没有报告")
        );
        h.app(&t, Scope::Under(vec![h.a]), true)
            .get(&path, 404)
            .await;
        assert!(!app.get("/reports", 200).await.contains("周报</a>"));
        assert_eq!(
            app.get("/reports?drafts=1", 200)
                .await
                .matches("学习周报</a>")
                .count(),
            3
        );
        let page = app.get(&path, 200).await;
        assert!(
            page.contains("自动起草的草稿") && !page.contains("report.docx"),
            "{page}"
        );
        for out in ["report.docx", "report.xlsx", "paper"] {
            app.get(&format!("{path}/{out}"), 404).await;
        }
        app.get(&format!("/api/v1/reports/{kept}"), 404).await;
        // Kept, it is a report like any other, with the figures of the draft.
        let before = h.reports.report(kept, &Scope::All).await.unwrap();
        h.reverse_last(&t).await;
        let decision = format!("{path}/decision");
        reader.post(&decision, &[("decision", "keep")], 404).await;
        app.post(&decision, &[("decision", "keep")], 303).await;
        app.post(&decision, &[("decision", "drop")], 409).await;
        let after = h.reports.report(kept, &Scope::All).await.unwrap();
        assert_eq!((after.state, after.created_by), (State::Kept, h.clerk));
        assert_eq!((&after.body, after.as_of), (&before.body, before.as_of));
        assert!(reader.get("/reports", 200).await.contains("学习周报"));
        // Dropped, it is gone and not drafted again.
        let decision = format!("/reports/{dropped}/decision");
        app.post(&decision, &[("decision", "drop")], 303).await;
        app.get(&format!("/reports/{dropped}"), 404).await;
        assert_eq!(h.reports.draft_due().await.unwrap(), 0);
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT action FROM audit WHERE object_kind = 'report' ORDER BY id";
        let rows = tx.query(sql, args![]).await.unwrap();
        let actions: Vec<String> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        let drafted = "report.drafted";
        assert_eq!(
            actions,
            [drafted, drafted, drafted, "report.made", "report.dropped"]
        );
    })
    .await;
}
