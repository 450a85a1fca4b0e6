//! The one list of settings (设置): flags, environment variables, keys of the configuration file and the
//! page `docs/configuration.md` all come from it.

use std::fmt::Write as _;

use clap::{Arg, ArgAction};

/// How a setting is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One text.
    Text,
    /// `true` or `false`; the flag alone means `true`.
    Switch,
    /// Several texts: the flag several times, an array in the file, commas in the environment.
    List,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The flag without its dashes; also its name.
    pub flag: &'static str,
    /// Environment variable.
    pub env: &'static str,
    /// Key in the configuration file; none where the file cannot set it.
    pub key: Option<&'static str>,
    /// How it is given.
    pub kind: Kind,
    /// The value that holds when nothing is given.
    pub default: &'static str,
    /// Whether a password in it is hidden wherever it is shown.
    pub secret: bool,
    /// What it does, in Chinese.
    pub help_zh: &'static str,
    /// What it does, in English.
    pub help_en: &'static str,
}

macro_rules! settings {
    ($($flag:literal $env:literal $key:expr, $kind:ident $default:literal $secret:literal, $zh:literal $en:literal;)*) => {
        &[$(Setting {
            flag: $flag, env: $env, key: $key, kind: Kind::$kind, default: $default, secret: $secret,
            help_zh: $zh, help_en: $en,
        }),*]
    };
}

/// Every setting.
pub const SETTINGS: &[Setting] = settings! {
    "config" "SUNENG_CONFIG" None, Text "" false,
        "设置文件（TOML）；未指定时，数据目录中有 suneng.toml 就用它"
        "Configuration file (TOML); without it suneng.toml in the data folder, where there is one";
    "data" "SUNENG_DATA" None, Text "./data" false,
        "数据目录：数据库、附件、签名密钥"
        "Data folder: database, files, signing key";
    "listen" "SUNENG_LISTEN" Some("listen"), Text "127.0.0.1:8080" false,
        "监听地址和端口；端口 0 表示任选一个空闲端口"
        "Address and port to listen on; port 0 takes any free one";
    "database-url" "SUNENG_DATABASE_URL" Some("database-url"), Text "" true,
        "数据库：sqlite:路径 或 postgres://…；默认是数据目录中的 suneng.db"
        "Database: sqlite:PATH or postgres://…; by default suneng.db in the data folder";
    "database-connections" "SUNENG_DATABASE_CONNECTIONS" Some("database-connections"), Text "8" false,
        "数据库连接数上限"
        "Most connections to the database";
    "blob-url" "SUNENG_BLOB_URL" Some("blob-url"), Text "" true,
        "附件位置：file:目录；默认是数据目录中的 files。多个节点须用同一处"
        "Where files are kept: file:FOLDER; by default the folder files in the data folder. Several nodes share one place";
    "packs" "SUNENG_PACKS" Some("packs"), Text "" false,
        "业务包目录：补充程序自带的业务包，同名文件以此为准"
        "Folder of packs: adds to those in the program and replaces those with the same file name";
    "tenant-name" "SUNENG_TENANT_NAME" Some("tenant-name"), Text "" false,
        "页面上显示的单位名称"
        "Name of the agency shown on pages";
    "brand" "SUNENG_BRAND" Some("brand"), Text "blue" false,
        "页面主题色：blue（政务蓝）或 red（党务红）"
        "Colour of the pages: blue or red";
    "highest-level" "SUNENG_HIGHEST_LEVEL" Some("highest-level"), Text "internal" false,
        "本系统最高可存放的密级：业务包中的密级代码，如 public（公开）、internal（内部）、work-secret（工作秘密）；国家秘密一律不得存放"
        "Highest level of secrecy of records here: a code of the packs such as public, internal, work-secret; never a state secret";
    "secure-cookies" "SUNENG_SECURE_COOKIES" Some("secure-cookies"), Switch "false" false,
        "只经 HTTPS 发送 Cookie；前面有 HTTPS 代理时打开"
        "Send cookies over HTTPS only; switch it on behind an HTTPS proxy";
    "trusted-origin" "SUNENG_TRUSTED_ORIGIN" Some("trusted-origin"), List "" false,
        "允许提交表单的其他来源，例如代理的地址 https://suneng.example"
        "Other origins that may post forms, such as a proxy's https://suneng.example";
    "password-length" "SUNENG_PASSWORD_LENGTH" Some("password-length"), Text "8" false,
        "密码最短位数"
        "Fewest characters of a password";
    "password-classes" "SUNENG_PASSWORD_CLASSES" Some("password-classes"), Text "3" false,
        "密码须包含大写字母、小写字母、数字、符号中的几种"
        "How many of capital letters, small letters, digits and symbols a password needs";
    "password-history" "SUNENG_PASSWORD_HISTORY" Some("password-history"), Text "5" false,
        "新密码不得与最近几次的密码相同"
        "How many of the last passwords may not come back";
    "password-days" "SUNENG_PASSWORD_DAYS" Some("password-days"), Text "90" false,
        "密码使用多少天后须更换；0 表示不要求"
        "Days after which a password must be changed; 0: never";
    "lock-failures" "SUNENG_LOCK_FAILURES" Some("lock-failures"), Text "5" false,
        "连续登录失败多少次后锁定账号"
        "Failed sign-ins in a row that lock an account";
    "lock-minutes" "SUNENG_LOCK_MINUTES" Some("lock-minutes"), Text "30" false,
        "账号锁定多少分钟"
        "Minutes an account stays locked";
    "session-idle-minutes" "SUNENG_SESSION_IDLE_MINUTES" Some("session-idle-minutes"), Text "15" false,
        "多少分钟没有操作就退出登录"
        "Minutes without a request after which one is signed out";
    "session-hours" "SUNENG_SESSION_HOURS" Some("session-hours"), Text "12" false,
        "登录多少小时后须重新登录"
        "Hours after which one must sign in again";
    "duty-second-factor" "SUNENG_DUTY_SECOND_FACTOR" Some("duty-second-factor"), Switch "false" false,
        "系统、安全、审计管理员必须启用二次验证"
        "System, security and audit administrators need a second factor";
    "activation-days" "SUNENG_ACTIVATION_DAYS" Some("activation-days"), Text "7" false,
        "激活码多少天内有效"
        "Days for which an activation code is good";
    "delegation-days" "SUNENG_DELEGATION_DAYS" Some("delegation-days"), Text "90" false,
        "委托他人代办一次最多多少天"
        "Most days for which somebody lets another act in their place";
    "audit-days" "SUNENG_AUDIT_DAYS" Some("audit-days"), Text "1095" false,
        "审计记录保存多少天；不少于 180 天"
        "Days for which the audit trail is kept; at least 180";
    "public-url" "SUNENG_PUBLIC_URL" Some("public-url"), Text "" false,
        "用户访问本系统的地址，例如 https://suneng.example；用于邮件、日历中的链接，以及交给目录和统一身份认证的链接；不填则按来访的主机名"
        "Address at which people reach this server, such as https://suneng.example, in links of mail, calendars, directories and providers; by default the host that is asked for";
    "import-days" "SUNENG_IMPORT_DAYS" Some("import-days"), Text "3" false,
        "上传后没有发布的导入文件保留多少天；发布或者放弃后立即删除"
        "Days for which uploads are kept that nobody publishes; published or given up, they go at once";
    "notice-days" "SUNENG_NOTICE_DAYS" Some("notice-days"), Text "180" false,
        "通知保留多少天"
        "Days for which notices are kept";
    "notice-mail" "SUNENG_NOTICE_MAIL" Some("notice-mail"), Switch "false" false,
        "没有作过选择的人员是否同时收到邮件"
        "Whether people who chose nothing get notices by mail too";
    "mail-url" "SUNENG_MAIL_URL" Some("mail-url"), Text "" true,
        "邮件服务器：smtps://用户名:密码@主机 或 smtp://主机:25?tls=required；不填不发邮件。密码建议用环境变量给出"
        "Mail server: smtps://user:password@host or smtp://host:25?tls=required; without it no mail is sent. Better given by the environment";
    "mail-from" "SUNENG_MAIL_FROM" Some("mail-from"), Text "" false,
        "邮件的发件人，例如 suneng@bureau.example"
        "Sender of mail, such as suneng@bureau.example";
    "oidc-issuer" "SUNENG_OIDC_ISSUER" Some("oidc-issuer"), Text "" false,
        "统一身份认证（OpenID Connect）的签发者，例如 https://id.example；不填则不用。回调地址是 /sign-in/oidc/callback"
        "Issuer of an OpenID Connect provider, such as https://id.example; without it there is none. The redirect URI is /sign-in/oidc/callback";
    "oidc-client-id" "SUNENG_OIDC_CLIENT_ID" Some("oidc-client-id"), Text "" false,
        "本系统在统一身份认证登记的客户端标识"
        "Identifier of this program at the provider";
    "oidc-client-secret" "SUNENG_OIDC_CLIENT_SECRET" Some("oidc-client-secret"), Text "" true,
        "客户端密钥；公共客户端不填。请用环境变量或设置文件，不要写在命令行"
        "Its secret, none for a public client; better in the environment or the file than on the command line";
    "oidc-name" "SUNENG_OIDC_NAME" Some("oidc-name"), Text "" false,
        "登录按钮上的名称，例如 全市统一身份认证平台"
        "Name on the button of the sign-in page";
    "oidc-scope" "SUNENG_OIDC_SCOPE" Some("oidc-scope"), List "" false,
        "除 openid 外要求的范围；默认 profile"
        "Scopes asked for besides openid; by default profile";
    "oidc-claim" "SUNENG_OIDC_CLAIM" Some("oidc-claim"), Text "preferred_username" false,
        "用哪个声明（claim）认人"
        "The claim that says who it is";
    "oidc-binding" "SUNENG_OIDC_BINDING" Some("oidc-binding"), Text "login" false,
        "这个声明与什么比对：login 用户名；external-id 目录同步（SCIM）的 externalId；staff-no 工号"
        "What the claim is compared with: login, external-id (of SCIM) or staff-no";
    "oidc-open-unit" "SUNENG_OIDC_OPEN_UNIT" Some("oidc-open-unit"), Text "" false,
        "为没有账号的人自动开户到哪个单位（编码）；不填则不自动开户"
        "Code of the unit in which accounts are opened for people without one; by default none are opened";
    "oidc-trust-second-factor" "SUNENG_OIDC_TRUST_SECOND_FACTOR" Some("oidc-trust-second-factor"), Switch "false" false,
        "统一身份认证已做多因素认证（amr、acr）的，不再要求本系统的二次验证"
        "A second factor at the provider (amr, acr) stands for the one here";
    "oidc-ca" "SUNENG_OIDC_CA" Some("oidc-ca"), Text "" false,
        "统一身份认证服务器证书的签发机构（PEM）；默认信任操作系统的"
        "Authorities for the provider's certificate (PEM); by default those of the system";
    "ldap-url" "SUNENG_LDAP_URL" Some("ldap-url"), List "" false,
        "目录服务器，例如 ldaps://directory.example；可以有几台，依次询问；不填则不用"
        "Directory servers, such as ldaps://directory.example, asked in this order; without them there is no directory";
    "ldap-start-tls" "SUNENG_LDAP_START_TLS" Some("ldap-start-tls"), Switch "false" false,
        "ldap:// 用 StartTLS 加密"
        "Encrypt ldap:// by StartTLS";
    "ldap-plain" "SUNENG_LDAP_PLAIN" Some("ldap-plain"), Switch "false" false,
        "允许密码不加密地发往目录服务器；只应在隔离的网络里打开"
        "Let passwords go to the directory unencrypted; only in a network of its own";
    "ldap-ca" "SUNENG_LDAP_CA" Some("ldap-ca"), Text "" false,
        "目录服务器证书的签发机构（PEM）；默认信任操作系统的"
        "Authorities for the directory's certificate (PEM); by default those of the system";
    "ldap-base" "SUNENG_LDAP_BASE" Some("ldap-base"), Text "" false,
        "在哪个节点下找人，例如 ou=people,dc=example"
        "Where people are looked for, such as ou=people,dc=example";
    "ldap-filter" "SUNENG_LDAP_FILTER" Some("ldap-filter"), Text "(uid={login})" false,
        "按什么条件找人，{login} 是用户名；AD 常用 (sAMAccountName={login})"
        "How people are looked for; {login} stands for the login name";
    "ldap-bind-dn" "SUNENG_LDAP_BIND_DN" Some("ldap-bind-dn"), Text "" false,
        "用来找人的目录账号；不填则匿名查找"
        "Who looks; by default anybody may";
    "ldap-bind-password" "SUNENG_LDAP_BIND_PASSWORD" Some("ldap-bind-password"), Text "" true,
        "它的密码；请用环境变量或设置文件，不要写在命令行"
        "Their password; better in the environment or the file than on the command line";
    "ldap-dn-template" "SUNENG_LDAP_DN_TEMPLATE" Some("ldap-dn-template"), Text "" false,
        "不查找，直接由用户名拼出目录中的名称，例如 uid={login},ou=people,dc=example"
        "Name of an entry made from the login name, instead of looking for it: uid={login},ou=people,dc=example";
    "ldap-accounts" "SUNENG_LDAP_ACCOUNTS" Some("ldap-accounts"), Text "without-password" false,
        "哪些账号向目录核对密码：without-password 没有本系统密码的；all 全部，目录不认识或连接不上时才用本系统密码"
        "Whose passwords the directory checks: without-password: accounts that have none here; all: everybody's, and the password here counts only where the directory does not know the login or is away";
    "log" "SUNENG_LOG" Some("log"), Text "text" false,
        "日志格式：text 或 json；详细程度由 RUST_LOG 决定"
        "Log format: text or json; RUST_LOG sets how much";
    "lang" "SUNENG_LANG" Some("lang"), Text "zh" false,
        "命令行和页面的默认语言：zh 或 en"
        "Language of the command line and default of the pages: zh or en";
    "trusted-proxies" "SUNENG_TRUSTED_PROXIES" Some("trusted-proxies"), List "" false,
        "可信的反向代理：地址或网段，例如 10.0.0.5、10.0.0.0/8。只采信它们在 X-Forwarded-For、X-Forwarded-Proto、Forwarded 中所写的访问者"
        "Trusted proxies: addresses or networks such as 10.0.0.5, 10.0.0.0/8. Only their X-Forwarded-For, X-Forwarded-Proto and Forwarded count";
    "rate-limit" "SUNENG_RATE_LIMIT" Some("rate-limit"), Text "60000" false,
        "每个网络地址每分钟最多多少次请求；0 表示不限。一个单位共用一个出口地址时，按全单位的人数考虑"
        "Most requests a minute from one network address; 0: no limit. A whole agency may share one address";
    "rate-limit-sign-in" "SUNENG_RATE_LIMIT_SIGN_IN" Some("rate-limit-sign-in"), Text "1000" false,
        "每个网络地址每分钟最多多少次登录、激活；0 表示不限"
        "Most sign-ins and activations a minute from one network address; 0: no limit";
    "tls" "SUNENG_TLS" Some("tls"), Text "off" false,
        "HTTPS：off 不用；self 由程序自建的本地证书机构签发，用于内网；files 使用 tls-cert 和 tls-key"
        "HTTPS: off; self: by a local authority that the program makes, for intranets; files: with tls-cert and tls-key";
    "tls-cert" "SUNENG_TLS_CERT" Some("tls-cert"), Text "" false,
        "证书链文件（PEM），文件更新后自动换用"
        "Certificate chain (PEM); taken up by itself when the file changes";
    "tls-key" "SUNENG_TLS_KEY" Some("tls-key"), Text "" false,
        "证书的私钥文件（PEM）"
        "The certificate's private key (PEM)";
    "tls-names" "SUNENG_TLS_NAMES" Some("tls-names"), List "" false,
        "self 证书中的主机名和地址；默认是本机的名称、地址和 localhost"
        "Host names and addresses in the certificate of self; by default those of this machine and localhost";
    "keyring" "SUNENG_KEYRING" Some("keyring"), Text "" false,
        "密钥文件文件，用于加密个人信息；默认是数据目录中的 keyring，应放到与数据库不同的介质上。多个节点须用同一份"
        "Keyring file that personal data is sealed with; by default keyring in the data folder, better on another medium than the database. Several nodes need the same";
    "keyring-algorithm" "SUNENG_KEYRING_ALGORITHM" Some("keyring-algorithm"), Text "sm4-gcm" false,
        "新主密钥的算法：sm4-gcm 或 aes-256-gcm"
        "Algorithm of new master keys: sm4-gcm or aes-256-gcm";
    "backup-schedule" "SUNENG_BACKUP_SCHEDULE" Some("backup-schedule"), Text "" false,
        "每天几点自动备份，例如 02:30；不填不备份"
        "When to back up every day, such as 02:30; without it no backups are made";
    "backup-keep" "SUNENG_BACKUP_KEEP" Some("backup-keep"), Text "14" false,
        "自动备份保留最近几份"
        "How many scheduled backups are kept";
    "backup-folder" "SUNENG_BACKUP_FOLDER" Some("backup-folder"), Text "" false,
        "自动备份的目录；默认是数据目录中的 backups，应放到另一块磁盘或另一台机器上"
        "Folder of scheduled backups; by default backups in the data folder, better on another disk or machine";
};

/// The setting with this name.
///
/// # Panics
/// When there is none: a defect.
pub fn setting(flag: &str) -> &'static Setting {
    SETTINGS
        .iter()
        .find(|s| s.flag == flag)
        .expect("a setting of the list")
}

/// The flags, taken by every command.
pub fn flags() -> impl Iterator<Item = Arg> {
    SETTINGS.iter().map(|s| {
        let arg = Arg::new(s.flag)
            .long(s.flag)
            .global(true)
            .help(format!("{}\n{}", s.help_zh, s.help_en))
            .help_heading("设置 Settings");
        match s.kind {
            Kind::Text => arg.value_name("VALUE"),
            Kind::List => arg.value_name("VALUE").action(ArgAction::Append),
            Kind::Switch => arg
                .value_name("true|false")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
        }
    })
}

/// The page about settings.
pub fn markdown() -> String {
    let mut page = "# 设置 Configuration\n\n\
        每项设置可以用命令行参数、环境变量或者设置文件（TOML，默认为数据目录中的 `suneng.toml`）给出；\
        先后顺序：参数、环境变量、文件、默认值。`suneng doctor --settings` 列出当前的值及其来源。\n\n\
        Every setting can be a flag, an environment variable or a key of the configuration file (TOML, by \
        default `suneng.toml` in the data folder); a flag comes before the environment, that before the file, \
        that before the default. `suneng doctor --settings` lists the values and where they come from.\n\n\
        <!-- Written from crates/suneng/src/settings.rs; SUNENG_UPDATE_GOLDEN=1 cargo test -p suneng renews it. -->\n\n\
        | 参数 Flag | 环境变量 Environment | 文件 Key | 默认 Default | 说明 Meaning |\n\
        |---|---|---|---|---|\n"
        .to_owned();
    for s in SETTINGS {
        let key = s.key.map_or("–".to_owned(), |key| format!("`{key}`"));
        let default = match s.default {
            "" => "–".to_owned(),
            value => format!("`{value}`"),
        };
        let _ = writeln!(
            page,
            "| `--{}` | `{}` | {key} | {default} | {}<br>{} |",
            s.flag,
            s.env,
            s.help_zh,
            s.help_en.replace('|', "\\|")
        );
    }
    page
}
