//! The people of the city: posts, classes, levels, states, second posts, secondments, transfers.

use jiff::ToSpan;
use kernel::Date;
use organization::{Nature, PersonRow, Rows, TraitRow, UnitRow};

use super::city::{Place, Service};
use super::{chance, names};

/// Somebody, as they are imported first.
pub struct Someone {
    /// Staff number: it begins with the code of the unit.
    pub staff_no: String,
    /// Name.
    pub name: String,
    /// Code of the unit.
    pub unit: String,
    /// Its ways.
    pub service: Service,
    /// Place in the unit, from 1.
    pub rank: usize,
    /// Post.
    pub post: String,
    /// Values of attributes.
    pub traits: Vec<(&'static str, &'static str)>,
    /// First day.
    pub from: Date,
}

impl Someone {
    /// Whether an attribute has a value.
    pub fn is(&self, attribute: &str, value: &str) -> bool {
        self.traits.contains(&(attribute, value))
    }
}

/// Whether the bureau's study relies on the rosters of a unit: its people stay where they are.
fn settled(place: &Place) -> bool {
    place.service == Service::Justice
}

/// Everybody, in the order of the units. Nobody of the bureau began after `first`.
pub fn people(places: &[Place], first: Date, today: Date) -> Vec<Someone> {
    let mut people = Vec::new();
    for place in places {
        for rank in 1..=place.people {
            let n = people.len() as i64;
            let years = 1 + chance(n, rank, 3) / 4;
            let mut from = first
                .saturating_sub(years.years())
                .saturating_sub((n % 300).days());
            // Probation is a year: whoever is on it began within the last one.
            let young = rank > 3 && !settled(place) && chance(n, rank, 4) < 4;
            if young {
                from = today.saturating_sub((20 + chance(n, rank, 5) * 3).days());
            }
            let (post, traits) = describe(place, rank, n, young);
            // The bureau's own people are numbered 00, so that a staff number tells the unit.
            let staff_no = match place.service {
                Service::Justice if place.code == "LZ" => format!("LZ00{rank:02}"),
                Service::Justice => format!("{}{rank:02}", place.code),
                _ => format!("{}{rank:03}", place.code),
            };
            people.push(Someone {
                staff_no,
                name: names::name(n),
                unit: place.code.clone(),
                service: place.service,
                rank,
                post,
                traits,
                from,
            });
        }
    }
    people
}

/// What people do beside their post.
const SECOND_POSTS: [&str; 4] = ["兼职法律顾问", "兼职讲师", "政策研究组成员", "保密督查员"];

/// What the head of a unit is called, by the end of its name.
fn head(place: &Place) -> &'static str {
    let ends = [
        ("检察院", "检察长"),
        ("法院", "院长"),
        ("医院", "院长"),
        ("福利院", "院长"),
        ("学院", "院长"),
        ("司法所", "所长"),
        ("派出所", "所长"),
        ("监督所", "所长"),
        ("支队", "支队长"),
        ("中学", "校长"),
        ("党校", "校长"),
        ("图书馆", "馆长"),
        ("馆", "馆长"),
        ("庭", "庭长"),
        ("科", "科长"),
        ("处", "处长"),
        ("公司", "董事长"),
        ("政法委员会", "书记"),
        ("检查委员会", "书记"),
        ("共青团澜州市委员会", "书记"),
        ("机关党委", "专职副书记"),
        ("联合会", "主席"),
        ("总工会", "主席"),
        ("协会", "主席"),
        ("红十字会", "会长"),
        ("法学会", "会长"),
        ("检察部", "主任"),
        ("政治部", "主任"),
        ("部", "部长"),
        ("台", "台长"),
        ("分局", "局长"),
        ("局", "局长"),
    ];
    let found = ends.iter().find(|(end, _)| place.name.ends_with(end));
    found.map_or("主任", |(_, head)| head)
}

type Described = (String, Vec<(&'static str, &'static str)>);

fn describe(place: &Place, rank: usize, n: i64, young: bool) -> Described {
    let luck = |of| chance(n, rank, of);
    let any = |list: &[&'static str], of: usize| list[luck(of) as usize % list.len()];
    let agency = place.parent == super::city::CITY;
    let head = head(place);
    let deputies = match place.people {
        // An agency that has offices keeps its leading group apart.
        n if agency && place.code.len() == 2 => n,
        // Clerk and staff of the demo are ordinary people.
        _ if place.code == "LZ01" => 0,
        0..=12 => 1,
        _ => 2,
    };
    let inner = ["政治部", "办公室", "审判管理办公室", "指挥中心"].contains(&place.name.as_str());
    let leads = rank <= 1 + deputies;
    let post = match (rank, place.service) {
        (1, _) => head.to_owned(),
        (_, Service::Company) if leads => "副总经理".to_owned(),
        _ if leads && head == "专职副书记" => "副书记".to_owned(),
        _ if leads => format!("副{head}"),
        (_, Service::Police) if young => "见习民警".to_owned(),
        (_, Service::Court | Service::Procuratorate) if young => "书记员".to_owned(),
        _ if young => "试用期人员".to_owned(),
        (_, Service::Court) if !inner => any(
            &[
                "审判员",
                "审判员",
                "法官助理",
                "法官助理",
                "书记员",
                "司法警察",
            ],
            11,
        )
        .into(),
        (_, Service::Procuratorate) if !inner => any(
            &["检察员", "检察员", "检察官助理", "检察官助理", "书记员"],
            11,
        )
        .into(),
        (_, Service::Police) => any(
            &[
                "一级警长",
                "二级警长",
                "三级警长",
                "四级警长",
                "一级警员",
                "二级警员",
                "辅警",
            ],
            11,
        )
        .into(),
        (_, Service::Institution) => any(
            &["业务骨干", "项目主管", "专业技术人员", "综合管理人员"],
            11,
        )
        .into(),
        (_, Service::Company) => any(
            &["部门经理", "项目经理", "业务主管", "法务专员", "职员"],
            11,
        )
        .into(),
        _ if place.category == "司法所" && luck(12) < 45 => "人民调解员".to_owned(),
        _ if place.code == "LZ21" && luck(12) < 60 => "专职律师".to_owned(),
        _ => any(
            &[
                "一级主任科员",
                "二级主任科员",
                "三级主任科员",
                "四级主任科员",
                "一级科员",
                "二级科员",
            ],
            11,
        )
        .into(),
    };
    let class = match (place.service, post.as_str()) {
        (_, "人民调解员") => "mediator",
        (_, "专职律师") => "lawyer",
        (Service::Court | Service::Procuratorate, _) if inner => "judicial-administration",
        (_, "法官助理" | "检察官助理" | "书记员") => "judicial-assistant",
        (Service::Court, "司法警察") => "judicial-assistant",
        (Service::Court, _) => "judge",
        (Service::Procuratorate, _) => "prosecutor",
        (_, "辅警") => "auxiliary-police",
        (Service::Police, _) => "police",
        (Service::Institution, _) => "public-institution",
        (Service::Company, _) => "contract",
        _ => "civil-servant",
    };
    let level = match (agency, rank) {
        (true, 1) if place.service == Service::Court => "bureau",
        (true, _) if leads => "county",
        (_, _) if leads || post.contains("主任科员") || post.contains("警长") => "township",
        _ => "staff",
    };
    let political = match luck(13) {
        0..=77 => "party-member",
        78..=80 => "probationary-member",
        81..=88 => "league-member",
        _ => "other",
    };
    let state = match luck(14) {
        _ if young => "probation",
        0..=95 => "on-duty",
        _ if leads => "on-duty",
        96 | 97 => "leave",
        _ => "study",
    };
    let mut traits = vec![
        ("class", class),
        ("level", level),
        ("political", if leads { "party-member" } else { political }),
        ("state", state),
    ];
    match (agency, rank) {
        (true, 1) => traits.push(("leading", "chief")),
        (true, _) if leads => traits.push(("leading", "deputy")),
        (_, 1) => traits.push(("leading", "middle")),
        _ => {}
    }
    (post, traits)
}

fn row(someone: &Someone) -> PersonRow {
    PersonRow {
        staff_no: someone.staff_no.as_str().into(),
        name: someone.name.as_str().into(),
        unit: someone.unit.as_str().into(),
        post: someone.post.clone(),
        from: Some(someone.from).into(),
        to: None.into(),
        primary: true,
        nature: Default::default(),
        traits: Vec::new(),
    }
}

/// The month of birth: whoever leads is older, nobody began before 22, nobody is 60.
fn birth(n: usize, someone: &Someone, today: Date) -> String {
    let luck = |of, most: i64| chance(n as i64, of, 31) * most / 100;
    let age = match someone.rank {
        1 => 44 + luck(32, 14),
        2..=4 => 38 + luck(33, 18),
        _ => 24 + luck(34, 32),
    };
    let served = i64::from(today.year() - someone.from.year());
    let year = i64::from(today.year()) - age.max(served + 23);
    format!("{year:04}-{:02}", 1 + luck(35, 12))
}

/// The units and everybody with their assignments, and the staff numbers of those who are seconded today.
pub fn beginning(
    places: &[Place],
    people: &[Someone],
    first: Date,
    today: Date,
) -> (Rows, Vec<String>) {
    let founded = Date::constant(1984, 7, 1);
    let units = (1_i64..).zip(places).map(|(sort, place)| UnitRow {
        parent: place.parent.into(),
        code: place.code.as_str().into(),
        name: place.name.as_str().into(),
        category: place.category.into(),
        sort: Some(sort),
        from: Some(founded),
        to: None.into(),
        credit_code: None.into(),
    });
    let mut rows = Rows {
        units: units.collect(),
        ..Rows::default()
    };
    let mut seconded = Vec::new();
    for (n, someone) in people.iter().enumerate() {
        let mut first_row = row(someone);
        let began = |(code, value): &(&str, &'static str)| TraitRow {
            code: (*code).to_owned(),
            // What is passing came later.
            value: if ["leave", "study"].contains(value) {
                "on-duty"
            } else {
                value
            }
            .into(),
            from: Some(someone.from),
            fills: false,
        };
        first_row.traits = someone.traits.iter().map(began).collect();
        first_row.traits.push(TraitRow {
            code: "birth".to_owned(),
            value: birth(n, someone, today).into(),
            // The same for ever.
            from: Some(Date::constant(1900, 1, 1)),
            fills: false,
        });
        rows.persons.push(first_row);
        let luck = chance(n as i64, 21, 22);
        let elsewhere = &people[(n * 37 + 811) % people.len()];
        let since = today.saturating_sub((30 + n as i64 % 270).days());
        if elsewhere.unit == someone.unit || someone.from >= first || someone.rank < 4 {
            continue;
        }
        let mut other = row(someone);
        other.unit = elsewhere.unit.as_str().into();
        other.from = Some(since).into();
        other.primary = false;
        let (alike, bureau) = (
            elsewhere.service == someone.service,
            someone.service == Service::Justice,
        );
        match luck {
            // The bureau's people stay: its rosters are those of the first day. Others go where their post exists.
            0..=11 if alike && !bureau => other.primary = true,
            12 | 13 => SECOND_POSTS[n % SECOND_POSTS.len()].clone_into(&mut other.post),
            14 | 15 => {
                other.nature = Nature::Secondment;
                other.to = Some(today.saturating_add((30 + n as i64 % 150).days())).into();
                seconded.push(someone.staff_no.clone());
            }
            _ => continue,
        }
        rows.persons.push(other);
    }
    (rows, seconded)
}

/// What became of people since: long leave, studies, secondments, promotions.
pub fn since(people: &[Someone], seconded: &[String], today: Date) -> Rows {
    let mut rows = Rows::default();
    for (n, someone) in people.iter().enumerate() {
        let luck = chance(n as i64, 31, 32);
        let passing = ["leave", "study"]
            .into_iter()
            .find(|s| someone.is("state", s));
        let rises =
            luck < 4 && someone.is("level", "staff") && someone.is("class", "civil-servant");
        let (code, value) = match passing {
            _ if seconded.contains(&someone.staff_no) => ("state", "seconded"),
            Some(state) => ("state", state),
            None if rises => ("level", "township"),
            None => continue,
        };
        let mut known = row(someone);
        known.traits = vec![TraitRow {
            code: code.to_owned(),
            value: value.into(),
            from: Some(today.saturating_sub((10 + luck * 3).days())),
            fills: false,
        }];
        rows.persons.push(known);
    }
    rows
}
