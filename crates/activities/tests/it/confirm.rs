//! Confirming what others recorded.

use std::collections::HashMap;

use activities::{Activities, Confirmation, Role};
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{AccountId, ActivityId, PersonId, Result, Scope};
use notices::{Contacts, Notices, Reader, Settings};
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

struct Nobody;

impl Contacts for Nobody {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        Box::pin(async { Ok(HashMap::new()) })
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

impl House {
    /// The same house as somebody else uses it, told of what is returned.
    pub fn as_other(&self, t: &TestDb) -> Self {
        let notices = Notices::new(t.db.clone(), t.env.clone(), Settings::default(), Nobody);
        Self {
            clerk: t.env.new_id(),
            activities: self.activities.clone().with_notices(notices),
            ..self.clone()
        }
    }

    async fn confirmation(&self, id: ActivityId) -> (Confirmation, i64) {
        let (a, _) = self.activities.activity(id, &Scope::All).await.unwrap();
        (a.confirmation(), a.changes)
    }

    /// Keys of why each was refused, in the order of the picks.
    async fn confirm(
        &self,
        picks: &[(ActivityId, i64)],
        actor: impl Into<Actor>,
    ) -> Vec<&'static str> {
        let done = self
            .activities
            .confirm(picks, &Scope::All, actor)
            .await
            .unwrap();
        let key = |o: &activities::Outcome| o.refused.as_ref().map_or("", |m| m.key);
        done.iter().map(key).collect()
    }
}

#[tokio::test]
async fn others_confirm_and_a_correction_takes_it_back() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let leader = h.as_other(&t);
        let one = h.record(&h.session(&t, day(5, 8))).await.unwrap();
        let two = h.record(&h.session(&t, day(5, 15))).await.unwrap();
        let three = h.record(&h.session(&t, day(5, 22))).await.unwrap();
        let before = h.numbers(h.bureau).await;
        h.activities
            .reverse(three, "登记错误", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.confirm(&[(one, 0)], h.clerk).await, ["confirm-own"]);
        let waiting = async |who: &House, scope: &Scope| {
            let actor = who.clerk.into();
            who.activities.unconfirmed(scope, &actor, 10).await.unwrap()
        };
        let (total, list) = waiting(&leader, &Scope::All).await;
        assert_eq!(
            (total, list[0].id, list[1].id),
            (2, one, two),
            "oldest first"
        );
        assert_eq!(waiting(&h, &Scope::All).await.0, 0, "not one's own");
        let elsewhere = Scope::Under(vec![h.offices[1]]);
        assert_eq!(waiting(&leader, &elsewhere).await.0, 0);
        let none = h
            .activities
            .confirm(&[(one, 0)], &elsewhere, leader.clerk)
            .await;
        assert!(
            none.unwrap().is_empty(),
            "what one may not see does not exist"
        );

        // Each with its outcome, in one transaction.
        let picks = [(one, 0), (two, 1), (three, 0), (one, 0)];
        let said = leader.confirm(&picks, leader.clerk).await;
        assert_eq!(said, ["", "confirm-changed", "activity-reversed"]);
        assert_eq!(h.confirmation(one).await, (Confirmation::Confirmed, 0));
        assert_eq!(
            leader.confirm(&[(one, 0)], leader.clerk).await,
            ["confirm-already"]
        );

        // A correction takes it back; the history keeps all of it.
        let person = h.people["002"];
        let correct = async |role| {
            let done = h
                .activities
                .correct(one, person, role, &Scope::All, h.clerk)
                .await;
            done.unwrap();
        };
        correct(Role::Absent).await;
        assert_eq!(h.confirmation(one).await, (Confirmation::Waiting, 1));
        assert_eq!(
            leader.confirm(&[(one, 0)], leader.clerk).await,
            ["confirm-changed"]
        );
        assert_eq!(leader.confirm(&[(one, 1)], leader.clerk).await, [""]);
        // So does an attendance added later.
        let late = h
            .activities
            .attend(one, h.people["004"], Role::Present, &Scope::All, h.clerk);
        assert!(late.await.unwrap());
        assert_eq!(h.confirmation(one).await, (Confirmation::Waiting, 2));
        let history = h.activities.confirmations(one, &Scope::All).await.unwrap();
        let acts: Vec<&str> = history.iter().map(|h| h.act.as_str()).collect();
        assert_eq!(acts, ["confirmed", "taken-back", "confirmed", "taken-back"]);

        // Numbers know nothing of it: only the reversal and the late attendance changed them.
        let after = h.numbers(h.bureau).await;
        assert_eq!((before.0 - 1 + 1, before.3 - 1), (after.0, after.3));
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn neither_side_of_a_delegation_confirms_its_own() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (chief, deputy, other): (AccountId, AccountId, AccountId) =
            (t.env.new_id(), t.env.new_id(), t.env.new_id());
        let acting = |account, on_behalf| Actor {
            account: Some(account),
            on_behalf: Some(on_behalf),
            address: String::new(),
        };
        let new = h.session(&t, day(5, 8));
        let recorded = h
            .activities
            .record(&new, &Scope::All, acting(deputy, chief))
            .await;
        let id = recorded.unwrap();
        for actor in [
            chief.into(),
            deputy.into(),
            acting(other, chief),
            acting(deputy, other),
        ] {
            assert_eq!(h.confirm(&[(id, 0)], actor).await, ["confirm-own"]);
        }
        assert_eq!(h.confirm(&[(id, 0)], other).await, [""]);
    })
    .await;
}

#[tokio::test]
async fn one_is_returned_with_a_reason_and_its_recorder_told() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let leader = h.as_other(&t);
        let id = h.record(&h.session(&t, day(5, 8))).await.unwrap();
        let back = async |who: &House, reason: &str| {
            let scope = Scope::All;
            leader
                .activities
                .give_back(id, reason, &scope, who.clerk)
                .await
        };
        assert_eq!(
            refused(back(&leader, " ").await),
            why("reason", "return-reason-missing")
        );
        assert_eq!(
            refused(back(&h, "人数不对").await),
            why("conflict", "confirm-own")
        );
        back(&leader, "人数不对").await.unwrap();
        assert_eq!(h.confirmation(id).await.0, Confirmation::Returned);
        assert_eq!(
            refused(back(&leader, "人数不对").await),
            why("conflict", "return-not-now")
        );
        let notices = Notices::new(t.db.clone(), t.env.clone(), Settings::default(), Nobody);
        assert_eq!(
            notices.unread(&[Reader::Account(h.clerk)]).await.unwrap(),
            1
        );
        let actor = leader.clerk.into();
        let waiting = leader
            .activities
            .unconfirmed(&Scope::All, &actor, 10)
            .await
            .unwrap();
        assert_eq!(waiting.0, 0, "waits for a correction");
        let person = h.people["002"];
        let done = h
            .activities
            .correct(id, person, Role::Absent, &Scope::All, h.clerk)
            .await;
        done.unwrap();
        assert_eq!(h.confirmation(id).await.0, Confirmation::Waiting);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_confirm_once() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.second(&t).await;
        let id = h.record(&h.session(&t, day(5, 8))).await.unwrap();
        let (one, two): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        let picks = [(id, 0)];
        let confirm = async |a: &Activities, by| a.confirm(&picks, &Scope::All, by).await.unwrap();
        let (a, b) = tokio::join!(confirm(&h.activities, one), confirm(&other.activities, two));
        let done = a.iter().chain(&b).filter(|o| o.refused.is_none()).count();
        assert_eq!(done, 1);
        let history = h.activities.confirmations(id, &Scope::All).await.unwrap();
        assert_eq!(history.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn confirmed_on_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let leader = h.as_other(&t);
        let one = h.record(&h.session(&t, day(5, 8))).await.unwrap();
        let two = h.record(&h.session(&t, day(5, 15))).await.unwrap();
        let scope = Scope::Under(vec![h.bureau]);
        let grants = [
            (activities::READ, scope.clone()),
            (activities::CONFIRM, scope.clone()),
        ];
        let app = App::new(&leader, &t, &grants);
        assert_eq!(
            App::all(&h, &t, scope.clone())
                .get("/activities/confirm")
                .await
                .status,
            404
        );
        let page = app.get("/activities/confirm").await.page(200);
        let (first, second) = (format!("{one}.0"), format!("{two}.0"));
        assert!(page.contains(&first) && page.contains(&second) && page.contains("data-batch"));
        let mine = App::new(&h, &t, &grants)
            .get("/activities/confirm")
            .await
            .page(200);
        assert!(!mine.contains(&first) && mine.contains("没有待确认的活动"));
        let fields = [("pick", first.as_str()), ("pick", &format!("{two}.7"))];
        let done = app.post("/activities/confirm", &fields).await.page(200);
        assert!(done.contains("已确认 1 场，未确认 1 场") && done.contains("名册有更正"));
        let nothing = app.post("/activities/confirm", &[]).await.page(200);
        assert!(nothing.contains("没有选择活动"));
        let list = app
            .get("/activities?confirmation=confirmed")
            .await
            .page(200);
        assert!(list.contains(&one.to_string()) && !list.contains(&two.to_string()));
        let api = app
            .get("/api/v1/activities?confirmation=waiting")
            .await
            .page(200);
        assert!(api.contains(&two.to_string()) && !api.contains(&one.to_string()));
        let path = format!("/activities/{two}/return");
        let empty = app.post(&path, &[("reason", "")]).await.page(422);
        assert!(empty.contains("请填写退回原因"));
        assert_eq!(app.post(&path, &[("reason", "人数不对")]).await.status, 303);
        let shown = app.get(&format!("/activities/{two}")).await.page(200);
        assert!(shown.contains("已退回") && shown.contains("人数不对"));
    })
    .await;
}
