use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fleetward_aaa::{Client, Config, Peer, RadSecConfig};
use fleetward_fleet::Secret;
use fleetward_radius::{Builder, Code, Packet, dictionary as d};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsConnector, rustls};

use crate::support::*;

const RADSEC: &[u8] = b"radsec";

type Issuer = CertifiedIssuer<'static, KeyPair>;

struct Leaf {
    pem: String,
    key: String,
    der: Vec<u8>,
}

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(issuer: &Issuer, name: &str) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
    Leaf { pem: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
}

struct Stage {
    rig: Rig,
    ours: Issuer,
    address: SocketAddr,
    good: Leaf,
}

fn stage(change: impl FnOnce(&mut RadSecConfig)) -> Stage {
    let ours = authority();
    let (server, good) = (leaf(&ours, "localhost"), leaf(&ours, "pgw.example"));
    let by_print = Client {
        name: "proxy-1".into(),
        peer: Peer::Certificate { fingerprint: Some(Sha256::digest(&good.der).into()), dns: None },
        ..client()
    };
    let by_name = Client {
        name: "proxy-2".into(),
        peer: Peer::Certificate { fingerprint: None, dns: Some("named.example".into()) },
        ..client()
    };
    let mut radsec = RadSecConfig::new(
        vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        server.pem.into_bytes(),
        Secret::new(server.key),
        ours.pem().into_bytes(),
    );
    change(&mut radsec);
    let rig = Rig::start(Config { radsec: Some(radsec), clients: vec![by_print, by_name], ..loopback() });
    let address = rig.server.local_addrs().radsec[0];
    Stage { rig, ours, address, good }
}

impl Stage {
    async fn connect(&self, certificate: Option<&Leaf>) -> io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ours.pem().as_bytes()).unwrap()).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let config = match certificate {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let chain = vec![CertificateDer::from_pem_slice(leaf.pem.as_bytes()).unwrap()];
                builder
                    .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).unwrap())
                    .unwrap()
            }
        };
        let tcp = TcpStream::connect(self.address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), tcp).await
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), test).await.expect("done within 30 s") });
}

async fn receive(stream: &mut TlsStream<TcpStream>) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    stream.read_exact(&mut packet).await?;
    let length = Packet::frame_length(&packet).unwrap().unwrap();
    packet.resize(length, 0);
    stream.read_exact(&mut packet[4..]).await?;
    Ok(packet)
}

/// In TLS 1.3 a client learns only from its first read that the server did not like its certificate.
async fn is_turned_away(stage: &Stage, certificate: Option<&Leaf>) -> bool {
    match stage.connect(certificate).await {
        Err(_) => true,
        Ok(mut stream) => {
            let probe = Builder::status_server(1, random()).sign(RADSEC).unwrap();
            let sent = stream.write_all(&probe).await;
            sent.is_err() || receive(&mut stream).await.is_err()
        }
    }
}

fn access_signed(identifier: u8) -> Vec<u8> {
    let mut builder = Builder::access_request(identifier, random());
    builder
        .text(d::CALLED_STATION_ID, "meters.example")
        .vendor_list(10415, &[(1, IMSI.as_bytes()), (20, b"3569380356438091"), (18, b"26201")]);
    builder.sign(RADSEC).unwrap()
}

#[test]
fn one_connection_carries_admission_accounting_and_status() {
    run(async {
        let stage = stage(|_| {});
        let mut stream = stage.connect(Some(&stage.good)).await.unwrap();
        let requests = [
            access_signed(1),
            accounting_signed(2, 1, "s1", RADSEC, |_| {}),
            Builder::status_server(3, random()).sign(RADSEC).unwrap(),
        ];
        // Several packets in one write, and one in two.
        let together = requests.concat();
        let (head, tail) = together.split_at(together.len() - 7);
        stream.write_all(head).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(tail).await.unwrap();
        let mut codes = Vec::new();
        for _ in &requests {
            let answer = receive(&mut stream).await.unwrap();
            let request = &requests[usize::from(answer[1]) - 1];
            codes.push((answer[1], verified(&answer, request, RADSEC)));
        }
        codes.sort_unstable_by_key(|(identifier, _)| *identifier);
        assert_eq!(codes, [(1, Code::ACCESS_ACCEPT), (2, Code::ACCOUNTING_RESPONSE), (3, Code::ACCESS_ACCEPT)]);
        let seen = stage.rig.seen.lock();
        assert!(seen.len() == 2 && seen.iter().all(|o| &*o.source == "proxy-1"));
        assert_eq!(stage.rig.metric("fleetward_radsec_connections", ""), 1);
    });
}

#[test]
fn a_certificate_counts_only_with_its_authority_and_its_client() {
    run(async {
        let stage = stage(|_| {});
        let named = leaf(&stage.ours, "named.example");
        assert!(!is_turned_away(&stage, Some(&stage.good)).await);
        assert!(!is_turned_away(&stage, Some(&named)).await, "by its DNS name");
        assert!(is_turned_away(&stage, None).await, "no certificate");
        let (theirs, unknown) = (authority(), leaf(&stage.ours, "other.example"));
        assert!(is_turned_away(&stage, Some(&leaf(&theirs, "named.example"))).await, "another authority");
        assert!(is_turned_away(&stage, Some(&unknown)).await, "ours, but nobody's");
        assert_eq!(stage.rig.metric("fleetward_radsec_refused_total", "unknown_certificate"), 1);
        assert_eq!(stage.rig.metric("fleetward_radsec_refused_total", "handshake"), 2);
    });
}

#[test]
fn over_tls_an_access_request_needs_no_message_authenticator_but_status_server_does() {
    run(async {
        let stage = stage(|_| {});
        let mut stream = stage.connect(Some(&stage.good)).await.unwrap();
        let mut builder = Builder::access_request(1, random());
        builder.vendor_text(10415, 1, IMSI).attribute(d::PROXY_STATE, b"proxy").without_message_authenticator();
        let request = builder.sign(RADSEC).unwrap();
        stream.write_all(&request).await.unwrap();
        let answer = receive(&mut stream).await.unwrap();
        assert_eq!(verified(&answer, &request, RADSEC), Code::ACCESS_REJECT, "no IMEISV");
        let mut bare = Builder::status_server(2, random());
        bare.without_message_authenticator();
        stream.write_all(&bare.sign(RADSEC).unwrap()).await.unwrap();
        assert!(receive(&mut stream).await.is_err());
    });
}

#[test]
fn what_cannot_be_believed_closes_the_connection() {
    run(async {
        let stage = stage(|_| {});
        let bad =
            [accounting_signed(1, 1, "s1", SECRET, |_| {}), vec![4, 1, 0, 3], vec![4, 1, 0xFF, 0xFF], vec![0; 100]];
        for octets in bad {
            let mut stream = stage.connect(Some(&stage.good)).await.unwrap();
            stream.write_all(&octets).await.unwrap();
            assert!(receive(&mut stream).await.is_err(), "{octets:02x?} was answered");
        }
        assert_eq!(stage.rig.metric("fleetward_radsec_refused_total", "bad_packet"), 4);
        assert!(stage.rig.seen.lock().is_empty());
    });
}

#[test]
fn connections_are_bounded_in_number_and_idle_time() {
    run(async {
        let stage = stage(|config| {
            config.max_connections = 1;
            config.idle_timeout = Duration::from_millis(300);
            config.handshake_timeout = Duration::from_millis(300);
        });
        let mut first = stage.connect(Some(&stage.good)).await.unwrap();
        assert!(is_turned_away(&stage, Some(&stage.good)).await, "there is room for one");
        assert!(receive(&mut first).await.is_err(), "idle");
        // One that never speaks TLS does not hold its place.
        let silent = TcpStream::connect(stage.address).await.unwrap();
        while is_turned_away(&stage, Some(&stage.good)).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(silent);
        assert!(stage.rig.metric("fleetward_radsec_refused_total", "too_many") >= 1);
        assert_eq!(stage.rig.metric("fleetward_radsec_refused_total", "idle"), 1);
    });
}

#[test]
fn many_requests_on_one_connection_are_all_answered() {
    run(async {
        let stage = stage(|_| {});
        let stream = stage.connect(Some(&stage.good)).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let sending = tokio::spawn(async move {
            for n in 0..2000_u32 {
                let request = accounting_signed(n as u8, 3, "s1", RADSEC, |b| _ = b.u32(d::ACCT_INPUT_OCTETS, n));
                writer.write_all(&request).await.unwrap();
            }
            writer.flush().await.unwrap();
            writer
        });
        let mut answers = 0;
        let mut packet = [0; 20];
        while answers < 2000 {
            reader.read_exact(&mut packet).await.unwrap();
            assert_eq!(packet[0], Code::ACCOUNTING_RESPONSE.0);
            answers += 1;
        }
        drop(sending.await.unwrap());
        assert_eq!(stage.rig.sessions(), 2000);
    });
}
