//! People and their passwords (Argon2id, RFC 9106). There is no default user.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use fleetward_fleet::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::connection::Fault;
use crate::{Result, Store, StoreError};

/// The shortest password, in characters (NIST SP 800-63B asks for 15 without a second factor, 8 with one; no rules
/// about kinds of characters, because those make worse passwords).
pub const MIN_PASSWORD: usize = 12;

/// The longest, in octets: hashing is not free.
const MAX_PASSWORD: usize = 1024;

/// What somebody may do; each may what those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Tell observations and nothing else: for a token of a platform, not for people.
    Ingest,
    /// Look, with identities masked.
    Viewer,
    /// Act on devices, findings and responses; see identities.
    Operator,
    /// Users, tokens, the audit log.
    Admin,
}

impl Role {
    /// The name in files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = StoreError;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Ingest, Self::Viewer, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| StoreError::invalid("role", "one of ingest, viewer, operator, admin"))
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name to sign in with.
    pub name: Box<str>,
    /// What they may do.
    pub role: Role,
    /// Since when they are known.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub last_login: Option<Timestamp>,
}

impl Store {
    /// Adds a user.
    pub fn add_user(&self, name: &str, password: &str, role: Role, now: Timestamp) -> Result<()> {
        check_role(role)?;
        check_name(name)?;
        let hash = hash(password)?;
        self.write(|tx| insert(tx, name, &hash, role, now))
    }

    /// Sets a password and ends the user's sign-ins.
    pub fn set_password(&self, name: &str, password: &str) -> Result<()> {
        let hash = hash(password)?;
        self.write(|tx| {
            let changed = tx.execute("UPDATE user SET password = ?2 WHERE name = ?1", params![name, hash])?;
            found(name, changed)?;
            Ok(end_sign_ins(tx, name)?)
        })
    }

    /// Sets what a user may do and ends their sign-ins. The last administrator stays one.
    pub fn set_role(&self, name: &str, role: Role) -> Result<()> {
        check_role(role)?;
        self.write(|tx| {
            keep_an_admin(tx, name, Some(role))?;
            let changed = tx.execute("UPDATE user SET role = ?2 WHERE name = ?1", params![name, role.name()])?;
            found(name, changed)?;
            Ok(end_sign_ins(tx, name)?)
        })
    }

    /// Removes a user and their sign-ins. The last administrator stays.
    pub fn remove_user(&self, name: &str) -> Result<()> {
        self.write(|tx| {
            keep_an_admin(tx, name, None)?;
            Ok(found(name, tx.execute("DELETE FROM user WHERE name = ?1", [name])?)?)
        })
    }

    /// All users, by name.
    pub fn users(&self) -> Result<Vec<User>> {
        self.read(|tx| {
            let mut statement = tx.prepare("SELECT name, role, created_at, last_login FROM user ORDER BY name")?;
            let mut rows = statement.query([])?;
            let mut users = Vec::new();
            while let Some(row) = rows.next()? {
                users.push(read(row)?);
            }
            Ok(users)
        })
    }

    /// The user, if name and password fit. Takes the same time for a name that nobody has, so that names cannot be
    /// guessed with a watch.
    pub fn check_password(&self, name: &str, password: &str, now: Timestamp) -> Result<Option<User>> {
        let known = self.read(|tx| {
            let sql = "SELECT name, role, created_at, last_login, password FROM user WHERE name = ?1";
            let mut statement = tx.prepare(sql)?;
            let found = statement.query_row([name], |row| Ok((read(row), row.get::<_, String>(4)?))).optional()?;
            found.map(|(user, hash)| Ok((user?, hash))).transpose()
        })?;
        let (user, hash) = known.map_or_else(|| (None, nobodys_hash()), |(user, hash)| (Some(user), hash));
        let fits = password.len() <= MAX_PASSWORD && verify(&hash, password);
        let Some(mut user) = user.filter(|_| fits) else { return Ok(None) };
        user.last_login = Some(now);
        self.write(|tx| Ok(tx.execute("UPDATE user SET last_login = ?2 WHERE name = ?1", params![name, now.0])?))?;
        Ok(Some(user))
    }
}

pub(crate) fn insert(tx: &Transaction<'_>, name: &str, hash: &str, role: Role, now: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT OR IGNORE INTO user (name, role, password, created_at) VALUES (?1, ?2, ?3, ?4)";
    if tx.execute(sql, params![name, role.name(), hash, now.0])? == 0 {
        return Err(StoreError::Exists { what: "user", key: name.to_owned() }.into());
    }
    Ok(())
}

/// People look or act; what only tells is a program.
pub(crate) fn check_role(role: Role) -> Result<()> {
    if role == Role::Ingest {
        Err(StoreError::invalid("role", "`ingest` is for tokens, not for people"))
    } else {
        Ok(())
    }
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        return Err(StoreError::invalid("name", "1 to 64 letters, digits, `.`, `-`, `_` or `@`"));
    }
    Ok(())
}

pub(crate) fn hash(password: &str) -> Result<String> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(StoreError::invalid("password", format!("at least {MIN_PASSWORD} characters")));
    }
    if password.len() > MAX_PASSWORD {
        return Err(StoreError::invalid("password", format!("at most {MAX_PASSWORD} octets")));
    }
    let hash = hasher().hash_password(password.as_bytes()).map_err(|_| StoreError::NoRandomness)?;
    Ok(hash.to_string())
}

fn verify(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
}

/// 19 MiB, two passes, one lane: OWASP's first recommendation for Argon2id.
fn hasher() -> Argon2<'static> {
    let cost = Params::new(19 * 1024, 2, 1, None).expect("these costs are within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, cost)
}

/// A hash that no password is checked against in earnest, with the same costs.
fn nobodys_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash("a password of nobody").unwrap_or_default()).clone()
}

fn found(name: &str, changed: usize) -> Result<()> {
    if changed == 0 { Err(StoreError::not_found("user", &name)) } else { Ok(()) }
}

fn end_sign_ins(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM token WHERE user = ?1", [name]).map(drop)
}

fn keep_an_admin(tx: &Transaction<'_>, name: &str, role: Option<Role>) -> Result<(), Fault> {
    let others = "SELECT count(*) FROM user WHERE role = 'admin' AND name <> ?1";
    let is_admin = "SELECT EXISTS (SELECT 1 FROM user WHERE role = 'admin' AND name = ?1)";
    let last = tx.query_row(is_admin, [name], |row| row.get::<_, bool>(0))?
        && tx.query_row(others, [name], |row| row.get::<_, i64>(0))? == 0;
    if last && role != Some(Role::Admin) {
        return Err(StoreError::invalid("user", "the last administrator; make somebody else one first").into());
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<User, Fault> {
    Ok(User {
        name: row.get(0)?,
        role: row.get::<_, String>(1)?.parse()?,
        created_at: Timestamp(row.get(2)?),
        last_login: row.get::<_, Option<i64>>(3)?.map(Timestamp),
    })
}
