//! Which fields the columns of each kind of sheet can fill, and the workbooks to fill in.

use commons::sheets::write::{SheetOut, Value, workbook};
use kernel::Result;

use super::Kind;
use crate::attributes::Attributes;

/// A field that a column can fill. A new field of people is a row of the list and its use in [`person`].
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub key: String,
    /// The names people give it; the first one stands in the template.
    pub names: Vec<String>,
    pub required: bool,
}

type Fixed = (&'static str, &'static [&'static str], bool);

const UNIT_FIELDS: [Fixed; 8] = [
    (
        "parent",
        &["上级单位编码", "上级编码", "父级编码", "parent code"],
        true,
    ),
    (
        "code",
        &["单位编码", "机构编码", "编码", "unit code", "code"],
        true,
    ),
    (
        "name",
        &["单位名称", "机构名称", "名称", "unit name", "name"],
        true,
    ),
    ("category", &["类别", "单位类别", "category"], true),
    ("sort", &["排序", "序号", "sort"], false),
    ("from", &["成立日期", "设立日期", "from"], false),
    ("to", &["撤销日期", "to"], false),
    (
        "credit_code",
        &[
            "统一社会信用代码",
            "社会信用代码",
            "信用代码",
            "credit code",
        ],
        false,
    ),
];

const PERSON_FIELDS: [Fixed; 8] = [
    (
        "staff_no",
        &[
            "工号",
            "警号",
            "人员编号",
            "职工号",
            "staff number",
            "staff no",
        ],
        true,
    ),
    ("name", &["姓名", "人员姓名", "name"], true),
    (
        "unit",
        &["单位编码", "所在单位编码", "部门编码", "unit code"],
        true,
    ),
    ("post", &["职务", "现任职务", "岗位", "post"], true),
    ("from", &["起始日期", "任职日期", "开始日期", "from"], true),
    ("to", &["截止日期", "结束日期", "离任日期", "to"], true),
    (
        "primary",
        &["主职", "是否主职", "任职方式", "primary"],
        false,
    ),
    (
        ID_NUMBER,
        &[
            "身份证号",
            "身份证号码",
            "公民身份号码",
            "身份证件号码",
            "id number",
        ],
        false,
    ),
];

const MEMBER_FIELDS: [Fixed; 7] = [
    ("body", &["组织名称", "body"], true),
    ("kind", &["组织类型", "kind of body"], false),
    (
        "staff_no",
        &[
            "工号",
            "警号",
            "人员编号",
            "职工号",
            "staff number",
            "staff no",
        ],
        true,
    ),
    ("name", &["姓名", "人员姓名", "name"], false),
    ("what", &["组织职务", "角色", "role"], true),
    ("from", &["起始日期", "任职日期", "from"], true),
    ("to", &["截止日期", "离任日期", "to"], false),
];

const PAIRING_FIELDS: [Fixed; 7] = [
    ("kind", &["结对类型", "kind of pairing"], true),
    (
        "staff_no",
        &[
            "领导或师傅工号",
            "领导工号",
            "师傅工号",
            "leader staff number",
        ],
        true,
    ),
    ("name", &["领导或师傅姓名", "leader name"], false),
    (
        "end",
        &["结对对象编码或工号", "结对对象", "paired with"],
        true,
    ),
    ("from", &["起始日期", "开始日期", "from"], true),
    ("to", &["截止日期", "结束日期", "to"], false),
    ("basis", &["依据", "basis"], false),
];

/// The field that never lies open in the database.
pub(crate) const ID_NUMBER: &str = "id_number";

/// Before the code of an attribute in the key of its field.
pub(crate) const ATTRIBUTE: &str = "attribute.";

/// The fields of a kind of sheet in the order of the template.
pub(crate) fn fields(kind: Kind, attributes: &Attributes) -> Vec<Field> {
    let (fixed, attributes): (&[Fixed], _) = match kind {
        Kind::Units => (&UNIT_FIELDS, None),
        Kind::Persons => (&PERSON_FIELDS, Some(attributes)),
        Kind::Members => (&MEMBER_FIELDS, None),
        Kind::Pairings => (&PAIRING_FIELDS, None),
    };
    let fixed = fixed.iter().map(|(key, names, required)| Field {
        key: (*key).to_owned(),
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        required: *required,
    });
    let more = attributes
        .into_iter()
        .flat_map(Attributes::iter)
        .map(|a| Field {
            key: format!("{ATTRIBUTE}{}", a.code),
            names: [a.name.get("zh-CN"), a.name.get("en")]
                .into_iter()
                .chain(a.columns.iter().map(String::as_str))
                .map(str::to_owned)
                .collect(),
            required: false,
        });
    fixed.chain(more).collect()
}

/// Names of the template's columns.
pub(crate) fn header(kind: Kind, attributes: &Attributes) -> Vec<String> {
    let fields = fields(kind, attributes).into_iter();
    fields.filter_map(|f| f.names.into_iter().next()).collect()
}

/// Names of the template's sheets.
pub(crate) const SHEETS: [&str; 2] = ["单位", "人员"];

/// The workbook to fill in: one sheet for units, one for people.
pub fn template(attributes: &Attributes) -> Result<Vec<u8>> {
    book([Kind::Units, Kind::Persons], attributes, Default::default())
}

/// A workbook of two kinds of sheets in the form of the import.
pub(crate) fn book(
    kinds: [Kind; 2],
    attributes: &Attributes,
    rows: [Vec<Vec<Value>>; 2],
) -> Result<Vec<u8>> {
    let headers = kinds.map(|kind| header(kind, attributes));
    let headers = headers
        .each_ref()
        .map(|h| h.iter().map(String::as_str).collect::<Vec<_>>());
    let names = match kinds[0] {
        Kind::Members => ["组织成员", "结对"],
        _ => SHEETS,
    };
    let sheets = names.into_iter().zip(&headers).zip(rows);
    workbook(sheets.map(|((name, header), rows)| SheetOut { name, header, rows }))
}
