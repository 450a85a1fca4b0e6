//! Signing in, staying in, being thrown out.

use identity::{Actor, SecuritySettings, SignIn};
use kernel::Scope;
use testkit::{on_both, on_postgres};

use crate::{House, PASSWORD, key, migrations};

#[tokio::test]
async fn a_session_carries_the_scopes_of_today() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let mut later = h.grant("clerk", h.right);
        later.from = later.from.tomorrow().unwrap();
        later.to = Some(later.from);
        let actor = Actor::default();
        let all = &Scope::All;
        h.identity.grant(&actor, id, &later, all).await.unwrap();
        let token = h.sign_in(" LinXL ", PASSWORD).await.unwrap();
        assert_eq!(token.len(), 64);
        let recorded = async || {
            let found = h.identity.principal(&token).await.unwrap()?;
            assert_eq!(found.name, "linxl");
            assert!(found.scope("identity.manage").is_none());
            let Some(Scope::Under(mut units)) = found.scope("activity.record").cloned() else {
                return Some(Vec::new());
            };
            units.sort();
            Some(units)
        };
        assert_eq!(recorded().await, Some(vec![h.left]));
        // From noon to the next day.
        h.t.clock.advance(11 * 3600 + 1800);
        assert_eq!(recorded().await, None, "idle for too long");
        h.t.clock.advance(1800 + 1);
        let token2 = h.sign_in("linxl", PASSWORD).await.unwrap();
        let found = h.identity.principal(&token2).await.unwrap().unwrap();
        let Some(Scope::Under(units)) = found.scope("activity.record") else {
            panic!("no scope");
        };
        assert_eq!(units.len(), 2, "the second grant has begun");
        let first = h.identity.grants(&[id], all).await.unwrap();
        let left = first.iter().find(|g| g.unit == h.left).unwrap();
        h.identity.revoke(&actor, left.id, all).await.unwrap();
        let found = h.identity.principal(&token2).await.unwrap().unwrap();
        assert_eq!(
            found.scope("activity.record"),
            Some(&Scope::Under(vec![h.right])),
            "revoked at once"
        );
        h.t.clock.advance(24 * 3600);
        let token3 = h.sign_in("linxl", PASSWORD).await.unwrap();
        let found = h.identity.principal(&token3).await.unwrap().unwrap();
        assert!(found.grants.is_empty(), "the second grant is over");
    })
    .await;
}

#[tokio::test]
async fn refused_sign_ins_look_alike_and_lock_the_account() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let gone = h.account("gone", "clerk", h.left).await;
        let actor = Actor::default();
        let disable = h.identity.set_disabled(&actor, gone, true, &Scope::All);
        disable.await.unwrap();
        let text = |r: kernel::Result<String>| r.unwrap_err().to_string();
        let wrong = text(h.sign_in("linxl", "Friday-16").await);
        assert!(wrong.contains("identity-refused"), "{wrong}");
        assert_eq!(text(h.sign_in("nobody", PASSWORD).await), wrong);
        assert_eq!(text(h.sign_in("gone", PASSWORD).await), wrong);
        assert_eq!(text(h.sign_in("not a login!", PASSWORD).await), wrong);
        for _ in 1..5 {
            assert_eq!(text(h.sign_in("linxl", "Friday-16").await), wrong);
        }
        assert_eq!(text(h.sign_in("linxl", PASSWORD).await), wrong, "locked");
        let account = h.identity.account(id, &Scope::All).await.unwrap();
        assert!(account.locked_until.is_some());
        h.t.clock.advance(30 * 60 - 1);
        assert_eq!(
            text(h.sign_in("linxl", PASSWORD).await),
            wrong,
            "still locked"
        );
        h.t.clock.advance(1);
        h.sign_in("linxl", PASSWORD).await.unwrap();
        let actions = h.actions().await;
        let count = |action: &str| actions.iter().filter(|a| *a == action).count();
        assert_eq!(count("session.refused"), 10);
        assert_eq!(count("account.locked"), 1);
        assert_eq!(count("session.began"), 1);
        // A right password takes the counted failures back.
        for _ in 0..3 {
            for _ in 0..4 {
                text(h.sign_in("linxl", "Friday-16").await);
            }
            h.sign_in("linxl", PASSWORD).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_lock_from_a_clock_set_back_does_not_hold() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("linxl", "clerk", h.left).await;
        for _ in 0..5 {
            h.sign_in("linxl", "x").await.unwrap_err();
        }
        h.t.clock.advance(-365 * 24 * 3600);
        h.sign_in("linxl", PASSWORD).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_same_moment_are_counted_too() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let guesses = (0..12).map(|n| {
            let wrong = format!("Friday-{n}");
            let h = &h;
            async move { h.sign_in("linxl", &wrong).await.is_err() }
        });
        let refused = futures::future::join_all(guesses).await;
        assert!(refused.iter().all(|r| *r));
        let any = identity::AuditFilter::default();
        let rows = h
            .identity
            .audit(&any, &Scope::All, web::table::Window::new(1, 100));
        let (rows, _) = rows.await.unwrap();
        let looked_at = rows.iter().filter(|r| r.detail.contains("\"password\""));
        assert_eq!(looked_at.count(), 5, "no sixth password was looked at");
        let account = h.identity.account(id, &Scope::All).await.unwrap();
        assert!(account.locked_until.is_some());
    })
    .await;
}

#[tokio::test]
async fn sessions_end() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("linxl", "clerk", h.left).await;
        // Idle.
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        for _ in 0..3 {
            h.t.clock.advance(14 * 60);
            assert!(h.is_in(&token).await, "in use");
        }
        h.t.clock.advance(15 * 60);
        assert!(!h.is_in(&token).await, "idle");
        // Absolute, whatever the use.
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        for _ in 0..12 * 6 - 1 {
            h.t.clock.advance(10 * 60);
            assert!(h.is_in(&token).await);
        }
        h.t.clock.advance(10 * 60);
        assert!(!h.is_in(&token).await, "twelve hours");
        // A clock set back: a little is borne, more is not.
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        h.t.clock.advance(-4 * 60);
        assert!(h.is_in(&token).await);
        h.t.clock.advance(-2 * 60);
        assert!(!h.is_in(&token).await, "from the future");
        h.t.clock.advance(6 * 60);
        // Signed out, by the owner or by the administrator.
        let other = h.sign_in("linxl", PASSWORD).await.unwrap();
        assert_eq!(h.identity.sessions(id).await.unwrap().len(), 2);
        h.identity.sign_out(&other, "").await.unwrap();
        assert!(!h.is_in(&other).await && h.is_in(&token).await);
        let actor = Actor::default();
        let disable = h.identity.set_disabled(&actor, id, true, &Scope::All);
        disable.await.unwrap();
        assert!(!h.is_in(&token).await);
        let enable = h.identity.set_disabled(&actor, id, false, &Scope::All);
        enable.await.unwrap();
        assert!(!h.is_in(&token).await, "it stays ended");
        assert!(!h.is_in("").await && !h.is_in("0").await);
        assert_eq!(h.identity.purge_sessions().await.unwrap(), 0, "all gone");
        h.sign_in("linxl", PASSWORD).await.unwrap();
        h.t.clock.advance(31 * 60);
        assert_eq!(h.identity.purge_sessions().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_brought() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("linxl", "clerk", h.left).await;
        h.account("wangh", "clerk", h.left).await;
        let planted = h.sign_in("wangh", PASSWORD).await.unwrap();
        let attempt = SignIn {
            login: "linxl".to_owned(),
            password: PASSWORD.to_owned(),
            replaces: Some(planted.clone()),
            ..SignIn::default()
        };
        let token = h.identity.sign_in(attempt).await.unwrap();
        assert_ne!(token, planted);
        assert!(!h.is_in(&planted).await && h.is_in(&token).await);
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_written_at_most_once_a_minute() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        let began = h.t.env.now();
        let seen = async || h.identity.sessions(id).await.unwrap()[0].last_seen_at;
        h.t.clock.advance(59);
        assert!(h.is_in(&token).await);
        assert_eq!(seen().await, began);
        h.t.clock.advance(1);
        assert!(h.is_in(&token).await);
        assert_eq!(seen().await, began.plus_seconds(60));
    })
    .await;
}

#[tokio::test]
async fn ones_own_password_is_changed_with_the_old_one() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let here = h.sign_in("linxl", PASSWORD).await.unwrap();
        let there = h.sign_in("linxl", PASSWORD).await.unwrap();
        let me = Actor {
            on_behalf: None,
            account: Some(id),
            address: String::new(),
        };
        let change =
            async |old: &str, new: &str| h.identity.change_password(&me, old, new, &here).await;
        assert_eq!(
            key(change(PASSWORD, "short").await),
            "identity-password-short"
        );
        assert_eq!(
            key(change(PASSWORD, PASSWORD).await),
            "identity-password-same"
        );
        assert_eq!(
            key(change("Wrong-123", "Monday-16").await),
            "identity-password-wrong"
        );
        assert!(h.is_in(&there).await, "nothing has happened");
        change(PASSWORD, "Monday-16").await.unwrap();
        assert!(h.is_in(&here).await && !h.is_in(&there).await);
        h.sign_in("linxl", PASSWORD).await.unwrap_err();
        h.sign_in("linxl", "Monday-16").await.unwrap();
        // Guessing the old one from a session left open is bounded like sign-in.
        for _ in 0..SecuritySettings::default().most_failures {
            change("Wrong-123", "Sunday-17").await.unwrap_err();
        }
        assert_eq!(
            key(change("Monday-16", "Sunday-17").await),
            "identity-password-wrong",
            "locked"
        );
    })
    .await;
}

#[tokio::test]
async fn old_passwords_do_not_come_back_and_do_not_stay() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let person = h.person("LZ0101", "林晓岚", h.left).await;
        let id = h.account("linxl", "clerk", h.left).await;
        h.belongs(id, person).await;
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        let me = Actor {
            on_behalf: None,
            account: Some(id),
            address: String::new(),
        };
        let change =
            async |old: &str, new: &str| h.identity.change_password(&me, old, new, &token).await;
        assert_eq!(
            key(change(PASSWORD, "Ab-lz0101").await),
            "identity-password-login"
        );
        let mut now = PASSWORD.to_owned();
        for n in 1..5 {
            let next = format!("Monday-{n}");
            change(&now, &next).await.unwrap();
            now = next;
            h.t.clock.advance(60);
        }
        // Five are remembered: the first one and the four since.
        assert_eq!(key(change(&now, PASSWORD).await), "identity-password-used");
        for _ in 0..6 {
            let used = change(&now, PASSWORD).await;
            assert_eq!(key(used), "identity-password-used", "no lock");
        }
        change(&now, "Monday-5").await.unwrap();
        change("Monday-5", PASSWORD).await.unwrap();
        assert_eq!(
            key(change(PASSWORD, "Monday-5").await),
            "identity-password-used"
        );
    })
    .await;
}

#[tokio::test]
async fn one_session_is_ended_by_itself() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let other = h.account("other", "clerk", h.left).await;
        let (one, two) = (
            h.sign_in("linxl", PASSWORD).await.unwrap(),
            h.sign_in("linxl", PASSWORD).await.unwrap(),
        );
        let theirs = h.sign_in("other", PASSWORD).await.unwrap();
        let mut browser = crate::http::Browser::new(&h);
        browser.sign_in("linxl", PASSWORD).await;
        let sessions = h.identity.sessions(id).await.unwrap();
        assert_eq!(sessions.len(), 3);
        let page = browser.get("/account").await.body;
        assert_eq!(
            page.matches("/account/sessions/end").count(),
            2,
            "not the one in use: {page}"
        );
        let end = async |hash: &str| {
            browser
                .post("/account/sessions/end", &[("session", hash)])
                .await
                .status
        };
        let of_other = hex::encode(&h.identity.sessions(other).await.unwrap()[0].hash);
        for wrong in ["", "x", "00", &of_other] {
            assert_eq!(
                end(wrong).await,
                axum::http::StatusCode::NOT_FOUND,
                "{wrong}"
            );
        }
        assert!(h.is_in(&theirs).await);
        let hash = page
            .split("name=\"session\" value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(end(&hash).await, axum::http::StatusCode::SEE_OTHER);
        assert_eq!(
            end(&hash).await,
            axum::http::StatusCode::NOT_FOUND,
            "it has ended"
        );
        let left = [h.is_in(&one).await, h.is_in(&two).await];
        assert_eq!(left.iter().filter(|is| **is).count(), 1);
        assert_eq!(
            browser.get("/account").await.status,
            axum::http::StatusCode::OK
        );
    })
    .await;
}
