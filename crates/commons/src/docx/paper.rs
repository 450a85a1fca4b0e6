//! An official document as a word processor prints it: `soffice` and `pdftotext` are installed where tests run.

use std::path::Path;
use std::process::Command;

use super::*;

fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|e| panic!("{command:?} (`cargo xtask packages`): {e}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A word on a page: its edges in millimetres and its text.
#[derive(Debug, Clone)]
struct Word {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    text: String,
}

/// The words of each page as printed.
fn printed(folder: &Path, document: &Document) -> Vec<Vec<Word>> {
    std::fs::write(folder.join("d.docx"), write(document).unwrap()).unwrap();
    let profile = format!("-env:UserInstallation=file://{}/profile", folder.display());
    run(Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", "pdf", "--outdir"])
        .arg(folder)
        .arg(folder.join("d.docx")));
    let pdf = folder.join("d.pdf");
    let boxes = run(Command::new("pdftotext").arg("-bbox").arg(pdf).arg("-"));
    let word = |line: &str| {
        let mut values = line.split('"').skip(1).step_by(2);
        let mut next = || values.next().unwrap().parse::<f64>().unwrap() * 25.4 / 72.0;
        let (left, top, right, bottom) = (next(), next(), next(), next());
        let text = line.split('>').nth(1).unwrap().split('<').next().unwrap();
        Word {
            left,
            top,
            right,
            bottom,
            text: text.to_owned(),
        }
    };
    let pages = boxes.split("<page ").skip(1);
    pages
        .map(|page| {
            let words = page.lines().filter(|l| l.contains("<word "));
            words.map(word).collect()
        })
        .collect()
}

/// The lines of a page from above: top and text.
fn lines_of(page: &[Word]) -> Vec<(f64, String)> {
    let mut words: Vec<&Word> = page.iter().collect();
    words.sort_by(|a, b| (a.top, a.left).partial_cmp(&(b.top, b.left)).unwrap());
    let mut found: Vec<(f64, String)> = Vec::new();
    for word in words {
        match found.last_mut() {
            Some((top, text)) if (word.top - *top).abs() < 2.0 => *text += &word.text,
            _ => found.push((word.top, word.text.clone())),
        }
    }
    found
}

fn issued(paragraphs: usize) -> Document {
    Document {
        mark: Some("内部".into()),
        title: "澜州市司法局关于学法情况的通报".into(),
        subtitle: None,
        blocks: (0..paragraphs)
            .map(|_| Block::text("学".repeat(26 + 28 * 2)))
            .collect(),
        official: Some(Official {
            urgency: Some("加急".into()),
            organ: "澜州市司法局文件".into(),
            number: Some("澜司发〔2026〕8号".into()),
            signer: Some("林晓岚".into()),
            addressees: Some("局属各单位".into()),
            attachments: vec!["名单".into(), "说明".into()],
            signed_by: "澜州市司法局".into(),
            dated: "2026年11月22日".into(),
            copies: Some("市委办公室".into()),
            printed: Some(("澜州市司法局办公室".into(), "2026年11月23日".into())),
        }),
    }
}

/// The stretch of a line, without wide gaps, that has a text in it.
fn find(page: &[Word], text: &str) -> Word {
    let mut words = page.to_vec();
    words.sort_by(|a, b| {
        (a.top.round(), a.left)
            .partial_cmp(&(b.top.round(), b.left))
            .unwrap()
    });
    let mut found: Vec<Word> = Vec::new();
    for word in words {
        match found.last_mut() {
            Some(last) if (word.top - last.top).abs() < 2.0 && word.left - last.right < 8.0 => {
                last.right = word.right;
                last.text += &word.text;
            }
            _ => found.push(word),
        }
    }
    let stretch = found.iter().find(|w| w.text.contains(text));
    stretch
        .unwrap_or_else(|| panic!("{text} is not in {found:?}"))
        .clone()
}

/// Within a millimetre and a half: substituted fonts sit a little differently in their lines.
fn near(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() < 1.5,
        "{what}: {found} mm, not {wanted} mm"
    );
}

#[test]
fn a_word_processor_prints_the_type_area_of_official_documents() {
    let folder = tempfile::tempdir().unwrap();
    let pages = printed(folder.path(), &issued(22));
    assert!(pages.len() > 2, "{}", pages.len());
    let full = lines_of(&pages[1]);
    let body: Vec<&(f64, String)> = full.iter().filter(|(_, t)| t.starts_with('学')).collect();
    assert_eq!(body.len(), 22, "lines of a page: {full:?}");
    assert_eq!(body.iter().map(|(_, t)| t.chars().count()).max(), Some(28));
    let edge = |of: fn(&Word) -> f64, least: bool| {
        let all = pages[1].iter().filter(|w| w.text.starts_with('学')).map(of);
        all.reduce(|a, b| if least { a.min(b) } else { a.max(b) })
            .unwrap()
    };
    near(edge(|w| w.left, true), 28.0, "left edge");
    near(edge(|w| w.right, false), 28.0 + 156.0, "right edge");
    assert!(edge(|w| w.top, true) > 35.5, "the text begins below 37 mm");
    assert!(edge(|w| w.bottom, false) < 37.0 + 225.0 + 1.0);
    // Page numbers, one character from the outer edge, 7 mm below the text.
    for (at, page) in pages.iter().enumerate() {
        let number = (at + 1).to_string();
        let foot: Vec<&Word> = page.iter().filter(|w| w.top > 264.0).collect();
        let text: String = foot.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(text, format!("—{number}—"));
        let middle = (foot[0].top + foot[0].bottom) / 2.0;
        assert!((266.0..274.0).contains(&middle), "{middle}");
        match at % 2 {
            0 => near(foot[2].right, 28.0 + 156.0 - 4.94, "odd page number"),
            _ => near(foot[0].left, 28.0 + 4.94, "even page number"),
        }
    }
}

#[test]
fn what_stands_above_and_below_the_text_is_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let pages = printed(folder.path(), &issued(1));
    assert_eq!(pages.len(), 2);
    let (page, end) = (&pages[0], &pages[1]);
    let (mark, number) = (
        find(page, "澜州市司法局文件"),
        find(page, "澜司发〔2026〕8号"),
    );
    // The font that stands in for 小标宋 has some leading above its characters.
    assert!(
        (71.0..77.0).contains(&mark.top),
        "35 mm below the text's edge: {}",
        mark.top
    );
    near(
        mark.left - 28.0,
        28.0 + 156.0 - mark.right,
        "red mark in the middle",
    );
    near(number.left, 28.0 + 5.64, "number");
    near(find(page, "签发人：林晓岚").right, 184.0 - 5.64, "signer");
    near(find(page, "内部").left, 28.0, "level");
    assert!(find(page, "内部").top < find(page, "加急").top);
    near(find(page, "局属各单位：").left, 28.0, "addressees");
    near(
        find(page, "附件：1.名单").left,
        28.0 + 2.0 * 5.64,
        "attachments",
    );
    near(
        find(&pages.concat(), "2.说明").left,
        28.0 + 5.0 * 5.64,
        "second attachment",
    );
    let day = find(end, "2026年11月22日");
    assert!(
        (day.right - 184.0 + 4.0 * 5.64).abs() < 6.0,
        "day: {}",
        day.right
    );
    let organ = find(end, "澜州市司法局");
    near(
        (organ.left + organ.right) / 2.0,
        (day.left + day.right) / 2.0,
        "organ above the day",
    );
    assert!(organ.bottom <= day.top + 3.0, "{organ:?} {day:?}");
    // The imprint between its lines.
    let (copies, on) = (find(end, "抄送：市委办公室。"), find(end, "印发"));
    near(copies.left, 28.0 + 4.94, "copies");
    assert!(day.bottom < copies.top);
    near(on.right, 184.0 - 4.94, "day of printing");
    assert!(copies.bottom <= on.top + 1.0);
    // Its last line ends where the text of a full page would.
    assert!((254.0..263.0).contains(&on.bottom), "{on:?}");
}

#[test]
fn fonts_and_colours_are_those_of_the_standard() {
    let bytes = write(&issued(1)).unwrap();
    let xml = super::tests::part(&bytes, "word/document.xml");
    let around = |text: &str| {
        let at = xml.find(text).unwrap_or_else(|| panic!("{text}: {xml}"));
        let begin = xml[..at].rfind("<w:r>").unwrap();
        xml[begin..at].to_owned()
    };
    for (text, font, size) in [
        ("内部", "黑体", 32),
        ("加急", "黑体", 32),
        ("澜州市司法局文件", "方正小标宋简体", 104),
        ("澜司发〔2026〕8号", "仿宋", 32),
        ("林晓岚", "楷体", 32),
        ("关于学法情况的通报", "方正小标宋简体", 44),
        ("局属各单位：", "仿宋", 32),
        ("抄送：", "仿宋", 28),
        ("印发", "仿宋", 28),
    ] {
        let run = around(text);
        assert!(
            run.contains(&format!("w:eastAsia=\"{font}\"")),
            "{text}: {run}"
        );
        assert!(
            run.contains(&format!("<w:sz w:val=\"{size}\"")),
            "{text}: {run}"
        );
    }
    assert!(around("澜州市司法局文件").contains("FF0000"));
    assert!(xml.contains("w:linePitch=\"579\""), "{xml}");
    for foot in ["word/footer1.xml", "word/footer2.xml"] {
        let foot = super::tests::part(&write(&issued(1)).unwrap(), foot);
        assert!(
            foot.contains("PAGE") && foot.contains("宋体") && foot.contains("w:sz w:val=\"28\""),
            "{foot}"
        );
    }
}

#[test]
fn the_imprint_stands_at_the_foot_of_the_last_page_however_long_the_text_is() {
    let folder = tempfile::tempdir().unwrap();
    for paragraphs in 0..12 {
        let pages = printed(folder.path(), &issued(paragraphs));
        let with: Vec<usize> = (0..pages.len())
            .filter(|n| pages[*n].iter().any(|w| w.text.contains("印发")))
            .collect();
        assert_eq!(with, [pages.len() - 1], "{paragraphs} paragraphs");
        let end = &pages[pages.len() - 1];
        let (copies, on) = (find(end, "抄送：市委办公室。"), find(end, "印发"));
        assert!(
            (254.0..263.0).contains(&on.bottom),
            "{paragraphs} paragraphs: {on:?}"
        );
        // Nothing of the text is under it.
        let body = end.iter().filter(|w| w.top < copies.top - 2.0);
        let lowest = body.map(|w| w.bottom).fold(0.0, f64::max);
        assert!(
            lowest <= copies.top + 0.5,
            "{paragraphs} paragraphs: {lowest} {copies:?}"
        );
    }
}
