//! Who may pass: the token, its scope, the limits and headers that every answer shares.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use fleetward_fleet::Timestamp;
use fleetward_store::{NewAudit, Role, Store, Token, TokenKind};

use crate::ApiState;
use crate::error::ApiError;
use crate::server::Peer;

/// No handler takes longer, the reading of the body included.
const HANDLER: Duration = Duration::from_mins(1);

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: signing in, health, the description of the API.
    Open,
    /// A token with at least this scope.
    Scope(Role),
    /// Tokens for telling observations, and operators. The former may nothing else.
    Ingest,
    /// Viewers, and anybody on loopback where the operator said so.
    Metrics,
}

/// Who calls, for handlers and the audit log.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user, or `token:` and the token's name.
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) token: u64,
    pub(crate) sign_in: bool,
    pub(crate) expires_at: Timestamp,
    /// The text itself, to look it up again while a stream is open.
    pub(crate) secret: fleetward_fleet::Secret,
}

impl Caller {
    fn of(token: Token, text: &str) -> Self {
        let name = token.user.map_or_else(|| format!("token:{}", token.name), String::from);
        Self {
            name,
            role: token.scope,
            token: token.id,
            sign_in: token.kind == TokenKind::SignIn,
            expires_at: token.expires_at,
            secret: fleetward_fleet::Secret::new(text),
        }
    }

    /// The caller wants to see identities: they must be an operator.
    pub(crate) fn may_reveal(&self, asked: bool) -> Result<bool, ApiError> {
        if asked && self.role < Role::Operator {
            return Err(ApiError::Forbidden { needs: Role::Operator });
        }
        Ok(asked)
    }

    /// Leaves a row in the audit log.
    pub(crate) fn audit(
        &self,
        store: &Store,
        at: Timestamp,
        what: &str,
        target: &str,
        detail: &str,
    ) -> Result<(), ApiError> {
        store.audit(&NewAudit { at, who: &self.name, what, target, detail })?;
        Ok(())
    }
}

/// Checks token and scope, then lets the request pass with its [`Caller`].
pub(crate) async fn check(
    State((state, access)): State<(ApiState, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let needs = match access {
        Access::Open => return Ok(next.run(request).await),
        Access::Metrics if state.config().open_metrics_on_loopback && peer(&request).ip().is_loopback() => {
            return Ok(next.run(request).await);
        }
        Access::Metrics => Role::Viewer,
        Access::Ingest => Role::Ingest,
        Access::Scope(role) => role,
    };
    let text = bearer(&request).ok_or(ApiError::Unauthenticated)?.to_owned();
    let caller = authenticate(&state, text).await?;
    // Looking does not include telling.
    let only_looks = access == Access::Ingest && caller.role == Role::Viewer;
    if caller.role < needs || only_looks {
        return Err(ApiError::Forbidden { needs });
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn authenticate(state: &ApiState, text: String) -> Result<Caller, ApiError> {
    let now = state.now();
    state
        .run(move |store, _| {
            let token = store.authenticate(&text, now)?.ok_or(ApiError::Unauthenticated)?;
            Ok(Caller::of(token, &text))
        })
        .await
}

fn bearer(request: &Request) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The other end; requests that come from no connection (a test of the router alone) count as from nowhere.
pub(crate) fn peer(request: &Request) -> SocketAddr {
    let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    request.extensions().get::<Peer>().map_or(nowhere, |peer| peer.address)
}

/// Around everything: a time limit, and headers that keep browsers from being used against the operator.
pub(crate) async fn frame(request: Request, next: Next) -> Response {
    let tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);
    let answered = tokio::time::timeout(HANDLER, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| ApiError::Timeout.into_response());
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, fixed("DENY"));
    headers.insert(header::REFERRER_POLICY, fixed("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(fixed("default-src 'none'; frame-ancestors 'none'"));
    headers.entry(header::CACHE_CONTROL).or_insert(fixed("no-store"));
    if tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, fixed("max-age=31536000"));
    }
    response
}
