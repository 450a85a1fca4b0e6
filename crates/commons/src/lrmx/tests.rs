use proptest::prelude::*;

use super::*;

const FILE: &str = "王明.lrmx";

fn open(bytes: &[u8]) -> Form {
    let read = read(FILE, bytes, &Limits::default()).expect("a form");
    assert_eq!(read.notices, []);
    read.form
}

fn wrong(bytes: &[u8]) -> Msg {
    let limits = Limits {
        bytes: 1 << 20,
        characters: 1000,
        photo: 3000,
        elements: 100,
        depth: 8,
    };
    match read(FILE, bytes, &limits) {
        Err(Error::Invalid(mut errors)) => errors.remove(0).message,
        other => panic!("{other:?}"),
    }
}

const SAMPLE: &str = "<?xml version=\"1.0\" encoding=\"gb2312\"?>
<Person xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">
  <XingMing>王  明</XingMing>
  <XingBie>男</XingBie>
  <ChuShengNianYue>196807</ChuShengNianYue>
  <RuDangShiJian>（无党派）</RuDangShiJian>
  <NiRenZhiWu>
  </NiRenZhiWu>
  <JianLi><![CDATA[1991.09--1995.07  澜州大学\r\n1995.07--         澜州市司法局]]></JianLi>
  <JiangChengQingKuang>一等奖 &lt;A&amp;B&gt;<br/>二等奖&nbsp;&#x4E09;&#xD;
</JiangChengQingKuang>
  <JiaTingChengYuan>
    <Item><ChengWei>妻子</ChengWei><XingMing>李某</XingMing><XuHao>1</XuHao></Item>
    <Item><ChengWei /><XingMing></XingMing></Item>
    <BeiZhu>略</BeiZhu>
  </JiaTingChengYuan>
  <ZhaoPian>/9j/
   4AAQ</ZhaoPian>
  <DianHua xsi:nil=\"true\" a='&lt;\"'><X> 一 </X><X/></DianHua>
  <XingBie>女</XingBie>
</Person>";

fn check_sample(form: &Form) {
    assert_eq!((form.name.as_str(), form.sex.as_str()), ("王  明", "男"));
    assert_eq!(
        Month::read(&form.born),
        Some(Month {
            year: 1968,
            month: 7
        })
    );
    assert_eq!(
        (form.joined_party.as_str(), form.post_to_take.as_str()),
        ("（无党派）", "")
    );
    assert_eq!(form.honours, "一等奖 <A&B>\n二等奖&nbsp;三");
    let resume = resume_lines(&form.resume);
    assert_eq!((resume.len(), resume[1].text.as_str()), (2, "澜州市司法局"));
    assert_eq!(form.family.len(), 1, "blank rows are left out");
    assert_eq!(
        (form.family[0].relation.as_str(), form.family[0].extra.len()),
        ("妻子", 1)
    );
    assert_eq!(form.family_extra[0].name, "BeiZhu");
    let photo = form.photo.as_ref().unwrap();
    assert_eq!((photo.media_type(), photo.bytes().len()), ("image/jpeg", 6));
    let extra: Vec<&str> = form.extra.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(extra, ["DianHua", "XingBie"]);
    assert_eq!(form.extra[0].attributes[1].1, "<\"");
    assert!(
        !format!("{form:?}").contains('王'),
        "personal data stays out of logs"
    );
}

#[test]
fn real_files_are_read_whatever_their_encoding() {
    let gbk = GB18030.encode(SAMPLE).0.into_owned();
    let marked = [b"\xEF\xBB\xBF", SAMPLE.as_bytes()].concat();
    let wide: Vec<u8> = [0xFEFF]
        .into_iter()
        .chain(SAMPLE.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let bare = SAMPLE.split_once('\n').unwrap().1;
    let bare_gbk = GB18030.encode(bare).0.into_owned();
    for bytes in [
        SAMPLE.as_bytes(),
        &gbk,
        &marked,
        &wide,
        bare.as_bytes(),
        &bare_gbk,
    ] {
        let form = open(bytes);
        check_sample(&form);
        let written = write(&form);
        let again = open(&written);
        check_sample(&again);
        assert_eq!(again, form);
        assert_eq!(write(&again), written);
    }
}

#[test]
fn a_written_form_has_the_fields_in_their_order() {
    let form = Form {
        name: "王明".to_owned(),
        family: vec![Relative {
            relation: "父亲".to_owned(),
            ..Relative::default()
        }],
        photo: Photo::new(b"\x89PNG".to_vec()),
        ..Form::default()
    };
    let text = String::from_utf8(write(&form)).unwrap();
    let places: Vec<usize> = [
        "<Person>",
        "<XingMing>王明<",
        "<JianLi />",
        "<RenMianLiYou />",
        "<JiaTingChengYuan>",
        "<Item>",
        "<ChengWei>父亲<",
        "<ChengBaoDanWei />",
        "<ShenFenZheng />",
        "<ZhaoPian>iVBORw==<",
        "<Version />",
    ]
    .iter()
    .map(|part| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part} in {text}"))
    })
    .collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn wrong_files_are_named() {
    let person =
        |inner: &str| format!("<Person><XingMing>王明</XingMing>{inner}</Person>").into_bytes();
    let bomb = "<!DOCTYPE p [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><Person>&b;</Person>";
    let deep = "<a>".repeat(9) + &"</a>".repeat(9);
    let many = "<a/>".repeat(101);
    let long = format!("<JianLi>{}</JianLi>", "长".repeat(1001));
    let photo = format!("<ZhaoPian>{}</ZhaoPian>", "A".repeat(5000));
    for (bytes, key) in [
        (vec![b' '; 2 << 20], "lrmx-too-large"),
        (b"PK\x03\x04\xff\xff".to_vec(), "lrmx-other"),
        (b"".to_vec(), "lrmx-other"),
        (b"\"\xcd\xf5\xc3\xf7\",\"\xc4\xd0\"".to_vec(), "lrmx-old"),
        (b"<html><body/></html>".to_vec(), "lrmx-other"),
        (b"<Person><XingMing>".to_vec(), "lrmx-broken"),
        (b"<Person></Other>".to_vec(), "lrmx-broken"),
        (b"<Person/><Person/>".to_vec(), "lrmx-broken"),
        (b"<Person/>text".to_vec(), "lrmx-broken"),
        (b"<Person a=b/>".to_vec(), "lrmx-broken"),
        (b"<Person/>".to_vec(), "lrmx-empty"),
        (bomb.as_bytes().to_vec(), "lrmx-doctype"),
        (person(&deep), "lrmx-too-many"),
        (person(&many), "lrmx-too-many"),
        (person(&long), "lrmx-field-too-long"),
        (person(&photo), "lrmx-photo-too-large"),
        (person("<a'b/>"), "lrmx-broken"),
    ] {
        let message = wrong(&bytes);
        assert_eq!(message.key, key, "{}", String::from_utf8_lossy(&bytes));
        assert!(message.args.contains(&("file", FILE.to_owned())));
    }
    let message = wrong("<Person>\n<XingMing>王明</XingMing>\n</Xing>".as_bytes());
    assert!(
        message.args.contains(&("line", "3".to_owned())),
        "{message:?}"
    );
}

#[test]
fn a_broken_photograph_harms_nothing_else() {
    for photo in ["!!!", "AAAA"] {
        let text =
            format!("<Person><XingMing>王明</XingMing><ZhaoPian>{photo}</ZhaoPian></Person>");
        let read = read(FILE, text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!((read.form.name.as_str(), read.form.photo), ("王明", None));
        assert_eq!(read.notices[0].message.key, "lrmx-photo-broken");
    }
}

/// A text as a field can hold it: trimmed, lines ending with a line feed.
fn text() -> impl Strategy<Value = String> {
    "[\\PC\n\t&<>\"']{0,30}".prop_map(|text| xml::allowed(&text).trim().to_owned())
}

fn element() -> impl Strategy<Value = Element> {
    let attributes =
        || proptest::collection::vec(("[A-Z][a-z]{0,5}", "[\\PC\n\t&<>\"']{0,9}"), 0..3);
    let attributes = move || {
        attributes().prop_map(|list| {
            let map: std::collections::BTreeMap<String, String> = list.into_iter().collect();
            map.into_iter()
                .map(|(name, value)| (name, xml::allowed(&value)))
                .collect::<Vec<_>>()
        })
    };
    let leaf =
        ("Bei[a-z]{1,5}", attributes(), text()).prop_map(|(name, attributes, text)| Element {
            name,
            attributes,
            children: if text.is_empty() {
                vec![]
            } else {
                vec![Node::Text(text)]
            },
        });
    leaf.prop_recursive(3, 8, 3, move |inner| {
        let inner = proptest::collection::vec(inner.prop_map(Node::Element), 1..3);
        ("Bei[a-z]{1,5}", attributes(), inner).prop_map(|(name, attributes, children)| Element {
            name,
            attributes,
            children,
        })
    })
}

fn form() -> impl Strategy<Value = Form> {
    let texts = proptest::collection::vec(text(), 32);
    let relatives = proptest::collection::vec(
        (
            proptest::collection::vec(text(), 5),
            proptest::collection::vec(element(), 0..2),
        ),
        0..4,
    );
    let photo = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..50));
    let extra = || proptest::collection::vec(element(), 0..3);
    (texts, relatives, photo, extra(), extra()).prop_map(
        |(texts, relatives, photo, extra, family_extra)| {
            let mut form = Form {
                photo: photo
                    .and_then(|rest| Photo::new([b"\xFF\xD8\xFF".as_slice(), &rest].concat())),
                attributes: vec![("xmlns:xsi".to_owned(), "urn:a&b".to_owned())],
                extra,
                family_extra,
                ..Form::default()
            };
            let names: Vec<_> = form.texts().map(|(name, _)| name).collect();
            assert_eq!(names.len(), texts.len());
            for (name, text) in names.into_iter().zip(texts) {
                *form.text_mut(name).unwrap() = text;
            }
            // A form without any text is refused.
            form.name = "王明".to_owned();
            for (texts, extra) in relatives {
                let mut relative = Relative {
                    extra,
                    ..Relative::default()
                };
                let names: Vec<_> = relative.texts().map(|(name, _)| name).collect();
                for (name, text) in names.into_iter().zip(texts) {
                    *relative.text_mut(name).unwrap() = text;
                }
                form.family
                    .extend((relative != Relative::default()).then_some(relative));
            }
            form
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(form in form()) {
        let read = read(FILE, &write(&form), &Limits::default()).unwrap();
        prop_assert_eq!(&read.notices, &[]);
        prop_assert!(read.form == form, "{}", String::from_utf8_lossy(&write(&form)));
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(FILE, &bytes, &Limits::default());
    }

    #[test]
    fn any_markup_is_answered(markup in "(<Person>|</Person>|<XingMing>|</XingMing>|<a b='|'/>|<!\\[CDATA\\[|\\]\\]>|&#1;|&#xD800;|&lt|[a-z<&>\"' ]){0,20}") {
        let text = format!("<Person><XingMing>x{markup}");
        if let Ok(read) = read(FILE, text.as_bytes(), &Limits::default()) {
            let again = super::read(FILE, &write(&read.form), &Limits::default()).unwrap();
            prop_assert!(again.form == read.form);
        }
    }
}
