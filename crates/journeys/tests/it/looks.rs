//! Every page as each of its readers sees it: it fits, is accessible, and the console stays silent.

use browser::{DESKTOP, PHONE, Page, Size, journey};

use crate::program::Program;

/// Who looks at which pages. `→start…end` is where the first link on the page before leads whose address
/// starts and ends so.
const PAGES: &[(&str, &[&str])] = &[
    (
        "clerk",
        &[
            "/",
            "/activities",
            "→/activities/…",
            "/activities?from=2020-01-01&to=2020-01-02",
            "/activities/new",
            "/obligations",
            "→/obligations/…",
            "/organization",
            "/account",
            "/account/delegations/new",
            "/search",
            "/search?q=学习",
            "/bulletins",
            "/bulletins/new",
            "/guard",
            "/my/exams",
            "/sit",
            "/receipts",
        ],
    ),
    (
        "officer",
        &[
            "/",
            "/obligations",
            "/obligations/excuses",
            "/obligations/reminders",
            "/obligations/draws",
            "/indicators",
            "/indicators/study-attendances",
            "/indicators/study-coverage",
            "/indicators/catalogue",
            "/reports",
            "/reports/new",
            "/organization",
            "/exams",
            "→/exams/…",
            "/exams/new",
            "/questions",
            "→/questions/…",
            "/questions/import",
            "/requests",
            "/cases",
            "→/cases/…",
            "/cases/board",
            "/cases/exposed",
            "/cases/new",
            "/inspections",
            "/inspections/new",
            "/checklists",
            "/checklists/five-checks",
            "/checklists/new",
            "/campaigns",
            "/campaigns/new",
            "/campaigns/nodes",
            "/campaigns/nodes/new",
            "/commitments",
            "/commitments/new",
            "/tasks",
            "/tasks/new",
            "/tasks/entries",
            "/tasks/lists",
            "/tasks/reports",
            "/tasks/duties",
            "/tasks/practical",
            "/tasks/practical/new",
            "/projects",
            "/projects/board",
            "/projects/new?kind=research",
            "/matters",
            "/answering",
            "/matters/new?kind=leave-town",
            "/visits",
        ],
    ),
    (
        "scenario",
        &[
            "/cockpit",
            "/cockpit?unit=X5&from=2025-01-01&to=2025-12-31",
            "/cockpit?unit=X1&from=2024-01-01&to=2024-11-15",
            "/indicators?unit=X3&from=2020-08-01&to=2020-10-31",
            "/registers",
            "/registers/disputes",
            "→/registers/disputes/entries/…",
            "/registers/disputes/new",
            "/hours",
            "/hours/records/new",
            "/hours/requirements",
            "/hours/import",
            "/activities/plans/new",
            "/registers/disputes?page=3",
            "/cases?view=all&kind=traced&page=3",
            "/cases/board?kind=traced",
            "/campaigns?state=closed",
            "/activities/calendar",
            "/activities/new?kind=party-group-meeting",
            "/activities/new?kind=talk",
            "/reports",
            "→/reports/…",
        ],
    ),
    ("reviewer", &["/", "/registers/review", "/cockpit"]),
    (
        "leader",
        &[
            "/cockpit",
            "/obligations/weekly-friday-study",
            "/",
            "/indicators",
            "/activities/confirm",
            "/approvals",
            "→/approvals/…",
            "/notices",
        ],
    ),
    (
        "staff",
        &[
            "/obligations/mine",
            "/hours/mine",
            "/activities/mine",
            "/",
            "/activities",
            "/approvals?tab=mine",
            "→/approvals/…",
            "/organization/me",
            "/notices",
            "/notices/settings",
        ],
    ),
    (
        "sysadmin",
        &[
            "/admin/jobs",
            "/admin/guard",
            "/admin/packs/weekly-study",
            "/admin/packs/weekly-study/edit",
            "/",
            "/accounts",
            "/accounts?q=nobody-has-this-name",
            "/accounts?sort=-opened&columns=name,roles,opened,state&dense=1",
            "/accounts",
            "→/accounts/…",
            "/accounts/new",
            "/accounts/codes",
            "/account/second",
            "/clients",
            "/clients/new",
            "/organization",
            "→/organization/people/…",
            "/organization",
            "→/organization/units/…/people/new",
            "/organization",
            "→/organization/units/…",
            "→/organization/units/…/add",
            "/organization",
            "→/organization/units/…",
            "→/organization/units/…/edit",
            "/organization/import",
            "/organization?page=2",
            "/organization?sort=-name",
            "/organization/responsibility",
            "/pairings",
            "/bodies?q=支部&sort=-name",
            "/bodies",
            "→/bodies/…",
            "/bodies/new",
            "/audiences",
            "→/audiences/…",
            "/audiences/new",
            "/account",
        ],
    ),
    (
        "officer",
        &["/approvals?tab=mine", "→/approvals/…", "/notices"],
    ),
    ("personnel", &["/", "/approvals", "→/approvals/…"]),
    ("supervisor", &["/cases/evaluations"]),
    (
        "court",
        &[
            "/",
            "/activities",
            "/indicators",
            "/organization",
            "→/organization/people/…",
            "/accounts",
        ],
    ),
    (
        "secadmin",
        &["/accounts", "/accounts/delegations", "/account"],
    ),
    (
        "auditor",
        &["/audit", "→/audit/…", "/styleguide/look", "/styleguide"],
    ),
];

/// Keeps a picture; gives what is wrong with the page, so that one run names everything.
async fn look(page: &Page, size: Size, name: &str) -> Vec<String> {
    let name = format!("looks-{}-{name}", size.width);
    page.screenshot(&name).await;
    let mut wrong: Vec<String> = page
        .axe()
        .await
        .into_iter()
        .map(|v| format!("{name}: {} at {}", v.help, v.places.join(", ")))
        .collect();
    let width: u32 = page.eval("document.documentElement.scrollWidth").await;
    if width > size.width {
        wrong.push(format!("{name}: {width} px wide"));
    }
    wrong
}

fn file_name(path: &str) -> String {
    let name: String = path
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let one = if path.starts_with('→') { "one-" } else { "" };
    let name: String = name.trim_matches('-').chars().take(40).collect();
    format!("{one}{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_phone_and_is_accessible() {
    every_page(PHONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_desk_and_is_accessible() {
    every_page(DESKTOP).await;
}

async fn every_page(size: Size) {
    let program = Program::on_sqlite().await;
    journey("looks", size, |page| async {
            let page = page;
            program.open(&page, "/sign-in").await;
            let mut wrong = look(&page, size, "sign-in").await;
            for (login, paths) in PAGES {
                program.sign_in(&page, login).await;
                for path in *paths {
                    let address = match path.strip_prefix('→').and_then(|p| p.split_once('…')) {
                        None => (*path).to_owned(),
                        Some((start, end)) => {
                            let ends = match end {
                                "" => ":not([href$='/new']):not([href*='.xlsx'])".to_owned(),
                                end => format!("[href$='{end}']"),
                            };
                            let link = format!("a[href^='{start}']{ends}");
                            // Rows before buttons.
                            page.eval(&format!(
                                "(document.querySelector(\"tbody {link}\") || document.querySelector(\"{link}\"))
                                    .getAttribute('href')"
                            ))
                            .await
                        }
                    };
                    program.open(&page, &address).await;
                    let name = format!("{login}-{}", file_name(path));
                    wrong.extend(look(&page, size, &name).await);
                }
            }
            assert!(wrong.is_empty(), "{wrong:#?}");
        })
    .await;
    program.stop().await;
}

/// Pages that are looked at in English as well.
const ENGLISH: &[&str] = &[
    "/",
    "/cockpit",
    "/activities",
    "/activities/new?kind=party-lecture",
    "/activities/calendar",
    "/registers",
    "/registers/disputes",
    "/hours",
    "/obligations",
    "/indicators",
    "/reports",
    "/organization",
    "/bodies",
    "/account",
];

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_english_for_whoever_reads_english() {
    let program = Program::on_sqlite().await;
    for size in [PHONE, DESKTOP] {
        journey("english", size, |page| async {
            let page = page;
            program.sign_in(&page, "officer").await;
            let () = page
                .eval("(document.cookie = 'lang=en; path=/', null)")
                .await;
            let mut wrong = Vec::new();
            for path in ENGLISH {
                program.open(&page, path).await;
                let name = format!("en-{}", file_name(path));
                wrong.extend(look(&page, size, &name).await);
                // What people entered stays as it is; what the program says is English.
                let left: Vec<String> = page
                    .eval(
                        "document.documentElement.lang === 'en'
                            ? [...document.querySelectorAll('.side a, thead th, label, .seg a')]
                                .map(e => e.textContent.trim()).filter(t => /[\\u4e00-\\u9fff]/.test(t))
                            : ['the page is ' + document.documentElement.lang]",
                    )
                    .await;
                wrong.extend(left.into_iter().map(|text| format!("{name}: {text}")));
            }
            assert!(wrong.is_empty(), "{wrong:#?}");
        })
        .await;
    }
    program.stop().await;
}
