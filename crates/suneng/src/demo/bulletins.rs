//! Bulletins of the demo: two that are published, one that waits for its review.

use ::bulletins::{Given, New, Verdict};
use kernel::{AccountId, Error, Result, Scope};

use crate::World;
use crate::rooms::Rooms;

/// Title, section, text; the last one waits.
const TEXTS: [(&str, &str, &str); 3] = [
    (
        "政治部组织周五集中学习",
        "training",
        "政治部按计划组织周五集中学习，逐条学习新修订的法律条文。\n与会人员结合手头案件交流办理中的疑难问题，形成三条改进措施。",
    ),
    (
        "政治部开展文书互评",
        "experience",
        "政治部组织文书互评，随机抽取本季度文书交叉评阅。\n评阅意见当场反馈，共性问题列入下月学习内容。",
    ),
    (
        "政治部开展岗位练兵",
        "news",
        "政治部开展岗位练兵，以模拟听证的方式检验学习效果。",
    ),
];

/// Writes them; the leader publishes all but the last.
pub async fn write(world: &World, rooms: &Rooms) -> Result<()> {
    let unit = world.organization.unit_by_code("LZ01", &Scope::All).await?;
    let account = async |login: &str| -> Result<AccountId> {
        let account = rooms.identity.account_by_login(login).await?;
        Ok(account.ok_or(Error::NotFound)?.id)
    };
    let (clerk, leader) = (account("clerk").await?, account("leader").await?);
    for (at, (title, section, text)) in TEXTS.into_iter().enumerate() {
        let new = New {
            id: world.env.new_id(),
            kind: "work-bulletin".to_owned(),
            unit: unit.id,
            given: Given {
                title: title.to_owned(),
                section: section.to_owned(),
                text: text.to_owned(),
                author: "LZ0102".to_owned(),
                house: true,
                to: ["局领导".to_owned(), String::new(), "局属各单位".to_owned()],
                ..Given::default()
            },
            propose: true,
        };
        let id = rooms.bulletins.write(&new, &Scope::All, clerk).await?;
        if at + 1 < TEXTS.len() {
            let publish = Verdict::Publish(None);
            let done = rooms.bulletins.decide(id, 1, publish, &Scope::All, leader);
            done.await?;
        }
    }
    Ok(())
}
