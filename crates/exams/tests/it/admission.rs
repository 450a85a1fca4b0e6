//! Who may sit, extra time, tickets that are sealed, printed and issued anew; over services and HTTP.

use commons::sheets::write::{Value as Cell, xlsx};
use exams::{Admitted, Change, Proof};
use kernel::{Id, Scope};
use questions::Kind;
use testkit::{TestDb, on_both};

use crate::making::draw;
use crate::office::{App, Bureau, migrations, refused};

async fn published(b: &Bureau, t: &TestDb) -> Id {
    let id = b.draft(t).await;
    b.stock(t, 2, Kind::Single, "刑法", 2).await;
    draw(b, t, id, "业务题库：刑法", "2").await;
    b.office.publish(id, 2, &Scope::All, b.clerk).await.unwrap();
    id
}

/// The tickets that stand on a printed page.
fn tickets(page: &str) -> Vec<String> {
    let codes = page.split("准考证码 ").skip(1);
    codes
        .map(|rest| rest.split('<').next().unwrap().trim().to_owned())
        .collect()
}

#[tokio::test]
async fn people_and_names_are_admitted_get_tickets_and_sit_with_their_time() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let (app, id) = (App::officer(&b, &t), published(&b, &t).await);
        let at = format!("/exams/{id}/candidates");
        assert!(app.get(&at).await.page(200).contains("还没有考生"));
        let none = app.post(&at, &[("place", "第一场")]).await.page(422);
        assert!(none.contains("请填写工号、姓名"), "{none}");
        let wrong = app.post(&at, &[("people", "001 999"), ("names", "钱一 5")]).await.page(422);
        assert!(wrong.contains("没有工号为“999”") && wrong.contains("钱一 5"), "{wrong}");
        assert_eq!(b.audited(&t, "exam.admitted").await, 0, "all or nobody");
        let fields = [("people", "001，002"), ("names", "钱一 X5\n钱<二>"), ("place", "第一场")];
        assert_eq!(app.post(&at, &fields).await.status, 303);
        assert_eq!(app.post(&at, &[("unit", "B")]).await.status, 303);
        let page = app.get(&at).await.page(200);
        assert!(page.contains("5 人") && page.contains("钱&lt;二&gt;") && page.contains("发准考证（5 人）"), "{page}");
        let found = app.get(&format!("{at}?q=x5&place=第一场")).await.page(200);
        assert!(found.contains("钱一") && !found.contains("甲某"), "{found}");
        assert_eq!(app.get(&format!("/exams/{id}/candidates.xlsx")).await.status, 200);
        // An officer of one office admits nobody of another, and does not see the examination of the bureau.
        let elsewhere = Scope::Under(vec![b.offices[0]]);
        let strange = App::new(&b, &t, b.clerk, &[(exams::WRITE, elsewhere.clone())]);
        assert_eq!(strange.post(&at, &[("people", "003")]).await.status, 404);

        assert_eq!(app.post(&format!("/exams/{id}/tickets"), &[]).await.status, 303);
        assert_eq!(b.audited(&t, "exam.tickets-issued").await, 1);
        let sheet = app.get(&format!("/exams/{id}/tickets")).await.page(200);
        assert!(sheet.contains("<svg") && sheet.contains("https://suneng.test/sit"), "{sheet}");
        let all = tickets(&sheet);
        assert_eq!(all.len(), 5);
        let again = app.get(&format!("/exams/{id}/tickets?place=第一场")).await.page(200);
        assert_eq!(tickets(&again).len(), 4);
        assert!(tickets(&again).iter().all(|ticket| all.contains(ticket)), "printed again they are the same");
        assert_eq!(b.audited(&t, "exam.tickets-printed").await, 2);
        // Nothing readable is kept of them.
        let plain = {
            let mut tx = t.db.read().await.unwrap();
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM exam_candidate WHERE sealed IS NOT NULL AND LENGTH(sealed) > 19";
            let kept: i64 = tx.one(sql, db::args![]).await.unwrap().get(0).unwrap();
            kept
        };
        assert_eq!(plain, 5);
        // One of them is issued anew: the one before is void.
        let list = app.get(&format!("{at}?q=钱一")).await.page(200);
        let candidate: Id = list.split(&format!("{at}/")).nth(1).unwrap()[..36].parse().unwrap();
        let before = tickets(&app.get(&format!("/exams/{id}/tickets?candidate={candidate}")).await.page(200)).remove(0);
        let one = [("candidate", candidate.to_string())];
        let one: Vec<(&str, &str)> = one.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(app.post(&format!("/exams/{id}/tickets"), &one).await.status, 303);
        let after = tickets(&app.get(&format!("/exams/{id}/tickets?candidate={candidate}")).await.page(200)).remove(0);
        assert_ne!(before, after);
        // Extra time needs a reason.
        let page = app.get(&format!("{at}/{candidate}")).await.page(200);
        assert!(page.contains("重发后原准考证作废"), "{page}");
        let change = |reason: &'static str| [("place", "第二场"), ("extra", "20"), ("more", "1"), ("reason", reason)];
        let no = app.post(&format!("{at}/{candidate}"), &change("")).await.page(422);
        assert!(no.contains("请写明原因"), "{no}");
        assert_eq!(app.post(&format!("{at}/{candidate}"), &change("视力障碍")).await.status, 303);
        t.clock.advance(3_601);
        assert!(b.exams.begin(id, &Proof::Ticket(before), "").await.is_err());
        let begun = b.exams.begin(id, &Proof::Ticket(after.clone()), "").await.unwrap();
        let usual = b.exams.begin(id, &Proof::Person(b.people[0]), "").await.unwrap();
        assert_eq!(begun.deadline.0 - usual.deadline.0, 20 * 60 * 1_000_000);
        // Off the list nobody begins.
        let off = Change { revoked: true, reason: "替考".into(), ..Change::default() };
        let third: Id = {
            let mut tx = t.db.read().await.unwrap();
            let sql = "SELECT id FROM exam_candidate WHERE exam = $1 AND person = $2";
            tx.one(sql, db::args![id, b.people[2]]).await.unwrap().get(0).unwrap()
        };
        b.office.change_candidate(id, third, &off, &Scope::All, b.clerk).await.unwrap();
        assert!(b.exams.begin(id, &Proof::Person(b.people[2]), "").await.is_err());
        assert_eq!(b.audited(&t, "exam.candidate-changed").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_sheet_of_names_comes_in_whole_or_not_at_all() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let (app, id) = (App::officer(&b, &t), published(&b, &t).await);
        let at = format!("/exams/{id}/candidates");
        assert_eq!(app.get("/exams/candidates-template").await.status, 200);
        let header = ["工号", "姓名", "编号", "场次", "加时（分钟）", "加时原因"];
        let sheet = |rows: &[[&str; 6]]| {
            let rows = rows
                .iter()
                .map(|r| r.map(|c| Cell::Text(c.to_owned())).to_vec());
            xlsx("考生", &header, rows.collect::<Vec<_>>()).unwrap()
        };
        let bad = sheet(&[
            ["001", "", "", "一", "", ""],
            ["", "", "", "", "", ""],
            ["777", "", "", "", "x", ""],
            ["", "钱一", "7", "", "10", ""],
        ]);
        let page = app
            .file(&format!("{at}/import"), &[], ("a.xlsx", &bad))
            .await
            .page(422);
        assert!(page.contains("请填写整数"), "{page}");
        let bad = sheet(&[
            ["001", "", "", "一", "", ""],
            ["777", "", "", "", "", ""],
            ["", "钱一", "7", "", "10", ""],
        ]);
        let page = app
            .file(&format!("{at}/import"), &[], ("a.xlsx", &bad))
            .await
            .page(422);
        assert!(
            page.contains("777") && page.contains("加时为 0 至"),
            "{page}"
        );
        assert_eq!(b.audited(&t, "exam.admitted").await, 0);
        let good = sheet(&[
            ["001", "", "", "一", "", ""],
            ["003", "", "", "", "", ""],
            ["", "钱一", "7", "二", "10", "骨折"],
        ]);
        assert_eq!(
            app.file(&format!("{at}/import"), &[], ("a.xlsx", &good))
                .await
                .status,
            303
        );
        assert!(app.get(&at).await.page(200).contains("3 人"));
        let nothing = app
            .file(&format!("{at}/import"), &[], ("a.xlsx", b""))
            .await
            .page(422);
        assert!(nothing.contains("请选择文件"));
        let unknown = Admitted {
            staff_no: "003".into(),
            at: "people".into(),
            ..Admitted::default()
        };
        let scope = Scope::Under(vec![b.bureau]);
        assert_eq!(
            b.office
                .admit(id, std::slice::from_ref(&unknown), &scope, b.clerk)
                .await
                .unwrap(),
            0,
            "there already"
        );
        assert_eq!(
            refused(b.office.admit(Id::NIL, &[unknown], &scope, b.clerk).await)[0].1,
            "not-found"
        );
    })
    .await;
}
