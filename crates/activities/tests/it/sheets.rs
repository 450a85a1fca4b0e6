//! Sign-in sheets: printed empty, downloaded, read back.

use activities::{PLAN, READ, RECORD, short_code};
use commons::sheets::write::{Value, csv};
use kernel::{ActivityId, Id, Scope};
use testkit::on_both;

use crate::evidence::parts;
use crate::house::{House, day, migrations};
use crate::pages::App;
use crate::plans::plan;

#[tokio::test]
async fn an_empty_sheet_names_everybody_expected_and_the_activity() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let today = t.env.today();
        let new = plan(&h, &t, today.month(), today.day());
        let id = h.activities.plan(&new, &Scope::All, h.clerk).await.unwrap();
        let app = App::new(&h, &t, &[(READ, Scope::All)]);
        let page = app
            .get(&format!("/activities/plans/{id}/sheet?blank=3"))
            .await
            .page(200);
        for text in [
            "甲某",
            "科长",
            "&lt;b&gt;乙",
            "单位O1",
            "三楼",
            "<svg",
            &short_code(id),
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("丙某"));
        assert_eq!(page.matches("<td class=\"r num\"").count(), 2 + 3);
        // What was recorded prints its frozen roster; who may not see it gets nothing.
        let held = h.record(&h.session(&t, day(6, 5))).await.unwrap();
        let page = app
            .get(&format!("/activities/{held}/sheet"))
            .await
            .page(200);
        assert!(page.contains("甲某") && page.contains(&short_code(held)));
        let outside = App::new(&h, &t, &[(READ, Scope::Under(vec![h.elsewhere]))]);
        outside
            .get(&format!("/activities/{held}/sheet"))
            .await
            .page(404);
        outside
            .get(&format!("/activities/plans/{id}/sheet"))
            .await
            .page(404);
    })
    .await;
}

#[tokio::test]
async fn a_filled_sheet_marks_the_form_and_records_nothing() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::new(
            &h,
            &t,
            &[(READ, Scope::All), (RECORD, Scope::All), (PLAN, Scope::All)],
        );
        let unit = h.offices[0].to_string();
        let path = format!("/activities/new/sheet?kind=friday-study&unit={unit}&date=2026-11-20");
        let sheet = app.get(&path).await;
        assert_eq!(sheet.status.as_u16(), 200);
        let read = commons::sheets::read("t.xlsx", &sheet.bytes, &Default::default()).unwrap();
        let cells: Vec<String> = read.cells().map(|c| c.text.to_owned()).collect();
        assert!(cells.contains(&"001".into()) && cells.contains(&"甲某".into()));
        let send = async |rows: &[[&str; 4]]| {
            let rows = rows
                .iter()
                .map(|row| row.map(|t| Value::Text(t.into())).into());
            let bytes = csv(&["工号", "姓名", "到会情况", "时长"], rows).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let (kind, body) = parts(&[
                ("kind", "", "friday-study"),
                ("unit", "", &unit),
                ("date", "", "2026-11-20"),
                ("sheet", "名单.csv", &text),
            ]);
            app.send("POST", "/activities/new/sheet", &kind, body).await
        };
        let page = send(&[["001", "乙", "实到", ""], ["", "甲某", "来了", ""]])
            .await
            .page(422);
        assert!(
            page.contains("B2：工号 001") && page.contains("C3：到会情况"),
            "{page}"
        );
        assert!(!page.contains(" checked"));
        let page = send(&[["999", "", "实到", ""]]).await.page(422);
        assert!(page.contains("A2：没有工号为 999"));
        let page = send(&[["", "甲某", "实到", "60"], ["003", "", "实到", "45"]])
            .await
            .page(200);
        assert_eq!(
            page.matches(" checked").count(),
            1,
            "who is not marked still has to be"
        );
        assert!(page.contains("value=\"003\"") && page.contains("60 分钟"));
        let (kind, body) = parts(&[
            ("kind", "", "friday-study"),
            ("unit", "", &unit),
            ("date", "", "2026-11-20"),
        ]);
        let page = app
            .send("POST", "/activities/new/sheet", &kind, body)
            .await
            .page(422);
        assert!(page.contains("请选择文件"));
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        // The form with what was read is recorded; the minutes are those of the persons.
        let id = t.env.new_id::<ActivityId>().to_string();
        let field = |no: &str, name: &str| format!("{name}-{}", h.people[no]);
        let (one, two) = (field("001", "part"), field("002", "part"));
        let (of_one, of_three) = (field("001", "minutes"), field("003", "minutes"));
        let mut fields = vec![
            ("id", id.as_str()),
            ("kind", "friday-study"),
            ("unit", &unit),
            ("date", "2026-11-20"),
            ("title", "学习"),
            ("starts", "09:00"),
            ("ends", "10:30"),
            ("observers", "003"),
            (&one, "present"),
            (&two, "leave"),
            (&of_one, "91"),
            (&of_three, "45"),
        ];
        let page = app.post("/activities", &fields).await.page(422);
        assert!(page.contains("个人时长 91 分钟"));
        fields[10].1 = "60";
        assert_eq!(app.post("/activities", &fields).await.status.as_u16(), 303);
        assert_eq!(h.numbers(h.bureau).await, (1, 60, 1, 1));
        let facts = h.standing(id.parse().unwrap()).await;
        let of = |no: &str| {
            facts
                .iter()
                .find(|f| f.person == Some(h.people[no]))
                .unwrap()
                .minutes
        };
        assert_eq!(
            (of("001"), of("002"), of("003")),
            (Some(60), Some(0), Some(45))
        );
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        assert!(page.contains("60 分钟"));
        h.proven().await;
        let strange: Id = t.env.new_id();
        app.get(&format!("/activities/{strange}/sheet"))
            .await
            .page(404);
    })
    .await;
}
