//! Serves the component sheet on 127.0.0.1:4100 with somebody always signed in: to look at, when a
//! component changes. Arguments: `red` for the red chrome.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use kernel::Env;
use web::{Brand, Lang, MenuEntry, MenuGroup, Module, Options, Principal, Tenant};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let env = Env::system();
    let principal = Principal::new(env.new_id(), "林晓岚");
    let mut options = Options::new(env);
    options.auth = Box::new(move |router: Router| {
        router.layer(from_fn(move |mut request: Request, next: Next| {
            request.extensions_mut().insert(Some(principal.clone()));
            next.run(request)
        }))
    });
    let red = std::env::args().any(|a| a == "red");
    options.tenant = Box::new(move || Tenant {
        name: "澜州市司法局".to_owned(),
        brand: if red { Brand::Red } else { Brand::Blue },
        lang: Lang::Zh,
    });
    let entry = |group, order, label_key, href, icon| MenuEntry {
        group,
        order,
        label_key,
        href,
        icon,
        permission: None,
    };
    let menu = vec![
        entry(MenuGroup::Work, 1, "home", "/", "home"),
        entry(
            MenuGroup::Work,
            2,
            "sheet-title",
            "/styleguide",
            "layout-dashboard",
        ),
        entry(MenuGroup::Insight, 1, "sheet-kpis", "/kpis", "chart-bar"),
    ];
    let module = Module {
        name: "example",
        menu,
        ..Module::default()
    };
    let app = web::assemble(vec![module], options).map_err(std::io::Error::other)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4100").await?;
    axum::serve(listener, app).await
}
