//! Pages of what people have to learn because of cases: asked for beside the case, and the chain 学—训—改—验 of a person or
//! of units.

use std::collections::HashMap;

use axum::Form as BodyForm;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use desk::{day_of, id_of};
use kernel::{Error, Id, Msg, PersonId, Result, UnitId, format_date};
use ledger::{Fact, Label};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Asked, Order, Window};
use web::view::Pager;
use web::{Access, Failure, Form, Shell};

use crate::list_page::Wanted;
use crate::model::{Eyes, Filter, Matter, Tab, View};
use crate::pages::{actor_of, crumbs, due_tag, refused, tag};
use crate::remedy::{AskRemedy, Asked as Wanting};
use crate::service::{Cases, Said, Whole};
use crate::store;

/// Cases on a page of the chain.
const PAGE: i64 = 20;
/// Cases of one person in the chain, the newest.
const MOST: i64 = 200;

/// What is asked for, as the page of a case and the chain show it.
pub(crate) async fn rows(s: &Cases, shell: &Shell, list: &[Wanting]) -> Result<Vec<Value>> {
    let today = s.env.today();
    let people: Vec<PersonId> = list.iter().map(|a| a.remedy.person).collect();
    let people = s.organization.person_names(&people).await?;
    let facts: Vec<Fact> = list.iter().filter_map(|a| a.met.clone()).collect();
    let titles = match facts.is_empty() {
        true => HashMap::new(),
        false => s.sources.titles(&mut s.db.read().await?, &facts).await?,
    };
    let lang = shell.lang().code();
    let met = |fact: &Fact| {
        let source = s.sources.of(&fact.kind);
        let part = source.and_then(|of| of.part(fact, lang));
        let part = part.map(|label| match label {
            Label::Key(key) => shell.t(&key),
            Label::Text(text) => text,
        });
        json!({ "day": format_date(fact.date), "href": source.map(|of| of.href(fact)),
            "title": titles.get(&fact.subject).cloned().or(part) })
    };
    let row = |a: &Wanting| {
        let r = &a.remedy;
        json!({ "no": r.no, "name": r.name.get(lang), "who": people.get(&r.person), "by": format_date(r.by), "needed": r.needed,
            "met": a.met.as_ref().map(met), "late": a.met.is_none() && a.matter.end.is_none() && r.by < today })
    };
    Ok(list.iter().map(row).collect())
}

impl Cases {
    /// What the page of a case shows of it.
    pub(crate) async fn remedies_shown(&self, shell: &Shell, w: &Whole) -> Result<Value> {
        let matters = std::slice::from_ref(&w.matter);
        let asked = match w.case.remedies.is_empty() {
            true => Vec::new(),
            false => self.asked(&mut self.db.read().await?, matters).await?,
        };
        let lang = shell.lang().code();
        let kinds = self.kinds.remedies().iter();
        let kinds: Vec<[&str; 2]> = kinds.map(|k| [k.code.as_str(), k.name.get(lang)]).collect();
        let open = w.case.end.is_none() && !w.hand.sides.is_empty();
        Ok(
            json!({ "rows": rows(self, shell, &asked).await?, "kinds": kinds, "may_ask": open && !kinds.is_empty(),
            "may_need": w.hand.sides.contains(&crate::Side::Supervisor) }),
        )
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    remedy: String,
    learner: String,
    by: String,
    needed: String,
    text: String,
    seen: String,
}

impl Typed {
    fn form(&self) -> Form {
        let form = Form::default().with("remedy", &self.remedy);
        let form = form.with("learner", &self.learner).with("by", &self.by);
        let form = form.with("needed", &self.needed).with("verb", "remedy");
        form.with("text", &self.text)
    }

    fn said(&self) -> Said {
        Said {
            seen: self.seen.parse().ok(),
            text: self.text.clone(),
            files: Vec::new(),
        }
    }
}

pub(crate) async fn ask(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    BodyForm(typed): BodyForm<Typed>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let w = s.case(id, &eyes).await?;
    let done = async {
        let scope = Cases::named_in(&access, Some(w.matter.unit));
        let missing = || Error::field("learner", Msg::new("cases-learner-missing"));
        let person = s.person("learner", &typed.learner, &scope).await?;
        let ask = AskRemedy {
            code: typed.remedy.clone(),
            person: person.ok_or_else(missing)?,
            by: day_of("by", &typed.by)?,
            needed: !typed.needed.is_empty(),
        };
        s.ask_remedy(id, &ask, &typed.said(), &eyes, &actor_of(&access))
            .await
    };
    match done.await {
        Ok(()) => shell.done(&format!("/cases/{id}"), "cases-done-remedy"),
        Err(error) => refused(&s, &shell, &access, id, (typed.form(), &[]), error).await,
    }
}

pub(crate) async fn ask_no_more(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path((id, no)): Path<(String, i64)>,
    BodyForm(typed): BodyForm<Typed>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let (said, actor) = (typed.said(), actor_of(&access));
    match s.drop_remedy(id, no, &said, &eyes, &actor).await {
        Ok(()) => shell.done(&format!("/cases/{id}"), "cases-done"),
        Err(error) => {
            let form = Form::default().with("verb", format!("drop{no}"));
            refused(&s, &shell, &access, id, (form, &[]), error).await
        }
    }
}

/// A case in the chain: what is wrong, what was learned, how it was accepted, whether it held.
fn link(s: &Cases, shell: &Shell, m: &Matter, kind: &crate::Kind, unit: Option<&String>) -> Value {
    let lang = shell.lang().code();
    let end = m
        .end
        .map(|end| shell.t(&format!("cases-end-{}", end.code())));
    json!({ "href": m.href(), "number": m.number, "title": m.title, "unit": unit, "raised": format_date(m.raised_on),
        "tag": tag(kind, &m.state, lang), "due_tag": m.end.is_none().then(|| due_tag(shell, m, s.env.today())),
        "closed": m.closed_on.map(format_date), "end": end, "looking": m.looking, "reopenings": m.reopenings,
        "look_on": m.look_on.map(format_date), "remedies": [] })
}

/// The chain 学—训—改—验 of cases of units, of oneself, or of a person.
pub(crate) async fn chain(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let eyes = &wanted.eyes;
    let may_all = !eyes.reads.is_empty();
    let typed = asked.get("person").unwrap_or_default().trim().to_owned();
    let mine = asked.get("mine") == Some("1") || !may_all;
    let scope = Cases::named_in(&access, None);
    let mut error = None;
    let person = match typed.as_str() {
        "" => eyes.person.filter(|_| mine),
        no => match s.person("person", no, &scope).await {
            Ok(person) => person,
            Err(Error::Invalid(errors)) => {
                error = errors.first().map(|e| shell.text(&e.message));
                None
            }
            Err(other) => return Err(other.into()),
        },
    };
    let (total, matters) = match person {
        None if error.is_some() || mine => (0, Vec::new()),
        Some(person) if Some(person) == eyes.person => {
            let found = store::remedies::of_person(&mut s.db.read().await?, person, MOST).await?;
            (found.len() as i64, found)
        }
        Some(person) => {
            let found = store::remedies::of_person(&mut s.db.read().await?, person, MOST).await?;
            let filter = Filter {
                view: View::All,
                ids: Some(found.iter().map(|m| m.id).collect()),
                ..Filter::default()
            };
            let order = Order {
                by: "number",
                down: true,
            };
            s.list(Tab::Unit, &filter, eyes, order, Window::new(1, MOST))
                .await?
        }
        None => {
            let filter = Filter {
                view: View::All,
                ..wanted.filter.clone()
            };
            let order = Order {
                by: "number",
                down: true,
            };
            s.list(Tab::Unit, &filter, eyes, order, asked.window(PAGE))
                .await?
        }
    };
    let mut tx = s.db.read().await?;
    let kinds = s
        .rules(&mut tx, matters.iter().map(|m| m.rule.as_str()))
        .await?;
    let list = s.asked(&mut tx, &matters).await?;
    drop(tx);
    let units: Vec<UnitId> = matters.iter().map(|m| m.unit).collect();
    let units = s.organization.names(&units).await?;
    let shown = rows(&s, &shell, &list).await?;
    let mut of: HashMap<Id, Vec<Value>> = HashMap::new();
    for (asked, row) in list.iter().zip(shown) {
        of.entry(asked.matter.id).or_default().push(row);
    }
    let mut lines = Vec::new();
    for m in &matters {
        let Some(kind) = kinds.get(&m.rule) else {
            continue;
        };
        let mut line = link(&s, &shell, m, kind, units.get(&m.unit));
        line["remedies"] = json!(of.remove(&m.id).unwrap_or_default());
        lines.push(line);
    }
    let name = match person {
        Some(person) => s
            .organization
            .person_names(&[person])
            .await?
            .remove(&person),
        None => None,
    };
    let pager: Option<Pager> = person.is_none().then(|| asked.pager(total, PAGE));
    let context = json!({ "rows": lines, "mine": mine && typed.is_empty(), "may_all": may_all, "person": typed, "name": name,
        "error": error, "pager": pager, "crumbs": crumbs(&shell) });
    shell.page("cases/chain.html", context)
}
