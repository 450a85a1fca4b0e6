//! Sign-in with the password of a directory: a real slapd.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use identity::{
    Actor, Identity, LdapSettings, NewAccount, NewPassword, Secret, SecuritySettings, SignIn,
};
use kernel::{AccountId, Scope};
use testkit::on_both;

use crate::http::{Browser, app};
use crate::{House, PASSWORD, key, migrations};

/// A directory server with a folder of its own; gone when dropped.
struct Slapd {
    child: Child,
    folder: tempfile::TempDir,
    plain: u16,
    sealed: u16,
}

const ENTRIES: &str = "\
dn: dc=example
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=reader,dc=example
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reader-secret

dn: uid=linxl,dc=example
objectClass: inetOrgPerson
uid: linxl
cn: Lin
sn: Lin
userPassword: Directory-15

dn: uid=other,dc=example
objectClass: inetOrgPerson
uid: other
cn: Other
sn: Other
userPassword: Directory-16
";

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn program(name: &str) -> Command {
    let path = format!("/usr/sbin/{name}");
    assert!(
        std::path::Path::new(&path).is_file(),
        "{path} is missing: run `cargo xtask packages`, which installs the Debian package slapd"
    );
    Command::new(path)
}

impl Slapd {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
        let made = made.expect("a certificate");
        std::fs::write(at("cert.pem"), made.cert.pem()).expect("written");
        std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).expect("written");
        std::fs::create_dir(at("db")).expect("a folder");
        let config = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
             pidfile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\nrequire bind\n\
             database mdb\nmaxsize 10485760\nsuffix dc=example\nrootdn cn=root,dc=example\ndirectory {}\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=cn=reader,dc=example read by * none\n",
            at("pid"),
            at("cert.pem"),
            at("key.pem"),
            at("db"),
        );
        std::fs::write(at("slapd.conf"), config).expect("written");
        let mut add = program("slapadd")
            .args(["-f", &at("slapd.conf")])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("slapadd starts");
        let mut input = add.stdin.take().expect("its input");
        input.write_all(ENTRIES.as_bytes()).expect("written");
        drop(input);
        let added = add.wait_with_output().expect("slapadd ends");
        assert!(
            added.status.success(),
            "{}",
            String::from_utf8_lossy(&added.stderr)
        );
        let (plain, sealed) = (free_port(), free_port());
        let urls = format!("ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{sealed}/");
        let child = program("slapd")
            .args(["-d", "0", "-h", &urls, "-f", &at("slapd.conf")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("slapd starts");
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", sealed)).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "slapd does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            folder,
            plain,
            sealed,
        }
    }

    fn settings(&self) -> LdapSettings {
        LdapSettings {
            urls: vec![format!("ldap://127.0.0.1:{}", self.plain)],
            start_tls: false,
            ca: Some(self.folder.path().join("cert.pem")),
            base: "dc=example".to_owned(),
            filter: "(&(objectClass=inetOrgPerson)(uid={login}))".to_owned(),
            bind_dn: "cn=reader,dc=example".to_owned(),
            bind_password: Secret("reader-secret".to_owned()),
            dn_template: String::new(),
            all_accounts: false,
        }
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn with(h: &House, ldap: LdapSettings) -> Identity {
    let settings = SecuritySettings {
        ldap: Some(ldap),
        ..SecuritySettings::default()
    };
    let identity = Identity::new(h.t.db.clone(), h.t.env.clone(), settings);
    identity.with_doors().expect("doors")
}

async fn without_password(h: &House, login: &str) -> AccountId {
    let new = NewAccount {
        login: login.to_owned(),
        person: None,
        unit: None,
        password: NewPassword::None,
        grants: vec![h.grant("clerk", h.left)],
    };
    let actor = Actor::default();
    let opened = h.identity.create_account(&actor, &new, &Scope::All);
    opened.await.expect("an account").account
}

async fn enter(identity: &Identity, login: &str, password: &str) -> kernel::Result<String> {
    let attempt = SignIn {
        login: login.to_owned(),
        password: password.to_owned(),
        ..SignIn::default()
    };
    identity.sign_in(attempt).await
}

#[tokio::test]
async fn the_directorys_password_lets_in_and_nothing_else_does() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let mut slapd = Slapd::start();
        let account = without_password(&h, "linxl").await;
        h.account("local", "clerk", h.left).await;
        let i = with(&h, slapd.settings());
        let token = enter(&i, "LinXL", "Directory-15").await.expect("let in");
        // No password of this house has to be chosen first.
        let mut b = Browser::of(app(&i, &h.t.env, false));
        b.sign_in("linxl", "Directory-15").await;
        assert_eq!(b.get("/rows").await.status, 200);
        let page = b.get("/account").await.body;
        assert!(
            page.contains("目录密码") && page.contains("密码不在本系统"),
            "{page}"
        );
        assert!(page.contains("15 分钟没有操作"));
        assert!(i.principal(&token).await.unwrap().is_some());
        // A bind without a password would be anonymous, and good.
        for wrong in ["", "directory-15", "Directory-16", PASSWORD, "\0"] {
            assert_eq!(
                key(enter(&i, "linxl", wrong).await),
                "identity-refused",
                "{wrong:?}"
            );
        }
        // Five were counted here: the right one has to wait.
        assert_eq!(
            key(enter(&i, "linxl", "Directory-15").await),
            "identity-refused"
        );
        h.t.clock.advance(31 * 60);
        enter(&i, "linxl", "Directory-15")
            .await
            .expect("the lock has ended");
        // Whoever is in the directory only has no account; nobody gets in by a name that is a filter.
        for login in [
            "other",
            "*",
            "linxl)(uid=*",
            "*)(uid=linxl",
            "cn=reader,dc=example",
            "",
        ] {
            assert_eq!(
                key(enter(&i, login, "Directory-16").await),
                "identity-refused",
                "{login}"
            );
        }
        let actor = Actor::default();
        i.set_disabled(&actor, account, true, &Scope::All)
            .await
            .unwrap();
        assert_eq!(
            key(enter(&i, "linxl", "Directory-15").await),
            "identity-refused"
        );
        i.set_disabled(&actor, account, false, &Scope::All)
            .await
            .unwrap();

        // Away: said clearly, nothing is counted, and accounts of this house go on.
        slapd.stop();
        for _ in 0..7 {
            assert_eq!(
                key(enter(&i, "linxl", "Directory-15").await),
                "identity-ldap-away"
            );
        }
        enter(&i, "local", PASSWORD).await.expect("local");
        let actions = h.actions().await;
        assert!(actions.iter().any(|a| a == "account.locked"));
    })
    .await;
}

#[tokio::test]
async fn ways_to_the_directory() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let mut slapd = Slapd::start();
        without_password(&h, "linxl").await;
        let good = async |settings: LdapSettings| {
            enter(&with(&h, settings), "linxl", "Directory-15")
                .await
                .is_ok()
        };
        let sealed = format!("ldaps://localhost:{}", slapd.sealed);
        let s = slapd.settings();
        let direct = LdapSettings {
            dn_template: "uid={login},dc=example".to_owned(),
            ..s.clone()
        };
        assert!(good(direct.clone()).await, "by name");
        assert_eq!(
            key(enter(&with(&h, direct), "linxl", "wrong").await),
            "identity-refused"
        );
        let over_tls = LdapSettings {
            urls: vec!["ldap://127.0.0.1:1".to_owned(), sealed.clone()],
            ..s.clone()
        };
        assert!(
            good(over_tls.clone()).await,
            "the first is away, the second is sealed"
        );
        let start = LdapSettings {
            urls: vec![format!("ldap://localhost:{}", slapd.plain)],
            start_tls: true,
            ..s.clone()
        };
        assert!(good(start).await, "by StartTLS");
        let stranger = LdapSettings {
            ca: None,
            ..over_tls
        };
        assert_eq!(
            key(enter(&with(&h, stranger), "linxl", "Directory-15").await),
            "identity-ldap-away"
        );
        let refused = LdapSettings {
            bind_password: Secret("wrong".to_owned()),
            ..s.clone()
        };
        assert_eq!(
            key(enter(&with(&h, refused), "linxl", "Directory-15").await),
            "identity-ldap-away"
        );
        let several = LdapSettings {
            filter: "(|(uid={login})(uid=other))".to_owned(),
            ..s.clone()
        };
        assert_eq!(
            key(enter(&with(&h, several), "linxl", "Directory-15").await),
            "identity-refused"
        );

        // Asked for everybody: the directory's word counts before the password kept here.
        h.account("other", "clerk", h.left).await;
        h.account("local", "clerk", h.left).await;
        let all = with(
            &h,
            LdapSettings {
                all_accounts: true,
                ..s
            },
        );
        enter(&all, "other", "Directory-16")
            .await
            .expect("the directory's");
        assert_eq!(
            key(enter(&all, "other", PASSWORD).await),
            "identity-refused"
        );
        enter(&all, "local", PASSWORD)
            .await
            .expect("the directory does not know them");
        slapd.stop();
        enter(&all, "other", PASSWORD)
            .await
            .expect("the directory is away");
        assert_eq!(
            key(enter(&all, "other", "Directory-16").await),
            "identity-refused"
        );
    })
    .await;
}
