//! Lists: filtered, ordered, paged, exported, and what is done to many rows at once.

use axum::http::{Request, StatusCode};
use identity::NewDelegation;
use jiff::ToSpan;
use testkit::on_both;
use web::table::Order;

use crate::http::Browser;
use crate::{House, PASSWORD, migrations};

pub const BY_LOGIN: Order = Order {
    by: "login",
    down: false,
};
pub const BY_LAST_DAY: Order = Order {
    by: "to",
    down: true,
};

/// Where the links to accounts stand in a page, in its order.
fn logins<'p>(page: &'p str, of: &[&'p str]) -> Vec<&'p str> {
    let mut found: Vec<(usize, &str)> = of
        .iter()
        .filter_map(|login| Some((page.find(&format!(">{login}</a>"))?, *login)))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, login)| login).collect()
}

#[tokio::test]
async fn accounts_are_filtered_ordered_and_exported() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("helper", "system-admin", h.top).await;
        let ann = h.account("ann", "clerk", h.left).await;
        h.account("bob", "leader", h.left).await;
        let actor = identity::Actor::default();
        let all = &kernel::Scope::All;
        h.identity
            .set_disabled(&actor, ann, true, all)
            .await
            .unwrap();
        let mut b = Browser::new(&h);
        b.sign_in("helper", PASSWORD).await;
        let three = ["ann", "bob", "helper"];
        for (query, wanted) in [
            ("", &["ann", "bob", "helper"][..]),
            ("?sort=-login", &["helper", "bob", "ann"]),
            ("?sort=-opened", &["bob", "ann", "helper"]),
            ("?sort=login;DROP", &["ann", "bob", "helper"]),
            ("?state=disabled", &["ann"]),
            ("?state=active&sort=-login", &["helper", "bob"]),
            ("?state=locked", &[]),
            ("?state=new", &[]),
            ("?role=leader", &["bob"]),
            ("?role=nothing-like-it", &[]),
            ("?q=%25", &[]),
            ("?page=99", &["ann", "bob", "helper"]),
        ] {
            let page = b.get(&format!("/accounts{query}")).await;
            assert_eq!(page.status, StatusCode::OK, "{query}");
            assert_eq!(logins(&page.body, &three), wanted, "{query}");
        }
        let page = b.get("/accounts?state=disabled&columns=name&dense=1").await;
        for part in [
            "class=\"chip\"",
            "data-density=\"s\"",
            "/accounts/list.xlsx?state=disabled",
        ] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
        assert!(
            !page.body.contains("data-label=\"角色\""),
            "columns not chosen"
        );
        let sheet = b.get("/accounts/list.xlsx?state=disabled").await;
        assert_eq!(sheet.status, StatusCode::OK);
        assert!(sheet.body.starts_with("PK"));
        let told = h.actions().await;
        assert_eq!(told.last().map(String::as_str), Some("list.exported"));
    })
    .await;
}

#[tokio::test]
async fn many_accounts_are_disabled_together_or_not_at_all() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let helper = h
            .account("helper", "system-admin", h.left)
            .await
            .to_string();
        let ann = h.account("ann", "clerk", h.left).await.to_string();
        let bob = h.account("bob", "clerk", h.left).await.to_string();
        let far = h.account("far", "clerk", h.right).await.to_string();
        let mut b = Browser::new(&h);
        b.sign_in("helper", PASSWORD).await;
        let list = b.get("/accounts").await;
        assert!(list.body.contains("data-batchbar") && list.body.contains(&ann));
        assert!(
            !list.body.contains(&format!("value=\"{helper}\"")),
            "not oneself"
        );
        let session = h.sign_in("ann", PASSWORD).await.unwrap();
        let act = async |act: &str, ids: &[&str]| {
            let mut fields = vec![("act", act), ("back", "/accounts?q=b")];
            fields.extend(ids.iter().map(|id| ("pick", *id)));
            b.post("/accounts/batch", &fields).await
        };
        // One that may not be: nothing happens, and the page names it.
        let refused = act("disable", &[&ann, &helper]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.body.contains("“helper”不能这样处理"),
            "{}",
            refused.body
        );
        let unseen = act("disable", &[&ann, &far]).await;
        assert_eq!(unseen.status, StatusCode::NOT_FOUND);
        for (what, ids) in [("disable", ["x"]), ("erase", [&*ann])] {
            assert_eq!(act(what, &ids).await.status, StatusCode::NOT_FOUND);
        }
        assert!(h.is_in(&session).await, "nothing was done so far");

        let done = act("disable", &[&ann, &bob]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert_eq!(done.header("location"), "/accounts?q=b");
        assert!(!h.is_in(&session).await);
        let of = async |state: &str| {
            let page = b.get(&format!("/accounts?state={state}")).await;
            logins(&page.body, &["ann", "bob"]).len()
        };
        assert_eq!((of("disabled").await, of("active").await), (2, 0));
        act("enable", &[&ann, &bob]).await;
        assert_eq!((of("disabled").await, of("active").await), (0, 2));
        let told = h.actions().await;
        for action in ["account.disabled", "account.enabled"] {
            assert_eq!(told.iter().filter(|a| *a == action).count(), 2, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn delegations_are_listed_and_ended_together() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("guard", "security-admin", h.top).await;
        let today = h.t.env.today();
        let mut ids = Vec::new();
        for (n, giver) in ["chief", "other"].into_iter().enumerate() {
            let chief = h.account(giver, "leader", h.left).await;
            let taker = format!("deputy{n}");
            h.account(&taker, "clerk", h.left).await;
            let new = NewDelegation {
                taker,
                unit: h.left,
                permissions: vec!["activity.read".to_owned()],
                decides: false,
                reason: "参加培训".to_owned(),
                from: today,
                to: today.saturating_add((n as i64 + 1).days()),
            };
            let actor = identity::Actor {
                account: Some(chief),
                ..identity::Actor::default()
            };
            ids.push(h.identity.delegate(&actor, &new).await.unwrap().to_string());
        }
        let mut b = Browser::new(&h);
        b.sign_in("guard", PASSWORD).await;
        let page = b.get("/accounts/delegations?sort=to").await.body;
        assert!(page.find("deputy0") < page.find("deputy1"));
        let page = b.get("/accounts/delegations?sort=-to").await.body;
        assert!(page.find("deputy0") > page.find("deputy1"));
        let page = b.get("/accounts/delegations?q=deputy1").await.body;
        assert!(!page.contains("deputy0") && page.contains("deputy1"));
        let sheet = b.get("/accounts/delegations/list.xlsx?q=deputy1").await;
        assert!(sheet.body.starts_with("PK"));
        let both = [("pick", &*ids[0]), ("pick", &*ids[1])];
        let one = [("pick", &*ids[0]), ("pick", "x")];
        let refused = b.post("/accounts/delegations", &one).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        let done = b.post("/accounts/delegations", &both).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        let none = b.get("/accounts/delegations").await.body;
        assert!(none.contains("class=\"empty\""), "{none}");
        let over = b.get("/accounts/delegations?over=1").await.body;
        assert!(over.contains("deputy0") && over.contains("deputy1"));
        assert!(!over.contains("data-tick name=\"pick\""), "over is over");
    })
    .await;
}

#[tokio::test]
async fn an_entry_of_the_trail_is_a_page_and_a_part_of_one() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("auditor", "auditor", h.top).await;
        h.account("near", "auditor", h.left).await;
        let mut b = Browser::new(&h);
        b.sign_in("auditor", PASSWORD).await;
        let oldest = b.get("/audit?sort=at").await.body;
        let newest = b.get("/audit").await.body;
        let first = |page: &str| page.split("href=\"/audit/").nth(1).unwrap()[..36].to_owned();
        assert_ne!(first(&oldest), first(&newest));
        // All filters stand in the drawer; the form on the page keeps what was chosen there.
        let kept = b.get("/audit?action=session.began&sort=at").await.body;
        assert!(
            kept.contains("<dialog class=\"drawer\" id=\"audit-filters\""),
            "{kept}"
        );
        let hidden = "<input type=\"hidden\" name=\"action\" value=\"session.began\">";
        // The form of columns keeps it too.
        assert_eq!(kept.matches(hidden).count(), 2, "{kept}");
        let form = kept.split("id=\"audit-filters\"").nth(1).unwrap();
        for name in ["from", "to", "action", "login", "object", "address"] {
            assert!(form.contains(&format!("name=\"{name}\"")), "{name}: {form}");
        }
        let path = format!("/audit/{}", first(&newest));
        let page = b.get(&path).await;
        assert!(page.body.contains("<html") && page.body.contains("session.began"));
        let request = Request::get(&path).header("hx-request", "true");
        let part = b.send(request, String::new()).await;
        assert!(!part.body.contains("<html") && part.body.contains("session.began"));
        for wrong in ["/audit/x", "/audit/019aa000-0000-7000-8000-000000000000"] {
            assert_eq!(b.get(wrong).await.status, StatusCode::NOT_FOUND);
        }
        let mut near = Browser::new(&h);
        near.sign_in("near", PASSWORD).await;
        assert_eq!(near.get(&path).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}
