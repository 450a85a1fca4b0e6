//! Names of people, joined from parts by number: nobody's, and the same in every demo.

use super::chance;

/// Surnames, the frequent ones; the rare ones stand below.
const SURNAMES: &str = "林陈周吴郑沈韩许何吕施孔曹严华金魏陶姜戚谢邹喻柏王李张刘杨赵黄徐孙马朱胡郭高罗梁宋唐冯于董萧程傅曾彭苏卢蒋蔡贾丁薛叶阎余潘杜戴夏钟汪田任范方石姚谭廖熊陆郝崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文";
const RARE_SURNAMES: [&str; 16] = [
    "欧阳", "上官", "司徒", "慕容", "诸葛", "皇甫", "尉迟", "澹台", "仉", "逄", "亓", "郄", "昝",
    "訾", "厍", "夔",
];
/// Second and third character of a name.
const FIRST: &str = "晓思若明静建雨志清海书立知安文云景亦望嘉怀子南可长予秋一念松春少永世俊宏振德维承启学国正向新光佳诗婉美秀玉淑慧雅欣梦紫";
const SECOND: &str = "岚远溪川怡梧桐和宁言夏行澜博舒凡舟树瑾衿星然风禾白鸣慈年华强军勇伟刚峰涛斌超辉鹏宇航杰磊洋霞芳敏丽娟莉琴萍红燕倩洁颖琳茜蕾菲莹妍璐璇";
/// Characters that a keyboard hardly finds, one of them outside the first 65,536.
const RARE: [&str; 14] = [
    "喆", "堃", "翀", "燚", "赟", "玥", "珺", "犇", "翯", "頔", "媖", "䶮", "甯", "𬱖",
];
/// Names with a dot, as peoples of the west have them: own names, then fathers' names.
const DOTTED: [[[&str; 6]; 2]; 2] = [
    [
        [
            "阿依努尔",
            "古丽米热",
            "麦尔丹",
            "热依汗",
            "迪丽努尔",
            "帕尔哈提",
        ],
        ["吐尔逊", "艾山", "哈力克", "木拉提", "阿布都", "买买提"],
    ],
    [
        ["巴合提", "叶尔江", "阿依登", "古丽娜", "江阿别克", "努尔兰"],
        ["赛力克", "哈德尔", "托列根", "木哈买", "加尔肯", "别克"],
    ],
];

fn pick(text: &str, n: i64, of: usize) -> char {
    let count = text.chars().count();
    let at = (chance(n, of, 41) * 100 + chance(n, of, 42)) as usize % count;
    text.chars().nth(at).unwrap_or('林')
}

/// The name of somebody.
pub fn name(n: i64) -> String {
    let kind = chance(n, 7, 40) * 100 + chance(n, 8, 40);
    let at = |list: &[&'static str], of| list[chance(n, of, 43) as usize % list.len()];
    if kind < 90 {
        let [own, father] = &DOTTED[chance(n, 9, 43) as usize % 2];
        return format!("{}·{}", at(own, 1), at(father, 2));
    }
    let mut name = if kind < 330 {
        at(&RARE_SURNAMES, 3).to_owned()
    } else {
        pick(SURNAMES, n, 4).to_string()
    };
    match kind {
        0..=2_000 => name.push(pick(SECOND, n, 5)),
        2_001..=2_200 => name.push_str(at(&RARE, 6)),
        2_201..=2_350 => {
            name.push(pick(FIRST, n, 7));
            name.push_str(at(&RARE, 6));
        }
        _ => {
            name.push(pick(FIRST, n, 7));
            name.push(pick(SECOND, n, 8));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_many_and_some_are_hard() {
        let names: Vec<String> = (0..3_000).map(name).collect();
        assert_eq!(names, (0..3_000).map(name).collect::<Vec<_>>());
        let different: HashSet<&String> = names.iter().collect();
        assert!(different.len() > 2_000, "{}", different.len());
        assert!(names.iter().any(|n| n.contains('·')));
        assert!(names.iter().any(|n| n.chars().any(|c| c as u32 > 0xffff)));
        assert!(names.iter().any(|n| n.starts_with("欧阳")));
        assert!(names.iter().all(|n| n.chars().count() >= 2));
    }
}
