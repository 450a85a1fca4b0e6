//! Letters by forms: given out, signed, countersigned, replaced; who has not signed.

use commitments::LetterKinds;
use commons::packs::Packs;
use testkit::{on_both, on_postgres, on_sqlite};

use crate::house::{App, House, PASSWORD, migrations};

fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&mark).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Gives letters out; where the round is.
async fn issue(app: &App, more: &[(&str, &str)]) -> (u16, String) {
    let (_, page) = app.get("/commitments/new").await;
    let id = hidden(&page, "id");
    let usual = [("id", id.as_str()), ("unit", "B"), ("due", "2026-12-01")];
    app.post("/commitments/rounds", &[&usual, more].concat())
        .await
}

/// The address of one's letter of the latest round.
fn mine(page: &str) -> String {
    let at = page.find("/commitments/letters/").expect("a letter");
    page[at..at + "/commitments/letters/".len() + 36].to_owned()
}

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(h.modules(), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[test]
fn every_mistake_of_a_pack_is_named() {
    let own = include_str!("../../../../packs/commitments-cn.toml");
    for (from, to, key) in [
        ("{focus}", "{aim}", "commitments-pack-field"),
        ("keep-years = 10", "keep-years = 0", "commitments-pack-text"),
        (
            "code = \"integrity-pledge\"",
            "code = \"party-conduct-responsibility\"",
            "commitments-pack-code",
        ),
        ("pairs = true\n", "", "commitments-pack-field"),
    ] {
        let text = own.replacen(from, to, 1);
        assert_ne!(text, own);
        let packs = Packs::load(vec![("x.toml".into(), text)]).unwrap();
        let told = LetterKinds::read(&packs).unwrap_err();
        assert!(
            told.iter().any(|p| p.reason.key == key && p.line > 10),
            "{from}: {told:?}"
        );
    }
}

#[tokio::test]
async fn a_pledge_is_signed_by_oneself_with_the_password_and_becomes_a_fact_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [head, member, other] = [h.head, h.member, h.heads[1]].map(|w| h.app(w));
        assert_eq!(member.get("/commitments/new").await.0, 404);
        let wrong = issue(
            &head,
            &[
                ("kind", "integrity-pledge"),
                ("title", "承诺书"),
                ("whom", "heads"),
            ],
        )
        .await;
        assert!(wrong.0 == 422 && wrong.1.contains("逐级签"), "{}", wrong.1);
        let (status, round) = issue(
            &head,
            &[
                ("kind", "integrity-pledge"),
                ("title", "2026年<廉洁>承诺书"),
                ("whom", "all"),
            ],
        )
        .await;
        assert_eq!(status, 303, "{round}");
        assert_eq!(member.get(&round).await.0, 404);
        assert!(head.get(&round).await.1.contains("应签 4 份，已签 0 份"));
        assert_eq!(h.told(h.member).await, ["commitments-notice-sign"]);
        let letter = mine(&member.get("/commitments").await.1);
        assert_eq!(other.get(&letter).await.0, 404, "it is somebody else's");
        let (_, page) = member.get(&letter).await;
        assert!(
            page.contains("我是单位O1人员4") && page.contains("________"),
            "{page}"
        );
        // The head may look, but nobody signs for another.
        assert_eq!(head.get(&letter).await.0, 200);
        assert_eq!(head.post(&letter, &[("password", PASSWORD)]).await.0, 404);
        let (status, page) = member
            .post(&letter, &[("password", "x"), ("v-note", "无兼职")])
            .await;
        assert!(
            status == 422 && page.contains("无兼职") && !page.contains("value=\"x\""),
            "{page}"
        );
        assert_eq!(
            member
                .post(&letter, &[("password", PASSWORD), ("v-note", "无兼职")])
                .await
                .0,
            303
        );
        let twice = member.post(&letter, &[("password", PASSWORD)]).await;
        assert!(
            twice.0 == 422 && twice.1.contains("已经签过"),
            "{}",
            twice.1
        );
        let (_, page) = member.get(&letter).await;
        assert!(
            page.contains("补充说明：无兼职") && page.contains("签名摘要"),
            "{page}"
        );
        let mut tx = h.db.read().await.unwrap();
        let id = letter.rsplit('/').next().unwrap().parse().unwrap();
        let facts = h.ledger.standing(&mut tx, id).await.unwrap();
        drop(tx);
        assert_eq!(facts.len(), 1);
        assert_eq!(
            (facts[0].kind.as_str(), facts[0].person),
            ("pledge", Some(h.member.person))
        );
        let (_, page) = head.get(&format!("{round}?show=unsigned")).await;
        assert!(page.contains("人员2") && !page.contains("人员4"), "{page}");
        for paper in [
            format!("{letter}/paper.docx"),
            format!("{round}/letters.xlsx?show=unsigned"),
        ] {
            let (status, bytes, _) = head.send("GET", &paper, String::new()).await;
            assert!(status == 200 && bytes.starts_with(b"PK"), "{paper}");
        }
        assert_eq!(head.post(&format!("{round}/acts/urge"), &[]).await.0, 303);
        assert_eq!(h.told(h.heads[0]).await.len(), 2);
        assert_eq!(
            h.told(h.member).await.len(),
            1,
            "who signed is not reminded"
        );
        // A new one takes its place: the old one takes no more signatures, what is signed stays.
        let old = round.rsplit('/').next().unwrap();
        let again = [
            ("kind", "integrity-pledge"),
            ("title", "2026年承诺书（修订）"),
            ("whom", "all"),
            ("replaces", old),
        ];
        let (status, new) = issue(&head, &again).await;
        assert_eq!(status, 303, "{new}");
        assert_eq!(issue(&head, &again).await.0, 422, "it was replaced already");
        assert!(head.get(&round).await.1.contains("已更新"));
        let late = h.commitments.own(h.heads[1].person).await.unwrap();
        let late = late
            .iter()
            .find(|(l, r)| r.id.to_string() == old && !l.is_whole())
            .unwrap()
            .0
            .href();
        let refused = other.post(&late, &[("password", PASSWORD)]).await;
        assert!(
            refused.0 == 422 && refused.1.contains("不在签订中"),
            "{}",
            refused.1
        );
        assert!(head.get(&new).await.1.contains("应签 4 份，已签 0 份"));
        assert_eq!(head.get(&letter).await.0, 200, "the signed one stays");
        assert_eq!(head.get("/api/v1/commitments").await.0, 200);
        assert_eq!(member.get("/api/v1/commitments").await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_letter_of_responsibility_goes_down_level_by_level_and_needs_both() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [head, below, member] = [h.head, h.heads[0], h.member].map(|w| h.app(w));
        let more = [
            ("kind", "party-conduct-responsibility"),
            ("title", "责任书"),
            ("whom", "heads"),
        ];
        let (status, round) = issue(&head, &more).await;
        assert_eq!(status, 303, "{round}");
        assert!(
            head.get(&round).await.1.contains("应签 2 份"),
            "one each office, with who is in charge of the bureau"
        );
        assert!(member.get("/commitments").await.1.contains("没有要签的"));
        let letter = mine(&below.get("/commitments").await.1);
        assert_eq!(
            h.commitments.waiting(h.head.person).await.unwrap().len(),
            0,
            "the subordinate comes first"
        );
        let early = head.post(&letter, &[("password", PASSWORD)]).await;
        assert!(
            early.0 == 422 && early.1.contains("下级还没有签"),
            "{}",
            early.1
        );
        let (status, page) = below.post(&letter, &[("password", PASSWORD)]).await;
        assert!(status == 422 && page.contains("请填写"), "{page}");
        assert_eq!(
            below
                .post(&letter, &[("password", PASSWORD), ("v-focus", "窗口作风")])
                .await
                .0,
            303
        );
        let id = letter.rsplit('/').next().unwrap().parse().unwrap();
        let standing = async || {
            let mut tx = h.db.read().await.unwrap();
            h.ledger.standing(&mut tx, id).await.unwrap()
        };
        assert_eq!(standing().await.len(), 0, "one signature is not enough");
        assert_eq!(h.commitments.waiting(h.head.person).await.unwrap().len(), 1);
        assert!(
            h.told(h.head)
                .await
                .contains(&"commitments-notice-counter".to_owned())
        );
        assert_eq!(head.post(&letter, &[("password", PASSWORD)]).await.0, 303);
        let facts = standing().await;
        assert_eq!(
            (facts.len(), facts[0].person, facts[0].other),
            (1, Some(h.heads[0].person), Some(h.head.person))
        );
        assert_eq!(
            head.post(&letter, &[("password", PASSWORD)]).await.0,
            422,
            "countersigned once"
        );
        // Reminders before the last day and after it, each once, to those for whom it waits.
        t.clock.advance(9 * 24 * 3600);
        for _ in 0..2 {
            h.commitments.remind().await.unwrap();
        }
        t.clock.advance(3 * 24 * 3600);
        for _ in 0..2 {
            h.commitments.remind().await.unwrap();
        }
        let told = h.told(h.heads[1]).await;
        assert_eq!(
            told,
            [
                "commitments-notice-late",
                "commitments-notice-urge",
                "commitments-notice-sign"
            ]
        );
        assert_eq!(h.told(h.heads[0]).await, ["commitments-notice-sign"]);
        assert_eq!(head.post(&format!("{round}/acts/close"), &[]).await.0, 303);
        assert_eq!(head.post(&format!("{round}/acts/close"), &[]).await.0, 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_signatures_at_once_are_one() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let more = [
            ("kind", "integrity-pledge"),
            ("title", "承诺书"),
            ("whom", "all"),
        ];
        assert_eq!(issue(&h.app(h.head), &more).await.0, 303);
        let (letter, _) = h.commitments.own(h.member.person).await.unwrap().remove(0);
        let (given, actor) = (Default::default(), h.member.account.into());
        let sign = || {
            h.commitments
                .sign(letter.id, h.member.person, &given, PASSWORD, &actor)
        };
        let (a, b) = tokio::join!(sign(), sign());
        let lost = if a.is_ok() { b } else { a };
        assert!(matches!(lost, Err(kernel::Error::Conflict(_))), "{lost:?}");
        let mut tx = h.db.read().await.unwrap();
        assert_eq!(
            h.ledger.standing(&mut tx, letter.id).await.unwrap().len(),
            1
        );
    })
    .await;
}
