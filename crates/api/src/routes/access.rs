//! Signing in, users, tokens.

use std::time::Duration;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use fleetward_fleet::Timestamp;
use fleetward_store::{NewAudit, NewToken, Role, Store, TokenKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ApiState;
use crate::error::ApiError;
use crate::extract::{Body, Named};
use crate::guard::{Caller, peer};
use crate::view::{RoleName, TokenView, UserView, WhoView};

/// No token is made for longer.
const MAX_DAYS: u32 = 3650;

/// User and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The name to sign in with.
    user: String,
    /// The password.
    password: String,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUp {
    /// The setup token that the server printed at its first start.
    token: String,
    /// The name to sign in with.
    user: String,
    /// The password: at least 12 characters.
    password: String,
}

/// A sign-in or a new token: the text is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Issued {
    /// What to send as `Authorization: Bearer`.
    token: String,
    /// What it may do.
    scope: RoleName,
    /// From when it is worth nothing.
    expires_at: String,
    /// Its number.
    id: u64,
}

/// A user to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// The name to sign in with.
    name: String,
    /// At least 12 characters.
    password: String,
    /// What they may do.
    role: RoleName,
}

/// What to change of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// A new password: at least 12 characters.
    #[serde(default)]
    password: Option<String>,
    /// What they may do from now on.
    #[serde(default)]
    role: Option<RoleName>,
}

/// A token to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenOrder {
    /// What it is for, in words.
    name: String,
    /// What it may do.
    scope: RoleName,
    /// For so many days, at most 3650.
    days: u32,
}

/// Signs in: user and password for a token that lasts some hours.
#[utoipa::path(post, path = "/api/v1/login", tag = "access", request_body = Login,
    responses((status = 200, description = "The token.", body = Issued),
        (status = 429, description = "Too many failures; `Retry-After` says how long to wait.",
            body = crate::error::Problem, content_type = "application/problem+json")))]
pub(crate) async fn login(State(state): State<ApiState>, request: Request) -> Result<Json<Issued>, ApiError> {
    let address = peer(&request).ip();
    let Body(Login { user, password }) = Body::<Login>::from_request(request, &state).await?;
    let now = state.now();
    refuse_while_waiting(&state, &user, address, now)?;
    let turn = state.hash_turn().await?;
    // Asked again: guesses that waited for their turn together cannot slip past the limit.
    refuse_while_waiting(&state, &user, address, now)?;
    let (limits, expires_at) = (state.clone(), now + state.config().sign_in_lasts);
    let signed_in = state.run(move |store, _| {
        let _turn = turn;
        // Failures are counted here, where nobody can hang up before they are.
        let Some(known) = store.check_password(&user, &password, now)? else {
            limits.sign_ins().failed(&user, address, now);
            tracing::warn!(%address, "a sign-in failed");
            return Err(ApiError::WrongPassword);
        };
        limits.sign_ins().succeeded(&user);
        let new = NewToken {
            name: "sign-in",
            kind: TokenKind::SignIn,
            scope: known.role,
            user: Some(&known.name),
            expires_at,
        };
        let (token, text) = store.create_token(&new, now)?;
        store.audit(&NewAudit {
            at: now,
            who: &known.name,
            what: "login",
            target: "",
            detail: &address.to_string(),
        })?;
        Ok(issued(text, &token))
    });
    signed_in.await.map(Json)
}

/// Makes the first administrator, with the setup token that the server printed.
#[utoipa::path(post, path = "/api/v1/setup", tag = "access", request_body = SetUp,
    responses((status = 204, description = "The administrator is there; the setup token is used up.")))]
pub(crate) async fn set_up(State(state): State<ApiState>, request: Request) -> Result<StatusCode, ApiError> {
    let address = peer(&request).ip();
    let Body(SetUp { token, user, password }) = Body::<SetUp>::from_request(request, &state).await?;
    let now = state.now();
    refuse_while_waiting(&state, "", address, now)?;
    let (turn, limits) = (state.hash_turn().await?, state.clone());
    let done = state.run(move |store, _| {
        let _turn = turn;
        if store.set_up_admin(&token, &user, &password, now)?.is_none() {
            limits.sign_ins().failed("", address, now);
            return Err(ApiError::WrongPassword);
        }
        let entry = NewAudit { at: now, who: "setup", what: "user.add", target: &user, detail: "admin" };
        store.audit(&entry)?;
        Ok(())
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

/// Ends the token that asks.
#[utoipa::path(post, path = "/api/v1/logout", tag = "access",
    responses((status = 204, description = "The token is worth nothing now.")))]
pub(crate) async fn logout(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, ApiError> {
    let now = state.now();
    if !caller.sign_in {
        return Err(ApiError::Conflict("a token for programs is revoked by an administrator".to_owned()));
    }
    let done = state.run(move |store, _| {
        store.revoke_token(caller.token)?;
        caller.audit(store, now, "logout", "", "")
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

/// Who the token is, and what it may do.
#[utoipa::path(get, path = "/api/v1/whoami", tag = "access",
    responses((status = 200, description = "Who.", body = WhoView)))]
pub(crate) async fn whoami(Extension(caller): Extension<Caller>) -> Json<WhoView> {
    Json(WhoView::of(&caller))
}

/// All users, by name.
#[utoipa::path(get, path = "/api/v1/users", tag = "access",
    responses((status = 200, description = "All of them.", body = Vec<UserView>)))]
pub(crate) async fn users(State(state): State<ApiState>) -> Result<Json<Vec<UserView>>, ApiError> {
    state.run(|store, _| Ok(store.users()?.into_iter().map(UserView::of).collect())).await.map(Json)
}

/// Adds a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "access", request_body = NewUser,
    responses((status = 201, description = "The user is there.")))]
pub(crate) async fn add_user(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(NewUser { name, password, role }): Body<NewUser>,
) -> Result<StatusCode, ApiError> {
    let role = Role::from(role);
    let turn = state.hash_turn().await?;
    let now = state.now();
    let done = state.run(move |store, _| {
        let _turn = turn;
        store.add_user(&name, &password, role, now)?;
        caller.audit(store, now, "user.add", &name, role.name())
    });
    done.await.map(|()| StatusCode::CREATED)
}

/// Changes a user's password or role; their sign-ins end.
#[utoipa::path(put, path = "/api/v1/users/{user}", tag = "access", request_body = UserChange,
    params(("user" = String, Path, description = "Their name.")),
    responses((status = 204, description = "It is changed.")))]
pub(crate) async fn change_user(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
    Body(UserChange { password, role }): Body<UserChange>,
) -> Result<StatusCode, ApiError> {
    let turn = state.hash_turn().await?;
    let now = state.now();
    let done = state.run(move |store, _| {
        let _turn = turn;
        if let Some(password) = password {
            store.set_password(&name, &password)?;
            caller.audit(store, now, "user.password", &name, "")?;
        }
        if let Some(role) = role.map(Role::from) {
            store.set_role(&name, role)?;
            caller.audit(store, now, "user.role", &name, role.name())?;
        }
        Ok(())
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

/// Removes a user; their sign-ins end.
#[utoipa::path(delete, path = "/api/v1/users/{user}", tag = "access",
    params(("user" = String, Path, description = "Their name.")),
    responses((status = 204, description = "The user is gone.")))]
pub(crate) async fn remove_user(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<StatusCode, ApiError> {
    let change = move |store: &Store| store.remove_user(&name).map(|()| name);
    audited(state, caller, "user.remove", change).await
}

/// All tokens, newest first; never their texts.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access",
    responses((status = 200, description = "All of them.", body = Vec<TokenView>)))]
pub(crate) async fn tokens(State(state): State<ApiState>) -> Result<Json<Vec<TokenView>>, ApiError> {
    state.run(|store, _| Ok(store.tokens()?.into_iter().map(TokenView::of).collect())).await.map(Json)
}

/// Makes a token for a program.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", request_body = TokenOrder,
    responses((status = 201, description = "The token; its text is shown this once.", body = Issued)))]
pub(crate) async fn create_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(TokenOrder { name, scope, days }): Body<TokenOrder>,
) -> Result<(StatusCode, Json<Issued>), ApiError> {
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(ApiError::invalid("days", format!("days: 1 to {MAX_DAYS}")));
    }
    let now = state.now();
    let expires_at = now + Duration::from_hours(24 * u64::from(days));
    let done = state.run(move |store, _| {
        let new = NewToken { name: &name, kind: TokenKind::Api, scope: scope.into(), user: None, expires_at };
        let (token, text) = store.create_token(&new, now)?;
        let detail = format!("{} until {expires_at}", token.scope);
        caller.audit(store, now, "token.create", &name, &detail)?;
        Ok(issued(text, &token))
    });
    done.await.map(|issued| (StatusCode::CREATED, Json(issued)))
}

/// Makes a token worthless.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "access",
    params(("token" = u64, Path, description = "Its number.")),
    responses((status = 204, description = "It is worth nothing now.")))]
pub(crate) async fn revoke_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<u64>,
) -> Result<StatusCode, ApiError> {
    let change = move |store: &Store| store.revoke_token(id).map(|()| id.to_string());
    audited(state, caller, "token.revoke", change).await
}

/// Changes something and leaves a row in the audit log; `change` tells its target.
async fn audited(
    state: ApiState,
    caller: Caller,
    what: &'static str,
    change: impl FnOnce(&Store) -> fleetward_store::Result<String> + Send + 'static,
) -> Result<StatusCode, ApiError> {
    let now = state.now();
    let done = state.run(move |store, _| {
        let target = change(store)?;
        caller.audit(store, now, what, &target, "")
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

fn refuse_while_waiting(
    state: &ApiState,
    user: &str,
    address: std::net::IpAddr,
    now: Timestamp,
) -> Result<(), ApiError> {
    match state.sign_ins().wait(user, address, now) {
        Duration::ZERO => Ok(()),
        wait => Err(ApiError::TooManyFailures { wait_secs: wait.as_secs().max(1) }),
    }
}

fn issued(text: String, token: &fleetward_store::Token) -> Issued {
    Issued { token: text, scope: token.scope.into(), expires_at: token.expires_at.to_string(), id: token.id }
}
