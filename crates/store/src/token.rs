//! Tokens: 256 random bits, shown once, stored as their SHA-256. With that much randomness a slow hash adds nothing, and
//! the look-up by digest takes the same time whatever was wrong with the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleetward_fleet::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use sha2::{Digest as _, Sha256};

use crate::connection::Fault;
use crate::{Result, Role, Store, StoreError, user};

/// What tokens begin with, so that secret scanners and people know one.
const PREFIX: &str = "fwt_";

/// `last_used` is this exact, in milliseconds: not every request is worth a write.
const LAST_USED_STEP: i64 = 60_000;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// For programs, until it expires or is revoked.
    Api,
    /// A signed-in person, for hours.
    SignIn,
    /// Makes the first administrator, once.
    Setup,
}

/// What a token should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewToken<'a> {
    /// What it is for, in words; the audit log names it so.
    pub name: &'a str,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do.
    pub scope: Role,
    /// Whose it is, for a sign-in.
    pub user: Option<&'a str>,
    /// From when it is worth nothing.
    pub expires_at: Timestamp,
}

/// A token as it is stored: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: u64,
    /// What it is for, in words.
    pub name: Box<str>,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do.
    pub scope: Role,
    /// Whose it is, for a sign-in.
    pub user: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
}

const COLUMNS: &str = "id, name, kind, scope, user, created_at, expires_at, last_used";

impl Store {
    /// Makes a token; the text is returned this once. Tokens that expired more than a day ago are cleared away.
    pub fn create_token(&self, new: &NewToken<'_>, now: Timestamp) -> Result<(Token, String)> {
        if new.name.trim().is_empty() || new.name.len() > 100 {
            return Err(StoreError::invalid("name", "1 to 100 characters"));
        }
        if new.expires_at <= now {
            return Err(StoreError::invalid("expires_at", "must be in the future"));
        }
        let text = random_text()?;
        let token = self.write(|tx| {
            tx.execute("DELETE FROM token WHERE expires_at < ?1", [now.0.saturating_sub(86_400_000)])?;
            tx.execute(
                "INSERT INTO token (digest, name, kind, scope, user, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    digest(&text),
                    new.name,
                    kind_name(new.kind),
                    new.scope.name(),
                    new.user,
                    now.0,
                    new.expires_at.0
                ],
            )?;
            let sql = format!("SELECT {COLUMNS} FROM token WHERE id = ?1");
            tx.query_row(&sql, [tx.last_insert_rowid()], |row| Ok(read(row)))?
        })?;
        Ok((token, text))
    }

    /// The token with this text, if there is one that has not expired. A setup token opens nothing here.
    pub fn authenticate(&self, text: &str, now: Timestamp) -> Result<Option<Token>> {
        if !text.starts_with(PREFIX) || text.len() > 100 {
            return Ok(None);
        }
        let Some(mut token) = self.read(|tx| valid(tx, text, now))?.filter(|token| token.kind != TokenKind::Setup)
        else {
            return Ok(None);
        };
        if token.last_used.is_none_or(|used| used.0 + LAST_USED_STEP <= now.0) {
            token.last_used = Some(now);
            let sql = "UPDATE token SET last_used = ?2 WHERE id = ?1";
            // A database that cannot be written just now (disk full) must not lock people out.
            drop(self.write(|tx| Ok(tx.execute(sql, params![token.id.cast_signed(), now.0])?)));
        }
        Ok(Some(token))
    }

    /// Uses up a setup token and makes the administrator, in one transaction. `None`: the token is not (or no longer) one.
    pub fn set_up_admin(&self, token: &str, name: &str, password: &str, now: Timestamp) -> Result<Option<()>> {
        user::check_name(name)?;
        let hash = user::hash(password)?;
        self.write(|tx| {
            let Some(token) = valid(tx, token, now)?.filter(|token| token.kind == TokenKind::Setup) else {
                return Ok(None);
            };
            tx.execute("DELETE FROM token WHERE id = ?1", [token.id.cast_signed()])?;
            user::insert(tx, name, &hash, Role::Admin, now).map(Some)
        })
    }

    /// All tokens, newest first, the expired ones too.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        self.read(|tx| {
            let mut statement = tx.prepare(&format!("SELECT {COLUMNS} FROM token ORDER BY id DESC"))?;
            let mut rows = statement.query([])?;
            let mut tokens = Vec::new();
            while let Some(row) = rows.next()? {
                tokens.push(read(row)?);
            }
            Ok(tokens)
        })
    }

    /// Makes a token worthless, from now on.
    pub fn revoke_token(&self, id: u64) -> Result<()> {
        self.write(|tx| match tx.execute("DELETE FROM token WHERE id = ?1", [id.cast_signed()])? {
            0 => Err(StoreError::not_found("token", &id).into()),
            _ => Ok(()),
        })
    }
}

fn valid(tx: &Transaction<'_>, text: &str, now: Timestamp) -> Result<Option<Token>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM token WHERE digest = ?1 AND expires_at > ?2");
    let mut statement = tx.prepare(&sql)?;
    statement.query_row(params![digest(text), now.0], |row| Ok(read(row))).optional()?.transpose()
}

fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::NoRandomness)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Api => "api",
        TokenKind::SignIn => "sign_in",
        TokenKind::Setup => "setup",
    }
}

fn read(row: &Row<'_>) -> Result<Token, Fault> {
    let kind = match row.get::<_, String>(2)?.as_str() {
        "api" => TokenKind::Api,
        "sign_in" => TokenKind::SignIn,
        "setup" => TokenKind::Setup,
        other => return Err(Fault::unreadable("token")(format!("unknown kind {other:?}").into())),
    };
    Ok(Token {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        name: row.get(1)?,
        kind,
        scope: row.get::<_, String>(3)?.parse()?,
        user: row.get(4)?,
        created_at: Timestamp(row.get(5)?),
        expires_at: Timestamp(row.get(6)?),
        last_used: row.get::<_, Option<i64>>(7)?.map(Timestamp),
    })
}
