//! Figures of many: what the database works out equals a recount of every attempt by the rules in words.

use std::collections::{BTreeMap, HashMap, HashSet};

use db::{Args, transaction};
use exams::{Mark, Shows, Takes};
use kernel::{Id, Scope, UnitId};
use questions::{Kind, Scored};
use serde_json::Value;
use testkit::{TestDb, on_both};

use crate::making::draw;
use crate::office::{App, Bureau, migrations};

/// How many sat, and how many questions there are.
const MANY: usize = 120;
const ITEMS: u16 = 3;

/// An attempt that was made up: submitted, void, and each revision of its marks.
struct Tried {
    id: Id,
    submitted: bool,
    void: bool,
    marks: Vec<Vec<Mark>>,
}

struct Sat {
    candidate: Id,
    unit: Option<UnitId>,
    number: String,
    tried: Vec<Tried>,
}

fn points(marks: &[Mark]) -> i64 {
    marks.iter().map(|m| m.scored.points).sum()
}

fn waits(marks: &[Mark]) -> bool {
    marks.iter().any(|m| m.scored.needs_person)
}

/// The marks that count of somebody, by the rule in words.
fn counting(sat: &Sat, takes: Takes) -> Option<(Id, &[Mark])> {
    let stand = sat.tried.iter().filter(|t| t.submitted && !t.void);
    let stand: Vec<(Id, &[Mark])> = stand
        .map(|t| (t.id, t.marks.last().unwrap().as_slice()))
        .collect();
    let best = stand.iter().map(|(_, m)| points(m)).max()?;
    let chosen = match takes {
        Takes::First => stand.first(),
        Takes::Last => stand.last(),
        Takes::Best if stand.iter().any(|(_, m)| waits(m)) => None,
        Takes::Best => stand.iter().find(|(_, m)| points(m) == best),
    };
    chosen.copied().filter(|(_, m)| !waits(m))
}

fn state(sat: &Sat, takes: Takes) -> &'static str {
    match counting(sat, takes) {
        Some((_, m)) if points(m) >= 4_000 => "passed",
        Some(_) => "failed",
        None if sat.tried.is_empty() => "absent",
        None if sat.tried.iter().any(|t| !t.submitted) => "sitting",
        None if sat.tried.iter().all(|t| t.void) => "void",
        None => "waiting",
    }
}

fn made_up(t: &TestDb, b: &Bureau) -> Vec<Sat> {
    let dice = |sides: u8| t.env.random::<1>()[0] % sides;
    let marks = |waits: bool| -> Vec<Mark> {
        let one = |item| {
            let right = dice(2) == 0;
            let points = if right { 2_000 } else { 0 };
            Mark {
                item,
                full: 2_000,
                scored: Scored {
                    points,
                    right,
                    needs_person: waits && item == 1,
                },
            }
        };
        (1..=ITEMS).map(one).collect()
    };
    let tried = |open: bool| Tried {
        id: t.env.new_id(),
        submitted: !open,
        void: !open && dice(5) == 0,
        marks: match open {
            true => Vec::new(),
            false => (0..=dice(3)).map(|_| marks(dice(7) == 0)).collect(),
        },
    };
    let sat = |n: usize| {
        let count = dice(4);
        Sat {
            candidate: t.env.new_id(),
            unit: [Some(b.offices[0]), Some(b.offices[1]), Some(b.bureau), None][n % 4],
            // Some have the same number: the order goes on by another.
            number: format!("{:03}", n / 2),
            tried: (0..count)
                .map(|n| tried(n + 1 == count && dice(6) == 0))
                .collect(),
        }
    };
    (0..MANY).map(sat).collect()
}

async fn write(t: &TestDb, exam: Id, all: &[Sat]) {
    let now = t.env.now();
    let id = || t.env.new_id::<Id>();
    let by = id();
    let mut candidates = Args::new();
    let (mut attempts, mut results, mut voids) = (Args::new(), Args::new(), Args::new());
    for sat in all {
        candidates.push(sat.candidate);
        candidates.push(exam);
        candidates.push(sat.unit);
        candidates.push(format!("考生{}", sat.number));
        candidates.push(&sat.number);
        candidates.push(0i64);
        candidates.push(0i64);
        candidates.push(now);
        candidates.push(by);
        for (n, tried) in (1i64..).zip(&sat.tried) {
            attempts.push(tried.id);
            attempts.push(exam);
            attempts.push(sat.candidate);
            attempts.push(n);
            attempts.push(n);
            attempts.push(now);
            attempts.push(now);
            attempts.push("");
            attempts.push(1i64);
            attempts.push(now);
            attempts.push(tried.submitted.then_some(now));
            if tried.void {
                voids.push(tried.id);
                voids.push(exam);
                voids.push("替考");
                voids.push(now);
                voids.push(by);
            }
            for (revision, marks) in (1i64..).zip(&tried.marks) {
                results.push(tried.id);
                results.push(revision);
                results.push(points(marks));
                results.push(i64::from(ITEMS) * 2_000);
                results.push(0i64);
                results.push(marks.iter().filter(|m| m.scored.right).count() as i64);
                results.push(i64::from(waits(marks)));
                results.push(serde_json::to_string(marks).unwrap());
                results.push(vec![0u8; 32]);
                results.push("");
                results.push(now);
            }
        }
    }
    transaction!(t.db, |tx| {
        tx.insert_many(
            "INSERT INTO exam_candidate (id, exam, unit, name, number, extra, more, made_at, made_by) VALUES",
            9,
            "",
            candidates.clone(),
        )
        .await?;
        tx.insert_many(
            "INSERT INTO exam_attempt (id, exam, candidate, number, seed, began, deadline, device, seat, seen, submitted) VALUES",
            11,
            "",
            attempts.clone(),
        )
        .await?;
        tx.insert_many(
            "INSERT INTO exam_result (attempt, revision, points, total, answered, correct, waiting, marks, receipt, reason, at) VALUES",
            11,
            "",
            results.clone(),
        )
        .await?;
        tx.insert_many(
            "INSERT INTO exam_void (attempt, exam, reason, made_at, made_by) VALUES",
            5,
            "",
            voids.clone(),
        )
        .await
    })
    .unwrap();
}

/// Every row of the list behind an address: its parts by turning the pages forth, and those of the way back.
async fn leafed(app: &App, first: &str) -> (Vec<String>, Vec<String>) {
    let links = |page: &str| -> Vec<String> {
        let parts = page.split("<td class=\"full\">").skip(1);
        let texts = parts.filter(|p| p.contains("data-label=\"工号或编号\""));
        texts
            .map(|p| p.split("</tr>").next().unwrap().to_owned())
            .collect()
    };
    let to = |page: &str, rel: &str| -> Option<String> {
        let at = page.split_once(&format!("\" rel=\"{rel}\""))?.0;
        Some(at.rsplit_once("href=\"")?.1.replace("&amp;", "&"))
    };
    let (mut forth, mut pages) = (Vec::new(), Vec::new());
    let mut at = first.to_owned();
    loop {
        let page = app.get(&at).await.page(200);
        pages.push(links(&page));
        forth.extend(links(&page));
        match to(&page, "next") {
            Some(next) => at = next,
            None => break,
        }
    }
    let mut back = pages.pop().unwrap();
    loop {
        let page = app.get(&at).await.page(200);
        let Some(previous) = to(&page, "prev") else {
            break;
        };
        at = previous;
        let page = app.get(&at).await.page(200);
        let mut before = links(&page);
        before.append(&mut back);
        back = before;
    }
    (forth, back)
}

#[tokio::test]
async fn figures_lists_and_tallies_equal_a_recount() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        b.stock(&t, usize::from(ITEMS), Kind::Single, "刑法", 2).await;
        for takes in [Takes::Best, Takes::Last, Takes::First] {
            let id: Id = t.env.new_id();
            let terms = exams::Terms {
                shows: Shows::ByHand,
                takes,
                ..b.terms(&t)
            };
            b.office
                .make(id, &terms, &Default::default(), &Scope::All, b.clerk)
                .await
                .unwrap();
            draw(&b, &t, id, "业务题库：刑法", "3").await;
            b.office.publish(id, 2, &Scope::All, b.clerk).await.unwrap();
            let mut all = made_up(&t, &b);
            write(&t, id, &all).await;
            t.clock.advance(7_300);
            // The figures of all, and of each unit.
            let api = app.get(&format!("/api/v1/exams/{id}/results")).await;
            let api: Value = serde_json::from_slice(&api.bytes).unwrap();
            let count = |which: &dyn Fn(&&Sat) -> bool| all.iter().filter(which).count();
            let counted = count(&|s| counting(s, takes).is_some());
            let passed = count(&|s| state(s, takes) == "passed");
            let sat = count(&|s| !s.tried.is_empty());
            let told = serde_json::json!({ "admitted": MANY, "sat": sat, "counted": counted, "passed": passed });
            assert_eq!(api["figures"], told);
            let ids: HashSet<String> = all.iter().filter_map(|s| Some(counting(s, takes)?.0.to_string())).collect();
            let listed: HashSet<String> = api["items"].as_array().unwrap().iter().map(|i| i["attempt"].as_str().unwrap().to_owned()).collect();
            assert_eq!(listed, ids);
            let page = app.get(&format!("/exams/{id}/results")).await.page(200);
            for unit in [b.offices[0], b.offices[1]] {
                let own = |s: &&Sat| s.unit == Some(unit);
                let counted = count(&|s| own(s) && counting(s, takes).is_some());
                let passed = count(&|s| own(s) && state(s, takes) == "passed");
                let row = page.split("<tr>").find(|row| row.contains(&format!("results?unit={unit}"))).unwrap();
                assert!(row.contains(&format!("{passed}/{counted}")), "{row}");
            }
            // Leafing forth and back meets everybody once, in the order that was asked for.
            let by_name: HashMap<String, usize> = {
                let mut names = HashMap::new();
                for sat in &all {
                    *names.entry(format!("考生{}", sat.number)).or_insert(0) += 1;
                }
                names
            };
            for sort in ["", "?sort=-points", "?sort=at"] {
                let (forth, back) = leafed(&app, &format!("/exams/{id}/results{sort}")).await;
                assert_eq!(forth.len(), MANY, "{sort}");
                assert_eq!(forth, back, "{sort}");
                let mut met: HashMap<String, usize> = HashMap::new();
                for row in &forth {
                    let name = row.split_once("考生").unwrap().1;
                    *met.entry(format!("考生{}", &name[..3])).or_insert(0) += 1;
                }
                assert_eq!(met, by_name);
            }
            for wanted in ["passed", "failed", "absent", "sitting", "void", "waiting"] {
                let expected = count(&|s| state(s, takes) == wanted);
                let (forth, _) = leafed(&app, &format!("/exams/{id}/results?state={wanted}")).await;
                assert_eq!(forth.len(), expected, "{wanted}");
            }
            assert_eq!(app.get(&format!("/exams/{id}/results.xlsx?sort=-points")).await.status, 200);
            // How each question went, before and after some are made void or marked anew.
            for round in 0..2 {
                let page = app.get(&format!("/exams/{id}/items")).await.page(200);
                let mut tallies: BTreeMap<u16, (usize, usize)> = BTreeMap::new();
                for marks in all.iter().filter_map(|s| Some(counting(s, takes)?.1)) {
                    for m in marks {
                        let of = tallies.entry(m.item).or_default();
                        *of = (of.0 + 1, of.1 + usize::from(m.scored.right));
                    }
                }
                for (asked, right) in tallies.values() {
                    assert!(page.contains(&format!("{right}/{asked}")), "{round}: {right}/{asked} {page}");
                }
                let chosen: Vec<Id> = all
                    .iter()
                    .filter_map(|s| Some(counting(s, takes)?.0))
                    .step_by(3)
                    .collect();
                if round == 0 {
                    for attempt in chosen.into_iter().take(5) {
                        b.office.void(attempt, true, "替考", &Scope::All, b.clerk).await.unwrap();
                        let mut tried = all.iter_mut().flat_map(|s| &mut s.tried);
                        tried.find(|t| t.id == attempt).unwrap().void = true;
                    }
                }
            }
        }
    })
    .await;
}
