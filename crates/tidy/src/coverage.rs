//! `docs/coverage.csv`: what the project set out to do, where it does it and which test proves it.
//!
//! Columns: `id,status,where,proof`. Status is `open`, `part` or `done`. `where` names files or
//! folders, `proof` names tests as `path/of/file.rs::name_of_test`; several are parted by spaces.

use crate::{Files, Problems};

const TABLE: &str = "docs/coverage.csv";
const HEADER: &str = "id,status,where,proof";
/// How many rows each of the five groups has.
const GROUPS: [(&str, usize); 5] = [("S1", 63), ("S2", 76), ("S3", 50), ("S4", 128), ("S5", 45)];

/// Complete, unique, and every claim has a test that exists.
pub fn check(files: &Files) -> Problems {
    let Some(table) = files.get(TABLE).and_then(|f| f.text()) else {
        return vec![format!("{TABLE} does not exist")];
    };
    let mut lines = table.lines();
    if lines.next() != Some(HEADER) {
        return vec![format!("{TABLE}: the first line is not {HEADER}")];
    }
    let mut problems = Problems::new();
    let mut ids = Vec::new();
    for line in lines {
        let columns: Vec<_> = line.split(',').collect();
        ids.push(columns[0].to_owned());
        let [id, status, places, proofs] = columns[..] else {
            problems.push(format!("{TABLE}: not four columns: {line}"));
            continue;
        };
        let mut report = |what: String| problems.push(format!("{TABLE}: {id}: {what}"));
        let (needs_place, needs_proof) = match status {
            "open" => (false, false),
            "part" => (true, false),
            "done" => (true, true),
            _ => {
                report(format!("unknown status {status}"));
                continue;
            }
        };
        if needs_place && places.is_empty() {
            report("says nothing of where".into());
        }
        if needs_proof && proofs.is_empty() {
            report("has no proof".into());
        }
        for place in places
            .split_whitespace()
            .filter(|place| !exists(files, place))
        {
            report(format!("{place} does not exist"));
        }
        for proof in proofs
            .split_whitespace()
            .filter(|proof| !is_test(files, proof))
        {
            report(format!("{proof} is not a test"));
        }
    }
    let expected: Vec<String> = GROUPS
        .iter()
        .flat_map(|(group, rows)| (1..=*rows).map(move |n| format!("{group}-{n:03}")))
        .collect();
    for id in expected.iter().filter(|id| !ids.contains(id)) {
        problems.push(format!("{TABLE}: {id} is missing"));
    }
    if problems.is_empty() && ids != expected {
        problems.push(format!("{TABLE}: the ids are not unique and in order"));
    }
    problems
}

fn exists(files: &Files, place: &str) -> bool {
    let folder = format!("{}/", place.trim_end_matches('/'));
    files
        .iter()
        .any(|f| f.path == place || f.path.starts_with(&folder))
}

fn is_test(files: &Files, proof: &str) -> bool {
    let Some((path, name)) = proof.split_once("::") else {
        return false;
    };
    let Some(text) = files.get(path).and_then(|f| f.text()) else {
        return false;
    };
    let function = format!("fn {name}(");
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let is_mark = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines[..at].iter().rev();
        let mut attributes = above.take_while(|l| l.starts_with("#[") || l.starts_with("//"));
        line.trim_start_matches("async ").starts_with(&function) && attributes.any(is_mark)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(change: impl Fn(&str) -> String) -> String {
        let mut text = format!("{HEADER}\n");
        for (group, rows) in GROUPS {
            for n in 1..=rows {
                let id = format!("{group}-{n:03}");
                text += &change(&id);
            }
        }
        text
    }

    fn problems(row: &str) -> Problems {
        let text = table(|id| match id {
            "S1-001" => row.to_owned(),
            _ => format!("{id},open,,\n"),
        });
        check(&Files::sample(&[
            (TABLE, &text),
            (
                "crates/a/src/b.rs",
                "#[tokio::test]\n// why\nasync fn proves() {}\nfn helper() {}\n",
            ),
        ]))
    }

    #[test]
    fn a_claim_without_a_real_test_is_caught() {
        let place = "crates/a/src/b.rs";
        for good in [
            "S1-001,open,,\n".to_owned(),
            "S1-001,part,crates/a,\n".to_owned(),
            format!("S1-001,done,{place},{place}::proves\n"),
        ] {
            assert_eq!(problems(&good), Problems::new(), "{good}");
        }
        for bad in [
            String::new(),
            "S1-001,open,,\nS1-001,open,,\n".to_owned(),
            "S1-001,great,,\n".to_owned(),
            "S1-001,open,\n".to_owned(),
            "S1-001,part,,\n".to_owned(),
            "S1-001,part,crates/none,\n".to_owned(),
            format!("S1-001,done,{place},\n"),
            format!("S1-001,done,{place},{place}::helper\n"),
            format!("S1-001,done,{place},{place}::absent\n"),
            format!("S1-001,done,{place},crates/a/src/c.rs::proves\n"),
        ] {
            assert_eq!(problems(&bad).len(), 1, "{bad}");
        }
    }
}
