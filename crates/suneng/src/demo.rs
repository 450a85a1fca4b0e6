//! `suneng demo`: an invented city's justice bureau with two years of Friday study, one account for each
//! role, served at once. The only place with sample data.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use activities::{Mark, New, Role};
use identity::{Actor, Identity, NewAccount, NewGrant, NewPassword};
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{
    Calendar, Date, Env, Error, Period, PeriodKind, Result, Scope, Shift, TestClock, Timestamp,
    UnitId,
};
use organization::{NewAssignment, PersonChange, PersonRow, Rows, UnitRow};

use crate::rooms::{Rooms, Vocabulary};
use crate::texts::{Texts, say};
use crate::world::{load_packs, not_written, pack_errors};
use crate::{Config, World, serve};

/// What is printed about the accounts is kept beside the data, for the next start.
pub const ACCOUNTS_FILE: &str = "demo-accounts.txt";
/// How many weeks of study lie behind.
const WEEKS: i64 = 96;

/// Login, role, unit code, staff number.
const ACCOUNTS: [(&str, &str, &str, Option<&str>); 9] = [
    ("officer", "training-officer", "LZ", Some("LZ0101")),
    ("clerk", "clerk", "LZ01", Some("LZ0102")),
    ("leader", "leader", "LZ", Some("LZ0001")),
    ("supervisor", "supervisor", "LZ", Some("LZ0201")),
    ("personnel", "personnel-officer", "LZ", Some("LZ0104")),
    ("staff", "staff", "LZ01", Some("LZ0103")),
    ("sysadmin", "system-admin", "LZ", None),
    ("secadmin", "security-admin", "LZ", None),
    ("auditor", "auditor", "LZ", None),
];

/// Makes the demo when the folder has none, prints the accounts, and serves.
pub async fn run(config: Config, env: Env, texts: &Texts) -> Result<()> {
    let file = config.data.join(ACCOUNTS_FILE);
    let accounts = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(_) => {
            say(texts.get("demo-filling"));
            fill(&config, &env).await?
        }
    };
    say(format_args!(
        "{}\n{}",
        texts.get("demo-accounts"),
        accounts.trim_end()
    ));
    serve::run(config, env, texts).await
}

/// Fills an empty data folder; gives the lines about the accounts. The file that says it is done is
/// written last, so a run that was cut off is refused rather than served half filled.
pub async fn fill(config: &Config, env: &Env) -> Result<String> {
    let today = env.today();
    // Facts are entered on the evening of their day, as they would have been.
    let first = Period::containing(PeriodKind::Week, today)
        .from
        .saturating_sub(WEEKS.weeks());
    let clock = TestClock::at(evening(first, env));
    let past = Env::with_clock(clock.clone());
    let packs = load_packs(config).map_err(pack_errors)?;
    let vocabulary = Vocabulary::read(&packs).map_err(pack_errors)?;
    let calendar = commons::packs::holidays::calendar(&packs).map_err(pack_errors)?;
    let (world, _) = World::create(config.clone(), past.clone()).await?;
    if !world.organization.units(&Scope::All).await?.is_empty() {
        return Err(Error::Conflict(
            kernel::Msg::new("demo-not-empty").with("folder", config.data.display()),
        ));
    }
    let rooms = Rooms::open(&world, vocabulary).await?;
    world
        .organization
        .import(&organization_rows(first), &Scope::All, None)
        .await?;
    open_accounts(&world, &rooms.identity, first).await?;
    study(&world, &rooms, &clock, &calendar, first, today).await?;
    world.ledger.settle().await?;
    clock.advance((env.now().0 - past.now().0) / Timestamp::SECOND);
    ask(&world, &rooms).await?;
    // Passwords are chosen today: two years ago they would have to be changed first.
    let settings = config.security.clone();
    let identity = Identity::new(world.db.clone(), env.clone(), settings);
    let lines = set_passwords(&world, &identity, env).await?;
    world.db.close().await;
    let text = lines.join("\n") + "\n";
    write_private(&config.data.join(ACCOUNTS_FILE), &text)?;
    Ok(text)
}

fn evening(date: Date, env: &Env) -> Timestamp {
    let at = date.at(18, 30, 0, 0).to_zoned(env.zone().clone());
    at.map_or(Timestamp(0), |z| Timestamp(z.timestamp().as_microsecond()))
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all()))
        .map_err(|e| not_written(path, &e))
}

/// Somebody asks for a second post, so that there is something to decide.
async fn ask(world: &World, rooms: &Rooms) -> Result<()> {
    let (today, all) = (world.env.today(), Scope::All);
    let staff = rooms.identity.account_by_login("staff").await?;
    let Some((account, person)) = staff.and_then(|a| Some((a.id, a.person?))) else {
        return Ok(());
    };
    let change = PersonChange::Assign(NewAssignment {
        unit: world.organization.unit_by_code("LZ02", &all).await?.id,
        post: "法治督察员".to_owned(),
        from: today,
        to: None,
        primary: false,
    });
    let by = approvals::By {
        person,
        account,
        on_behalf: None,
        address: String::new(),
    };
    let (org, ids) = (&world.organization, (world.env.new_id(), person));
    let note = "澜司发〔2026〕12号".to_owned();
    org.ask_change(&rooms.approvals, &rooms.attributes, ids, change, note, &by)
        .await
        .map(|_| ())
}

/// Units below the bureau: code, name, category, number of people.
const UNITS: [(&str, &str, &str, &str, u32); 23] = [
    ("", "LZ", "澜州市司法局", "市局", 4),
    ("LZ", "LZ01", "政治部", "处室", 20),
    ("LZ", "LZ02", "法治调研督察处", "处室", 9),
    ("LZ", "LZ03", "社区矫正管理处", "处室", 11),
    ("LZ", "LZ04", "公共法律服务处", "处室", 12),
    ("LZ", "LZ05", "行政复议应诉处", "处室", 10),
    ("LZ", "LZ06", "机关党委", "处室", 6),
    ("LZ", "LZ11", "东湖区司法局", "县区局", 14),
    ("LZ11", "LZ1101", "柳浪司法所", "司法所", 5),
    ("LZ11", "LZ1102", "望津司法所", "司法所", 4),
    ("LZ", "LZ12", "西陵区司法局", "县区局", 12),
    ("LZ12", "LZ1201", "石门司法所", "司法所", 5),
    ("LZ12", "LZ1202", "桥头司法所", "司法所", 4),
    ("LZ", "LZ13", "云岭县司法局", "县区局", 13),
    ("LZ13", "LZ1301", "茶亭司法所", "司法所", 4),
    ("LZ13", "LZ1302", "北坡司法所", "司法所", 4),
    ("LZ", "LZ14", "临江县司法局", "县区局", 12),
    ("LZ14", "LZ1401", "渡口司法所", "司法所", 5),
    ("LZ14", "LZ1402", "沙洲司法所", "司法所", 3),
    ("LZ", "LZ15", "青屏县司法局", "县区局", 11),
    ("LZ15", "LZ1501", "屏山司法所", "司法所", 4),
    ("LZ15", "LZ1502", "溪口司法所", "司法所", 4),
    ("LZ", "LZ21", "澜州市法律援助中心", "直属单位", 8),
];

const SURNAMES: [&str; 24] = [
    "林", "陈", "周", "吴", "郑", "沈", "韩", "许", "何", "吕", "施", "孔", "曹", "严", "华", "金",
    "魏", "陶", "姜", "戚", "谢", "邹", "喻", "柏",
];
const GIVEN: [&str; 30] = [
    "晓岚", "思远", "若溪", "明川", "静怡", "建平", "雨桐", "志衡", "清和", "海宁", "书言", "立夏",
    "知行", "安澜", "文博", "云舒", "景行", "亦凡", "望舒", "嘉树", "怀瑾", "子衿", "南星", "可欣",
    "长风", "予安", "秋白", "一鸣", "念慈", "松年",
];

/// A name that fits the number; invented by joining.
fn name(n: usize) -> String {
    format!(
        "{}{}",
        SURNAMES[(n * 7 + n / 24) % SURNAMES.len()],
        GIVEN[(n * 11 + n / 30) % GIVEN.len()]
    )
}

fn organization_rows(first: Date) -> Rows {
    let from = first.saturating_sub(1.year());
    let mut rows = Rows {
        units: Vec::new(),
        persons: Vec::new(),
        unread: Vec::new(),
    };
    let mut n = 0;
    for (parent, code, unit_name, category, people) in UNITS {
        rows.units.push(UnitRow {
            parent: parent.to_owned().into(),
            code: code.to_owned().into(),
            name: unit_name.to_owned().into(),
            category: category.to_owned().into(),
            sort: None,
            from: Some(from),
            to: None.into(),
        });
        for number in 1..=people {
            let post = match number {
                1 => "负责人",
                2 => "副职",
                _ => "工作人员",
            };
            // The bureau's own people are numbered 00, so that a staff number tells the unit.
            let prefix = if code == "LZ" { "LZ00" } else { code };
            rows.persons.push(PersonRow {
                staff_no: format!("{prefix}{number:02}").into(),
                name: name(n).into(),
                unit: code.to_owned().into(),
                post: post.to_owned(),
                from: Some(from).into(),
                to: None.into(),
                primary: true,
                traits: Vec::new(),
            });
            n += 1;
        }
    }
    rows
}

async fn open_accounts(world: &World, identity: &Identity, from: Date) -> Result<()> {
    for (login, role, unit, staff_no) in ACCOUNTS {
        let unit = world.organization.unit_by_code(unit, &Scope::All).await?;
        let person = match staff_no {
            Some(staff_no) => Some(identity.person_by_staff_no(staff_no, &Scope::All).await?),
            None => None,
        };
        let new = NewAccount {
            login: login.to_owned(),
            person,
            unit: None,
            password: NewPassword::None,
            grants: vec![NewGrant {
                role: role.to_owned(),
                unit: unit.id,
                from,
                to: None,
            }],
        };
        identity
            .create_account(&Actor::default(), &new, &Scope::All)
            .await?;
    }
    Ok(())
}

/// Gives every account a password; only those that are printed have one.
async fn set_passwords(world: &World, identity: &Identity, env: &Env) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let roles = identity.roles().await?;
    for (login, role, unit, _) in ACCOUNTS {
        let unit = world.organization.unit_by_code(unit, &Scope::All).await?;
        let account = identity.account_by_login(login).await?;
        let account = account.ok_or(Error::NotFound)?.id;
        let password = password(env);
        let actor = Actor::default();
        identity.set_password(&actor, account, &password).await?;
        let role_name = roles
            .iter()
            .find(|r| r.code == role)
            .map_or(role, |r| r.name.zh.as_str());
        lines.push(format!(
            "  {login:<11} {password}  {role_name}（{}）",
            unit.name
        ));
    }
    Ok(lines)
}

/// Four letters, four digits, four letters of mixed case: easy to type, different in every demo.
fn password(env: &Env) -> String {
    let bytes = env.random::<12>();
    let letter = |b: u8| char::from(b"abcdefghjkmnpqrstuvwxyz"[usize::from(b) % 23]);
    let digit = |b: u8| char::from(b'2' + b % 8);
    let mut text = String::new();
    text.push(letter(bytes[0]).to_ascii_uppercase());
    text.extend(bytes[1..4].iter().map(|b| letter(*b)));
    text.push('-');
    text.extend(bytes[4..8].iter().map(|b| digit(*b)));
    text.push('-');
    text.extend(bytes[8..12].iter().map(|b| letter(*b)));
    text
}

/// A number between 0 and 99 that depends on what it is asked for and on nothing else.
fn chance(a: i64, b: usize, c: usize) -> i64 {
    let mut x = (a as u64) ^ ((b as u64) << 20) ^ ((c as u64) << 40) ^ 0x9e37_79b9_7f4a_7c15;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) % 100) as i64
}

/// Records every week of every unit that is bound, as its clerk would have done. The political
/// department's last week is left open: it is the one to try.
async fn study(
    world: &World,
    rooms: &Rooms,
    clock: &Arc<TestClock>,
    calendar: &Calendar,
    first: Date,
    today: Date,
) -> Result<()> {
    let clerk = rooms
        .identity
        .account_by_login("clerk")
        .await?
        .ok_or(Error::NotFound)?
        .id;
    let bound: Vec<(UnitId, String)> = world
        .organization
        .units(&Scope::All)
        .await?
        .into_iter()
        .filter(|u| ["处室", "县区局", "直属单位"].contains(&u.category.as_str()))
        .map(|u| (u.id, u.code))
        .collect();
    let mut rosters = Vec::new();
    for (unit, code) in &bound {
        rosters.push((
            *unit,
            code.as_str(),
            world
                .organization
                .roster(*unit, first, true, &Scope::All)
                .await?,
        ));
    }
    for week in 0..=WEEKS {
        let monday = first.saturating_add(week.weeks());
        let friday = calendar.shift(monday.saturating_add(4.days()), Shift::Earlier);
        if !Period::containing(PeriodKind::Week, monday).contains(friday) || friday > today {
            continue;
        }
        let now = evening(friday, &world.env);
        clock.advance((now.0 - world.env.now().0) / Timestamp::SECOND);
        for (u, (unit, code, roster)) in rosters.iter().enumerate() {
            let last_for_trying = *code == "LZ01" && friday.saturating_add(7.days()) > today;
            // Weaker units skip a week now and then; the year before was a little weaker everywhere.
            let diligence = if *code == "LZ15" { 86 } else { 97 } - i64::from(week < WEEKS / 2) * 4;
            if last_for_trying || chance(week, u, 999) >= diligence {
                continue;
            }
            let marks = roster
                .iter()
                .enumerate()
                .map(|(p, line)| {
                    let luck = chance(week, u, p);
                    let role = match luck {
                        0..=92 => Role::Present,
                        93..=97 => Role::Leave,
                        _ => Role::Absent,
                    };
                    Mark {
                        person: line.person,
                        role,
                    }
                })
                .collect();
            let new = New {
                id: world.env.new_id(),
                kind: "friday-study".into(),
                host: *unit,
                title: TOPICS[(week as usize + u) % TOPICS.len()].into(),
                date: friday,
                starts: Time::constant(15, 0, 0, 0),
                ends: Time::constant(16, 30, 0, 0),
                location: "会议室".into(),
                marks,
                observers: Vec::new(),
                another: false,
            };
            rooms.activities.record(&new, &Scope::All, clerk).await?;
        }
        world.ledger.settle().await?;
    }
    Ok(())
}

const TOPICS: [&str; 8] = [
    "周五集中学习：行政复议法条文精讲",
    "周五集中学习：社区矫正工作规范",
    "周五集中学习：人民调解典型案例",
    "周五集中学习：公文写作常见错误",
    "周五集中学习：保密纪律与网络安全",
    "周五集中学习：法律援助办案质量",
    "周五集中学习：行政执法监督要点",
    "周五集中学习：群众工作方法",
];
