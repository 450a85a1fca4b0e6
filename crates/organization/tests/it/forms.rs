//! Appointment forms: read with a look first, written from what is known.

use std::io::{Cursor, Write};

use axum::http::StatusCode;
use commons::lrmx::{self, Form};
use kernel::Scope;
use organization::MIGRATIONS;
use testkit::on_both;

use crate::day;
use crate::pages::{App, FORM, house};

const PLACE: &str = "/organization/import/forms";

fn form(name: &str, post: &str, resume: &str) -> Vec<u8> {
    lrmx::write(&Form {
        name: name.to_owned(),
        post: post.to_owned(),
        joined_party: "200807".to_owned(),
        resume: resume.to_owned(),
        id_number: "110101190001010000".to_owned(),
        ..Form::default()
    })
}

fn value<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .expect(name);
    rest.split('"').next().expect("its end")
}

async fn apply(app: &App, body: String) -> (StatusCode, String) {
    app.post(&format!("{PLACE}/apply"), FORM, body.into_bytes())
        .await
}

#[tokio::test]
async fn a_form_is_looked_at_then_applied() {
    on_both(MIGRATIONS, |t| async move {
        let (app, _) = house(&t).await;
        let known = form(
            "甲　某",
            "澜州市司法局单位b处长",
            "2019.07--2026.05  单位c科员\n2026.06--  单位b处长",
        );
        let new = form("新人", "<b>主任", "2026.02--  单位d主任");
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in [("a/b.LRMX", &new), ("read.me", &known)] {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(bytes).unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        let files: [(&str, &[u8]); 2] = [("甲.lrmx", &known), ("more.zip", &zip)];
        let (status, _, page) = app.send_files(PLACE, &files).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for part in [
            "001 甲某",
            "科长",
            "<b>处长</b>",
            "2026-06-01",
            "中共党员",
            "2008-07-01",
            "more.zip/a/b.LRMX",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(
            page.contains("&lt;b&gt;主任") && !page.contains("<b>主任"),
            "{page}"
        );
        assert!(
            !page.contains("190001010000"),
            "identity numbers are not read"
        );
        let person = value(&page, "do.0");
        let hidden = format!(
            "held.0={}&name.0=x&held.1={}&name.1=y",
            value(&page, "held.0"),
            value(&page, "held.1")
        );
        // Nothing is chosen, or something is missing: said beside the form, nothing is done.
        let (status, page) = apply(&app, hidden.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("至少选择"), "{page}");
        let half = format!("{hidden}&do.0={person}&do.1=new&staff_no.1=&unit.1=zz");
        let (status, page) = apply(&app, half).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.contains("f-staff_no.1") && page.contains("value=\"zz\""),
            "{page}"
        );
        let outside = format!("{hidden}&do.0={person}&do.1=new&staff_no.1=100&unit.1=zz");
        assert_eq!(
            apply(&app, outside).await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        let all = format!("{hidden}&do.0={person}&do.1=new&staff_no.1=100&unit.1=d");
        assert_eq!(apply(&app, all).await.0, StatusCode::SEE_OTHER);
        let card = app
            .org
            .person(person.parse().unwrap(), &Scope::All)
            .await
            .unwrap();
        let posts: Vec<_> = card
            .assignments
            .iter()
            .map(|a| (a.post.as_str(), a.from, a.to))
            .collect();
        let moved = [
            ("科长", day(1, 1), Some(day(5, 31))),
            ("处长", day(6, 1), None),
        ];
        assert_eq!(posts, moved);
        let since = kernel::Date::constant(2008, 7, 1);
        assert_eq!(card.traits.on("political", since), Some("party-member"));
        let found = app.org.search("新人", &Scope::All, 1).await.unwrap().people;
        assert_eq!(
            (found[0].staff_no.as_str(), found[0].post.as_str()),
            ("100", "<b>主任")
        );

        // What was read is what is written, and reading it again changes nothing.
        let file = app
            .file(&format!("/organization/people/{person}/form.lrmx"))
            .await;
        let read = lrmx::read("x", &file, &lrmx::Limits::default())
            .unwrap()
            .form;
        assert_eq!(
            (read.name.as_str(), read.post.as_str()),
            ("甲某", "单位b处长")
        );
        assert_eq!(read.joined_party, "200807");
        assert_eq!(lrmx::resume_lines(&read.resume).len(), 2);
        let (_, _, page) = app.send_files(PLACE, &[("again.lrmx", &file)]).await;
        assert!(page.contains("没有变化"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_form_is_refused_and_strangers_stay_unseen() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, ..]) = house(&t).await;
        let nameless = form("", "科长", "");
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("x.txt", zip::write::SimpleFileOptions::default())
            .unwrap();
        let zip = zip.finish().unwrap().into_inner();
        let other: [(&[u8], &str); 5] = [
            (b"", "请选择"),
            (b"PK\x03\x04broken", "损坏"),
            (&zip, "没有 .lrmx"),
            (&nameless, "没有填写姓名"),
            (b"\x89PNG", "f-file"),
        ];
        for (bytes, text) in other {
            let (status, _, page) = app.send_files(PLACE, &[("x.lrmx", bytes)]).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
            assert!(page.contains(text), "{text}: {page}");
        }
        let found = app.org.search("丙某", &Scope::All, 1).await.unwrap().people;
        let inner = App::new(&t, Scope::Under(vec![b]));
        let bytes = form("丙某", "科长", "");
        let (_, _, page) = inner.send_files(PLACE, &[("x.lrmx", &bytes)]).await;
        assert!(!page.contains("003 丙某"), "{page}");
        let hash = value(&page, "held.0");
        let body = format!("held.0={hash}&do.0={}", found[0].person);
        assert_eq!(apply(&inner, body).await.0, StatusCode::NOT_FOUND);
        let path = format!("/organization/people/{}/form.lrmx", found[0].person);
        assert_eq!(inner.get(&path).await.0, StatusCode::NOT_FOUND);
    })
    .await;
}
