//! What an official document has above and below its text (版头、主送、附件说明、落款、版记) by GB/T 9704.

use docx_rs::{
    AlignmentType, BorderType, Docx, FrameProperty, LineSpacing, LineSpacingType, Paragraph,
    ParagraphBorder, ParagraphBorderPosition, ParagraphBorders, Tab, TabValueType,
};

use super::{
    BODY, HEADINGS, LINE, Run, SIZE_BODY, SIZE_FOOT, TEXT_WIDTH, TITLE, fonts, legal, lines,
    paragraph,
};

/// The elements of an official document (公文要素) beside title, text and level of secrecy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Official {
    /// How urgent it is (紧急程度); none: not said.
    pub urgency: Option<String>,
    /// Mark of the issuing organ (发文机关标志), in red: its name and “文件”.
    pub organ: String,
    /// Document number (发文字号).
    pub number: Option<String>,
    /// Who signed it off (签发人), on documents that go up.
    pub signer: Option<String>,
    /// To whom it goes (主送机关), without the colon.
    pub addressees: Option<String>,
    /// Names of what is attached (附件说明).
    pub attachments: Vec<String>,
    /// Who signs (发文机关署名).
    pub signed_by: String,
    /// Day of the document (成文日期).
    pub dated: String,
    /// To whom copies go (抄送机关).
    pub copies: Option<String>,
    /// Who printed it (印发机关) and when (印发日期).
    pub printed: Option<(String, String)>,
}

pub(super) const RED: &str = "FF0000";
/// Twips of a character of 三号 and of 四号.
pub(super) const CHAR: i32 = 320;
const CHAR_FOOT: i32 = 280;
/// The mark begins 35 mm below the upper edge of the text: after two lines (密级, 紧急程度) this much stays.
const ABOVE_MARK: u32 = 1_984 - 2 * LINE as u32;
/// 4 mm between number and red line.
pub(super) const ABOVE_RULE: i32 = 227;
/// The largest mark, in points.
const MARK: usize = 52;

pub(super) fn line(text: &str, font: &str) -> Paragraph {
    paragraph(&[Run::from(text)], font, SIZE_BODY).line_spacing(lines(LINE))
}

pub(super) fn empty(docx: Docx, count: usize) -> Docx {
    (0..count).fold(docx, |docx, _| docx.add_paragraph(line("", BODY)))
}

/// What stands above the title: 密级, 紧急程度, the red mark, number and signer, the red line.
pub(super) fn head(docx: Docx, mark: Option<&str>, o: &Official) -> Docx {
    let mut docx = docx
        .add_paragraph(line(mark.unwrap_or_default(), HEADINGS[0]))
        .add_paragraph(line(o.urgency.as_deref().unwrap_or_default(), HEADINGS[0]));
    let room = TEXT_WIDTH as usize / 20;
    let size = (room / o.organ.chars().count().max(1)).clamp(16, MARK);
    let run = docx_rs::Run::new()
        .fonts(fonts(TITLE))
        .size(size * 2)
        .color(RED)
        .add_text(o.organ.chars().filter(|c| legal(*c)).collect::<String>());
    let organ = LineSpacing::new()
        .before(ABOVE_MARK)
        .line_rule(LineSpacingType::Auto)
        .line(240);
    let organ = Paragraph::new().add_run(run).line_spacing(organ);
    let organ = organ.snap_to_grid(false);
    docx = empty(docx.add_paragraph(organ.align(AlignmentType::Center)), 2);
    let number = o.number.as_deref().unwrap_or_default();
    let above = match &o.signer {
        None => line(number, BODY).align(AlignmentType::Center),
        Some(signer) => {
            let name = docx_rs::Run::new()
                .fonts(fonts(HEADINGS[1]))
                .size(SIZE_BODY)
                .add_text(signer.chars().filter(|c| legal(*c)).collect::<String>());
            let said = docx_rs::Run::new().fonts(fonts(BODY)).size(SIZE_BODY);
            let edge = TEXT_WIDTH as usize - CHAR as usize;
            line(number, BODY)
                .indent(Some(CHAR), None, None, None)
                .add_tab(Tab::new().val(TabValueType::Right).pos(edge))
                .add_run(said.add_tab().add_text("签发人："))
                .add_run(name)
        }
    };
    // 4 mm below the number, as wide as the text.
    let red = ParagraphBorder::new(ParagraphBorderPosition::Bottom)
        .val(BorderType::Single)
        .size(12)
        .space(0)
        .color(RED);
    let mut rule = Paragraph::new().line_spacing(lines(ABOVE_RULE));
    rule.property = rule
        .property
        .set_borders(ParagraphBorders::with_empty().set(red));
    empty(docx.add_paragraph(above).add_paragraph(rule), 2)
}

/// The line between title and text: to whom it goes.
pub(super) fn addressees(docx: Docx, o: &Official) -> Docx {
    match &o.addressees {
        Some(to) => docx.add_paragraph(line(&format!("{to}："), BODY)),
        None => docx,
    }
}

/// What stands below the text: attachments, signature, and at the foot of the last page copies and printing.
pub(super) fn foot(docx: Docx, o: &Official) -> Docx {
    let docx = attachments(docx, &o.attachments);
    let docx = signature(empty(docx, 2), &o.signed_by, &o.dated);
    imprint(docx, o)
}

fn attachments(docx: Docx, list: &[String]) -> Docx {
    if list.is_empty() {
        return docx;
    }
    let mut docx = empty(docx, 1);
    for (at, name) in list.iter().enumerate() {
        let number = match list.len() {
            1 => String::new(),
            _ => format!("{}.", at + 1),
        };
        // The names stand below each other, behind “附件：”.
        let (text, left) = match at {
            0 => (format!("附件：{number}{name}"), 2),
            _ => (format!("{number}{name}"), 5),
        };
        docx = docx.add_paragraph(line(&text, BODY).indent(Some(left * CHAR), None, None, None));
    }
    docx
}

/// Half characters of a text: what is not ASCII is as wide as it is high.
fn halves(text: &str) -> i32 {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// The day four characters from the right, the organ in the middle above it.
fn signature(docx: Docx, organ: &str, day: &str) -> Docx {
    // Between digits and characters word processors leave a quarter of a character.
    let day_width = halves(day) * CHAR / 2 + 5 * CHAR / 4;
    let width = day_width.max(halves(organ) * CHAR / 2);
    let right = 4 * CHAR - (width - day_width) / 2;
    let right = right.max(2 * CHAR);
    let left = (TEXT_WIDTH as i32 - right - width - 2 * CHAR).max(0);
    let right = right - 2 * CHAR;
    let at = |text: &str| {
        line(text, BODY)
            .align(AlignmentType::Center)
            .indent(Some(left), None, Some(right), None)
    };
    docx.add_paragraph(at(organ).keep_next(true))
        .add_paragraph(at(day))
}

/// Where the text of a page ends, in twips from the upper edge of the paper: 37 mm and the 225 mm of the type area.
const TEXT_END: i32 = 14_853;
/// Twips that a line between two parts of the imprint takes.
const RULE: i32 = 100;

/// Copies and printing between lines as wide as the text (版记), at the foot of the last page: a frame at a place of the
/// page, since word processors do not agree on what the bottom of a type area is. Its lines are drawn tabs, for a frame
/// of paragraphs with borders stays where it is written in some of them.
fn imprint(docx: Docx, o: &Official) -> Docx {
    let copied = o
        .copies
        .as_ref()
        .map(|copies| format!("　抄送：{copies}。"));
    let room = TEXT_WIDTH as i32;
    let wide = copied.as_ref().map_or(0, |c| halves(c) * CHAR_FOOT / 2);
    let copied_lines = (wide + room - 1) / room;
    let parts = i32::from(copied.is_some()) + i32::from(o.printed.is_some());
    if parts == 0 {
        return docx;
    }
    let high = LINE * (copied_lines + i32::from(o.printed.is_some())) + RULE * (parts + 1);
    let frame = FrameProperty::new()
        .width(TEXT_WIDTH)
        .h_anchor("margin")
        .x(0)
        .v_anchor("page")
        .y(TEXT_END - high)
        .wrap("around");
    let framed = |mut content: Paragraph, high: i32| {
        content.property = content.property.frame_property(frame.clone());
        content.line_spacing(lines(high))
    };
    let edge = |pos: i32| Tab::new().val(TabValueType::Right).pos(pos as usize);
    // The first and the last line are thicker than the one between.
    let rule = |kind: &str| {
        // A line of a tab alone would be as high as the font of the document.
        let drawn = docx_rs::Run::new().size(12).underline(kind);
        let drawn = drawn.add_tab().add_text("\u{a0}");
        let rule = Paragraph::new().add_tab(edge(room)).add_run(drawn);
        framed(rule, RULE).snap_to_grid(false)
    };
    let text = |text: &str| paragraph(&[Run::from(text)], BODY, SIZE_FOOT);
    let mut docx = docx.add_paragraph(rule("thick"));
    if let Some(copied) = &copied {
        docx = docx.add_paragraph(framed(text(copied), LINE));
    }
    if parts == 2 {
        docx = docx.add_paragraph(rule("single"));
    }
    if let Some((by, on)) = &o.printed {
        let run = docx_rs::Run::new().fonts(fonts(BODY)).size(SIZE_FOOT);
        let line = text(&format!("　{by}"))
            .add_tab(edge(room - CHAR_FOOT))
            .add_run(run.add_tab().add_text(format!("{on}印发")));
        docx = docx.add_paragraph(framed(line, LINE));
    }
    // What the frame is anchored to: it has next to no height itself.
    docx.add_paragraph(rule("thick"))
        .add_paragraph(Paragraph::new().line_spacing(lines(20)).snap_to_grid(false))
}
