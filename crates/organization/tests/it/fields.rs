//! Fields that sheets, forms and pages share: the month of birth and what else is a month, the credit codes of units.

use axum::http::StatusCode;
use commons::files::Files;
use commons::lrmx;
use commons::sheets::{Limits, read};
use kernel::{Date, Scope};
use organization::{Imports, MIGRATIONS, Nature, UnitEdit};
use testkit::on_both;

use crate::numbers::{House, migrations};
use crate::pages::{App, FORM, attributes, house};
use crate::{add, day, key, organization};

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

#[tokio::test]
async fn uploads_go_when_they_are_done_given_up_or_forgotten() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        add(&org, None, "a").await;
        let files = Files::memory(t.env.clone());
        let imports = Imports::new(org, files.clone(), attributes().into()).keeping(2);
        let held = async || {
            let later = kernel::Env::system().now().plus_seconds(3600);
            files.held_before(later).await.unwrap().len()
        };
        let sheet = |n: u8| {
            format!("工号,姓名,单位编码,职务,起始日期,截止日期\n00{n},某{n},a,,2026-01-01,\n")
                .into_bytes()
        };
        let open = async |n: u8| {
            let file = vec![("t.csv".to_owned(), files.hold(sheet(n)).await.unwrap())];
            imports.check_files(file, &Scope::All).await.unwrap().0
        };
        let one = open(1).await;
        assert_eq!(held().await, 1);
        imports
            .publish_checked(one, &Scope::All, None)
            .await
            .unwrap();
        assert_eq!(held().await, 0, "published");
        let two = open(2).await;
        imports.discard(two).await.unwrap();
        assert_eq!(held().await, 0, "given up");
        let refused = files.hold(b"%PDF-1.7".to_vec()).await.unwrap();
        let refused = imports.check_files(vec![("x.xlsx".to_owned(), refused)], &Scope::All);
        assert!(refused.await.is_err());
        assert_eq!(held().await, 0, "no table");
        // What nobody goes on with waits for its days, and so does what belongs to no import.
        open(3).await;
        files.hold(sheet(4)).await.unwrap();
        assert_eq!(imports.tidy(&[]).await.unwrap(), (0, 0));
        assert_eq!(held().await, 2);
        t.clock.advance(30 * 24 * 3600);
        assert_eq!(imports.tidy(&[]).await.unwrap(), (1, 1));
        // The published one leaves its line for longer, without a file.
        t.clock.advance(340 * 24 * 3600);
        assert_eq!(imports.tidy(&[]).await.unwrap(), (1, 0));
        assert_eq!(held().await, 0);
    })
    .await;
}

#[tokio::test]
async fn who_is_lent_is_counted_at_home_and_known_in_both_places() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, _, d]) = house(&t).await;
        let head = "工号,姓名,单位编码,职务,起始日期,截止日期,任职方式,在岗状态\n";
        let rows = format!(
            "{head}001,甲某,d,联络员,2026-03-01,2026-12-31,借调,借调、挂职在外\n003,丙某,b,副科长,2026-03-01,,挂职,\n\
             051,卯某,b,,2026-05-01,,,试用期\n"
        );
        app.import(rows.as_bytes()).await;
        let counts = [day(2, 1), day(6, 1)].map(|date| app.org.headcount(b, date));
        assert_eq!(futures::future::try_join_all(counts).await.unwrap(), [2, 3]);
        let lent = async |unit, date| {
            let list = app.org.lent(unit, date).await.unwrap();
            let list = list.into_iter().map(|l| (l.name, l.other, l.nature, l.here));
            list.collect::<Vec<_>>()
        };
        let (jia, bing) = ("甲某".to_owned(), "丙某".to_owned());
        let (second, attached) = (Nature::Secondment, Nature::Attachment);
        assert_eq!(lent(b, day(2, 28)).await, []);
        assert_eq!(
            lent(b, day(3, 1)).await,
            [(jia.clone(), d, second, false), (bing.clone(), d, attached, true)]
        );
        assert_eq!(lent(d, day(12, 31)).await, [(jia, b, second, true), (bing.clone(), b, attached, false)]);
        let after = lent(d, Date::constant(2027, 1, 1)).await;
        assert_eq!(after, [(bing, b, attached, false)], "it has ended");
        let (_, page) = app.get(&format!("/organization/units/{d}")).await;
        assert!(page.contains("在本单位 · 借调") && page.contains("在外单位 · 挂职"), "{page}");
        let roster = app.org.roster(b, day(6, 1), false, &Scope::All).await.unwrap();
        let one = roster.iter().find(|r| r.staff_no == "001").unwrap().person;
        let place = format!("/organization/people/{one}");
        let (_, page) = app.get(&place).await;
        assert!(page.contains("借调：") && page.contains("借调、挂职在外"), "{page}");
        // The list says it beside the name, as of its day.
        let marks = async |unit, date: &str| {
            let place = format!("/organization?unit={unit}&date={date}&only=own");
            let (_, page) = app.get(&place).await;
            let parts = page.split("<span class=\"tag tag-line\">").skip(1);
            parts.map(|part| part.split('<').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(marks(b, "2026-02-28").await, [""; 0]);
        // Nothing said since when of somebody known: from today on.
        assert_eq!(marks(b, "2026-06-01").await, ["借调", "试用期"]);
        assert_eq!(marks(b, "2026-12-31").await, ["借调", "借调、挂职在外", "试用期"]);
        assert_eq!(marks(b, "2027-01-01").await, ["借调、挂职在外", "试用期"]);
        assert_eq!(marks(d, "2027-01-01").await, ["挂职"]);
        // It leaves as it came.
        let book = app.file("/organization/import/current.xlsx").await;
        let (_, page) = app.preview("t.xlsx", &book).await;
        assert!(page.contains("没有需要变更的内容"), "{page}");
        // On the form; who is lent is not counted there.
        let body = "unit_code=c&post=x&from=2026-11-01&to=&kind=attachment";
        let (status, page) = app.post(&format!("{place}/assign"), FORM, body.as_bytes().to_vec()).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        let card = app.org.person(one, &Scope::All).await.unwrap();
        let natures: Vec<_> = card.assignments.iter().map(|a| (a.primary, a.nature)).collect();
        assert_eq!(natures, [(true, Nature::Ordinary), (false, second), (false, attached)]);
        let wrong = organization::NewAssignment {
            unit: d,
            post: String::new(),
            from: day(11, 1),
            to: None,
            primary: true,
            nature: second,
        };
        let wrong = app.org.assign(one, &wrong, None, &Scope::All).await;
        assert_eq!(key(wrong), "organization-nature-primary");
        let (_, page) = app.preview("t.csv", format!("{head}001,甲某,d,,2026-03-01,,客串,\n").as_bytes()).await;
        assert!(page.contains("<b>G2</b>") && page.contains("挂职"), "{page}");
    })
    .await;
}
