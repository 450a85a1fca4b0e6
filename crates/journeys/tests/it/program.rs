//! The whole program inside the test: a filled demo, a clock that the journey moves, a free port.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use browser::Page;
use kernel::{Env, TestClock};
use suneng::metrics::{Counted, Peer};
use suneng::rooms::{Rooms, Vocabulary};
use suneng::serve::{self, Background};
use suneng::world::load_packs;
use suneng::{Config, World, demo};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Friday, 20 November 2026, eight in the evening in Beijing: the week of the political department is
/// open, all other units have studied.
const EVENING: i64 = 8 * 3600;

/// A demo on SQLite and its accounts; journeys work on copies.
static FILLED: OnceCell<(PathBuf, String)> = OnceCell::const_new();

/// A program that runs.
pub struct Program {
    /// Begins every address.
    pub at: String,
    /// Its clock.
    pub clock: Arc<TestClock>,
    accounts: String,
    background: Background,
    _folder: TempDir,
}

fn config(folder: &Path, database_url: Option<&str>) -> Config {
    let data = folder.display().to_string();
    let flags = |s: &suneng::settings::Setting| match s.flag {
        "data" => Some(vec![data.clone()]),
        "database-url" => database_url.map(|url| vec![url.to_owned()]),
        "tenant-name" => Some(vec!["澜州市司法局".to_owned()]),
        _ => None,
    };
    Config::resolve(&flags, &|_| None).expect("the settings are right")
}

fn env() -> (Env, Arc<TestClock>) {
    let clock = TestClock::noon(2026, 11, 20);
    clock.advance(EVENING);
    (Env::with_clock(clock.clone()), clock)
}

/// The first process of a run fills it, the others find it; two at once each fill one, and one is kept.
async fn filled() -> &'static (PathBuf, String) {
    FILLED
        .get_or_init(|| async {
            let run = testkit::pg::server().folder();
            let folder = run.join("demo");
            if !folder.exists() {
                let made = tempfile::tempdir_in(run)
                    .expect("a temporary folder")
                    .keep();
                let done = demo::fill(&config(&made, None), &env().0).await;
                done.expect("the demo is filled");
                // Fails when another process was faster; what it made is as good.
                let _ = std::fs::rename(&made, &folder);
            }
            let accounts = std::fs::read_to_string(folder.join(demo::ACCOUNTS_FILE));
            (folder, accounts.expect("the accounts are written down"))
        })
        .await
}

impl Program {
    /// On a SQLite file of its own.
    pub async fn on_sqlite() -> Self {
        let (filled, accounts) = filled().await;
        let folder = TempDir::new().expect("a temporary folder");
        for entry in walkdir::WalkDir::new(filled) {
            let entry = entry.expect("the filled demo can be read");
            let to = folder.path().join(
                entry
                    .path()
                    .strip_prefix(filled)
                    .expect("a file of the demo"),
            );
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).expect("a folder can be made");
            } else {
                std::fs::copy(entry.path(), to).expect("a file can be copied");
            }
        }
        Self::start(folder, None, accounts.clone()).await
    }

    /// On a PostgreSQL database of its own.
    pub async fn on_postgres() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let url = testkit::pg::server().create_database().await;
        let accounts = demo::fill(&config(folder.path(), Some(url.as_str())), &env().0).await;
        let accounts = accounts.expect("the demo is filled");
        Self::start(folder, Some(url.as_str()), accounts).await
    }

    async fn start(folder: TempDir, database_url: Option<&str>, accounts: String) -> Self {
        let config = config(folder.path(), database_url);
        let (env, clock) = env();
        let packs = load_packs(&config).expect("the packs are right");
        let vocabulary = Vocabulary::read(&packs).expect("the packs are right");
        let (world, _) = World::create(config, env).await.expect("the demo opens");
        let rooms = Rooms::open(&world, vocabulary).await.expect("rooms open");
        let background = Background::start(&world, &rooms).await;
        let background = background.expect("background work starts");
        let router = serve::router(&world, &rooms).expect("the routes fit together");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let service = router.into_make_service_with_connect_info::<Peer>();
        tokio::spawn(async move { axum::serve(Counted::new(listener), service).await });
        Self {
            at: format!("http://{address}"),
            clock,
            accounts,
            background,
            _folder: folder,
        }
    }

    /// The password of an account, as it was printed.
    pub fn password(&self, login: &str) -> &str {
        self.accounts
            .lines()
            .filter_map(|line| line.split_once('（').map_or(Some(line), |(l, _)| Some(l)))
            .find_map(|line| {
                let mut words = line.split_whitespace();
                (words.next() == Some(login))
                    .then(|| words.next())
                    .flatten()
            })
            .unwrap_or_else(|| panic!("no account {login}"))
    }

    /// Opens a page of the program.
    pub async fn open(&self, page: &Page, path: &str) {
        page.goto(&format!("{}{path}", self.at)).await;
    }

    /// Signs in; whoever was signed in on this page goes.
    pub async fn sign_in(&self, page: &Page, login: &str) {
        self.sign_out(page).await;
        page.fill("#f-login", login).await;
        page.fill("#f-password", self.password(login)).await;
        page.follow(".signin-form button").await;
    }

    /// Signs out, if need be, and shows the sign-in page.
    pub async fn sign_out(&self, page: &Page) {
        self.open(page, "/sign-in").await;
        if page.texts("#f-login").await.is_empty() {
            let () = page
                .eval("fetch('/sign-out', { method: 'POST' }).then(() => null)")
                .await;
            self.open(page, "/sign-in").await;
        }
    }

    /// Ends it; nothing is lost.
    pub async fn stop(self) {
        let stopped = tokio::time::timeout(Duration::from_secs(30), self.background.stop());
        stopped.await.expect("background work ends");
    }
}
