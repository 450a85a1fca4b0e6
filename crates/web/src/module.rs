//! What a crate brings to the house: routes, menu entries, texts, templates, API description.

use std::sync::Arc;

use crate::{Lang, RouteRow, Routes, SearchSource};

/// A group of the main menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MenuGroup {
    /// Daily work (工作).
    Work,
    /// Numbers and reports (分析).
    Insight,
    /// Administration (管理).
    Manage,
}

impl MenuGroup {
    pub(crate) fn label_key(self) -> &'static str {
        match self {
            Self::Work => "menu-work",
            Self::Insight => "menu-insight",
            Self::Manage => "menu-manage",
        }
    }
}

/// An entry of the main menu (菜单项).
#[derive(Debug, Clone)]
pub struct MenuEntry {
    /// The group it stands in.
    pub group: MenuGroup,
    /// Its place within the group, low numbers first; the first entries also make the phone's bar.
    pub order: i32,
    /// Message key of its label.
    pub label_key: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Name in the icon sprite.
    pub icon: &'static str,
    /// Shown only to holders of this permission; none: to everybody signed in.
    pub permission: Option<&'static str>,
}

/// What a crate brings to the house (模块).
#[derive(Default)]
pub struct Module {
    /// Name of the crate; prefix of its templates.
    pub name: &'static str,
    /// Pages and API, each with its policy.
    pub routes: Routes,
    /// API that is asked thousands of times a second and knows its callers by itself ([`crate::Policy::Proof`]): no
    /// session is looked up for it, no cookie is read, nothing is logged of a request that goes well.
    pub direct: Routes,
    /// Entries of the main menu.
    pub menu: Vec<MenuEntry>,
    /// Fluent message files by language.
    pub messages: Vec<(Lang, &'static str)>,
    /// Template sources by name, for example `activities/list.html`.
    pub templates: Vec<(&'static str, &'static str)>,
    /// At least one sample context for every template.
    pub samples: Vec<(&'static str, serde_json::Value)>,
    /// OpenAPI 3.1 of the crate's API (`paths`, `components`, `tags`).
    pub openapi: Option<serde_json::Value>,
    /// What of it the search over everything finds.
    pub search: Vec<Arc<dyn SearchSource>>,
}

/// Every route of these modules and of the shell itself with its policy, in order of path: the table
/// that an auditor reads and a test holds.
pub fn route_table(modules: &[Module]) -> Vec<RouteRow> {
    let mut table = crate::own::module().routes.table();
    let all = modules.iter().flat_map(|m| [&m.routes, &m.direct]);
    table.extend(all.flat_map(Routes::table));
    table.sort();
    table
}
