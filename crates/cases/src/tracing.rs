//! What caused a case (根源问题): another case, which causes none of its own causes.

use axum::Form as BodyForm;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of};
use identity::Actor;
use kernel::{Error, Id, Msg, Result};
use web::{Access, Failure, Shell};

use crate::case::Act;
use crate::model::Eyes;
use crate::pages::{actor_of, refused};
use crate::service::{Cases, MANY, Said};
use crate::store;

/// How the link is kept: from what was caused to what caused it.
pub(crate) const CAUSED: &str = "caused-by";

impl Cases {
    /// Says that another case, by its number, caused this one. Those on any side of it may, also when it is closed: a cause
    /// is often found last.
    ///
    /// # Errors
    /// `Invalid` for `cause` when the other is unknown or not visible, is this one, was said before, or was caused by this
    /// one; `Forbidden` for who stands on no side; `NotFound` when one may not see this one.
    pub async fn trace(
        &self,
        id: Id,
        number: &str,
        said: &Said,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let wrong = |key| Error::field("cause", Msg::new(key));
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
            let (mut matter, mut case, kind) = self.held(tx, id).await?;
            let hand = self.hand(tx, &matter, &case, eyes).await?;
            if hand.sides.is_empty() {
                return Err(Error::Forbidden);
            }
            let of = store::list::by_number(tx, number.trim()).await?;
            let of = of.ok_or_else(|| wrong("cases-duplicate-unknown"))?;
            // What one may not see does not exist.
            let seen = store::seen(tx, of, eyes).await?;
            seen.ok_or_else(|| wrong("cases-duplicate-unknown"))?;
            if of == id {
                return Err(wrong("cases-cause-self"));
            }
            let causes = self.causes(tx, id).await?;
            if causes.contains(&of) {
                return Err(wrong("cases-cause-known"));
            }
            if causes.len() >= MANY {
                return Err(Error::field(
                    "cause",
                    Msg::new("cases-many").with("most", MANY),
                ));
            }
            // Whatever caused that one, however far back, is not this one.
            let (mut known, mut next) = (vec![of], vec![of]);
            while let Some(one) = next.pop() {
                for cause in self.causes(tx, one).await? {
                    if cause == id {
                        return Err(wrong("cases-cause-round"));
                    }
                    if !known.contains(&cause) {
                        known.push(cause);
                        next.push(cause);
                    }
                }
            }
            let state = case.state.clone();
            let held = (&mut matter, &mut case, &*kind);
            let who = (actor, hand.person);
            self.happen(tx, held, Act::CausedBy { of }, &state, said, who)
                .await
        })
    }

    /// What caused a case, as far as it was said.
    async fn causes(&self, tx: &mut db::Tx, id: Id) -> Result<Vec<Id>> {
        let links = store::links(tx, id).await?.into_iter();
        let causes = links.filter(|(way, to_it, _)| way == CAUSED && !to_it);
        Ok(causes.map(|(_, _, other)| other.id).collect())
    }
}

/// What caused a case, by its form.
pub(crate) async fn trace(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    BodyForm(pairs): BodyForm<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let said = Said {
        text: typed.get("text").to_owned(),
        ..Said::default()
    };
    let actor = actor_of(&access);
    match s.trace(id, typed.get("cause"), &said, &eyes, &actor).await {
        Ok(()) => shell.done(&format!("/cases/{id}"), "cases-done"),
        Err(error) => {
            let form = typed.form().with("verb", "trace");
            refused(&s, &shell, &access, id, (form, &[]), error).await
        }
    }
}
