//! The board (看板、挂图作战): projects of one kind by stage, each with its milestones and how they stand; for the wall too.

use axum::extract::State as Shared;
use axum::response::Response;
use kernel::{Id, Result};
use serde_json::{Value, json};
use web::table::{Asked, Order, Window};
use web::{Access, Failure, Shell};

use crate::list_page::{PLACE, Wanted, rows};
use crate::model::{Eyes, Filter, State};
use crate::service::Projects;

/// Cards in a column.
const CARDS: i64 = 12;

pub(crate) async fn board(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let mut wanted = Wanted::read(&s, &access, &asked).await?;
    let first = s.kinds.iter().next();
    let Some(kind) = s.kinds.get(&wanted.filter.kind).or(first) else {
        return Err(kernel::Error::NotFound.into());
    };
    wanted.filter.kind.clone_from(&kind.code);
    let eyes = Eyes::from(&access);
    let counts = s.counts(&wanted.filter, &eyes).await?;
    let order = Order {
        by: "due",
        down: false,
    };
    let mut columns = Vec::new();
    // Proposals stand before the stages, what is closed after them.
    let ends = [("draft", State::Draft), ("asked", State::Asked)];
    let after = [("checking", State::Checking), ("closed", State::Closed)];
    let stages = kind.stages.iter().map(|st| {
        (
            st.name.get(lang).to_owned(),
            State::Running,
            st.code.clone(),
        )
    });
    let outside = |list: [(&'static str, State); 2]| {
        let list = list.map(|(code, state)| {
            (
                shell.t(&format!("projects-state-{code}")),
                state,
                String::new(),
            )
        });
        list.into_iter()
    };
    let all: Vec<(String, State, String)> =
        outside(ends).chain(stages).chain(outside(after)).collect();
    for (name, state, stage) in all {
        let n: i64 = counts
            .iter()
            .filter(|((st, sg), _)| *st == state.code() && (stage.is_empty() || *sg == stage))
            .map(|(_, n)| n)
            .sum();
        // A stage is always shown; what nobody proposed or closed yet needs no column.
        if n == 0 && stage.is_empty() {
            continue;
        }
        let filter = Filter {
            state: Some(state),
            stage: stage.clone(),
            ..wanted.filter.clone()
        };
        let (_, found) = s.list(&filter, &eyes, order, Window::new(1, CARDS)).await?;
        let ids: Vec<Id> = found.iter().map(|p| p.id).collect();
        let dots = dots(&s, &ids).await?;
        let cards = rows(&s, &shell, &found).await?.into_iter().zip(dots);
        let cards: Vec<Value> = cards
            .map(|(mut row, dots)| {
                row["dots"] = dots;
                row
            })
            .collect();
        let href = Asked::read(&asked.clone().at(PLACE).with("kind", &kind.code));
        let href = Asked::read(&href.with("state", state.code())).with("stage", &stage);
        columns.push(json!({ "name": name, "n": n, "href": href, "cards": cards }));
    }
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let context = json!({ "columns": columns, "kinds": kinds, "kind": kind.code, "crumbs": crate::typed::crumbs(&shell, None) });
    shell.page("projects/board.html", context)
}

/// The milestones of some projects as the board shows them.
async fn dots(s: &Projects, ids: &[Id]) -> Result<Vec<Value>> {
    let mut tx = s.db.read().await?;
    let (mut all, today) = (Vec::new(), s.env.today());
    let mut of = crate::store::parts::milestones_of(&mut tx, ids).await?;
    for id in ids {
        let list = of.remove(id).unwrap_or_default();
        let list = list.iter().map(|m| json!({ "text": m.text, "stands": m.stands(today, 7), "until": kernel::format_date(m.until) }));
        all.push(list.collect());
    }
    Ok(all)
}
