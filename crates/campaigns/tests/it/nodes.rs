//! The tree of programmes.

use campaigns::{Level, New, Node, Taken};
use kernel::{Date, Error, Id, UnitId};
use testkit::on_both;

use crate::house::{House, Sees as _, migrations};

fn node(
    h: &House,
    code: &str,
    level: Level,
    parent: Option<Id>,
    unit: UnitId,
    claims: &[(&str, &[&str])],
) -> Node {
    let taken = |(code, categories): &(&str, &[&str])| Taken {
        track: String::new(),
        claim: h.campaigns.kinds().claim(code).unwrap().clone(),
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
    };
    Node {
        id: h.env.new_id(),
        code: code.into(),
        level,
        parent,
        unit,
        name: format!("节点{code}"),
        claims: claims.iter().map(taken).collect(),
        from: Date::constant(2026, 1, 1),
        to: Date::constant(2026, 12, 31),
        version: 0,
    }
}

#[tokio::test]
async fn numbers_roll_up_the_tree_and_open_to_their_rows() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
        let by = (&eyes, &actor);
        let top = node(&h, "01", Level::Strategy, None, h.bureau, &[]);
        h.campaigns.keep_node(&top, "", by).await.unwrap();
        let line = node(
            &h,
            "01.1",
            Level::Line,
            Some(top.id),
            h.bureau,
            &[("activities", &["friday-study"])],
        );
        h.campaigns.keep_node(&line, "", by).await.unwrap();
        // The same claim of the same unit on the same days counts once; another unit is another line.
        let project = node(
            &h,
            "01.1.1",
            Level::Project,
            Some(line.id),
            h.bureau,
            &[("activities", &["friday-study"]), ("problems", &[])],
        );
        h.campaigns.keep_node(&project, "", by).await.unwrap();
        let other = node(
            &h,
            "01.2",
            Level::Line,
            Some(top.id),
            h.offices[0],
            &[("activities", &["friday-study"])],
        );
        h.campaigns.keep_node(&other, "", by).await.unwrap();
        // What stands lower cannot hold what stands higher; codes are taken once.
        let wrong = node(&h, "02", Level::Line, Some(project.id), h.bureau, &[]);
        assert!(matches!(
            h.campaigns.keep_node(&wrong, "", by).await,
            Err(Error::Invalid(_))
        ));
        let twice = node(&h, "01", Level::Line, None, h.bureau, &[]);
        assert!(matches!(
            h.campaigns.keep_node(&twice, "", by).await,
            Err(Error::Invalid(_))
        ));
        let day = Date::constant(2026, 11, 6);
        for unit in [h.offices[0], h.offices[1]] {
            h.fact("held", "friday-study", unit, day, h.env.new_id())
                .await;
        }
        h.fact("held", "party-lecture", h.offices[0], day, h.env.new_id())
            .await;
        h.fact("case", "problem", h.offices[2], day, h.env.new_id())
            .await;
        let rolled = h.campaigns.rolled(top.id, &eyes).await.unwrap();
        let numbers: Vec<i64> = rolled.lines.iter().map(|l| l.cell.n).collect();
        assert_eq!(rolled.subtree.len(), 4);
        assert_eq!(numbers.iter().sum::<i64>(), 2 + 1 + 1, "{numbers:?}");
        assert_eq!(rolled.lines.len(), 3, "what two claim alike stands once");
        // Campaigns hang on nodes.
        let new = New {
            id: h.env.new_id(),
            kind: "quality".into(),
            unit: h.bureau,
            parent: None,
            node: Some(project.id),
            content: h.content("素质提升"),
        };
        h.campaigns.create(&new, &eyes, &actor).await.unwrap();
        let rolled = h.campaigns.rolled(top.id, &eyes).await.unwrap();
        assert_eq!(rolled.campaigns.len(), 1);
        // A change keeps history and wants a reason; an old look is refused; the far office sees nothing.
        let mut changed = rolled.node.clone();
        changed.name = "强基工程".into();
        assert!(matches!(
            h.campaigns.keep_node(&changed, "", by).await,
            Err(Error::Invalid(_))
        ));
        h.campaigns.keep_node(&changed, "改名", by).await.unwrap();
        assert!(matches!(
            h.campaigns.keep_node(&changed, "改名", by).await,
            Err(Error::Conflict(_))
        ));
        let rolled = h.campaigns.rolled(top.id, &eyes).await.unwrap();
        assert_eq!(
            (rolled.events.len(), rolled.node.name.as_str()),
            (2, "强基工程")
        );
        assert!(matches!(
            h.campaigns.rolled(top.id, &h.far.eyes()).await,
            Err(Error::NotFound)
        ));
    })
    .await;
}
