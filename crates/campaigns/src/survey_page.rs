//! Answering the survey of a campaign: for everybody who takes part, with no permission at all.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::forms::{Answer, Answers, Kind, Value as Given};
use desk::{Typed, id_of, told};
use kernel::{Error, Id, PersonId, Result, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::service::Campaigns;

/// Who answers for themselves: nobody does for another.
fn me(access: &Access) -> Result<PersonId> {
    let principal = &access.principal;
    principal
        .person
        .filter(|_| principal.on_behalf.is_none())
        .ok_or(Error::NotFound)
}

async fn context(
    s: &Campaigns,
    shell: &Shell,
    id: Id,
    person: PersonId,
    form: Form,
) -> Result<Value> {
    let (c, asked, window, spoke) = s.survey(id, person).await?;
    let (lang, today) = (shell.lang().code(), s.env.today());
    let items = asked.items().map(|i| {
        let name = format!("q-{}", i.code);
        let options: Vec<(String, String)> = match &i.kind {
            Kind::Choice { options } | Kind::Several { options } => options.iter().map(|o| (o.code.clone(), o.text.get(lang).to_owned())).collect(),
            Kind::Check => vec![("yes".into(), shell.t("campaigns-yes")), ("no".into(), shell.t("campaigns-no"))],
            _ => Vec::new(),
        };
        let several = matches!(i.kind, Kind::Several { .. });
        let most = match i.kind {
            Kind::Text { most } => most,
            _ => 0,
        };
        json!({ "name": name, "text": i.text.get(lang), "options": options, "several": several, "most": most, "required": i.required,
            "value": form.values.get(&name), "error": form.errors.get(&name) })
    });
    Ok(
        json!({ "id": id, "title": c.content.title, "items": items.collect::<Vec<_>>(), "opens": format_date(window.opens), "closes": format_date(window.closes),
        "open": window.opens <= today && today <= window.closes, "spoke": spoke, "least": asked.smallest_group, "form": form }),
    )
}

pub(crate) async fn ask(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context = context(&s, &shell, id_of(&id)?, me(&access)?, Form::default()).await?;
    shell.page("campaigns/survey.html", context)
}

fn answers_of(form: &commons::forms::Form, typed: &Typed) -> Answers {
    let mut answers = Answers::new();
    for item in form.items() {
        let name = format!("q-{}", item.code);
        let said: Vec<&str> = typed.all(&name).filter(|v| !v.trim().is_empty()).collect();
        let Some(first) = said.first() else {
            continue;
        };
        let value = match item.kind {
            Kind::Check => Given::Yes(*first == "yes"),
            Kind::Choice { .. } | Kind::Several { .. } => {
                Given::Chosen(said.iter().map(|v| (*v).to_owned()).collect())
            }
            _ => Given::Text(crate::model::tidy(first)),
        };
        let answer = Answer {
            value,
            note: String::new(),
            files: Vec::new(),
        };
        answers.insert(item.code.clone(), answer);
    }
    answers
}

pub(crate) async fn speak(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, person, typed) = (id_of(&id)?, me(&access)?, Typed(pairs));
    let (_, form, ..) = s.survey(id, person).await?;
    match s.speak(id, person, &answers_of(&form, &typed)).await {
        Ok(()) => shell.done(&format!("/campaigns/{id}/survey"), "campaigns-done-spoke"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused(
                "campaigns/survey.html",
                context(&s, &shell, id, person, form).await?,
            )
        }
    }
}
