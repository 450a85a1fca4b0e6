//! Every format with questions of every kind; papers as people type them; files made with malice.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;

use super::*;
use crate::model::{Kind, Media};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|t| (*t).to_owned()).collect()
}

fn choice(kind: Kind, stem: &str, options: &[&str], key: &str) -> Question {
    Question {
        options: texts(options),
        key: Key::Choices(key.parse().unwrap()),
        ..Question::new(kind, stem)
    }
}

fn blanks(stem: &str, key: &[&[&str]], unordered: bool) -> Question {
    Question {
        key: Key::Blanks {
            blanks: key.iter().map(|s| texts(s)).collect(),
            unordered,
        },
        ..Question::new(Kind::FillIn, stem)
    }
}

/// The smallest picture there is.
fn picture() -> Media {
    let bytes = b"\x89PNG\r\n\x1a\nsmall".to_vec();
    Media {
        name: "fig.png".into(),
        mime: "image/png".into(),
        hash: commons::files::FileHash::of(&bytes).to_string(),
        bytes,
    }
}

/// One question of every kind, with all that can be said of it.
fn all() -> Vec<Question> {
    let rich = |question: Question| Question {
        points: texts(&["行政法/行政复议", "诉讼"]),
        difficulty: Some(4),
        source: "澜州市司法局自编".into(),
        article: "某法第十二条".into(),
        explanation: "因为甲。\n也因为乙。".into(),
        score: Some(1_500),
        ..question
    };
    let four = ["甲机关", "乙机关", "丙机关", "丁机关"];
    vec![
        rich(choice(Kind::Single, "由哪个机关受理？", &four, "B")),
        rich(choice(
            Kind::Multiple,
            "下列哪些正确？\n请全选。",
            &four,
            "ACD",
        )),
        Question {
            fixed: true,
            ..choice(
                Kind::Indefinite,
                "下列哪些正确？（　）",
                &["是 <b>", "a & b", "3 > 2"],
                "C",
            )
        },
        Question {
            key: Key::Truth(false),
            ..Question::new(Kind::Judgement, "复议期间一律停止执行。")
        },
        rich(blanks(
            "申请期限为____日，材料____份。",
            &[&["六十", "60"], &["二"]],
            false,
        )),
        blanks("写出一项原则：____", &[&["合法", "合法性"]], false),
        blanks("两项原则是____和____", &[&["合法"], &["合理"]], true),
        rich(Question {
            key: Key::Text("要点一；要点二".into()),
            longest: Some(800),
            ..Question::new(Kind::Short, "简述回避制度。")
        }),
        Question::new(Kind::Essay, "论述公开原则。"),
        Question {
            options: texts(&["受理", "审理", "决定"]),
            key: Key::Order("BAC".parse().unwrap()),
            ..Question::new(Kind::Ordering, "排出先后。")
        },
        Question {
            options: texts(&["申请", "受理"]),
            targets: texts(&["机关", "公民", "法院"]),
            key: Key::Pairs(vec![1, 0]),
            ..Question::new(Kind::Matching, "谁做什么？")
        },
        rich(Question {
            parts: vec![
                choice(Kind::Single, "谁是当事人？", &["甲", "乙"], "A"),
                choice(Kind::Indefinite, "哪些说法正确？", &["一", "二", "三"], "B"),
                Question {
                    key: Key::Text("甲应当".into()),
                    explanation: "参见材料第二段".into(),
                    ..Question::new(Kind::Short, "甲应当怎样做？")
                },
            ],
            ..Question::new(Kind::Case, "材料第一段。\n材料第二段。")
        }),
        Question::new(Kind::Upload, "请提交文书。"),
        Question {
            media: vec![picture()],
            ..choice(
                Kind::Single,
                "图中是什么？![](#1)",
                &["印章", "![](#1)"],
                "A",
            )
        },
    ]
}

fn back(format: Format, questions: &[Question]) -> (Vec<Item>, Written) {
    let written = write(format, questions).unwrap();
    let name = format!(
        "x.{}",
        if format == Format::Gift {
            "gift"
        } else {
            format.extension()
        }
    );
    let batch = read(&name, &written.bytes, Limits::default()).unwrap();
    assert_eq!(batch.format, format, "the format is known again");
    (batch.items, written)
}

fn keys(lost: &[(usize, Msg)]) -> Vec<(usize, &'static str)> {
    lost.iter()
        .map(|(at, message)| (*at, message.key))
        .collect()
}

#[test]
fn what_is_written_comes_back_and_what_is_lost_is_named() {
    let questions = all();
    for format in Format::ALL {
        let (items, written) = back(format, &questions);
        let lost = keys(&written.lost);
        let mut at = 0;
        for (number, question) in questions.iter().enumerate() {
            let of = |key: Option<&str>| {
                lost.iter()
                    .any(|(n, k)| *n == number + 1 && key.is_none_or(|x| x == *k))
            };
            if of(Some("question-lost-kind")) {
                continue;
            }
            let item = &items[at];
            at += 1;
            let losses: Vec<_> = losses(question, std::slice::from_ref(item)).collect();
            assert_eq!(
                !losses.is_empty(),
                of(None),
                "{format:?} {number} {losses:?} {item:?}"
            );
        }
        assert_eq!(at, items.len(), "{format:?}");
        let whole = match format {
            Format::Jsonl => vec![(14, "question-lost-pictures")],
            Format::Qti2 | Format::Qti3 => vec![],
            Format::Docx => vec![(11, "question-lost-kind")],
            Format::Text => vec![(11, "question-lost-kind"), (14, "question-lost-pictures")],
            Format::Xlsx | Format::Csv => vec![(14, "question-lost-pictures")],
            Format::Moodle => vec![
                (5, "question-lost-kind"),
                (7, "question-lost-kind"),
                (10, "question-lost-shape"),
                (12, "question-lost-kind"),
            ],
            Format::Gift => vec![
                (5, "question-lost-kind"),
                (7, "question-lost-kind"),
                (8, "question-lost-key"),
                (10, "question-lost-kind"),
                (12, "question-lost-kind"),
                (13, "question-lost-kind"),
                (14, "question-lost-pictures"),
            ],
            Format::Aiken => continue,
        };
        assert_eq!(lost, whole, "{format:?}");
        for item in &items {
            let pictures = item
                .faults
                .iter()
                .all(|f| f.message.key == "question-picture-missing");
            assert!(pictures, "{format:?} {item:?}");
        }
    }
}

fn paper(text: &str) -> Vec<Item> {
    read("paper.txt", text.as_bytes(), Limits::default())
        .unwrap()
        .items
}

fn short(items: &[Item]) -> Vec<String> {
    let key = |q: &Question| answers::written(&q.key);
    items
        .iter()
        .map(|i| {
            let q = &i.question;
            let parts: Vec<String> = q
                .parts
                .iter()
                .map(|p| format!("{}:{}", p.kind.code(), key(p)))
                .collect();
            format!(
                "{} {} {} {}{}",
                q.kind.code(),
                q.stem,
                q.options.join("|"),
                key(q),
                parts.join(",")
            )
        })
        .collect()
}

#[test]
fn papers_are_read_as_people_type_them() {
    let items = paper(
        "2026年业务测试\n\
         一、单项选择题（每题2分，共4分）\n\
         1．由谁受理（ B ）。\n\
         A．甲  B．乙  C．丙  D．丁\n\
         2、下列正确的是（　　） A、甲 B、乙\n\
         答案：A 解析：见第3条\n\
         二、多项选择题\n\
         3. 下列哪些正确？\n\
         (A)甲 (B)乙\n\
         （C）丙\n\
         【答案】A、C【解析】很清楚。\n还有一段。\n\
         三、判断题\n\
         4. 一律停止执行（×）\n\
         5. 可以调解。（√）\n\
         四、填空题\n\
         6. 期限____日，____份\n答案：六十/60；二\n\
         五、简答题\n\
         7. 简述。\n答：第一，\n第二。\n难度：较难\n知识点：行政法>复议\n\
         六、案例分析题\n\
         8. 甲诉乙。\n乙答辩。\n（1）谁是当事人？\nA. 甲 B. 丙\n答案：A\n（2）为什么？\n答案：因为\n",
    );
    assert_eq!(
        short(&items),
        [
            "single 由谁受理（　）。 甲|乙|丙|丁 B",
            "single 下列正确的是（　　） 甲|乙 A",
            "multiple 下列哪些正确？ 甲|乙|丙 AC",
            "judgement 一律停止执行（　）  错误",
            "judgement 可以调解。（　）  正确",
            "fill-in 期限____日，____份  六十/60；二",
            "short 简述。  第一，\n第二。",
            "case 甲诉乙。\n乙答辩。  single:A,short:因为",
        ]
    );
    assert!(items.iter().all(|i| i.faults.is_empty()), "{items:#?}");
    assert_eq!(items[0].question.score, Some(2_000));
    assert_eq!(items[1].question.explanation, "见第3条");
    assert_eq!(items[2].question.explanation, "很清楚。\n还有一段。");
    assert_eq!(items[6].question.difficulty, Some(4));
    assert_eq!(items[6].question.points, ["行政法/复议"]);
    assert_eq!(items[3].place, line_place(14));
}

#[test]
fn answers_at_the_end_find_their_questions() {
    let one = paper(
        "一、单选题\n1.甲？\nA.一 B.二\n2.乙？\nA.一 B.二\n二、多选题\n1.丙？\nA.一 B.二 C.三\n三、判断题\n1.丁\n2.戊\n\
         参考答案\n一、单选题\n1-2 BA\n二、多选题\n1.AC\n三、判断题\n1.√ 2.×\n",
    );
    let found: Vec<String> = one
        .iter()
        .map(|i| answers::written(&i.question.key))
        .collect();
    assert_eq!(found, ["B", "A", "AC", "正确", "错误"]);
    let two = paper("1.甲？\nA.一 B.二\n2.乙？\nA.一 B.二\n\n答案\n1．B 2．A\n");
    let found: Vec<String> = two
        .iter()
        .map(|i| answers::written(&i.question.key))
        .collect();
    assert_eq!(found, ["B", "A"]);
    let table = paper("1.甲？\nA.一 B.二\n2.乙？\nA.一 B.二\n题号\t1\t2\n答案\tB\tA\n");
    let found: Vec<String> = table
        .iter()
        .map(|i| answers::written(&i.question.key))
        .collect();
    assert_eq!(found, ["B", "A"]);
}

#[test]
fn points_of_an_answer_are_no_questions() {
    let behind = paper("6. 简述。\n答案：\n1. 首先\n2. 其次\n7. 论述。\n答案：有\n");
    assert_eq!(
        short(&behind),
        ["short 简述。  1. 首先\n2. 其次", "short 论述。  有"]
    );
    let list = paper(
        "1. 甲？\nA. 一 B. 二\n2. 简述。\n3. 论述。\n参考答案\n1. B\n2. 要点：\n1. 首先\n2. 其次\n3. 有\n",
    );
    assert_eq!(
        short(&list),
        [
            "single 甲？ 一|二 B",
            "short 简述。  要点：\n1. 首先\n2. 其次",
            "short 论述。  有"
        ]
    );
}

#[test]
fn a_list_of_names_is_no_option_and_a_decimal_no_number() {
    let items = paper(
        "1. 下列哪项正确？\nA. 甲公司与A、B公司合并\nB. 增长 3.5 倍\n3.5 倍以上\nC. 都不对\n答案：B\n\
         2. 小于1.5分的\n答案：对\n",
    );
    assert_eq!(
        short(&items),
        [
            "single 下列哪项正确？ 甲公司与A、B公司合并|增长 3.5 倍\n3.5 倍以上|都不对 B",
            "judgement 小于1.5分的  正确",
        ]
    );
}

#[test]
fn faulty_items_are_named_and_the_others_are_read() {
    let items = paper(
        "1. 甲？\nA. 一\nB. 二\n2. 乙？\nA. 一\nB. 一\n答案：A\n3. 丙？\nA. 一\nB. 二\n答案：乙\n",
    );
    let faults: Vec<Vec<&str>> = items
        .iter()
        .map(|i| i.faults.iter().map(|f| f.message.key).collect())
        .collect();
    assert_eq!(
        faults,
        [
            vec!["question-none-right"],
            vec!["question-option-twice"],
            vec!["question-key-unread"]
        ]
    );
    let gift = b"::1::\xe7\x94\xb2{=a\n\n::2::\xe4\xb9\x99{T}\n";
    let items = read("x.gift", gift, Limits::default()).unwrap().items;
    assert_eq!(items[0].faults[0].message.key, "question-gift-braces");
    assert_eq!(items[1].question.key, Key::Truth(true));
    let lines = "{\"question\":\"甲\",\"options\":[\"(A)一\",\"(B)二\"],\"label\":[\"B\"]}\n{\"question\":\n";
    let items = read("x.jsonl", lines.as_bytes(), Limits::default())
        .unwrap()
        .items;
    assert_eq!(short(&items[..1]), ["single 甲 一|二 B"]);
    assert_eq!(items[1].faults[0].message.key, "question-json");
}

#[test]
fn sheets_are_read_whatever_their_columns_are_called() {
    let csv = "题目内容,题目类型,A,B,C,正确答案,难易程度,备注\n\
               甲？,单选,一,二,三,Ｂ,易,x\n乙？,多选题,一,二,三,\"a,c\",中,\n丙,判断,,,,×,,\n\
               丁（）日,填空,,,,60,,\n戊,选择填空,一,二,,A,,\n己,单选,一,二,,Z,6,\n";
    let items = read("题.csv", csv.as_bytes(), Limits::default())
        .unwrap()
        .items;
    assert_eq!(
        short(&items)[..4],
        [
            "single 甲？ 一|二|三 B",
            "multiple 乙？ 一|二|三 AC",
            "judgement 丙  错误",
            "fill-in 丁（）日  60",
        ]
    );
    assert_eq!(items[0].question.difficulty, Some(1));
    let faults = |at: usize| -> Vec<(&str, Option<&str>)> {
        let cell = |f: &Fault| f.message.args.iter().position(|(n, _)| *n == "cell");
        let faults = items[at].faults.iter();
        faults
            .map(|f| (f.message.key, cell(f).map(|n| f.message.args[n].1.as_str())))
            .collect()
    };
    assert_eq!(faults(4), [("question-kind-unread", Some("B6"))]);
    assert_eq!(
        faults(5),
        [
            ("question-difficulty", Some("G7")),
            ("question-key-outside", None)
        ]
    );
    for format in [Format::Xlsx, Format::Csv] {
        let empty = read("x", &template(format).unwrap(), Limits::default());
        assert!(
            matches!(empty, Err(Error::Invalid(_))),
            "a template alone holds nothing"
        );
    }
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files = files.iter().map(|(n, b)| ((*n).to_owned(), b.to_vec()));
    docx_write::zipped(files.collect()).unwrap()
}

#[test]
fn documents_of_word_and_wps_are_read_with_their_numbers_and_pictures() {
    let list = |list: u8, level: u8, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr></w:pPr>\
             <w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let plain = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let shape = "<w:p><w:r><mc:AlternateContent><mc:Choice><w:drawing><a:blip r:embed=\"p1\"/></w:drawing></mc:Choice>\
                 <mc:Fallback><w:pict><v:imagedata r:id=\"p1\"/></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>";
    let wps = "<w:p><w:r><w:t>看图</w:t></w:r><w:r><w:pict><v:shape><v:imagedata r:id=\"p1\"/></v:shape></w:pict></w:r></w:p>";
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", plain(text));
    let row = |cells: &[&str]| {
        format!(
            "<w:tr>{}</w:tr>",
            cells.iter().map(|c| cell(c)).collect::<String>()
        )
    };
    let body = [
        plain("一、单选题"),
        list(1, 0, "自动编号的题？"),
        shape.to_owned(),
        list(2, 0, "选项甲"),
        list(2, 0, "选项乙"),
        list(1, 0, "第二题？"),
        wps.to_owned(),
        list(3, 0, "选项丙"),
        list(3, 0, "选项丁"),
        "<w:altChunk r:id=\"c1\"/>".to_owned(),
        format!(
            "<w:tbl>{}{}</w:tbl>",
            row(&["题号", "1", "2", "3"]),
            row(&["答案", "B", "A", "B"])
        ),
    ]
    .concat();
    let document = format!(
        "<w:document xmlns:w=\"w\" xmlns:r=\"r\" xmlns:a=\"a\" xmlns:v=\"v\" xmlns:mc=\"mc\"><w:body>{body}</w:body></w:document>"
    );
    let level = |format: &str, text: &str| {
        format!(
            "<w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"{format}\"/><w:lvlText w:val=\"{text}\"/></w:lvl>"
        )
    };
    let abstract_of = |id: u8, level: String| {
        format!("<w:abstractNum w:abstractNumId=\"{id}\">{level}</w:abstractNum>")
    };
    let num = |id: u8, of: u8, over: &str| {
        format!("<w:num w:numId=\"{id}\"><w:abstractNumId w:val=\"{of}\"/>{over}</w:num>")
    };
    let anew = "<w:lvlOverride w:ilvl=\"0\"><w:startOverride w:val=\"1\"/></w:lvlOverride>";
    let numbering = format!(
        "<w:numbering xmlns:w=\"w\">{}{}{}{}{}</w:numbering>",
        abstract_of(1, level("decimal", "%1．")),
        abstract_of(2, level("upperLetter", "%1.")),
        num(1, 1, ""),
        num(2, 2, ""),
        num(3, 2, anew),
    );
    let relations = "<Relationships><Relationship Id=\"p1\" Target=\"media/image1.png\"/><Relationship Id=\"c1\" Target=\"chunk.mht\"/></Relationships>";
    let page = "<html><body><p>3.&nbsp;网页里的题（B）</p><div>A.是<br>B.否</div><script>alert(1)</script><img src=3D\"p.png\"></body></html>";
    let mht = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/html; charset=\"utf-8\"\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n--b\r\nContent-Type: image/png\r\nContent-Location: p.png\r\n\
         Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgpz\r\n--b--\r\n",
        page
    );
    let bytes = zip(&[
        ("word/document.xml", document.as_bytes()),
        ("word/numbering.xml", numbering.as_bytes()),
        ("word/_rels/document.xml.rels", relations.as_bytes()),
        ("word/media/image1.png", &picture().bytes),
        ("word/chunk.mht", mht.as_bytes()),
    ]);
    let batch = read("试卷.docx", &bytes, Limits::default()).unwrap();
    assert_eq!(
        short(&batch.items),
        [
            "single 自动编号的题？\n![](#1) 选项甲|选项乙 B",
            "single 第二题？\n看图![](#1) 选项丙|选项丁 A",
            "single 网页里的题（　） 是|否\n![](#1) B",
        ]
    );
    assert!(
        batch
            .items
            .iter()
            .all(|i| i.faults.is_empty() && i.question.media.len() == 1),
        "{batch:?}"
    );
}

#[test]
fn files_made_with_malice_or_of_other_kinds_are_refused() {
    let refused = |name: &str, bytes: &[u8]| match read(name, bytes, Limits::default()) {
        Err(Error::Invalid(errors)) => errors[0].message.key,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("a.docx", b"PK\x03\x04"), "question-file-broken");
    assert_eq!(
        refused("a.doc", b"\xd0\xcf\x11\xe0\0"),
        "question-file-old-office"
    );
    assert_eq!(refused("a.pdf", b"%PDF-1.7"), "question-file-unknown");
    assert_eq!(
        refused("a.txt", "没有题".as_bytes()),
        "question-file-nothing"
    );
    assert_eq!(
        refused("a.zip", &zip(&[("x.txt", b"x")])),
        "question-file-unknown"
    );
    let entity = b"<!DOCTYPE quiz [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><quiz><question type=\"essay\"/></quiz>";
    assert_eq!(refused("a.xml", entity), "question-xml-doctype");
    assert_eq!(
        refused("a.xml", "<quiz>".repeat(5_000).as_bytes()),
        "question-xml-deep"
    );
    let item = b"<!DOCTYPE x><assessmentItem/>";
    let manifest = b"<manifest><resources><resource type=\"imsqti_item_xmlv2p1\" href=\"a.xml\"/><resource type=\"imsqti_item_xmlv2p1\" href=\"../../b.xml\"/></resources></manifest>";
    let pack = zip(&[("imsmanifest.xml", manifest), ("a.xml", item)]);
    let items = read("a.zip", &pack, Limits::default()).unwrap().items;
    let faults: Vec<&str> = items.iter().map(|i| i.faults[0].message.key).collect();
    assert_eq!(faults, ["question-xml-doctype", "question-file-missing"]);
    let mut bomb = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    bomb.start_file(
        "word/document.xml",
        ::zip::write::SimpleFileOptions::default(),
    )
    .unwrap();
    for _ in 0..64 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap().into_inner();
    let limits = Limits {
        inflated: 1 << 20,
        ..Limits::default()
    };
    let Err(Error::Invalid(errors)) = read("a.docx", &bomb, limits) else {
        panic!("a bomb was read");
    };
    assert_eq!(errors[0].message.key, "question-file-inflated");
}

#[test]
fn markup_becomes_text() {
    let none = &mut |_: &str| None;
    let text = markup::html(
        "<p>甲&nbsp;&lt;b&gt;<b>乙</b></p><!-- x --><script>bad()</script><p>3 < 5 &amp;c.<br/>丙",
        none,
    );
    assert_eq!(text, "甲 <b>乙\n3 < 5 &c.\n丙");
    let items = paper("1. <script>alert(1)</script>对吗？\nA. <b>是</b>\nB. 否\n答案：A\n");
    assert_eq!(
        short(&items),
        ["single <script>alert(1)</script>对吗？ <b>是</b>|否 A"]
    );
}

fn some_text() -> impl Strategy<Value = String> {
    "[一-龥a-zA-Z0-9<>&\"'（）()【】：:、.。；;/=~#{}\\\\ _%|-]{1,24}"
        .prop_filter("has a sign", |t| !t.trim().is_empty())
}

fn some_question() -> impl Strategy<Value = Question> {
    let head = (
        some_text(),
        prop::option::of(some_text()),
        prop::option::of(1u8..=5),
        prop::option::of(1u32..9_000),
    );
    let body = prop_oneof![
        (prop::collection::vec(some_text(), 2..7), 0usize..7).prop_map(|(options, right)| {
            let right = right % options.len();
            (
                Kind::Single,
                options,
                Key::Choices(crate::letters::Letters::new([right]).unwrap()),
            )
        }),
        any::<bool>().prop_map(|truth| (Kind::Judgement, Vec::new(), Key::Truth(truth))),
        some_text().prop_map(|t| (
            Kind::FillIn,
            Vec::new(),
            Key::Blanks {
                blanks: vec![vec![t]],
                unordered: false
            }
        )),
        some_text().prop_map(|t| (Kind::Essay, Vec::new(), Key::Text(t))),
    ];
    (head, body).prop_map(
        |((stem, explanation, difficulty, score), (kind, options, key))| {
            let mut question = Question {
                options,
                key,
                explanation: explanation.unwrap_or_default(),
                difficulty,
                score,
                ..Question::new(kind, stem)
            };
            question.tidy();
            question
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the texts hold: what does not come back is named, and the packages lose nothing.
    #[test]
    fn nothing_is_dropped_silently(questions in prop::collection::vec(some_question(), 1..4)) {
        for format in Format::ALL {
            let written = write(format, &questions).unwrap();
            if matches!(format, Format::Jsonl | Format::Qti2 | Format::Qti3 | Format::Moodle) {
                prop_assert_eq!(&keys(&written.lost), &vec![], "{:?}", format);
            }
            if written.lost.is_empty() {
                let name = if format == Format::Gift { "x.gift".to_owned() } else { format!("x.{}", format.extension()) };
                let batch = read(&name, &written.bytes, Limits::default()).unwrap();
                prop_assert_eq!(batch.format, format);
                let found: Vec<Question> = batch.items.into_iter().map(|i| i.question).collect();
                prop_assert_eq!(&found, &questions, "{:?}", format);
            }
        }
    }

    #[test]
    fn no_text_upsets_a_reader(text in "(\\PC|\n|[0-9A-D][.、)] ?|答案：|【解析】|一、单选题\n|[{}=~]|<[a-z/]*>|ANSWER: ){0,60}") {
        for name in ["a.txt", "a.gift", "a.csv", "a.jsonl", "a.xml"] {
            if let Ok(batch) = read(name, text.as_bytes(), Limits::default()) {
                for item in batch.items {
                    let mut again = item.question.clone();
                    again.tidy();
                    prop_assert_eq!(again, item.question);
                }
            }
        }
    }
}
