//! An inspection on the spot on a phone, against the real program: the page opens while the network is cut, photos and
//! answers wait on the device, the server is killed under it, a colleague answers the same item at a desk, and what is handed
//! in is there once, with its finding as a case of the unit.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use browser::{Browser, DESKTOP, PHONE, Page};
use identity::Actor;
use inspections::{Eyes, NewPlan, NewTeam, Reach, Repeats};
use kernel::{Id, Scope, UnitId};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::approvals::{House, PASSWORD, Someone};
use crate::bank_journey::choose;
use crate::sitting::serve;

/// A picture as a phone takes it, as far as its first bytes tell.
const PHOTO: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a board of rules \xff\xd9";

/// A line between browser and server that can be cut: also for what works behind pages.
struct Wire {
    at: String,
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Wire {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let cut = Arc::new(AtomicBool::new(false));
        let open: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let (own_cut, own_open) = (cut.clone(), open.clone());
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if own_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let server = server.clone();
                let line = tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(&server).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                own_open.lock().unwrap().push(line.abort_handle());
            }
        });
        Self { at, cut, open }
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.open
            .lock()
            .unwrap()
            .drain(..)
            .for_each(|line| line.abort());
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }

    async fn open(&self, page: &Page, path: &str) {
        page.goto(&format!("{}{path}", self.at)).await;
    }

    async fn sign_in(&self, page: &Page, login: &str, next: &str) {
        self.open(page, &format!("/sign-in?next={next}")).await;
        page.fill("#f-login", login).await;
        page.fill("#f-password", PASSWORD).await;
        page.follow(".signin-form button").await;
    }
}

fn eyes(who: &Someone) -> Eyes {
    Eyes {
        account: who.account,
        on_behalf: None,
        person: Some(who.person),
        reads: Scope::All,
        plans: Scope::All,
        fills: Scope::nothing(),
        reviews: Scope::nothing(),
    }
}

/// A running inspection of an office by a team of two; gives its task.
async fn running(house: &House, host: UnitId, office: UnitId, by: &Someone) -> Id {
    let (room, actor, all) = (
        &house.rooms.inspections,
        Actor::from(by.account),
        Scope::All,
    );
    let today = house.world.env.today();
    let plan = NewPlan {
        id: house.world.env.new_id(),
        kind: "inspection".into(),
        host,
        form: "six-strong".into(),
        title: "六强化督导检查".into(),
        basis: "年度监督检查计划".into(),
        opens: today,
        until: today,
        repeats: Repeats::Never,
        under: office,
        reach: Reach::Itself,
        categories: Vec::new(),
        bodies: Vec::new(),
    };
    let id = room.plan(&plan, &all, &actor).await.unwrap();
    let seq = async || room.whole(id, &eyes(by)).await.unwrap().plan.seq;
    let team = NewTeam {
        id: None,
        name: "第一检查组".into(),
        region: "城区".into(),
        window: None,
        members: vec!["inspector".into(), "colleague".into()],
    };
    room.add_team((id, seq().await), &team, &all, &actor)
        .await
        .unwrap();
    room.spread((id, seq().await), &all, &actor).await.unwrap();
    room.start((id, seq().await), &all, &actor).await.unwrap();
    room.whole(id, &eyes(by)).await.unwrap().tasks[0].id
}

async fn unsent(page: &Page, count: usize) {
    let state = "(u => [u.getAttribute('data-unsent'), document.querySelector('[data-said]').textContent,
        Array.from(document.querySelectorAll('[data-fault]:not([hidden])'), f => f.textContent).join('/'),
        document.querySelector('[data-writing]') ? 'writing' : ''])(document.querySelector('[data-unsent]'))";
    let mut last = Vec::new();
    for _ in 0..240 {
        last = page.eval::<Vec<String>>(state).await;
        if last[0] == count.to_string() && last[3].is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!(
        "{count} unsent: {last:?} {:#?}",
        page.console_errors().await
    );
}

async fn answer(page: &Page, item: &str, value: &str) {
    let field = format!("[name='v-{item}'][value='{value}']");
    // A line that appears above it may move it away under the finger.
    for _ in 0..8 {
        page.click(&field).await;
        let there = format!("document.querySelector(\"{field}\").checked");
        if page.eval::<bool>(&there).await {
            return;
        }
    }
    panic!("{field} is not chosen");
}

async fn photo(page: &Page, item: &str, name: &str) {
    choose(page, &format!("#i-{item} input[type=file]"), name, PHOTO).await;
}

/// Waits until the browser has kept all sections: each of them is fetched once more.
async fn kept(page: &Page) {
    for _ in 0..480 {
        let there = "document.querySelector('form[data-offline]') !== null";
        if page.eval::<bool>(there).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!("the pages are not kept: {:#?}", page.console_errors().await);
}

/// A section with nothing wrong; the photo of its record comes first, as one takes them.
async fn all_well(page: &Page, section: &str) {
    page.wait_for(&format!("form[data-live] #i-{section}-set"))
        .await;
    photo(page, &format!("{section}-kept"), &format!("{section}.jpg")).await;
    answer(page, &format!("{section}-set"), "yes").await;
    answer(page, &format!("{section}-kept"), "yes").await;
}

async fn check(page: &Page, name: &str) {
    page.screenshot(&format!("field-{name}")).await;
    page.assert_fits().await;
    page.assert_accessible().await;
}

async fn caches(page: &Page) -> usize {
    page.eval("caches.keys().then(all => all.length)").await
}

async fn reload(page: &Page) {
    page.leave_by(async {
        let () = page.eval("(location.reload(), null)").await;
    })
    .await;
}

fn serve_again(folder: &Path, address: &str) -> crate::program::Server {
    serve(folder, Some(address))
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_offline_entries_a_phone_without_a_network_loses_nothing_and_a_finding_becomes_a_case()
{
    let folder = TempDir::new().unwrap();
    let house = House::new(folder.path()).await;
    let bureau = house.unit(None, "市司法局").await;
    let office = house.unit(Some(bureau), "法治科").await;
    let officer = house.someone("officer", "training-officer", bureau).await;
    let inspector = house.someone("inspector", "staff", bureau).await;
    house.someone("colleague", "staff", bureau).await;
    let clerk = house.someone("clerk", "clerk", office).await;
    let task = running(&house, bureau, office, &officer).await;
    let mut server = serve(folder.path(), None);
    let wire = Wire::to(server.address.clone()).await;
    let browser = Browser::launch().await;
    let phone = browser.page(PHONE).await;
    let at = format!("/inspections/tasks/{task}");
    wire.sign_in(&phone, "inspector", &at).await;
    check(&phone, "task").await;

    // Opened once with a network; the first section is filled in.
    wire.open(&phone, &format!("{at}/fill")).await;
    kept(&phone).await;
    all_well(&phone, "study").await;
    unsent(&phone, 0).await;
    phone
        .wait_text("#i-study-kept [data-files]", "佐证 1")
        .await;
    check(&phone, "section").await;

    // In the cellar: on to the next section and loaded again, all without a network.
    wire.cut();
    phone.offline(true).await;
    phone.follow(".formbar .btn-primary").await;
    all_well(&phone, "responsibility").await;
    answer(&phone, "responsibility-set", "no").await;
    phone
        .fill("#n-responsibility-set", "责任清单还是两年前的")
        .await;
    phone.fill("#p-responsibility-set", "二楼档案室").await;
    unsent(&phone, 3).await;
    phone.wait_text("[data-said]", "网络断开").await;
    check(&phone, "offline").await;
    reload(&phone).await;
    unsent(&phone, 3).await;
    let note = "document.querySelector('#n-responsibility-set').value";
    assert_eq!(phone.eval::<String>(note).await, "责任清单还是两年前的");
    let no = "document.querySelector('[name=v-responsibility-set][value=no]').checked";
    assert!(phone.eval::<bool>(no).await);
    // Back to what had arrived before: it stands there too.
    wire.open(&phone, &format!("{at}/fill?section=study")).await;
    phone.wait_for("form[data-live]").await;
    let yes = "document.querySelector('[name=v-study-kept][value=yes]').checked";
    assert!(
        phone.eval::<bool>(yes).await,
        "the kept page knows what arrived after it"
    );
    unsent(&phone, 3).await;
    // Handing in waits for the network, and says so; other pages are not kept.
    let sections: Vec<String> = phone
        .eval("Array.from(document.querySelectorAll('.tabs a'), a => a.getAttribute('href'))")
        .await;
    wire.open(&phone, sections.last().unwrap()).await;
    phone.wait_for("form[data-live]").await;
    phone.click(".formbar .btn-primary").await;
    phone.wait_text("[data-said]", "还有内容没有发送").await;

    // Meanwhile the server dies; a colleague at a desk answers one of these items otherwise.
    let address = server.address.clone();
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    server = serve_again(folder.path(), &address);
    let desk = browser.page(DESKTOP).await;
    let direct = Wire::to(address.clone()).await;
    direct
        .sign_in(
            &desk,
            "colleague",
            &format!("{at}/fill?section=responsibility"),
        )
        .await;
    desk.wait_for("form[data-live]").await;
    answer(&desk, "responsibility-set", "yes").await;
    unsent(&desk, 0).await;

    // The network is back: all arrives once, and both answers are there.
    wire.mend();
    phone.offline(false).await;
    unsent(&phone, 0).await;
    // What a network that was cut leaves on the console, and the photo that came before its answer.
    for error in phone.console_errors().await {
        let known = ["net::ERR_", "Failed to load resource", "htmx:"];
        assert!(known.iter().any(|part| error.contains(part)), "{error}");
    }
    wire.open(&phone, &format!("{at}/fill?section=responsibility"))
        .await;
    phone
        .wait_text("#i-responsibility-set", "甲inspector在另一台设备上")
        .await;
    phone
        .wait_text("#i-responsibility-kept [data-files]", "佐证 1")
        .await;
    let files = phone.texts("#i-responsibility-kept [data-files] a").await;
    assert_eq!(files.len(), 1, "the photo is there once: {files:?}");
    check(&phone, "rival").await;
    phone
        .follow("#i-responsibility-set button[value=other]")
        .await;
    assert!(phone.eval::<bool>(no).await);
    for section in &sections[2..] {
        wire.open(&phone, section).await;
        let code = section.rsplit('=').next().unwrap();
        all_well(&phone, code).await;
        unsent(&phone, 0).await;
    }

    phone.wait_for("form[data-live]").await;
    // Handed in: result, notice and case in one step, and on to the case.
    phone.follow(".formbar .btn-primary").await;
    phone
        .wait_text("main", "制度是否健全、是否及时修订：否")
        .await;
    check(&phone, "hand-in").await;
    phone.follow(".formbar .btn-primary").await;
    phone.wait_text("main", "ZG-").await;
    check(&phone, "handed-in").await;
    let stored = house
        .rooms
        .inspections
        .standing(task, &eyes(&inspector))
        .await
        .unwrap();
    assert_eq!(stored.outcomes.len(), 1);
    let answers = &stored.outcomes[0].filled.answers;
    assert_eq!(answers["responsibility-set"].note, "责任清单还是两年前的");
    let photos: Vec<usize> = answers
        .values()
        .map(|a| a.files.len())
        .filter(|n| *n > 0)
        .collect();
    assert_eq!(photos, vec![1; sections.len()], "one photo a section");
    assert_eq!((stored.found.len(), stored.kept.len()), (1, 1));

    // The unit hears of it, and its case is there.
    let unit = browser.page(DESKTOP).await;
    wire.sign_in(&unit, "clerk", "/notices").await;
    unit.wait_text("main", "六强化督导检查").await;
    wire.open(&unit, &at).await;
    unit.follow("main a[href^='/cases/']").await;
    unit.wait_text("main", "责任清单还是两年前的").await;
    unit.wait_text("main", "二楼档案室").await;
    unit.wait_text("main", "六强化督导检查").await;
    check(&unit, "case").await;
    let told = house.get(&clerk, "/notices").await;
    assert!(told.contains("六强化督导检查"), "{told}");

    // On paper the empty form prints.
    wire.open(&unit, &format!("{at}/sheet")).await;
    let printed = unit.print_pdf("field-sheet").await;
    assert!(std::fs::metadata(printed).unwrap().len() > 1_000);

    // Who signs out takes the kept pages along; what another account opens without a network is nothing.
    assert!(caches(&phone).await > 0);
    phone
        .leave_by(async {
            let () = phone
                .eval(
                    "(document.querySelector('form[action=\"/sign-out\"]').requestSubmit(), null)",
                )
                .await;
        })
        .await;
    phone
        .wait_until(
            "caches.keys().then(all => all.length === 0)",
            "nothing kept",
        )
        .await;
    let errors = desk.console_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
    browser.close().await;
    assert!(server.stop());
}
