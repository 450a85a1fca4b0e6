//! What was said: kept, printed, taken home, taken back; read by whoever may read the activity.

use activities::Speech;
use kernel::{Id, Scope};
use testkit::on_both;

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

#[tokio::test]
async fn what_was_said_is_kept_in_order_printed_and_taken_back() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (a, all) = (&h.activities, Scope::All);
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let speech = |place, title: &str| Speech {
            id: t.env.new_id(),
            person: h.people["001"],
            place,
            title: title.into(),
            text: "第一点\r\n第二点".into(),
            file: None,
        };
        let wrong = Speech {
            text: " ".into(),
            ..speech(0, "甲")
        };
        let errors = [
            why("speech-title", "speech-title-wrong"),
            why("speech-text", "speech-empty"),
            why("speech-place", "speech-place-wrong"),
        ];
        assert_eq!(
            refused(a.keep_speech(id, &wrong, &all, h.clerk).await),
            errors.concat()
        );
        // On leave is not there.
        let absent = Speech {
            person: h.people["002"],
            ..speech(1, "交流发言")
        };
        assert_eq!(
            refused(a.keep_speech(id, &absent, &all, h.clerk).await),
            why("speech-person", "speech-not-there")
        );
        let stray = Speech {
            file: Some(t.env.new_id()),
            ..speech(1, "交流发言")
        };
        assert_eq!(
            refused(a.keep_speech(id, &stray, &all, h.clerk).await),
            why("speech-file", "speech-file-unknown")
        );
        let (two, one) = (speech(2, "结合工作谈体会"), speech(1, "带头发言"));
        for s in [&two, &one, &one] {
            a.keep_speech(id, s, &all, h.clerk).await.unwrap();
        }
        let titles = async || -> Vec<String> {
            let said = a.speeches(id, &all).await.unwrap();
            said.into_iter().map(|s| s.title).collect()
        };
        assert_eq!(
            titles().await,
            ["带头发言", "结合工作谈体会"],
            "sent twice it is there once"
        );
        let before = h.standing(id).await.len();
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        for path in [
            format!("/activities/{id}"),
            format!("/activities/{id}/minutes"),
        ] {
            let page = app.get(&path).await.page(200);
            assert!(
                page.contains("带头发言") && page.contains("第二点"),
                "{path}"
            );
        }
        let paper = app.get(&format!("/activities/{id}/speeches.docx")).await;
        assert!(paper.status.is_success() && paper.bytes.starts_with(b"PK"));
        let outside = App::all(&h, &t, Scope::Under(vec![h.elsewhere]));
        let hidden = outside
            .get(&format!("/activities/{id}/speeches.docx"))
            .await;
        assert_eq!(hidden.status.as_u16(), 404);
        let new: Id = t.env.new_id();
        let (new, person) = (new.to_string(), h.people["001"].to_string());
        let mut fields = [
            ("id", new.as_str()),
            ("speech-person", &person),
            ("speech-place", "3"),
            ("speech-title", "补充发言"),
            ("speech-text", ""),
        ];
        let path = format!("/activities/{id}/speeches");
        assert!(
            app.post(&path, &fields)
                .await
                .page(422)
                .contains("补充发言")
        );
        fields[4].1 = "<script>";
        app.post(&path, &fields).await.page(303);
        assert!(
            app.get(&format!("/activities/{id}"))
                .await
                .page(200)
                .contains("&lt;script&gt;")
        );
        assert_eq!(
            refused(a.drop_speech((id, one.id), "", &all, h.clerk).await),
            why("reason", "reversal-reason-missing")
        );
        a.drop_speech((id, one.id), "次序有误", &all, h.clerk)
            .await
            .unwrap();
        assert_eq!(titles().await, ["结合工作谈体会", "补充发言"]);
        assert_eq!(
            h.standing(id).await.len(),
            before,
            "the facts say nothing of it"
        );
        let person = h.people["001"];
        let by = organization::By::default();
        db::transaction!(h.db, |tx| organization::Traces::erase(
            &activities::Texts,
            tx,
            person,
            &by
        )
        .await)
        .unwrap();
        assert_eq!(titles().await, ["***", "***"]);
    })
    .await;
}
