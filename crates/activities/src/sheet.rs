//! Sign-in sheets (签到表): the code that names an activity on paper, and a filled sheet read against the roster.

use std::collections::{BTreeMap, HashMap};

use commons::sheets::{self, Cell, Column, Limits};
use kernel::{FieldError, Id, Msg, PersonId, Result};
use organization::RosterEntry;

use crate::Role;

/// The code that names an activity or a plan on paper: forty bits of chance from its id, without letters that are
/// taken for digits.
pub fn short_code(id: impl Into<Id>) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let id: Id = id.into();
    let bits = id.0[11..]
        .iter()
        .fold(0u64, |bits, b| bits << 8 | u64::from(*b));
    let letter = |n: u32| char::from(LETTERS[(bits >> (35 - 5 * n) & 31) as usize]);
    let half = |from: u32| (from..from + 4).map(letter).collect::<String>();
    format!("{}-{}", half(0), half(4))
}

/// What a sheet says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    /// People of the roster with their parts.
    pub(crate) marks: Vec<(PersonId, Role)>,
    /// Minutes of those who have some of their own.
    pub(crate) minutes: BTreeMap<PersonId, i64>,
    /// Staff numbers of those who came beside the roster, with the cell and the minutes.
    pub(crate) others: Vec<(String, String, Option<i64>)>,
}

/// Columns, by the names people give them; the first one stands in what is downloaded.
pub(crate) const COLUMNS: [(&str, &[&str]); 6] = [
    ("no", &["工号", "警号", "人员编号", "Staff number"]),
    ("name", &["姓名", "Name"]),
    ("unit", &["单位", "部门", "Unit"]),
    (
        "part",
        &["到会情况", "出席情况", "参加情况", "签到情况", "Attendance"],
    ),
    (
        "minutes",
        &["时长（分钟）", "时长(分钟)", "时长", "分钟", "Minutes"],
    ),
    ("post", &["职务", "Post"]),
];

fn role_of(text: &str) -> Option<Role> {
    let text = text.to_lowercase();
    Some(match text.as_str() {
        "实到" | "到" | "到会" | "出席" | "参加" | "已签到" | "签到" | "是" | "√" | "✓" | "✔"
        | "1" | "present" => Role::Present,
        "请假" | "假" | "事假" | "病假" | "公假" | "leave" | "on leave" => Role::Leave,
        "缺席" | "缺" | "缺勤" | "未到" | "否" | "×" | "✗" | "0" | "absent" => {
            Role::Absent
        }
        "列席" | "旁听" | "observer" => Role::Observer,
        _ => return None,
    })
}

fn minutes_of(
    cell: &Cell<'_>,
    longest: i64,
    role: Role,
    errors: &mut Vec<FieldError>,
) -> Option<i64> {
    if cell.text.is_empty() || !role.studied() && cell.text == "0" {
        return None;
    }
    match cell.text.parse::<i64>() {
        Ok(minutes) if role.studied() && (1..=longest).contains(&minutes) => Some(minutes),
        _ => {
            let key = if role.studied() {
                "sheet-minutes-wrong"
            } else {
                "sheet-minutes-not-there"
            };
            errors.push(cell.error(Msg::new(key).with("most", longest)));
            None
        }
    }
}

/// Reads a sheet: who is on the roster is found by staff number, else by name, and by unit where a name is there more
/// than once. A row without a part says nothing yet.
///
/// # Errors
/// Every mistake by the address of its cell; nothing is taken then.
pub(crate) fn read(
    file: &str,
    bytes: &[u8],
    code: &str,
    roster: &[RosterEntry],
    longest: i64,
) -> Result<Filled> {
    let sheet = sheets::read(
        file,
        bytes,
        &Limits {
            rows: 5_000,
            ..Limits::default()
        },
    )?;
    // A sheet that was downloaded for a plan carries its code.
    let coded = sheet.name.len() == 9 && sheet.name.as_bytes()[4] == b'-';
    if coded && !code.is_empty() && sheet.name != code {
        let message = Msg::new("sheet-of-another").with("code", &sheet.name);
        return Err(kernel::Error::field("sheet", message));
    }
    let columns: Vec<Column<'_>> = COLUMNS
        .iter()
        .map(|(key, names)| Column::optional(key, names))
        .collect();
    let table = sheet.columns(&columns)?;
    if !table.has("no") && !table.has("name") {
        return Err(kernel::Error::field(
            "sheet",
            Msg::new("sheet-without-people"),
        ));
    }
    let by_number: HashMap<&str, &RosterEntry> =
        roster.iter().map(|l| (l.staff_no.as_str(), l)).collect();
    let mut by_name: HashMap<&str, Vec<&RosterEntry>> = HashMap::new();
    for line in roster {
        by_name.entry(line.name.as_str()).or_default().push(line);
    }
    let mut filled = Filled::default();
    let mut errors = Vec::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    for row in table.rows() {
        let (no, name, unit, part) = (
            row.get("no"),
            row.get("name"),
            row.get("unit"),
            row.get("part"),
        );
        let role = match (part.text, table.has("part")) {
            ("", true) => continue,
            (_, false) => Role::Present,
            (text, true) => match role_of(text) {
                Some(role) => role,
                None => {
                    errors.push(part.error(Msg::new("sheet-part-wrong")));
                    continue;
                }
            },
        };
        let who = if no.text.is_empty() { &name } else { &no };
        let mut wrong = |cell: &Cell<'_>, message: Msg| errors.push(cell.error(message));
        let found = match (no.text, name.text) {
            ("", "") => {
                wrong(&part, Msg::new("sheet-nobody"));
                continue;
            }
            ("", text) => {
                let mut same = by_name.get(text).cloned().unwrap_or_default();
                if same.len() > 1 && !unit.text.is_empty() {
                    same.retain(|l| l.unit_name == unit.text);
                }
                match same[..] {
                    [only] => Some(only),
                    [] => {
                        wrong(&name, Msg::new("sheet-name-unknown").with("name", text));
                        continue;
                    }
                    _ => {
                        let each = same
                            .iter()
                            .map(|l| format!("{} {}", l.staff_no, l.unit_name));
                        let each = each.collect::<Vec<_>>().join("；");
                        let message = Msg::new("sheet-name-twice").with("name", text);
                        wrong(&name, message.with("people", each));
                        continue;
                    }
                }
            }
            (number, text) => {
                let found = by_number.get(number).copied();
                if let Some(line) = found.filter(|l| !text.is_empty() && l.name != text) {
                    let message = Msg::new("sheet-name-differs").with("number", number);
                    wrong(&name, message.with("name", &line.name));
                    continue;
                }
                found
            }
        };
        let key = found.map_or(no.text, |l| &l.staff_no).to_owned();
        if let Some(first) = seen.insert(key, who.address()) {
            wrong(who, Msg::new("sheet-person-twice").with("cell", first));
            continue;
        }
        let minutes = minutes_of(&row.get("minutes"), longest, role, &mut errors);
        match found {
            Some(_) if role == Role::Observer => {
                errors.push(part.error(Msg::new("observer-on-roster").with("number", who.text)));
            }
            Some(line) => {
                filled.marks.push((line.person, role));
                filled.minutes.extend(minutes.map(|m| (line.person, m)));
            }
            None if role.studied() => {
                filled
                    .others
                    .push((no.text.to_owned(), no.address(), minutes))
            }
            None => errors.push(no.error(Msg::new("sheet-not-expected"))),
        }
    }
    kernel::Error::if_any(errors)?;
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use commons::sheets::write::{Value, csv};
    use kernel::UnitId;
    use proptest::prelude::*;

    fn roster(names: &[(&str, &str)]) -> Vec<RosterEntry> {
        let line = |(n, (name, unit)): (usize, &(&str, &str))| RosterEntry {
            person: PersonId::from(Id([n as u8 + 1; 16])),
            staff_no: format!("{:03}", n + 1),
            name: (*name).into(),
            unit: UnitId::from(Id([9; 16])),
            unit_name: (*unit).into(),
            post: String::new(),
        };
        names.iter().enumerate().map(line).collect()
    }

    fn refused(text: &str, roster: &[RosterEntry]) -> Vec<(String, &'static str)> {
        match read("t.csv", text.as_bytes(), "", roster, 90).unwrap_err() {
            kernel::Error::Invalid(list) => {
                list.into_iter().map(|e| (e.field, e.message.key)).collect()
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn codes_differ_and_can_be_read_aloud() {
        let code = |last: u8| short_code(Id([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]));
        assert_eq!(code(0), "0000-0000");
        assert_eq!(code(31), "0000-000Z");
        assert_eq!(code(32), "0000-0010");
    }

    #[test]
    fn every_mistake_has_its_cell() {
        let people = roster(&[("甲", "一处"), ("乙", "一处"), ("乙", "二处")]);
        let sheet = "工号,姓名,单位,到会情况,时长\n001,乙,,实到,\n,乙,,实到,\n,丙,,实到,\n002,,,来了,\n003,,,实到,91\n001,,,请假,60\n,乙,二处,实到,\n999,,,请假,\n,,一处,实到,\n";
        let wrong = [
            ("B2", "sheet-name-differs"),
            ("B3", "sheet-name-twice"),
            ("B4", "sheet-name-unknown"),
            ("D5", "sheet-part-wrong"),
            ("E6", "sheet-minutes-wrong"),
            ("E7", "sheet-minutes-not-there"),
            ("B8", "sheet-person-twice"),
            ("A9", "sheet-not-expected"),
            ("D10", "sheet-nobody"),
        ];
        let wrong: Vec<(String, &str)> = wrong.map(|(cell, key)| (cell.to_owned(), key)).into();
        assert_eq!(refused(sheet, &people), wrong);
        assert_eq!(
            refused("部门\n一处\n", &people)[0].1,
            "sheet-without-people"
        );
    }

    proptest! {
        /// What is written from a roster is read back, whatever the order of its lines and however somebody is named.
        #[test]
        fn a_filled_sheet_is_read_back(order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(),
            parts in proptest::collection::vec((0..4usize, 0..3usize, 1..90i64), 12)) {
            let names: Vec<(String, String)> =
                (0..12).map(|n| (format!("人{}", n % 8), format!("{}处", n / 8))).collect();
            let names: Vec<(&str, &str)> = names.iter().map(|(n, u)| (n.as_str(), u.as_str())).collect();
            let people = roster(&names);
            let mut expected = Filled::default();
            let mut rows = Vec::new();
            for n in order {
                let ((role, how, minutes), line) = (parts[n], &people[n]);
                let text = |t: &str| Value::Text(t.to_owned());
                let role = [Some(Role::Present), Some(Role::Leave), Some(Role::Absent), None][role];
                let said = match role { Some(Role::Present) => "实到", Some(Role::Leave) => "请假", Some(_) => "缺席", None => "" };
                let number = if how == 0 { "" } else { &line.staff_no };
                let own = (how == 2 && role == Some(Role::Present)).then_some(minutes);
                rows.push(vec![text(number), text(&line.name), text(&line.unit_name), text(said), own.map_or(Value::Empty, Value::Int)]);
                if let Some(role) = role {
                    expected.marks.push((line.person, role));
                    expected.minutes.extend(own.map(|m| (line.person, m)));
                }
            }
            let bytes = csv(&["工号", "姓名", "单位", "到会情况", "时长（分钟）"], rows).unwrap();
            prop_assert_eq!(read("t.csv", &bytes, "", &people, 90).unwrap(), expected);
        }
    }
}
