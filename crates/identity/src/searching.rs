//! Accounts found by login or name (检索).

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Result, Scope};
use web::table::Window;
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::pages::accounts;
use crate::{AccountFilter, Identity, READ};

/// What the search over everything finds here.
pub(crate) struct Source(pub(crate) Identity);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "accounts"
    }

    fn label_key(&self) -> &'static str {
        "identity-accounts"
    }

    fn permission(&self) -> &'static str {
        READ
    }

    fn find<'a>(
        &'a self,
        shell: &'a Shell,
        scope: &'a Scope,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Hits>> {
        async move {
            let most = i64::try_from(asked.limit + 1).unwrap_or(i64::MAX);
            let (order, window) = (accounts::USUAL, Window::new(1, most));
            let filter = AccountFilter {
                text: asked.question.clone(),
                ..AccountFilter::default()
            };
            let (found, _) = self.0.accounts(scope, &filter, order, window).await?;
            let hit = |a: &crate::Account| {
                let disabled = a.disabled_at.map(|_| shell.t("identity-state-disabled"));
                let detail = [Some(a.login.clone()), disabled];
                Hit {
                    title: a.name.clone().unwrap_or_else(|| a.login.clone()),
                    detail: detail.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                    href: format!("/accounts/{}", a.id),
                }
            };
            Ok(Hits::cut(found.iter().map(hit).collect(), asked.limit))
        }
        .boxed()
    }
}
