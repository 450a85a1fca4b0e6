//! The local authority (本地证书机构): made once, kept in the data folder, signs the server's
//! certificate. Computers that trust it trust the server.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use kernel::{Env, Error, Result, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{provider, wrong_file};
use crate::world::{make_folder, not_written};

const DAY: i64 = 86_400;
/// As long as the machine: replacing it means going to every computer.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Browsers take no more than about a year.
const SERVER_DAYS: i64 = 180;
/// Clocks of clients may be behind.
const SLACK_DAYS: i64 = 1;

/// An authority whose key stays on this machine.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
    fingerprint: String,
}

impl Authority {
    /// Where its certificate is kept.
    pub fn file(data: &Path) -> PathBuf {
        data.join("tls").join("authority.crt")
    }

    /// The one of a data folder, made when there is none.
    ///
    /// # Errors
    /// `Conflict` when its files cannot be read, `Unavailable` when they cannot be written.
    pub fn open(data: &Path, env: &Env) -> Result<Self> {
        let file = Self::file(data);
        let key_file = file.with_extension("key");
        make_folder(&data.join("tls"))?;
        let key = match std::fs::read_to_string(&key_file) {
            Ok(text) => {
                KeyPair::from_pem(&text).map_err(|e| wrong_file(&key_file, &e.to_string()))?
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate().map_err(Error::internal)?;
                write_new(&key_file, &key.serialize_pem(), 0o600)?;
                key
            }
            Err(e) => return Err(wrong_file(&key_file, &e.to_string())),
        };
        let params = params(&key, env)?;
        if !file.exists() {
            let made = params.self_signed(&key).map_err(Error::internal)?;
            write_new(&file, &made.pem(), 0o644)?;
        }
        let der =
            CertificateDer::from_pem_file(&file).map_err(|e| wrong_file(&file, &e.to_string()))?;
        let digest = hex::encode_upper(Sha256::digest(&der));
        let pairs: Vec<&str> = (0..digest.len())
            .step_by(2)
            .filter_map(|at| digest.get(at..at + 2))
            .collect();
        Ok(Self {
            issuer: Issuer::new(params, key),
            file,
            fingerprint: pairs.join(":"),
        })
    }

    /// A certificate for these names with a fresh key that is kept in memory only, and when it ends.
    pub fn certify(&self, names: &[String], env: &Env) -> Result<(CertifiedKey, Timestamp)> {
        let key = KeyPair::generate().map_err(Error::internal)?;
        let mut params = CertificateParams::new(names).map_err(Error::internal)?;
        let name = names.first().map_or("suneng", String::as_str);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let until = env.now().plus_seconds(SERVER_DAYS * DAY);
        params.not_before = instant(env.now().plus_seconds(-SLACK_DAYS * DAY))?;
        params.not_after = instant(until)?;
        let made = params
            .signed_by(&key, &self.issuer)
            .map_err(Error::internal)?;
        let secret = PrivateKeyDer::try_from(key.serialize_der()).map_err(Error::internal)?;
        let chain = vec![made.der().clone()];
        let certified =
            CertifiedKey::from_der(chain, secret, &provider()).map_err(Error::internal)?;
        Ok((certified, until))
    }

    /// Its certificate (PEM).
    pub fn certificate(&self) -> &Path {
        &self.file
    }

    /// SHA-256 of its certificate, to be compared before it is installed.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// What the authority says of itself; its name follows from its key, so that it need not be read
/// back from the certificate.
fn params(key: &KeyPair, env: &Env) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    let number = hex::encode(&Sha256::digest(key.public_key_raw())[..4]);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(
        DnType::CommonName,
        format!("Suneng local authority {number}"),
    );
    // It signs servers, no other authorities.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = instant(env.now().plus_seconds(-SLACK_DAYS * DAY))?;
    params.not_after = instant(env.now().plus_seconds(AUTHORITY_DAYS * DAY))?;
    Ok(params)
}

fn instant(at: Timestamp) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.0 / Timestamp::SECOND).map_err(Error::internal)
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all()))
        .map_err(|e| not_written(path, &e))
}
