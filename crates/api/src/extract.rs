//! Parts of a request as types; what does not fit becomes a problem document.

use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use fleetward_store::Page;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::WrongMediaType("application/json")),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(ApiError::TooLarge),
            Err(rejection) => Err(ApiError::invalid("", rejection.body_text())),
        }
    }
}

/// A JSON body, or its default where there is none at all.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let empty = request.headers().get(header::CONTENT_TYPE).is_none();
        if !empty {
            return Body::from_request(request, state).await.map(|Body(body)| Self(body));
        }
        let Raw(bytes) = Raw::from_request(request, state).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { Err(ApiError::WrongMediaType("application/json")) }
    }
}

/// The body as it came, within the route's limit.
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(ApiError::TooLarge),
            Err(rejection) => Err(ApiError::invalid("", rejection.body_text())),
        }
    }
}

/// The query.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        read.map(|Query(value)| Self(value)).map_err(|rejection| misread(&rejection.body_text()))
    }
}

/// axum says `Failed to deserialize query string: limit: invalid digit found in string`.
fn misread(text: &str) -> ApiError {
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let told = text.split_once(": ").map_or(text, |(_, told)| told);
    let field = told.split_once(": ").map(|(name, _)| name).filter(is_name).unwrap_or_default();
    ApiError::invalid(field, told)
}

/// What the path names.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(value)| Self(value)).map_err(|rejection| ApiError::invalid("", rejection.body_text()))
    }
}

/// `limit` and `cursor` of a query as a page.
pub(crate) fn page(limit: Option<usize>, cursor: Option<String>) -> Page {
    Page { limit: limit.unwrap_or_default(), cursor }
}

/// A text of the query as a value; the field is named where it is none.
pub(crate) fn value<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, ApiError> {
    let parse = |text: &str| text.parse().map_err(|error| ApiError::invalid(field, format!("{field}: {error}")));
    text.map(parse).transpose()
}

/// `new,acknowledged` as values; the field is named where one is unknown.
pub(crate) fn values<T: DeserializeOwned>(field: &'static str, text: Option<&str>) -> Result<Vec<T>, ApiError> {
    text.unwrap_or_default().split(',').filter(|word| !word.is_empty()).map(|word| name(field, word)).collect()
}

/// One of the names of an enumeration.
pub(crate) fn name<T: DeserializeOwned>(field: &'static str, word: &str) -> Result<T, ApiError> {
    use serde::de::IntoDeserializer as _;
    T::deserialize(word.into_deserializer())
        .map_err(|error: serde::de::value::Error| ApiError::invalid(field, format!("{field}: {error}")))
}
