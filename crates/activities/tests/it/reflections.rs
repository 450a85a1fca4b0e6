//! Reflections: handed in, compared, accepted as facts, returned.

use activities::{READ, RECORD, ReflectionState, Role};
use kernel::Scope;
use organization::Traces;
use testkit::on_both;

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

const ONE: &str = "通过这次集中学习，我更加明确了岗位职责。";
const TWO: &str = "通过这次集中学习，我更加明确了岗位职责。谢谢。";

#[tokio::test]
async fn a_reflection_is_a_fact_when_it_was_accepted() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (a, all) = (&h.activities, Scope::All);
        let mut new = h.session(&t, day(11, 20));
        (new.kind, new.host) = ("sitting".into(), h.bureau);
        new.marks = h.marks(&[
            ("001", Role::Present),
            ("002", Role::Present),
            ("003", Role::Absent),
        ]);
        let id = h.record(&new).await.unwrap();
        let write = async |no: &str, text: &str| a.reflect(id, h.people[no], text, h.clerk).await;
        assert_eq!(
            refused(write("001", "太短").await),
            why("text", "reflection-length")
        );
        assert_eq!(
            refused(write("003", ONE).await),
            why("", "not-found"),
            "who was not there"
        );
        let study = h.record(&h.session(&t, day(6, 5))).await.unwrap();
        assert_eq!(
            refused(a.reflect(study, h.people["001"], ONE, h.clerk).await),
            why("", "not-found")
        );
        write("001", ONE).await.unwrap();
        write("002", TWO).await.unwrap();
        let found = a.reflections(id, &all).await.unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].1.as_ref().unwrap().0,
            100,
            "the shorter stands in the longer"
        );
        let (one, two) = (found[0].0.id, found[1].0.id);
        let review = async |of, to, note: &str| a.review((id, of), to, note, &all, h.clerk).await;
        let facts = async || -> Vec<String> {
            let all = h.standing(id).await;
            all.into_iter()
                .filter(|f| f.kind == "reflection")
                .map(|f| f.role.unwrap())
                .collect()
        };
        use ReflectionState::{Accepted, Excellent, Returned, Submitted};
        assert_eq!(
            refused(review(two, Returned, "").await),
            why("note", "reflection-note")
        );
        assert_eq!(
            refused(review(two, Submitted, "再交").await),
            why("note", "reflection-note")
        );
        review(two, Returned, "请结合本职").await.unwrap();
        review(one, Accepted, "").await.unwrap();
        review(one, Accepted, "").await.unwrap();
        assert_eq!(facts().await, ["accepted"]);
        assert_eq!(
            refused(write("001", TWO).await),
            why("conflict", "reflection-accepted")
        );
        review(one, Excellent, "").await.unwrap();
        assert_eq!(facts().await, ["excellent"]);
        write("002", "我负责接待，今后要把每一次接待都做细做实。")
            .await
            .unwrap();
        let found = a.reflections(id, &all).await.unwrap();
        assert_eq!((found[1].0.state, found[1].1.clone()), (Submitted, None));
        let outside = Scope::Under(vec![h.elsewhere]);
        assert_eq!(
            refused(a.review((id, two), Accepted, "", &outside, h.clerk).await),
            why("", "not-found")
        );
        review(two, Accepted, "").await.unwrap();
        review(one, Returned, "重写").await.unwrap();
        assert_eq!(facts().await, ["accepted"]);
        // What somebody wrote goes with their personal data; that they wrote stays.
        let (by, gone) = (organization::By::default(), h.people["002"]);
        db::transaction!(t.db, |tx| activities::Texts.erase(tx, gone, &by).await).unwrap();
        let found = a.reflections(id, &all).await.unwrap();
        let theirs = &found[1].0;
        assert_eq!(
            (theirs.state, &*theirs.text, &*theirs.note),
            (Accepted, "***", "")
        );
        assert_ne!(found[0].0.text, "***");
        a.reverse(id, "误录一场", &all, h.clerk).await.unwrap();
        assert_eq!(facts().await, [""; 0]);
        assert_eq!(
            refused(write("001", ONE).await),
            why("conflict", "activity-reversed")
        );
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn reflections_are_written_and_reviewed_on_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = h.session(&t, day(11, 20));
        (new.kind, new.host) = ("sitting".into(), h.bureau);
        let id = h.record(&new).await.unwrap();
        let one = App::person(&h, &t, "001");
        assert!(
            one.get("/activities/mine")
                .await
                .page(200)
                .contains("2026-11-27")
        );
        let path = format!("/activities/mine/{id}/reflection");
        assert!(one.get(&path).await.page(200).contains("10 到 60 字"));
        App::person(&h, &t, "003").get(&path).await.page(404);
        let page = one.post(&path, &[("text", "短<b>")]).await.page(422);
        assert!(page.contains("短&lt;b&gt;") && page.contains("应为 10 到 60 字"));
        assert_eq!(one.post(&path, &[("text", ONE)]).await.status.as_u16(), 303);
        let clerk = App::new(&h, &t, &[(READ, Scope::All), (RECORD, Scope::All)]);
        let list = format!("/activities/{id}/reflections");
        assert!(clerk.get(&list).await.page(200).contains("岗位职责"));
        one.get(&list).await.page(404);
        let of = h.activities.reflections(id, &Scope::All).await.unwrap()[0]
            .0
            .id;
        let review = format!("{list}/{of}");
        assert!(
            clerk
                .post(&review, &[("act", "returned")])
                .await
                .page(422)
                .contains("退回须写明意见")
        );
        clerk.post(&review, &[("act", "x")]).await.page(404);
        assert_eq!(
            clerk
                .post(&review, &[("act", "accepted")])
                .await
                .status
                .as_u16(),
            303
        );
        let page = one.get(&path).await.page(200);
        assert!(page.contains("已采纳") && !page.contains("<textarea"));
        assert!(
            clerk
                .get(&format!("/activities/{id}"))
                .await
                .page(200)
                .contains("心得体会 · 已采纳")
        );
    })
    .await;
}
