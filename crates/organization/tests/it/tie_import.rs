//! Members of bodies and ties, imported and exported: previewed, with cells, as often as one likes.

use axum::http::StatusCode;
use commons::sheets::{Limits, read_all};
use kernel::{Date, Id, Scope, UnitId};
use organization::{Body, End, MIGRATIONS, TieQuery};
use testkit::{TestDb, on_both};

use crate::day;
use crate::pages::{App, house, kinds};

const MEMBERS: &str = "组织名称,组织类型,工号,姓名,组织职务,起始日期,截止日期\n";
const TIES: &str =
    "结对类型,领导或师傅工号,领导或师傅姓名,结对对象编码或工号,起始日期,截止日期,依据\n";

async fn body(t: &TestDb, app: &App, kind: &str, name: &str, unit: UnitId) -> Id {
    let body = Body {
        id: t.env.new_id(),
        kind: kind.into(),
        name: name.into(),
        unit,
        charter: String::new(),
        from: day(1, 1),
        to: Some(Date::constant(2027, 6, 30)),
    };
    app.org
        .keep_body(&kinds(), &body, None, &Scope::All)
        .await
        .unwrap();
    body.id
}

/// Staff number, role, first and last day of all members.
async fn members(app: &App, body: Id) -> Vec<(String, Date, Option<Date>)> {
    let (_, list) = app.org.body(body, &Scope::All).await.unwrap();
    list.into_iter().map(|m| (m.role, m.from, m.to)).collect()
}

#[tokio::test]
async fn members_are_imported_changed_and_ended_by_sheet() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, ..]) = house(&t).await;
        let branch = body(&t, &app, "party-branch", "第一党支部", a).await;
        let file = app.file("/organization/import/ties-template.xlsx").await;
        let names: Vec<String> = read_all("t.xlsx", &file, &Limits::default())
            .unwrap()
            .iter()
            .flat_map(|s| s.cells().map(|c| c.text.to_owned()).collect::<Vec<_>>())
            .collect();
        assert!(names.contains(&"组织名称".to_owned()) && names.contains(&"结对类型".to_owned()));
        let first = format!("{MEMBERS}第一党支部,党支部,001,甲某,书记,2026-02-01,\n第一党支部,,003,,党员,2026-02-01,2026-12-31\n");
        let (place, page) = app.preview("t.csv", first.as_bytes()).await;
        assert!(page.contains("加入组织或者变更角色") && page.contains("发布 2 项"), "{page}");
        assert_eq!(members(&app, branch).await, [], "a preview does nothing");
        assert_eq!(app.publish(&place).await, "");
        let one = ("secretary".to_owned(), day(2, 1), None);
        let three = ("member".to_owned(), day(2, 1), Some(day(12, 31)));
        assert_eq!(members(&app, branch).await, [one, three.clone()]);
        let (_, page) = app.preview("t.csv", first.as_bytes()).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        // A later row changes the role, ends it, or only confirms.
        let later = format!("{MEMBERS}第一党支部,,001,,党员,2026-06-01,\n第一党支部,,003,丙某,党员,,2026-10-31\n");
        let (place, page) = app.preview("t.csv", later.as_bytes()).await;
        assert!(page.contains("加入组织或者变更角色") && page.contains("离开组织"), "{page}");
        assert_eq!(app.publish(&place).await, "");
        assert_eq!(
            members(&app, branch).await,
            [
                ("secretary".to_owned(), day(2, 1), Some(day(5, 31))),
                ("member".to_owned(), day(2, 1), Some(day(10, 31))),
                ("member".to_owned(), day(6, 1), None),
            ]
        );
        for again in ["001,,书记,2026-02-01,", "001,,党员,2026-06-01,", "001,,党员,,"] {
            let again = format!("{MEMBERS}第一党支部,,{again}\n");
            let (_, page) = app.preview("t.csv", again.as_bytes()).await;
            assert!(page.contains("没有需要变更的内容"), "an old list changes nothing: {page}");
        }
        let book = app.file("/organization/import/current-ties.xlsx").await;
        let (_, page) = app.preview("t.xlsx", &book).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        // Every fault has its cell, and nothing is done.
        body(&t, &app, "task-force", "专班", a).await;
        body(&t, &app, "study-group", "专班", a).await;
        let script = "<script>x()</script>";
        let wrong = format!(
            "{MEMBERS}没有的,,001,,党员,2026-02-01,\n专班,,001,,成员,2026-02-01,\n第一党支部,,zz,,党员,2026-02-01,\n\
             第一党支部,,003,不是,党员,2026-02-01,\n第一党支部,,003,,魔法师,2026-02-01,\n第一党支部,,002,,党员,2025-02-01,\n\
             第一党支部,,002,,党员,2026-05-01,2026-04-01\n第一党支部,,002,,党员,,\n第一党支部,,001,,书记,2026-06-01,\n\
             {script},,{script},{script},{script},{script},\n"
        );
        let (place, page) = app.preview("<b>.csv", wrong.as_bytes()).await;
        for cell in ["A2", "A3", "C4", "D5", "E6", "F7", "G8", "F9", "F10", "F11"] {
            assert!(page.contains(&format!("<b>{cell}</b>")), "{cell}: {page}");
        }
        assert!(!page.contains(script) && !page.contains("<b>.csv"), "{page}");
        assert_eq!(app.act(&place, "publish", "").await.0, StatusCode::CONFLICT);
        // With its kind a name is one body; who is on two lines is one person.
        let named = format!("{MEMBERS}专班,工作专班,001,,成员,2026-02-01,2026-03-31\n专班,工作专班,001,,组长,2026-04-01,\n");
        app.import(named.as_bytes()).await;
        // Outside the scope there is no such body.
        let near = App::new(&t, Scope::Under(vec![b]));
        let (_, page) = near.preview("t.csv", first.as_bytes()).await;
        assert!(page.contains("<b>A2</b>") && page.contains("没有组织"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn pairings_and_responsibility_are_imported_and_ended_by_sheet() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, ..]) = house(&t).await;
        let ties = async || {
            let mut all = Vec::new();
            for kind in [None, Some("responsibility".to_owned())] {
                let asked = TieQuery { kind, ..TieQuery::default() };
                all.extend(app.org.ties(&asked, &Scope::All).await.unwrap());
            }
            all.into_iter()
                .map(|t| (t.kind, t.staff_no, matches!(t.end, End::Unit(_)), t.from, t.to, t.basis))
                .collect::<Vec<_>>()
        };
        let sheet = format!(
            "{TIES}联系点,001,甲某,d,2026-02-01,,会议纪要\n师徒结对,001,,003,2026-03-01,2026-12-31,\n分管,003,,c,2026-02-01,,\n"
        );
        let (place, page) = app.preview("t.csv", sheet.as_bytes()).await;
        assert!(page.contains("新增结对或者分管") && page.contains("发布 3 项"), "{page}");
        assert_eq!(ties().await, []);
        assert_eq!(app.publish(&place).await, "");
        let contact = ("contact-point".to_owned(), "001".to_owned(), true, day(2, 1), None, "会议纪要".to_owned());
        let found = ties().await;
        assert_eq!(found.len(), 3);
        assert!(found.contains(&contact), "{found:?}");
        let (_, page) = app.preview("t.csv", sheet.as_bytes()).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        let book = app.file("/organization/import/current-ties.xlsx").await;
        let (_, page) = app.preview("t.xlsx", &book).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        let end = format!("{TIES}联系点,001,,d,,2026-11-30,\n");
        app.import(end.as_bytes()).await;
        let ended = (contact.0, contact.1, true, day(2, 1), Some(day(11, 30)), contact.5);
        assert!(ties().await.contains(&ended));
        let wrong = format!(
            "{TIES}没有,001,,d,2026-02-01,,\n联系点,zz,,d,2026-02-01,,\n联系点,001,,zz,2026-02-01,,\n师徒结对,001,,001,2026-02-01,,\n\
             师徒结对,001,,002,2026-08-01,,\n分管,001,,d,,,\n分管,001,,d,2026-05-01,2026-02-01,\n联系点,001,,d,2026-01-15,,\n"
        );
        let (_, page) = app.preview("t.csv", wrong.as_bytes()).await;
        for cell in ["A2", "B3", "D4", "D5", "D6", "E7", "F8", "E9"] {
            assert!(page.contains(&format!("<b>{cell}</b>")), "{cell}: {page}");
        }
        // So many at most, those of the file included.
        let mut many = TIES.to_owned();
        let mut people = "工号,姓名,单位编码,职务,起始日期,截止日期\n".to_owned();
        for n in 0..4 {
            people += &format!("06{n},徒{n},d,,2026-01-01,\n");
            many += &format!("师徒结对,003,,06{n},2026-04-01,,\n");
        }
        app.import(people.as_bytes()).await;
        let (_, page) = app.preview("t.csv", many.as_bytes()).await;
        assert!(page.contains("<b>B5</b>") && !page.contains("<b>B4</b>"), "{page}");
        // The other end must lie in the scope.
        let near = App::new(&t, Scope::Under(vec![b]));
        let (_, page) = near.preview("t.csv", format!("{TIES}分管,001,,d,2026-06-01,,\n").as_bytes()).await;
        assert!(page.contains("<b>D2</b>"), "{page}");
    })
    .await;
}
