//! `.lrmx`: the form for appointment and removal of cadres (干部任免审批表) as the forms program
//! (任免审批表编辑器) stores it, an XML file with a photograph in it.
//!
//! Reading forgives what real files have: a byte order mark, GBK whatever the declaration says, missing or
//! empty fields, fields that nobody knows. What is not understood is kept and written back.

mod resume;
mod xml;

use std::fmt;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, GB18030, UTF_8};
use kernel::{Error, FieldError, Msg, Result};

pub use resume::{Line, Month, Span, lines as resume_lines, text as resume_text};
pub use xml::{Element, Node};

/// How much a form may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Characters of one field.
    pub characters: usize,
    /// Bytes of the photograph.
    pub photo: usize,
    /// Elements of the file.
    pub elements: usize,
    /// How deep elements may lie in each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10 << 20,
            characters: 100_000,
            photo: 5 << 20,
            elements: 5_000,
            depth: 16,
        }
    }
}

macro_rules! texts {
    ($(#[$about:meta])* $form:ident { $($(#[$doc:meta])* $field:ident $element:literal;)* }
     $($(#[$more_doc:meta])* $more:ident: $kind:ty,)*) => {
        $(#[$about])*
        #[derive(Clone, Default, PartialEq, Eq)]
        pub struct $form {
            $($(#[$doc])* pub $field: String,)*
            $($(#[$more_doc])* pub $more: $kind,)*
        }

        impl $form {
            /// Name of the element and its text, in the order of the file.
            fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$(($element, self.$field.as_str()),)*].into_iter()
            }

            fn text_mut(&mut self, element: &str) -> Option<&mut String> {
                match element {
                    $($element => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

texts! {
    /// The form. All texts are as they stand in the file: dates are `196807`, `1968.07` or words such as
    /// `（无党派）`; [`Month::read`] and [`resume_lines`] read them.
    Form {
        /// 姓名.
        name "XingMing";
        /// 性别.
        sex "XingBie";
        /// 出生年月.
        born "ChuShengNianYue";
        /// 民族.
        ethnicity "MinZu";
        /// 籍贯.
        native_place "JiGuan";
        /// 出生地.
        birth_place "ChuShengDi";
        /// 入党时间, or another party.
        joined_party "RuDangShiJian";
        /// 参加工作时间.
        began_work "CanJiaGongZuoShiJian";
        /// 健康状况.
        health "JianKangZhuangKuang";
        /// 专业技术职务.
        technical_title "ZhuanYeJiShuZhiWu";
        /// 熟悉专业有何专长.
        speciality "ShuXiZhuanYeYouHeZhuanChang";
        /// 全日制教育学历.
        full_time_education "QuanRiZhiJiaoYu_XueLi";
        /// 全日制教育学位.
        full_time_degree "QuanRiZhiJiaoYu_XueWei";
        /// 全日制教育学历的毕业院校系及专业.
        full_time_school "QuanRiZhiJiaoYu_XueLi_BiYeYuanXiaoXi";
        /// 全日制教育学位的毕业院校系及专业.
        full_time_degree_school "QuanRiZhiJiaoYu_XueWei_BiYeYuanXiaoXi";
        /// 在职教育学历.
        in_service_education "ZaiZhiJiaoYu_XueLi";
        /// 在职教育学位.
        in_service_degree "ZaiZhiJiaoYu_XueWei";
        /// 在职教育学历的毕业院校系及专业.
        in_service_school "ZaiZhiJiaoYu_XueLi_BiYeYuanXiaoXi";
        /// 在职教育学位的毕业院校系及专业.
        in_service_degree_school "ZaiZhiJiaoYu_XueWei_BiYeYuanXiaoXi";
        /// 现任职务.
        post "XianRenZhiWu";
        /// 拟任职务.
        post_to_take "NiRenZhiWu";
        /// 拟免职务.
        post_to_leave "NiMianZhiWu";
        /// 简历; [`resume_lines`] reads it.
        resume "JianLi";
        /// 奖惩情况.
        honours "JiangChengQingKuang";
        /// 年度考核结果.
        appraisals "NianDuKaoHeJieGuo";
        /// 任免理由.
        reason "RenMianLiYou";
        /// 呈报单位.
        submitted_by "ChengBaoDanWei";
        /// 计算年龄时间.
        age_as_of "JiSuanNianLingShiJian";
        /// 填表时间.
        filled_on "TianBiaoShiJian";
        /// 填表人.
        filled_by "TianBiaoRen";
        /// 身份证号码; seal it before it is stored.
        id_number "ShenFenZheng";
        /// Version of the forms program.
        version "Version";
    }
    /// 家庭主要成员及社会关系; rows without any text are left out.
    family: Vec<Relative>,
    /// 照片.
    photo: Option<Photo>,
    /// Attributes of the document element, such as name spaces.
    attributes: Vec<(String, String)>,
    /// Elements that nobody here knows, or that came a second time.
    extra: Vec<Element>,
    /// The same among the family.
    family_extra: Vec<Element>,
}

texts! {
    /// A member of the family (家庭成员).
    Relative {
        /// 称谓.
        relation "ChengWei";
        /// 姓名.
        name "XingMing";
        /// 出生日期.
        born "ChuShengRiQi";
        /// 政治面貌.
        politics "ZhengZhiMianMao";
        /// 工作单位及职务.
        post "GongZuoDanWeiJiZhiWu";
    }
    /// Elements that nobody here knows.
    extra: Vec<Element>,
}

// Personal data stays out of logs.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filled: Vec<_> = self
            .texts()
            .filter(|(_, t)| !t.is_empty())
            .map(|(n, _)| n)
            .collect();
        f.debug_struct("Form")
            .field("filled", &filled)
            .field("family", &self.family.len())
            .field("photo", &self.photo)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relative").finish_non_exhaustive()
    }
}

/// A photograph (照片).
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    bytes: Vec<u8>,
    media_type: &'static str,
}

impl Photo {
    /// A photograph in one of the formats that forms have: JPEG, PNG, BMP, GIF. `None` for others.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let media_type = match bytes[..] {
            [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'B', b'M', ..] => "image/bmp",
            [b'G', b'I', b'F', b'8', ..] => "image/gif",
            _ => return None,
        };
        Some(Self { bytes, media_type })
    }

    /// The picture.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its media type, by its content.
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }
}

impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Photo({}, {} bytes)", self.media_type, self.bytes.len())
    }
}

/// A form that was read, and what was left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadForm {
    /// The form.
    pub form: Form,
    /// What a person should know though the rest is good: a photograph that cannot be read.
    pub notices: Vec<FieldError>,
}

const FAMILY: &str = "JiaTingChengYuan";
const RELATIVE: &str = "Item";
const PHOTO: &str = "ZhaoPian";
/// The elements that follow the family and the photograph in a file.
const AFTER_FAMILY: &str = "ChengBaoDanWei";
const AFTER_PHOTO: &str = "Version";

/// Reads a form.
///
/// # Errors
/// `Invalid` that says what is wrong with the file and what to do.
pub fn read(file_name: &str, bytes: &[u8], limits: &Limits) -> Result<ReadForm> {
    read_form(bytes, limits).map_err(|message| {
        let mut short: String = file_name.chars().take(80).collect();
        if short.len() < file_name.len() {
            short.push('…');
        }
        Error::field("file", message.with("file", short))
    })
}

fn read_form(bytes: &[u8], limits: &Limits) -> Result<ReadForm, Msg> {
    if bytes.len() > limits.bytes {
        return Err(Msg::new("lrmx-too-large").with("mebibytes", limits.bytes >> 20));
    }
    let text = decode(bytes)?;
    if text.trim_start().starts_with('"') {
        return Err(Msg::new("lrmx-old"));
    }
    if !text.trim_start().starts_with('<') {
        return Err(Msg::new("lrmx-other"));
    }
    let root = xml::read(&text, limits)?;
    if root.name != "Person" {
        return Err(Msg::new("lrmx-other"));
    }
    let mut read = ReadForm {
        form: Form {
            attributes: root.attributes.clone(),
            ..Form::default()
        },
        notices: Vec::new(),
    };
    let form = &mut read.form;
    let mut seen = Vec::new();
    for element in root.into_elements() {
        if seen.contains(&element.name) {
            form.extra.push(element);
            continue;
        }
        seen.push(element.name.clone());
        match element.name.as_str() {
            FAMILY => {
                for item in element.into_elements() {
                    if item.name == RELATIVE {
                        form.family.extend(relative(item, limits)?);
                    } else {
                        form.family_extra.push(item);
                    }
                }
            }
            PHOTO => match photo(&element.text(), limits)? {
                Ok(photo) => form.photo = photo,
                Err(message) => read.notices.push(FieldError {
                    field: PHOTO.to_owned(),
                    message,
                }),
            },
            name => match form.text_mut(name) {
                Some(text) => *text = checked(&element, limits)?,
                None => {
                    seen.pop();
                    form.extra.push(element);
                }
            },
        }
    }
    if form.texts().all(|(_, text)| text.is_empty()) {
        return Err(Msg::new("lrmx-empty"));
    }
    Ok(read)
}

fn relative(item: Element, limits: &Limits) -> Result<Option<Relative>, Msg> {
    let mut relative = Relative::default();
    let mut seen = Vec::new();
    for element in item.into_elements() {
        let name = element.name.clone();
        match relative.text_mut(&name) {
            Some(text) if !seen.contains(&name) => {
                *text = checked(&element, limits)?;
                seen.push(name);
            }
            _ => relative.extra.push(element),
        }
    }
    let blank = relative == Relative::default();
    Ok((!blank).then_some(relative))
}

fn checked(element: &Element, limits: &Limits) -> Result<String, Msg> {
    let text = element.text();
    if text.chars().nth(limits.characters).is_some() {
        return Err(Msg::new("lrmx-field-too-long")
            .with("field", &element.name)
            .with("characters", limits.characters));
    }
    Ok(text)
}

/// The photograph, nothing, or what is wrong with it; too large a one fails the file.
fn photo(text: &str, limits: &Limits) -> Result<Result<Option<Photo>, Msg>, Msg> {
    let text: String = text.split_whitespace().collect();
    if text.is_empty() {
        return Ok(Ok(None));
    }
    if text.len() / 4 * 3 > limits.photo {
        return Err(Msg::new("lrmx-photo-too-large").with("mebibytes", limits.photo >> 20));
    }
    let forgiving =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, forgiving);
    let photo = engine.decode(text).ok().and_then(Photo::new);
    Ok(photo.map(Some).ok_or_else(|| Msg::new("lrmx-photo-broken")))
}

/// Text in UTF-8 or UTF-16 by its mark; else UTF-8 where it is valid, whatever the file declares; else GBK.
fn decode(bytes: &[u8]) -> Result<String, Msg> {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None if str::from_utf8(bytes).is_ok() => (UTF_8, bytes),
        None => (GB18030, bytes),
    };
    let (text, broken) = encoding.decode_without_bom_handling(rest);
    if broken || text.contains('\0') {
        return Err(Msg::new("lrmx-other"));
    }
    Ok(text.into_owned())
}

/// Writes a form as the forms program reads it: UTF-8, fields in its order.
pub fn write(form: &Form) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Person");
    for (name, value) in &form.attributes {
        out.push_str(&format!(" {name}=\""));
        xml::escape(value, true, &mut out);
        out.push('"');
    }
    out.push_str(">\r\n");
    for (element, text) in form.texts() {
        match element {
            AFTER_FAMILY => write_family(form, &mut out),
            AFTER_PHOTO => {
                let standard = &base64::engine::general_purpose::STANDARD;
                let photo = form.photo.as_ref().map(|p| standard.encode(&p.bytes));
                put("  ", PHOTO, photo.as_deref().unwrap_or_default(), &mut out);
            }
            _ => {}
        }
        put("  ", element, text, &mut out);
    }
    put_extra("  ", &form.extra, &mut out);
    out.push_str("</Person>\r\n");
    out.into_bytes()
}

fn write_family(form: &Form, out: &mut String) {
    out.push_str(&format!("  <{FAMILY}>\r\n"));
    for relative in &form.family {
        out.push_str(&format!("    <{RELATIVE}>\r\n"));
        for (element, text) in relative.texts() {
            put("      ", element, text, out);
        }
        put_extra("      ", &relative.extra, out);
        out.push_str(&format!("    </{RELATIVE}>\r\n"));
    }
    put_extra("    ", &form.family_extra, out);
    out.push_str(&format!("  </{FAMILY}>\r\n"));
}

fn put(indent: &str, element: &str, text: &str, out: &mut String) {
    if text.is_empty() {
        out.push_str(&format!("{indent}<{element} />\r\n"));
        return;
    }
    out.push_str(&format!("{indent}<{element}>"));
    xml::escape(text, false, out);
    out.push_str(&format!("</{element}>\r\n"));
}

fn put_extra(indent: &str, extra: &[Element], out: &mut String) {
    for element in extra {
        out.push_str(indent);
        xml::write(element, out);
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests;
