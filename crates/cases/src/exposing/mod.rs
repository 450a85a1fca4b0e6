//! The public list inside the house (公开曝光台), the last rung above the ladder: somebody decides that a case stands there,
//! never the clock. It comes off when it is closed, or when somebody takes it off.

pub(crate) mod store;

use std::collections::HashSet;

use axum::Form as BodyForm;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use db::Tx;
use desk::{Typed, id_of};
use identity::Actor;
use kernel::{Date, Error, Id, Msg, Result, Scope, format_date};
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Shell};

use crate::case::{Act, Case};
use crate::kind::{Kind, Side};
use crate::model::{Eyes, Filter, Matter, Tab};
use crate::pages::{actor_of, crumbs, refused};
use crate::service::{Cases, Said, Whole};

/// Cases on the page of the list.
const MOST: i64 = 200;

impl Cases {
    /// Whether the whole ladder was climbed without a case being mended.
    fn is_over(&self, kind: &Kind, m: &Matter) -> bool {
        let rungs = kind.ladder.iter();
        let last = rungs.map(|r| r.at.0.day(m.until, &self.calendar)).max();
        m.end.is_none() && last.unwrap_or(m.until).max(m.until) < self.env.today()
    }

    /// Puts a case on the public list, or takes it off.
    ///
    /// # Errors
    /// `Forbidden` for who does not supervise it; `Conflict` when they had to mend it, it was told in confidence, the ladder
    /// is not climbed to its end, or it stands so already; `Invalid` for `text` when no reason is given.
    pub async fn expose(
        &self,
        id: Id,
        on: bool,
        said: &Said,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        if said.text.trim().chars().count() < 2 {
            return Err(Error::field("text", Msg::new("cases-text-missing")));
        }
        db::transaction!(self.db, |tx| {
            let seen = crate::store::seen(tx, id, eyes).await?;
            seen.ok_or(Error::NotFound)?;
            let (mut matter, mut case, kind) = self.held(tx, id).await?;
            let hand = self.hand(tx, &matter, &case, eyes).await?;
            if !hand.sides.contains(&Side::Supervisor) {
                return Err(Error::Forbidden);
            }
            case.may_judge(&hand)?;
            let no = |key| Err(Error::Conflict(Msg::new(key)));
            if on && matter.confidential {
                return no("cases-expose-confidential");
            }
            if on && !self.is_over(&kind, &matter) {
                return no("cases-expose-early");
            }
            let changed = match on {
                true => store::put(tx, id, self.env.today()).await?,
                false => store::take(tx, id).await?,
            };
            if !changed {
                return no("cases-moved-on");
            }
            let act = if on { Act::Exposed } else { Act::Unexposed };
            let state = case.state.clone();
            let held = (&mut matter, &mut case, &*kind);
            let who = (actor, hand.person);
            self.happen(tx, held, act, &state, said, who).await
        })
    }

    /// What is closed stands on no list.
    pub(crate) async fn come_off(&self, tx: &mut Tx, case: &Case, id: Id) -> Result<()> {
        if case.end.is_some() {
            store::take(tx, id).await?;
        }
        Ok(())
    }

    /// The public list: cases, since when each stands there, and whether the reader may open it.
    pub async fn exposed(&self, eyes: &Eyes) -> Result<Vec<(Matter, Date, bool)>> {
        let mut tx = self.db.read().await?;
        let listed = store::all(&mut tx, MOST).await?;
        let filter = Filter {
            ids: Some(listed.iter().map(|(id, _)| *id).collect()),
            ..Filter::default()
        };
        let all = Eyes {
            reads: Scope::All,
            ..eyes.clone()
        };
        let (order, window) = (
            Order {
                by: "due",
                down: false,
            },
            Window::new(1, MOST),
        );
        let list = async |tx: &mut Tx, eyes: &Eyes| {
            crate::store::list::list(tx, Tab::Unit, &filter, eyes, order, window).await
        };
        let (_, found) = list(&mut tx, &all).await?;
        let (_, own) = list(&mut tx, eyes).await?;
        let own: HashSet<Id> = own.iter().map(|m| m.id).collect();
        let row = |m: Matter| {
            let since = listed.iter().find(|(id, _)| *id == m.id)?.1;
            let open = own.contains(&m.id);
            Some((m, since, open))
        };
        Ok(found.into_iter().filter_map(row).collect())
    }
}

/// How a case stands to the list, for its page.
pub(crate) async fn shown(s: &Cases, w: &Whole) -> Result<Value> {
    let since = store::since(&mut s.db.read().await?, w.matter.id).await?;
    let side = w.hand.sides.contains(&Side::Supervisor) && w.case.may_judge(&w.hand).is_ok();
    let fits = since.is_some() || !w.matter.confidential && s.is_over(&w.kind, &w.matter);
    Ok(json!({ "since": since.map(format_date), "may": side && fits }))
}

pub(crate) async fn act(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path((id, word)): Path<(String, String)>,
    BodyForm(pairs): BodyForm<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let on = match word.as_str() {
        "expose" => true,
        "unexpose" => false,
        _ => return Err(Error::NotFound.into()),
    };
    let said = Said {
        text: typed.get("text").to_owned(),
        ..Said::default()
    };
    match s.expose(id, on, &said, &eyes, &actor_of(&access)).await {
        Ok(()) => shell.done(&format!("/cases/{id}"), "cases-done"),
        Err(error) => {
            let form = typed.form().with("verb", "expose");
            refused(&s, &shell, &access, id, (form, &[]), error).await
        }
    }
}

/// The page of the list.
pub(crate) async fn list(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let (today, found) = (s.env.today(), s.exposed(&Eyes::from(&access)).await?);
    let units: Vec<_> = found.iter().map(|(m, ..)| m.unit).collect();
    let units = s.organization.names(&units).await?;
    let rows = found.iter().map(|(m, since, open)| {
        json!({ "number": m.number, "title": m.title, "unit": units.get(&m.unit), "until": format_date(m.until),
            "days": (today - m.until).get_days(), "since": format_date(*since), "href": open.then(|| m.href()) })
    });
    let context = json!({ "rows": rows.collect::<Vec<_>>(), "crumbs": crumbs(&shell) });
    shell.page("cases/exposed.html", context)
}
