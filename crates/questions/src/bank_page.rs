//! Banks: which there are, how many questions of which state they have, and the form that makes or renames one.

use std::collections::HashMap;

use axum::Form as Posted;
use axum::extract::State as Has;
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Result, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::WRITE;
use crate::bank::{Bank, Questions, State};
use crate::pages::crumbs;

async fn context(s: &Questions, shell: &Shell, access: &Access, form: Form) -> Result<Value> {
    // The page is the same for who may only read.
    let read = access.principal.scope(crate::READ).unwrap_or(&access.scope);
    let banks = s.banks(read).await?;
    let units: Vec<UnitId> = banks.iter().map(|b| b.unit).collect();
    let names = s.organization.names(&units).await?;
    let mut tallies: HashMap<Id, HashMap<State, i64>> = HashMap::new();
    for (bank, state, count) in s.tallies(read).await? {
        tallies.entry(bank).or_default().insert(state, count);
    }
    let rows: Vec<Value> = banks
        .iter()
        .map(|b| {
            let count = |state: State| {
                tallies
                    .get(&b.id)
                    .and_then(|t| t.get(&state))
                    .copied()
                    .unwrap_or(0)
            };
            json!({
                "id": b.id, "name": b.name, "unit": names.get(&b.unit), "sealed": b.sealed,
                "href": format!("/questions?bank={}", b.id),
                "counts": State::ALL.map(|st| json!({ "count": count(st),
                    "href": format!("/questions?bank={}&state={}", b.id, st.code()) })),
            })
        })
        .collect();
    let states: Vec<String> = State::ALL
        .iter()
        .map(|st| shell.t(&format!("question-state-{}", st.code())))
        .collect();
    let units = match access.principal.scope(WRITE) {
        Some(scope) => s.organization.units(scope).await?,
        None => Vec::new(),
    };
    let units: Vec<(UnitId, String)> = units.into_iter().map(|u| (u.id, u.name)).collect();
    Ok(json!({
        "rows": rows, "states": states, "units": units, "form": form, "crumbs": crumbs(shell),
        "may_write": access.principal.scope(WRITE).is_some(),
    }))
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    id: String,
    unit: String,
    name: String,
    sealed: String,
}

pub(crate) async fn list(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let form = Form::default().with("id", shell.env().new_id::<Id>());
    let context = context(&s, &shell, &access, form).await?;
    shell.page("questions/banks.html", context)
}

pub(crate) async fn keep(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let kept = async {
        let bank = Bank {
            id: typed.id.parse().map_err(|_| Error::NotFound)?,
            unit: typed.unit.parse().map_err(|_| Error::NotFound)?,
            name: typed.name.clone(),
            sealed: typed.sealed == "on",
        };
        s.keep_bank(&bank, &access.scope, actor).await
    };
    match kept.await {
        Ok(()) => shell.done("/questions/banks", "question-bank-kept"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = context(&s, &shell, &access, form).await?;
            shell.refused("questions/banks.html", context)
        }
    }
}
