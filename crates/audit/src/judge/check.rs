//! The checks by name: what each expects and which provisions it serves.
//!
//! Provisions are those of ETSI EN 303 645 V3.1.3: 5.1-1 passwords unique or set by the user, 5.1-3 and 5.5-1 best
//! practice cryptography, 5.4-4 unique parameters, 5.5-5 changes only after authentication, 5.5-7 confidential critical
//! parameters, 5.6-1 unused interfaces disabled, 5.6-2 no security-relevant information without authentication, 5.9-1 resilience.

/// A check of [`super::faults`] or [`super::recycled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// One line of what is wrong where it finds something.
    pub title: &'static str,
    /// What is expected instead.
    pub expected: &'static str,
    /// Provisions.
    pub tags: &'static [&'static str],
}

macro_rules! checks {
    ($($id:ident $name:literal $title:literal $expected:literal [$($tag:literal)*];)*) => {
        $(pub(crate) const $id: Check =
            Check { name: $name, title: $title, expected: $expected, tags: &[$(concat!("etsi-en-303-645:", $tag)),*] };)*
        /// All of them.
        pub const CHECKS: &[Check] = &[$($id),*];
    };
}

checks! {
    FELL_SILENT "device-fell-silent" "The device stopped answering while it was audited"
        "a device that goes on working while it is asked gently" ["5.9-1"];
    NOT_IN_PROFILE "port-not-in-profile" "A port is open that the model's profile does not list"
        "only ports that the profile lists" ["5.6-1"];
    PLAINTEXT "plaintext-management" "Management or credentials in clear text"
        "management and log-ins inside TLS, DTLS or SSH" ["5.5-1" "5.5-7" "5.1-3"];
    NO_AUTHENTICATION "no-authentication" "A service that anybody may use"
        "a service that asks who one is" ["5.5-5" "5.6-2"];
    PASSWORD_KNOWN "password-known" "A known password opens the service"
        "a password of the device alone, or one that its owner set" ["5.1-1" "5.1-2"];
    TLS_OLD "tls-old-version" "TLS versions that are no longer safe are accepted"
        "TLS 1.2 and 1.3 only (RFC 8996)" ["5.5-1"];
    TLS_SUITE "tls-weak-suite" "Weak cipher suites are accepted"
        "suites with AES or ChaCha20 and authentication (RFC 9325)" ["5.5-1"];
    TLS_RENEGOTIATION "tls-insecure-renegotiation" "TLS renegotiation is not bound to its connection"
        "renegotiation with RFC 5746, or none" ["5.5-1"];
    CERTIFICATE_DATES "certificate-expired" "The certificate is not valid now"
        "a certificate that is valid now" ["5.5-1"];
    CERTIFICATE_SELF "certificate-self-signed" "The certificate signed itself"
        "a certificate that clients can check, or one that they pin" ["5.5-1"];
    CERTIFICATE_KEY "certificate-weak-key" "The certificate's key is too short"
        "RSA of 2048 bits or more, or an elliptic curve of 224 or more" ["5.5-1"];
    CERTIFICATE_SIGNATURE "certificate-weak-signature" "The certificate is signed with a broken hash"
        "a signature with SHA-256 or better" ["5.5-1"];
    CERTIFICATE_NAMES "certificate-names" "The certificate is not for this address"
        "a certificate that names the address or the device" ["5.5-1"];
    TLS_SHORT_DH "tls-short-dh" "Keys are exchanged over a prime that is too short"
        "ECDHE, or a prime of 2048 bits or more (RFC 9325 §4.1)" ["5.5-1"];
    TLS_COMPRESSION "tls-compression" "TLS compresses what it encrypts"
        "TLS without compression (RFC 9325 §3.3)" ["5.5-1"];
    SSH_ONE "ssh-version-1" "SSH 1 is spoken"
        "SSH 2 alone (RFC 4253 §5)" ["5.5-1"];
    SSH_KEY "ssh-weak-host-key" "The SSH host key is too weak"
        "Ed25519, ECDSA, or RSA of 2048 bits or more" ["5.5-1"];
    SSH_ALGORITHMS "ssh-weak-algorithms" "SSH offers weak algorithms"
        "key exchange, ciphers and MACs that are not broken (RFC 8758, RFC 9142)" ["5.5-1"];
    OPEN_RESOLVER "open-resolver" "The device resolves names for whoever asks"
        "a resolver that answers those it serves, or none (RFC 5358)" ["5.6-1"];
    NTP_CONTROL "ntp-control-open" "The time server tells its variables to whoever asks"
        "a time server that answers questions for the time alone (RFC 8633 §3.4)" ["5.6-2" "5.6-1"];
    AMPLIFIER "amplifier" "Strangers get more than they send, and can have it sent to others"
        "no service that answers unknown senders with more than they sent, on a public address" ["5.6-1"];
    IPMI_WEAK "ipmi-weak-authentication" "The controller of the board lets somebody in without proof"
        "IPMI 2.0 with accounts, without authentication type none and cipher suite 0; best on a network of its own" ["5.5-5" "5.5-1"];
    RECYCLED_SSH "recycled-ssh-host-key" "Devices share an SSH host key"
        "a key of its own in each device" ["5.4-4" "5.4-2"];
    RECYCLED_TLS "recycled-tls-key" "Devices share a TLS key"
        "a key of its own in each device" ["5.4-4" "5.4-2"];
    RECYCLED_ENGINE "recycled-snmp-engine-id" "Devices share an SNMP engine id"
        "an engine id of its own in each device (RFC 3411 §5)" ["5.4-2"];
    RECYCLED_PASSWORD "recycled-password" "Devices share a password"
        "a password of its own for each device" ["5.1-1" "5.1-2"];
}
