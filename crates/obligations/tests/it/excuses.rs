//! Excuses: asked for by one, decided by another, on both engines and over HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use kernel::{AccountId, Date, Error, Id, PersonId, Scope};
use obligations::{Asker, EXCUSE, ExcuseFilter, ExcuseKind, ExcuseState, NewExcuse, READ, State};
use testkit::{TestDb, on_both};
use tower::ServiceExt;
use web::table::{Order, Window};
use web::{Options, Principal};

use crate::house::{House, RULE, day, migrations};
use crate::pages::modules;

fn new(h: &House, kind: ExcuseKind, from: Date, until: Option<Date>) -> NewExcuse {
    NewExcuse {
        rule: RULE.into(),
        unit: h.a,
        subject: h.a.0,
        kind,
        from,
        to: None,
        day: until,
        reason: "集中办案".into(),
        document: "澜司发〔2026〕8号".into(),
        record: String::new(),
    }
}

const EVERYWHERE: Asker<'static> = Asker {
    scope: Some(&Scope::All),
    person: None,
};

/// Field and key of what was refused.
fn why<T: std::fmt::Debug>(result: kernel::Result<T>) -> (String, &'static str) {
    match result.unwrap_err() {
        Error::Invalid(mut errors) => {
            let first = errors.remove(0);
            (first.field, first.message.key)
        }
        Error::Conflict(m) => (String::new(), m.key),
        Error::NotFound => (String::new(), "not-found"),
        other => panic!("{other}"),
    }
}

async fn audited(t: &TestDb, action: &str) -> i64 {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action = $1";
    let mut tx = t.db.read().await.unwrap();
    let row = tx.one(sql, db::args![action]).await.unwrap();
    row.get(0).unwrap()
}

#[tokio::test]
async fn one_asks_another_decides_and_the_due_day_stays() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let o = &h.obligations;
        let (clerk, leader): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        // Friday 13 November was missed; today is the 20th.
        assert_eq!(h.state(h.a, day(11, 13)).await, State::Overdue);
        let more = new(&h, ExcuseKind::Extended, day(11, 11), Some(day(11, 24)));
        let id = o.ask(&more, EVERYWHERE, clerk).await.unwrap();
        // Asked for is not granted, and asked twice is asked once.
        assert_eq!(h.state(h.a, day(11, 13)).await, State::Overdue);
        let again = o.ask(&more, EVERYWHERE, leader).await;
        assert_eq!(why(again), ("from".into(), "excuse-asked-already"));
        let own = o.decide(id, true, "", &Scope::All, clerk).await;
        assert_eq!(why(own), (String::new(), "excuse-own"));
        let elsewhere = Scope::Under(vec![h.b]);
        let out = o.decide(id, true, "", &elsewhere, leader).await;
        assert_eq!(why(out), (String::new(), "not-found"));
        let mute = o.decide(id, false, " ", &Scope::All, leader).await;
        assert_eq!(why(mute), ("note".into(), "excuse-note-missing"));
        o.decide(id, true, "属实", &Scope::All, leader)
            .await
            .unwrap();
        let twice = o.decide(id, false, "不", &Scope::All, leader).await;
        assert_eq!(why(twice), (String::new(), "excuse-decided"));
        assert_eq!(h.state(h.a, day(11, 13)).await, State::Extended);
        // What is done in the given time goes to the period that waited longest, and once.
        h.held(&t, h.a, day(11, 18)).await;
        let line = h
            .lines(kernel::Period {
                from: day(11, 9),
                to: day(11, 22),
            })
            .await;
        let line = line.into_iter().find(|l| l.subject.unit == h.a).unwrap();
        let seen: Vec<_> = line
            .occurrences
            .iter()
            .map(|s| (s.occurrence.due.unwrap(), s.extended, s.state, s.done))
            .collect();
        assert_eq!(
            seen,
            [
                (
                    day(11, 13),
                    Some(day(11, 24)),
                    State::DoneExtended,
                    Some(day(11, 18))
                ),
                (day(11, 20), None, State::Soon, None),
            ]
        );
        // Also seen from the later week alone.
        let week = kernel::Period {
            from: day(11, 16),
            to: day(11, 16),
        };
        let line = h
            .lines(week)
            .await
            .into_iter()
            .find(|l| l.subject.unit == h.a);
        assert_eq!(line.unwrap().occurrences[0].state, State::Soon);
        // Taken back it is as if it had not been; the row stays.
        let stranger = o.withdraw(id, "误批", None, clerk).await;
        assert_eq!(why(stranger), (String::new(), "not-found"));
        o.withdraw(id, "误批", Some(&Scope::All), leader)
            .await
            .unwrap();
        assert_eq!(h.state(h.a, day(11, 13)).await, State::Overdue);
        assert_eq!(h.state(h.a, day(11, 20)).await, State::Done);
        let (kept, acts) = o.excuse(id, EVERYWHERE, leader).await.unwrap();
        assert_eq!(
            (kept.state, kept.from, kept.to),
            (ExcuseState::Withdrawn, day(11, 9), Some(day(11, 15)))
        );
        let acts: Vec<_> = acts.iter().map(|a| (a.state, a.note.as_str())).collect();
        assert_eq!(
            acts,
            [
                (ExcuseState::Asked, "集中办案"),
                (ExcuseState::Granted, "属实"),
                (ExcuseState::Withdrawn, "误批")
            ]
        );
        for (action, times) in [
            ("excuse.asked", 1),
            ("excuse.granted", 1),
            ("excuse.refused", 0),
            ("excuse.withdrawn", 1),
        ] {
            assert_eq!(audited(&t, action).await, times, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn exempt_waived_and_made_up_are_counted_apart() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let o = &h.obligations;
        let (clerk, leader): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        let grant = async |new: &NewExcuse| {
            let id = o.ask(new, EVERYWHERE, clerk).await.unwrap();
            o.decide(id, true, "", &Scope::All, leader).await.unwrap();
        };
        let mut waived = new(&h, ExcuseKind::Waived, day(10, 12), None);
        waived.to = Some(day(10, 23));
        grant(&waived).await;
        grant(&new(&h, ExcuseKind::MadeUp, day(10, 26), Some(day(11, 17)))).await;
        for (due, want) in [
            (day(10, 9), State::Overdue),
            (day(10, 16), State::Waived),
            (day(10, 23), State::Waived),
            (day(10, 30), State::MadeUpLate),
            (day(11, 6), State::Overdue),
        ] {
            assert_eq!(h.state(h.a, due).await, want, "{due}");
        }
        let b = h.state(h.b, day(10, 16)).await;
        assert_eq!(b, State::Overdue, "only whom it is about");
        let year = h
            .lines(kernel::Period {
                from: day(10, 1),
                to: day(11, 15),
            })
            .await;
        let line = year.iter().find(|l| l.subject.unit == h.a).unwrap();
        // Six weeks: two waived, of four one made up.
        assert_eq!(line.tally(), (1, 4));
        grant(&new(&h, ExcuseKind::Exempt, day(11, 5), None)).await;
        assert_eq!(h.state(h.a, day(11, 6)).await, State::Exempt);
        assert_eq!(h.state(h.a, day(12, 25)).await, State::Exempt);
        // What makes no sense is refused with its field.
        let ask = async |new: NewExcuse| why(o.ask(&new, EVERYWHERE, clerk).await);
        for (field, key, wrong) in [
            (
                "from",
                "excuse-period-not-missed",
                new(&h, ExcuseKind::MadeUp, day(10, 26), Some(day(11, 18))),
            ),
            (
                "from",
                "excuse-period-settled",
                new(&h, ExcuseKind::Extended, day(10, 26), Some(day(11, 30))),
            ),
            (
                "from",
                "excuse-period-settled",
                new(&h, ExcuseKind::Waived, day(10, 12), None),
            ),
            (
                "day",
                "excuse-day-until",
                new(&h, ExcuseKind::Extended, day(10, 5), Some(day(10, 9))),
            ),
            (
                "day",
                "excuse-day-made-up",
                new(&h, ExcuseKind::MadeUp, day(10, 5), Some(day(11, 21))),
            ),
            (
                "day",
                "excuse-day-made-up",
                new(&h, ExcuseKind::MadeUp, day(10, 5), None),
            ),
            (
                "from",
                "excuse-period-none",
                new(&h, ExcuseKind::Waived, Date::constant(2019, 1, 1), None),
            ),
            (
                "to",
                "excuse-to-wrong",
                NewExcuse {
                    to: Some(day(9, 1)),
                    ..new(&h, ExcuseKind::Waived, day(10, 5), None)
                },
            ),
            (
                "reason",
                "excuse-reason-missing",
                NewExcuse {
                    reason: " ".into(),
                    ..new(&h, ExcuseKind::Waived, day(10, 5), None)
                },
            ),
            (
                "document",
                "excuse-document-missing",
                NewExcuse {
                    document: String::new(),
                    ..new(&h, ExcuseKind::Exempt, day(10, 5), None)
                },
            ),
            (
                "record",
                "excuse-record-wrong",
                NewExcuse {
                    record: "https://example.org".into(),
                    ..new(&h, ExcuseKind::MadeUp, day(10, 5), Some(day(11, 18)))
                },
            ),
            (
                "",
                "not-found",
                NewExcuse {
                    subject: h.top.0,
                    ..new(&h, ExcuseKind::Waived, day(10, 5), None)
                },
            ),
        ] {
            assert_eq!(ask(wrong).await, (field.to_owned(), key));
        }
        let nothing = Asker {
            scope: None,
            person: Some(PersonId(h.a.0)),
        };
        let blind = o
            .ask(
                &new(&h, ExcuseKind::Waived, day(10, 5), None),
                nothing,
                clerk,
            )
            .await;
        assert_eq!(why(blind), (String::new(), "not-found"));
        // Lists hold to the scope.
        let usual = Order {
            by: "at",
            down: true,
        };
        let all = o
            .excuses(&ExcuseFilter::default(), &Scope::All, usual, Window::all())
            .await
            .unwrap();
        assert_eq!((all.0.len(), all.1), (3, 3));
        let other = Scope::Under(vec![h.b]);
        let none = o
            .excuses(&ExcuseFilter::default(), &other, usual, Window::all())
            .await
            .unwrap();
        assert_eq!(none.1, 0);
        assert_eq!(o.excuses_waiting(&Scope::All).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn of_two_deciders_one_decides() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (clerk, one, two): (AccountId, AccountId, AccountId) =
            (t.env.new_id(), t.env.new_id(), t.env.new_id());
        let second = h.on_another(&t).await;
        for week in 0..5 {
            let from = day(10, 5).saturating_add(jiff::Span::new().days(7 * week));
            let new = new(&h, ExcuseKind::Waived, from, None);
            let id = h.obligations.ask(&new, EVERYWHERE, clerk).await.unwrap();
            let (a, b) = tokio::join!(
                h.obligations.decide(id, true, "", &Scope::All, one),
                second.obligations.decide(id, false, "不", &Scope::All, two),
            );
            assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
            let (kept, acts) = h.obligations.excuse(id, EVERYWHERE, one).await.unwrap();
            let want = match a.is_ok() {
                true => ExcuseState::Granted,
                false => ExcuseState::Refused,
            };
            assert_eq!((kept.state, acts.len()), (want, 2));
        }
    })
    .await;
}

/// The pages as one account sees them.
struct App(Router);

impl App {
    fn new(h: &House, t: &TestDb, account: AccountId, grants: &[&str], scope: Scope) -> Self {
        let mut principal = Principal::new(account, "林晓岚");
        for permission in grants {
            principal = principal.with(*permission, scope.clone());
        }
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        Self(web::assemble(modules(h), options).expect("the modules fit together"))
    }

    async fn send(
        &self,
        request: axum::http::request::Builder,
        body: String,
    ) -> (StatusCode, String, String) {
        let request = request
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let to = response.headers().get(header::LOCATION);
        let to = to.map_or("", |v| v.to_str().unwrap()).to_owned();
        let body = response.into_body().collect().await.expect("a whole body");
        (
            status,
            to,
            String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        )
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let (status, _, page) = self.send(Request::get(path), String::new()).await;
        (status, page)
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String, String) {
        let pairs = fields
            .iter()
            .map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        self.send(Request::post(path), pairs.collect::<Vec<_>>().join("&"))
            .await
    }
}

#[tokio::test]
async fn asked_decided_and_withdrawn_on_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let scope = Scope::Under(vec![h.a]);
        let clerk = App::new(&h, &t, t.env.new_id(), &[READ], scope.clone());
        let leader = App::new(&h, &t, t.env.new_id(), &[READ, EXCUSE], scope.clone());
        let other = App::new(
            &h,
            &t,
            t.env.new_id(),
            &[READ, EXCUSE],
            Scope::Under(vec![h.b]),
        );
        // The unit's page leads to the form of a period.
        let (_, page) = clerk.get(&format!("/obligations/{RULE}/{}", h.a)).await;
        let form = format!(
            "/obligations/excuses/new?rule={RULE}&unit={0}&of={0}&from=2026-11-09",
            h.a
        );
        assert!(page.contains(&form.replace('&', "&amp;")), "{page}");
        let (status, page) = clerk.get(&form).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for text in ["2026-11-13", "逾期", "应完成日不变"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        for (app, path) in [
            (&other, form.as_str()),
            (&clerk, "/obligations/excuses/new"),
            (&clerk, "/obligations/excuses/new?rule=%00&unit=x"),
            (&clerk, "/obligations/excuses/x"),
        ] {
            assert_eq!(app.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        let unit = h.a.to_string();
        let fields = |change: &[(&'static str, &'static str)]| {
            let mut all: Vec<(&str, String)> = [
                ("rule", RULE),
                ("kind", "extended"),
                ("from", "2026-11-09"),
                ("to", ""),
                ("day", "2026-11-27"),
                ("reason", "集中办案"),
                ("document", ""),
                ("record", ""),
            ]
            .into_iter()
            .map(|(n, v)| (n, v.to_owned()))
            .collect();
            all.push(("unit", unit.clone()));
            for (name, value) in change {
                all.retain(|(n, _)| n != name);
                all.push((name, (*value).to_owned()));
            }
            all
        };
        let post = async |app: &App, change: &[(&'static str, &'static str)]| {
            let all = fields(change);
            let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (*n, v.as_str())).collect();
            app.post("/obligations/excuses", &all).await
        };
        for (change, text) in [
            (("reason", ""), "请写明理由"),
            (("day", "2026-11-13"), "晚于应完成日"),
            (("day", "soon"), "日期不正确"),
            (("kind", "x"), "请选择类别"),
            (("from", ""), "日期不正确"),
        ] {
            let (status, _, page) = post(&clerk, &[change]).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{change:?}");
            assert!(page.contains(text), "{text}: {page}");
        }
        assert_eq!(post(&other, &[]).await.0, StatusCode::NOT_FOUND);
        let (status, at, page) = post(&clerk, &[]).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        assert!(at.starts_with("/obligations/excuses/"), "{at}");
        let id: Id = at.rsplit('/').next().unwrap().parse().unwrap();
        assert_eq!(h.obligations.excuses_waiting(&scope).await.unwrap(), 1);
        // Who asked sees no decision; who may not see it finds nothing.
        let (_, page) = clerk.get(&at).await;
        assert!(
            page.contains("待决定") && !page.contains("value=\"grant\""),
            "{page}"
        );
        assert_eq!(other.get(&at).await.0, StatusCode::NOT_FOUND);
        let decision = format!("{at}/decision");
        let granted = [("verdict", "grant"), ("note", "属实")];
        assert_eq!(
            clerk.post(&decision, &granted).await.0,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            other.post(&decision, &granted).await.0,
            StatusCode::NOT_FOUND
        );
        let (_, page) = leader.get(&at).await;
        assert!(page.contains("value=\"grant\""), "{page}");
        let (status, _, page) = leader.post(&decision, &[("verdict", "refuse")]).await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("不同意的须写明理由"),
            "{page}"
        );
        assert_eq!(
            leader.post(&decision, &granted).await.0,
            StatusCode::SEE_OTHER
        );
        let (_, page) = clerk.get(&format!("/obligations/{RULE}/{}", h.a)).await;
        for text in ["延期中", "延期至 2026-11-27", "2026-11-13"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        for (path, there) in [
            ("/obligations/excuses", true),
            (
                "/obligations/excuses?state=granted&kind=extended&columns=rule,unit",
                true,
            ),
            ("/obligations/excuses?state=asked", false),
            ("/obligations/excuses?state=x&sort=-from", true),
        ] {
            let (status, page) = clerk.get(path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(page.contains(&id.to_string()), there, "{path}: {page}");
        }
        let (_, page) = other.get("/obligations/excuses").await;
        assert!(!page.contains(&id.to_string()));
        let (status, _) = clerk
            .get("/obligations/excuses/list.xlsx?state=granted")
            .await;
        assert_eq!(status, StatusCode::OK);
        let gone = leader
            .post(&format!("{at}/withdrawal"), &[("reason", "误批")])
            .await;
        assert_eq!(gone.0, StatusCode::SEE_OTHER);
        let (_, page) = clerk.get(&at).await;
        assert!(page.contains("已撤回") && page.contains("误批"), "{page}");
    })
    .await;
}
