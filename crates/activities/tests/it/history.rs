//! Past activities from a sheet: checked by cell, chosen where they contradict, taken in with their proof, taken back.

use activities::{READ, RECORD, REVERSE};
use commons::sheets::write::{Value, csv};
use kernel::{ActivityId, Id, Scope};
use testkit::{TestDb, on_both};

use crate::house::{House, attendances, day, migrations, sessions};
use crate::pages::{Answer, App};

const HEAD: [&str; 9] = [
    "活动类型",
    "日期",
    "单位编码",
    "标题",
    "时长（分钟）",
    "实到人员工号",
    "未到人员工号",
    "场次",
    "参加人次",
];

fn sheet(rows: &[[&str; 9]]) -> Vec<u8> {
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|cell| Value::from(*cell)).collect());
    csv(&HEAD, rows).unwrap()
}

async fn upload(app: &App, files: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    app.send(
        "POST",
        "/activities/history",
        "multipart/form-data; boundary=cut",
        body,
    )
    .await
}

fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&mark).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn app(h: &House, t: &TestDb) -> App {
    let own = Scope::Under(vec![h.bureau]);
    App::new(h, t, &[READ, RECORD, REVERSE].map(|p| (p, own.clone())))
}

/// Sessions and attendances of the first office in a year.
async fn counted(h: &House, year: i16) -> (i64, i64) {
    let office = h.offices[0];
    let held = h.total(&sessions(), office, year).await.n;
    (held, h.total(&attendances(), office, year).await.n)
}

#[tokio::test]
async fn past_activities_are_taken_in_with_people_or_as_totals_and_back_as_a_whole() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = app(&h, &t);
        let rows = [
            [
                "周五集中学习",
                "2025-03-07",
                "O1",
                "三月学习",
                "90",
                "001、002",
                "004",
                "",
                "",
            ],
            [
                "friday-study",
                "2025-12-31",
                "O1",
                "下半年学习",
                "90",
                "",
                "",
                "12",
                "60",
            ],
        ];
        let rows = sheet(&rows);
        assert!(
            upload(&app, &[("a.csv", &rows)])
                .await
                .page(422)
                .contains("佐证扫描件")
        );
        assert!(
            upload(&app, &[("b.pdf", b"%PDF")])
                .await
                .page(422)
                .contains("xlsx 或 csv")
        );
        let page = upload(&app, &[("a.csv", &rows), ("b.pdf", b"%PDF 1")])
            .await
            .page(200);
        assert!(
            page.contains("三月学习") && page.contains("申报数"),
            "{page}"
        );
        assert_eq!(counted(&h, 2025).await, (0, 0), "nothing is written yet");
        let fields: Vec<(&str, String)> = ["id", "mark", "sheet", "scan"]
            .map(|n| (n, hidden(&page, n)))
            .into();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let mut stale = fields.clone();
        stale[1].1 = "9-9-9-9";
        app.post("/activities/history/publish", &stale)
            .await
            .page(422);
        let done = app.post("/activities/history/publish", &fields).await;
        done.page(303);
        let at = done.location().to_owned();
        assert_eq!(counted(&h, 2025).await, (13, 62));
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("三月学习") && page.contains("12 场，60 人次"),
            "{page}"
        );
        let import: Id = at.rsplit('/').next().unwrap().parse().unwrap();
        let (_, real, totals) = h.activities.import(import, &Scope::All).await.unwrap();
        assert_eq!((real.len(), totals.len()), (1, 1));
        assert!(real[0].late);
        let page = app
            .get(&format!("/activities/{}", real[0].id))
            .await
            .page(200);
        for text in ["补录", "导入", "b.pdf", "甲某"] {
            assert!(page.contains(text), "{text}");
        }
        let facts = h.standing(real[0].id).await;
        assert!(facts.iter().all(|f| f.source == "history") && facts.len() == 4);
        let declared = h.standing(ActivityId(import)).await;
        assert!(declared.iter().all(|f| f.source == "declared") && declared.len() == 72);
        h.proven().await;
        // The same again is known; other numbers are laid beside what is there.
        let page = upload(&app, &[("a.csv", &rows), ("b.pdf", b"%PDF 1")])
            .await
            .page(200);
        assert!(!page.contains("name=\"choose-"), "{page}");
        let other = [[
            "friday-study",
            "2025-06-30",
            "O1",
            "全年学习",
            "90",
            "",
            "",
            "20",
            "100",
        ]];
        let page = upload(&app, &[("c.csv", &sheet(&other)), ("b.pdf", b"%PDF 1")])
            .await
            .page(200);
        assert!(
            page.contains("name=\"choose-2\"") && page.contains("下半年学习"),
            "{page}"
        );
        // Others do not see it; taken back as a whole with a typed word and a reason.
        let outside = App::all(&h, &t, Scope::Under(vec![h.elsewhere]));
        assert_eq!(outside.get(&at).await.status.as_u16(), 404);
        let back = format!("{at}/reversal");
        let word = ("confirm", "冲正");
        app.post(&back, &[("reason", "数字有误")]).await.page(422);
        app.post(&back, &[("reason", ""), word]).await.page(422);
        app.post(&back, &[("reason", "数字有误"), word])
            .await
            .page(303);
        assert_eq!(counted(&h, 2025).await, (0, 0));
        let again = h
            .activities
            .reverse_history(import, "再来一次", &Scope::All, h.clerk)
            .await;
        assert_eq!(
            crate::house::refused(again),
            crate::house::why("conflict", "history-reversed-before")
        );
        h.proven().await;
        assert_eq!(h.audited("activity.history-reversed").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn mistakes_are_named_by_cell_and_contradictions_decided() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = app(&h, &t);
        let mut recorded = h.session(&t, day(6, 5));
        recorded.title = "已登记的学习".into();
        h.record(&recorded).await.unwrap();
        let rows = [
            [
                "没有的类型",
                "2025-03-07",
                "O1",
                "甲",
                "",
                "001",
                "",
                "",
                "",
            ],
            [
                "friday-study",
                "2027-01-01",
                "X1",
                "乙",
                "",
                "999",
                "",
                "",
                "",
            ],
            [
                "friday-study",
                "2025-03-07",
                "O1",
                "丙",
                "",
                "",
                "",
                "x",
                "",
            ],
            [
                "friday-study",
                "2025-03-07",
                "O1",
                "丁",
                "",
                "006",
                "",
                "",
                "",
            ],
            [
                "friday-study",
                "2025-04-04",
                "O1",
                "四月学习",
                "",
                "",
                "",
                "1",
                "5",
            ],
            [
                "friday-study",
                "2025-04-04",
                "O1",
                "四月 学习",
                "",
                "",
                "",
                "1",
                "6",
            ],
            [
                "friday-study",
                "2025-05-09",
                "O1",
                "五月学习",
                "",
                "",
                "",
                "1",
                "7",
            ],
            [
                "friday-study",
                "2025-05-09",
                "O1",
                "五月学习",
                "",
                "",
                "",
                "1",
                "7",
            ],
            [
                "friday-study",
                "2026-06-05",
                "O1",
                "六月学习",
                "",
                "",
                "",
                "1",
                "8",
            ],
        ];
        let page = upload(&app, &[("a.csv", &sheet(&rows)), ("b.pdf", b"%PDF 1")])
            .await
            .page(200);
        for cell in ["A2", "B3", "C3", "F3", "H4", "F5"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        assert!(
            page.contains("已登记的学习")
                && page.contains("name=\"choose-6\"")
                && page.contains("name=\"choose-10\"")
        );
        let fields: Vec<(&str, String)> = ["id", "mark", "sheet", "scan"]
            .map(|n| (n, hidden(&page, n)))
            .into();
        let mut fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        fields.push(("choose-6", "7"));
        let page = app
            .post("/activities/history/publish", &fields)
            .await
            .page(422);
        assert!(
            page.contains("还没有决定") && page.contains("value=\"7\" checked"),
            "{page}"
        );
        fields.push(("choose-10", "none"));
        app.post("/activities/history/publish", &fields)
            .await
            .page(303);
        assert_eq!(
            counted(&h, 2025).await,
            (2, 13),
            "the fifth and the chosen of the fourth"
        );
        assert_eq!(counted(&h, 2026).await, (1, 1));
    })
    .await;
}
