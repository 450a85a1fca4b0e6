//! Quorum, votes and the minutes on paper.

use activities::{NewResolution, READ, RECORD, Role, VoteOutcome};
use kernel::{Id, Scope};
use testkit::{TestDb, on_both};

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

/// A sitting of 001 to 003 and 005 with so many of them there, and one who observes.
async fn sitting(h: &House, t: &TestDb, d: i8, present: usize) -> kernel::ActivityId {
    let mut new = h.session(t, day(6, d));
    new.kind = "sitting".into();
    new.host = h.bureau;
    let role = |n: usize| {
        if n < present {
            Role::Present
        } else {
            Role::Absent
        }
    };
    new.marks = h.marks(&[
        ("001", role(0)),
        ("002", role(1)),
        ("003", role(2)),
        ("005", role(3)),
    ]);
    new.observers = vec!["006".into()];
    h.record(&new).await.unwrap()
}

fn vote(in_favour: i64, against: i64, abstained: i64) -> NewResolution {
    NewResolution {
        title: "通过年度计划".into(),
        in_favour,
        against,
        abstained,
        invalid: false,
        duties: Vec::new(),
    }
}

#[tokio::test]
async fn without_a_quorum_nothing_is_resolved() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (a, all) = (&h.activities, Scope::All);
        let resolve = async |id, new: &NewResolution| {
            let resolution: Id = t.env.new_id();
            a.resolve((id, resolution), new, &all, h.clerk)
                .await
                .map(|o| (resolution, o))
        };
        let facts = async |id| -> Vec<String> {
            let all = h.standing(id).await;
            let found = all.into_iter().filter(|f| f.kind == "resolution");
            found.map(|f| f.role.unwrap()).collect()
        };
        // Two of four are no more than half.
        let two = sitting(&h, &t, 2, 2).await;
        assert_eq!(
            refused(resolve(two, &vote(2, 0, 0)).await),
            why("invalid", "votes-no-quorum")
        );
        let invalid = NewResolution {
            invalid: true,
            ..vote(2, 0, 0)
        };
        assert_eq!(
            resolve(two, &invalid).await.unwrap().1,
            VoteOutcome::Invalid
        );
        assert_eq!(facts(two).await, [""; 0]);
        // Three are; more than half of all who may vote must be for it.
        let three = sitting(&h, &t, 3, 3).await;
        let wrong = refused(
            resolve(
                three,
                &NewResolution {
                    title: " ".into(),
                    ..vote(2, 2, 0)
                },
            )
            .await,
        );
        assert_eq!(
            wrong,
            [
                why("resolution", "votes-title-missing"),
                why("in-favour", "votes-number")
            ]
            .concat()
        );
        assert_eq!(
            refused(resolve(three, &vote(-1, 1, 1)).await),
            why("in-favour", "votes-number")
        );
        assert_eq!(
            refused(resolve(three, &vote(0, 0, 0)).await),
            why("in-favour", "votes-number")
        );
        let (id, passed) = resolve(three, &vote(3, 0, 0)).await.unwrap();
        assert_eq!(passed, VoteOutcome::Passed);
        assert_eq!(
            resolve(three, &vote(2, 0, 1)).await.unwrap().1,
            VoteOutcome::Failed
        );
        assert_eq!(facts(three).await, ["passed", "failed"]);
        let again = a
            .resolve((three, id), &vote(1, 0, 0), &all, h.clerk)
            .await
            .unwrap();
        assert_eq!(
            (again, facts(three).await.len()),
            (VoteOutcome::Passed, 2),
            "sent twice it is there once"
        );
        let outside = Scope::Under(vec![h.elsewhere]);
        let other: Id = t.env.new_id();
        assert_eq!(
            refused(
                a.resolve((three, other), &vote(3, 0, 0), &outside, h.clerk)
                    .await
            ),
            why("", "not-found")
        );
        // Kinds without votes have none; what was entered wrongly is taken back.
        let study = h.record(&h.session(&t, day(6, 5))).await.unwrap();
        assert_eq!(
            refused(resolve(study, &vote(1, 0, 0)).await),
            why("", "not-found")
        );
        let back = async |reason: &str| {
            a.take_resolution_back((three, id), reason, &all, h.clerk)
                .await
        };
        assert_eq!(
            refused(back("").await),
            why("reason", "reversal-reason-missing")
        );
        back("票数误录").await.unwrap();
        assert_eq!(refused(back("票数误录").await), why("", "not-found"));
        assert_eq!(facts(three).await, ["failed"]);
        a.reverse(three, "误录一场", &all, h.clerk).await.unwrap();
        assert_eq!(facts(three).await, [""; 0]);
        assert_eq!(
            refused(resolve(three, &vote(3, 0, 0)).await),
            why("conflict", "activity-reversed")
        );
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn votes_stand_on_the_page_and_in_the_minutes() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::new(&h, &t, &[(READ, Scope::All), (RECORD, Scope::All)]);
        let id = sitting(&h, &t, 3, 3).await;
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        assert!(page.contains("实到 3 / 应到 4") && page.contains("登记表决"));
        let new: Id = t.env.new_id();
        let (path, new) = (format!("/activities/{id}/resolutions"), new.to_string());
        let fields = |favour: &'static str| {
            [
                ("id", new.as_str().to_owned()),
                ("resolution", "通过<年度>计划".into()),
                ("in-favour", favour.into()),
            ]
        };
        let send = async |favour| {
            let fields = fields(favour);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            app.post(&path, &fields).await
        };
        assert!(send("x").await.page(422).contains("合计应为 1 到 3"));
        assert_eq!(send("3").await.status.as_u16(), 303);
        let paper = app
            .get(&format!("/activities/{id}/minutes"))
            .await
            .page(200);
        for text in [
            "会议记录",
            "通过&lt;年度&gt;计划",
            "赞成 3",
            "甲某",
            "缺席",
            "戊某",
            "列席",
            "主持人签名",
            "portrait bare",
        ] {
            assert!(paper.contains(text), "{text}");
        }
        let back = format!("{path}/{new}/reversal");
        app.post(&back, &[("reason", "")]).await.page(422);
        assert_eq!(
            app.post(&back, &[("reason", "票数误录")])
                .await
                .status
                .as_u16(),
            303
        );
        assert!(
            !app.get(&format!("/activities/{id}/minutes"))
                .await
                .page(200)
                .contains("赞成 3")
        );
        let reader = App::new(&h, &t, &[(READ, Scope::Under(vec![h.elsewhere]))]);
        reader
            .get(&format!("/activities/{id}/minutes"))
            .await
            .page(404);
    })
    .await;
}
