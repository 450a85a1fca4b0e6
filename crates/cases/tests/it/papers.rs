//! Papers with the words of packs, what caused what, the public list, many evaluations at once.

use cases::{Act, CaseKinds, Raise, Reporter, Said};
use commons::packs::Packs;
use kernel::Id;
use testkit::{on_both, on_postgres};

use crate::house::{House, Sees as _, Who, hidden, migrations, refused, why};

fn because(text: &str) -> Said {
    Said {
        text: text.into(),
        ..Said::default()
    }
}

#[tokio::test]
async fn a_paper_takes_its_own_number_and_stays_as_it_was() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("窗口等候偏长")).await.unwrap();
        h.act(id, h.assigned(), h.supervisor).await.unwrap();
        let [supervisor, owner, lonely] = [h.supervisor, h.owner, h.lonely].map(|w| h.app(w));
        let at = format!("/cases/{id}");
        let paper = |code: &str| format!("{at}/papers/{code}");
        assert_eq!(
            owner.post(&paper("notice"), &[]).await.0,
            403,
            "the other side sends it"
        );
        assert_eq!(supervisor.post(&paper("feedback"), &[]).await.0, 403);
        assert_eq!(lonely.post(&paper("notice"), &[]).await.0, 404);
        assert_eq!(supervisor.post(&paper("other"), &[]).await.0, 404);
        for code in ["notice", "notice", "urging"] {
            assert_eq!(supervisor.post(&paper(code), &[]).await.0, 303);
        }
        assert_eq!(owner.post(&paper("feedback"), &[]).await.0, 303);
        let issued: Vec<String> = h.whole(id).await.events.iter().filter_map(number).collect();
        assert_eq!(
            issued,
            [
                "ZGTZ-2026-0001",
                "ZGTZ-2026-0002",
                "DBD-2026-0001",
                "FKH-2026-0001"
            ],
            "each sort counts for itself"
        );
        let (_, page) = owner.get(&at).await;
        assert!(page.contains("印发整改通知书（ZGTZ-2026-0001）"), "{page}");
        let file = page.rsplit_once("/files/").unwrap().1;
        let file = format!("{at}/files/{}", &file[..64]);
        let (status, before) = owner.bytes(&file).await;
        assert!(status == 200 && before.starts_with(b"PK"));
        t.clock.advance(40 * 86_400);
        h.act(id, h.planned(), h.owner).await.unwrap();
        assert_eq!(
            owner.bytes(&file).await.1,
            before,
            "what was issued never changes"
        );
        assert!(
            h.told(h.owner)
                .await
                .contains(&"cases-notice-paper".to_owned())
        );
    })
    .await;
}

fn number(e: &cases::Event) -> Option<String> {
    match &e.act {
        Act::PaperIssued { number, .. } => Some(number.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn two_nodes_never_issue_the_same_number() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let far = h.node(&t).await;
        let (one, two) = (h.problem("问题一"), h.problem("问题二"));
        let ids = [h.raise(&one).await.unwrap(), h.raise(&two).await.unwrap()];
        let issue = async |h: &House, id: Id| {
            let path = format!("/cases/{id}/papers/urging");
            h.app(h.supervisor).post(&path, &[]).await.0
        };
        let done = futures::join!(issue(&h, ids[0]), issue(&far, ids[1]));
        assert_eq!(done, (303, 303));
        let mut numbers = Vec::new();
        for id in ids {
            numbers.extend(h.whole(id).await.events.iter().filter_map(number));
        }
        numbers.sort();
        assert_eq!(numbers, ["DBD-2026-0001", "DBD-2026-0002"]);
    })
    .await;
}

#[test]
fn a_mistake_in_a_paper_of_a_pack_is_told_with_its_line() {
    let own = include_str!("../../../../packs/cases-cn.toml");
    for (right, wrong, key) in [
        (
            "《{title}》（{number}）的整改",
            "《{nobody}》的整改",
            "cases-pack-place",
        ),
        ("FKH-{year}-{n}", "FKH-{year}", "cases-pack-number"),
        (
            "kinds = [\"problem\", \"risk\"",
            "kinds = [\"none\", \"risk\"",
            "cases-pack-paper-kind",
        ),
    ] {
        assert!(own.contains(right), "{right}");
        let text = own.replace(right, wrong);
        let packs = Packs::load(vec![("cases-cn.toml".to_owned(), text.clone())]).unwrap();
        let problems = CaseKinds::read(&packs).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].reason.key, key);
        let line = text.lines().nth(problems[0].line - 1).unwrap();
        assert_eq!(line, "[[case-paper]]", "the place is that of the paper");
    }
}

#[tokio::test]
async fn what_caused_it_is_named_and_never_goes_round() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut ids = Vec::new();
        for title in ["问题一", "问题二", "问题三"] {
            ids.push(h.raise(&h.problem(title)).await.unwrap());
        }
        let trace = async |id: Id, number: &str, who: Who| {
            let said = because("追根溯源");
            let (eyes, actor) = (who.eyes(), who.actor());
            h.cases.trace(id, number, &said, &eyes, &actor).await
        };
        let number = async |id: Id| h.whole(id).await.matter.number;
        let [one, two, three] = [
            number(ids[0]).await,
            number(ids[1]).await,
            number(ids[2]).await,
        ];
        trace(ids[0], &two, h.supervisor).await.unwrap();
        trace(ids[1], &three, h.supervisor).await.unwrap();
        for (id, number, key) in [
            (ids[0], two.as_str(), "cases-cause-known"),
            (ids[0], one.as_str(), "cases-cause-self"),
            (ids[2], one.as_str(), "cases-cause-round"),
            (ids[0], "ZG-1", "cases-duplicate-unknown"),
        ] {
            let refused_now = refused(trace(id, number, h.supervisor).await);
            assert_eq!(refused_now, why("cause", key));
        }
        assert_eq!(
            refused(trace(ids[0], &three, h.lonely).await),
            why("", "not-found")
        );
        let (_, page) = h.app(h.supervisor).get(&format!("/cases/{}", ids[1])).await;
        assert!(
            page.contains("根源于：") && page.contains("引发："),
            "{page}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_public_list_is_somebodys_decision_at_the_end_of_the_ladder() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let told = Raise {
            reporter: Some(Reporter {
                name: "举报人甲".into(),
                contact: String::new(),
                confidential: true,
            }),
            ..h.problem("有人反映的事")
        };
        let (id, secret) = (
            h.raise(&h.problem("久拖不改")).await.unwrap(),
            h.raise(&told).await.unwrap(),
        );
        for id in [id, secret] {
            h.act(id, h.assigned(), h.supervisor).await.unwrap();
        }
        let expose = async |id: Id, on: bool, who: Who| {
            let said = because("逾期未改");
            let (eyes, actor) = (who.eyes(), who.actor());
            h.cases.expose(id, on, &said, &eyes, &actor).await
        };
        let early = refused(expose(id, true, h.supervisor).await);
        assert_eq!(early, why("conflict", "cases-expose-early"));
        // Far behind its day; the clock climbs the ladder and puts nothing on the list.
        t.clock.advance(120 * 86_400);
        while h.cases.remind().await.unwrap() == 0 {
            t.clock.advance(86_400);
        }
        let anybody = h.app(h.lonely);
        assert!(
            anybody
                .get("/cases/exposed")
                .await
                .1
                .contains("目前没有列入曝光的问题")
        );
        assert_eq!(
            refused(expose(id, true, h.owner).await),
            why("", "forbidden")
        );
        let hidden_one = refused(expose(secret, true, h.supervisor).await);
        assert_eq!(hidden_one, why("conflict", "cases-expose-confidential"));
        expose(id, true, h.supervisor).await.unwrap();
        let twice = refused(expose(id, true, h.supervisor).await);
        assert_eq!(twice, why("conflict", "cases-moved-on"));
        let (_, page) = anybody.get("/cases/exposed").await;
        assert!(
            page.contains("久拖不改") && !page.contains("有人反映的事"),
            "{page}"
        );
        assert!(
            !page.contains(&format!("/cases/{id}")),
            "who may not see it has no link"
        );
        let (_, page) = h.app(h.supervisor).get("/cases/exposed").await;
        assert!(page.contains(&format!("/cases/{id}")), "{page}");
        assert!(
            h.told(h.owner)
                .await
                .contains(&"cases-notice-exposed".to_owned())
        );
        // Mended and accepted it stands there no more.
        h.act(id, h.planned(), h.owner).await.unwrap();
        let on = h.env.today();
        h.act(id, Act::MeasureDone { no: 1, on }, h.owner)
            .await
            .unwrap();
        h.act(id, Act::MeasureDone { no: 2, on }, h.lonely)
            .await
            .unwrap();
        h.act(id, Act::Submitted, h.owner).await.unwrap();
        h.act(id, Act::Accepted, h.second).await.unwrap();
        assert!(!anybody.get("/cases/exposed").await.1.contains("久拖不改"));
        assert!(
            h.acts(id).await.contains(&"exposed"),
            "that it stood there stays"
        );
    })
    .await;
}

#[tokio::test]
async fn many_evaluations_come_in_whole_or_not_at_all() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut ids = Vec::new();
        for n in 0..3 {
            let raise = Raise {
                kind: "hotline".into(),
                severity: "common".into(),
                values: [("order".to_owned(), format!("X-{n}"))].into(),
                ..h.problem(&format!("工单{n}"))
            };
            let id = h.raise(&raise).await.unwrap();
            h.act(id, h.assigned(), h.supervisor).await.unwrap();
            ids.push(id);
        }
        for id in &ids[..2] {
            h.act(*id, Act::Submitted, h.owner).await.unwrap();
            h.act(*id, Act::Accepted, h.second).await.unwrap();
        }
        let app = h.app(h.supervisor);
        assert_eq!(h.app(h.owner).get("/cases/evaluations").await.0, 404);
        let send = async |csv: &str| {
            let file = Some(("回访.csv", csv.as_bytes()));
            app.parts("/cases/evaluations", &[], file).await
        };
        let publish = async |page: &str| {
            let (id, sheet) = (hidden(page, "id"), hidden(page, "sheet"));
            let sent = [("id", id.as_str()), ("sheet", sheet.as_str())];
            app.post("/cases/evaluations/publish", &sent).await
        };
        let bad = "编号,一次性办好,群众满意,说明\nRX-2026-0001,是,也许,电话\nRX-2026-0003,是,,\nRX-9,是,,\nRX-2026-0002,,,\n";
        let (status, page) = send(bad).await;
        assert_eq!(status, 200, "{page}");
        for cell in ["C2", "A3", "A4", "A5"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        assert!(hidden(&page, "sheet").is_empty(), "nothing can be sent on");
        let good = "编号,一次性办好,群众满意,说明\nRX-2026-0001,是,不满意,电话\nRX-2026-0002,,满意,<b>回访</b>\n";
        let (_, page) = send(good).await;
        assert!(page.contains("登记 2 件回访"), "{page}");
        assert_eq!(publish(&page).await.0, 303);
        let facts = h.facts(ids[0]).await;
        let has = |kind: &str, role: &str| facts.contains(&(kind.to_owned(), role.to_owned()));
        assert!(has("case-praised", "done-at-once") && has("case-asked", "satisfied"));
        assert!(!has("case-praised", "satisfied"), "asked, and not satisfied");
        let (_, page) = app.get(&format!("/cases/{}", ids[1])).await;
        assert!(page.contains("&lt;b&gt;回访"), "{page}");
        assert_eq!(h.audited("case.imported").await, 1);
    })
    .await;
}
