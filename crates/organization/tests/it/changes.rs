//! Units that are renamed, moved, merged, split and closed, with what they were before.

use kernel::{Date, PersonId, Scope, UnitId};
use organization::{
    Basis, MIGRATIONS, Organization, PersonRow, Rows, SplitOff, UnitChangeKind, UnitEdit, UnitPart,
};
use testkit::on_both;

use crate::{add, day, key, organization};

fn from(month: i8, d: i8) -> Basis {
    Basis {
        date: day(month, d),
        text: "澜编办〔2026〕3号".into(),
        by: organization::By::default(),
    }
}

fn to(parent: UnitId) -> UnitEdit {
    UnitEdit {
        parent: Some(parent),
        ..UnitEdit::default()
    }
}

async fn staff(org: &Organization, unit: &str, numbers: &[&str]) -> Vec<PersonId> {
    let rows = Rows {
        persons: numbers
            .iter()
            .map(|no| PersonRow {
                staff_no: (*no).to_owned().into(),
                name: format!("人{no}").into(),
                unit: unit.to_owned().into(),
                post: "科员".into(),
                from: Some(day(1, 1)).into(),
                to: None.into(),
                primary: true,
                nature: Default::default(),
                traits: Vec::new(),
            })
            .collect(),
        ..Rows::default()
    };
    org.import(&rows, &Scope::All, None).await.unwrap();
    let id = org.unit_by_code(unit, &Scope::All).await.unwrap().id;
    let roster = org.roster(id, day(6, 1), false, &Scope::All).await.unwrap();
    let found = roster.iter().filter(|r| numbers.contains(&&*r.staff_no));
    found.map(|r| r.person).collect()
}

async fn numbers(org: &Organization, unit: UnitId, date: Date) -> Vec<String> {
    let roster = org.roster(unit, date, false, &Scope::All).await.unwrap();
    roster.into_iter().map(|r| r.staff_no).collect()
}

async fn path(t: &testkit::TestDb, org: &Organization, unit: UnitId, date: Date) -> Vec<UnitId> {
    let mut tx = t.db.read().await.unwrap();
    let found = org.paths_on(&mut tx, &[(unit, date)]).await.unwrap();
    found[&(unit, date)].clone()
}

#[tokio::test]
async fn a_unit_stands_where_it_stood_on_that_day() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let top = add(&org, None, "top").await;
        let (a, b) = (
            add(&org, Some(top), "a").await,
            add(&org, Some(top), "b").await,
        );
        let leaf = add(&org, Some(a), "leaf").await;
        let all = Scope::All;
        org.change_unit(leaf, &to(b), &from(7, 1), &all)
            .await
            .unwrap();
        assert_eq!(path(&t, &org, leaf, day(6, 30)).await, [top, a, leaf]);
        assert_eq!(path(&t, &org, leaf, day(7, 1)).await, [top, b, leaf]);
        assert_eq!(org.ancestors(leaf).await.unwrap(), [top, b, leaf]);
        // Before its first day it counts where it began.
        let long_ago = Date::constant(2020, 1, 1);
        assert_eq!(path(&t, &org, leaf, long_ago).await, [top, a, leaf]);

        // Entered later about earlier: what is known of today stays.
        org.change_unit(leaf, &to(top), &from(3, 1), &all)
            .await
            .unwrap();
        assert_eq!(path(&t, &org, leaf, day(5, 1)).await, [top, leaf]);
        assert_eq!(org.ancestors(leaf).await.unwrap(), [top, b, leaf]);
        let name = UnitEdit {
            name: Some("新名".into()),
            ..UnitEdit::default()
        };
        org.change_unit(leaf, &name, &from(9, 1), &all)
            .await
            .unwrap();
        // The same again changes nothing and records nothing.
        org.change_unit(leaf, &name, &from(9, 2), &all)
            .await
            .unwrap();
        let (states, changes) = org.unit_history(leaf, &all).await.unwrap();
        let begins: Vec<Date> = states.iter().map(|s| s.from).collect();
        assert_eq!(begins, [day(1, 1), day(3, 1), day(7, 1), day(9, 1)]);
        let kinds: Vec<_> = changes.iter().map(|c| c.kind).collect();
        assert_eq!(
            kinds,
            [
                UnitChangeKind::Renamed,
                UnitChangeKind::Moved,
                UnitChangeKind::Moved,
                UnitChangeKind::Added
            ]
        );
        assert_eq!(changes[0].basis, "澜编办〔2026〕3号");

        // A circle on any day since is refused, even when none stands today.
        let refused = org.change_unit(top, &to(leaf), &from(2, 1), &all).await;
        assert_eq!(key(refused), "organization-cycle");
        org.change_unit(b, &to(a), &from(2, 1), &all).await.unwrap();
        let refused = org.change_unit(a, &to(b), &from(1, 15), &all).await;
        assert_eq!(key(refused), "organization-cycle");
        let tomorrow = org.change_unit(leaf, &to(a), &from(11, 21), &all).await;
        assert_eq!(key(tomorrow), "organization-change-in-future");
        assert_eq!(
            key(org.unit_history(a, &Scope::Under(vec![leaf])).await),
            "not-found"
        );
    })
    .await;
}

#[tokio::test]
async fn merged_units_end_and_their_people_and_units_go_on() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let top = add(&org, None, "top").await;
        let (a, b, c) = (
            add(&org, Some(top), "a").await,
            add(&org, Some(top), "b").await,
            add(&org, Some(top), "c").await,
        );
        let below = add(&org, Some(a), "below").await;
        staff(&org, "a", &["1", "2"]).await;
        staff(&org, "b", &["3"]).await;
        staff(&org, "c", &["4"]).await;
        let all = Scope::All;
        let inside = org.merge_units(&[a, b], below, &from(7, 1), &all).await;
        assert_eq!(key(inside), "organization-merge-below");
        let nothing = org.merge_units(&[c], c, &from(7, 1), &all).await;
        assert_eq!(key(nothing), "organization-merge-none");
        let theirs = org
            .merge_units(&[a, b], c, &from(7, 1), &Scope::Under(vec![a, c]))
            .await;
        assert_eq!(key(theirs), "not-found");

        org.merge_units(&[a, b, c], c, &from(7, 1), &all)
            .await
            .unwrap();
        assert_eq!(numbers(&org, c, day(7, 1)).await, ["1", "2", "3", "4"]);
        assert_eq!(numbers(&org, a, day(6, 30)).await, ["1", "2"]);
        assert_eq!(numbers(&org, a, day(7, 1)).await, Vec::<String>::new());
        assert_eq!(path(&t, &org, below, day(7, 1)).await, [top, c, below]);
        assert_eq!(path(&t, &org, below, day(6, 30)).await, [top, a, below]);
        let ended = org.unit(a, &all).await.unwrap();
        assert_eq!(ended.to, Some(day(6, 30)));
        let (_, changes) = org.unit_history(c, &all).await.unwrap();
        assert_eq!(changes[0].kind, UnitChangeKind::Merged);
        assert_eq!(
            changes[0].units,
            [(a, UnitPart::Old), (b, UnitPart::Old), (c, UnitPart::New)]
        );
        // What has ended takes part in nothing any more.
        let gone = org.merge_units(&[a], c, &from(8, 1), &all).await;
        assert_eq!(key(gone), "organization-not-standing");
        let gone = org.change_unit(below, &to(a), &from(8, 1), &all).await;
        assert_eq!(key(gone), "organization-not-standing");
    })
    .await;
}

#[tokio::test]
async fn a_unit_is_split_and_an_empty_one_closed() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let top = add(&org, None, "top").await;
        let old = add(&org, Some(top), "old").await;
        let other = add(&org, Some(top), "other").await;
        let people = staff(&org, "old", &["1", "2", "3"]).await;
        let strangers = staff(&org, "other", &["9"]).await;
        let all = Scope::All;
        let part = |code: &str, people: &[PersonId]| SplitOff {
            code: code.into(),
            name: format!("新设{code}"),
            people: people.to_vec(),
        };
        let refused = async |parts: &[SplitOff], close| {
            key(org.split_unit(old, parts, close, &from(7, 1), &all).await)
        };
        assert_eq!(
            refused(&[part("x", &strangers)], false).await,
            "organization-split-stranger"
        );
        let twice = [part("x", &people[..1]), part("y", &people[..2])];
        assert_eq!(refused(&twice, false).await, "organization-split-twice");
        assert_eq!(
            refused(&[part("other", &people)], false).await,
            "organization-code-taken"
        );
        assert_eq!(
            refused(&[part("x", &people[..2])], true).await,
            "organization-not-empty"
        );
        assert_eq!(
            org.units(&all).await.unwrap().len(),
            3,
            "nothing was half done"
        );

        let top_split = org
            .split_unit(top, &[part("x", &[])], false, &from(7, 1), &all)
            .await;
        assert_eq!(key(top_split), "organization-top-whole");
        let parts = [part("x", &people[..1]), part("y", &people[1..])];
        let new = org
            .split_unit(old, &parts, true, &from(7, 1), &all)
            .await
            .unwrap();
        assert_eq!(numbers(&org, new[0], day(7, 1)).await, ["1"]);
        assert_eq!(numbers(&org, new[1], day(7, 1)).await, ["2", "3"]);
        assert_eq!(numbers(&org, old, day(6, 30)).await, ["1", "2", "3"]);
        assert_eq!(org.unit(old, &all).await.unwrap().to, Some(day(6, 30)));
        assert_eq!(path(&t, &org, new[0], day(8, 1)).await, [top, new[0]]);

        assert_eq!(
            key(org.close_unit(other, &from(8, 1), &all).await),
            "organization-not-empty"
        );
        assert_eq!(
            key(org.close_unit(top, &from(8, 1), &all).await),
            "organization-top-stays"
        );
        let empty = add(&org, Some(top), "empty").await;
        org.close_unit(empty, &from(8, 1), &all).await.unwrap();
        assert_eq!(org.unit(empty, &all).await.unwrap().to, Some(day(7, 31)));
    })
    .await;
}

#[tokio::test]
async fn an_import_leaves_what_was_in_the_history() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let top = add(&org, None, "top").await;
        let (a, b) = (
            add(&org, Some(top), "a").await,
            add(&org, Some(top), "b").await,
        );
        let leaf = add(&org, Some(a), "leaf").await;
        let rows = Rows {
            units: vec![organization::UnitRow {
                parent: "b".to_owned().into(),
                code: "leaf".to_owned().into(),
                name: "改名".to_owned().into(),
                category: String::new().into(),
                sort: None,
                from: None,
                to: None.into(),
                credit_code: None.into(),
            }],
            ..Rows::default()
        };
        // A path that was read before the change must not be given after it.
        assert_eq!(path(&t, &org, leaf, day(11, 20)).await, [top, a, leaf]);
        org.import(&rows, &Scope::All, None).await.unwrap();
        assert_eq!(path(&t, &org, leaf, day(11, 20)).await, [top, b, leaf]);
        assert_eq!(path(&t, &org, leaf, day(11, 19)).await, [top, a, leaf]);
        let (states, _) = org.unit_history(leaf, &Scope::All).await.unwrap();
        assert_eq!(states.len(), 2);
    })
    .await;
}
