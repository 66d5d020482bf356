//! The command line's way to a running server: its REST API, nothing else.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body, http};

use crate::cli::Global;
use crate::config::{Config, Settings, Tls};
use crate::exit::Failure;
use crate::unread;

/// The file in the data folder with the token of whoever runs the server.
pub(crate) const TOKEN_FILE: &str = "cli-token";
/// The file in the data folder with the API's own certificate.
pub(crate) const CERTIFICATE_FILE: &str = "api.pem";

/// A server, and the right to ask it.
pub(crate) struct Client {
    agent: Agent,
    base: String,
    token: String,
}

impl Client {
    /// Finds server, certificate and token: from the flags, else from the configuration and its data folder.
    pub(crate) fn new(global: &Global) -> anyhow::Result<Self> {
        let local =
            if global.server.is_some() && global.token.is_some() { None } else { Some(Local::find(&global.config)?) };
        let base = match (&global.server, &local) {
            (Some(server), _) => server.trim_end_matches('/').to_owned(),
            (None, Some(local)) => local.url.clone(),
            (None, None) => String::new(),
        };
        let token = match (&global.token, &local) {
            (Some(token), _) => token.trim().to_owned(),
            (None, Some(local)) => local.token()?,
            (None, None) => String::new(),
        };
        let ca = match (&global.ca, &local) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(local)) if global.server.is_none() => local.certificate.clone(),
            _ => None,
        };
        Ok(Self { agent: agent(ca.as_deref())?, base, token })
    }

    /// GETs one object.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.agent.get(self.url(path)).header("authorization", format!("Bearer {}", self.token));
        self.answer(request.call(), |_| {})
    }

    /// The rows of a list for whoever said how many with `--limit`: hears on standard error where there are more.
    pub(crate) fn shown(&self, path: &str, query: &[(&str, String)], limit: usize) -> anyhow::Result<Vec<Value>> {
        let (items, has_more) = self.pages(path, query, limit)?;
        if has_more {
            let message =
                format!("hint: there are more than these {limit}; --limit {} shows up to so many", limit.max(1) * 10);
            writeln!(std::io::stderr().lock(), "{message}")?;
        }
        Ok(items)
    }

    /// GETs all pages of a list, or as many as `most` rows want.
    pub(crate) fn list(&self, path: &str, query: &[(&str, String)], most: usize) -> anyhow::Result<Vec<Value>> {
        Ok(self.pages(path, query, most)?.0)
    }

    /// The same, and whether there is more.
    fn pages(&self, path: &str, query: &[(&str, String)], most: usize) -> anyhow::Result<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        while items.len() < most {
            let mut pairs: Vec<(&str, String)> = query.to_vec();
            pairs.push(("limit", (most - items.len()).min(500).to_string()));
            pairs.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page = self.get(&format!("{path}?{}", encode(&pairs)))?;
            let Some(rows) = page["items"].as_array() else { break };
            items.extend(rows.iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        Ok((items, cursor.is_some()))
    }

    /// POSTs (or another method) JSON and returns the answer, `Null` where it is empty.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send_bytes(method, path, "application/json", body.to_string().as_bytes())
    }

    /// The same for the lines of a file, of which each item of the body is one: what the answer says of an item it says of its line.
    pub(crate) fn send_lines(&self, path: &str, body: &Value, lines: &[u64]) -> anyhow::Result<Value> {
        self.send_with("POST", path, "application/json", body.to_string().as_bytes(), |problem| {
            renumber(problem, lines);
        })
    }

    /// Sends bytes of this media type.
    pub(crate) fn send_bytes(&self, method: &str, path: &str, media: &str, body: &[u8]) -> anyhow::Result<Value> {
        self.send_with(method, path, media, body, |_| {})
    }

    fn send_with(
        &self,
        method: &str,
        path: &str,
        media: &str,
        body: &[u8],
        amend: impl Fn(&mut Value),
    ) -> anyhow::Result<Value> {
        let request = http::Request::builder()
            .method(method)
            .uri(self.url(path))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", media)
            .body(body)
            .context("the request is not valid HTTP")?;
        self.answer(self.agent.run(request), amend)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }

    fn answer(
        &self,
        result: Result<http::Response<Body>, ureq::Error>,
        amend: impl Fn(&mut Value),
    ) -> anyhow::Result<Value> {
        let mut response = result.map_err(|error| {
            Failure::unfinished(
                format!("no answer from {}: {error}", self.base),
                "is `fleetward serve` running? --config or --server say where",
            )
        })?;
        let status = response.status();
        let text =
            response.body_mut().with_config().limit(256 << 20).read_to_string().context("the answer broke off")?;
        if status.is_success() {
            return if text.is_empty() {
                Ok(Value::Null)
            } else {
                serde_json::from_str(&text).context("the answer is not JSON")
            };
        }
        let mut document: Value = serde_json::from_str(&text).unwrap_or_default();
        amend(&mut document);
        Err(problem(status.as_u16(), &document).into())
    }
}

/// Turns a problem document (RFC 9457) into an error with its exit code.
fn problem(status: u16, document: &Value) -> Failure {
    let title = document["title"].as_str().unwrap_or("the server refused");
    let mut message = title.to_owned();
    if let Some(detail) = document["detail"].as_str() {
        message = format!("{message}: {detail}");
    }
    message.push_str(&mistakes(&document["errors"]));
    let hint = document["hint"].as_str().unwrap_or("nothing was changed").to_owned();
    match status {
        401 | 403 => Failure::not_signed_in(
            message,
            "fleetward tokens create NAME --scope operator makes a token; pass it with --token",
        ),
        400..=499 => Failure::input(message, hint),
        _ => Failure::unfinished(message, "the server's log says more"),
    }
}

/// Items of a request, counted from 1, become the lines of the file.
fn renumber(document: &mut Value, lines: &[u64]) {
    for error in document["errors"].as_array_mut().into_iter().flatten() {
        let item = error["line"].as_u64().and_then(|item| usize::try_from(item.checked_sub(1)?).ok());
        if let Some(line) = item.and_then(|item| lines.get(item)) {
            error["line"] = (*line).into();
        }
    }
    if let (Some(detail), Some(first), Some(last)) = (document["detail"].as_str(), lines.first(), lines.last()) {
        document["detail"] =
            detail.replace("nothing was imported", &format!("nothing of lines {first} to {last} was imported")).into();
    }
}

/// Mistakes of an import, one a line: `line 3, imsi: …`.
pub(crate) fn mistakes(errors: &Value) -> String {
    let mut text = String::new();
    for error in errors.as_array().into_iter().flatten() {
        let column = error["column"].as_str().filter(|column| !column.is_empty());
        let column = column.map(|column| format!(", {column}")).unwrap_or_default();
        let message = error["message"].as_str().unwrap_or_default();
        if let Some(file) = error["file"].as_str().filter(|file| !file.is_empty()) {
            let column = error["column"].as_str().filter(|column| !column.is_empty()).unwrap_or("1");
            text.push_str(&format!("\n       {file}:{}:{column}: {message}", error["line"]));
            continue;
        }
        text.push_str(&format!("\n       line {}{column}: {message}", error["line"]));
    }
    text
}

/// Query parameters, percent-encoded.
pub(crate) fn encode(pairs: &[(&str, String)]) -> String {
    let parts: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
    parts.join("&")
}

/// One path segment or query value, percent-encoded (RFC 3986 §2.3).
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn agent(ca: Option<&Path>) -> anyhow::Result<Agent> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = TlsConfig::builder().provider(TlsProvider::Rustls).unversioned_rustls_crypto_provider(provider);
    let certificates = match ca {
        Some(file) => read_certificates(file)?,
        None => system_certificates(),
    };
    tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_mins(2)))
        .proxy(None)
        .build();
    Ok(config.new_agent())
}

fn read_certificates(file: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let items: Result<Vec<PemItem<'static>>, ureq::Error> = parse_pem(&pem).collect();
    let items = items.with_context(|| format!("{} is no PEM", file.display()))?;
    let certificates = items.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    Ok(certificates.collect())
}

/// The system's trust store; empty (so that nothing is trusted) where there is none.
fn system_certificates() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

/// What the configuration says of the server on this machine.
struct Local {
    url: String,
    certificate: Option<PathBuf>,
    data: PathBuf,
}

impl Local {
    fn find(config_file: &Path) -> anyhow::Result<Self> {
        let (config, base) = Settings::outline(config_file).map_err(|problem| {
            Failure::input(
                problem.to_string(),
                "name the configuration with --config, or the server with --server and --token",
            )
        })?;
        let data = base.join(&config.data);
        let plain = matches!(config.api.tls.value, Tls::Off);
        let scheme = if plain { "http" } else { "https" };
        let certificate = certificate(&config, &base, &data);
        Ok(Self { url: format!("{scheme}://{}", reachable(config.api.listen.0)), certificate, data })
    }

    fn token(&self) -> anyhow::Result<String> {
        let file = self.data.join(TOKEN_FILE);
        let token = std::fs::read_to_string(&file).map_err(|error| {
            Failure::not_signed_in(
                format!("{}: {}", file.display(), unread::why(&file, &error)),
                "`fleetward serve` writes it at start; as another user, pass a token with --token or FLEETWARD_TOKEN",
            )
        })?;
        Ok(token.trim().to_owned())
    }
}

fn certificate(config: &Config, base: &Path, data: &Path) -> Option<PathBuf> {
    match &config.api.tls.value {
        Tls::Auto => Some(data.join(CERTIFICATE_FILE)),
        Tls::Off => None,
        Tls::Files { certificate, .. } => Some(base.join(certificate)),
    }
}

/// An address to connect to for an address to listen on.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
