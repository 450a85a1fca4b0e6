//! The tree of units: closure, scopes, moves, races.

use std::collections::HashMap;

use kernel::{Scope, UnitId};
use organization::{Basis, MIGRATIONS, Organization, UnitEdit, scope_sql};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use testkit::{on_both, on_postgres};

use crate::{add, day, key, organization};

fn today() -> Basis {
    Basis {
        date: day(11, 20),
        text: String::new(),
        by: organization::By::default(),
    }
}

async fn shift(
    org: &Organization,
    unit: UnitId,
    parent: UnitId,
    scope: &Scope,
) -> kernel::Result<()> {
    let edit = UnitEdit {
        parent: Some(parent),
        ..UnitEdit::default()
    };
    org.change_unit(unit, &edit, &today(), scope).await
}

async fn rename(org: &Organization, unit: UnitId, name: &str, scope: &Scope) -> kernel::Result<()> {
    let edit = UnitEdit {
        name: Some(name.into()),
        ..UnitEdit::default()
    };
    org.change_unit(unit, &edit, &today(), scope).await
}

/// The paths that parents imply, worked out here and now.
fn paths(parents: &HashMap<UnitId, Option<UnitId>>) -> HashMap<UnitId, Vec<UnitId>> {
    let path = |unit: &UnitId| {
        let mut path = vec![*unit];
        while let Some(Some(parent)) = parents.get(&path[0]) {
            path.insert(0, *parent);
        }
        path
    };
    parents.keys().map(|unit| (*unit, path(unit))).collect()
}

#[tokio::test]
async fn the_closure_follows_random_moves() {
    let mut runner = TestRunner::deterministic();
    let moves = proptest::collection::vec((0usize..12, 0usize..12), 40);
    let moves = moves.new_tree(&mut runner).unwrap().current();
    on_both(MIGRATIONS, |t| {
        let moves = moves.clone();
        async move {
            let org = organization(&t);
            let mut units = vec![add(&org, None, "00").await];
            for n in 1..12 {
                let parent = units[n / 2];
                units.push(add(&org, Some(parent), &format!("{n:02}")).await);
            }
            let all = org.units(&Scope::All).await.unwrap();
            let mut parents: HashMap<_, _> = all.iter().map(|u| (u.id, u.parent)).collect();
            let (mut moved, mut refused) = (0, 0);
            for (unit, parent) in moves {
                let (unit, parent) = (units[unit], units[parent]);
                let circle = paths(&parents)[&parent].contains(&unit);
                let done = shift(&org, unit, parent, &Scope::All).await;
                if circle {
                    assert_eq!(key(done), "organization-cycle");
                    refused += 1;
                } else {
                    done.unwrap();
                    parents.insert(unit, Some(parent));
                    moved += 1;
                }
                let want = paths(&parents);
                assert_eq!(org.paths(&units).await.unwrap(), want);
                for top in &units {
                    let mut under = org.units_under(*top).await.unwrap();
                    under.sort();
                    let mut expected: Vec<_> = units
                        .iter()
                        .copied()
                        .filter(|u| want[u].contains(top))
                        .collect();
                    expected.sort();
                    assert_eq!(under, expected);
                }
            }
            assert!(moved > 5 && refused > 5, "{moved} moved, {refused} refused");
        }
    })
    .await;
}

#[tokio::test]
async fn a_scope_reaches_its_subtrees_and_nothing_else() {
    on_both(MIGRATIONS, |t| async move {
        let org = organization(&t);
        let top = add(&org, None, "a").await;
        let left = add(&org, Some(top), "b").await;
        let leaf = add(&org, Some(left), "c").await;
        let right = add(&org, Some(top), "d").await;
        let scope = Scope::Under(vec![left]);
        let codes = async |scope: &Scope| -> Vec<String> {
            let units = org.units(scope).await.unwrap();
            units.into_iter().map(|u| u.code).collect()
        };
        assert_eq!(codes(&scope).await, ["b", "c"]);
        assert_eq!(codes(&Scope::nothing()).await, Vec::<String>::new());
        assert_eq!(codes(&Scope::Under(vec![leaf, right])).await, ["c", "d"]);
        assert_eq!(org.unit(leaf, &scope).await.unwrap().code, "c");
        assert_eq!(key(org.unit(right, &scope).await), "not-found");
        assert_eq!(org.children(top, &scope).await.unwrap().len(), 1);
        assert_eq!(org.ancestors(leaf).await.unwrap(), [top, left, leaf]);
        assert!(org.reaches(&scope, leaf).await.unwrap());
        assert!(!org.reaches(&scope, top).await.unwrap());
        // Changes stay within the scope too.
        assert_eq!(key(rename(&org, right, "x", &scope).await), "not-found");
        assert_eq!(key(shift(&org, leaf, right, &scope).await), "not-found");
        assert_eq!(key(shift(&org, right, left, &scope).await), "not-found");
        rename(&org, leaf, " 法治科 ", &scope).await.unwrap();
        assert_eq!(org.names(&[leaf]).await.unwrap()[&leaf], "法治科");
        assert_eq!(
            key(rename(&org, leaf, "  ", &scope).await),
            "organization-empty"
        );
        let found = org.search("法治", &scope, 10).await.unwrap();
        assert_eq!(found.units.len(), 1);
        let by_initials = org.search("fz", &scope, 10).await.unwrap();
        assert_eq!(by_initials.units, found.units);
        assert_eq!(org.search("%", &Scope::All, 10).await.unwrap().units, []);
        let new = |parent, code: &str| organization::NewUnit {
            parent,
            code: code.into(),
            name: "新".into(),
            category: String::new(),
            from: day(1, 1),
        };
        assert_eq!(
            key(org.add_unit(new(None, "e"), "", None, &scope).await),
            "forbidden"
        );
        assert_eq!(
            key(org.add_unit(new(Some(top), "e"), "", None, &scope).await),
            "not-found"
        );
        assert_eq!(
            key(org.add_unit(new(Some(left), "d"), "", None, &scope).await),
            "organization-code-taken"
        );
        org.add_unit(new(Some(left), "e"), "", None, &scope)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn two_nodes_cannot_make_a_circle_together() {
    on_postgres(MIGRATIONS, |t| async move {
        let one = organization(&t);
        let two = Organization::new(t.second().await, t.env.clone());
        let top = add(&one, None, "top").await;
        for round in 0..10 {
            let a = add(&one, Some(top), &format!("a{round}")).await;
            let b = add(&one, Some(top), &format!("b{round}")).await;
            let all = Scope::All;
            let (left, right) = tokio::join!(shift(&one, a, b, &all), shift(&two, b, a, &all));
            let lost = [left, right].into_iter().filter(Result::is_err);
            let lost: Vec<_> = lost.map(key).collect();
            assert_eq!(lost, ["organization-cycle"]);
            let paths = one.paths(&[a, b]).await.unwrap();
            assert!(paths.values().all(|path| path[0] == top));
        }
    })
    .await;
}

proptest! {
    #[test]
    fn scope_arguments_go_on_from_what_is_there(before in 0usize..5, roots in 0u8..4) {
        let mut args = db::Args::new();
        for _ in 0..before {
            args.push(1_i64);
        }
        let roots: Vec<UnitId> = (0..roots).map(|n| UnitId(kernel::Id([n; 16]))).collect();
        let sql = scope_sql(&Scope::Under(roots.clone()), "f.unit", &mut args);
        prop_assert_eq!(args.len(), before + roots.len());
        if roots.is_empty() {
            prop_assert_eq!(sql, "1=0");
        } else {
            prop_assert!(sql.starts_with("f.unit IN (SELECT"));
            let last = format!("${}))", before + roots.len());
            prop_assert!(sql.ends_with(&last));
        }
        prop_assert_eq!(scope_sql(&Scope::All, "x", &mut args), "1=1");
    }
}
