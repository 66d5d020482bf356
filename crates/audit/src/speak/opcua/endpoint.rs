//! A channel without security, and the endpoints that are asked for in it.

use super::octets::{Octets, request, text};

/// One way in (OPC 10000-4 §7.14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The application's name, and its product's URI.
    pub(super) name: String,
    pub(super) product: String,
    /// Messages are neither signed nor encrypted.
    pub(super) is_without_security: bool,
    /// The last word of the policy's URI: `None`, `Basic256Sha256`.
    pub(super) policy: String,
    /// How users say who they are.
    pub(super) tokens: Vec<&'static str>,
}

/// Asks for a channel: no certificates, no security, for a minute.
pub(super) fn channel() -> Vec<u8> {
    let security = [&[0; 4][..], &text("http://opcfoundation.org/UA/SecurityPolicy#None"), &[0xFF; 8]].concat();
    let rest = [&[0; 8][..], &[1, 0, 0, 0], &[0xFF; 4], &60_000_u32.to_le_bytes()].concat();
    [&security[..], &[1, 0, 0, 0, 1, 0, 0, 0], &request(446), &rest].concat()
}

/// Asks for the endpoints in the channel that was opened; `None` where none was.
pub(super) fn question(opened: &[u8], url: &str) -> Option<Vec<u8>> {
    let mut octets = Octets(opened.strip_prefix(b"OPNF")?.get(4 + 4..)?);
    for _ in 0..3 {
        octets.bytes()?;
    }
    octets.take(8)?;
    (octets.node()? == 449 && octets.header()? == 0).then_some(())?;
    octets.take(4)?;
    let channel_and_token = octets.take(8)?;
    let rest = [&text(url)[..], &[0xFF; 8]].concat();
    Some([channel_and_token, &[2, 0, 0, 0, 2, 0, 0, 0], &request(428), &rest].concat())
}

/// Those of the answer, as far as it was understood.
pub(super) fn endpoints(body: &[u8]) -> Vec<Endpoint> {
    let mut octets = Octets(body);
    let mut found = Vec::new();
    if octets.node() == Some(431) && octets.header() == Some(0) {
        for _ in 0..octets.count().unwrap_or_default().min(64) {
            let Some(endpoint) = endpoint(&mut octets) else { break };
            found.push(endpoint);
        }
    }
    found
}

fn endpoint(octets: &mut Octets<'_>) -> Option<Endpoint> {
    let (_url, _application, product) = (octets.bytes()?, octets.bytes()?, octets.text()?);
    let parts = octets.take(1)?[0];
    let _locale = (parts & 1 != 0).then(|| octets.bytes());
    let name = if parts & 2 == 0 { String::new() } else { octets.text()? };
    octets.take(4)?;
    let (_gateway, _profile) = (octets.bytes()?, octets.bytes()?);
    for _ in 0..octets.count()? {
        octets.bytes()?;
    }
    let _certificate = octets.bytes()?;
    let is_without_security = octets.word()? == 1;
    let policy = octets.text()?;
    let policy = policy.rsplit(['#', '/']).next().unwrap_or_default().to_owned();
    let mut tokens = Vec::new();
    for _ in 0..octets.count()? {
        octets.bytes()?;
        let token = match octets.word()? {
            0 => "anonymous",
            1 => "password",
            2 => "certificate",
            _ => "token",
        };
        if !tokens.contains(&token) {
            tokens.push(token);
        }
        for _ in 0..3 {
            octets.bytes()?;
        }
    }
    octets.bytes()?;
    octets.take(1)?;
    Some(Endpoint { name, product, is_without_security, policy, tokens })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An answer with one endpoint.
    pub(in super::super) fn response(token: u32, mode: u32) -> Vec<u8> {
        let header = [&[1, 0, 0xAF, 1][..], &[0; 16], &[0], &[0xFF; 4], &[0, 0, 0]].concat();
        let about =
            [text("opc.tcp://x"), text("urn:x"), text("urn:product"), vec![2], text("Server"), vec![0; 4]].concat();
        let server = [&about[..], &[0xFF; 8], &[1, 0, 0, 0], &text("opc.tcp://x"), &text("certificate")].concat();
        let security = [&mode.to_le_bytes()[..], &text("http://opcfoundation.org/UA/SecurityPolicy#None")].concat();
        let user = [&[1, 0, 0, 0][..], &text("0"), &token.to_le_bytes(), &[0xFF; 12]].concat();
        [&header[..], &[1, 0, 0, 0], &server, &security, &user, &text("binary"), &[0]].concat()
    }

    #[test]
    fn one_endpoint() {
        let all = endpoints(&response(2, 3));
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].tokens.as_slice(), all[0].is_without_security), (&["certificate"][..], false));
        assert!(endpoints(&response(2, 3)[..60]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read(octets: Vec<u8>) {
            let _question = question(&octets, "x");
            proptest::prop_assert!(endpoints(&octets).len() <= 64);
        }
    }
}
