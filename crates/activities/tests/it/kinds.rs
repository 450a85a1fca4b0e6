//! Kinds from packs: what they ask for, which facts it makes, who sees what.

use std::collections::BTreeMap;

use activities::{ActivityKinds, Amended, Item, Pair, READ, RECORD, REVERSE, Role, Session, View};
use commons::packs::Packs;
use kernel::{PersonId, Scope};
use ledger::Fact;
use organization::{Body, BodyKinds};
use testkit::{TestDb, on_both};

use crate::house::{House, all_packs, day, migrations, refused, why};
use crate::pages::App;

/// Kind, category and role of facts with how many, sorted.
fn counted(facts: &[Fact]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for f in facts {
        let category = f.category.as_deref().unwrap_or("");
        let role = f.role.as_deref().unwrap_or("");
        *counts
            .entry(format!("{} {category} {role}", f.kind).trim().into())
            .or_default() += 1;
    }
    counts.into_iter().collect()
}

fn facts(list: &[(&str, usize)]) -> Vec<(String, usize)> {
    let own = list.iter().map(|(what, n)| ((*what).to_owned(), *n));
    own.collect()
}

fn item(code: &str, title: &str) -> Item {
    Item {
        code: code.into(),
        title: title.into(),
    }
}

/// A leading group with 001 and 003 of another office.
async fn group(h: &House, t: &TestDb) -> kernel::Id {
    let kinds = BodyKinds::read(&all_packs()).unwrap();
    let body = Body {
        id: t.env.new_id(),
        kind: "leading-group".into(),
        name: "党组".into(),
        unit: h.bureau,
        charter: String::new(),
        from: day(1, 1),
        to: None,
    };
    let by = Some(h.clerk);
    let org = &h.org;
    org.keep_body(&kinds, &body, by, &Scope::All).await.unwrap();
    for no in ["001", "003"] {
        org.join(&kinds, body.id, no, "member", day(1, 1), by, &Scope::All)
            .await
            .unwrap();
    }
    body.id
}

#[tokio::test]
async fn a_meeting_with_agenda_and_parts_is_recorded_corrected_and_reversed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let body = group(&h, &t).await;
        let mut new = h.session(&t, day(11, 18));
        new.kind = "party-group-meeting".into();
        new.host = h.bureau;
        new.marks = h.marks(&[("001", Role::Present), ("003", Role::Absent)]);
        let d = &mut new.details;
        d.of = Some(body);
        d.roles = vec![
            ("chair".into(), h.people["001"]),
            ("recorder".into(), h.people["002"]),
        ];
        d.agenda = vec![
            item("first-topic", "学习全会精神"),
            item("party-work-report", ""),
            item("", "其他"),
        ];
        // What is missing or in the wrong order is named at its place.
        let mut wrong = new.clone();
        wrong.details.agenda.swap(0, 1);
        assert_eq!(
            refused(h.record(&wrong).await),
            why("agenda-1", "agenda-first")
        );
        wrong.details.agenda.remove(1);
        assert_eq!(
            refused(h.record(&wrong).await),
            why("agenda-0", "agenda-missing")
        );
        let mut wrong = new.clone();
        wrong.details.roles.remove(0);
        assert_eq!(
            refused(h.record(&wrong).await),
            why("role-chair-0", "activity-role-missing")
        );
        let mut wrong = new.clone();
        wrong.details.roles.push(("chair".into(), h.people["003"]));
        assert_eq!(
            refused(h.record(&wrong).await),
            why("role-chair-0", "activity-role-many")
        );
        let mut wrong = new.clone();
        wrong.details.of = None;
        assert_eq!(
            refused(h.record(&wrong).await),
            why("of", "activity-of-missing")
        );
        let mut wrong = new.clone();
        wrong.details.fields.insert("x".into(), "y".into());
        assert_eq!(
            refused(h.record(&wrong).await),
            why("field-x", "activity-field-unknown")
        );

        let id = h.record(&new).await.unwrap();
        assert_eq!(
            h.record(&new).await.unwrap(),
            id,
            "sent twice it is recorded once"
        );
        let standing = h.standing(id).await;
        assert_eq!(
            counted(&standing),
            facts(&[
                ("agenda first-topic", 1),
                ("agenda party-work-report", 1),
                ("attendance party-group-meeting absent", 1),
                ("attendance party-group-meeting chair", 1),
                ("attendance party-group-meeting present", 1),
                ("attendance party-group-meeting recorder", 1),
                ("held party-group-meeting", 1),
            ])
        );
        assert!(standing.iter().all(|f| f.body == Some(body)));
        assert!(standing.iter().all(|f| f.subject == id.0));

        // A correction reverses what went and writes what came; what stays keeps its fact.
        let agenda_fact = |list: &[Fact]| {
            let f = list
                .iter()
                .find(|f| f.category.as_deref() == Some("first-topic"));
            f.map(|f| f.id)
        };
        let amended = Amended {
            roles: vec![
                ("chair".into(), h.people["003"]),
                ("recorder".into(), h.people["002"]),
            ],
            agenda: vec![item("first-topic", "学习会议精神"), item("personnel", "")],
            fields: BTreeMap::new(),
        };
        let amend = async |amended: &Amended, reason: &str| {
            h.activities
                .amend(id, amended, reason, &Scope::All, h.clerk)
                .await
        };
        assert_eq!(
            refused(amend(&amended, " ").await),
            why("reason", "amend-reason-missing")
        );
        amend(&amended, "主持人登记有误").await.unwrap();
        let now = h.standing(id).await;
        assert_eq!(agenda_fact(&now), agenda_fact(&standing));
        let chair = now
            .iter()
            .find(|f| f.role.as_deref() == Some("chair"))
            .unwrap();
        assert_eq!(chair.person, Some(h.people["003"]));
        assert!(
            now.iter()
                .any(|f| f.category.as_deref() == Some("personnel"))
        );
        assert!(
            !now.iter()
                .any(|f| f.category.as_deref() == Some("party-work-report"))
        );
        assert_eq!(now.len(), 7);
        amend(&amended, "没有改动").await.unwrap();
        let versions = h.activities.versions(id, &Scope::All).await.unwrap();
        assert_eq!(versions.len(), 1, "what changes nothing leaves no trace");
        assert_eq!(versions[0].reason, "主持人登记有误");
        assert!(versions[0].held.contains("party-work-report"));
        assert_eq!(h.audited("activity.amended").await.len(), 1);

        h.activities
            .reverse(id, "误录一场", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.standing(id).await, vec![]);
        assert_eq!(
            refused(amend(&amended, "已经冲正").await),
            why("conflict", "activity-reversed")
        );
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_part_asks_for_a_post_and_a_kind_for_a_category() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = h.session(&t, day(11, 18));
        new.kind = "leader-party-lecture".into();
        new.details.fields.insert("topic".into(), " 讲纪律 ".into());
        new.details.roles = vec![("speaker".into(), h.people["003"])];
        assert_eq!(
            refused(h.record(&new).await),
            why("role-speaker-0", "activity-role-unfit")
        );
        let attributes = organization::Attributes::read(&all_packs()).unwrap();
        let set = async |from, value: &str| {
            h.org
                .set_attribute(
                    &attributes,
                    h.people["003"],
                    "leading",
                    value,
                    from,
                    Some(h.clerk),
                    &Scope::All,
                )
                .await
                .unwrap()
        };
        set(day(11, 19), "deputy").await;
        assert_eq!(
            refused(h.record(&new).await),
            why("role-speaker-0", "activity-role-unfit"),
            "not before the day from which it holds"
        );
        set(day(11, 1), "deputy").await;
        let id = h.record(&new).await.unwrap();
        let (activity, _) = h.activities.activity(id, &Scope::All).await.unwrap();
        assert_eq!(activity.fields["topic"], "讲纪律");
        let speaker: Vec<_> = h.standing(id).await;
        let speaker = speaker
            .iter()
            .find(|f| f.role.as_deref() == Some("speaker"))
            .unwrap();
        assert_eq!(
            (speaker.person, speaker.minutes),
            (Some(h.people["003"]), Some(90))
        );
        // Only offices hold this kind.
        let mut new = h.session(&t, day(11, 19));
        new.kind = "office-study".into();
        new.host = h.bureau;
        assert_eq!(
            refused(h.record(&new).await),
            why("kind", "activity-kind-not-here")
        );
        new.host = h.offices[0];
        h.record(&new).await.unwrap();
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_series_counts_its_issues_once_and_leaves_no_gap() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let session = |n: i8, issue, session| {
            let mut new = h.session(&t, day(11, n));
            new.kind = "forum".into();
            new.details.roles = vec![("speaker".into(), h.people["001"])];
            new.details.fields.insert("topic".into(), "题".into());
            new.details.session = Some(Session {
                series: "青年大讲堂".into(),
                issue,
                session,
            });
            new
        };
        let issues = async || {
            let mut tx = h.db.read().await.unwrap();
            let sql =
                "SELECT CAST(COALESCE(SUM(sign), 0) AS BIGINT) FROM fact WHERE kind = 'issue'";
            let row = tx.one(sql, db::args![]).await.unwrap();
            row.get::<i64>(0).unwrap()
        };
        assert_eq!(
            refused(h.record(&session(1, 7, 2)).await),
            why("session", "series-gap")
        );
        let first = h.record(&session(1, 7, 1)).await.unwrap();
        assert_eq!(issues().await, 1);
        let second = h.record(&session(2, 7, 2)).await.unwrap();
        assert_eq!(issues().await, 1, "the issue counts once");
        assert_eq!(
            refused(h.record(&session(3, 7, 2)).await),
            why("session", "series-twice")
        );
        assert_eq!(
            refused(h.record(&session(3, 9, 1)).await),
            why("session", "series-gap")
        );
        h.record(&session(3, 8, 1)).await.unwrap();
        assert_eq!(issues().await, 2);
        // The first session goes, the issue stays with the second; with that it goes.
        let back = async |id| {
            h.activities
                .reverse(id, "误录一场", &Scope::All, h.clerk)
                .await
                .unwrap();
        };
        back(first).await;
        assert_eq!(issues().await, 2);
        let heir = h.standing(second).await;
        assert!(
            heir.iter()
                .any(|f| f.kind == "issue" && f.date == day(11, 2))
        );
        back(second).await;
        assert_eq!(issues().await, 1);
        h.record(&session(4, 7, 1)).await.unwrap();
        assert_eq!(issues().await, 2);
        // Another unit has its own series of that name.
        let mut other = session(5, 1, 1);
        other.host = h.offices[1];
        h.record(&other).await.unwrap();
        assert_eq!(issues().await, 3);
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn two_clerks_do_not_take_the_same_session() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = |n: i8| {
            let mut new = h.session(&t, day(11, n));
            new.kind = "forum".into();
            new.details.roles = vec![("speaker".into(), h.people["001"])];
            new.details.fields.insert("topic".into(), "题".into());
            new.details.session = Some(Session {
                series: "大讲堂".into(),
                issue: 1,
                session: 1,
            });
            new
        };
        let (one, two) = (new(1), new(2));
        let (one, two) = tokio::join!(h.record(&one), h.record(&two));
        let lost = [one, two].into_iter().filter(Result::is_err).count();
        assert_eq!(lost, 1);
    })
    .await;
}

#[tokio::test]
async fn a_confidential_talk_is_there_for_its_two_and_counted_for_all() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = h.session(&t, day(11, 18));
        new.marks.clear();
        new.details.pair = Some(Pair {
            person: h.people["001"],
            other: h.people["003"],
        });
        new.kind = "talk".into();
        let open = h.record(&new).await.unwrap();
        let talk = h.standing(open).await;
        let talk = talk.iter().find(|f| f.kind == "talk").unwrap();
        assert_eq!(
            (talk.person, talk.other),
            (Some(h.people["001"]), Some(h.people["003"]))
        );

        new.id = t.env.new_id();
        new.kind = "admonition".into();
        new.title = "一次诫勉".into();
        new.details.fields.insert("cause".into(), "作风问题".into());
        let id = h.record(&new).await.unwrap();
        let facts = h.standing(id).await;
        assert_eq!(facts.len(), 2);
        assert!(
            facts
                .iter()
                .all(|f| f.person.is_none() && f.other.is_none()),
            "the ledger holds the number alone"
        );
        // Who it is there for, and who not.
        let stranger = View::from(&Scope::All);
        let sees = async |view: View| h.activities.activity(id, view).await.is_ok();
        assert!(!sees(stranger.clone()).await);
        let of = |p: PersonId| stranger.clone().of(p);
        assert!(sees(of(h.people["001"])).await && sees(of(h.people["003"])).await);
        assert!(!sees(of(h.people["002"])).await);
        assert!(sees(View::from(&Scope::nothing()).of(h.people["001"])).await);
        let holder = stranger
            .clone()
            .with_confidential(Scope::Under(vec![h.offices[0]]));
        assert!(sees(holder).await);
        let elsewhere = stranger
            .clone()
            .with_confidential(Scope::Under(vec![h.elsewhere]));
        assert!(!sees(elsewhere).await);
        // Nor can others act on it.
        let other = t.env.new_id::<kernel::AccountId>();
        let act = h
            .activities
            .reverse(id, "误录一场", &Scope::All, other)
            .await;
        assert!(matches!(act, Err(kernel::Error::NotFound)));
        let act = h
            .activities
            .attend(id, h.people["002"], Role::Present, &Scope::All, h.clerk)
            .await;
        assert!(matches!(act, Err(kernel::Error::NotFound)));
        // Over HTTP: the recorder sees it, another reader neither in list, page, search nor spreadsheet.
        let grants = [READ, RECORD, REVERSE].map(|p| (p, Scope::All));
        let own = App::new(&h, &t, &grants);
        let page = own.get(&format!("/activities/{id}")).await.page(200);
        assert!(page.contains("作风问题") && page.contains("甲某"));
        assert!(own.get("/activities").await.page(200).contains("一次诫勉"));
        let api = own.get(&format!("/api/v1/activities/{id}")).await.page(200);
        assert!(api.contains("\"pair\":{"), "{api}");
        let reader = App::by(&h, &t, other, &grants);
        reader.get(&format!("/activities/{id}")).await.page(404);
        reader
            .get(&format!("/activities/{id}/amend"))
            .await
            .page(404);
        reader
            .get(&format!("/api/v1/activities/{id}"))
            .await
            .page(404);
        assert!(
            !reader
                .get("/activities")
                .await
                .page(200)
                .contains("一次诫勉")
        );
        assert!(
            !reader
                .get("/api/v1/activities")
                .await
                .page(200)
                .contains("一次诫勉")
        );
        assert!(
            !reader
                .get("/search?q=%E8%AF%AB%E5%8B%89")
                .await
                .page(200)
                .contains("一次诫勉")
        );
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn the_form_takes_the_shape_of_its_kind_and_keeps_what_was_typed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let body = group(&h, &t).await;
        let app = App::all(&h, &t, Scope::All);
        let form = format!(
            "/activities/new?unit={}&kind=party-group-meeting&date=2026-11-18",
            h.bureau
        );
        let page = app.get(&form).await.page(200);
        for text in [
            "role-chair-0",
            "role-recorder-0",
            "agenda-0",
            "第一议题",
            "甲某",
            "丙某",
            "党组",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("copy\" value=\"last"), "nothing to copy yet");
        let (a, c) = (
            format!("part-{}", h.people["001"]),
            format!("part-{}", h.people["003"]),
        );
        let (id, body, unit) = (
            t.env.new_id::<kernel::ActivityId>().to_string(),
            body.to_string(),
            h.bureau.to_string(),
        );
        let mut fields: Vec<(&str, &str)> = vec![
            ("id", &id),
            ("kind", "party-group-meeting"),
            ("unit", &unit),
            ("date", "2026-11-18"),
            ("of", &body),
            ("title", "第十次党组会"),
            ("starts", "09:00"),
            ("ends", "10:30"),
            ("location", "三楼"),
            ("observers", ""),
            (&a, "present"),
            (&c, "leave"),
            ("role-chair-0", "001"),
            ("role-recorder-0", "404"),
            ("agenda-0", ""),
            ("agenda-title-0", ""),
            ("agenda-1", "personnel"),
            ("agenda-title-1", "干部"),
            ("agenda-2", "first-topic"),
            ("agenda-title-2", "学习"),
        ];
        let page = app.post("/activities", &fields).await.page(422);
        assert!(page.contains("没有工号为 404 的人员") && page.contains("value=\"干部\""));
        assert!(page.contains("value=\"第十次党组会\""));
        fields.retain(|(n, _)| *n != "role-recorder-0");
        fields.push(("role-recorder-0", "002"));
        let page = app.post("/activities", &fields).await.page(422);
        assert!(page.contains("必须是第一项议题"), "{page}");
        for (n, v) in &mut fields {
            match *n {
                "agenda-1" => *v = "first-topic",
                "agenda-2" => *v = "personnel",
                _ => {}
            }
        }
        let sent = app.post("/activities", &fields).await;
        assert_eq!(sent.status.as_u16(), 303, "{}", sent.text());
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        for text in [
            "主持人",
            "甲某",
            "第一议题",
            "人事事项",
            "议题 · 第一议题",
            "人员 · 记录人",
            "党组",
        ] {
            assert!(page.contains(text), "{text}");
        }
        // The next one takes people, place and times from this one.
        let page = app.get(&format!("{form}&copy=last")).await.page(200);
        assert!(
            page.contains("value=\"三楼\"")
                && page.contains(
                    "id=\"f-role-recorder-0\" name=\"role-recorder-0\" type=\"text\" value=\"002\""
                ),
            "{page}"
        );
        // Corrected on its own page.
        let amend = format!("/activities/{id}/amend");
        assert!(app.get(&amend).await.page(200).contains("value=\"002\""));
        let mut change: Vec<(&str, &str)> = vec![
            ("role-chair-0", "003"),
            ("role-recorder-0", "002"),
            ("agenda-0", "first-topic"),
            ("reason", ""),
        ];
        assert!(
            app.post(&amend, &change)
                .await
                .page(422)
                .contains("请填写更正原因")
        );
        change.pop();
        change.push(("reason", "主持人有误"));
        assert_eq!(app.post(&amend, &change).await.status.as_u16(), 303);
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        assert!(page.contains("主持人有误") && !page.contains("人事事项"));
        // A talk has no roster; a reader corrects nothing; filters by group and series.
        let page = app
            .get(&format!("/activities/new?unit={unit}&kind=talk"))
            .await
            .page(200);
        assert!(page.contains("pair-person") && !page.contains("data-roster"));
        let reader = App::new(&h, &t, &[(READ, Scope::All)]);
        reader.get(&amend).await.page(404);
        assert!(
            app.get("/activities?group=party-meetings")
                .await
                .page(200)
                .contains("第十次党组会")
        );
        assert!(
            !app.get("/activities?group=talks")
                .await
                .page(200)
                .contains("第十次党组会")
        );
    })
    .await;
}

#[test]
fn mistakes_in_kinds_are_named_with_their_line() {
    let head = "[pack]\ncode = \"p\"\nversion = \"1\"\nname = { zh = \"包\", en = \"P\" }\n";
    let base = "[[activity-kind]]\ncode = \"k\"\nname = { zh = \"类\", en = \"K\" }\ntitle = { zh = \"题\", en = \"T\" }\n\
        starts = \"09:00\"\nminutes = 60\nlongest = 90\nlate-after-days = 3\n";
    let read = |rest: &str| {
        let text = format!("{head}{base}{rest}\n");
        let packs = Packs::load(vec![("p.toml".into(), text)]).unwrap();
        ActivityKinds::read(&packs).err().map(|all| {
            all.iter()
                .map(|p| (p.line, p.reason.key))
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(read(""), None);
    let name = "name = { zh = \"名\", en = \"N\" }";
    for (rest, key) in [
        ("group = \"x\"", "activity-kind-group"),
        ("agenda = [\"x\"]", "activity-kind-agenda"),
        ("agenda-required = [\"x\"]", "activity-kind-agenda-required"),
        ("bodies = [\"x\"]", "activity-kind-body"),
        ("confidential = \"parties\"", "activity-kind-confidential"),
        ("pair = true\nseries = true", "activity-kind-pair"),
        (
            &format!("roles = [{{ code = \"present\", {name} }}]"),
            "activity-kind-role-taken",
        ),
        (
            &format!("roles = [{{ code = \"a\", {name} }}, {{ code = \"a\", {name} }}]"),
            "activity-kind-part-twice",
        ),
        (
            &format!("roles = [{{ code = \"A B\", {name} }}]"),
            "activity-kind-part-code",
        ),
        (
            &format!("roles = [{{ code = \"a\", {name}, most = 0 }}]"),
            "activity-kind-role-most",
        ),
        (
            &format!("roles = [{{ code = \"a\", {name}, of = {{ attribute = \"leading.x\" }} }}]"),
            "activity-kind-attribute",
        ),
        (
            &format!("fields = [{{ code = \"a\", {name}, kind = \"choice\" }}]"),
            "activity-kind-values",
        ),
        (
            &format!("[[activity-group]]\ncode = \"G\"\n{name}"),
            "activity-group-code",
        ),
        (
            &format!("[[agenda-item]]\ncode = \"G\"\n{name}"),
            "agenda-item-code",
        ),
    ] {
        let line = if rest.starts_with('[') { 13 } else { 5 };
        assert_eq!(read(rest), Some(vec![(line, key)]), "{rest}");
    }
    assert!(read("roster = \"nobody\"").is_some() && read("day = \"fryday\"").is_some());
}
