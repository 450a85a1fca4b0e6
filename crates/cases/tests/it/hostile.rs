//! What is typed in stays text: script in every field that somebody fills in, on every page that shows it.

use testkit::on_both;

use crate::house::hidden;
use crate::house::{App, House, migrations};

/// As it is typed; with a number, so that what is missing is found.
fn script(n: usize) -> String {
    format!("\"><script>alert({n})</script><img src=x onerror=alert({n})>'")
}

#[tokio::test]
async fn script_in_every_field_is_shown_as_text_on_every_page() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [raiser, supervisor, owner] = [h.raiser, h.supervisor, h.owner].map(|w| h.app(w));
        let typed: Vec<String> = (0..10).map(script).collect();
        let (_, form) = raiser.get("/cases/new?kind=problem").await;
        let id = hidden(&form, "id");
        let fields = [
            ("id", id.as_str()),
            ("kind", "problem"),
            ("title", &typed[0]),
            ("detail", &typed[1]),
            ("severity", "serious"),
            ("area", "service"),
            ("source", "inspection"),
            ("from", "B"),
            ("unit", "O1"),
            ("v-standard", &typed[2]),
            ("reporter", "<script>alert(3)</script>"),
            ("contact", "<img src=x onerror=alert(4)>"),
        ];
        // A form that is wrong shows again what was typed.
        let mut wrong = fields;
        wrong[4] = ("severity", &typed[5]);
        let (status, page) = raiser.parts("/cases", &wrong, None).await;
        assert_eq!(status, 422);
        clean("the form", &page);
        let (status, path) = raiser.parts("/cases", &fields, None).await;
        assert_eq!(status, 303, "{path}");
        let act = async |app: &App, verb: &str, more: &[(&str, &str)]| {
            let (_, page) = app.get(&path).await;
            let seen = hidden(&page, "seen");
            let fields = [&[("seen", seen.as_str())], more].concat();
            let name = "<img src=x onerror=alert(6)>.pdf".to_owned();
            let file = Some((name.as_str(), b"%PDF 1".as_slice()));
            app.parts(&format!("{path}/acts/{verb}"), &fields, file)
                .await
        };
        let given = [("owner", "4"), ("supervisor", "2"), ("text", &typed[7])];
        assert_eq!(act(&supervisor, "assign", &given).await.0, 303);
        let measures = format!("{}|4|2026-12-20", script(8).replace('|', ""));
        let planned = [("cause", typed[9].as_str()), ("measures", &measures)];
        let (status, told) = act(&owner, "plan", &planned).await;
        assert_eq!(status, 303, "{told}");
        assert_eq!(act(&owner, "report", &[("text", &typed[7])]).await.0, 303);
        let q = "alert";
        let pages = [
            path.clone(),
            "/cases?view=all".into(),
            format!("/cases?view=all&q={q}"),
            format!("/search?q={q}"),
            "/cases/board".into(),
            "/cases/wall".into(),
            "/cases/tasks".into(),
            "/cases/chain".into(),
            "/cases?view=all&severity=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".into(),
        ];
        for page in &pages {
            for app in [&raiser, &supervisor, &owner] {
                clean(page, &app.get(page).await.1);
            }
        }
        let (_, shown) = supervisor.get(&path).await;
        for n in [0, 1, 2, 7, 8, 9] {
            let text = format!("alert({n})");
            assert!(shown.contains(&text), "{text} is not there: {shown}");
        }
        // A sheet holds it as text too, and nothing that a program would work out.
        let sheet = supervisor.send("GET", "/cases/list.xlsx?view=all", "", vec![]);
        let (status, bytes, _) = sheet.await;
        assert_eq!(status, 200);
        let limits = commons::sheets::Limits::default();
        let sheet = commons::sheets::read("x.xlsx", &bytes, &limits).unwrap();
        assert!(format!("{sheet:?}").contains("alert(0)"));
    })
    .await;
}

fn clean(page: &str, html: &str) {
    for bad in ["<script>alert", "<img src=x"] {
        assert!(!html.contains(bad), "{page}: {html}");
    }
}
