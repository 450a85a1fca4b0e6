//! A project from its proposal to its facts.

use jiff::ToSpan;
use kernel::{Error, Id};
use projects::{NewEntry, Outcome, State, What};
use testkit::{on_both, on_postgres};

use crate::house::{House, Sees as _, Who, migrations};

fn entry(h: &House, what: What, text: &str) -> NewEntry {
    NewEntry {
        id: h.env.new_id(),
        what,
        day: h.today(),
        place: String::new(),
        heard: String::new(),
        text: text.into(),
    }
}

pub async fn write(h: &House, id: Id, who: Who, what: What, text: &str) -> Id {
    let (eyes, actor) = (who.eyes(), who.actor());
    let new = entry(h, what, text);
    let done = h.projects.write_down(id, &new, &[], (&eyes, &actor));
    done.await.unwrap()
}

async fn state(h: &House, id: Id) -> (State, String) {
    let p = h.projects.project(id, &h.officer.eyes()).await.unwrap();
    (p.project.state, p.project.stage)
}

fn refused<T: std::fmt::Debug>(done: kernel::Result<T>) -> &'static str {
    match done.unwrap_err() {
        Error::Conflict(m) => m.key,
        Error::Invalid(all) => all[0].message.key,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_project_is_approved_by_another_run_by_milestones_reviewed_and_becomes_facts() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (eyes, actor, by) = (h.officer.eyes(), h.officer.actor(), h.officer.by());
        let run = (&eyes, &actor);
        let mine = (h.member.eyes(), h.member.actor());
        let me = (&mine.0, &mine.1);
        let id = h
            .proposed("innovation-topics", "说理式执法", h.leader)
            .await;
        assert_eq!(h.kinds_of(id).await, [""; 0]);
        // Refused, it can be mended; approved by somebody else it has a number.
        h.projects.ask_start(id, None, &eyes, &by).await.unwrap();
        let twice = h.projects.ask_start(id, None, &eyes, &by).await;
        assert_eq!(refused(twice), "projects-moved-on");
        assert!(
            !h.waits_for(h.leader).await,
            "who leads it does not approve it"
        );
        h.decide(h.second, "refuse").await;
        assert_eq!(state(&h, id).await.0, State::Draft);
        h.projects.ask_start(id, None, &eyes, &by).await.unwrap();
        h.decide(h.second, "agree").await;
        assert_eq!(state(&h, id).await, (State::Running, "study".to_owned()));
        let started = h.standing(id).await;
        assert_eq!(started.len(), 1);
        assert_eq!(
            (
                started[0].kind.as_str(),
                started[0].category.as_deref(),
                started[0].role.as_deref()
            ),
            (
                "project-started",
                Some("innovation-topics"),
                Some("municipal")
            )
        );
        assert_eq!(started[0].person, Some(h.leader.person), "it is theirs");
        assert!(
            h.told(h.member)
                .await
                .contains(&"projects-notice-started".to_owned())
        );
        // The stage is not left before what it needs is there.
        let early = h.projects.advance(id, None, run).await;
        assert_eq!(refused(early), "projects-needs-settled");
        write(&h, id, h.member, What::Note, "完成问卷").await;
        // A member sees and writes without any role; somebody else does not see it at all.
        let far = h.far.eyes();
        assert!(matches!(
            h.projects.project(id, &far).await,
            Err(Error::NotFound)
        ));
        // The owner asks for more time; the day that was set first stays.
        let until = h.today().saturating_add(45.days());
        let beyond = h.today().saturating_add(90.days());
        let ask = async |until| {
            h.projects
                .ask_time(id, 1, (until, "等数据"), (&mine.0, &h.member.by()))
                .await
        };
        assert_eq!(refused(ask(beyond).await), "projects-until-beyond");
        ask(until).await.unwrap();
        assert_eq!(refused(ask(until).await), "projects-time-waits");
        h.decide(h.leader, "agree").await;
        let w = h.projects.project(id, &eyes).await.unwrap();
        let m = &w.milestones[0];
        assert_eq!(
            (m.due, m.until),
            (h.today().saturating_add(30.days()), until)
        );
        assert_eq!(w.more[0].by.as_deref(), Some("人员2"));
        // Late milestones are told to their owner, then to who leads, each once.
        t.clock.advance(47 * 24 * 3600);
        for _ in 0..2 {
            h.projects.remind().await.unwrap();
        }
        let late = |told: Vec<String>| told.iter().filter(|k| *k == "projects-notice-late").count();
        assert_eq!(
            (late(h.told(h.member).await), late(h.told(h.leader).await)),
            (1, 1)
        );
        assert_eq!(
            h.projects.waiting(&mine.0, h.today()).await.unwrap().len(),
            1
        );
        let page = projects_done(&h, id, me).await;
        assert_eq!(page, Ok(()));
        let again = projects_done(&h, id, me).await;
        assert_eq!(again, Err("projects-milestone-settled"));
        assert_eq!(
            h.projects.waiting(&mine.0, h.today()).await.unwrap().len(),
            0
        );
        h.projects.advance(id, None, run).await.unwrap();
        let early = h
            .projects
            .hand_in(id, None, (Outcome::Reached, "达到"), (&eyes, &by))
            .await;
        assert_eq!(refused(early), "projects-needs-results");
        // Results need evidence here; a result that is taken back counts no more.
        let result = write(&h, id, h.member, What::Result, "办法一部").await;
        assert_eq!(h.kinds_of(result).await, ["project-entry"]);
        let bare = h
            .projects
            .hand_in(id, None, (Outcome::Reached, "达到"), (&eyes, &by))
            .await;
        assert_eq!(refused(bare), "projects-needs-evidence");

        h.projects.strike(id, result, "写错", run).await.unwrap();
        assert_eq!(h.kinds_of(result).await, [""; 0]);
        assert_eq!(
            refused(h.projects.strike(id, result, "写错", run).await),
            "projects-struck-before"
        );
        let held = h.files.hold("rule").await.unwrap();
        let file = desk::Waiting {
            held,
            name: "办法.pdf".into(),
        };
        let new = entry(&h, What::Result, "办法印发");
        for _ in 0..2 {
            h.projects
                .write_down(id, &new, std::slice::from_ref(&file), me)
                .await
                .unwrap();
        }
        assert_eq!(h.standing(new.id).await[0].evidence.len(), 1);
        h.projects
            .contribute(id, h.member.person, "执笔", me)
            .await
            .unwrap();
        let other = h.projects.contribute(id, h.leader.person, "x", me).await;
        assert!(matches!(other, Err(Error::Forbidden)));
        h.projects
            .hand_in(id, None, (Outcome::Reached, "达到目标"), (&eyes, &by))
            .await
            .unwrap();
        h.decide(h.second, "agree").await;
        assert_eq!(state(&h, id).await.0, State::Closed);
        let facts = h.standing(id).await;
        let kinds: Vec<&str> = facts.iter().map(|f| f.kind.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "project",
                "project-member",
                "project-member",
                "project-on-time",
                "project-started"
            ]
        );
        assert_eq!(facts[0].role.as_deref(), Some("reached"));
        assert!(
            facts
                .iter()
                .any(|f| f.person == Some(h.member.person) && f.role.as_deref() == Some("member"))
        );
        // Only who reviews opens it again; its facts are taken back, its beginning stays.
        let not = h.projects.reopen(id, None, "x", run).await;
        assert!(matches!(not, Err(Error::Forbidden)));
        let (eyes, actor) = (h.leader.eyes(), h.leader.actor());
        h.projects
            .reopen(id, None, "材料有误", (&eyes, &actor))
            .await
            .unwrap();
        assert_eq!(h.kinds_of(id).await, ["project-started"]);
        assert_eq!(state(&h, id).await.0, State::Running);
    })
    .await;
}

async fn projects_done(
    h: &House,
    id: Id,
    by: (&projects::Eyes, &identity::Actor),
) -> Result<(), &'static str> {
    match h.projects.milestone_done(id, 1, h.today(), by).await {
        Ok(()) => Ok(()),
        Err(Error::Conflict(m)) => Err(m.key),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_is_late_or_ended_is_no_project_in_time() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (eyes, actor, by) = (h.officer.eyes(), h.officer.actor(), h.officer.by());
        let run = (&eyes, &actor);
        // Ended before its last stage, with a reason: no milestone has to be settled.
        let id = h.running("innovation-topics", "提前终止").await;
        let early = h
            .projects
            .hand_in(id, None, (Outcome::Partly, "部分"), (&eyes, &by))
            .await;
        assert_eq!(refused(early), "projects-stages-first");
        let why = h
            .projects
            .hand_in(id, None, (Outcome::Ended, " "), (&eyes, &by))
            .await;
        assert_eq!(refused(why), "projects-text-needed");
        let ended = (Outcome::Ended, "上级另有部署");
        h.projects
            .hand_in(id, None, ended, (&eyes, &by))
            .await
            .unwrap();
        h.decide(h.second, "refuse").await;
        assert_eq!(
            state(&h, id).await.0,
            State::Running,
            "what was refused goes on"
        );
        h.projects
            .hand_in(id, None, ended, (&eyes, &by))
            .await
            .unwrap();
        h.decide(h.second, "agree").await;
        let kinds = h.kinds_of(id).await;
        assert!(
            kinds.contains(&"project".to_owned()) && !kinds.contains(&"project-on-time".to_owned()),
            "{kinds:?}"
        );
        // Reached, but late: the end of the project is extended by another only.
        let id = h.running("hands-on-projects", "晚了").await;
        write(&h, id, h.member, What::Note, "驻点").await;
        h.projects
            .milestone_done(id, 1, h.today(), run)
            .await
            .unwrap();
        h.projects.advance(id, None, run).await.unwrap();
        write(&h, id, h.member, What::Result, "成效").await;
        t.clock.advance(61 * 24 * 3600);
        h.projects.remind().await.unwrap();
        assert!(
            h.told(h.leader)
                .await
                .contains(&"projects-notice-over".to_owned())
        );
        let filter = projects::Filter {
            late: Some(h.today()),
            ..Default::default()
        };
        let order = web::table::Order {
            by: "due",
            down: false,
        };
        let window = web::table::Window::new(1, 10);
        let (late, _) = h
            .projects
            .list(&filter, &eyes, order, window)
            .await
            .unwrap();
        assert_eq!(late, 1);
        h.projects
            .hand_in(id, None, (Outcome::Reached, "完成"), (&eyes, &by))
            .await
            .unwrap();
        h.decide(h.second, "agree").await;
        let kinds = h.kinds_of(id).await;
        assert!(
            kinds.contains(&"project".to_owned()) && !kinds.contains(&"project-on-time".to_owned()),
            "{kinds:?}"
        );
        // What was approved keeps its days and goals; a new lead is another matter.
        let id = h.running("hands-on-projects", "不许改").await;
        let seen = async || h.projects.project(id, &eyes).await.unwrap().project;
        let p = seen().await;
        let mut other = p.content.clone();
        other.goals = "别的目标".into();
        let what = (&other, p.lead);
        assert_eq!(
            refused(h.projects.change(id, p.version, what, "x", run).await),
            "projects-goals-fixed"
        );
        other = p.content.clone();
        other.due = other.due.saturating_add(9.days());
        let what = (&other, p.lead);
        assert_eq!(
            refused(h.projects.change(id, p.version, what, "x", run).await),
            "projects-days-fixed"
        );
        let what = (&p.content, h.second.person);
        assert_eq!(
            refused(h.projects.change(id, p.version, what, "", run).await),
            "projects-text-needed"
        );
        h.projects
            .change(id, p.version, what, "分工调整", run)
            .await
            .unwrap();
        assert_eq!(seen().await.lead, h.second.person);
        assert_eq!(
            refused(h.projects.change(id, p.version, what, "x", run).await),
            "projects-moved-on"
        );
        let members = h.projects.project(id, &eyes).await.unwrap().members;
        let there = |who: Who| {
            members
                .iter()
                .any(|m| m.person == who.person && m.left_on.is_none())
        };
        assert!(there(h.second) && !there(h.leader), "one leads");
        let two = h.projects.take_in(id, (h.leader.person, "lead"), run).await;
        assert_eq!(refused(two), "projects-lead-stays");
        // Who owes a milestone sees the project though they are no member of it.
        let far = (h.far.eyes(), h.far.actor());
        let unseen = h.projects.project(id, &far.0).await;
        assert!(matches!(unseen, Err(Error::NotFound)));
        let due = h.today().saturating_add(10.days());
        let owed = ("报送数据", h.far.person, due);
        let no = h.projects.add_milestone(id, owed, run).await.unwrap();
        let by = (&far.0, &far.1);
        h.projects
            .milestone_done(id, no, h.today(), by)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_give_two_numbers_and_settle_once() {
    on_postgres(&migrations(), |t| async move {
        let a = House::new(&t).await;
        let b = a.node(&t).await;
        let (eyes, by) = (a.officer.eyes(), a.officer.by());
        let mut ids = Vec::new();
        for title in ["甲项", "乙项"] {
            let id = a.proposed("hands-on-projects", title, a.member).await;
            a.projects.ask_start(id, None, &eyes, &by).await.unwrap();
            ids.push(id);
        }
        // The same head of the list may be taken by both: then one of them lost and the other one decides again.
        let (x, y) = tokio::join!(b.try_decide(b.leader, 0), a.try_decide(a.second, 1));
        assert!(x && y);
        let mut numbers = Vec::new();
        for id in &ids {
            let w = a.projects.project(*id, &eyes).await.unwrap();
            numbers.push(w.project.number.unwrap());
        }
        numbers.sort();
        let year = a.today().year();
        assert_eq!(
            numbers,
            [format!("SSL-{year}-001"), format!("SSL-{year}-002")]
        );
        let (eyes, actor) = (a.member.eyes(), a.member.actor());
        let by = (&eyes, &actor);
        let (x, y) = tokio::join!(
            a.projects.milestone_done(ids[0], 1, a.today(), by),
            b.projects.milestone_done(ids[0], 1, a.today(), by)
        );
        let lost = if x.is_ok() { y } else { x };
        assert_eq!(refused(lost), "projects-milestone-settled");
    })
    .await;
}
