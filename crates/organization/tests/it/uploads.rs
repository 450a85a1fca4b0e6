//! Imports through their pages: columns, faults, twins, publication, what is too much and what is wrong.

use axum::http::StatusCode;
use kernel::Scope;
use organization::{MIGRATIONS, NewUnit, template};
use testkit::on_both;

use crate::day;
use crate::pages::{App, attributes, house, proposed};

const HEAD: &str = "工号,姓名,单位编码,职务,起始日期,截止日期";
const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某,b,科长,2026-01-01,\n002,<i>乙,c,,2026-01-01,2026-06-30\n003,丙某,d,,2026-01-01,\n";

#[tokio::test]
async fn an_upload_is_checked_shown_and_published() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, ..]) = house(&t).await;
        let (status, page) = app.get("/organization/import").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("multipart/form-data"));
        assert!(app.file("/organization/import/template.xlsx").await.starts_with(b"PK"));
        let (place, page) = app.preview("t.csv", PERSONS.as_bytes()).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        assert_eq!(app.act(&place, "drop", "").await.0, StatusCode::SEE_OTHER);
        assert_eq!(app.get(&place).await.0, StatusCode::NOT_FOUND);
        // Everything that is wrong, of reading and of meaning, with its cell.
        let wrong = format!(
            "{PERSONS}004,丁某,zz,,二月,\n005,,b,,2026-01-01,\n001,另一个,b,,2026-08-01,\n006,己,zz,,2026-01-01,\n"
        );
        let (place, page) = app.preview("t.csv", wrong.as_bytes()).await;
        assert!(page.contains("4 处"), "{page}");
        for cell in ["E5", "B6", "A7", "C8"] {
            assert!(page.contains(&format!("<b>{cell}</b>")), "{cell}: {page}");
        }
        let csv = String::from_utf8(app.file(&format!("{place}/faults.csv")).await).unwrap();
        assert!(csv.contains("E5,") && csv.contains("C8,") && csv.lines().count() == 5, "{csv}");
        assert!(app.file(&format!("{place}/faults.xlsx")).await.starts_with(b"PK"));
        assert_eq!(app.act(&place, "publish", "").await.0, StatusCode::CONFLICT);
        // Between preview and publication somebody else changes something else: the import goes on.
        let new = format!("{PERSONS}004,丁某,d,,2026-01-01,\n");
        let (place, page) = app.preview("t.csv", new.as_bytes()).await;
        assert!(page.contains("新增人员"), "{page}");
        let unit = |code: &str| NewUnit {
            parent: Some(a),
            code: code.into(),
            name: "新".into(),
            category: String::new(),
            from: day(1, 1),
        };
        app.org.add_unit(unit("e"), "", None, &Scope::All).await.unwrap();
        assert_eq!(app.publish(&place).await, "");
        let (_, page) = app.get("/organization").await;
        assert!(page.contains("丁某"));
        // Somebody else adds the very person: what was shown is not what would be done.
        let new = format!("{new}005,戊某,d,,2026-01-01,\n");
        let (place, _) = app.preview("t.csv", new.as_bytes()).await;
        let (other, _) = app.preview("t.csv", new.as_bytes()).await;
        assert_eq!(app.publish(&other).await, "");
        let page = app.publish(&place).await;
        assert!(page.contains("重新预览"), "{page}");
        assert_eq!(app.act(&place, "again", "").await.0, StatusCode::SEE_OTHER);
        assert!(app.rest(&place).await.contains("没有需要变更的内容"));
        // The list of uploads: those that were given up are gone, what is done leads nowhere.
        let (status, list) = app.get("/organization/imports?sort=state").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(list.matches("t.csv").count(), 5, "{list}");
        assert!(list.contains(&format!("href=\"{place}\"")), "{list}");
        let (_, done) = app.get("/organization/imports?state=done&columns=rows,left_out").await;
        assert_eq!(done.matches("t.csv").count(), 3, "{done}");
        assert!(!done.contains("href=\"/organization/import/0"), "{done}");
        let sheet = app.file("/organization/imports/list.xlsx?state=done").await;
        assert!(sheet.starts_with(b"PK"));
        let nobody = App::new(&t, Scope::All);
        assert!(nobody.get("/organization/imports").await.1.contains("还没有导入过"));
        // Another one's import does not exist.
        let stranger = App::new(&t, Scope::All);
        assert_eq!(stranger.get(&place).await.0, StatusCode::NOT_FOUND);
    })
    .await;
}

/// A workbook of 420 MB in less than one: the same sheet many times.
fn bomb() -> Vec<u8> {
    use std::io::{Cursor, Write};
    let options = zip::write::SimpleFileOptions::default();
    let mut sheet = zip::ZipWriter::new(Cursor::new(Vec::new()));
    sheet.start_file("xl/workbook.xml", options).unwrap();
    sheet.write_all(&vec![b' '; 20 << 20]).unwrap();
    let mut sheet = zip::ZipArchive::new(sheet.finish().unwrap()).unwrap();
    let mut bomb = zip::ZipWriter::new(Cursor::new(Vec::new()));
    bomb.raw_copy_file(sheet.by_index(0).unwrap()).unwrap();
    for n in 1..21 {
        let name = format!("xl/worksheets/sheet{n}.xml");
        let entry = sheet.by_index(0).unwrap();
        bomb.raw_copy_file_rename(entry, name).unwrap();
    }
    bomb.finish().unwrap().into_inner()
}

#[tokio::test]
async fn what_is_no_table_is_refused_where_it_was_chosen() {
    on_both(MIGRATIONS, |t| async move {
        let (app, _) = house(&t).await;
        for (content, text) in [
            (b"".as_slice(), "请选择"),
            (b"%PDF-1.7\0", "不是表格"),
            (b"PK\x03\x04 no workbook", "损坏"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "另存为"),
        ] {
            let page = app.open("x.xlsx", content).await.expect_err("refused");
            assert!(
                page.contains(text) && page.contains("f-file"),
                "{text}: {page}"
            );
        }
        let page = app
            .open("big.csv", &vec![b'a'; 41 << 20])
            .await
            .expect_err("refused");
        assert!(page.contains("40 MB"), "{page}");
        // A workbook that would fill the memory once inflated.
        let bomb = bomb();
        assert!(bomb.len() < 4 << 20);
        let page = app.open("bomb.xlsx", &bomb).await.expect_err("refused");
        assert!(page.contains("f-file"), "{page}");
        let place = app
            .open("t.xlsx", &template(&attributes()).unwrap())
            .await
            .unwrap();
        assert!(app.check(&place).await.contains("没有需要变更的内容"));
    })
    .await;
}

#[tokio::test]
async fn columns_are_matched_by_hand_once() {
    on_both(MIGRATIONS, |t| async move {
        let (app, _) = house(&t).await;
        let sheet = "编号甲,大名,哪里,干什么,哪天来,哪天走,人员类别\n010,庚某,b,科员,2026-02-01,,人民警察\n";
        let place = app.open("own.csv", sheet.as_bytes()).await.unwrap();
        let (_, page) = app.get(&place).await;
        assert!(page.contains("value=\"skip\" selected"), "{page}");
        // No name of it is known, so somebody says first what it holds.
        let (status, page) = app.act(&place, "check", "h0=persons").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("h0.attribute.class"), "{page}");
        let (status, page) = app.act(&place, "check", "h0=persons&h0.staff_no=0&h0.name=0").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        // Which kind a sheet is of is kept between the steps.
        assert!(page.contains("请为") || page.contains("已用于"), "{page}");
        let all = "h0=persons&h0.staff_no=0&h0.name=1&h0.unit=2&h0.post=3&h0.from=4&h0.to=5&h0.attribute.class=6";
        assert_eq!(app.act(&place, "check", all).await.0, StatusCode::SEE_OTHER);
        let page = app.rest(&place).await;
        assert!(page.contains("庚某") && page.contains("新增人员"), "{page}");
        assert_eq!(app.publish(&place).await, "");
        let found = app.org.search("010", &Scope::All, 1).await.unwrap();
        let card = app.org.person(found.people[0].person, &Scope::All).await.unwrap();
        assert_eq!(card.traits.on("class", day(2, 1)), Some("police"));
        // The same header again: nobody is asked anything that was said before.
        let place = app.open("own.csv", sheet.as_bytes()).await.unwrap();
        let (_, page) = app.get(&place).await;
        assert!(proposed(&page).contains("h0.attribute.class=6"), "{page}");
        assert!(app.check(&place).await.contains("没有需要变更的内容"));
    })
    .await;
}

#[tokio::test]
async fn an_export_is_an_import_without_changes() {
    on_both(MIGRATIONS, |t| async move {
        let (app, _) = house(&t).await;
        let more = format!("{HEAD},主职,人员类别\n001,甲某,b,科长,2026-01-01,,,员额法官\n001,甲某,d,联络员,2026-03-01,,否,\n002,<i>乙,d,,2026-08-01,,,\n");
        app.import(more.as_bytes()).await;
        let book = app.file("/organization/import/current.xlsx").await;
        let (place, page) = app.preview("all.xlsx", &book).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        assert_eq!(app.act(&place, "drop", "").await.0, StatusCode::SEE_OTHER);
        // In an empty house it makes the same units and people.
        testkit::on_sqlite(MIGRATIONS, |u| async move {
            let other = App::new(&u, Scope::All);
            other.import(&book).await;
            let again = other.file("/organization/import/current.xlsx").await;
            let (_, page) = other.preview("all.xlsx", &again).await;
            assert!(page.contains("没有需要变更的内容"), "{page}");
            let found = other.org.search("001", &Scope::All, 1).await.unwrap();
            let card = other.org.person(found.people[0].person, &Scope::All).await.unwrap();
            assert_eq!(card.assignments.len(), 2);
            assert_eq!(card.traits.on("class", day(12, 1)), Some("judge"));
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn who_looks_like_somebody_else_is_asked_about() {
    on_both(MIGRATIONS, |t| async move {
        let (app, _) = house(&t).await;
        // 901 looks like 001; 902 and 903 look like each other; 904 is in another unit.
        let sheet = format!("{HEAD}\n901,甲某,b,处长,2026-09-01,\n902,辛某,d,,2026-01-01,\n903,辛某,d,,2026-05-01,\n904,丙某,b,,2026-01-01,\n");
        let (place, page) = app.preview("t.csv", sheet.as_bytes()).await;
        assert!(page.contains("value=\"same:001\"") && page.contains("value=\"same:902\""), "{page}");
        assert!(!page.contains("twin.904") && page.contains("A4"), "{page}");
        assert_eq!(app.act(&place, "publish", "").await.0, StatusCode::CONFLICT);
        assert_eq!(app.act(&place, "decide", "twin.901=same:zz").await.0, StatusCode::NOT_FOUND);
        assert_eq!(app.act(&place, "decide", "twin.904=out").await.0, StatusCode::NOT_FOUND);
        let said = "twin.901=same:001&twin.903=same:902";
        assert_eq!(app.act(&place, "decide", said).await.0, StatusCode::SEE_OTHER);
        let page = app.rest(&place).await;
        assert!(page.contains("人员更换工号") && page.contains("发布 3 项"), "{page}");
        assert_eq!(app.publish(&place).await, "");
        let found = app.org.search("甲某", &Scope::All, 9).await.unwrap().people;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].staff_no.as_str(), found[0].post.as_str()), ("901", "处长"));
        let card = app.org.person(found[0].person, &Scope::All).await.unwrap();
        assert_eq!(card.assignments.len(), 2, "the history went along");
        let found = app.org.search("辛某", &Scope::All, 9).await.unwrap().people;
        assert_eq!(found.len(), 1);
        // Said to be another person, or left out.
        let sheet = format!("{HEAD}\n911,甲某,b,,2026-09-01,\n912,辛某,d,,2026-01-01,\n");
        let (place, _) = app.preview("t.csv", sheet.as_bytes()).await;
        let said = "twin.911=other&twin.912=out";
        assert_eq!(app.act(&place, "decide", said).await.0, StatusCode::SEE_OTHER);
        assert!(app.rest(&place).await.contains("发布 1 项"));
        assert_eq!(app.publish(&place).await, "");
        assert_eq!(app.org.search("甲某", &Scope::All, 9).await.unwrap().people.len(), 2);
        assert_eq!(app.org.search("辛某", &Scope::All, 9).await.unwrap().people.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn bad_rows_are_named_and_odd_names_are_kept() {
    on_both(MIGRATIONS, |t| async move {
        let (app, _) = house(&t).await;
        let faulty = [
            ("021,一,b,,2026-01-01,2026-05-31\n021,一,c,,2026-05-01,\n", "A3", "重叠"),
            ("021,一,b,,2026-01-01,\n021,二,b,,2026-01-01,\n", "A3", "A2"),
            ("021,一,b,,2026-02-01,2026-01-01\n", "F2", "早于"),
            ("021,\"一\u{7}\",b,,2026-01-01,\n", "B2", "不能使用的字符"),
        ];
        for (rows, cell, text) in faulty {
            let (_, page) = app.preview("t.csv", format!("{HEAD}\n{rows}").as_bytes()).await;
            assert!(page.contains(&format!("<b>{cell}</b>")) && page.contains(text), "{rows}: {page}");
        }
        let units = "上级单位编码,单位编码,单位名称,类别\nY,X,甲,\nX,Y,乙,\n";
        let (_, page) = app.preview("t.csv", units.as_bytes()).await;
        assert!(page.contains("<b>A2</b>") && page.contains("自己的下级"), "{page}");
        let class = format!("{HEAD},人员类别,政治面貌\n031,一,b,,2026-01-01,,魔法师,\n032,二,b,,2026-01-01,2026-03-01,,群众演员\n");
        let (_, page) = app.preview("t.csv", class.as_bytes()).await;
        assert!(page.contains("<b>G2</b>") && page.contains("<b>H3</b>"), "{page}");
        // Names with rare characters and points; GBK has some of them in four bytes.
        let sheet = format!("{HEAD}\n041,\u{20BB7}野某,b,,2026-01-01,\n042,买买提·艾力,b,,2026-01-01,\n");
        app.import(sheet.as_bytes()).await;
        let found = app.org.search("\u{20BB7}", &Scope::All, 9).await.unwrap();
        assert_eq!(found.people[0].name, "\u{20BB7}野某");
        assert_eq!(app.org.search("买买提·艾力", &Scope::All, 9).await.unwrap().people.len(), 1);
        let gbk = encoding_rs::GB18030.encode(&sheet).0;
        let (_, page) = app.preview("t.csv", &gbk).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_script_in_any_field_is_shown_as_text() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, ..]) = house(&t).await;
        let script = "<script>x()</script>";
        let units = format!("上级单位编码,单位编码,单位名称,类别\na,<b>u,{script},{script}\n");
        app.import(units.as_bytes()).await;
        let people = format!("{HEAD}\n<b>9,{script},<b>u,{script},2026-01-01,\n");
        let (place, preview) = app.preview("<b>.csv", people.as_bytes()).await;
        let (_, start) = app.get("/organization/import").await;
        assert_eq!(app.publish(&place).await, "");
        let found = app.org.search("<b>9", &Scope::All, 1).await.unwrap().people;
        let mut pages = vec![preview, start];
        let other = format!(
            "{HEAD}\n<b>8,{script},<b>u,,2026-01-01,\n<b>7,{script},<b>nowhere,,{script},\n"
        );
        let (place, page) = app.preview("<b>.csv", other.as_bytes()).await;
        pages.push(page);
        pages.push(app.get(&format!("{place}?kind=twin")).await.1);
        app.act(&place, "map", "").await;
        pages.push(app.get(&place).await.1);
        let unit = found[0].unit;
        for path in [
            format!("/organization?unit={unit}"),
            format!("/organization?unit={a}"),
            format!("/organization/people/{}", found[0].person),
            format!("/organization/units/{unit}"),
        ] {
            pages.push(app.get(&path).await.1);
        }
        for page in pages {
            assert!(page.contains("&lt;"), "{page}");
            for raw in [
                script,
                "<b>9",
                "<b>u",
                "<b>8",
                "<b>7",
                "<b>.csv",
                "<b>nowhere",
            ] {
                assert!(!page.contains(raw), "{raw}: {page}");
            }
        }
    })
    .await;
}
