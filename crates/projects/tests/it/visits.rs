//! Visits of a leader to the unit they are paired with.

use jiff::ToSpan;
use kernel::{Date, Error, Id};
use projects::{NewVisit, quarter_of};
use testkit::{on_both, on_postgres};

use crate::house::{House, Sees as _, Who, migrations};

fn visit(h: &House, tie: Id, day: Date, difficulties: &str) -> NewVisit {
    NewVisit {
        id: h.env.new_id(),
        tie,
        day,
        looked: "看了调解室".into(),
        difficulties: difficulties.into(),
        promised: "月底前答复".into(),
    }
}

async fn write(h: &House, new: &NewVisit, who: Who) -> kernel::Result<Id> {
    let (eyes, actor) = (who.eyes(), who.actor());
    h.projects.write_visit(new, &[], (&eyes, &actor)).await
}

#[tokio::test]
async fn a_visit_counts_once_a_quarter_and_its_difficulties_become_cases() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let tie = h.paired().await;
        let (eyes, actor) = (h.leader.eyes(), h.leader.actor());
        let me = (&eyes, &actor);
        let quarter = quarter_of(h.today());
        let pairs = async || h.projects.pairs(quarter, ("", None), &eyes).await.unwrap();
        assert_eq!(pairs().await[0].visits.len(), 0);
        // The day lies in the pairing and not ahead; somebody who is neither of the pair nor writes for it does not see it.
        let ahead = visit(&h, tie, h.today().saturating_add(1.days()), "");
        assert!(matches!(
            write(&h, &ahead, h.leader).await,
            Err(Error::Invalid(_))
        ));
        let first = visit(&h, tie, h.today(), "缺一名调解员\n车辆不足");
        assert!(matches!(
            write(&h, &first, h.member).await,
            Err(Error::NotFound)
        ));
        assert!(
            matches!(write(&h, &first, h.second).await, Err(Error::Forbidden)),
            "who only reads does not write"
        );
        for _ in 0..2 {
            assert_eq!(write(&h, &first, h.leader).await.unwrap(), first.id);
        }
        let facts = h.standing(first.id).await;
        let kinds: Vec<&str> = facts.iter().map(|f| f.kind.as_str()).collect();
        assert_eq!(kinds, ["pair-quarter", "pair-visit"]);
        assert_eq!(
            (facts[1].person, facts[1].category.as_deref()),
            (Some(h.leader.person), Some("contact-point"))
        );
        let second = visit(&h, tie, h.today(), "");
        write(&h, &second, h.officer).await.unwrap();
        assert_eq!(
            h.kinds_of(second.id).await,
            ["pair-visit"],
            "the quarter is counted already"
        );
        assert_eq!(pairs().await[0].visits.len(), 2);
        // Difficulties become cases of the unit that is named, once.
        let raise = async |no| {
            h.projects
                .raise_difficulty(first.id, no, h.county, me)
                .await
        };
        raise(1).await.unwrap();
        assert!(
            matches!(raise(1).await, Err(Error::Conflict(m)) if m.key == "projects-raised-before")
        );
        assert!(matches!(raise(9).await, Err(Error::NotFound)));
        let told = h
            .projects
            .visit(first.id, &eyes)
            .await
            .unwrap()
            .0
            .difficulties;
        assert_eq!(
            told.iter().map(|d| d.raised.is_some()).collect::<Vec<_>>(),
            [true, false]
        );
        h.problems.end(&h.db, true).await;
        assert_eq!(h.projects.settle_found().await.unwrap(), 1);
        assert_eq!(
            h.kinds_of(told[0].id).await,
            ["pair-difficulty", "pair-solved"]
        );
        // The first visit is taken back: the quarter is counted by the other one; without it, not at all.
        let strike = async |id| h.projects.strike_visit(id, "日期写错", me).await;
        strike(first.id).await.unwrap();
        assert!(matches!(strike(first.id).await, Err(Error::Conflict(_))));
        assert_eq!(h.kinds_of(first.id).await, [""; 0]);
        assert_eq!(h.kinds_of(second.id).await, ["pair-quarter", "pair-visit"]);
        assert_eq!(
            h.kinds_of(told[0].id).await,
            ["pair-difficulty", "pair-solved"],
            "a case stays a case"
        );
        strike(second.id).await.unwrap();
        assert_eq!(h.kinds_of(second.id).await, [""; 0]);
        assert_eq!(pairs().await[0].visits.len(), 0);
        let third = visit(&h, tie, h.today(), "");
        write(&h, &third, h.far).await.unwrap();
        assert_eq!(
            h.kinds_of(third.id).await,
            ["pair-quarter", "pair-visit"],
            "the unit visited writes it too"
        );
        let narrow = ("mentoring", None);
        assert_eq!(
            h.projects
                .pairs(quarter, narrow, &eyes)
                .await
                .unwrap()
                .len(),
            0
        );
        let below = ("contact-point", Some(h.county));
        assert_eq!(
            h.projects.pairs(quarter, below, &eyes).await.unwrap().len(),
            1
        );
        let office = ("", Some(h.office));
        assert_eq!(
            h.projects
                .pairs(quarter, office, &eyes)
                .await
                .unwrap()
                .len(),
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_visits_at_once_are_one_quarter() {
    on_postgres(&migrations(), |t| async move {
        let a = House::new(&t).await;
        let b = a.node(&t).await;
        let tie = a.paired().await;
        let (one, two) = (visit(&a, tie, a.today(), ""), visit(&b, tie, b.today(), ""));
        let (x, y) = tokio::join!(write(&a, &one, a.leader), write(&b, &two, b.officer));
        x.unwrap();
        y.unwrap();
        let mut kinds = a.kinds_of(one.id).await;
        kinds.extend(a.kinds_of(two.id).await);
        kinds.sort();
        assert_eq!(kinds, ["pair-quarter", "pair-visit", "pair-visit"]);
    })
    .await;
}
