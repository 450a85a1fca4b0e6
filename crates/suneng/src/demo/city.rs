//! The units of the city: 108 municipal agencies in six categories, five of them with offices, counties and
//! townships below. Every name is made up by putting the invented city in front of what every city has.

use super::chance;

/// The top of everything.
pub const CITY: &str = "LZS";
/// How many people serve in the city.
const PEOPLE: usize = 3_000;

/// Whose ways a unit follows: it decides the posts and classes of its people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Party and government offices.
    Office,
    /// Justice bureaus.
    Justice,
    /// Courts.
    Court,
    /// Procuratorates.
    Procuratorate,
    /// Police.
    Police,
    /// Schools, hospitals, museums.
    Institution,
    /// Companies.
    Company,
}

/// A unit as it will be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Code of the unit above; empty for the top.
    pub parent: &'static str,
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Category.
    pub category: &'static str,
    /// Its own people.
    pub people: usize,
    /// Its ways.
    pub service: Service,
}

/// The justice system and its like: unit above, code, name, category, people, ways.
const POLITICAL_LEGAL: [(&str, &str, &str, &str, usize, Service); 71] = {
    use Service::{Court, Justice, Office, Police, Procuratorate};
    [
        ("LZS", "LW", "中共澜州市委政法委员会", "党政综合", 6, Office),
        ("LW", "LW01", "办公室", "内设机构", 9, Office),
        ("LW", "LW02", "政治部", "内设机构", 8, Office),
        ("LW", "LW03", "执法监督科", "内设机构", 7, Office),
        ("LW", "LW04", "综治督导科", "内设机构", 8, Office),
        ("LZS", "LF", "澜州市中级人民法院", "执法监督", 7, Court),
        ("LF", "LF01", "立案庭", "内设机构", 12, Court),
        ("LF", "LF02", "刑事审判庭", "内设机构", 16, Court),
        ("LF", "LF03", "民事审判第一庭", "内设机构", 18, Court),
        ("LF", "LF04", "民事审判第二庭", "内设机构", 17, Court),
        ("LF", "LF05", "行政审判庭", "内设机构", 11, Court),
        ("LF", "LF06", "执行局", "内设机构", 20, Court),
        ("LF", "LF07", "审判管理办公室", "内设机构", 8, Court),
        ("LF", "LF08", "政治部", "内设机构", 10, Court),
        ("LF", "LF11", "澜湖区人民法院", "基层法院", 42, Court),
        ("LF", "LF12", "云岭县人民法院", "基层法院", 38, Court),
        (
            "LZS",
            "LJ",
            "澜州市人民检察院",
            "执法监督",
            7,
            Procuratorate,
        ),
        ("LJ", "LJ01", "第一检察部", "内设机构", 13, Procuratorate),
        ("LJ", "LJ02", "第二检察部", "内设机构", 12, Procuratorate),
        ("LJ", "LJ03", "第三检察部", "内设机构", 10, Procuratorate),
        ("LJ", "LJ04", "第四检察部", "内设机构", 10, Procuratorate),
        ("LJ", "LJ05", "办公室", "内设机构", 9, Procuratorate),
        ("LJ", "LJ06", "政治部", "内设机构", 8, Procuratorate),
        (
            "LJ",
            "LJ11",
            "澜湖区人民检察院",
            "基层检察院",
            32,
            Procuratorate,
        ),
        (
            "LJ",
            "LJ12",
            "云岭县人民检察院",
            "基层检察院",
            29,
            Procuratorate,
        ),
        ("LZS", "LG", "澜州市公安局", "执法监督", 9, Police),
        ("LG", "LG01", "指挥中心", "内设机构", 22, Police),
        ("LG", "LG02", "政治部", "内设机构", 16, Police),
        ("LG", "LG03", "法制支队", "内设机构", 14, Police),
        ("LG", "LG04", "刑事侦查支队", "内设机构", 38, Police),
        ("LG", "LG05", "治安管理支队", "内设机构", 30, Police),
        ("LG", "LG06", "交通警察支队", "内设机构", 46, Police),
        ("LG", "LG11", "澜湖分局", "公安分局", 44, Police),
        ("LG11", "LG1101", "柳浪派出所", "派出所", 26, Police),
        ("LG11", "LG1102", "望津派出所", "派出所", 24, Police),
        ("LG11", "LG1103", "湖心派出所", "派出所", 21, Police),
        ("LG", "LG12", "霁陵分局", "公安分局", 38, Police),
        ("LG12", "LG1201", "石门派出所", "派出所", 22, Police),
        ("LG12", "LG1202", "桥头派出所", "派出所", 20, Police),
        ("LZS", "LZ", "澜州市司法局", "执法监督", 4, Justice),
        ("LZ", "LZ01", "政治部", "处室", 20, Justice),
        ("LZ", "LZ02", "法治调研督察处", "处室", 9, Justice),
        ("LZ", "LZ03", "社区矫正管理处", "处室", 11, Justice),
        ("LZ", "LZ04", "公共法律服务处", "处室", 12, Justice),
        ("LZ", "LZ05", "行政复议应诉处", "处室", 10, Justice),
        ("LZ", "LZ06", "机关党委", "处室", 6, Justice),
        ("LZ", "LZ11", "澜湖区司法局", "县区局", 14, Justice),
        ("LZ11", "LZ1101", "柳浪司法所", "司法所", 5, Justice),
        ("LZ11", "LZ1102", "望津司法所", "司法所", 4, Justice),
        ("LZ", "LZ12", "霁陵区司法局", "县区局", 12, Justice),
        ("LZ12", "LZ1201", "石门司法所", "司法所", 5, Justice),
        ("LZ12", "LZ1202", "桥头司法所", "司法所", 4, Justice),
        ("LZ", "LZ13", "云岭县司法局", "县区局", 13, Justice),
        ("LZ13", "LZ1301", "茶亭司法所", "司法所", 4, Justice),
        ("LZ13", "LZ1302", "北坡司法所", "司法所", 4, Justice),
        ("LZ", "LZ14", "浣江县司法局", "县区局", 12, Justice),
        ("LZ14", "LZ1401", "渡口司法所", "司法所", 5, Justice),
        ("LZ14", "LZ1402", "沙洲司法所", "司法所", 3, Justice),
        ("LZ", "LZ15", "青屏县司法局", "县区局", 11, Justice),
        ("LZ15", "LZ1501", "屏山司法所", "司法所", 4, Justice),
        ("LZ15", "LZ1502", "溪口司法所", "司法所", 4, Justice),
        ("LZ", "LZ21", "澜州市法律援助中心", "直属单位", 8, Justice),
        // The counties' own police stations and courts stand below their city's bureaus.
        ("LG", "LG13", "云岭县公安局", "县公安局", 30, Police),
        ("LG13", "LG1301", "茶亭派出所", "派出所", 16, Police),
        ("LG", "LG14", "浣江县公安局", "县公安局", 28, Police),
        ("LG14", "LG1401", "渡口派出所", "派出所", 15, Police),
        ("LF", "LF13", "浣江县人民法院", "基层法院", 34, Court),
        (
            "LJ",
            "LJ13",
            "浣江县人民检察院",
            "基层检察院",
            26,
            Procuratorate,
        ),
        ("LG", "LG15", "青屏县公安局", "县公安局", 26, Police),
        ("LG15", "LG1501", "屏山派出所", "派出所", 14, Police),
        ("LG15", "LG1502", "溪口派出所", "派出所", 13, Police),
    ]
};

/// The other municipal agencies by category: first letter of the code, category, names, with a star for the city.
const AGENCIES: [(char, &str, &str); 6] = [
    (
        'A',
        "党政综合",
        "中共*市委办公室 *市人大常委会办公厅 *市人民政府办公室 *市政协办公厅 中共*市纪律检查委员会 \
         中共*市委组织部 中共*市委宣传部 中共*市委统一战线工作部 中共*市委社会工作部 *市互联网信息办公室 \
         *市机构编制委员会办公室 中共*市委机关工作委员会 *市老干部局 中共*市委巡察工作办公室 中共*市委党校 \
         中共*市委政策研究室 *市信访局 *市机关事务管理局 *市档案馆 *市保密局",
    ),
    (
        'E',
        "经济发展",
        "*市发展和改革委员会 *市工业和信息化局 *市财政局 *市商务局 *市农业农村局 *市统计局 \
         *市国有资产监督管理委员会 *市投资促进中心 *市金融工作办公室 *市科学技术局 *市文化和旅游局 \
         *市住房和城乡建设局 *市交通运输局 *市水务局 *市林业局 *澜江新区管理委员会 *临港产业园管理委员会 \
         *市数据局 *市供销合作社联合社 *市粮食和物资储备局",
    ),
    (
        'F',
        "执法监督",
        "*市审计局 *市市场监督管理局 *市生态环境局 *市应急管理局 *市城市管理和综合执法局 *市自然资源和规划局 \
         *市税务局 *市消防救援支队 *市交通运输综合执法支队 *市文化市场综合执法支队 *市农业综合执法支队 \
         *市劳动保障监察支队 *市卫生监督所 *市质量检验检测中心 *澜江航道管理处 *市气象局",
    ),
    (
        'S',
        "社会服务",
        "*市教育局 *市卫生健康委员会 *市民政局 *市人力资源和社会保障局 *市医疗保障局 *市退役军人事务局 \
         *市体育局 *市民族宗教事务局 *市政务服务中心 *市住房公积金管理中心 *市第一医院 *市中医院 \
         *市第一中学 *职业技术学院 *市图书馆 *市博物馆 *市疾病预防控制中心 *市社会福利院 \
         *市公共资源交易中心 *广播电视台",
    ),
    (
        'Q',
        "群团事业",
        "*市总工会 共青团*市委员会 *市妇女联合会 *市科学技术协会 *市文学艺术界联合会 *市社会科学界联合会 \
         *市残疾人联合会 *市工商业联合会 *市红十字会 *市归国华侨联合会 *市计划生育协会 *市法学会 *市青少年宫",
    ),
    (
        'G',
        "国有企业",
        "*城市建设投资集团有限公司 *水务集团有限公司 *公共交通集团有限公司 *能源发展集团有限公司 \
         *文化旅游投资集团有限公司 *农业发展集团有限公司 *产业投资集团有限公司 *燃气集团有限公司 \
         *环境卫生服务有限公司 *会展有限公司 *融资担保有限公司 *大数据有限公司 *粮食储备有限公司 \
         *人才发展有限公司",
    ),
];

/// All units, each after the one above it.
pub fn places() -> Vec<Place> {
    let mut places = vec![Place {
        parent: "",
        code: CITY.to_owned(),
        name: "澜州市".to_owned(),
        category: "市",
        people: 0,
        service: Service::Office,
    }];
    let known = POLITICAL_LEGAL.into_iter();
    places.extend(
        known.map(|(parent, code, name, category, people, service)| Place {
            parent,
            code: code.to_owned(),
            name: name.to_owned(),
            category,
            people,
            service,
        }),
    );
    let others = places.len();
    for (n, (code, name, category)) in (1_i64..).zip(agencies("澜州")) {
        places.push(Place {
            parent: CITY,
            category,
            people: 9 + chance(n, 0, 1) as usize % 13,
            service: service(&name),
            code,
            name,
        });
    }
    // The city has a round number of people: what is missing goes to the agencies in turn.
    let mut missing = PEOPLE.saturating_sub(places.iter().map(|p| p.people).sum());
    let count = places.len() - others;
    for n in (0..count).cycle() {
        if missing == 0 {
            break;
        }
        places[others + n].people += 1;
        missing -= 1;
    }
    places
}

/// The municipal agencies of a city but those of politics and law: code, name, category.
pub fn agencies(city: &str) -> Vec<(String, String, &'static str)> {
    let mut found = Vec::new();
    for (letter, category, names) in AGENCIES {
        for (n, name) in (1_usize..).zip(names.split_whitespace()) {
            found.push((format!("{letter}{n:02}"), name.replace('*', city), category));
        }
    }
    found
}

/// The ways of an agency, by its name.
fn service(name: &str) -> Service {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if ends(&["公司"]) {
        Service::Company
    } else if ends(&[
        "馆",
        "中学",
        "医院",
        "中医院",
        "学院",
        "福利院",
        "宫",
        "台",
        "中心",
        "党校",
    ]) {
        Service::Institution
    } else {
        Service::Office
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn the_city_has_108_agencies_in_six_categories_and_3000_people() {
        let places = places();
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for place in places.iter().filter(|p| p.parent == CITY) {
            *found.entry(place.category).or_default() += 1;
        }
        let six = [
            "党政综合",
            "国有企业",
            "执法监督",
            "社会服务",
            "经济发展",
            "群团事业",
        ];
        let mut names: Vec<&str> = found.keys().copied().collect();
        names.sort_unstable();
        let mut six = six.to_vec();
        six.sort_unstable();
        assert_eq!(names, six);
        assert_eq!(found.values().sum::<usize>(), 108, "{found:?}");
        assert_eq!(places.iter().map(|p| p.people).sum::<usize>(), PEOPLE);
        let codes: HashSet<&str> = places.iter().map(|p| p.code.as_str()).collect();
        assert_eq!(codes.len(), places.len(), "every code once");
        assert!(
            places
                .iter()
                .all(|p| p.parent.is_empty() || codes.contains(p.parent))
        );
    }
}
