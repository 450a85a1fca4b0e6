//! Identity numbers: sealed, masked, shown on purpose, imported, exported; and erasure.

use axum::http::StatusCode;
use commons::lrmx::{self, Form};
use crypt::{Keyring, Vault};
use db::{Migration, args};
use kernel::{Date, PersonId, Scope, UnitId};
use organization::{ERASE, IDENTITY, MANAGE, Organization, READ};
use testkit::{TestDb, on_both};
use web::Principal;

use crate::pages::{App, FORM};
use crate::{add, day, key, organization};

/// The examples printed in the standard, and one of 15 digits.
const WOMAN: &str = "11010519491231002X";
const MAN: &str = "110101199003071233";
const OLD: &str = "110105491231002";

pub fn migrations() -> Vec<Migration> {
    [crypt::MIGRATIONS, organization::MIGRATIONS].concat()
}

pub struct House {
    pub t: TestDb,
    pub org: Organization,
    pub app: App,
    pub units: [UnitId; 3],
    _keys: tempfile::TempDir,
}

impl House {
    /// a over b and c, with a person in each of these.
    pub async fn new(t: TestDb) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring");
        let ring = Keyring::create(&path, &t.env, crypt::AES).expect("a keyring");
        let vault = Vault::open(&t.db, &t.env, ring).await.expect("a vault");
        let org = organization(&t).with_vault(vault);
        let a = add(&org, None, "a").await;
        let b = add(&org, Some(a), "b").await;
        let c = add(&org, Some(a), "c").await;
        let app = App::over(&t, org.clone(), somebody(&t, &Scope::All, true));
        app.import("工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某,b,科长,2026-01-01,\n002,乙某,c,,2026-01-01,\n".as_bytes())
            .await;
        Self {
            t,
            org,
            app,
            units: [a, b, c],
            _keys: folder,
        }
    }

    pub fn as_if(&self, scope: &Scope, identity: bool) -> App {
        let who = somebody(&self.t, scope, identity);
        App::over(&self.t, self.org.clone(), who)
    }

    pub async fn person(&self, unit: UnitId) -> PersonId {
        let today = self.t.env.today();
        let roster = self.org.roster(unit, today, false, &Scope::All).await;
        roster.unwrap()[0].person
    }

    /// Whether a text lies open anywhere in the tables that held it.
    pub async fn lies_open(&self, text: &str) -> bool {
        let mut tx = self.t.db.read().await.unwrap();
        for table in ["import_row", "import_finding", "person_attribute"] {
            let column = match table {
                "import_row" => "texts",
                "import_finding" => "detail",
                _ => "value",
            };
            let sql = format!("SELECT {column} FROM {table}");
            for row in tx.query(sql, args![]).await.unwrap() {
                let found: String = row.get(0).unwrap();
                if found.contains(text) {
                    return true;
                }
            }
        }
        false
    }
}

fn somebody(t: &TestDb, scope: &Scope, identity: bool) -> Principal {
    let who = Principal::new(t.env.new_id(), "林晓岚")
        .with(READ, scope.clone())
        .with(MANAGE, scope.clone());
    if identity {
        who.with(IDENTITY, scope.clone()).with(ERASE, scope.clone())
    } else {
        who
    }
}

#[tokio::test]
async fn a_number_is_recorded_masked_and_shown_on_purpose() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let [_, b, c] = h.units;
        let (one, two) = (h.person(b).await, h.person(c).await);
        let place = |id: PersonId| format!("/organization/people/{id}");
        let post = async |app: &App, path: &str, body: &str| {
            app.post(path, FORM, body.as_bytes().to_vec()).await
        };
        let set = format!("{}/identity/set", place(one));
        for (number, said) in [
            ("number=", "18 位，现有 0 位"),
            ("number=110105194912310021", "校验码不符"),
            ("number=11010519491331002X", "1949-13-31 不存在"),
        ] {
            let (status, page) = post(&h.app, &set, number).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
            assert!(page.contains(said), "{said}: {page}");
            assert!(!page.contains("19491"), "it is not sent back");
        }
        let typed = format!("number={OLD}");
        assert_eq!(post(&h.app, &set, &typed).await.0, StatusCode::SEE_OTHER);
        let (_, page) = h.app.get(&place(one)).await;
        assert!(page.contains("1101**********002X") && !page.contains(WOMAN));
        let (_, roster) = h.app.get("/organization").await;
        assert!(!roster.contains("002X"), "no list has it");

        // Shown to whoever says what for, once.
        let show = format!("{}/identity/show", place(one));
        let (status, page) = post(&h.app, &show, "reason=+").await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && !page.contains(WOMAN));
        let (status, page) = post(&h.app, &show, "reason=%E6%A0%B8%E5%AF%B9").await;
        assert!(status == StatusCode::OK && page.contains(WOMAN), "{page}");
        let (_, page) = h.app.get(&place(one)).await;
        assert!(!page.contains(WOMAN));
        let plain = h.as_if(&Scope::All, false);
        let (_, page) = plain.get(&place(one)).await;
        assert!(
            !page.contains("identity/show") && !page.contains("/erase"),
            "{page}"
        );
        for (path, body) in [(&show, "reason=x"), (&set, "number=x")] {
            let (status, page) = post(&plain, path, body).await;
            assert!(
                status == StatusCode::NOT_FOUND || status == StatusCode::FORBIDDEN,
                "{page}"
            );
        }

        // Another person cannot have it; who it is is said only to those who may know.
        let again = format!("{}/identity/set", place(two));
        let typed = format!("number={WOMAN}");
        let (_, page) = post(&h.app, &again, &typed).await;
        assert!(page.contains("已登记在 甲某（工号 001）名下"), "{page}");
        let near = h.as_if(&Scope::Under(vec![c]), true);
        let (status, page) = post(&near, &again, &typed).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.contains("另一人名下") && !page.contains("甲某"),
            "{page}"
        );
        assert_eq!(
            post(&near, &show, "reason=x").await.0,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            post(&h.app, &format!("{}/identity/show", place(two)), "reason=x")
                .await
                .0,
            StatusCode::NOT_FOUND
        );

        // Corrected: the number that was wrong is free again.
        let typed = format!("number={MAN}");
        assert_eq!(post(&h.app, &set, &typed).await.0, StatusCode::SEE_OTHER);
        let typed = format!("number={WOMAN}");
        assert_eq!(post(&h.app, &again, &typed).await.0, StatusCode::SEE_OTHER);

        // In a file only on purpose.
        let file = h.app.file("/organization/import/current.xlsx").await;
        let open = |bytes: &[u8]| {
            let mut all = String::new();
            commons::sheets::scan(
                "x.xlsx",
                bytes,
                &commons::sheets::Limits::default(),
                &mut |row| {
                    all += &row.cells.join(",");
                    Ok(commons::sheets::Flow::Go)
                },
            )
            .unwrap();
            all
        };
        assert!(!open(&file).contains(WOMAN));
        let path = "/organization/import/current-with-numbers.xlsx";
        assert_eq!(
            post(&h.app, path, "reason=").await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_ne!(post(&plain, path, "reason=x").await.0, StatusCode::OK);
        let bytes = h.app.posted(path, "reason=x").await;
        assert!(open(&bytes).contains(WOMAN) && open(&bytes).contains(MAN));
        let bytes = near.posted(path, "reason=x").await;
        assert!(open(&bytes).contains(WOMAN) && !open(&bytes).contains(MAN));
    })
    .await;
}

const HEAD: &str = "工号,姓名,单位编码,职务,起始日期,截止日期,身份证号\n";

#[tokio::test]
async fn numbers_are_imported_sealed_and_tell_who_is_the_same() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let [_, b, c] = h.units;
        let wrong = format!(
            "{HEAD}001,甲某,b,科长,2026-01-01,,110105194912310021\n003,丙某,c,,2026-02-01,,{MAN}\n004,丁某,c,,2026-02-01,,{MAN}\n"
        );
        let (_, page) = h.app.preview("t.csv", wrong.as_bytes()).await;
        assert!(page.contains("<b>G2</b>") && page.contains("校验码不符"), "{page}");
        assert!(page.contains("<b>G4</b>") && page.contains("与 G3 的身份证号相同"), "{page}");
        assert!(!h.lies_open(MAN).await, "what is staged is sealed");

        let right = format!(
            "{HEAD}001,甲某,b,科长,2026-01-01,,{WOMAN}\n003,丙某,c,,2026-02-01,,{MAN}\n"
        );
        h.app.import(right.as_bytes()).await;
        let by = organization::By::default();
        let shown = async |id| {
            let shown = h.org.show_number(id, "x", by.clone(), &Scope::All).await;
            shown.map(|n| n.as_str().to_owned())
        };
        assert_eq!(shown(h.person(b).await).await.unwrap(), WOMAN);
        let found = h.org.search("丙某", &Scope::All, 1).await.unwrap().people;
        assert_eq!(shown(found[0].person).await.unwrap(), MAN);
        assert_eq!(key(shown(h.person(c).await).await), "not-found");
        let (_, page) = h.app.preview("t.csv", right.as_bytes()).await;
        assert!(page.contains("没有变化") || !page.contains("/publish"), "{page}");

        // A new staff number in another unit under another name: the number tells who it is.
        let moved = format!("{HEAD}900,丙改名,b,,2026-08-01,,{MAN}\n");
        let (place, _) = h.app.preview("t.csv", moved.as_bytes()).await;
        let (_, page) = h.app.get(&format!("{place}?kind=twin")).await;
        assert!(page.contains("身份证号相同") && page.contains("same:003"), "{page}");
        let (status, page) = h.app.act(&place, "decide", "twin.900=same:003").await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        h.app.rest(&place).await;
        assert_eq!(h.app.publish(&place).await, "");
        let found = h.org.search("丙改名", &Scope::All, 1).await.unwrap().people;
        assert_eq!((found[0].staff_no.as_str(), found[0].unit), ("900", b));
        // Said to be somebody else, or out of reach: a number has one owner.
        let (place, _) = h.app.preview("t.csv", format!("{HEAD}901,戊某,b,,2026-08-01,,{MAN}\n").as_bytes()).await;
        let (status, _) = h.app.act(&place, "decide", "twin.901=other").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert!(h.app.rest(&place).await.contains("另一人名下"));
        let near = h.as_if(&Scope::Under(vec![c]), true);
        let (_, page) = near.preview("t.csv", format!("{HEAD}902,己某,c,,2026-08-01,,{MAN}\n").as_bytes()).await;
        assert!(page.contains("另一人名下") && !page.contains("丙改名"), "{page}");
        assert!(!h.lies_open(MAN).await);

        // An appointment form brings it too.
        let form = lrmx::write(&Form {
            name: "乙某".into(),
            id_number: "110101199003072316".into(),
            ..Form::default()
        });
        let (_, _, page) = h.app.send_files("/organization/import/forms", &[("b.lrmx", &form)]).await;
        let id = h.person(c).await;
        assert!(page.contains("1101**********2316") && !page.contains("199003072316"), "{page}");
        let hash = page.split("name=\"held.0\" value=\"").nth(1).unwrap();
        let hash = hash.split('"').next().unwrap();
        let body = format!("held.0={hash}&do.0={id}");
        let (status, page) = h.app.post("/organization/import/forms/apply", FORM, body.into_bytes()).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        assert_eq!(shown(id).await.unwrap(), "110101199003072316");

        // Without a keyring nothing is taken, and it is said why.
        let bare = App::new(&h.t, Scope::All);
        let place = bare.open("t.csv", right.as_bytes()).await.unwrap();
        let page = bare.check(&place).await;
        assert!(page.contains("未配置密钥"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn who_has_left_is_erased_and_everything_counted_stays() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let [a, b, _] = h.units;
        let id = h.person(b).await;
        let (by, all) = (organization::By::default(), Scope::All);
        let list = crate::pages::attributes();
        h.org.set_number(id, WOMAN, by.clone(), &all).await.unwrap();
        h.org
            .set_attribute(&list, id, "level", "staff", day(2, 1), None, &all)
            .await
            .unwrap();
        let place = format!("/organization/people/{id}");
        let erase = async |app: &App, body: &str| {
            let path = format!("{place}/erase");
            app.post(&path, FORM, body.as_bytes().to_vec()).await
        };
        let (status, page) = erase(&h.app, "typed=001&erase_reason=x").await;
        assert!(
            status != StatusCode::SEE_OTHER && page.contains("仍有任职"),
            "{page}"
        );
        let held = h.org.person(id, &all).await.unwrap().assignments;
        h.org
            .end_assignment(id, held[0].id, day(6, 30), None, &all)
            .await
            .unwrap();
        let counted = async || {
            let counts = [day(3, 1), day(7, 1), day(11, 20)].map(|d| h.org.headcount(a, d));
            let rows = h.org.roster(a, day(3, 1), true, &all).await.unwrap();
            let ids: Vec<PersonId> = rows.iter().map(|r| r.person).collect();
            let mut sorted = ids.clone();
            sorted.sort();
            (futures::future::try_join_all(counts).await.unwrap(), sorted)
        };
        let before = counted().await;
        let (status, page) = erase(&h.app, "typed=002&erase_reason=x").await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("输入的工号不是 001"));
        let (status, _) = erase(&h.app, "typed=001&erase_reason=").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_ne!(
            erase(&h.as_if(&all, false), "typed=001&erase_reason=x")
                .await
                .0,
            StatusCode::SEE_OTHER
        );
        let (status, page) = erase(&h.app, "typed=001&erase_reason=x").await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");

        assert_eq!(counted().await, before, "what is counted stays");
        let card = h.org.person(id, &all).await.unwrap();
        assert_eq!(card.person.name, "***");
        assert!(card.erased.is_some() && card.traits.iter().next().is_none());
        assert_eq!(card.assignments.len(), held.len());
        let (_, page) = h.app.get(&place).await;
        assert!(
            page.contains("已删除个人信息") && !page.contains("甲某") && !page.contains("002X"),
            "{page}"
        );
        let shown = h.org.show_number(id, "x", by.clone(), &all).await;
        assert_eq!(key(shown.map(|_| ())), "not-found");
        let again = h.org.set_number(id, WOMAN, by.clone(), &all).await;
        assert_eq!(key(again), "person-erased-stays");
        assert_eq!(
            key(h.org.rename_person(id, "甲某", None, &all).await),
            "person-erased-stays"
        );
        let (status, _) = erase(&h.app, "typed=001&erase_reason=x").await;
        assert_ne!(status, StatusCode::SEE_OTHER, "once");
        // The number is free: the same human being may come again as somebody new.
        let again = format!("{HEAD}001,甲某,b,,2026-10-01,,{WOMAN}\n");
        h.app.import(again.as_bytes()).await;
        assert_ne!(h.person(b).await, id);
        assert_eq!(Date::constant(2026, 11, 20), h.t.env.today());
    })
    .await;
}
