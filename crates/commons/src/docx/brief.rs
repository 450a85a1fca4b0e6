//! Bulletins (简报): the red head with its issue, unit and day, the red line, and at the foot those who get it.

use bytes::Bytes;
use docx_rs::{
    AlignmentType, BorderType, Docx, LineSpacing, LineSpacingType, Paragraph, ParagraphBorder,
    ParagraphBorderPosition, ParagraphBorders, Pic, Tab, TabValueType,
};
use kernel::Result;

use super::official::{ABOVE_RULE, CHAR, RED, empty, line};
use super::{BODY, Document, HEADINGS, LINE, TEXT_WIDTH, TITLE, build, fonts, legal, lines};

/// The head and the foot of a bulletin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brief {
    /// The red line at the head (简报名称).
    pub head: String,
    /// Its issue, for example 第3期.
    pub issue: String,
    /// The unit that makes it (编印单位).
    pub unit: String,
    /// The day on which it was published.
    pub dated: String,
    /// Section, above the title.
    pub section: Option<String>,
    /// To whom it goes: 报, 送, 发 with the names.
    pub to: Vec<(String, String)>,
}

/// A picture with its size in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    bytes: Bytes,
    width: u32,
    height: u32,
    kind: &'static str,
}

/// The largest picture, in pixels a side.
const LARGEST: usize = 20_000;
/// English metric units of a twip, and the width and height that a picture may have.
const EMU: u64 = 635;
const WIDEST: u64 = TEXT_WIDTH as u64 * EMU;
const HIGHEST: u64 = 12_000 * EMU;
/// English metric units of a pixel.
const PIXEL: u64 = 9_525;
/// The largest head, in points.
const HEAD: usize = 48;

impl Picture {
    /// A PNG or JPEG of a sensible size; nothing for anything else.
    pub fn read(bytes: Bytes) -> Option<Self> {
        let kind = match imagesize::image_type(&bytes).ok()? {
            imagesize::ImageType::Png => "image/png",
            imagesize::ImageType::Jpeg => "image/jpeg",
            _ => return None,
        };
        let size = imagesize::blob_size(&bytes).ok()?;
        let side = |n: usize| u32::try_from(n).ok().filter(|_| (1..=LARGEST).contains(&n));
        Some(Self {
            width: side(size.width)?,
            height: side(size.height)?,
            bytes,
            kind,
        })
    }

    /// Its content type.
    pub fn content_type(&self) -> &'static str {
        self.kind
    }

    /// Its bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Width and height on paper: its own, or as large as there is room for.
    fn on_paper(&self) -> (u32, u32) {
        let (width, height) = (
            u64::from(self.width) * PIXEL,
            u64::from(self.height) * PIXEL,
        );
        let (mut w, mut h) = (width, height);
        if w > WIDEST {
            (w, h) = (WIDEST, h * WIDEST / width);
        }
        if h > HIGHEST {
            (w, h) = (w * HIGHEST / h, HIGHEST);
        }
        (w.max(1) as u32, h.max(1) as u32)
    }
}

/// Writes a bulletin as a docx file: head and foot of `brief` around title and text of `document`.
///
/// # Errors
/// When the file cannot be put together.
pub fn write_brief(brief: &Brief, document: &Document) -> Result<Vec<u8>> {
    build(document, Some(brief))
}

fn ruled(paragraph: Paragraph, position: ParagraphBorderPosition, color: &str) -> Paragraph {
    let rule = ParagraphBorder::new(position)
        .val(BorderType::Single)
        .size(12)
        .space(1)
        .color(color);
    let mut paragraph = paragraph;
    let borders = ParagraphBorders::with_empty().set(rule);
    paragraph.property = paragraph.property.set_borders(borders);
    paragraph
}

/// What stands above the title.
pub(super) fn head(docx: Docx, mark: Option<&str>, b: &Brief) -> Docx {
    let docx = docx.add_paragraph(line(mark.unwrap_or_default(), HEADINGS[0]));
    let room = TEXT_WIDTH as usize / 20;
    let size = (room / b.head.chars().count().max(1)).clamp(16, HEAD);
    let run = docx_rs::Run::new()
        .fonts(fonts(TITLE))
        .size(size * 2)
        .color(RED)
        .add_text(b.head.chars().filter(|c| legal(*c)).collect::<String>());
    let spacing = LineSpacing::new()
        .line_rule(LineSpacingType::Auto)
        .line(240);
    let name = Paragraph::new().add_run(run).line_spacing(spacing);
    let name = name.snap_to_grid(false).align(AlignmentType::Center);
    let issue = line(&b.issue, HEADINGS[1]).align(AlignmentType::Center);
    let edge = TEXT_WIDTH as usize - CHAR as usize;
    let day = b.dated.chars().filter(|c| legal(*c)).collect::<String>();
    let made = line(&b.unit, BODY)
        .indent(Some(CHAR), None, None, None)
        .add_tab(Tab::new().val(TabValueType::Right).pos(edge));
    let said = docx_rs::Run::new()
        .fonts(fonts(BODY))
        .size(super::SIZE_BODY);
    let made = made.add_run(said.add_tab().add_text(day));
    let rule = Paragraph::new().line_spacing(lines(ABOVE_RULE));
    let rule = ruled(rule, ParagraphBorderPosition::Bottom, RED);
    let docx = empty(docx.add_paragraph(name), 1).add_paragraph(issue);
    let docx = docx.add_paragraph(made).add_paragraph(rule);
    match &b.section {
        Some(section) => docx.add_paragraph(line(&format!("【{section}】"), HEADINGS[1])),
        None => empty(docx, 1),
    }
}

/// A picture in the middle of its line.
pub(super) fn picture(docx: Docx, p: &Picture) -> Docx {
    let (width, height) = p.on_paper();
    let pic = Pic::new_with_dimensions(p.bytes.to_vec(), p.width, p.height).size(width, height);
    let run = docx_rs::Run::new().add_image(pic);
    docx.add_paragraph(Paragraph::new().add_run(run).align(AlignmentType::Center))
}

/// Those who get it, below a line.
pub(super) fn foot(docx: Docx, b: &Brief) -> Docx {
    let mut docx = docx;
    for (at, (word, names)) in b.to.iter().enumerate() {
        let text = line(&format!("{word}：{names}"), BODY).keep_next(at + 1 < b.to.len());
        docx = match at {
            0 => empty(docx, 1).add_paragraph(ruled(text, ParagraphBorderPosition::Top, "000000")),
            _ => docx.add_paragraph(text),
        };
    }
    if b.to.is_empty() {
        return docx;
    }
    let last = Paragraph::new().line_spacing(lines(LINE / 4));
    docx.add_paragraph(ruled(last, ParagraphBorderPosition::Bottom, "000000"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docx::Block;

    /// A PNG of one pixel.
    const PNG: [u8; 33] = [
        137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 15, 160, 0, 0, 7, 208,
        8, 2, 0, 0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn pictures_are_known_by_their_content_and_fit_on_paper() {
        let picture = Picture::read(Bytes::from_static(&PNG)).expect("a picture");
        assert_eq!(picture.content_type(), "image/png");
        assert_eq!((picture.width, picture.height), (4000, 2000));
        let (width, height) = picture.on_paper();
        assert!(u64::from(width) <= WIDEST && u64::from(height) <= HIGHEST);
        assert_eq!(width / height, 2);
        for other in [&b"<svg/>"[..], b"", b"GIF89a\0\0\0\0\0\0\0\0", b"%PDF-1.7"] {
            assert!(Picture::read(Bytes::copy_from_slice(other)).is_none());
        }
    }

    #[test]
    fn a_bulletin_has_its_head_text_pictures_and_readers() {
        let brief = Brief {
            head: "澜州市司法局工作简报".into(),
            issue: "第3期".into(),
            unit: "澜州市司法局".into(),
            dated: "2026年11月22日".into(),
            section: Some("工作动态".into()),
            to: vec![("报".into(), "市委".into()), ("发".into(), "各科室".into())],
        };
        let picture = Picture::read(Bytes::from_static(&PNG)).expect("a picture");
        let document = Document {
            title: "一次学习".into(),
            blocks: vec![Block::text("正文"), Block::Picture(picture)],
            ..Document::default()
        };
        let bytes = write_brief(&brief, &document).expect("a docx");
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
        let place = (0..zip.len()).find(|at| {
            let file = zip.by_index(*at).expect("a file");
            file.name().is_ok_and(|n| n.starts_with("word/media/"))
        });
        assert!(place.is_some(), "the picture is in the file");
        let mut xml = String::new();
        let mut part = zip.by_name("word/document.xml").expect("the text");
        std::io::Read::read_to_string(&mut part, &mut xml).expect("text");
        let mut last = 0;
        for text in [
            "澜州市司法局工作简报",
            "第3期",
            "2026年11月22日",
            "【工作动态】",
            "一次学习",
            "正文",
            "报：市委",
            "发：各科室",
        ] {
            let at = xml[last..].find(text);
            last += at.unwrap_or_else(|| panic!("{text} in its place: {xml}"));
        }
    }
}
