//! Everything that can go wrong, and how the caller hears of it: one table, problem documents (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fleetward_fleet::counted;
use fleetward_store::{Conflict, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ControlError;
use crate::inventory::LineError;

/// Why a request was not answered with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No token, or one that is not valid.
    #[error("a valid token is needed: `Authorization: Bearer fwt_…`")]
    Unauthenticated,
    /// User and password do not fit, or the setup token is not valid.
    #[error("user and password do not fit")]
    WrongPassword,
    /// The token's scope is too small.
    #[error("this needs the scope {needs}")]
    Forbidden {
        /// The scope that would do.
        needs: fleetward_store::Role,
    },
    /// Too many failed sign-ins.
    #[error("too many failed sign-ins; wait {wait_secs} s")]
    TooManyFailures {
        /// Until it is worth trying again.
        wait_secs: u64,
    },
    /// Too many streams of events.
    #[error("too many streams of events are open")]
    TooManyStreams,
    /// There is no such thing.
    #[error("no such {what}: {key}")]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
        /// What was asked for.
        key: String,
    },
    /// There is no such route.
    #[error("there is nothing here; /api/docs lists what there is")]
    NoRoute,
    /// The route exists, the method does not.
    #[error("this method is not for this path; /api/docs lists what there is")]
    NoMethod,
    /// The request does not say what it should.
    #[error("{detail}")]
    Invalid {
        /// The field or parameter; empty where it is the body as a whole.
        field: String,
        /// What is wrong and what would be right.
        detail: String,
    },
    /// Lines of an import are wrong; nothing was imported.
    #[error("{}; nothing was imported", counted(.0.len(), "mistake"))]
    Lines(Vec<LineError>),
    /// Files or texts have mistakes; nothing was changed.
    #[error("{}; nothing was changed", counted(.0.len(), "mistake"))]
    Mistakes(Vec<LineError>),
    /// Its state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The body is larger than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// The body is of a kind that is not read here.
    #[error("send {0}")]
    WrongMediaType(&'static str),
    /// It took too long.
    #[error("it took too long")]
    Timeout,
    /// Not now.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours; the log says which.
    #[error("a fault of the server; its log says which")]
    Internal,
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem, as a URI that does not change: `urn:fleetward:problem:not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This case in words.
    pub detail: String,
    /// The field or parameter that is wrong, where it is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// Every mistake of an import or a file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<LineError>,
}

impl ApiError {
    /// The table: status, name, title.
    fn row(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Not signed in"),
            Self::WrongPassword => (StatusCode::UNAUTHORIZED, "wrong-password", "Not signed in"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::TooManyFailures { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many-failures", "Wait"),
            Self::TooManyStreams => (StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", "Too many streams"),
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-route", "No such route"),
            Self::NoMethod => (StatusCode::METHOD_NOT_ALLOWED, "no-method", "No such method"),
            Self::Invalid { .. } => (StatusCode::BAD_REQUEST, "invalid", "The request is not right"),
            Self::Lines(_) => (StatusCode::UNPROCESSABLE_ENTITY, "import", "The import has mistakes"),
            Self::Mistakes(_) => (StatusCode::UNPROCESSABLE_ENTITY, "mistakes", "There are mistakes"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict", "Its state does not allow it"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
            Self::WrongMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Not read here"),
            Self::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout", "It took too long"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "A fault of the server"),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.row().0
    }

    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }

    pub(crate) fn not_found(what: &'static str, key: impl Into<String>) -> Self {
        Self::NotFound { what, key: key.into() }
    }

    /// A fault of ours: logged here, with its chain; the caller only hears that there was one.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            chain.push_str(": ");
            chain.push_str(&error.to_string());
            cause = error.source();
        }
        tracing::error!(error = chain, "a request failed");
        Self::Internal
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, name, title) = self.row();
        let mut problem = Problem {
            kind: format!("urn:fleetward:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
            field: String::new(),
            errors: Vec::new(),
        };
        let challenge = match &self {
            Self::Unauthenticated => Some("Bearer realm=\"fleetward\""),
            Self::Forbidden { .. } => Some("Bearer realm=\"fleetward\", error=\"insufficient_scope\""),
            _ => None,
        };
        let wait = if let Self::TooManyFailures { wait_secs } = &self { Some(*wait_secs) } else { None };
        match self {
            Self::Invalid { field, .. } => problem.field = field,
            Self::Lines(errors) | Self::Mistakes(errors) => problem.errors = errors,
            _ => {}
        }
        let mut response = (status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, wait.into());
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { what, key } => Self::not_found(what, key),
            StoreError::Invalid { field, message } => Self::invalid(*field, format!("{field}: {message}")),
            StoreError::Exists { .. } | StoreError::IllegalTransition { .. } | StoreError::Stale { .. } => {
                Self::Conflict(error.to_string())
            }
            StoreError::Locked { .. } | StoreError::Full { .. } => {
                tracing::error!(%error, "the store is not available");
                Self::Unavailable("the store is not available just now".to_owned())
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NotFound { what, key } => Self::NotFound { what, key },
            ControlError::Refused(why) => Self::Conflict(why),
            ControlError::Conflicts(conflicts) => Self::Conflict(conflict_words(&conflicts)),
            ControlError::Mistakes(mistakes) => Self::Mistakes(mistakes),
            ControlError::Unavailable(why) => Self::Unavailable(why),
            ControlError::Internal(_) => Self::internal(&error),
        }
    }
}

/// `imsi is already that of meter-1`.
pub(crate) fn conflict_words(conflicts: &[Conflict]) -> String {
    let words = conflicts.iter().map(|c| {
        if c.field == "name" {
            format!("{} is already there", crate::mask::name(&c.holder))
        } else {
            format!("{} is already that of {}", c.field, crate::mask::name(&c.holder))
        }
    });
    words.collect::<Vec<_>>().join("; ")
}
