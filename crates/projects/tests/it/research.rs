//! Research: field work, a report reviewed by another, problems that become cases, recommendations that are adopted.

use kernel::{Error, Id};
use projects::{NewEntry, What, Written};
use testkit::{on_both, on_postgres};

use crate::house::{House, Sees as _, Who, migrations};

fn written(problems: &str, advice: &str) -> Written {
    Written {
        overview: "基本情况".into(),
        problems: problems.into(),
        causes: "原因".into(),
        advice: advice.into(),
    }
}

fn refused<T: std::fmt::Debug>(done: kernel::Result<T>) -> &'static str {
    match done.unwrap_err() {
        Error::Conflict(m) => m.key,
        Error::Invalid(all) => all[0].message.key,
        other => panic!("{other}"),
    }
}

async fn field(h: &House, id: Id, who: Who, what: What, heard: &str) -> kernel::Result<Id> {
    let new = NewEntry {
        id: h.env.new_id(),
        what,
        day: h.today(),
        place: "澜东县".into(),
        heard: heard.into(),
        text: "记录".into(),
    };
    let (eyes, actor) = (who.eyes(), who.actor());
    h.projects.write_down(id, &new, &[], (&eyes, &actor)).await
}

#[tokio::test]
async fn research_visits_hears_reports_and_shows_what_was_solved() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (eyes, actor) = (h.officer.eyes(), h.officer.actor());
        let run = (&eyes, &actor);
        let mine = (h.member.eyes(), h.member.actor());
        let me = (&mine.0, &mine.1);
        let head = (h.leader.eyes(), h.leader.actor());
        let reviews = (&head.0, &head.1);
        let id = h.running("research", "基层人手").await;
        // Only research has field work; a hearing says who was heard.
        let other = h.running("hands-on-projects", "实干").await;
        assert_eq!(
            refused(field(&h, other, h.member, What::Visit, "").await),
            "projects-choice-unknown"
        );
        assert_eq!(
            refused(field(&h, id, h.member, What::Hearing, " ").await),
            "projects-text-needed"
        );
        assert_eq!(
            refused(h.projects.advance(id, None, run).await),
            "projects-needs-visits"
        );
        let visit = field(&h, id, h.member, What::Visit, "").await.unwrap();
        field(&h, id, h.member, What::Hearing, "司法所长 12 人")
            .await
            .unwrap();
        let facts = h.standing(visit).await;
        assert_eq!(
            (
                facts[0].kind.as_str(),
                facts[0].category.as_deref(),
                facts[0].role.as_deref()
            ),
            ("project-entry", Some("research-reports"), Some("visit"))
        );
        h.projects.advance(id, None, run).await.unwrap();
        // Written by a member, sent, returned, written again, accepted by who wrote none of it.
        assert_eq!(
            refused(
                h.projects
                    .write_report(id, &written("", "统一标准"), me)
                    .await
            ),
            "projects-lines-wrong"
        );
        let first = written("人手不足\n标准不一", "统一标准\n增加编制");
        assert_eq!(h.projects.write_report(id, &first, me).await.unwrap(), 1);
        let early = h.projects.raise_problem(id, 1, h.county, run).await;
        assert_eq!(refused(early), "projects-report-first");
        h.projects.send_report(id, 1, me).await.unwrap();
        assert_eq!(
            h.projects.waiting(&head.0, h.today()).await.unwrap().len(),
            1
        );
        assert_eq!(
            refused(h.projects.write_report(id, &first, me).await),
            "projects-report-waits"
        );
        assert!(matches!(
            h.projects.review_report(id, 1, (true, ""), run).await,
            Err(Error::Forbidden)
        ));
        assert_eq!(
            refused(h.projects.review_report(id, 1, (false, ""), reviews).await),
            "projects-text-needed"
        );
        h.projects
            .review_report(id, 1, (false, "请补数字"), reviews)
            .await
            .unwrap();
        assert_eq!(h.kinds_of(id).await, ["project-started"]);
        // A leader who writes a version reviews no version any more.
        let second = written("2. 标准不统一\n1. 人手不足\n车辆不足", "1. 统一标准");
        assert_eq!(
            h.projects.write_report(id, &second, reviews).await.unwrap(),
            2
        );
        h.projects.send_report(id, 2, me).await.unwrap();
        let own = h.projects.review_report(id, 2, (true, ""), reviews).await;
        assert_eq!(refused(own), "projects-own-report");
        let other = (h.second.eyes(), h.second.actor());
        let accepts = (&other.0, &other.1);
        h.projects
            .review_report(id, 2, (true, ""), accepts)
            .await
            .unwrap();
        assert_eq!(
            h.kinds_of(id).await,
            ["project-advice", "project-report", "project-started"]
        );
        let w = h.projects.project(id, &eyes).await.unwrap();
        let problems: Vec<(i64, &str)> = w
            .accepted()
            .unwrap()
            .parts
            .problems
            .iter()
            .map(|l| (l.no, l.text.as_str()))
            .collect();
        assert_eq!(
            problems,
            [(2, "标准不统一"), (1, "人手不足"), (3, "车辆不足")]
        );
        // Problems become cases once; what came of them is read from the facts of the case.
        h.projects
            .raise_problem(id, 1, h.county, run)
            .await
            .unwrap();
        assert_eq!(
            refused(h.projects.raise_problem(id, 1, h.county, run).await),
            "projects-raised-before"
        );
        h.projects
            .raise_problem(id, 3, h.county, run)
            .await
            .unwrap();
        let lost = h
            .projects
            .write_report(id, &written("2. 标准不统一", "1. 统一标准"), me)
            .await;
        assert_eq!(refused(lost), "projects-line-used");
        let w = h.projects.project(id, &eyes).await.unwrap();
        let problem = w.problems[0].id;
        assert_eq!(h.kinds_of(problem).await, ["project-problem"]);
        assert_eq!(h.projects.settle_found().await.unwrap(), 0);
        h.problems.end(&h.db, false).await;
        assert_eq!(
            h.projects.settle_found().await.unwrap(),
            0,
            "what was transferred is not solved"
        );
        h.problems.end(&h.db, true).await;
        assert_eq!(h.projects.settle_found().await.unwrap(), 2);
        assert_eq!(h.projects.settle_found().await.unwrap(), 0, "counted once");
        assert_eq!(
            h.kinds_of(problem).await,
            ["project-problem", "project-solved"]
        );
        h.problems.again(&h.db).await;
        assert_eq!(h.projects.settle_found().await.unwrap(), 2);
        assert_eq!(h.kinds_of(problem).await, ["project-problem"]);
        // A recommendation is adopted once, and that can be taken back.
        let adopt = async || {
            h.projects
                .adopt(id, 1, ("澜司发〔2026〕8号", h.today()), run)
                .await
        };
        adopt().await.unwrap();
        assert_eq!(refused(adopt().await), "projects-adopted-before");
        let adopted = h.projects.project(id, &eyes).await.unwrap().adopted[0].id;
        assert_eq!(h.kinds_of(adopted).await, ["advice-adopted"]);
        h.projects.unadopt(id, 1, "文件未印发", run).await.unwrap();
        assert_eq!(h.kinds_of(adopted).await, [""; 0]);
        adopt().await.unwrap();
        assert!(matches!(
            h.projects.adopt(id, 2, ("x", h.today()), run).await,
            Err(Error::NotFound)
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_raise_a_problem_once_and_count_it_once() {
    on_postgres(&migrations(), |t| async move {
        let a = House::new(&t).await;
        let id = a.running("research", "基层人手").await;
        let mine = (a.member.eyes(), a.member.actor());
        let me = (&mine.0, &mine.1);
        a.projects
            .write_report(id, &written("人手不足", "增编"), me)
            .await
            .unwrap();
        a.projects.send_report(id, 1, me).await.unwrap();
        let head = (a.leader.eyes(), a.leader.actor());
        a.projects
            .review_report(id, 1, (true, ""), (&head.0, &head.1))
            .await
            .unwrap();
        let b = a.node(&t).await;
        let (eyes, actor) = (a.officer.eyes(), a.officer.actor());
        let run = (&eyes, &actor);
        let (x, y) = tokio::join!(
            a.projects.raise_problem(id, 1, a.county, run),
            b.projects.raise_problem(id, 1, a.county, run)
        );
        assert_eq!(x.is_ok() as u8 + y.is_ok() as u8, 1, "{x:?} {y:?}");
        let winner = if x.is_ok() { &a } else { &b };
        winner.problems.end(&a.db, true).await;
        let (x, y) = tokio::join!(a.projects.settle_found(), b.projects.settle_found());
        assert_eq!(x.unwrap() + y.unwrap(), 1);
        let problem = a.projects.project(id, &eyes).await.unwrap().problems[0].id;
        assert_eq!(
            a.kinds_of(problem).await,
            ["project-problem", "project-solved"]
        );
    })
    .await;
}
