//! Sheets in, rosters out.

use std::collections::BTreeMap;

use commons::files::Files;
use commons::sheets::write::{SheetOut, Value, workbook};
use kernel::{Date, Error, Scope};
use organization::{ChangeKind, Imports, MIGRATIONS, Organization, Rows, read_rows, template};
use testkit::{on_both, on_postgres};

use crate::{day, key, organization};

const UNITS: &str = "上级单位编码,单位编码,单位名称,类别\n,S,澜州市司法局,市局\nS,S1,法治科,科室\nS,S2,办公室,科室\nS1,S11,备案组,组\n";
const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某,S1,科长,2026-01-01,\n002,乙某,S11,,2026/1/1,\n003,丙某,S2,主任,2026年1月1日,2026-06-30\n";

fn rows(sheets: &[&str]) -> Rows {
    let mut all = Rows::default();
    for sheet in sheets {
        let (rows, errors) = read_rows("t.csv", sheet.as_bytes()).unwrap();
        assert_eq!(errors, []);
        all.units.extend(rows.units);
        all.persons.extend(rows.persons);
    }
    all
}

async fn import(org: &Organization, sheets: &[&str]) -> BTreeMap<ChangeKind, usize> {
    let done = org.import(&rows(sheets), &Scope::All, None).await.unwrap();
    let mut kinds = BTreeMap::new();
    for change in done.changes {
        *kinds.entry(change.kind).or_insert(0) += 1;
    }
    kinds
}

async fn roster(org: &Organization, code: &str, date: Date, subtree: bool) -> Vec<String> {
    let unit = org.unit_by_code(code, &Scope::All).await.unwrap().id;
    let list = org.roster(unit, date, subtree, &Scope::All).await.unwrap();
    let count = org.headcount(unit, date).await.unwrap();
    assert!(!subtree || count == list.len() as i64);
    list.iter()
        .map(|e| format!("{} {} {}", e.staff_no, e.unit_name, e.post))
        .collect()
}

#[tokio::test]
async fn rosters_are_those_of_the_day() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let first = import(&org, &[UNITS, PERSONS]).await;
        assert_eq!(first[&ChangeKind::UnitAdded], 4);
        assert_eq!(first[&ChangeKind::PersonAdded], 3);
        let june = ["001 法治科 科长", "002 备案组 ", "003 办公室 主任"];
        assert_eq!(
            roster(&org, "S", day(6, 30), true).await,
            [june[0], june[2], june[1]]
        );
        assert_eq!(roster(&org, "S", day(7, 1), true).await, [june[0], june[1]]);
        assert_eq!(
            roster(&org, "S", day(6, 30), false).await,
            Vec::<String>::new()
        );
        assert_eq!(
            roster(&org, "S1", day(6, 30), true).await,
            [june[0], june[1]]
        );
        assert!(
            roster(&org, "S", Date::constant(2025, 12, 31), true)
                .await
                .is_empty()
        );
        // A scope leaves out the people of other units.
        let s1 = org.unit_by_code("S1", &Scope::All).await.unwrap().id;
        let top = org.unit_by_code("S", &Scope::All).await.unwrap().id;
        let seen = org
            .roster(top, day(6, 30), true, &Scope::Under(vec![s1]))
            .await
            .unwrap();
        assert_eq!(seen.len(), 2);
        let counts = org.headcounts(&[top, s1], day(6, 30)).await.unwrap();
        assert_eq!((counts[&top], counts[&s1]), (3, 2));
        // Found by name, number and pinyin.
        for text in ["甲", "001", "JM"] {
            let found = org.search(text, &Scope::All, 5).await.unwrap();
            assert_eq!(found.people.len(), 1, "{text}");
        }
        assert_eq!(
            org.search("丙某", &Scope::All, 5).await.unwrap().people,
            [],
            "left in June"
        );
        let names = org.person_names(&[seen[0].person]).await.unwrap();
        assert_eq!(names[&seen[0].person], "甲某");
    })
    .await;
}

#[tokio::test]
async fn the_same_again_changes_nothing_and_a_new_unit_is_a_move() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        import(&org, &[UNITS, PERSONS]).await;
        assert_eq!(import(&org, &[UNITS, PERSONS]).await, BTreeMap::new());
        let moved = "工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某某,S2,副主任,2026-09-01,\n002,乙某,S11,,,\n";
        let change = import(&org, &[moved]).await;
        assert_eq!(change, BTreeMap::from([(ChangeKind::PersonMoved, 1)]));
        assert_eq!(roster(&org, "S1", day(8, 31), false).await, ["001 法治科 科长"]);
        assert!(roster(&org, "S1", day(9, 1), false).await.is_empty());
        assert_eq!(roster(&org, "S2", day(9, 1), false).await, ["001 办公室 副主任"]);
        assert_eq!(import(&org, &[moved]).await, BTreeMap::new());
        // The old list only gives back the old name: the history stays.
        let old = import(&org, &[UNITS, PERSONS]).await;
        assert_eq!(old, BTreeMap::from([(ChangeKind::PersonRenamed, 1)]));
        assert_eq!(roster(&org, "S2", day(9, 1), false).await, ["001 办公室 副主任"]);
        let units = UNITS.replace("S1,S11,备案组", "S2,S11,备案组").replace("办公室", "综合办");
        let change = import(&org, &[&units]).await;
        assert_eq!(change, BTreeMap::from([(ChangeKind::UnitChanged, 1), (ChangeKind::UnitMoved, 1)]));
        assert_eq!(roster(&org, "S2", day(9, 1), true).await, ["001 综合办 副主任", "002 备案组 "]);
    })
    .await;
}

/// Addresses and keys of all that is wrong.
fn faults(error: Error) -> Vec<(String, &'static str)> {
    let Error::Invalid(errors) = error else {
        panic!("{error}");
    };
    errors
        .into_iter()
        .map(|e| (e.field, e.message.key))
        .collect()
}

fn book(units: &[&[&str]], persons: &[&[&str]]) -> Vec<u8> {
    let cells = |rows: &[&[&str]]| -> Vec<Vec<Value>> {
        rows.iter()
            .map(|r| r.iter().map(|c| Value::from(*c)).collect())
            .collect()
    };
    let unit_header = ["上级单位编码", "单位编码", "单位名称", "类别"];
    let person_header = ["工号", "姓名", "单位编码", "职务", "起始日期", "截止日期"];
    workbook([
        SheetOut {
            name: "说明",
            header: &["请按表填写"],
            rows: vec![],
        },
        SheetOut {
            name: "单位",
            header: &unit_header,
            rows: cells(units),
        },
        SheetOut {
            name: "人员",
            header: &person_header,
            rows: cells(persons),
        },
    ])
    .unwrap()
}

#[tokio::test]
async fn every_fault_is_named_with_its_cell_and_nothing_is_written() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        import(&org, &[UNITS, PERSONS]).await;
        let bytes = book(
            &[
                &["X", "A1", "甲科", ""],
                &["S", "A2", "乙科", ""],
                &["S", "A2", "丙科", ""],
                &["", "A3", "好", ""],
            ],
            &[
                &["101", "丁某", "NO", "", "2026-01-01", ""],
                &["102", "戊某", "A2", "", "2026-01-01", "2026-03-01"],
                &["102", "戊某", "S1", "", "2026-03-01", ""],
                &["103", "己某", "S1", "", "", ""],
                &["104", "庚某", "S1", "", "2026-05-01", "2026-04-30"],
                &["105", "辛某", "S1", "", "2026-05-01", ""],
                &["105", "壬某", "S2", "", "2026-08-01", ""],
            ],
        );
        let (rows, errors) = read_rows("b.xlsx", &bytes).unwrap();
        assert_eq!(errors, []);
        let want = [
            ("单位!A2", "organization-unit-unknown"),
            ("单位!B4", "organization-code-twice"),
            ("人员!C2", "organization-unit-unknown"),
            ("人员!A4", "organization-person-twice"),
            ("人员!E5", "organization-from-missing"),
            ("人员!F6", "organization-ends-before"),
            ("人员!A8", "organization-staff-no-twice"),
        ];
        for result in [
            org.preview(&rows, &Scope::All).await,
            org.import(&rows, &Scope::All, None).await,
        ] {
            let mut found = faults(result.unwrap_err());
            for (address, key) in want {
                let at = found.iter().position(|f| *f == (address.to_owned(), key));
                found.remove(at.unwrap_or_else(|| panic!("{address} {key} in {found:?}")));
            }
            assert_eq!(found, []);
        }
        assert_eq!(org.units(&Scope::All).await.unwrap().len(), 4);
        // Circles, through units known before and through new ones.
        let head = "上级单位编码,单位编码,单位名称,类别\n";
        for (sheet, address) in [("S11,S1,法治科,科室\n", "A2"), ("B,A,甲,\nA,B,乙,\n", "A2")]
        {
            let rows = rows_of(&format!("{head}{sheet}"));
            let found = faults(org.import(&rows, &Scope::All, None).await.unwrap_err());
            assert!(
                found.contains(&(address.to_owned(), "organization-cycle")),
                "{found:?}"
            );
        }
        // A stated end that runs into what is known to follow.
        let clash = rows_of(
            "工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某,S2,,2025-01-01,2026-01-01\n",
        );
        let found = faults(org.preview(&clash, &Scope::All).await.unwrap_err());
        assert_eq!(found, [("F2".to_owned(), "organization-overlap")]);
    })
    .await;
}

fn rows_of(sheet: &str) -> Rows {
    rows(&[sheet])
}

#[test]
fn cells_that_cannot_be_read_are_named() {
    let sheet = "工号,姓名,单位编码,职务,起始日期,截止日期,主职\n,甲,S,,二月,,\n1,乙,S,,,2026-02-30,也许\n2,丙,S,,,,\n";
    let (rows, errors) = read_rows("t.csv", sheet.as_bytes()).unwrap();
    assert_eq!(rows.persons.len(), 1);
    let mut found: Vec<_> = errors
        .iter()
        .map(|e| (e.field.as_str(), e.message.key))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("A2", "sheet-cell-empty"),
            ("E2", "sheet-cell-not-a-date"),
            ("F3", "sheet-cell-not-a-date"),
            ("G3", "organization-yes-or-no"),
        ]
    );
    let wrong = read_rows("t.csv", "a,b\n1,2\n".as_bytes());
    assert_eq!(key(wrong), "sheet-no-header");
    let missing = read_rows("t.csv", "工号,姓名\n1,甲\n".as_bytes()).unwrap();
    assert_eq!(missing.1[0].message.key, "sheet-columns-missing");
}

#[test]
fn gbk_and_the_template_are_read() {
    let gbk = encoding_rs::GBK.encode(PERSONS).0;
    let (rows, errors) = read_rows("名单.csv", &gbk).unwrap();
    assert_eq!((rows.persons.len(), errors.len()), (3, 0));
    assert_eq!(rows.persons[2].name.value, "丙某");
    assert_eq!(rows.persons[2].name.at, "B4");
    let (rows, errors) =
        read_rows("t.xlsx", &template(&crate::pages::attributes()).unwrap()).unwrap();
    assert_eq!((rows, errors), (Rows::default(), vec![]));
}

#[tokio::test]
async fn a_scope_bounds_what_an_import_changes() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        import(&org, &[UNITS, PERSONS]).await;
        let s1 = org.unit_by_code("S1", &Scope::All).await.unwrap().id;
        let scope = Scope::Under(vec![s1]);
        let units = "上级单位编码,单位编码,单位名称,类别\n";
        let persons = "工号,姓名,单位编码,职务,起始日期,截止日期\n";
        let refused = [
            (units, ",T,新局,", "organization-no-top-unit"),
            (units, "S,T,新科,", "organization-outside"),
            (units, "S,S2,改名,科室", "organization-outside"),
            (units, "S,S11,备案组,组", "organization-outside"),
            (persons, "003,丙某,S1,,2026-07-01,", "sheet-not-refused"),
            (
                persons,
                "004,丁某,S2,,2026-07-01,",
                "organization-person-outside",
            ),
            (
                persons,
                "001,甲某,S2,,2026-07-01,",
                "organization-person-outside",
            ),
        ];
        for (head, row, want) in refused {
            let result = org
                .preview(&rows_of(&format!("{head}{row}\n")), &scope)
                .await;
            if want == "sheet-not-refused" {
                // 丙某 left the other unit in June: whoever needs him may take him.
                result.unwrap();
            } else {
                assert_eq!(key(result), want, "{row}");
            }
        }
        let within = format!("{units}S1,S12,新组,组\nS12,S13,新新组,组\n");
        let done = org.import(&rows_of(&within), &scope, None).await.unwrap();
        assert_eq!(done.changes.len(), 2);
        let same = org.import(&rows(&[UNITS]), &scope, None).await.unwrap();
        assert_eq!((same.changes.len(), same.unchanged), (0, 4));
    })
    .await;
}

#[tokio::test]
async fn a_preview_that_is_out_of_date_is_not_published() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let rows = rows(&[UNITS, PERSONS]);
        let preview = org.preview(&rows, &Scope::All).await.unwrap();
        assert_eq!(
            org.units(&Scope::All).await.unwrap(),
            [],
            "a preview writes nothing"
        );
        org.import(&rows, &Scope::All, Some(preview.version))
            .await
            .unwrap();
        let late = org.import(&rows, &Scope::All, Some(preview.version)).await;
        assert_eq!(key(late), "organization-changed-meanwhile");
    })
    .await;
}

#[tokio::test]
async fn two_nodes_cannot_give_a_person_two_units() {
    on_postgres(MIGRATIONS, |t| async move {
        let one = organization(&t);
        let two = Organization::new(t.second().await, t.env.clone());
        import(&one, &[UNITS]).await;
        let head = "工号,姓名,单位编码,职务,起始日期,截止日期\n";
        for n in 0..10 {
            let to = |unit: &str, from: &str| rows_of(&format!("{head}p{n},甲,{unit},,{from},\n"));
            let (left, right) = (to("S1", "2026-03-01"), to("S2", "2026-04-01"));
            let all = Scope::All;
            let done = tokio::join!(
                one.import(&left, &all, None),
                two.import(&right, &all, None)
            );
            done.0.unwrap();
            done.1.unwrap();
        }
        assert_eq!(roster(&one, "S1", day(3, 31), false).await.len(), 10);
        assert_eq!(roster(&one, "S1", day(4, 1), false).await.len(), 0);
        assert_eq!(roster(&one, "S2", day(4, 1), false).await.len(), 10);
    })
    .await;
}

#[tokio::test]
async fn a_large_agency_is_imported_in_one_go() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let mut units = String::from("上级单位编码,单位编码,单位名称,类别\n,U0,局,\n");
        for n in 1..300 {
            units += &format!("U{},U{n},第{n}科,科\n", n / 7);
        }
        let mut persons = String::from("工号,姓名,单位编码,职务,起始日期,截止日期\n");
        for n in 0..3_000 {
            persons += &format!("{n:05},某{n},U{},,2026-01-01,\n", n % 300);
        }
        let done = import(&org, &[&units, &persons]).await;
        assert_eq!(done[&ChangeKind::PersonAdded], 3_000);
        assert_eq!(roster(&org, "U0", day(2, 1), true).await.len(), 3_000);
        assert_eq!(import(&org, &[&units, &persons]).await, BTreeMap::new());
    })
    .await;
}

#[tokio::test]
async fn a_unit_whose_row_is_wrong_is_not_called_unknown_as_well() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let bytes = book(
            &[&["", "S", "", ""], &["S", "S1", "甲科", ""]],
            &[
                &["1", "甲", "S", "", "2026-01-01", ""],
                &["2", "乙", "X", "", "2026-01-01", ""],
            ],
        );
        let files = Files::memory(t.env.clone());
        let held = files.hold(bytes.clone()).await.unwrap();
        let imports = Imports::new(org.clone(), files, crate::pages::attributes().into());
        let file = vec![("b.xlsx".to_owned(), held)];
        let (id, checked) = imports.check_files(file, &Scope::All).await.unwrap();
        let want = [
            ("b.xlsx: 单位!C2".to_owned(), "sheet-cell-empty"),
            ("b.xlsx: 人员!C3".to_owned(), "organization-unit-unknown"),
        ];
        assert_eq!(faults(Error::Invalid(checked.faults)), want);
        let refused = imports.publish_checked(id, &Scope::All, None).await;
        assert_eq!(key(refused), "organization-import-not-ready");
        let (rows, _) = read_rows("b.xlsx", &bytes).unwrap();
        assert!(org.import(&rows, &Scope::All, None).await.is_err());
        assert_eq!(org.units(&Scope::All).await.unwrap(), []);
    })
    .await;
}
