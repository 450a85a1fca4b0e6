//! Appointment forms (干部任免审批表, `.lrmx`): read into rows of the import, written from what is known.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use axum::Form as Posted;
use axum::extract::{Multipart, State as Given};
use axum::response::Response;
use commons::files::Held;
use commons::identifiers::ResidentId;
use commons::lrmx::{self, Month, Span};
use kernel::{Date, Error, FieldError, Msg, PersonId, Result, Scope, UnitId};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use super::pages::{Arrived, refuse, uploaded};
use super::staged::Imports;
use super::{PersonRow, Stated, TraitRow};
use crate::attributes::{Attributes, EVER};
use crate::numbers::FIELD;
use crate::people::PersonCard;
use crate::sheet::{self, At, Rows};
use crate::store;

/// Forms that are taken at once.
const MOST: usize = 200;

/// What a form says, as far as it is kept here.
struct Said {
    file: String,
    held: Held,
    name: String,
    post: String,
    /// First day of the post, where the resume tells it.
    since: Option<Date>,
    /// Attribute, value, first day.
    traits: Vec<(String, String, Option<Date>)>,
    /// Identity number; sealed before it is stored.
    number: Option<ResidentId>,
    notices: Vec<FieldError>,
}

fn first_day(month: Month) -> Option<Date> {
    Date::new(month.year, month.month, 1).ok()
}

fn said(
    file: &str,
    held: Held,
    bytes: &[u8],
    attributes: &Attributes,
    today: Date,
) -> Result<Said> {
    let read = lrmx::read(file, bytes, &lrmx::Limits::default())?;
    let form = read.form;
    let name: String = form.name.split_whitespace().collect();
    if name.is_empty() {
        let message = Msg::new("organization-form-nameless").with("file", file);
        return Err(Error::field("file", message));
    }
    let lines = lrmx::resume_lines(&form.resume);
    let now = lines
        .iter()
        .rev()
        .find_map(|l| l.span.filter(|s| s.to.is_none()));
    let month_of = |element: &str| match element {
        "RuDangShiJian" => Month::read(&form.joined_party),
        _ => None,
    };
    let stated = |element: &str| match element {
        "ChuShengNianYue" => form.born.as_str(),
        "CanJiaGongZuoShiJian" => form.began_work.as_str(),
        _ => "",
    };
    let mut traits = Vec::new();
    for attribute in attributes.iter() {
        let text = attribute.lrmx.as_deref().map_or("", stated);
        // Words instead of a month say nothing.
        if let Some(month) = attribute.read(text, today).ok().filter(|m| !m.is_empty()) {
            traits.push((attribute.code.clone(), month, Some(EVER)));
        }
        for value in &attribute.values {
            let month = value.lrmx.as_deref().and_then(month_of);
            if let Some(month) = month {
                traits.push((attribute.code.clone(), value.code.clone(), first_day(month)));
            }
        }
    }
    let mut notices = read.notices;
    // A wrong number does not keep the rest from being taken.
    let number = match form.id_number.trim() {
        "" => None,
        text => match ResidentId::read(text, today) {
            Ok(read) => {
                notices.extend(read.notice().map(|message| FieldError {
                    field: file.to_owned(),
                    message,
                }));
                Some(read.id)
            }
            Err(message) => {
                notices.push(FieldError {
                    field: file.to_owned(),
                    message,
                });
                None
            }
        },
    };
    Ok(Said {
        number,
        file: file.to_owned(),
        held,
        name,
        post: form.post.split_whitespace().collect::<Vec<_>>().join(" "),
        since: now.and_then(|span| first_day(span.from)),
        traits,
        notices,
    })
}

/// The forms of an upload: files as they are, and those in a zip.
fn unpack(file: &str, bytes: Vec<u8>) -> Result<Vec<(String, Vec<u8>)>> {
    let wrong = |key| Error::field("file", Msg::new(key).with("file", file));
    if !bytes.starts_with(b"PK") {
        return Ok(vec![(file.to_owned(), bytes)]);
    }
    let broken = |_| wrong("organization-zip-broken");
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let limit = lrmx::Limits::default().bytes as u64;
    let (mut found, mut left) = (Vec::new(), 100u64 << 20);
    for at in 0..zip.len() {
        let entry = zip.by_index(at).map_err(broken)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if !name.to_lowercase().ends_with(".lrmx") {
            continue;
        }
        let mut bytes = Vec::new();
        let most = (limit + 1).min(left + 1);
        let read = entry.take(most).read_to_end(&mut bytes);
        read.map_err(|_| wrong("organization-zip-broken"))?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| wrong("organization-zip-large"))?;
        found.push((format!("{file}/{name}"), bytes));
        if found.len() > MOST {
            return Err(wrong("organization-zip-large"));
        }
    }
    if found.is_empty() {
        return Err(wrong("organization-zip-empty"));
    }
    Ok(found)
}

pub(super) async fn upload(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    mut secrecy: Secrecy,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let today = shell.env().today();
    let files = match uploaded(&imports, &mut secrecy, &access, &mut form).await {
        Ok(Arrived::Files(files)) => files,
        Ok(Arrived::Asks(words, again)) => return secrecy.ask(&words, &again, true),
        Err(error) => return refuse(&imports, &shell, &access, error).await,
    };
    let read = async {
        let mut all = Vec::new();
        for (name, whole) in files {
            let bytes = imports.files.held(&whole).await?.to_vec();
            imports.release(&[whole]).await;
            let unpacked = tokio::task::spawn_blocking(move || unpack(&name, bytes));
            for (name, bytes) in unpacked.await.map_err(Error::internal)?? {
                let attributes = &imports.attributes;
                let held = imports.files.hold(bytes.clone()).await?;
                all.push(said(&name, held, &bytes, attributes, today)?);
            }
        }
        all.truncate(MOST);
        page(&imports, &shell, &access, &all, Form::default()).await
    };
    match read.await {
        Ok(context) => shell.page("organization/import-forms.html", context),
        Err(error) => refuse(&imports, &shell, &access, error).await,
    }
}

/// What each form would add or change, and whom it may be about.
async fn page(
    imports: &Imports,
    shell: &Shell,
    access: &Access,
    all: &[Said],
    form: Form,
) -> Result<Value> {
    let today = shell.env().today();
    let names: Vec<&str> = all.iter().map(|said| said.name.as_str()).collect();
    let mut tx = imports.org.db.read().await?;
    let known = store::namesakes(&mut tx, &names, today, &access.scope).await?;
    let ids: Vec<PersonId> = known.iter().map(|k| k.person).collect();
    let traits = store::traits_of(&mut tx, &ids).await?;
    let numbers = store::sealed_numbers(&mut tx, &ids).await?;
    let lang = shell.lang().code();
    let forms: Vec<Value> = all
        .iter()
        .enumerate()
        .map(|(n, said)| {
            let people = known.iter().filter(|k| k.name == said.name);
            let people: Vec<Value> = people
                .map(|k| {
                    let label = format!("{} {} {} {}", k.staff_no, k.name, k.unit, k.post);
                    let now = said.traits.iter().map(|(code, value, from)| {
                        let attribute = imports.attributes.get(code);
                        let name = |value: &str| match attribute.and_then(|a| a.value(value)) {
                            Some(known) => known.name.get(lang).to_owned(),
                            None if value.is_empty() => "—".to_owned(),
                            None => value.to_owned(),
                        };
                        let before = traits.get(&k.person).and_then(|t| t.on(code, today));
                        let label = attribute.map_or(code.as_str(), |a| a.name.get(lang));
                        let from = from.filter(|from| *from != EVER).map(kernel::format_date);
                        json!({ "label": label, "before": name(before.unwrap_or_default()),
                            "after": name(value), "from": from })
                    });
                    let mut changes: Vec<Value> =
                        now.filter(|c| c["before"] != c["after"]).collect();
                    let post = bare_post(&said.post, &k.unit);
                    if !post.is_empty() && post != k.post {
                        changes.push(
                            json!({ "label": shell.t("organization-post"), "before": k.post,
                            "after": post, "from": said.since.map(kernel::format_date) }),
                        );
                    }
                    let vault = imports.org.vault.as_ref();
                    if let (Some(vault), Some(number)) = (vault, &said.number) {
                        let known = numbers.get(&k.person);
                        let blind = vault.index(FIELD, number.as_str());
                        if known.is_none_or(|(_, b)| b[..] != blind) {
                            let before = known.map(|_| shell.t("identity-number-recorded"));
                            changes.push(json!({ "label": shell.t("identity-number"),
                                "before": before, "after": number.masked(), "from": null }));
                        }
                    }
                    json!({ "id": k.person, "label": label, "changes": changes })
                })
                .collect();
            let notices: Vec<String> = said
                .notices
                .iter()
                .map(|e| shell.text(&e.message))
                .collect();
            json!({ "n": n, "file": said.file, "held": said.held.to_string(), "name": said.name,
                "post": said.post, "people": people, "notices": notices })
        })
        .collect();
    Ok(json!({ "forms": forms, "form": form }))
}

/// The post without the names of the unit before it: 澜州市司法局法治科科长 in 法治科 is 科长.
fn bare_post(post: &str, unit: &str) -> String {
    let rest = post.rsplit_once(unit).map_or(post, |(_, rest)| rest);
    let rest = rest.trim();
    let bare = if rest.is_empty() { post } else { rest };
    bare.chars().take(64).collect()
}

pub(super) async fn apply(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    Posted(posted): Posted<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let today = shell.env().today();
    let mut all = Vec::new();
    for n in 0..MOST {
        let Some(held) = posted.get(&format!("held.{n}")) else {
            break;
        };
        let held: Held = held.parse()?;
        let bytes = imports.files.held(&held).await?;
        let name = posted.get(&format!("name.{n}")).map_or("", String::as_str);
        all.push(said(name, held, &bytes, &imports.attributes, today)?);
    }
    let done = async {
        let (rows, stated) = rows(&imports, &all, &posted, &access.scope).await?;
        let (org, by) = (&imports.org, (&access).into());
        org.import_stating(&rows, &stated, &access.scope, None, &by)
            .await
    };
    match done.await {
        Ok(_) => {
            let files: Vec<Held> = all.into_iter().map(|said| said.held).collect();
            imports.release(&files).await;
            shell.done("/organization", "organization-imported")
        }
        Err(error) => {
            let form = Form::of(&posted).reject(&shell, error)?;
            let context = page(&imports, &shell, &access, &all, form).await?;
            shell.refused("organization/import-forms.html", context)
        }
    }
}

/// The rows of the import that the chosen forms come to.
async fn rows(
    imports: &Imports,
    all: &[Said],
    posted: &HashMap<String, String>,
    scope: &Scope,
) -> Result<(Rows, Vec<Stated>)> {
    let (org, today) = (&imports.org, imports.org.env.today());
    let (mut rows, mut stated) = (Rows::default(), Vec::new());
    let mut errors = Vec::new();
    for (n, said) in all.iter().enumerate() {
        let field = |name: &str| format!("{name}.{n}");
        let text = |name: &str| posted.get(&field(name)).map_or("", |t| t.trim());
        let at = |value: &str, name: &str| At {
            value: value.to_owned(),
            at: field(name),
        };
        let traits = said.traits.iter().map(|(code, value, from)| TraitRow {
            code: code.clone(),
            value: at(value, "do"),
            from: *from,
            fills: false,
        });
        let (staff_no, unit_code, unit_name, post, from) = match text("do") {
            "" => continue,
            "new" => {
                let (staff_no, unit_code) = (text("staff_no"), text("unit"));
                for (name, value) in [("staff_no", staff_no), ("unit", unit_code)] {
                    if value.is_empty() {
                        let message = Msg::new("organization-empty");
                        errors.push(at("", name).error(message));
                    }
                }
                let longer = crate::service::check_text(staff_no, 32);
                errors.extend(longer.map(|message| at("", "staff_no").error(message)));
                let unit = match org.unit_by_code(unit_code, scope).await {
                    Ok(unit) => unit.name,
                    Err(Error::NotFound) => String::new(),
                    Err(other) => return Err(other),
                };
                let from = said.since.unwrap_or(today);
                (
                    staff_no.to_owned(),
                    unit_code.to_owned(),
                    unit,
                    None,
                    Some(from),
                )
            }
            id => {
                let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
                let card = org.person(id, scope).await?;
                let serves = card
                    .assignments
                    .iter()
                    .find(|a| a.primary && a.covers(today));
                let serves = serves.ok_or(Error::NotFound)?;
                let names = store::units(
                    &mut org.db.read().await?,
                    &Scope::All,
                    "u.id = $1",
                    db::args![serves.unit],
                )
                .await?;
                let unit = names.into_iter().next().ok_or(Error::NotFound)?;
                let differs =
                    bare_post(&said.post, &unit.name) != serves.post && !said.post.is_empty();
                // A post that began later than the known one is a new one; else the known one is corrected.
                let later = said
                    .since
                    .filter(|since| *since > serves.from && *since <= today);
                let from = if differs {
                    later.unwrap_or(serves.from)
                } else {
                    serves.from
                };
                let kept = (!differs).then(|| serves.post.clone());
                (card.person.staff_no, unit.code, unit.name, kept, Some(from))
            }
        };
        let number = said.number.clone().filter(|_| org.vault.is_some());
        let mut row = PersonRow {
            staff_no: at(&staff_no, "staff_no"),
            name: at(&said.name, "do"),
            unit: at(&unit_code, "unit"),
            post: post.unwrap_or_else(|| bare_post(&said.post, &unit_name)),
            from: At {
                value: from,
                at: field("do"),
            },
            to: At {
                value: None,
                at: field("do"),
            },
            primary: true,
            nature: Default::default(),
            traits: traits.collect(),
        };
        if let Some(number) = number {
            let number = At {
                value: number,
                at: field("do"),
            };
            sheet::fill(&mut row, &number, &imports.attributes);
            stated.push(Stated {
                staff_no: row.staff_no.clone(),
                number,
            });
        }
        rows.persons.push(row);
    }
    if rows.persons.is_empty() && errors.is_empty() {
        let message = Msg::new("organization-form-none");
        return Err(Error::field("do.0", message));
    }
    Error::if_any(errors)?;
    Ok((rows, stated))
}

/// What is known of a person as a form: name, posts with their months, attributes that forms have.
pub(crate) fn form_of(
    card: &PersonCard,
    units: &HashMap<UnitId, String>,
    attributes: &Attributes,
    today: Date,
) -> Vec<u8> {
    let month = |day: Date| Month {
        year: day.year(),
        month: day.month(),
    };
    let name = |unit: UnitId| units.get(&unit).map_or("", String::as_str);
    let lines: Vec<(Span, String)> = card
        .assignments
        .iter()
        .filter(|a| a.primary)
        .map(|a| {
            let span = Span {
                from: month(a.from),
                to: a.to.filter(|to| *to < today).map(month),
            };
            (span, format!("{}{}", name(a.unit), a.post))
        })
        .collect();
    let serves = card
        .assignments
        .iter()
        .find(|a| a.primary && a.covers(today));
    let since = |element: &str| {
        let changes = card.traits.iter();
        let of = changes.filter(|(code, _, value)| {
            let value = attributes.get(code).and_then(|a| a.value(value));
            value.is_some_and(|v| v.lrmx.as_deref() == Some(element))
        });
        let first = of.map(|(_, from, _)| from).min();
        first.map_or(String::new(), |day| month(day).to_string().replace('.', ""))
    };
    // What is said by a month itself.
    let stated = |element: &str| {
        let mut of = attributes
            .iter()
            .filter(|a| a.lrmx.as_deref() == Some(element));
        let value = of.find_map(|a| card.traits.on(&a.code, today));
        value.map_or(String::new(), |month| month.replace('-', ""))
    };
    lrmx::write(&lrmx::Form {
        name: card.person.name.clone(),
        born: stated("ChuShengNianYue"),
        joined_party: since("RuDangShiJian"),
        began_work: stated("CanJiaGongZuoShiJian"),
        post: serves.map_or(String::new(), |a| format!("{}{}", name(a.unit), a.post)),
        resume: lrmx::resume_text(lines.iter().map(|(span, text)| (*span, text.as_str()))),
        filled_on: today.strftime("%Y%m%d").to_string(),
        age_as_of: today.strftime("%Y%m%d").to_string(),
        ..lrmx::Form::default()
    })
}
