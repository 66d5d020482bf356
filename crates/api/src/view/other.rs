//! Rules, the audit log, users, tokens, health.

use fleetward_store::{AuditEntry, AuditReport, Token, TokenKind, User};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FindingStateName, HealthName, RoleName, SeverityName};
use crate::guard::Caller;
use crate::{Component, Health, RuleInfo};

/// How many findings there are in one state with one severity.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CountView {
    /// The state.
    pub state: FindingStateName,
    /// The severity.
    pub severity: SeverityName,
    /// How many; never 0.
    pub count: u64,
}

/// A rule in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// One line.
    pub title: String,
    /// `on`, `dry-run` or `off`.
    pub mode: &'static str,
    /// How bad its findings are.
    pub severity: SeverityName,
    /// What it says, in words.
    pub explain: String,
}

impl RuleView {
    pub(crate) fn of(rule: RuleInfo) -> Self {
        Self {
            name: rule.name.into(),
            version: rule.version,
            title: rule.title,
            mode: rule.mode,
            severity: rule.severity.into(),
            explain: rule.explain,
        }
    }
}

/// One row of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditView {
    /// Its number; none is missing.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// On what.
    pub target: String,
    /// More, in words.
    pub detail: String,
    /// SHA-256 over the previous row's hash and this row, in hexadecimal.
    pub hash: String,
}

impl AuditView {
    pub(crate) fn of(entry: AuditEntry) -> Self {
        let hash = entry.hash.iter().fold(String::with_capacity(64), |mut text, byte| {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('?'));
            }
            text
        });
        let AuditEntry { seq, at, who, what, target, detail, .. } = entry;
        Self { seq, at: at.to_string(), who, what, target, detail, hash }
    }
}

/// Whether the audit log is as it was written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditReportView {
    /// Nothing was changed, taken out or cut off.
    pub whole: bool,
    /// How many rows were looked at.
    pub rows: u64,
    /// The first row that does not fit, or is missing.
    pub first_bad: Option<u64>,
}

impl From<AuditReport> for AuditReportView {
    fn from(report: AuditReport) -> Self {
        Self { whole: report.first_bad.is_none(), rows: report.rows, first_bad: report.first_bad }
    }
}

/// A person who may sign in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    /// The name to sign in with.
    pub name: String,
    /// What they may do.
    pub role: RoleName,
    /// Since when they are known.
    pub created_at: String,
    /// When they last signed in.
    pub last_login: Option<String>,
}

impl UserView {
    pub(crate) fn of(user: User) -> Self {
        Self {
            name: user.name.into(),
            role: user.role.into(),
            created_at: user.created_at.to_string(),
            last_login: user.last_login.map(|at| at.to_string()),
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenView {
    /// Its number.
    pub id: u64,
    /// What it is for, in words.
    pub name: String,
    /// `api`, `sign_in` or `setup`.
    pub kind: &'static str,
    /// What it may do.
    pub scope: RoleName,
    /// Whose it is, for a sign-in.
    pub user: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// From when it is worth nothing.
    pub expires_at: String,
    /// When it was last used, to the minute.
    pub last_used: Option<String>,
}

impl TokenView {
    pub(crate) fn of(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name.into(),
            kind: match token.kind {
                TokenKind::Api => "api",
                TokenKind::SignIn => "sign_in",
                TokenKind::Setup => "setup",
            },
            scope: token.scope.into(),
            user: token.user.map(Into::into),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.to_string(),
            last_used: token.last_used.map(|at| at.to_string()),
        }
    }
}

/// Who the token is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhoView {
    /// The user, or `token:` and the token's name.
    pub name: String,
    /// What they may do.
    pub role: RoleName,
    /// From when the token is worth nothing.
    pub expires_at: String,
}

impl WhoView {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self { name: caller.name.clone(), role: caller.role.into(), expires_at: caller.expires_at.to_string() }
    }
}

/// How the server is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HealthView {
    /// As the worst component is.
    pub status: HealthName,
    /// The version that runs.
    pub version: String,
    /// Each component.
    pub components: Vec<ComponentView>,
}

/// How one component is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComponentView {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub status: HealthName,
    /// Why it is not ok; empty where it is.
    pub reason: String,
}

impl HealthView {
    pub(crate) fn of(components: Vec<Component>, version: &str) -> Self {
        let worst = components.iter().map(|component| component.health).max().unwrap_or(Health::Ok);
        let view = |component: Component| ComponentView {
            name: component.name,
            status: component.health.into(),
            reason: component.reason,
        };
        Self {
            status: worst.into(),
            version: version.to_owned(),
            components: components.into_iter().map(view).collect(),
        }
    }
}
