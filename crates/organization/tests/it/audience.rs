//! Audiences: the query and the explanation say the same of everybody.

use kernel::{Date, PersonId, Scope};
use organization::{
    Audience, MIGRATIONS, NewAssignment, NewPerson, Organization, Rule, Seat, Years, belongs,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::on_both;

use axum::http::StatusCode;

use crate::pages::{App, FORM, attributes, house, kinds};
use crate::{add, day, key, organization};

async fn everybody(org: &Organization, rule: &Rule, scope: &Scope) -> Vec<PersonId> {
    let (total, rows) = org
        .audience_page(rule, day(11, 20), scope, 1_000, 0)
        .await
        .unwrap();
    assert_eq!(total as usize, rows.len());
    rows.iter().map(|r| r.person).collect()
}

/// Random people: unit, post, first month, level, class from a month on.
fn people() -> impl Strategy<Value = Vec<(usize, usize, i8, usize, usize, i8)>> {
    let one = (0usize..4, 0usize..3, 1i8..12, 0usize..3, 0usize..3, 1i8..13);
    proptest::collection::vec(one, 40)
}

/// Unit, own, level, class, post, category, months; place in a body, and whom to add and leave out.
type RuleOf = (
    usize,
    bool,
    usize,
    usize,
    usize,
    usize,
    i32,
    (usize, usize, usize),
);

fn rules() -> impl Strategy<Value = Vec<RuleOf>> {
    let one = (
        0usize..5,
        any::<bool>(),
        0usize..4,
        0usize..4,
        0usize..4,
        0usize..3,
        0i32..12,
        (0usize..6, 0usize..80, 0usize..80),
    );
    proptest::collection::vec(one, 40)
}

#[tokio::test]
async fn the_query_and_the_explanation_agree() {
    let mut runner = TestRunner::deterministic();
    let people = people().new_tree(&mut runner).unwrap().current();
    let rules = rules().new_tree(&mut runner).unwrap().current();
    on_both(MIGRATIONS, |t| {
        let (people, rules) = (people.clone(), rules.clone());
        async move {
            let org = organization(&t);
            let top = add(&org, None, "top").await;
            let a = add(&org, Some(top), "a").await;
            let units = [
                top,
                a,
                add(&org, Some(a), "b").await,
                add(&org, Some(top), "c").await,
            ];
            let posts = ["科员", "科长 100%", ""];
            let levels = ["", "staff", "township"];
            let classes = ["judge", "police", "lawyer"];
            let (attributes, by) = (attributes(), Some(t.env.new_id()));
            let mut ids = Vec::new();
            for (n, (unit, post, month, level, class, since)) in people.into_iter().enumerate() {
                let new = NewPerson {
                    staff_no: format!("{n:03}"),
                    name: format!("人{n}"),
                    assignment: NewAssignment {
                        unit: units[unit],
                        post: posts[post].into(),
                        from: day(month, 1),
                        to: (n % 7 == 0).then(|| day(11, 19)),
                        primary: true,
                        nature: Default::default(),
                    },
                };
                let id = org.add_person(&new, None, &Scope::All).await.unwrap();
                let all = &Scope::All;
                org.set_attribute(&attributes, id, "level", levels[level], day(1, 1), by, all)
                    .await
                    .unwrap();
                if since < 12 {
                    org.set_attribute(
                        &attributes,
                        id,
                        "class",
                        classes[class],
                        day(since, 5),
                        by,
                        all,
                    )
                    .await
                    .unwrap();
                }
                if n % 3 == 0 {
                    org.set_attribute(&attributes, id, "class", "", day(10, 1), by, all)
                        .await
                        .unwrap();
                }
                if n % 5 != 0 {
                    let birth = format!("{}-{:02}", 1970 + n % 9, 1 + (n * 7 + post) % 12);
                    org.set_attribute(&attributes, id, "birth", &birth, day(9, 9), by, all)
                        .await
                        .unwrap();
                }
                ids.push(id);
            }
            let branch = organization::Body {
                id: t.env.new_id(),
                kind: "party-branch".into(),
                name: "支部".into(),
                unit: top,
                charter: String::new(),
                from: day(1, 1),
                to: None,
            };
            let (list, all) = (kinds(), Scope::All);
            org.keep_body(&list, &branch, None, &all).await.unwrap();
            for n in (0..40).step_by(3) {
                let (no, from) = (format!("{n:03}"), day(2 + (n % 11) as i8, 1));
                let role = ["member", "secretary"][n % 2];
                org.join(&list, branch.id, &no, role, from, None, &all)
                    .await
                    .unwrap();
            }
            let mut found = 0;
            for (under, own, level, class, post, category, months, named) in rules {
                let (chosen, plus, minus) = named;
                let seat = |role: &str, body| Seat {
                    kind: "party-branch".into(),
                    body,
                    role: role.into(),
                };
                let seats = [
                    seat("", None),
                    seat("secretary", None),
                    seat("member", Some(branch.id)),
                ];
                let mut rule = Rule {
                    under: units.get(under).copied(),
                    own,
                    post: ["", "科", "%", "100%"][post].into(),
                    categories: ["", "局"]
                        .get(category)
                        .map(|c| vec![(*c).to_owned()])
                        .unwrap_or_default(),
                    months_from: (months < 6).then_some(months),
                    months_to: (months > 3).then_some(months),
                    in_post_from: (months % 4 == 1).then_some(months),
                    in_post_to: (months % 5 == 2).then_some(months + 2),
                    seats: seats.get(chosen..).unwrap_or_default().to_vec(),
                    without: seats[..].iter().skip(1).take(plus % 3).cloned().collect(),
                    plus: ids.get(plus).copied().into_iter().collect(),
                    minus: ids.get(minus).copied().into_iter().collect(),
                    ..Rule::default()
                };
                if let Some(level) = levels.get(level).filter(|l| !l.is_empty()) {
                    rule.attributes
                        .insert("level".into(), vec![(*level).into()]);
                }
                if months % 3 == 0 {
                    let years = Years {
                        from: (chosen % 2 == 0).then_some(47 + months % 5),
                        to: (chosen < 4).then_some(52),
                    };
                    rule.years.insert("birth".into(), years);
                }
                if class < 3 {
                    let values = classes[..=class].iter().map(|c| (*c).to_owned()).collect();
                    rule.attributes.insert("class".into(), values);
                }
                let there = everybody(&org, &rule, &Scope::All).await;
                found += there.len();
                for id in &ids {
                    let reasons = org
                        .reasons(&rule, *id, day(11, 20), &Scope::All)
                        .await
                        .unwrap();
                    let all = belongs(&reasons);
                    assert_eq!(all, there.contains(id), "{rule:?} {reasons:?}");
                }
            }
            assert!(found > 20, "{found}: the rules let some through");
            let theirs = everybody(&org, &Rule::default(), &Scope::Under(vec![units[3]])).await;
            assert!(!theirs.is_empty() && theirs.len() < 34, "{}", theirs.len());
        }
    })
    .await;
}

/// Full years counted by hand: one with each first day of the month of birth that has come.
fn counted(year: i16, month: i8, date: Date) -> i32 {
    let mut years = 0;
    while Date::constant(year + years + 1, month, 1) <= date {
        years += 1;
    }
    years.into()
}

#[tokio::test]
async fn ages_are_those_counted_by_hand_also_in_the_month_of_birth() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let unit = add(&org, None, "top").await;
        let (attributes, by, all) = (attributes(), Some(t.env.new_id()), &Scope::All);
        let mut born = Vec::new();
        for n in 0..40_i16 {
            let (year, month) = (1980 + n / 12, (n % 12) as i8 + 1);
            let new = NewPerson {
                staff_no: format!("{n:03}"),
                name: format!("人{n}"),
                assignment: NewAssignment {
                    unit,
                    post: String::new(),
                    from: day(1, 1),
                    to: None,
                    primary: true,
                    nature: Default::default(),
                },
            };
            let id = org.add_person(&new, None, all).await.unwrap();
            let said = [format!("{year}.{month:02}"), format!("{year}年{month}月")];
            let said = &said[usize::from(n % 2 == 0)];
            // Said late, and true from birth on.
            org.set_attribute(&attributes, id, "birth", said, day(11, 19), by, all)
                .await
                .unwrap();
            born.push((id, year, month));
        }
        let mut found = 0;
        for date in [day(1, 31), day(2, 1), day(6, 30), day(7, 1), day(12, 31)] {
            for (from, to) in [
                (Some(45), None),
                (None, Some(44)),
                (Some(44), Some(44)),
                (Some(150), None),
                (Some(0), Some(0)),
            ] {
                let mut rule = Rule::default();
                rule.years.insert("birth".into(), Years { from, to });
                let (_, rows) = org.audience_page(&rule, date, all, 100, 0).await.unwrap();
                let rows: Vec<PersonId> = rows.iter().map(|r| r.person).collect();
                let wanted: Vec<PersonId> = born
                    .iter()
                    .filter(|(_, year, month)| {
                        let full = counted(*year, *month, date);
                        from.is_none_or(|from| full >= from) && to.is_none_or(|to| full <= to)
                    })
                    .map(|(id, ..)| *id)
                    .collect();
                assert_eq!(rows, wanted, "{from:?} {to:?} on {date}");
                found += rows.len();
                let reasons = org.reasons(&rule, born[0].0, date, all).await.unwrap();
                assert_eq!(belongs(&reasons), wanted.contains(&born[0].0));
            }
        }
        assert!(found > 100, "{found}");
        // A correction replaces, whatever day it is said to hold from.
        org.set_attribute(
            &attributes,
            born[0].0,
            "birth",
            "1950-06",
            day(2, 2),
            by,
            all,
        )
        .await
        .unwrap();
        let card = org.person(born[0].0, all).await.unwrap();
        assert_eq!(card.traits.iter().count(), 1);
        assert_eq!(card.traits.on("birth", day(1, 1)), Some("1950-06"));
        for bad in ["2026-12", "1985.1", "x"] {
            let set = org.set_attribute(&attributes, born[0].0, "birth", bad, day(2, 2), by, all);
            assert!(key(set.await).starts_with("attribute-month"), "{bad}");
        }
    })
    .await;
}

#[test]
fn a_rule_kept_with_one_place_in_a_body_is_read() {
    let seat = r#"{"kind":"party-branch","body":null,"role":"member"}"#;
    for (kept, places) in [
        (format!(r#"{{"seat":{seat}}}"#), 1),
        (r#"{"seat":null}"#.to_owned(), 0),
        (format!(r#"{{"seats":[{seat},{seat}]}}"#), 2),
        ("{}".to_owned(), 0),
    ] {
        let rule: Rule = serde_json::from_str(&kept).unwrap();
        assert_eq!(rule.seats.len(), places, "{kept}");
        let again = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&again).unwrap(), rule);
    }
}

#[tokio::test]
async fn audiences_are_kept_replaced_and_dropped_in_their_scope() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let top = add(&org, None, "top").await;
        let (a, b) = (
            add(&org, Some(top), "a").await,
            add(&org, Some(top), "b").await,
        );
        let (attributes, by) = (attributes(), Some(t.env.new_id()));
        let keep = async |audience: &Audience, scope: &Scope| {
            org.keep_audience(&attributes, audience, by, scope).await
        };
        let mut mine = Audience {
            id: t.env.new_id(),
            name: " 科级干部 ".into(),
            unit: a,
            rule: Rule::default(),
        };
        mine.rule
            .attributes
            .insert("level".into(), vec!["township".into()]);
        let scope = Scope::Under(vec![a]);
        keep(&mine, &scope).await.unwrap();
        assert_eq!(org.audience(mine.id, &scope).await.unwrap().rule, mine.rule);
        assert_eq!(org.audiences(&scope).await.unwrap()[0].name, "科级干部");
        let theirs = Scope::Under(vec![b]);
        assert_eq!(key(org.audience(mine.id, &theirs).await), "not-found");
        assert_eq!(key(keep(&mine, &theirs).await), "not-found");
        let stolen = Audience {
            unit: b,
            ..mine.clone()
        };
        assert_eq!(
            key(keep(&stolen, &theirs).await),
            "not-found",
            "not even by moving it"
        );
        assert_eq!(
            key(org.drop_audience(mine.id, None, &theirs).await),
            "not-found"
        );
        let wrong = |change: &dyn Fn(&mut Audience)| {
            let mut wrong = mine.clone();
            change(&mut wrong);
            wrong
        };
        for (audience, message) in [
            (wrong(&|a| a.name = " ".into()), "organization-empty"),
            (wrong(&|a| a.rule.months_from = Some(-1)), "audience-months"),
            (
                wrong(&|a| (a.rule.months_from, a.rule.months_to) = (Some(9), Some(3))),
                "audience-months",
            ),
            (
                wrong(&|a| {
                    a.rule
                        .attributes
                        .insert("level".into(), vec!["king".into()]);
                }),
                "attribute-value-unknown",
            ),
        ] {
            assert_eq!(key(keep(&audience, &scope).await), message);
        }
        org.drop_audience(mine.id, None, &scope).await.unwrap();
        assert_eq!(org.audiences(&Scope::All).await.unwrap(), []);
        assert_eq!(
            key(keep(&mine, &scope).await),
            "audience-gone",
            "another tab"
        );
    })
    .await;
}

#[tokio::test]
async fn an_audience_is_previewed_kept_opened_and_explained() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, c, d]) = house(&t).await;
        let roster = app
            .org
            .roster(c, day(6, 1), false, &Scope::All)
            .await
            .unwrap();
        let person = roster[0].person;
        let (_, page) = app.get("/audiences/new").await;
        let id = page.split("name=\"id\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap();
        let post = async |rest: &str| {
            let body = format!("id={id}&{rest}");
            app.post("/audiences", FORM, body.into_bytes()).await
        };
        let (status, page) = post("name=&owner_code=zz&months_from=x").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("zz"), "{page}");
        let (status, page) =
            post("name=%3Ci%3E&owner_code=b&unit_code=b&value=level.staff&act=preview").await;
        assert!(
            status.is_success() && page.contains("有 0 人") && page.contains("checked"),
            "{page}"
        );
        let (_, list) = app.get("/audiences").await;
        assert!(!list.contains(id), "a preview keeps nothing");
        let body = "name=%3Ci%3E&owner_code=b&unit_code=b&category=zz";
        assert_eq!(post(body).await.0, StatusCode::SEE_OTHER);
        let (_, page) = app.get(&format!("/audiences/{id}")).await;
        assert!(
            page.contains("&lt;i&gt;") && page.contains("没有符合规则的人员"),
            "no kind is empty: {page}"
        );
        assert_eq!(
            post("name=x&owner_code=b&unit_code=b").await.0,
            StatusCode::SEE_OTHER
        );
        let (_, page) = app.get(&format!("/audiences/{id}?date=2026-06-01")).await;
        assert!(page.contains("甲某") && page.contains("2 人"), "{page}");
        let (_, page) = app
            .get(&format!("/audiences/{id}/people/{person}?date=2026-06-01"))
            .await;
        assert!(page.contains("各项条件全部符合"), "{page}");
        let (_, page) = app
            .get(&format!("/audiences/{id}/people/{person}?date=2026-07-01"))
            .await;
        assert!(
            page.contains("有条件不符合"),
            "who has left serves nowhere: {page}"
        );
        let (status, _) = app.get(&format!("/audiences/{id}/people.xlsx")).await;
        assert_eq!(status, StatusCode::OK);
        let (_, page) = app.get(&format!("/audiences/{id}/edit")).await;
        assert!(
            page.contains("name=\"unit_code\" type=\"text\" value=\"b\""),
            "{page}"
        );

        let theirs = crate::pages::App::new(&t, Scope::Under(vec![d]));
        assert_eq!(
            theirs.get(&format!("/audiences/{id}")).await.0,
            StatusCode::NOT_FOUND
        );
        let path = format!("/audiences/{id}/drop");
        let gone = theirs.post(&path, FORM, b"confirm=x".to_vec()).await.0;
        assert_eq!(gone, StatusCode::NOT_FOUND);
        let mine = crate::pages::App::new(&t, Scope::Under(vec![b]));
        let unsure = mine.post(&path, FORM, b"confirm=y".to_vec()).await.0;
        assert_eq!(unsure, StatusCode::UNPROCESSABLE_ENTITY);
        let gone = mine.post(&path, FORM, b"confirm=x".to_vec()).await.0;
        assert_eq!(gone, StatusCode::SEE_OTHER);
        assert_eq!(
            app.get(&format!("/audiences/{id}")).await.0,
            StatusCode::NOT_FOUND
        );
    })
    .await;
}

#[tokio::test]
async fn bodies_and_names_are_chosen_on_the_form_and_what_is_outside_stays() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, _, d]) = house(&t).await;
        let (_, page) = app.get("/audiences/new").await;
        assert!(
            page.contains("新建人员范围") && page.contains("任一党支部"),
            "{page}"
        );
        let id = page.split("name=\"id\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap();
        let post = async |app: &App, rest: &str| {
            let body = format!("id={id}&name=x&owner_code=b&{rest}");
            app.post("/audiences", FORM, body.into_bytes()).await
        };
        for (rest, said) in [
            ("seat.0.role=party-branch.secretary", "还需选择组织"),
            ("years.birth.from=40&years.birth.to=30", "年数须在"),
            ("years.birth.from=x", "不是"),
            (
                "without.0.body=kind:party-branch&without.0.role=task-force.head",
                "该角色不属于",
            ),
            ("plus=001+zzz", "没有这些工号：zzz"),
            ("plus=001&minus=001", "不能既加入又排除"),
        ] {
            let (status, page) = post(&app, rest).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{rest}");
            assert!(page.contains(said), "{said}: {page}");
        }
        // Kept by somebody who sees all: people of d, and 001 of b.
        let good =
            "unit_code=d&seat.0.body=kind:party-branch&seat.0.role=party-branch.secretary&seat.1.body=kind:task-force\
             &without.0.body=kind:study-group&years.birth.from=30&years.birth.to=45&plus=003%E3%80%81001";
        assert_eq!(post(&app, good).await.0, StatusCode::SEE_OTHER);
        let (_, page) = app.get(&format!("/audiences/{id}")).await;
        assert!(
            page.contains("符合其一：党支部的书记") && page.contains("另外加入 2 人"),
            "{page}"
        );
        assert!(
            page.contains("均不符合：学习小组") && page.contains("年龄满 30 年、不超过 45 年"),
            "{page}"
        );
        assert!(page.contains("甲某") && page.contains("丙某"), "{page}");
        let (_, page) = app.get(&format!("/audiences/{id}/edit")).await;
        assert!(
            page.contains("编辑人员范围") && page.contains("001 003"),
            "{page}"
        );
        assert!(
            page.contains("name=\"seat.2.body\"") && !page.contains("name=\"seat.3.body\""),
            "one line more than is filled in: {page}"
        );
        let one = app
            .org
            .roster(b, day(11, 20), false, &Scope::All)
            .await
            .unwrap()[0]
            .person;
        let (_, why) = app.get(&format!("/audiences/{id}/people/{one}")).await;
        assert!(why.contains("按指定人员计入") && why.contains("年龄"), "{why}");

        // Somebody of b alone changes it: what lies in d is not seen and stays.
        let inner = App::new(&t, Scope::Under(vec![b]));
        let (_, page) = inner.get(&format!("/audiences/{id}/edit")).await;
        assert!(
            page.contains("保存时保留不变") && !page.contains("003"),
            "{page}"
        );
        assert_eq!(
            post(&inner, "post=%E7%A7%91&minus=001").await.0,
            StatusCode::SEE_OTHER
        );
        let id = id.parse().unwrap();
        let rule = app.org.audience(id, &Scope::All).await.unwrap().rule;
        assert_eq!((rule.under, rule.post.as_str()), (Some(d), "科"));
        assert_eq!((rule.plus.len(), rule.minus.as_slice()), (1, &[one][..]));
        assert_eq!(rule.seats, [], "it was in view and taken away");
    })
    .await;
}

/// Above a number of units the count is made by halves, on two connections; it is the same.
#[tokio::test]
async fn of_many_units_everybody_is_counted_once() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let mut rows = organization::Rows::default();
        for n in 0..620 {
            let code = format!("U{n:03}");
            rows.units.push(organization::UnitRow {
                parent: if n == 0 { "" } else { "U000" }.into(),
                code: code.as_str().into(),
                name: code.as_str().into(),
                category: "处室".into(),
                sort: Some(n),
                from: Some(day(1, 1)),
                to: None.into(),
                credit_code: None.into(),
            });
            let trait_row = organization::TraitRow {
                code: "level".into(),
                value: if n % 3 == 0 { "staff" } else { "township" }.into(),
                from: Some(day(1, 1)),
                fills: false,
            };
            rows.persons.push(organization::PersonRow {
                staff_no: format!("P{n:03}").as_str().into(),
                name: "丁一".into(),
                unit: code.as_str().into(),
                post: "科员".into(),
                from: Some(day(1, 1)).into(),
                to: None.into(),
                primary: true,
                nature: Default::default(),
                traits: vec![trait_row],
            });
        }
        org.import(&rows, &Scope::All, None).await.unwrap();
        let mut rule = Rule::default();
        rule.attributes.insert("level".into(), vec!["staff".into()]);
        let found = everybody(&org, &rule, &Scope::All).await;
        assert_eq!(found.len(), 207);
        let distinct: std::collections::HashSet<PersonId> = found.into_iter().collect();
        assert_eq!(distinct.len(), 207);
        // A reader that is alone counts all by itself.
        let again = Organization::new(t.db.clone(), t.env.clone());
        let (one, two) = (again.clone(), again.clone());
        let (one, two) = tokio::join!(
            one.audience_page(&rule, day(11, 20), &Scope::All, 1, 0),
            two.audience_page(&rule, day(11, 20), &Scope::All, 1, 206),
        );
        assert_eq!((one.unwrap().0, two.unwrap().0), (207, 207));
    })
    .await;
}
