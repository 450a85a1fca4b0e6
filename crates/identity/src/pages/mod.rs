//! Pages: sign-in, my account, accounts, audit trail.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod activation;
pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod delegations;
pub(crate) mod second;
pub(crate) mod sign_in;

use web::Shell;
use web::view::Crumb;

fn crumb(shell: &Shell, key: &str, href: &str) -> Crumb {
    Crumb {
        label: shell.t(key),
        href: href.to_owned(),
    }
}
