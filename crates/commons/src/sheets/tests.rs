use std::io::{Cursor, Read, Write};

use kernel::{Date, Error, FieldError};
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::write::{self, Value};
use super::*;

const COLUMNS: &[Column<'static>] = &[
    Column {
        key: "name",
        names: &["姓名", "name"],
        required: true,
    },
    Column {
        key: "from",
        names: &["起始日期", "from"],
        required: false,
    },
];

fn cells(bytes: &[u8]) -> Vec<(String, String)> {
    let sheet = read("t", bytes, &Limits::default()).unwrap();
    sheet
        .cells()
        .filter(|c| !c.text.is_empty())
        .map(|c| (c.address(), c.text.to_owned()))
        .collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

fn key(result: Result<impl std::fmt::Debug>) -> &'static str {
    match result {
        Err(Error::Invalid(errors)) => errors[0].message.key,
        other => panic!("{other:?}"),
    }
}

/// A workbook as people make them: a title row, a merged unit, dates, a blank row.
fn roster() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let plain = Format::new();
    let day = Format::new().set_num_format("yyyy/m/d");
    sheet
        .merge_range(0, 0, 0, 3, "澜州市司法局人员名册", &plain)
        .unwrap();
    for (at, name) in (0u16..).zip(["单位", " 姓 名 ", "起始日期", "学时*"]) {
        sheet.write_string(1, at, name).unwrap();
    }
    sheet.merge_range(2, 0, 4, 0, "法治科", &plain).unwrap();
    for (row, name) in [(2, "甲某"), (4, "乙某")] {
        sheet.write_string(row, 1, name).unwrap();
        let at = ExcelDateTime::from_ymd(2026, 3, 1).unwrap();
        sheet.write_datetime_with_format(row, 2, &at, &day).unwrap();
        sheet.write_number(row, 3, 12.0).unwrap();
    }
    sheet.write_number(6, 3, 0.1 + 0.2).unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_is_read_with_addresses_dates_and_merged_cells() {
    let sheet = read("名册.xls", &roster(), &Limits::default()).unwrap();
    let columns = [
        Column::required("unit", &["单位"]),
        Column::required("name", &["姓名"]),
        Column::required("from", &["起始日期"]),
        Column::optional("hours", &["学时"]),
        Column::optional("post", &["职务"]),
    ];
    let table = sheet.columns(&columns).unwrap();
    assert!(table.has("hours") && !table.has("post"));
    let mut errors = Vec::new();
    let rows: Vec<_> = table
        .rows()
        .map(|row| {
            let (unit, name) = (row.get("unit").text, row.get("name"));
            let from = row.get("from").date(&mut errors);
            assert_eq!(row.get("post").text, "");
            (unit, name.text, name.address(), from, row.get("hours").text)
        })
        .collect();
    assert_eq!(errors, []);
    let march = Some(Date::constant(2026, 3, 1));
    assert_eq!(
        rows,
        [
            ("法治科", "甲某", "B3".into(), march, "12"),
            ("法治科", "乙某", "B5".into(), march, "12"),
            ("", "", "B7".into(), None, "0.3"),
        ]
    );
}

#[test]
fn csv_in_every_encoding_and_with_every_separator_reads_the_same() {
    let want = pairs(&[
        ("A1", "姓名"),
        ("B1", "职务"),
        ("A3", "甲某"),
        ("B3", "科长,\n兼"),
    ]);
    for separator in [",", ";", "\t"] {
        for newline in ["\n", "\r\n"] {
            let text = "姓名,职务\n\n甲某,\"科长\u{1},\n兼\"\n,\n"
                .replace(',', separator)
                .replace("\u{1};", "\u{1},")
                .replace("\u{1}\t", "\u{1},")
                .replace('\u{1}', "")
                .replace('\n', newline);
            let want: Vec<_> = want
                .iter()
                .map(|(a, t)| (a.clone(), t.replace('\n', newline)))
                .collect();
            let utf8 = text.as_bytes().to_vec();
            let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            let gbk = encoding_rs::GBK.encode(&text).0.into_owned();
            let utf16 = text.encode_utf16();
            let little: Vec<u8> = [0xfeff]
                .into_iter()
                .chain(utf16.clone())
                .flat_map(u16::to_le_bytes)
                .collect();
            let big: Vec<u8> = [0xfeff]
                .into_iter()
                .chain(utf16)
                .flat_map(u16::to_be_bytes)
                .collect();
            for bytes in [utf8, marked, gbk, little, big] {
                assert_eq!(cells(&bytes), want, "{separator:?} {newline:?}");
            }
        }
    }
}

#[test]
fn rare_characters_of_gb18030_are_read() {
    let bytes = encoding_rs::GB18030.encode("姓名\n㐱某\n").0;
    assert_eq!(cells(&bytes), pairs(&[("A1", "姓名"), ("A2", "㐱某")]));
}

#[test]
fn missing_and_doubled_columns_are_named() {
    let limits = Limits::default();
    let sheet = read("x", "起始日期,职务\n2026-01-01,科长\n".as_bytes(), &limits).unwrap();
    let Err(Error::Invalid(errors)) = sheet.columns(COLUMNS) else {
        panic!("a column is missing");
    };
    assert_eq!(errors[0].field, "A1");
    assert_eq!(errors[0].message.key, "sheet-columns-missing");
    assert_eq!(errors[0].message.args, [("columns", "姓名".to_owned())]);
    let sheet = read("x", "姓名,Name\na,b\n".as_bytes(), &limits).unwrap();
    let Err(Error::Invalid(errors)) = sheet.columns(COLUMNS) else {
        panic!("a column is there twice");
    };
    assert_eq!(
        (errors[0].field.as_str(), errors[0].message.key),
        ("B1", "sheet-column-twice")
    );
    let sheet = read("x", b"a,b\n1,2\n", &limits).unwrap();
    assert_eq!(key(sheet.columns(COLUMNS)), "sheet-no-header");
}

#[test]
fn a_wrong_date_says_where() {
    let sheet = read(
        "x",
        "姓名,起始日期\n甲,二月\n乙,\n丙,2026/2/3 08:30\n".as_bytes(),
        &Limits::default(),
    )
    .unwrap();
    let table = sheet.columns(COLUMNS).unwrap();
    let mut errors: Vec<FieldError> = Vec::new();
    let dates: Vec<_> = table
        .rows()
        .map(|r| r.get("from").date(&mut errors))
        .collect();
    assert_eq!(dates, [None, None, Some(Date::constant(2026, 2, 3))]);
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (errors[0].field.as_str(), errors[0].message.key),
        ("B2", "sheet-cell-not-a-date")
    );
}

#[test]
fn sheets_of_one_book_are_told_apart() {
    let row = || vec![vec![Value::from("甲")]];
    let book = write::workbook([
        write::SheetOut {
            name: "单位",
            header: &["单位名称"],
            rows: row(),
        },
        write::SheetOut {
            name: "人员",
            header: &["姓名"],
            rows: row(),
        },
    ])
    .unwrap();
    let sheets = read_all("b.xlsx", &book, &Limits::default()).unwrap();
    assert_eq!(sheets.len(), 2);
    let table = sheets[1].columns(&COLUMNS[..1]).unwrap();
    assert_eq!(
        table.rows().next().unwrap().get("name").address(),
        "人员!A2"
    );
}

#[test]
fn what_is_too_large_or_no_table_is_refused_by_name() {
    let small = Limits {
        bytes: 1000,
        rows: 3,
        columns: 2,
        ..Limits::default()
    };
    let read = |bytes: &[u8]| super::read("x", bytes, &small);
    assert_eq!(key(read(&[b'a'; 1001])), "sheet-file-too-large");
    assert_eq!(key(read(b"a\nb\nc\nd\n")), "sheet-too-many-rows");
    assert_eq!(key(read(b"a,b,c\n")), "sheet-too-many-columns");
    assert_eq!(key(read(b"\n,\n")), "sheet-nothing");
    assert_eq!(key(read(b"")), "sheet-nothing");
    assert_eq!(key(read(b"<html><table>")), "sheet-not-a-table");
    assert_eq!(key(read(b"\x89PNG\r\n\0\0")), "sheet-not-a-table");
    assert_eq!(key(read(b"\xff\xff\xff")), "sheet-encoding");
    assert_eq!(key(read(b"PK\x03\x04 and no more")), "sheet-broken");
    assert_eq!(key(read(b"\xd0\xcf\x11\xe0\xa1\xb1")), "sheet-old-excel");
    let mut locked = b"\xd0\xcf\x11\xe0\xa1\xb1".to_vec();
    locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(key(read(&locked)), "sheet-password");
    let quote = [b"a\n\"".to_vec(), vec![b'x'; 40_000]].concat();
    assert_eq!(
        key(super::read("x", &quote, &Limits::default())),
        "sheet-cell-too-long"
    );
}

/// The parts of a zip with one of them replaced.
fn rezip(bytes: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let mut old = Vec::new();
        entry.read_to_end(&mut old).unwrap();
        let part = entry.name().unwrap().into_owned();
        out.start_file(&part, zip::write::SimpleFileOptions::default())
            .unwrap();
        let new = if part == name { content } else { &old };
        out.write_all(new).unwrap();
    }
    out.finish().unwrap().into_inner()
}

const SHEET1: &str = "xl/worksheets/sheet1.xml";

#[test]
fn a_zip_bomb_is_refused_before_it_is_inflated() {
    let bomb = rezip(&roster(), SHEET1, &vec![b' '; 80 << 20]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(key(read("x", &bomb, &Limits::default())), "sheet-too-large");
    // The same with a declared size that lies, in the local header and in the directory.
    let size = (80u32 << 20).to_le_bytes();
    let mut liar = bomb;
    for at in 0..liar.len() - 4 {
        if liar[at..at + 4] == size {
            liar[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
        }
    }
    assert!(matches!(
        key(read("x", &liar, &Limits::default())),
        "sheet-too-large" | "sheet-broken"
    ));
}

#[test]
fn a_far_away_cell_and_a_huge_merge_cost_nothing() {
    let xml = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
        <dimension ref="A1:XFD1048576"/><sheetData>
        <row r="1"><c r="A1" t="inlineStr"><is><t>姓名</t></is></c></row>
        <row r="1048576"><c r="A1048576" t="inlineStr"><is><t>甲</t></is></c></row>
        </sheetData><mergeCells count="1"><mergeCell ref="A1048576:CV1048576"/></mergeCells></worksheet>"#;
    let found = cells(&rezip(&roster(), SHEET1, xml.as_bytes()));
    assert_eq!(found.len(), 101);
    assert_eq!(found[100].0, "CV1048576");
}

#[test]
fn exports_come_back_as_they_were() {
    let header = ["姓名", "日期", "次数", "均分", "备注"];
    let rows = vec![
        vec![
            "甲\"某\"".into(),
            Date::constant(2026, 11, 2).into(),
            Value::Int(-3),
            Value::Decimal(-1250, 2),
            "一行,\n又一行".into(),
        ],
        vec![
            "乙".into(),
            Value::Empty,
            Value::Int(i64::MAX),
            Value::Decimal(5, 3),
            Value::Empty,
        ],
    ];
    let want = [
        ("A2", "甲\"某\""),
        ("B2", "2026-11-02"),
        ("C2", "-3"),
        ("E2", "一行,\n又一行"),
        ("A3", "乙"),
        ("C3", "9223372036854775807"),
        ("D3", "0.005"),
    ];
    let csv = write::csv(&header, rows.clone()).unwrap();
    let xlsx = write::xlsx("名册/1", &header, rows).unwrap();
    for (bytes, average) in [(csv, "-12.50"), (xlsx, "-12.5")] {
        let found = cells(&bytes);
        for (address, text) in want.into_iter().chain([("D2", average)]) {
            assert!(
                found.contains(&(address.into(), text.into())),
                "{address} {found:?}"
            );
        }
    }
}

const FORMULAS: [&str; 7] = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"];

#[test]
fn formulas_are_neutralised() {
    let rows: Vec<_> = FORMULAS.iter().map(|f| vec![Value::from(*f)]).collect();
    let csv = String::from_utf8(write::csv(&["=h"], rows.clone()).unwrap()).unwrap();
    for formula in FORMULAS {
        assert!(csv.contains(&format!("'{formula}")), "{formula:?}");
        assert!(!csv.contains(&format!("\n{formula}")) && !csv.contains(&format!("\"{formula}")));
    }
    assert!(csv.starts_with("\u{feff}'=h\r\n"));
    let book = write::xlsx("f", &["=h"], rows).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(&book)).unwrap();
    let mut xml = String::new();
    zip.by_name(SHEET1)
        .unwrap()
        .read_to_string(&mut xml)
        .unwrap();
    assert!(!xml.contains("<f>") && !xml.contains("<f "), "{xml}");
    assert_eq!(cells(&book)[1].1, "=1+1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), zip in any::<bool>()) {
        let bytes = if zip { [b"PK\x03\x04".as_slice(), &bytes].concat() } else { bytes };
        let _ = read("x", &bytes, &Limits::default());
    }

    #[test]
    fn a_damaged_workbook_is_read_or_refused(hits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6), cut in any::<proptest::sample::Index>(), cuts in any::<bool>()) {
        let mut bytes = roster();
        for (at, byte) in hits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read("x", &bytes, &Limits::default());
    }

    #[test]
    fn a_damaged_sheet_in_a_sound_zip_is_read_or_refused(hits in proptest::collection::vec((any::<proptest::sample::Index>(), "[<>/\"=a-zA-Z0-9:&;]{1,6}"), 1..6)) {
        let mut zip = zip::ZipArchive::new(Cursor::new(roster())).unwrap();
        let mut xml = String::new();
        zip.by_name(SHEET1).unwrap().read_to_string(&mut xml).unwrap();
        for (at, text) in hits {
            let mut at = at.index(xml.len());
            while !xml.is_char_boundary(at) {
                at -= 1;
            }
            xml.insert_str(at, &text);
        }
        let _ = read("x", &rezip(&roster(), SHEET1, xml.as_bytes()), &Limits::default());
    }

    #[test]
    fn any_text_survives_csv(rows in proptest::collection::vec(proptest::collection::vec("[ -~一-十\n]{1,12}", 3), 1..8)) {
        let out = rows.iter().map(|r| r.iter().map(|t| Value::from(t.as_str())).collect::<Vec<_>>());
        let bytes = write::csv(&["甲", "乙", "丙"], out).unwrap();
        let sheet = read("x", &bytes, &Limits::default()).unwrap();
        let mut found: Vec<Vec<String>> = sheet.rows[1..].iter().map(|r| r.cells.clone()).collect();
        found.iter_mut().for_each(|r| r.resize(3, String::new()));
        let want: Vec<Vec<String>> = rows.iter().map(|r| r.iter().map(|t| clean(t).to_owned()).collect::<Vec<_>>()).filter(|r: &Vec<String>| r.iter().any(|t| !t.is_empty())).collect();
        prop_assert_eq!(found, want);
    }
}
