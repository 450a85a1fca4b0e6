//! Checklists: read from packs, kept once, extended, put to use by somebody else, compared, taken out and in again.

use commons::forms::{Base, Evidence, Stricter};
use inspections::{Begin, Checklists, Edit, TypedItem, compare};
use kernel::{Date, Scope};
use testkit::{on_both, on_sqlite};

use crate::house::{App, House, PACK, hidden, migrations, modules, packs, problems, refused};

fn read(text: &str) -> Result<Checklists, Vec<String>> {
    Checklists::read(&packs(text)).map_err(|p| problems(&p))
}

#[test]
fn the_packs_of_the_product_are_read() {
    let own = include_str!("../../../../packs/checklists-cn.toml");
    let lists = read(own).unwrap();
    let counted = |code: &str| {
        let form = lists
            .forms()
            .iter()
            .find(|b| b.template.code == code)
            .unwrap();
        let items: Vec<usize> = form
            .template
            .sections
            .iter()
            .map(|s| s.items.len())
            .collect();
        items
    };
    assert_eq!(counted("five-checks"), [5; 5]);
    assert_eq!(counted("six-strong").len(), 6);
    assert_eq!(counted("eight-timely"), [8]);
    let points = |code: &str| -> i64 {
        let form = lists
            .forms()
            .iter()
            .find(|b| b.template.code == code)
            .unwrap();
        form.template
            .sections
            .iter()
            .flat_map(|s| &s.items)
            .map(|i| i.points)
            .sum()
    };
    assert_eq!(points("branch-study"), 100_000);
    assert_eq!(points("case-file"), 100_000);
    assert_eq!(points("five-checks"), 100_000);
    assert_eq!(lists.kinds().len(), 3);
    // What forms say of findings is in the words of cases.
    let cases = include_str!("../../../../packs/cases-cn.toml");
    for form in lists.forms() {
        for item in form.template.sections.iter().flat_map(|s| &s.items) {
            let known =
                |code: &str| code.is_empty() || cases.contains(&format!("code = \"{code}\""));
            assert!(known(&item.field) && known(&item.severity), "{}", item.code);
        }
    }
}

#[test]
fn mistakes_are_named_with_the_line_of_what_is_wrong() {
    let lines: Vec<&str> = PACK.lines().collect();
    let line = |part: &str| 1 + lines.iter().position(|l| l.contains(part)).unwrap();
    // The item begins at its table, a line above its code.
    let item = line("code = \"times\"") - 1;
    let wrong = PACK.replace("at-least = 4", "at-least = -4");
    assert_eq!(
        read(&wrong).unwrap_err(),
        [format!("{item}:form-threshold")]
    );
    let wrong = PACK.replace("code = \"times\"", "code = \"plan\"");
    let told = read(&wrong).unwrap_err();
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with(":form-item-twice"), "{told:?}");
    let form = line("[[form]]");
    let wrong = PACK.replace("version = 1\nfrom", "version = 0\nfrom");
    assert_eq!(
        read(&wrong).unwrap_err(),
        [format!("{form}:inspection-form-version")]
    );
    let wrong = PACK.replace("required = false", "requird = false");
    assert!(read(&wrong).unwrap_err()[0].ends_with(":pack-not-understood"));
    let wrong = PACK.replace("recusal-months = 24", "recusal-months = 999");
    assert!(read(&wrong).unwrap_err()[0].ends_with(":inspection-kind-wrong"));
    let wrong = PACK.replace("code = \"self\"\nmode", "code = \"review\"\nmode");
    assert!(read(&wrong).unwrap_err()[0].ends_with(":inspection-kind-wrong"));
    let plus = "\n[[form]]\ncode = \"plus\"\nversion = 1\nfrom = \"2026-01-01\"\nname = { zh = \"甲\", en = \"A\" }\nextends = { form = \"gone\", version = 1 }\n";
    let told = read(&format!("{PACK}{plus}")).unwrap_err();
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with(":form-base-unknown"), "{told:?}");
}

#[tokio::test]
async fn a_version_of_a_pack_is_kept_and_never_changes() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        // Another start with the same text is no news; another text under the same version is told, and changes nothing.
        assert!(h.room.keep_packs().await.unwrap().is_empty());
        let other = PACK.replace("有学习计划", "有学习计划和分工");
        let again = inspections::Inspections::new(
            (t.db.clone(), t.env.clone()),
            h.ledger.clone(),
            h.org.clone(),
            read(&other).unwrap(),
            h.files.clone(),
        );
        let told = problems(&again.keep_packs().await.unwrap());
        assert_eq!(told.len(), 1);
        assert!(told[0].ends_with(":inspection-form-changed"), "{told:?}");
        let mut tx = t.db.read().await.unwrap();
        let form = again.form(&mut tx, "upper", 1).await.unwrap();
        assert_eq!(form.item("plan").unwrap().text.zh, "有学习计划");
        drop(tx);
        // A higher version is another one beside it.
        let higher = other.replace(
            "version = 1\nfrom = \"2026-01-01\"",
            "version = 2\nfrom = \"2027-01-01\"",
        );
        let next = inspections::Inspections::new(
            (t.db.clone(), t.env.clone()),
            h.ledger.clone(),
            h.org.clone(),
            read(&higher).unwrap(),
            h.files.clone(),
        );
        assert!(next.keep_packs().await.unwrap().is_empty());
        let versions = next.versions_of("upper", &Scope::All).await.unwrap();
        let told: Vec<_> = versions.iter().map(|v| (v.version, v.from)).collect();
        assert_eq!(
            told,
            [
                (2, Date::constant(2027, 1, 1)),
                (1, Date::constant(2026, 1, 1))
            ]
        );
    })
    .await;
}

fn item(text: &str, kind: &str, points: &str) -> Edit {
    let typed = TypedItem {
        text: text.into(),
        kind: kind.into(),
        points: points.into(),
        ..TypedItem::default()
    };
    Edit::Add {
        section: "held".into(),
        title: String::new(),
        item: Box::new(typed.item().unwrap()),
    }
}

#[tokio::test]
async fn a_unit_extends_an_upper_form_and_somebody_else_puts_it_to_use() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let own = Scope::Under(vec![h.offices[0]]);
        let (clerk, leader) = (h.clerk.actor(), h.leader.actor());
        let base = Base {
            form: "upper".into(),
            version: 1,
        };
        let id = t.env.new_id();
        let begin = Begin::Plus(base.clone());
        let unit = h.offices[0];
        h.room.begin(id, &begin, unit, &own, &clerk).await.unwrap();
        // Sent twice it is begun once.
        h.room.begin(id, &begin, unit, &own, &clerk).await.unwrap();
        let edit = async |seq, edit: &Edit| h.room.edit(id, seq, edit, &own, &clerk).await;
        edit(1, &item("笔记齐全", "check", "10")).await.unwrap();
        assert_eq!(
            refused(edit(1, &item("笔记齐全", "check", "10")).await)[0].1,
            "inspection-changed-meanwhile"
        );
        let rule = |at_least| {
            Edit::Tighten(Stricter {
                item: "times".into(),
                required: false,
                evidence: Evidence::Always,
                at_least: Some(at_least),
                at_most: None,
            })
        };
        // Inherited items are never loosened nor removed.
        assert_eq!(
            refused(edit(2, &rule(3)).await),
            [("item".into(), "form-not-stricter")]
        );
        let gone = Edit::Drop {
            item: "plan".into(),
        };
        assert_eq!(
            refused(edit(2, &gone).await)[0].1,
            "inspection-item-missing"
        );
        edit(2, &rule(6)).await.unwrap();
        let today = t.env.today();
        let early = today.yesterday().unwrap();
        let done = h
            .room
            .propose(id, 3, (early, "结合实际"), &own, &clerk)
            .await;
        assert_eq!(refused(done)[0].1, "inspection-from-past");
        let later = today.tomorrow().unwrap();
        h.room
            .propose(id, 3, (later, "结合实际"), &own, &clerk)
            .await
            .unwrap();
        // Who wrote it does not put it to use, and what waits is not edited.
        assert_eq!(
            refused(edit(4, &rule(7)).await)[0].1,
            "inspection-changed-meanwhile"
        );
        let done = h.room.decide_draft(id, 4, None, &own, &clerk).await;
        assert_eq!(refused(done)[0].1, "inspection-form-own");
        let done = h
            .room
            .decide_draft(id, 4, Some(""), &Scope::All, &leader)
            .await;
        assert_eq!(refused(done)[0].0, "reason");
        h.room
            .decide_draft(id, 4, Some("再细一些"), &Scope::All, &leader)
            .await
            .unwrap();
        edit(5, &item("考勤齐全", "check", "10")).await.unwrap();
        h.room
            .propose(id, 6, (later, "结合实际"), &own, &clerk)
            .await
            .unwrap();
        let version = h
            .room
            .decide_draft(id, 7, None, &Scope::All, &leader)
            .await
            .unwrap();
        assert_eq!(version, Some(1));
        let versions = h.room.versions(&own).await.unwrap();
        let plus = versions.values().find(|v| v[0].unit == Some(unit)).unwrap();
        assert_eq!((plus[0].from, plus[0].extends.clone()), (later, Some(base)));
        assert_eq!(plus[0].name.zh, "学习督导表+");
        // The other office does not see it, the one below does.
        let other = h
            .room
            .versions(&Scope::Under(vec![h.offices[1]]))
            .await
            .unwrap();
        assert_eq!(other.len(), 1);
        let below = h
            .room
            .versions(&Scope::Under(vec![h.station]))
            .await
            .unwrap();
        assert_eq!(below.len(), 2);
        let code = plus[0].code.clone();
        let mut tx = t.db.read().await.unwrap();
        let form = h.room.form(&mut tx, &code, 1).await.unwrap();
        let texts: Vec<&str> = form.items().map(|i| i.text.zh.as_str()).collect();
        assert_eq!(
            texts,
            ["有学习计划", "学习次数", "笔记齐全", "考勤齐全", "意见"]
        );
        assert!(form.inherited.contains_key("times") && form.inherited.len() == 3);
        assert_eq!(form.item("times").unwrap().evidence, Evidence::Always);
        drop(tx);
        // The next version is another one; both stay and are compared.
        let next = t.env.new_id();
        let begin = Begin::Next(code.clone());
        let done = h
            .room
            .begin(next, &begin, h.bureau, &Scope::All, &clerk)
            .await;
        assert_eq!(refused(done)[0].1, "inspection-form-not-own");
        h.room
            .begin(next, &begin, unit, &own, &clerk)
            .await
            .unwrap();
        h.room
            .edit(next, 1, &item("谈心谈话", "check", ""), &own, &clerk)
            .await
            .unwrap();
        h.room
            .propose(next, 2, (later, "新要求"), &own, &clerk)
            .await
            .unwrap();
        let version = h
            .room
            .decide_draft(next, 3, None, &Scope::All, &leader)
            .await
            .unwrap();
        assert_eq!(version, Some(2));
        let mut tx = t.db.read().await.unwrap();
        let second = h.room.form(&mut tx, &code, 2).await.unwrap();
        let found = compare(&form, &second);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].2.unwrap().text.zh, "谈心谈话");
        assert_eq!(h.audited("checklist.used").await, 2);
        assert_eq!(h.audited("checklist.returned").await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_out_is_read_in_again() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let lists = Checklists::read(&packs(PACK)).unwrap();
        let own = include_str!("../../../../packs/checklists-cn.toml");
        let product = read(own).unwrap();
        for form in lists.forms().iter().chain(product.forms()) {
            let text = inspections::write_file(&form.template, form.version, form.from).unwrap();
            let again = Checklists::read_file(&text).unwrap();
            assert_eq!(
                (&again[0].template, again[0].version),
                (&form.template, form.version)
            );
        }
        let text = inspections::write_file(&lists.forms()[0].template, 1, t.env.today()).unwrap();
        let id = t.env.new_id();
        let clerk = h.clerk.actor();
        let own = Scope::Under(vec![h.offices[0]]);
        let broken = Begin::File(text.replace("is = \"check\"", "is = \"hunch\""));
        let done = h.room.begin(id, &broken, h.offices[0], &own, &clerk).await;
        assert_eq!(refused(done), [("file".into(), "inspection-file-wrong")]);
        let begin = Begin::File(text);
        h.room
            .begin(id, &begin, h.offices[0], &own, &clerk)
            .await
            .unwrap();
        let day = t.env.today();
        h.room
            .propose(id, 1, (day, "从上级导入"), &own, &clerk)
            .await
            .unwrap();
        let leader = h.leader.actor();
        assert_eq!(
            h.room
                .decide_draft(id, 2, None, &own, &leader)
                .await
                .unwrap(),
            Some(1)
        );
        // A copy has a code of its own: the form it came from stays what it is.
        assert_eq!(h.room.versions(&own).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(modules(&h, &t), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_checklist_is_drafted_and_put_to_use_on_its_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let own = Scope::Under(vec![h.offices[0]]);
        let grants = [inspections::READ, inspections::PLAN].map(|p| (p, own.clone()));
        let clerk = App::new(&h, &t, h.clerk, &grants);
        let grants = [inspections::READ, inspections::REVIEW].map(|p| (p, Scope::All));
        let leader = App::new(&h, &t, h.leader, &grants);
        let reader = App::new(
            &h,
            &t,
            h.moved,
            &[(inspections::READ, Scope::Under(vec![h.offices[1]]))],
        );
        let page = clerk.get("/checklists/upper").await.page(200);
        assert!(
            page.contains("有学习计划") && page.contains("扩展为本级检查表"),
            "{page}"
        );
        assert_eq!(clerk.get("/checklists/gone").await.status, 404);
        let page = clerk
            .get("/checklists/new?plus=upper&version=1")
            .await
            .page(200);
        let id = hidden(&page, "id");
        let begin = [
            ("id", id.as_str()),
            ("plus", "upper"),
            ("version", "1"),
            ("unit", ""),
        ];
        assert!(
            clerk
                .post("/checklists", &begin)
                .await
                .page(422)
                .contains("f-unit")
        );
        let begin = [
            ("id", id.as_str()),
            ("plus", "upper"),
            ("version", "1"),
            ("unit", "O1"),
        ];
        let at = clerk.post("/checklists", &begin).await.taken();
        let page = clerk.get(&at).await.page(200);
        assert!(
            page.contains("继承自“学习督导表”第 1 版") && page.contains("加严"),
            "{page}"
        );
        assert_eq!(reader.get(&at).await.status, 404);
        let add = |seq: &'static str, points: &'static str| {
            [
                ("act", "add"),
                ("seq", seq),
                ("section", ""),
                ("title", "本级部分"),
                ("text", "<b>谈话记录"),
                ("kind", "check"),
                ("points", points),
            ]
        };
        let page = clerk.post(&at, &add("1", "十")).await.page(422);
        assert!(
            page.contains("最多三位小数") && page.contains("&lt;b&gt;谈话记录"),
            "{page}"
        );
        clerk.post(&at, &add("1", "2.5")).await.taken();
        let page = clerk.get(&at).await.page(200);
        assert!(
            page.contains("本级部分") && page.contains("2.5 分"),
            "{page}"
        );
        let tighten = [
            ("act", "tighten"),
            ("seq", "2"),
            ("item", "times"),
            ("kind", "count"),
            ("at-least", "6"),
            ("evidence", "always"),
        ];
        clerk.post(&at, &tighten).await.taken();
        let today = kernel::format_date(t.env.today());
        let propose = [
            ("act", "propose"),
            ("seq", "3"),
            ("from", today.as_str()),
            ("note", "结合本单位实际"),
        ];
        clerk.post(&at, &propose).await.taken();
        let decision = format!("{at}/decision");
        assert_eq!(
            clerk
                .post(&decision, &[("act", "use"), ("seq", "4")])
                .await
                .status,
            404
        );
        assert!(leader.get("/checklists").await.page(200).contains("待启用"));
        leader
            .post(&decision, &[("act", "use"), ("seq", "4")])
            .await
            .taken();
        let page = clerk.get("/checklists").await.page(200);
        assert!(
            page.contains("学习督导表+") && page.contains("在上级检查表上扩展"),
            "{page}"
        );
        let code = page
            .split("href=\"/checklists/own-")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let at = format!("/checklists/own-{code}");
        let page = clerk.get(&at).await.page(200);
        assert!(
            page.contains("不少于 6") && page.contains("&lt;b&gt;谈话记录"),
            "{page}"
        );
        assert_eq!(reader.get(&at).await.status, 404);
        let file = clerk.get(&format!("{at}/file?version=1")).await;
        assert!(file.page(200).contains("[[form]]"));
        let next = clerk
            .get(&format!("/checklists/new?next=own-{code}"))
            .await
            .page(200);
        let id = hidden(&next, "id");
        let own_code = format!("own-{code}");
        let begin = [
            ("id", id.as_str()),
            ("next", own_code.as_str()),
            ("unit", "O1"),
        ];
        let draft = clerk.post("/checklists", &begin).await.taken();
        let page = clerk.get(&draft).await.page(200);
        let item = page
            .split("name=\"item\" value=\"i1-")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let item = format!("i1-{item}");
        clerk
            .post(&draft, &[("act", "drop"), ("seq", "1"), ("item", &item)])
            .await
            .taken();
        clerk
            .post(
                &draft,
                &[
                    ("act", "propose"),
                    ("seq", "2"),
                    ("from", &today),
                    ("note", "调整"),
                ],
            )
            .await
            .taken();
        leader
            .post(
                &format!("{draft}/decision"),
                &[("act", "use"), ("seq", "3")],
            )
            .await
            .taken();
        let page = clerk
            .get(&format!("{at}/compare?from=1&to=2"))
            .await
            .page(200);
        assert!(
            page.contains("删除") && page.contains("&lt;b&gt;谈话记录"),
            "{page}"
        );
    })
    .await;
}
