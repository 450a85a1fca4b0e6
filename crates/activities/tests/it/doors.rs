//! Signing in at the door: when it is open, who may come, and that what was acknowledged is recorded.

use activities::{NewPlan, PLAN, READ, RECORD, Role, Way};
use futures::future::join_all;
use jiff::civil::time;
use kernel::{Id, PersonId, Scope};
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{House, migrations, refused, why};
use crate::pages::App;

/// Something of the first office that begins in an hour and lasts one, planned at noon.
fn soon(h: &House, t: &TestDb, kind: &str) -> NewPlan {
    NewPlan {
        id: t.env.new_id(),
        kind: kind.into(),
        host: h.offices[0],
        title: "周五学习".into(),
        date: t.env.today(),
        starts: time(13, 0, 0, 0),
        ends: time(14, 0, 0, 0),
        location: "三楼".into(),
        of: None,
        typed: vec![("title".into(), "周五学习".into())],
    }
}

async fn planned(h: &House, t: &TestDb, kind: &str) -> Id {
    let new = soon(h, t, kind);
    h.activities.plan(&new, &Scope::All, h.clerk).await.unwrap()
}

fn held(h: &House, t: &TestDb, plan: Id, marks: &[(&'static str, Role)]) -> activities::New {
    let mut new = h.session(t, t.env.today());
    (new.starts, new.ends) = (time(13, 0, 0, 0), time(14, 0, 0, 0));
    new.marks = h.marks(marks);
    new.details.plan = Some(plan);
    new
}

#[tokio::test]
async fn who_comes_while_it_is_open_is_there_once_and_recorded() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (a, all) = (&h.activities, Scope::All);
        let id = planned(&h, &t, "friday-study").await;
        let one = h.people["001"];
        let come =
            async |person: PersonId| a.check_in(id, person, Way::Code, t.env.now(), None).await;
        assert_eq!(refused(come(one).await), why("conflict", "door-not-yet"));
        t.clock.advance(30 * 60);
        let first = come(one).await.unwrap();
        assert!(first.first && first.role == Role::Present && first.at == t.env.now());
        t.clock.advance(60);
        let again = come(one).await.unwrap();
        assert_eq!((again.first, again.at), (false, first.at), "twice is once");
        // Who is not expected is sent to the organiser, who has left is nowhere.
        assert_eq!(
            refused(come(h.people["003"]).await),
            why("conflict", "door-not-expected")
        );
        assert_eq!(
            h.numbers(h.bureau).await,
            (0, 0, 0, 0),
            "no fact before it is recorded"
        );
        // Closed by hand, opened again, closed by time; the moment of the scan counts.
        let scanned = t.env.now();
        t.clock.advance(60);
        a.close_door(id, &all, h.clerk).await.unwrap();
        assert_eq!(
            refused(a.close_door(id, &all, h.clerk).await),
            why("conflict", "door-closed-before")
        );
        let two = h.people["002"];
        assert_eq!(refused(come(two).await), why("conflict", "door-closed"));
        assert_eq!(come(one).await.unwrap().at, first.at, "the receipt stays");
        let late = a.check_in(id, two, Way::Code, scanned, None).await.unwrap();
        assert!(
            late.first && late.at == scanned,
            "scanned in time, signed in later"
        );
        a.open_door(id, &all, h.clerk).await.unwrap();
        t.clock.advance(3 * 3600);
        assert_eq!(
            refused(come(h.people["004"]).await),
            why("conflict", "door-not-expected")
        );
        let came = a.came(id).await.unwrap();
        let names: Vec<&str> = came.iter().map(|c| c.staff_no.as_str()).collect();
        assert_eq!(names, ["001", "002"]);
        // Recording freezes it; nobody who signed in is lost without a word.
        let new = held(&h, &t, id, &[("001", Role::Present), ("002", Role::Absent)]);
        assert_eq!(
            refused(h.record(&new).await),
            why("overrule", "door-left-out")
        );
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0), "nothing half done");
        let mut meant = new.clone();
        meant.details.overrule = true;
        let recorded = h.record(&meant).await.unwrap();
        assert_eq!(h.numbers(h.bureau).await, (1, 60, 1, 1));
        let audit = h.audited("activity.recorded").await;
        assert!(audit[0].1.contains("\"left-out\":1"), "{audit:?}");
        assert!(!come(one).await.unwrap().first);
        assert_eq!(
            refused(a.open_door(id, &all, h.clerk).await),
            why("conflict", "plan-not-open")
        );
        // Taken back, it is planned again with those who came.
        a.reverse(recorded, "误录一场", &all, h.clerk)
            .await
            .unwrap();
        assert_eq!(a.came(id).await.unwrap().len(), 2);
        h.proven().await;
        assert_eq!(h.audited("activity.check-in-closed").await.len(), 1);
        assert_eq!(h.audited("activity.check-in-opened").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn outsiders_observe_where_the_kind_lets_them_and_a_night_is_one_door() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let a = &h.activities;
        let mut new = soon(&h, &t, "open-night");
        (new.starts, new.ends) = (time(23, 30, 0, 0), time(1, 0, 0, 0));
        let id = a.plan(&new, &Scope::All, h.clerk).await.unwrap();
        let come = async |no: &str| {
            a.check_in(id, h.people[no], Way::Kiosk, t.env.now(), None)
                .await
        };
        // It opens ten minutes before and closes an hour after the begin, on the next day.
        t.clock.advance((11 * 60 + 19) * 60);
        assert_eq!(refused(come("001").await), why("conflict", "door-not-yet"));
        t.clock.advance(60);
        assert_eq!(come("003").await.unwrap().role, Role::Observer);
        t.clock.advance(69 * 60);
        assert_eq!(come("001").await.unwrap().role, Role::Present);
        t.clock.advance(60);
        assert_eq!(refused(come("002").await), why("conflict", "door-closed"));
        // Moved, the door moves too.
        let day = (t.env.today(), time(2, 0, 0, 0), time(3, 0, 0, 0));
        a.move_plan(id, day, "改到凌晨", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(refused(come("002").await), why("conflict", "door-not-yet"));
        t.clock.advance(90 * 60);
        assert!(come("002").await.unwrap().first);
        a.cancel_plan(id, "停办", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(refused(come("006").await), why("conflict", "plan-not-open"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_with_two_phones_each_is_there_once_while_it_closes() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let lines: String = (0..120)
            .map(|n| format!("S{n:03},学员{n:03},O1,,2024-01-01,\n"))
            .collect();
        let sheet = format!("工号,姓名,单位编码,职务,起始日期,截止日期\n{lines}");
        let (rows, _) = organization::read_rows("t.csv", sheet.as_bytes()).unwrap();
        h.org.import(&rows, &Scope::All, None).await.unwrap();
        let roster = h
            .org
            .roster(h.offices[0], t.env.today(), false, &Scope::All)
            .await
            .unwrap();
        let crowd: Vec<PersonId> = roster
            .iter()
            .filter(|l| l.staff_no.starts_with('S'))
            .map(|l| l.person)
            .collect();
        let id = planned(&h, &t, "friday-study").await;
        t.clock.advance(45 * 60);
        let nodes = [h.clone(), h.second(&t).await];
        let at = t.env.now();
        let mut tasks = Vec::new();
        for n in 0..240 {
            let (node, person) = (nodes[n % 2].clone(), crowd[n / 2]);
            tasks.push(tokio::spawn(async move {
                node.activities
                    .check_in(id, person, Way::Code, at, None)
                    .await
            }));
            if n == 120 {
                let node = nodes[1].clone();
                tasks.push(tokio::spawn(async move {
                    let a = &node.activities;
                    a.close_door(id, &Scope::All, node.clerk).await?;
                    Err(kernel::Error::NotFound)
                }));
            }
        }
        let mut first = 0;
        for answer in join_all(tasks).await {
            match answer.unwrap() {
                Ok(receipt) => first += usize::from(receipt.first),
                Err(kernel::Error::Conflict(m)) => assert_eq!(m.key, "door-closed"),
                Err(kernel::Error::NotFound) => {}
                Err(other) => panic!("{other}"),
            }
        }
        let came = h.activities.came(id).await.unwrap();
        assert_eq!(came.len(), first, "acknowledged is there, and nothing else");
        let distinct: std::collections::HashSet<PersonId> = came.iter().map(|c| c.person).collect();
        assert_eq!(distinct.len(), came.len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn recording_and_signing_in_follow_one_another() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..6 {
            let mut new = soon(&h, &t, "friday-study");
            (new.starts, new.ends) = (time(13, round, 0, 0), time(14, 0, 0, 0));
            let id = h.activities.plan(&new, &Scope::All, h.clerk).await.unwrap();
            h.activities
                .open_door(id, &Scope::All, h.clerk)
                .await
                .unwrap();
            let at = t.env.now();
            let (guest, clerk) = (nodes[0].clone(), nodes[1].clone());
            let person = h.people["001"];
            let come = tokio::spawn(async move {
                guest
                    .activities
                    .check_in(id, person, Way::Code, at, None)
                    .await
            });
            let mut session = held(&h, &t, id, &[("001", Role::Absent), ("002", Role::Present)]);
            session.date = t.env.today().yesterday().unwrap();
            session.another = true;
            let record = tokio::spawn(async move { clerk.record(&session).await });
            let (come, record) = (come.await.unwrap(), record.await.unwrap());
            // Either the sign-in was first and is asked about, or it is told that it came too late.
            match (come, record) {
                (Ok(_), record) => assert_eq!(refused(record), why("overrule", "door-left-out")),
                (come, Ok(_)) => assert_eq!(refused(come), why("conflict", "door-recorded")),
                (come, record) => panic!("{come:?} {record:?}"),
            }
        }
    })
    .await;
}

/// The place in a page of a text until the next quote.
fn after<'p>(page: &'p str, text: &str) -> &'p str {
    let from = page
        .find(text)
        .unwrap_or_else(|| panic!("{text} is missing in {page}"))
        + text.len();
    let page = &page[from..];
    &page[..page.find(['"', '<']).unwrap()]
}

#[tokio::test]
async fn a_phone_scans_first_and_signs_in_then() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = planned(&h, &t, "friday-study").await;
        t.clock.advance(40 * 60);
        let clerk = App::new(
            &h,
            &t,
            &[(READ, Scope::All), (RECORD, Scope::All), (PLAN, Scope::All)],
        );
        let screen = clerk
            .get(&format!("/activities/plans/{id}/screen"))
            .await
            .page(200);
        assert!(
            screen.contains("<svg") && screen.contains("every 4s") && !screen.contains("style=")
        );
        let part = clerk
            .get(&format!("/activities/plans/{id}/screen/code"))
            .await
            .page(200);
        assert!(part.contains("<svg") && !part.contains("<html"));
        let reader = App::new(&h, &t, &[(READ, Scope::All)]);
        reader
            .get(&format!("/activities/plans/{id}/screen"))
            .await
            .page(404);
        // A code that was never shown, and one from yesterday, are refused and traced.
        let stranger = App::nobody(&h, &t);
        let forged = stranger
            .get(&format!("/check-in/{id}?c=1.00112233445566778899aabb"))
            .await
            .page(422);
        assert!(forged.contains("重新扫描") && !forged.contains("周五学习"));
        let code = h.activities.code_now(id).await;
        t.clock.advance(31);
        stranger
            .get(&format!("/check-in/{id}?c={code}"))
            .await
            .page(422);
        let traced = h.audited("activity.check-in-refused").await;
        let traced: Vec<&str> = traced.iter().map(|(_, d)| d.as_str()).collect();
        assert_eq!(traced, [r#"{"why":"forged"}"#, r#"{"why":"old"}"#]);
        // Scanned before signing in: the phone keeps the moment.
        let code = h.activities.code_now(id).await;
        let scanned = stranger.get(&format!("/check-in/{id}?c={code}")).await;
        assert_eq!(scanned.status.as_u16(), 303);
        let at = t.env.now();
        let cookie = scanned.cookie("suneng_scan");
        let me = format!("/check-in/{id}/me");
        assert_eq!(scanned.location(), me);
        let asked = stranger.get(&me).await;
        assert!(
            asked.location().starts_with("/sign-in?next="),
            "{}",
            asked.location()
        );
        // Another phone has no scan; one's own has, also some minutes later.
        let one = App::person(&h, &t, "001");
        let page = one.get(&me).await.page(422);
        assert!(page.contains("请先扫描") && !page.contains("周五学习"));
        t.clock.advance(5 * 60);
        let with = |app: &App| app.with_cookie(&cookie);
        assert!(with(&one).get(&me).await.page(200).contains("请点"));
        assert_eq!(with(&one).post(&me, &[]).await.status.as_u16(), 303);
        let came = h.activities.came(id).await.unwrap();
        assert_eq!(
            (came.len(), came[0].at, came[0].way.as_str()),
            (1, at, "code")
        );
        let receipt = one.get(&me).await.page(200);
        assert!(receipt.contains("签到（实到）"));
        // Not expected; too late; no person.
        let three = App::person(&h, &t, "003");
        assert!(
            with(&three)
                .post(&me, &[])
                .await
                .page(422)
                .contains("不在本场应到名册")
        );
        with(&clerk).get(&me).await.page(409);
        t.clock.advance(11 * 60);
        let two = App::person(&h, &t, "002");
        assert!(
            with(&two)
                .post(&me, &[])
                .await
                .page(422)
                .contains("请先扫描")
        );
        // The form of recording is filled by those who came.
        t.clock.advance(3600);
        let form = clerk
            .get(&format!("/activities/new?plan={id}"))
            .await
            .page(200);
        assert_eq!(form.matches(" checked").count(), 1);
        assert!(form.contains("已按签到填好 1 人"));
        let strange: Id = t.env.new_id();
        stranger
            .get(&format!("/check-in/{strange}?c={code}"))
            .await
            .page(404);
        stranger.get("/check-in/x").await.page(404);
    })
    .await;
}

#[tokio::test]
async fn at_the_kiosk_people_without_a_phone_sign_in() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = planned(&h, &t, "friday-study").await;
        t.clock.advance(40 * 60);
        let clerk = App::new(&h, &t, &[(READ, Scope::All), (RECORD, Scope::All)]);
        let screen = clerk
            .get(&format!("/activities/plans/{id}/screen"))
            .await
            .page(200);
        let path = after(&screen, "class=\"btn btn-plain\" href=\"").to_owned();
        assert!(
            path.starts_with(&format!("/check-in/{id}/kiosk?k=")),
            "{path}"
        );
        let room = after(&screen, "现场口令</span> <b>").to_owned();
        let k = path.split("k=").nth(1).unwrap().to_owned();
        let kiosk = App::nobody(&h, &t);
        assert!(kiosk.get(&path).await.page(200).contains("周五学习"));
        kiosk
            .get(&format!("/check-in/{id}/kiosk?k=0.00"))
            .await
            .page(404);
        let post = format!("/check-in/{id}/kiosk");
        let tap = async |no: &str, room: &str| {
            kiosk
                .post(&post, &[("k", &k), ("staff-no", no), ("room", room)])
                .await
        };
        let done = tap("001", &room).await;
        assert!(
            done.header("refresh").starts_with("5; url=/check-in/"),
            "it clears itself"
        );
        assert!(done.page(200).contains("甲某 已于"));
        assert!(
            tap("001", &format!("{} {}", &room[..3], &room[3..]))
                .await
                .page(200)
                .contains("甲某 已于")
        );
        assert!(tap("999", &room).await.page(422).contains("没有工号为 999"));
        assert!(
            tap("003", &room)
                .await
                .page(422)
                .contains("不在本场应到名册")
        );
        let wrong = if room == "000000" { "000001" } else { "000000" };
        assert!(tap("002", wrong).await.page(422).contains("现场口令不对"));
        kiosk.post(&post, &[("k", "x")]).await.page(404);
        let came = h.activities.came(id).await.unwrap();
        assert_eq!((came.len(), came[0].way.as_str()), (1, "kiosk"));
        // Whoever guesses has to wait, and then may go on.
        for _ in 0..30 {
            tap("002", wrong).await;
        }
        tap("002", &room).await.page(429);
        assert!(h.audited("activity.check-in-refused").await.len() <= 20);
        t.clock.advance(301);
        let screen = clerk
            .get(&format!("/activities/plans/{id}/screen"))
            .await
            .page(200);
        let room = after(&screen, "现场口令</span> <b>");
        tap("002", room).await.page(200);
        assert_eq!(h.activities.came(id).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_who_come_at_once_are_all_there() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let lines: String = (0..2000)
            .map(|n| format!("S{n:04},学员{n:04},O1,,2024-01-01,\n"))
            .collect();
        let sheet = format!("工号,姓名,单位编码,职务,起始日期,截止日期\n{lines}");
        let (rows, _) = organization::read_rows("t.csv", sheet.as_bytes()).unwrap();
        h.org.import(&rows, &Scope::All, None).await.unwrap();
        let roster = h
            .org
            .roster(h.offices[0], t.env.today(), false, &Scope::All)
            .await
            .unwrap();
        let id = planned(&h, &t, "friday-study").await;
        t.clock.advance(45 * 60);
        let at = t.env.now();
        let tasks: Vec<_> = roster
            .iter()
            .map(|l| l.person)
            .map(|person| {
                let a = h.activities.clone();
                tokio::spawn(
                    async move { a.check_in(id, person, Way::Code, at, None).await.unwrap() },
                )
            })
            .collect();
        let n = tasks.len();
        for answer in join_all(tasks).await {
            assert!(answer.unwrap().first);
        }
        assert_eq!(h.activities.came(id).await.unwrap().len(), n);
    })
    .await;
}
