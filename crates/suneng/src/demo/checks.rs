//! What the bureau of the demo is in the middle of: a campaign, a self-check of its offices with what it found, letters
//! that some have signed.

use std::collections::BTreeMap;

use campaigns::{Act, Content, Measure, New, Taken};
use commitments::{NewRound, Whom};
use identity::Actor;
use inspections::{Fields, NewPlan, Put, Reach, Repeats, Said, Way};
use jiff::ToSpan;
use kernel::{AccountId, Error, Id, PersonId, Result, Scope};

use crate::World;
use crate::rooms::Rooms;

/// Logins of those who sign their letter at once.
const SIGNERS: [&str; 2] = ["clerk", "officer"];
/// The checklist of the self-check, and what two of the offices found: item, whether it was mended at once, words.
const FORM: &str = "eight-rules";
const FOUND: [(usize, &str, Way, &str); 3] = [
    (0, "rules-meetings", Way::Case, "季度会议比计划多开两次"),
    (1, "rules-visits", Way::Mended, "已改为自行前往"),
    (1, "rules-reception", Way::Case, "两次接待缺少公函"),
];
/// Offices that have not handed in yet.
const OPEN: usize = 2;

async fn account(rooms: &Rooms, login: &str) -> Result<(AccountId, PersonId)> {
    let account = rooms.identity.account_by_login(login).await?;
    let account = account.ok_or(Error::NotFound)?;
    Ok((account.id, account.person.ok_or(Error::NotFound)?))
}

/// A campaign of the bureau in its second phase.
pub async fn campaign(world: &World, rooms: &Rooms) -> Result<()> {
    let (officer, person) = account(rooms, "officer").await?;
    let bureau = world.organization.unit_by_code("LZ", &Scope::All).await?;
    let room = &rooms.campaigns;
    let kinds = room.kinds();
    let kind = kinds.get("governance").ok_or(Error::NotFound)?;
    let from = world.env.today().saturating_sub(25.days());
    let (phases, to) = Content::laid_out(kind, from);
    let mut claims = Vec::new();
    for track in &kind.tracks {
        for code in &track.claims {
            claims.push(Taken {
                track: track.code.clone(),
                claim: kinds.claim(code).ok_or(Error::NotFound)?.clone(),
                categories: Vec::new(),
            });
        }
    }
    let all = || Scope::Under(vec![bureau.id]);
    let units = world.organization.units(&all()).await?;
    let offices: Vec<_> = units
        .iter()
        .filter(|u| u.parent == Some(bureau.id))
        .map(|u| u.id)
        .collect();
    let measure = |(no, text, days): (i64, &str, i64)| Measure {
        no,
        text: text.to_owned(),
        unit: offices[no as usize % offices.len()],
        due: from.saturating_add(days.days()),
    };
    let measures = [
        (1, "各处室完成自查并列出问题清单", 15),
        (2, "重点检查窗口和基层司法所", 38),
        (3, "修订首问负责、限时办结制度", 60),
    ];
    let new = New {
        id: world.env.new_id(),
        kind: kind.code.clone(),
        unit: bureau.id,
        parent: None,
        node: None,
        content: Content {
            title: "窗口服务作风专项治理".to_owned(),
            goals: "群众等候时间缩短，首次回复不超时，问题逐件销号。".to_owned(),
            group: None,
            office: None,
            lead: Some(person),
            from,
            to,
            phases,
            measures: measures.map(measure).into(),
            claims,
        },
    };
    let eyes = campaigns::Eyes {
        account: officer,
        person: Some(person),
        reads: all(),
        plans: all(),
        reports: all(),
        scores: Scope::nothing(),
    };
    let actor = Actor::from(officer);
    let by = (&eyes, &actor);
    let id = room.create(&new, &eyes, &actor).await?;
    room.name_units(id, &offices, by).await?;
    if let Some(last) = offices.last() {
        room.set_taking(id, *last, false, "不设对外服务窗口", by)
            .await?;
    }
    room.act(id, None, Act::Start, "", by).await?;
    let on = from.saturating_add(14.days());
    room.measure_done(id, 1, on, "问题清单已汇总", by).await
}

/// A self-check of the offices: most have handed in, two found something.
pub async fn self_check(world: &World, rooms: &Rooms) -> Result<()> {
    let (officer, person) = account(rooms, "officer").await?;
    let bureau = world.organization.unit_by_code("LZ", &Scope::All).await?;
    let (room, actor) = (&rooms.inspections, Actor::from(officer));
    let all = || Scope::Under(vec![bureau.id]);
    let today = world.env.today();
    let plan = NewPlan {
        id: world.env.new_id(),
        kind: "self".to_owned(),
        host: bureau.id,
        form: FORM.to_owned(),
        title: "落实中央八项规定精神情况自查".to_owned(),
        basis: "年度监督检查计划".to_owned(),
        opens: today,
        until: today.saturating_add(20.days()),
        repeats: Repeats::HalfYear,
        under: bureau.id,
        reach: Reach::Below,
        categories: vec!["处室".to_owned()],
        bodies: Vec::new(),
    };
    let id = room.plan(&plan, &all(), &actor).await?;
    let eyes = inspections::Eyes {
        account: officer,
        on_behalf: None,
        person: Some(person),
        reads: all(),
        plans: all(),
        fills: all(),
        reviews: Scope::nothing(),
    };
    let whole = room.whole(id, &eyes).await?;
    room.start((id, whole.plan.seq), &all(), &actor).await?;
    let whole = room.whole(id, &eyes).await?;
    let filled = whole.tasks.len().saturating_sub(OPEN);
    for (n, task) in whole.tasks.iter().take(filled).enumerate() {
        let form = room.standing(task.id, &eyes).await?.form;
        let of = |item: &str| {
            FOUND
                .iter()
                .find(|(at, code, ..)| (*at, *code) == (n, item))
        };
        let put = |code: &str| {
            let mut fields: Fields = Fields::new();
            let answer = if of(code).is_some() { "no" } else { "yes" };
            fields.push((format!("v-{code}"), answer.to_owned()));
            if let Some((.., words)) = of(code) {
                fields.push((format!("n-{code}"), (*words).to_owned()));
            }
            Put {
                seq: 0,
                item: code.to_owned(),
                fields,
                seen: None,
            }
        };
        let puts: Vec<Put> = form.items().map(|i| put(&i.code)).collect();
        room.put(task.id, "", &puts, &eyes).await?;
        let said = FOUND.iter().filter(|(at, ..)| *at == n);
        let said: Vec<Said> = said
            .map(|(_, item, way, words)| Said {
                owner: String::new(),
                item: (*item).to_owned(),
                way: *way,
                severity: String::new(),
                title: match way {
                    Way::Case => (*words).to_owned(),
                    Way::Mended => String::new(),
                },
                note: (*words).to_owned(),
            })
            .collect();
        room.hand_in(task.id, task.version, &said, (None, ""), &eyes, &actor)
            .await?;
    }
    Ok(())
}

/// Letters of the political department, for everybody in it.
pub async fn letters(world: &World, rooms: &Rooms) -> Result<Id> {
    let (officer, _) = account(rooms, "officer").await?;
    let unit = world.organization.unit_by_code("LZ01", &Scope::All).await?;
    let new = NewRound {
        id: world.env.new_id(),
        kind: "integrity-pledge".to_owned(),
        unit: unit.id,
        title: "年度廉洁从政承诺".to_owned(),
        due: world.env.today().saturating_add(14.days()),
        whom: Whom::All,
        replaces: None,
    };
    let room = &rooms.commitments;
    room.issue(&new, &Scope::All, &Actor::from(officer)).await
}

/// Some sign, with the passwords that were just printed.
pub async fn sign(rooms: &Rooms, lines: &[String]) -> Result<()> {
    for login in SIGNERS {
        let (account, person) = account(rooms, login).await?;
        let line = lines
            .iter()
            .find(|l| l.split_whitespace().next() == Some(login));
        let password = line.and_then(|l| l.split_whitespace().nth(1));
        let password = password.ok_or(Error::NotFound)?;
        for (letter, _) in rooms.commitments.waiting(person).await? {
            let given: BTreeMap<String, String> = BTreeMap::new();
            let actor = Actor::from(account);
            rooms
                .commitments
                .sign(letter.id, person, &given, password, &actor)
                .await?;
        }
    }
    Ok(())
}
