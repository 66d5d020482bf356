//! What speaks inside TLS: the probe tells the encryption, then the questions go on within it.

use std::io;
use std::pin::Pin;

use super::way::{Answer, Way};
use super::{order, tls};
use crate::fact::Service;

/// A future of a type with a name: what speaks inside TLS is found by the search that looks for TLS.
pub(super) type Asking<'a> = Pin<Box<dyn Future<Output = io::Result<Answer>> + Send + 'a>>;

/// Probes, and asks within; a server whose TLS is too old to talk in is told as `tls` alone.
pub(super) fn ask(way: &Way) -> Asking<'_> {
    Box::pin(async move {
        let Some(tls) = tls::probe(way.at()).await? else { return Ok(Answer::Other(Vec::new())) };
        let within = order::identify(&way.within()).await.ok().flatten();
        let service = within.unwrap_or_else(|| {
            let evidence = tls.versions.join(", ").into();
            Service { protocol: "tls".into(), evidence, ..Service::default() }
        });
        Ok(Answer::Is(Box::new(Service { encrypted: true, tls: Some(tls), ..service })))
    })
}
