//! Files of upload questions: in pieces, by kind, named in the answer and covered by the receipt; points by hand.

use exams::{Item, Paper, Proof, Section, Shows, Terms};
use kernel::{Id, Scope};
use questions::{Kind, Question, Rule};
use serde_json::{Value, json};
use testkit::{TestDb, on_both};

use crate::office::{App, Bureau, migrations};

fn paper() -> Paper {
    let item = |question, points| Item {
        question,
        points,
        from: None,
    };
    let mut case = Question::new(Kind::Case, "阅读材料。");
    case.parts = vec![
        Question::new(Kind::Short, "写出要点。"),
        Question::new(Kind::Upload, "拍照上传手写稿。"),
    ];
    Paper {
        title: "文书".into(),
        sections: vec![Section {
            title: "一".into(),
            rule: Rule::Exact,
            pick: 2,
            items: vec![
                item(Question::new(Kind::Upload, "上传文书。"), 10_000),
                item(case, 20_000),
            ],
        }],
        mixed: false,
        mixed_options: false,
    }
}

async fn exam(b: &Bureau, t: &TestDb) -> Id {
    let terms = Terms {
        shows: Shows::AfterClose,
        ..b.terms(t)
    };
    let id = b
        .exams
        .create(&paper(), terms, &Scope::All, b.clerk)
        .await
        .unwrap();
    b.exams.publish(id, &Scope::All, b.clerk).await.unwrap();
    b.exams
        .admit(id, &[(b.people[0], b.offices[0])], &Scope::All, b.clerk)
        .await
        .unwrap();
    t.clock.advance(3_601);
    id
}

struct Sitter<'a> {
    app: &'a App,
    attempt: Id,
    proof: String,
}

impl Sitter<'_> {
    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let path = format!("/api/v1/attempts/{}/{path}", self.attempt);
        let body = ("application/json", body.to_string().into_bytes());
        let answer = self.app.proved(method, &path, &self.proof, body).await;
        let body = serde_json::from_slice(&answer.bytes).unwrap_or(Value::Null);
        (answer.status.as_u16(), body)
    }

    async fn piece(&self, upload: &str, from: usize, bytes: &[u8]) -> (u16, Value) {
        let path = format!(
            "/api/v1/attempts/{}/files/{upload}?from={from}",
            self.attempt
        );
        let body = ("application/octet-stream", bytes.to_vec());
        let answer = self.app.proved("PUT", &path, &self.proof, body).await;
        let body = serde_json::from_slice(&answer.bytes).unwrap_or(Value::Null);
        (answer.status.as_u16(), body)
    }

    /// A whole file; its hash, or what refused it.
    async fn hand(&self, name: &str, bytes: &[u8]) -> Result<String, Value> {
        let (status, begun) = self
            .ask(
                "POST",
                "files",
                json!({ "name": name, "size": bytes.len() }),
            )
            .await;
        if status != 201 {
            return Err(begun);
        }
        let upload = begun["upload"].as_str().unwrap().to_owned();
        for (n, piece) in bytes.chunks(300_000).enumerate() {
            let (status, got) = self.piece(&upload, n * 300_000, piece).await;
            assert_eq!(status, 200, "{got}");
        }
        match self
            .ask("POST", &format!("files/{upload}"), Value::Null)
            .await
        {
            (200, kept) => Ok(kept["hash"].as_str().unwrap().to_owned()),
            (_, refused) => Err(refused),
        }
    }
}

#[tokio::test]
async fn files_come_in_pieces_stand_in_the_receipt_and_are_scored_by_hand() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        let id = exam(&b, &t).await;
        let begun = b
            .exams
            .begin(id, &Proof::Person(b.people[0]), "")
            .await
            .unwrap();
        let sitter = Sitter {
            app: &app,
            attempt: begun.attempt,
            proof: format!("Bearer {}", begun.token),
        };
        let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![7; 700_000]].concat();
        // A piece that comes twice or out of order changes nothing, and says how far the file is.
        let (_, first) = sitter
            .ask(
                "POST",
                "files",
                json!({ "name": "文书.png", "size": picture.len() }),
            )
            .await;
        let upload = first["upload"].as_str().unwrap().to_owned();
        assert_eq!(
            sitter.piece(&upload, 0, &picture[..400_000]).await.1["received"],
            400_000
        );
        assert_eq!(
            sitter.piece(&upload, 0, &picture[..400_000]).await.1["received"],
            400_000
        );
        assert_eq!(
            sitter.piece(&upload, 500_000, &picture[500_000..]).await.1["received"],
            400_000
        );
        assert_eq!(
            sitter
                .ask("POST", &format!("files/{upload}"), Value::Null)
                .await
                .0,
            422,
            "not whole"
        );
        sitter.piece(&upload, 400_000, &picture[400_000..]).await;
        let (status, kept) = sitter
            .ask("POST", &format!("files/{upload}"), Value::Null)
            .await;
        assert_eq!(
            (status, &kept["mime"]),
            (200, &json!("image/png")),
            "{kept}"
        );
        let hash = kept["hash"].as_str().unwrap().to_owned();
        let (_, again) = sitter
            .ask("POST", &format!("files/{upload}"), Value::Null)
            .await;
        assert_eq!(again, kept, "asked again it is the same");
        // What no examination takes, whatever it is called; too large; nothing.
        let refused = sitter.hand("好.pdf", b"MZ\x90\0program").await.unwrap_err();
        assert!(
            refused["errors"][0]["detail"]
                .as_str()
                .unwrap()
                .contains("不能上传"),
            "{refused}"
        );
        let (status, large) = sitter
            .ask("POST", "files", json!({ "name": "x", "size": 40 << 20 }))
            .await;
        assert_eq!(status, 422, "{large}");
        assert_eq!(
            sitter
                .ask("POST", "files", json!({ "name": "x", "size": 0 }))
                .await
                .0,
            422
        );
        // Only files of this attempt can be named; those of parts too.
        let other = "f".repeat(64);
        let answers =
            |value: Value| json!({ "answers": [{ "item": 1, "seq": 1, "value": value }] });
        assert_eq!(
            sitter
                .ask("PUT", "answers", answers(json!([other])))
                .await
                .0,
            422
        );
        let (status, saved) = sitter.ask("PUT", "answers", answers(json!([hash]))).await;
        assert_eq!(status, 200, "{saved}");
        let note = sitter.hand("稿.txt", "手写稿".as_bytes()).await.unwrap();
        let parts =
            |hash: &str| json!({ "answers": [{ "item": 2, "seq": 1, "value": ["要点", [hash]] }] });
        assert_eq!(
            sitter.ask("PUT", "answers", parts(&"e".repeat(64))).await.0,
            422
        );
        assert_eq!(sitter.ask("PUT", "answers", parts(&note)).await.0, 200);
        let (_, files) = sitter.ask("GET", "files", Value::Null).await;
        assert_eq!(files["files"].as_array().unwrap().len(), 2);
        // Somebody else's token opens nothing.
        let stranger = Sitter {
            app: &app,
            attempt: begun.attempt,
            proof: "Bearer x".into(),
        };
        assert_eq!(stranger.ask("GET", "files", Value::Null).await.0, 404);
        let receipt = b
            .exams
            .submit(begun.attempt, &Proof::Token(begun.token.clone()))
            .await
            .unwrap();
        assert_eq!(receipt.answered, 2);
        assert!(
            b.exams
                .check_receipt(begun.attempt, &receipt.hash)
                .await
                .unwrap()
        );
        let late = sitter.hand("晚.txt", "晚".as_bytes()).await.unwrap_err();
        assert_eq!(late["reason"], "exam-submitted", "{late}");
        // Whoever marks sees the files, which is written down, and gives points with a reason.
        let page = format!("/exams/attempts/{}", begun.attempt);
        let early = [
            ("act", "score"),
            ("item", "1"),
            ("points", "8"),
            ("reason", "格式有误"),
        ];
        assert_eq!(
            app.post(&page, &early).await.status,
            409,
            "others may still sit"
        );
        t.clock.advance(7_300);
        let shown = app.get(&page).await.page(200);
        assert!(
            shown.contains("文书.png") && shown.contains("稿.txt") && shown.contains("人工评分"),
            "{shown}"
        );
        let file = app.get(&format!("{page}/files/{hash}")).await;
        assert_eq!((file.status.as_u16(), file.bytes == picture), (200, true));
        assert_eq!(app.get(&format!("{page}/files/{other}")).await.status, 404);
        assert_eq!(b.audited(&t, "exam.file-seen").await, 1);
        let reader = App::new(&b, &t, t.env.new_id(), &[(exams::READ, Scope::All)]);
        assert_eq!(
            reader.get(&format!("{page}/files/{hash}")).await.status,
            404
        );
        assert!(
            !b.office.settle(id, None).await.unwrap()
                || b.standing(&t, begun.attempt).await.is_empty(),
            "it waits"
        );
        for (points, reason, status) in [
            ("11", "好", 422),
            ("8", "", 422),
            ("x", "有误", 422),
            ("8", "格式有误", 303),
        ] {
            let fields = [
                ("act", "score"),
                ("item", "1"),
                ("points", points),
                ("reason", reason),
            ];
            assert_eq!(
                app.post(&page, &fields).await.status.as_u16(),
                status,
                "{points} {reason}"
            );
        }
        assert!(
            b.standing(&t, begun.attempt).await.is_empty(),
            "the other one still waits"
        );
        let fields = [
            ("act", "score"),
            ("item", "2"),
            ("points", "15.5"),
            ("reason", "要点齐全"),
        ];
        assert_eq!(app.post(&page, &fields).await.status, 303);
        let fact = b.standing(&t, begun.attempt).await;
        assert_eq!(fact[0].quantity, Some(23_500));
        let shown = app.get(&page).await.page(200);
        assert!(
            shown.contains("23.5") && shown.contains("格式有误") && shown.contains("判分记录"),
            "{shown}"
        );
        // Looked at again: the old points stay as history, the fact follows.
        let fields = [
            ("act", "score"),
            ("item", "1"),
            ("points", "9"),
            ("reason", "复核"),
        ];
        assert_eq!(app.post(&page, &fields).await.status, 303);
        assert_eq!(
            b.standing(&t, begun.attempt).await[0].quantity,
            Some(24_500)
        );
        assert_eq!(b.audited(&t, "exam.scored").await, 3);
        assert!(
            b.exams
                .check_receipt(begun.attempt, &receipt.hash)
                .await
                .unwrap()
        );
    })
    .await;
}
