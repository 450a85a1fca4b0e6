//! Official documents (公文) as Word files, in the layout of GB/T 9704: A4, 仿宋 of 16 points,
//! numbered headings in 黑体 and 楷体, title in 小标宋, page number at the foot; head and imprint when it is issued.

mod brief;
mod official;
#[cfg(test)]
mod paper;

use std::io::Cursor;

use docx_rs::{
    AlignmentType, DocGrid, DocGridType, Docx, FieldCharType, Footer, InstrText, LineSpacing,
    LineSpacingType, PageMargin, PageNum, Paragraph, RunFonts, SpecialIndentType, TableCell,
    TableLayoutType, TableRow, VAlignType, WidthType,
};
use kernel::{Error, Result};

pub use brief::{Brief, Picture, write_brief};
pub use official::Official;

/// A document: a title and what stands below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Level of secrecy (密级), at the top left; none: nothing stands there.
    pub mark: Option<String>,
    /// Title (标题).
    pub title: String,
    /// Line under the title: unit, period, date, sealed as of.
    pub subtitle: Option<String>,
    /// Text below, in order.
    pub blocks: Vec<Block>,
    /// What it has beside as an official document (公文要素); none: it is a sheet of text.
    pub official: Option<Official>,
}

/// One piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading of level 1 to 3; its number (一、（一） 1.) is put in front.
    Heading(u8, String),
    /// A paragraph of text.
    Paragraph(Vec<Run>),
    /// A table; its header row repeats on every page.
    Table(Table),
    /// A line at the right edge: signing unit, date (落款).
    Signature(String),
    /// A picture, no wider than the text.
    Picture(Picture),
}

impl Block {
    /// A paragraph of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Paragraph(vec![Run::from(text.into())])
    }
}

/// A stretch of text of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The text; a line break begins a new line.
    pub text: String,
    /// Whether it is bold.
    pub bold: bool,
}

impl Run {
    /// Bold text.
    pub fn bold(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            bold: true,
        }
    }
}

impl From<String> for Run {
    fn from(text: String) -> Self {
        Self { text, bold: false }
    }
}

impl From<&str> for Run {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Line above the table.
    pub caption: Option<String>,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows of cells; cells that look like numbers stand at the right.
    pub rows: Vec<Vec<String>>,
    /// Widths of the columns in proportion to each other; equal when left out.
    pub widths: Option<Vec<u32>>,
}

const TITLE: &str = "方正小标宋简体";
const BODY: &str = "仿宋";
const HEADINGS: [&str; 3] = ["黑体", "楷体", BODY];
const FOOT: &str = "宋体";
const LATIN: &str = "Times New Roman";
/// What Word and WPS take where a font is not installed.
const FALLBACKS: [(&str, &str); 4] = [
    (TITLE, "小标宋体,宋体"),
    (BODY, "仿宋_GB2312,FangSong,宋体"),
    ("黑体", "SimHei,宋体"),
    ("楷体", "楷体_GB2312,KaiTi,宋体"),
];

/// Half points: 二号, 三号, 四号, 小四.
const SIZE_TITLE: usize = 44;
const SIZE_BODY: usize = 32;
const SIZE_FOOT: usize = 28;
const SIZE_TABLE: usize = 24;
/// 22 lines of 28.95 points on 225 mm of text.
const LINE: i32 = 579;
/// 28 characters of 三号 on 156 mm of text stand a quarter of a point (in twips) closer than they are wide. Programs
/// differ in what they make of a grid of characters.
const CLOSER: i32 = -5;
/// Twips between the left and right margins.
const TEXT_WIDTH: u32 = 11_906 - 1_588 - 1_474;

/// Writes the document as a docx file.
pub fn write(document: &Document) -> Result<Vec<u8>> {
    build(document, None)
}

fn build(document: &Document, brief: Option<&Brief>) -> Result<Vec<u8>> {
    let mut docx = Docx::new()
        .page_size(11_906, 16_838)
        .page_margin(PageMargin {
            top: 2_098,
            left: 1_588,
            right: 1_474,
            bottom: 1_984,
            header: 851,
            footer: 1_400,
            gutter: 0,
        })
        .default_fonts(fonts(BODY))
        .default_size(SIZE_BODY)
        .footer(footer(true))
        .even_footer(footer(false));
    let grid = DocGrid::with_empty()
        .grid_type(DocGridType::Lines)
        .line_pitch(LINE as usize);
    docx.document = docx.document.doc_grid(grid);
    if let Some(b) = brief {
        docx = brief::head(docx, document.mark.as_deref(), b);
    } else if let Some(o) = &document.official {
        docx = official::head(docx, document.mark.as_deref(), o);
    } else if let Some(mark) = &document.mark {
        let line = paragraph(&[Run::from(mark.as_str())], HEADINGS[0], SIZE_BODY);
        docx = docx.add_paragraph(line.align(AlignmentType::Left).line_spacing(lines(LINE)));
    }
    let title = paragraph(&[Run::from(document.title.as_str())], TITLE, SIZE_TITLE);
    docx = docx.add_paragraph(title.align(AlignmentType::Center).line_spacing(lines(700)));
    if let Some(text) = &document.subtitle {
        let line = paragraph(&[Run::from(text.as_str())], "楷体", SIZE_BODY);
        docx = docx.add_paragraph(line.align(AlignmentType::Center).line_spacing(lines(LINE)));
    }
    docx = docx.add_paragraph(Paragraph::new().line_spacing(lines(LINE)));
    if let Some(o) = &document.official {
        docx = official::addressees(docx, o);
    }
    let mut numbers = [0u32; 3];
    for block in &document.blocks {
        docx = match block {
            Block::Heading(level, text) => {
                let level = usize::from((*level).clamp(1, 3)) - 1;
                numbers[level] += 1;
                numbers[level + 1..].fill(0);
                let text = format!("{}{text}", heading_number(level, numbers[level]));
                let run = Run {
                    text,
                    bold: level == 2,
                };
                let heading = indented(paragraph(&[run], HEADINGS[level], SIZE_BODY));
                docx.add_paragraph(heading.outline_lvl(level).keep_next(true))
            }
            Block::Paragraph(runs) => {
                let text = indented(paragraph(runs, BODY, SIZE_BODY));
                docx.add_paragraph(text.align(AlignmentType::Both))
            }
            Block::Signature(text) => {
                let line = paragraph(&[Run::from(text.as_str())], BODY, SIZE_BODY)
                    .line_spacing(lines(LINE))
                    .indent(None, None, Some(640), None);
                docx.add_paragraph(line.align(AlignmentType::Right))
            }
            Block::Table(table) => add_table(docx, table),
            Block::Picture(picture) => brief::picture(docx, picture),
        };
    }
    if let Some(o) = &document.official {
        docx = official::foot(docx, o);
    }
    if let Some(b) = brief {
        docx = brief::foot(docx, b);
    }
    let mut parts = docx.build();
    parts.font_table = font_table().into_bytes();
    // The library knows no repeated header row: header rows alone are marked as not to be split.
    let xml = String::from_utf8(parts.document).map_err(Error::internal)?;
    let marked = xml.replace("<w:cantSplit />", "<w:cantSplit /><w:tblHeader />");
    parts.document = marked.into_bytes();
    let mut out = Cursor::new(Vec::new());
    parts.pack(&mut out).map_err(Error::internal)?;
    Ok(out.into_inner())
}

fn add_table(docx: Docx, table: &Table) -> Docx {
    let columns = table.rows.iter().map(Vec::len).chain([table.header.len()]);
    let columns = columns.max().unwrap_or(0);
    if columns == 0 {
        return docx;
    }
    let shares: Vec<u32> = (0..columns)
        .map(|c| {
            table
                .widths
                .as_ref()
                .and_then(|w| w.get(c))
                .map_or(1, |w| (*w).max(1))
        })
        .collect();
    let whole: u64 = shares.iter().map(|s| u64::from(*s)).sum();
    let widths: Vec<usize> = shares
        .iter()
        .map(|s| (u64::from(*s) * u64::from(TEXT_WIDTH) / whole) as usize)
        .collect();
    let row = |cells: &[String], head: bool| {
        let cells = widths.iter().enumerate().map(|(at, width)| {
            let text = cells.get(at).map_or("", String::as_str);
            let font = if head { "黑体" } else { BODY };
            let align = match (head, is_number(text)) {
                (true, _) => AlignmentType::Center,
                (_, true) => AlignmentType::Right,
                _ => AlignmentType::Left,
            };
            let line = paragraph(&[Run::from(text)], font, SIZE_TABLE).align(align);
            TableCell::new()
                .width(*width, WidthType::Dxa)
                .vertical_align(VAlignType::Center)
                .add_paragraph(line)
        });
        TableRow::new(cells.collect())
    };
    let mut rows = Vec::new();
    if !table.header.is_empty() {
        rows.push(row(&table.header, true).cant_split());
    }
    rows.extend(table.rows.iter().map(|cells| row(cells, false)));
    let docx = match &table.caption {
        Some(text) => {
            let line = paragraph(&[Run::from(text.as_str())], "黑体", SIZE_FOOT);
            let line = line.align(AlignmentType::Center).keep_next(true);
            docx.add_paragraph(line.line_spacing(lines(LINE)))
        }
        None => docx,
    };
    let table = docx_rs::Table::new(rows)
        .set_grid(widths.clone())
        .width(widths.iter().sum(), WidthType::Dxa)
        .layout(TableLayoutType::Fixed);
    // Word joins two tables that touch.
    docx.add_table(table)
        .add_paragraph(Paragraph::new().line_spacing(lines(LINE / 2)))
}

fn is_number(text: &str) -> bool {
    let mut digits = false;
    text.chars().all(|c| {
        digits |= c.is_ascii_digit();
        c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '%' | '‰' | '−')
    }) && digits
}

fn fonts(east: &str) -> RunFonts {
    RunFonts::new()
        .east_asia(east)
        .ascii(LATIN)
        .hi_ansi(LATIN)
        .cs(LATIN)
}

fn lines(twips: i32) -> LineSpacing {
    LineSpacing::new()
        .line_rule(LineSpacingType::Exact)
        .line(twips)
}

/// Text in one font, with line breaks kept and what XML cannot hold left out.
fn paragraph(runs: &[Run], font: &str, size: usize) -> Paragraph {
    // 22 lines a page, also where a paragraph ends.
    let start = Paragraph::new().widow_control(false);
    runs.iter().fold(start, |paragraph, run| {
        let mut out = docx_rs::Run::new().fonts(fonts(font)).size(size);
        if size == SIZE_BODY {
            out = out.character_spacing(CLOSER);
        }
        if run.bold {
            out = out.bold();
        }
        for (at, line) in run.text.lines().enumerate() {
            if at > 0 {
                out = out.add_break(docx_rs::BreakType::TextWrapping);
            }
            out = out.add_text(line.chars().filter(|c| legal(*c)).collect::<String>());
        }
        paragraph.add_run(out)
    })
}

/// Body text: exact line pitch, first line two characters in.
fn indented(paragraph: Paragraph) -> Paragraph {
    let first = SpecialIndentType::FirstLine(2 * SIZE_BODY as i32 * 10);
    paragraph
        .line_spacing(lines(LINE))
        .indent(None, Some(first), None, None)
        .first_line_chars(200)
}

/// Characters that XML 1.0 allows.
fn legal(c: char) -> bool {
    matches!(c, '\t' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn heading_number(level: usize, n: u32) -> String {
    match level {
        0 => format!("{}、", chinese(n)),
        1 => format!("（{}）", chinese(n)),
        _ => format!("{n}."),
    }
}

/// Chinese numerals below one hundred: 一, 十二, 三十.
fn chinese(n: u32) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    match (n / 10, n % 10) {
        (tens @ 0..=9, ones) => {
            let tens = match tens {
                0 => String::new(),
                1 => "十".into(),
                _ => format!("{}十", DIGITS[tens as usize]),
            };
            tens + DIGITS[ones as usize]
        }
        _ => n.to_string(),
    }
}

/// `— 1 —` at the outer edge of the foot, one character in: right on odd pages, left on even ones.
fn footer(odd: bool) -> Footer {
    let song = RunFonts::new()
        .east_asia(FOOT)
        .ascii(FOOT)
        .hi_ansi(FOOT)
        .cs(FOOT);
    let run = || docx_rs::Run::new().fonts(song.clone()).size(SIZE_FOOT);
    let number = run()
        .add_field_char(FieldCharType::Begin, false)
        .add_instr_text(InstrText::PAGE(PageNum::new().instr))
        .add_field_char(FieldCharType::Separate, false)
        .add_text("1")
        .add_field_char(FieldCharType::End, false);
    let line = Paragraph::new()
        .add_run(run().add_text("— "))
        .add_run(number)
        .add_run(run().add_text(" —"));
    let one = SIZE_FOOT as i32 * 10;
    let line = match odd {
        true => line
            .align(AlignmentType::Right)
            .indent(None, None, Some(one), None),
        false => line
            .align(AlignmentType::Left)
            .indent(Some(one), None, None, None),
    };
    Footer::new().add_paragraph(line)
}

fn font_table() -> String {
    let mut xml = String::from(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:fonts xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">"#,
    );
    for (name, others) in FALLBACKS {
        xml += &format!(r#"<w:font w:name="{name}"><w:altName w:val="{others}"/></w:font>"#);
    }
    xml + "</w:fonts>"
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    pub(super) fn part(bytes: &[u8], name: &str) -> String {
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut xml = String::new();
        let mut entry = zip.by_name(name).unwrap();
        entry.read_to_string(&mut xml).unwrap();
        xml
    }

    /// The text of each paragraph, as a reader of the file sees it.
    fn paragraphs(xml: &str) -> Vec<String> {
        xml.split("</w:p>")
            .map(|p| {
                let runs = p
                    .split("<w:t")
                    .skip(1)
                    .filter_map(|t| t.strip_prefix([' ', '>']));
                runs.map(|t| {
                    let text = t.split("</w:t>").next().unwrap();
                    text.rsplit('>').next().unwrap().to_owned()
                })
                .collect::<String>()
            })
            .filter(|p| !p.is_empty())
            .collect()
    }

    fn report() -> Document {
        Document {
            mark: Some("内部".into()),
            official: None,
            title: "澜州市司法局学法情况报告".into(),
            subtitle: Some("2026年第三季度".into()),
            blocks: vec![
                Block::Heading(1, "总体情况".into()),
                Block::Paragraph(vec![
                    "参训 ".into(),
                    Run::bold("1,234"),
                    " 人次 <&>\u{1}\u{ffff}。".into(),
                ]),
                Block::Heading(2, "分单位".into()),
                Block::Table(Table {
                    caption: Some("表1".into()),
                    header: vec!["单位".into(), "人次".into()],
                    rows: vec![
                        vec!["法治科".into(), "87.5%".into()],
                        vec!["<w:cantSplit />".into()],
                    ],
                    widths: Some(vec![3, 1]),
                }),
                Block::Heading(2, "分月".into()),
                Block::Heading(3, "七月".into()),
                Block::Heading(1, "下一步".into()),
                Block::text("第一行\n第二行"),
                Block::Signature("澜州市司法局".into()),
            ],
        }
    }

    #[test]
    fn text_numbers_and_headings_are_in_the_file() {
        let bytes = write(&report()).unwrap();
        let xml = part(&bytes, "word/document.xml");
        assert_eq!(
            paragraphs(&xml),
            [
                "内部",
                "澜州市司法局学法情况报告",
                "2026年第三季度",
                "一、总体情况",
                "参训 1,234 人次 &lt;&amp;&gt;。",
                "（一）分单位",
                "表1",
                "单位",
                "人次",
                "法治科",
                "87.5%",
                "&lt;w:cantSplit /&gt;",
                "（二）分月",
                "1.七月",
                "二、下一步",
                "第一行第二行",
                "澜州市司法局",
            ]
        );
        assert_eq!(xml.matches("<w:tblHeader />").count(), 1);
        assert_eq!(xml.matches("<w:br").count(), 1);
        docx_rs::read_docx(&bytes).expect("a reader takes the file");
    }

    #[test]
    fn the_page_is_that_of_official_documents() {
        let bytes = write(&report()).unwrap();
        let xml = part(&bytes, "word/document.xml");
        for wanted in [
            r#"w:w="11906""#,
            r#"w:h="16838""#,
            r#"w:top="2098""#,
            r#"w:left="1588""#,
            r#"w:right="1474""#,
            r#"w:bottom="1984""#,
            r#"w:linePitch="579""#,
            r#"w:eastAsia="仿宋""#,
            r#"w:eastAsia="黑体""#,
            r#"w:eastAsia="楷体""#,
            r#"w:eastAsia="方正小标宋简体""#,
        ] {
            assert!(xml.contains(wanted), "{wanted}");
        }
        assert!(part(&bytes, "word/fontTable.xml").contains("方正小标宋简体"));
        let foot = part(&bytes, "word/footer1.xml");
        assert!(foot.contains("PAGE") && foot.contains("— "), "{foot}");
    }

    #[test]
    fn numerals_count_like_people_do() {
        let found: Vec<_> = [1, 10, 11, 20, 35, 99, 100].map(chinese).into();
        assert_eq!(
            found,
            ["一", "十", "十一", "二十", "三十五", "九十九", "100"]
        );
    }
}
