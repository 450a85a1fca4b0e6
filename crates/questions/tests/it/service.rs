//! The bank on both engines.

use std::collections::HashSet;

use kernel::words::Words;
use kernel::{Id, Scope};
use questions::formats::{Format, Item, Limits};
use questions::{Counts, Filter, Key, Kind, Likeness, Question, State, Verdict};
use testkit::{on_both, on_postgres};
use web::table::{Order, Window};

use crate::house::{House, migrations, numbered, refused};

const ORDER: Order = Order {
    by: "changed",
    down: true,
};

fn no_note(_: &Item) -> String {
    "第1行：没有标出正确选项".into()
}

#[tokio::test]
async fn a_question_is_used_once_somebody_else_accepted_it_and_every_version_stays() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let q = &h.questions;
        let id = h.write(&t, &numbered(1)).await;
        let point = q.points(&Scope::All).await.unwrap();
        let paths: Vec<&str> = point.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(paths, ["", "行政法", "行政法/诉讼"]);
        let root = point[0].id;
        let pick = async || {
            q.pick(root, Kind::Single, &[], 9, &HashSet::new(), 7)
                .await
                .unwrap()
        };
        assert_eq!(pick().await, Vec::<Id>::new(), "a draft is drawn by nobody");
        let decide = async |version, verdict, by| {
            let done = q
                .decide(&[(id, version)], verdict, &Scope::All, by)
                .await
                .unwrap();
            done[0].1.as_ref().map(|m| m.key)
        };
        assert_eq!(
            decide(1, Verdict::Accept, h.reviewer).await,
            Some("question-state-other")
        );
        assert_eq!(decide(1, Verdict::Propose, h.writer).await, None);
        assert_eq!(
            decide(1, Verdict::Accept, h.writer).await,
            Some("question-review-own")
        );
        assert_eq!(
            decide(2, Verdict::Accept, h.reviewer).await,
            Some("question-changed")
        );
        assert_eq!(decide(1, Verdict::Accept, h.reviewer).await, None);
        assert_eq!(pick().await, [id]);
        let changed = Question {
            explanation: "补充解析".into(),
            difficulty: Some(5),
            ..numbered(1)
        };
        let write = async |before| h.put(id, before, &changed, &Scope::All).await;
        write(Some(1)).await.unwrap();
        assert_eq!(
            refused(write(Some(1)).await),
            [("conflict".into(), "question-changed")]
        );
        let used = q.in_use(&[id]).await.unwrap();
        assert_eq!(
            (used[&id].version, used[&id].question.difficulty),
            (1, Some(2))
        );
        assert_eq!(
            pick().await,
            [id],
            "what is in use stays until the new version is accepted"
        );
        assert_eq!(decide(2, Verdict::Propose, h.writer).await, None);
        assert_eq!(
            decide(2, Verdict::Return("难度不对"), h.reviewer).await,
            None
        );
        assert_eq!(decide(2, Verdict::Propose, h.writer).await, None);
        assert_eq!(decide(2, Verdict::Accept, h.reviewer).await, None);
        let counted = q.available(&[root]).await.unwrap();
        assert_eq!(
            (counted.len(), counted[0].difficulty, counted[0].count),
            (1, 5, 1)
        );
        let papers = q.at_versions(&[(id, 1), (id, 2)]).await.unwrap();
        assert_eq!(papers[&(id, 1)].explanation, "");
        assert_eq!(papers[&(id, 2)].explanation, "补充解析");
        assert_eq!(
            decide(2, Verdict::Retire("法条已废止"), h.reviewer).await,
            None
        );
        assert_eq!(pick().await, Vec::<Id>::new());
        let opened = q.open(id, &Scope::All, h.reviewer).await.unwrap();
        let acts: Vec<&str> = opened.acts.iter().rev().map(|a| a.act.as_str()).collect();
        let all = [
            "written", "proposed", "accepted", "written", "proposed", "returned", "proposed",
            "accepted", "retired",
        ];
        assert_eq!(acts, all);
        assert_eq!(opened.versions.len(), 2);
        assert_eq!(h.audited("questions.accepted").await, 2);
        assert_eq!(h.audited("questions.looked").await, 0);
        let outside = Scope::Under(vec![h.elsewhere]);
        assert_eq!(
            refused(q.open(id, &outside, h.writer).await.map(|_| ())),
            [(String::new(), "not-found")]
        );
        let empty = q
            .decide(&[(id, 2)], Verdict::Propose, &outside, h.writer)
            .await
            .unwrap();
        assert!(empty.is_empty());
    })
    .await;
}

#[tokio::test]
async fn faults_twins_and_foreign_banks_are_refused() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.write(&t, &numbered(1)).await;
        let write = async |question: &Question, scope: &Scope| {
            h.put(t.env.new_id(), None, question, scope).await
        };
        let mut twin = numbered(1);
        twin.options.reverse();
        twin.key = Key::Choices("C".parse().unwrap());
        assert_eq!(
            refused(write(&twin, &Scope::All).await),
            [("stem".into(), "question-twice")]
        );
        let faulty = Question {
            key: Key::None,
            ..numbered(2)
        };
        assert_eq!(
            refused(write(&faulty, &Scope::All).await),
            [("key".into(), "question-none-right")]
        );
        let outside = Scope::Under(vec![h.elsewhere]);
        assert_eq!(
            refused(write(&numbered(3), &outside).await),
            [(String::new(), "not-found")]
        );
        let named = questions::Bank {
            id: t.env.new_id(),
            ..h.bank.clone()
        };
        let kept = h.questions.keep_bank(&named, &Scope::All, h.writer).await;
        assert_eq!(refused(kept), [("name".into(), "question-bank-taken")]);
        let sealed = questions::Bank {
            sealed: true,
            ..h.bank.clone()
        };
        h.questions
            .keep_bank(&sealed, &Scope::All, h.writer)
            .await
            .unwrap();
        let id = h.write(&t, &numbered(4)).await;
        h.questions.open(id, &Scope::All, h.reviewer).await.unwrap();
        assert_eq!(h.audited("questions.looked").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_import_loses_nothing_and_brings_nothing_twice() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let q = &h.questions;
        h.write(&t, &numbered(1)).await;
        let mut near = numbered(2);
        near.stem.push('吗');
        let mut others = numbered(3);
        others.options = numbered(30).options;
        let faulty = Question {
            key: Key::None,
            ..numbered(4)
        };
        let all = [
            numbered(1),
            numbered(2),
            near,
            numbered(3),
            others,
            faulty,
            numbered(2),
        ];
        let file = questions::formats::write(Format::Jsonl, &all)
            .unwrap()
            .bytes;
        let plan = async || {
            q.plan(
                "题.jsonl",
                file.clone(),
                Limits::default(),
                h.bank.id,
                &Scope::All,
            )
            .await
            .unwrap()
        };
        let planned = plan().await;
        let like: Vec<Option<Likeness>> = planned
            .items
            .iter()
            .map(|p| p.twin.map(|(l, _)| l))
            .collect();
        use Likeness::{Near, Same, SameStem};
        assert_eq!(
            like,
            [
                Some(Same),
                None,
                Some(Near),
                None,
                Some(SameStem),
                None,
                Some(Same)
            ]
        );
        let counts = Counts {
            imported: 3,
            quarantined: 1,
            duplicates: 3,
        };
        assert_eq!(planned.counts(false), counts);
        let publish = async || h.publish(&planned, State::Draft).await;
        assert_eq!(publish().await, counts);
        let again = publish().await;
        assert_eq!(
            (again.imported, again.quarantined, again.duplicates),
            (0, 0, 7),
            "sent twice it brings nothing"
        );
        let state = |state| Filter {
            state: Some(state),
            ..Filter::default()
        };
        let window = Window::new(1, 20);
        let none = Words::new("");
        let (heads, total) = q
            .page(
                &Scope::All,
                &state(State::Quarantined),
                &none,
                ORDER,
                window,
            )
            .await
            .unwrap();
        assert_eq!(total, 1);
        let opened = q.open(heads[0].id, &Scope::All, h.writer).await.unwrap();
        assert_eq!(opened.versions[0].note, "第1行：没有标出正确选项");
        // Mended on the page it is a draft like any other.
        let id = heads[0].id;
        h.put(id, Some(1), &numbered(4), &Scope::All).await.unwrap();
        let (_, total) = q
            .page(&Scope::All, &state(State::Draft), &none, ORDER, window)
            .await
            .unwrap();
        assert_eq!(total, 5);
        let word: String = numbered(3).stem.chars().skip(5).take(3).collect();
        let (found, _) = q
            .page(
                &Scope::All,
                &Filter::default(),
                &Words::new(&word),
                ORDER,
                window,
            )
            .await
            .unwrap();
        assert!(found.len() >= 2 && found.iter().all(|f| f.stem.contains(&word)));
        let outside = Scope::Under(vec![h.elsewhere]);
        let (_, total) = q
            .page(
                &outside,
                &Filter::default(),
                &Words::new(&word),
                ORDER,
                window,
            )
            .await
            .unwrap();
        assert_eq!(total, 0);
        let ids: Vec<Id> = found.iter().map(|f| f.id).collect();
        let alike = q.alike(&ids).await.unwrap();
        assert_eq!(
            alike.iter().map(|(_, _, l)| *l).collect::<Vec<_>>(),
            [SameStem]
        );
        let written = q
            .export(
                Format::Jsonl,
                &Scope::All,
                &Filter::default(),
                &none,
                ORDER,
                h.writer,
            )
            .await
            .unwrap();
        let back = questions::formats::read("x.jsonl", &written.bytes, Limits::default()).unwrap();
        assert_eq!((written.lost.len(), back.items.len()), (0, 5));
        let counts = q
            .import("题.jsonl", file.clone(), h.bank.id, &no_note)
            .await
            .unwrap();
        assert_eq!(
            counts.duplicates, 7,
            "the near twin again, and all that are there"
        );
        assert_eq!(h.audited("questions.imported").await, 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_drawn_is_in_the_subtree_without_repeats_and_the_same_for_a_seed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let q = &h.questions;
        let all: Vec<Question> = (0..60).map(numbered).collect();
        let file = questions::formats::write(Format::Jsonl, &all)
            .unwrap()
            .bytes;
        let plan = q
            .plan("x.jsonl", file, Limits::default(), h.bank.id, &Scope::All)
            .await
            .unwrap();
        h.publish(&plan, State::InUse).await;
        let points = q.points(&Scope::All).await.unwrap();
        let at = |path: &str| points.iter().find(|p| p.path == path).unwrap().id;
        let count = async |path: &str| -> i64 {
            let rows = q.available(&[at(path)]).await.unwrap();
            rows.iter().map(|a| a.count).sum()
        };
        assert_eq!(
            (
                count("").await,
                count("行政法").await,
                count("行政法/复议").await
            ),
            (60, 60, 30)
        );
        let pick = async |path: &str, levels: &[i64], n, but: &HashSet<Id>, seed| {
            q.pick(at(path), Kind::Single, levels, n, but, seed)
                .await
                .unwrap()
        };
        let none = HashSet::new();
        let first = pick("行政法/复议", &[], 10, &none, 1).await;
        assert_eq!(first, pick("行政法/复议", &[], 10, &none, 1).await);
        assert_ne!(first, pick("行政法/复议", &[], 10, &none, 2).await);
        let but: HashSet<Id> = first.iter().copied().collect();
        assert_eq!(but.len(), 10);
        let rest = pick("行政法/复议", &[], 99, &but, 3).await;
        assert_eq!(rest.len(), 20);
        assert!(rest.iter().all(|id| !but.contains(id)));
        let contents = q.in_use(&first).await.unwrap();
        assert!(
            contents
                .values()
                .all(|v| v.question.points == ["行政法/复议"])
        );
        let easy = pick("", &[1, 2], 99, &none, 4).await;
        let contents = q.in_use(&easy).await.unwrap();
        assert_eq!(easy.len(), 24);
        assert!(
            contents
                .values()
                .all(|v| v.question.difficulty.is_some_and(|d| d <= 2))
        );
    })
    .await;
}

#[tokio::test]
async fn two_nodes_that_import_the_same_file_bring_it_once() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.second(&t).await;
        let all: Vec<Question> = (0..20).map(numbered).collect();
        let file = questions::formats::write(Format::Jsonl, &all)
            .unwrap()
            .bytes;
        let import = async |node: &House| {
            node.questions
                .import("x.jsonl", file.clone(), h.bank.id, &no_note)
                .await
                .unwrap()
        };
        let (one, two) = tokio::join!(import(&h), import(&other));
        assert_eq!(one.imported + two.imported, 20);
        assert_eq!(one.duplicates + two.duplicates, 20);
        let (_, total) = h
            .questions
            .page(
                &Scope::All,
                &Filter::default(),
                &Words::new(""),
                ORDER,
                Window::new(1, 5),
            )
            .await
            .unwrap();
        assert_eq!(total, 20);
    })
    .await;
}
