//! Fields that sheets, forms and pages share: the month of birth and what else is a month, the credit codes of units.

use axum::http::StatusCode;
use commons::lrmx;
use commons::sheets::{Limits, read};
use kernel::{Date, Scope};
use organization::{MIGRATIONS, UnitEdit};
use testkit::on_both;

use crate::numbers::{House, migrations};
use crate::pages::{App, FORM, house};
use crate::{day, key};

const HEAD: &str = "工号,姓名,单位编码,职务,起始日期,截止日期,出生年月,参加工作时间,身份证号\n";

#[tokio::test]
async fn a_month_of_birth_comes_by_sheet_by_form_and_from_the_number() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let sheet = format!(
            "{HEAD}010,子某,b,,2026-01-01,,1985.03,2008年7月,\n011,丑某,b,,2026-01-01,,,,11010519491231002X\n\
             012,寅某,b,,2026-01-01,,195001,,110101199003071233\n"
        );
        h.app.import(sheet.as_bytes()).await;
        let people = h.org.roster(h.units[1], h.t.env.today(), false, &Scope::All);
        let people = people.await.unwrap();
        let id = |number: &str| {
            let found = people.iter().find(|p| p.staff_no == number);
            found.unwrap().person
        };
        let months = async |number: &str| {
            let card = h.org.person(id(number), &Scope::All).await.unwrap();
            // Said on one day, they hold on every other one.
            let day = Date::constant(2001, 1, 1);
            ["birth", "work-begun"].map(|code| card.traits.on(code, day).map(str::to_owned))
        };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(months("010").await, [said("1985-03"), said("2008-07")]);
        assert_eq!(months("011").await, [said("1949-12"), None], "from the number");
        assert_eq!(months("012").await, [said("1950-01"), None], "what is stated counts");
        // A number that comes later fills what is not known and corrects nothing.
        let later = format!("{HEAD}010,子某,b,,,,,,110101199003071233\n");
        let (_, page) = h.app.preview("t.csv", later.as_bytes()).await;
        assert!(page.contains("<b>I2</b>"), "taken by 012: {page}");
        let (_, page) = h.app.preview("t.csv", format!("{HEAD}012,寅某,b,,,,,,110101199003071233\n").as_bytes()).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        // What is no month is named with its cell, and nothing else is wrong.
        let wrong = format!("{HEAD}010,子某,b,,,,1985.1,2099-01,\n");
        let (_, page) = h.app.preview("t.csv", wrong.as_bytes()).await;
        for part in ["<b>G2</b>", "1985-10", "<b>H2</b>", "不能晚于本月"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        // The page shows it with the years that are full, and takes a correction however it is written.
        let place = format!("/organization/people/{}", id("010"));
        let (_, page) = h.app.get(&place).await;
        let years = i32::from(h.t.env.today().year()) - 1985 - i32::from(h.t.env.today().month() < 3);
        assert!(page.contains(&format!("1985-03 · 年龄 {years}")), "{page}");
        assert!(!page.contains("1900-01-01"), "no day is made up: {page}");
        let post = async |body: &str| {
            let path = format!("{place}/attribute");
            h.app.post(&path, FORM, body.as_bytes().to_vec()).await
        };
        let (status, page) = post("attribute=birth&text=x").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("请填写年月"), "{page}");
        assert_eq!(post("attribute=birth&text=1986%E5%B9%B44%E6%9C%88").await.0, StatusCode::SEE_OTHER);
        assert_eq!(months("010").await[0], said("1986-04"));
        // It leaves in sheets and forms, and comes back as it was.
        let book = h.app.file("/organization/import/current.xlsx").await;
        let (_, page) = h.app.preview("t.xlsx", &book).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        let sheets = commons::sheets::read_all("t.xlsx", &book, &Limits::default()).unwrap();
        let cells: Vec<String> = sheets[1].cells().map(|c| c.text.to_owned()).collect();
        assert!(cells.iter().any(|c| c == "1986-04"), "{cells:?}");
        let form = h.app.file(&format!("{place}/form.lrmx")).await;
        let form = lrmx::read("x.lrmx", &form, &lrmx::Limits::default()).unwrap().form;
        assert_eq!((form.born.as_str(), form.began_work.as_str()), ("198604", "200807"));
        let corrected = lrmx::write(&lrmx::Form { born: "1987.05".into(), ..form });
        let place = "/organization/import/forms";
        let (status, _, page) = h.app.send_files(place, &[("a.lrmx", &corrected)]).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(page.contains("1986-04") && page.contains("1987-05"), "{page}");
    })
    .await;
}

const CODE: &str = "91350100M000100Y43";

#[tokio::test]
async fn a_credit_code_is_checked_shown_found_and_unique() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, c, d]) = house(&t).await;
        let post = async |unit, act: &str, body: &str| {
            let path = format!("/organization/units/{unit}/{act}");
            app.post(&path, FORM, body.as_bytes().to_vec()).await
        };
        let edit = |code: &str| {
            format!("name=x&category=&unit_code=&date=2026-11-01&basis=&credit_code={code}")
        };
        for (code, said) in [
            ("91350100M000100Y4", "18 位"),
            ("91350100M000100Y44", "校验"),
            ("91350100O000100Y43", "O"),
        ] {
            let (status, page) = post(b, "edit", &edit(code)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
            assert!(
                page.contains(said) && page.contains("f-credit_code"),
                "{said}: {page}"
            );
        }
        // Small letters and blanks are taken; the code alone is no change of the unit.
        let name = app.org.unit(b, &Scope::All).await.unwrap().name;
        let change = UnitEdit {
            credit_code: Some(" 91350100 m000100y43".into()),
            ..UnitEdit::default()
        };
        let basis = organization::Basis {
            date: day(11, 1),
            text: String::new(),
            by: None.into(),
        };
        app.org
            .change_unit(b, &change, &basis, &Scope::All)
            .await
            .unwrap();
        let unit = app.org.unit(b, &Scope::All).await.unwrap();
        assert_eq!((unit.credit_code.as_str(), &unit.name), (CODE, &name));
        let (states, _) = app.org.unit_history(b, &Scope::All).await.unwrap();
        assert_eq!(states.len(), 1);
        let (_, page) = app.get(&format!("/organization/units/{b}")).await;
        assert!(page.contains(CODE), "{page}");
        let found = app.org.search("m000100Y43", &Scope::All, 5).await.unwrap();
        assert_eq!(found.units[0].id, b);
        let (_, api) = app.get("/api/v1/units").await;
        assert!(api.contains(CODE), "{api}");
        // Nobody else has it while the unit stands; who may not see the unit is not told its name.
        let (_, page) = post(d, "edit", &edit(CODE)).await;
        assert!(page.contains(&format!("“{name}”已经使用")), "{page}");
        let other = App::new(&t, Scope::Under(vec![d]));
        let path = format!("/organization/units/{d}/edit");
        let (_, page) = other.post(&path, FORM, edit(CODE).into_bytes()).await;
        assert!(
            page.contains("管理范围之外") && !page.contains(&name),
            "{page}"
        );
        let (_, page) = post(
            a,
            "add",
            &format!("code=e&name=E&date=2026-11-01&credit_code={CODE}"),
        )
        .await;
        assert!(page.contains("已经使用"), "{page}");
        assert!(
            app.org.unit_by_code("e", &Scope::All).await.is_err(),
            "nothing half done"
        );
        // By sheet: the cell is named; a code that moves from one row to another is no fault.
        let head = "上级单位编码,单位编码,单位名称,类别,统一社会信用代码\n";
        let (_, page) = app
            .preview(
                "t.csv",
                format!("{head}a,d,D,,{CODE}\na,f,F,,123\n").as_bytes(),
            )
            .await;
        assert!(
            page.contains("<b>E2</b>") && page.contains("<b>E3</b>"),
            "{page}"
        );
        let (_, page) = app
            .preview(
                "t.csv",
                format!("{head}a,f,F,,92350100MA2XXXXXXX\n").as_bytes(),
            )
            .await;
        assert!(page.contains("<b>E2</b>"), "{page}");
        let (place, _) = app
            .preview(
                "t.csv",
                format!("{head}a,f,F,,{CODE}\na,g,G,,{CODE}\n").as_bytes(),
            )
            .await;
        let csv = String::from_utf8(app.file(&format!("{place}/faults.csv")).await).unwrap();
        assert!(csv.contains("E2,") && csv.contains("E3,"), "{csv}");
        let book = app.file("/organization/import/current.xlsx").await;
        let sheet = read("t.xlsx", &book, &Limits::default()).unwrap();
        assert!(sheet.cells().any(|c| c.text == CODE));
        let (_, page) = app.preview("t.xlsx", &book).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        // Once the unit has ended another one may have it.
        app.org
            .merge_units(&[b], d, &basis, &Scope::All)
            .await
            .unwrap();
        let (status, page) = post(d, "edit", &edit(CODE)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        assert_eq!(
            app.org.unit(d, &Scope::All).await.unwrap().credit_code,
            CODE
        );
        // And gives it up again.
        assert_eq!(post(d, "edit", &edit("")).await.0, StatusCode::SEE_OTHER);
        assert_eq!(app.org.unit(d, &Scope::All).await.unwrap().credit_code, "");
        let wrong = UnitEdit {
            credit_code: Some("x".into()),
            ..UnitEdit::default()
        };
        let bad = app.org.change_unit(c, &wrong, &basis, &Scope::All).await;
        assert_eq!(key(bad), "credit-code-length");
    })
    .await;
}
