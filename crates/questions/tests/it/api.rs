//! The API of banks and questions, and counters that equal a recount.

use kernel::{Id, Scope};
use questions::formats::{Format, Limits, read, write};
use questions::{Kind, Question, State, Verdict};
use serde_json::{Value, json};
use testkit::on_both;

use crate::house::{App, House, migrations, numbered};

async fn ask(app: &App, method: &str, path: &str, body: Value) -> (u16, Value) {
    let bytes = match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    };
    let answer = app.send(method, path, "application/json", bytes).await;
    let body = serde_json::from_slice(&answer.bytes).unwrap_or(Value::Null);
    (answer.status.as_u16(), body)
}

#[tokio::test]
async fn programs_write_propose_review_and_export() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let own = Scope::Under(vec![h.bureau]);
        let grants =
            |names: &[&'static str]| names.iter().map(|n| (*n, own.clone())).collect::<Vec<_>>();
        let writer = App::new(
            &h,
            &t,
            h.writer,
            &grants(&[questions::READ, questions::WRITE, questions::REVIEW]),
        );
        let reviewer = App::new(
            &h,
            &t,
            h.reviewer,
            &grants(&[questions::READ, questions::REVIEW]),
        );
        let stranger = App::new(
            &h,
            &t,
            t.env.new_id(),
            &[(questions::READ, Scope::Under(vec![h.elsewhere]))],
        );
        let (_, banks) = ask(&writer, "GET", "/api/v1/question-banks", Value::Null).await;
        assert_eq!(banks["items"][0]["id"], json!(h.bank.id));
        let (_, none) = ask(&stranger, "GET", "/api/v1/question-banks", Value::Null).await;
        assert_eq!(none["items"], json!([]));
        let id: Id = t.env.new_id();
        let new = json!({ "id": id, "bank": h.bank.id, "question": numbered(1), "note": "接口" });
        let (status, made) = ask(&writer, "POST", "/api/v1/questions", new.clone()).await;
        assert_eq!((status, &made["state"]), (201, &json!("draft")), "{made}");
        assert_eq!(
            ask(&writer, "POST", "/api/v1/questions", new.clone())
                .await
                .0,
            201,
            "made once"
        );
        let mut faulty = new.clone();
        faulty["id"] = json!(t.env.new_id::<Id>());
        faulty["question"]["key"] = json!("Z");
        let (status, told) = ask(&writer, "POST", "/api/v1/questions", faulty).await;
        assert_eq!(status, 422, "{told}");
        // A hash of a file that somebody else handed in opens nothing.
        let mut stolen = new.clone();
        stolen["id"] = json!(t.env.new_id::<Id>());
        stolen["question"]["stem"] = "看图![](#1)".into();
        stolen["question"]["media"] =
            json!([{ "name": "x.png", "mime": "image/png", "hash": "0".repeat(64) }]);
        assert_eq!(
            ask(&writer, "POST", "/api/v1/questions", stolen).await.0,
            422
        );
        assert_eq!(
            ask(&reviewer, "POST", "/api/v1/questions", new).await.0,
            404,
            "no right to write"
        );
        let at = format!("/api/v1/questions/{id}");
        assert_eq!(ask(&stranger, "GET", &at, Value::Null).await.0, 404);
        let mut next = numbered(1);
        next.explanation = "理由".into();
        let body = json!({ "version": 1, "question": next });
        let (status, renewed) = ask(&writer, "POST", &format!("{at}/versions"), body.clone()).await;
        assert_eq!((status, &renewed["version"]), (201, &json!(2)), "{renewed}");
        assert_eq!(
            ask(&writer, "POST", &format!("{at}/versions"), body)
                .await
                .0,
            409,
            "changed since"
        );
        let (status, _) = ask(
            &writer,
            "POST",
            &format!("{at}/proposal"),
            json!({ "version": 2 }),
        )
        .await;
        assert_eq!(status, 200);
        let accept = json!({ "version": 2, "verdict": "accept" });
        assert_eq!(
            ask(&writer, "POST", &format!("{at}/review"), accept.clone())
                .await
                .0,
            409,
            "not one's own"
        );
        let (status, used) = ask(&reviewer, "POST", &format!("{at}/review"), accept).await;
        assert_eq!((status, &used["used_version"]), (200, &json!(2)), "{used}");
        let odd = json!({ "version": 2, "verdict": "burn" });
        assert_eq!(
            ask(&reviewer, "POST", &format!("{at}/review"), odd).await.0,
            422
        );
        let (_, list) = ask(
            &writer,
            "GET",
            "/api/v1/questions?state=in-use&point=%E8%A1%8C%E6%94%BF%E6%B3%95",
            Value::Null,
        )
        .await;
        assert_eq!(
            (&list["total"], &list["items"][0]["id"]),
            (&json!(1), &json!(id))
        );
        assert_eq!(
            ask(&writer, "GET", "/api/v1/questions?state=x", Value::Null)
                .await
                .0,
            422
        );
        let file = writer
            .send("GET", "/api/v1/questions.jsonl", "", Vec::new())
            .await;
        assert_eq!(file.status.as_u16(), 200);
        let back = read("题.jsonl", &file.bytes, Limits::default()).unwrap();
        assert_eq!(back.items[0].question.explanation, "理由");
        assert_eq!(h.audited("questions.exported").await, 1);
        // Of a sealed bank a list shows no words.
        let sealed = questions::Bank {
            sealed: true,
            ..h.bank.clone()
        };
        h.questions
            .keep_bank(&sealed, &Scope::All, h.writer)
            .await
            .unwrap();
        let (_, list) = ask(&writer, "GET", "/api/v1/questions", Value::Null).await;
        assert_eq!(list["items"][0]["stem"], Value::Null);
        let before = h.audited("questions.looked").await;
        assert_eq!(ask(&writer, "GET", &at, Value::Null).await.0, 200);
        assert_eq!(h.audited("questions.looked").await, before + 1);
    })
    .await;
}

#[tokio::test]
async fn counters_equal_a_recount_whatever_is_done() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut ids = Vec::new();
        let recount = async || {
            let mut tx = t.db.read().await.unwrap();
            let sql = "SELECT point, kind, difficulty, CAST(COUNT(*) AS BIGINT) FROM question_pick
                WHERE used = 1 GROUP BY point, kind, difficulty ORDER BY point, kind, difficulty";
            let rows = tx.query(sql, db::args![]).await.unwrap();
            let counted: Vec<(Id, String, i64, i64)> = rows
                .iter()
                .map(|r| {
                    (
                        r.get(0).unwrap(),
                        r.get(1).unwrap(),
                        r.get(2).unwrap(),
                        r.get(3).unwrap(),
                    )
                })
                .collect();
            drop(tx);
            let points: Vec<Id> = h
                .questions
                .points(&Scope::All)
                .await
                .unwrap()
                .iter()
                .map(|p| p.id)
                .collect();
            let mut kept: Vec<(Id, String, i64, i64)> = h
                .questions
                .available(&points)
                .await
                .unwrap()
                .iter()
                .map(|a| (a.point, a.kind.code().to_owned(), a.difficulty, a.count))
                .collect();
            kept.sort_unstable();
            assert_eq!(kept, counted);
            kept.iter().map(|k| k.3).sum::<i64>()
        };
        for n in 0..40 {
            ids.push(h.write(&t, &numbered(n)).await);
        }
        assert_eq!(recount().await, 0, "drafts are not drawn");
        let first: Vec<(Id, i64)> = ids.iter().map(|id| (*id, 1)).collect();
        let scope = Scope::All;
        h.questions
            .decide(&first, Verdict::Propose, &scope, h.writer)
            .await
            .unwrap();
        h.questions
            .decide(&first[..30], Verdict::Accept, &scope, h.reviewer)
            .await
            .unwrap();
        assert_eq!(
            recount().await,
            90,
            "at its point, above it and in the whole bank"
        );
        // Another kind, point and difficulty count when they are accepted, not before.
        let mut other = numbered(100);
        other.points = vec!["民法/总则/人".into(), "民法/总则".into()];
        other.difficulty = None;
        h.put(ids[0], Some(1), &other, &scope).await.unwrap();
        recount().await;
        h.questions
            .decide(&[(ids[0], 2)], Verdict::Propose, &scope, h.writer)
            .await
            .unwrap();
        h.questions
            .decide(&[(ids[0], 2)], Verdict::Accept, &scope, h.reviewer)
            .await
            .unwrap();
        assert_eq!(recount().await, 91);
        h.questions
            .decide(&first[1..11], Verdict::Retire("过时"), &scope, h.reviewer)
            .await
            .unwrap();
        assert_eq!(recount().await, 61);
        let more: Vec<Question> = (200..260).map(numbered).collect();
        let file = write(Format::Jsonl, &more).unwrap().bytes;
        let plan = h
            .questions
            .plan("题.jsonl", file, Limits::default(), h.bank.id, &scope)
            .await
            .unwrap();
        h.publish(&plan, State::InUse).await;
        assert_eq!(recount().await, 61 + 180);
        let whole = h
            .questions
            .points(&scope)
            .await
            .unwrap()
            .into_iter()
            .find(|p| p.path.is_empty())
            .unwrap();
        let there = h.questions.available(&[whole.id]).await.unwrap();
        assert!(
            there.iter().all(|a| a.kind == Kind::Single)
                && there.iter().map(|a| a.count).sum::<i64>() == 80
        );
    })
    .await;
}
