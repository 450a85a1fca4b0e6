//! Files with an activity.

use activities::{NewFile, READ, RECORD};
use kernel::{Date, Scope};
use testkit::on_both;

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

fn file(name: &str, content: &str, dated: Option<Date>) -> NewFile {
    NewFile {
        name: name.into(),
        bytes: content.to_owned().into(),
        dated,
    }
}

#[tokio::test]
async fn evidence_given_at_recording_stands_in_the_fact_and_later_ones_beside_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = h.session(&t, day(11, 20));
        new.details.files = vec![file("C:\\表\\签到表.PDF", "sheet", None)];
        let id = h.record(&new).await.unwrap();
        let held = |facts: Vec<ledger::Fact>| facts.into_iter().find(|f| f.kind == "held").unwrap();
        let fact = held(h.standing(id).await);
        let files = h.activities.files(id, &Scope::All).await.unwrap();
        assert_eq!(
            (files[0].name.as_str(), files[0].dated, files[0].later),
            ("签到表.PDF", day(11, 20), false)
        );
        assert_eq!(fact.evidence, vec![files[0].sha256.clone()]);
        // Later ones leave the facts as they are; the same content is not added twice.
        let add =
            async |list: &[NewFile]| h.activities.add_files(id, list, &Scope::All, h.clerk).await;
        let photo = file("照片.jpg", "photo", Some(day(11, 19)));
        assert_eq!(add(&[photo.clone(), photo.clone()]).await.unwrap(), 1);
        assert_eq!(
            add(&[photo, file("又名.pdf", "sheet", None)])
                .await
                .unwrap(),
            0
        );
        let files = h.activities.files(id, &Scope::All).await.unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!((files[1].dated, files[1].later), (day(11, 19), true));
        assert_eq!(held(h.standing(id).await), fact);
        assert_eq!(h.audited("activity.file-added").await.len(), 1);
        // What cannot be kept is named.
        for (wrong, field, key) in [
            (file("x.exe", "x", None), "file", "evidence-kind"),
            (file("pdf", "x", None), "file", "evidence-kind"),
            (file("x.pdf", "", None), "file", "evidence-large"),
            (
                file("x.pdf", "x", Some(day(12, 31))),
                "dated",
                "evidence-future",
            ),
        ] {
            assert_eq!(refused(add(&[wrong]).await), why(field, key));
        }
        assert_eq!(refused(add(&[]).await), why("file", "evidence-missing"));
        h.activities
            .reverse(id, "误录一场", &Scope::All, h.clerk)
            .await
            .unwrap();
        let late = file("y.pdf", "y", None);
        assert_eq!(
            refused(add(&[late]).await),
            why("conflict", "activity-reversed")
        );
        h.proven().await;
    })
    .await;
}

pub fn parts(fields: &[(&str, &str, &str)]) -> (String, Vec<u8>) {
    let mut body = String::new();
    for (name, file, content) in fields {
        let file = match file.is_empty() {
            true => String::new(),
            false => format!("; filename=\"{file}\""),
        };
        body += &format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        );
    }
    (
        "multipart/form-data; boundary=B".into(),
        (body + "--B--\r\n").into_bytes(),
    )
}

#[tokio::test]
async fn files_go_through_pages_within_ones_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let app = App::all(&h, &t, Scope::All);
        let path = format!("/activities/{id}/files");
        let send = async |app: &App, fields: &[(&str, &str, &str)]| {
            let (kind, body) = parts(fields);
            app.send("POST", &path, &kind, body).await
        };
        let sent = send(
            &app,
            &[("dated", "", "2026-11-19"), ("file", "照片 1.png", "PNG")],
        )
        .await;
        assert_eq!(sent.status.as_u16(), 303, "{}", sent.text());
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        assert!(page.contains("照片 1.png") && page.contains("2026-11-19"));
        let page = send(&app, &[("file", "a.exe", "MZ")]).await.page(422);
        assert!(page.contains("不是可以上传的类型"));
        let page = send(&app, &[("dated", "", "gestern"), ("file", "a.pdf", "x")])
            .await
            .page(422);
        assert!(page.contains("日期不正确"));
        // One that came in pieces.
        let desk = desk::Desk::new(h.db.clone(), t.env.clone());
        let laid = desk
            .lay_down(h.clerk, "记录.docx", b"PK minutes")
            .await
            .unwrap();
        let sent = send(&app, &[("upload", "", &laid.to_string())]).await;
        assert_eq!(sent.status.as_u16(), 303, "{}", sent.text());
        let again = send(&app, &[("upload", "", &laid.to_string())]).await;
        again.page(404);
        let files = h.activities.files(id, &Scope::All).await.unwrap();
        assert_eq!(files.len(), 2);
        let one = format!("{path}/{}", files[0].id);
        let got = app.get(&one).await;
        assert_eq!((got.status.as_u16(), got.text().as_str()), (200, "PNG"));
        assert_eq!(got.kind, "application/octet-stream");
        // Out of scope there is no such thing, and a reader adds nothing.
        let elsewhere = App::all(&h, &t, Scope::Under(vec![h.elsewhere]));
        elsewhere.get(&one).await.page(404);
        send(&elsewhere, &[("file", "a.pdf", "x")]).await.page(404);
        let reader = App::new(&h, &t, &[(READ, Scope::All)]);
        reader.get(&one).await.page(200);
        send(&reader, &[("file", "a.pdf", "x")]).await.page(404);
        let other = h.record(&h.session(&t, day(11, 13))).await.unwrap();
        app.get(&format!("/activities/{other}/files/{}", files[0].id))
            .await
            .page(404);
    })
    .await;
}

#[tokio::test]
async fn a_form_that_is_refused_keeps_the_files_that_came_with_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::new(&h, &t, &[(READ, Scope::All), (RECORD, Scope::All)]);
        let desk = desk::Desk::new(h.db.clone(), t.env.clone());
        let laid = desk
            .lay_down(h.clerk, "签到表.pdf", b"sheet")
            .await
            .unwrap()
            .to_string();
        let (id, unit) = (
            t.env.new_id::<kernel::ActivityId>().to_string(),
            h.offices[0].to_string(),
        );
        let (a, b) = (
            format!("part-{}", h.people["001"]),
            format!("part-{}", h.people["002"]),
        );
        let mut fields: Vec<(&str, &str)> = vec![
            ("id", &id),
            ("kind", "friday-study"),
            ("unit", &unit),
            ("date", "2026-11-20"),
            ("starts", "09:00"),
            ("ends", "10:00"),
            (&a, "present"),
            (&b, "present"),
            ("upload", &laid),
            ("title", ""),
        ];
        let page = app.post("/activities", &fields).await.page(422);
        assert!(page.contains("签到表.pdf"));
        let kept = page.split("name=\"upload\" value=\"").nth(1).unwrap();
        let kept = kept.split('"').next().unwrap().to_owned();
        fields.retain(|(n, _)| !["upload", "title"].contains(n));
        fields.extend([("upload", kept.as_str()), ("title", "学习")]);
        let sent = app.post("/activities", &fields).await;
        assert_eq!(sent.status.as_u16(), 303, "{}", sent.text());
        let id = id.parse().unwrap();
        assert_eq!(
            h.activities.files(id, &Scope::All).await.unwrap()[0].name,
            "签到表.pdf"
        );
        // A browser without script sends the name alone: that is said, not lost.
        let mut bare = fields.clone();
        bare.retain(|(n, _)| *n != "upload");
        bare.push(("file", "签到表.pdf"));
        assert!(
            app.post("/activities", &bare)
                .await
                .page(422)
                .contains("未启用脚本")
        );
    })
    .await;
}
