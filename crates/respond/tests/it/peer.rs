//! The other side: a NAS, and servers that take one connection after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fleetward_fleet::{Secret, Timestamp};
use fleetward_radius::{Builder, Code, Packet, dictionary as d};
use fleetward_respond::channel::Roots;
use fleetward_respond::dac::{Clock, NasProfile, Retransmit};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) const SECRET: &[u8] = b"a secret of sixteen";

/// A datagram that the NAS received.
pub(crate) struct Received {
    pub(crate) from: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Received {
    pub(crate) fn has(&self, kind: u8) -> bool {
        Packet::parse(&self.bytes).expect("a packet").has(kind)
    }
}

/// What a NAS does with a request, given how many came before.
pub(crate) enum Reaction {
    Ack,
    Nak(Option<u32>),
    Silence,
    /// With another secret first, then for real.
    ForgedThenAck,
}

/// A NAS on loopback.
pub(crate) struct Nas {
    pub(crate) address: SocketAddr,
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
}

impl Nas {
    pub(crate) fn start(react: impl Fn(&Packet<'_>, usize) -> Reaction + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("an address");
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let log = Arc::clone(&received);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let bytes = buffer[..length].to_vec();
                let request = Packet::parse(&bytes).expect("a packet");
                let before = log.lock().unwrap().len();
                log.lock().unwrap().push(Received { from, bytes: bytes.clone() });
                let answer = |code: Code, cause: Option<u32>, secret: &[u8]| {
                    let mut reply = Builder::reply_to(&request, code);
                    if let Some(cause) = cause {
                        reply.u32(d::ERROR_CAUSE, cause);
                    }
                    drop(socket.send_to(&reply.sign(secret).expect("it fits"), from));
                };
                let (ack, nak) = (Code(request.code().0 + 1), Code(request.code().0 + 2));
                match react(&request, before) {
                    Reaction::Ack => answer(ack, None, SECRET),
                    Reaction::Nak(cause) => answer(nak, cause, SECRET),
                    Reaction::Silence => {}
                    Reaction::ForgedThenAck => {
                        answer(nak, Some(503), b"another secret");
                        answer(ack, None, SECRET);
                    }
                }
            }
        });
        Self { address, received }
    }

    pub(crate) fn profile(&self, name: &str) -> NasProfile {
        let mut profile = NasProfile::new(name, self.address, Secret::new(SECRET));
        profile.retransmit = Retransmit { first: Duration::from_millis(40), cap: Duration::from_millis(80), sends: 2 };
        profile.deadline = Duration::from_millis(200);
        profile
    }

    pub(crate) fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

/// The real time.
pub(crate) fn clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "this test's one place that reads it")]
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        Timestamp(i64::try_from(since.as_millis()).expect("before the year 292 million"))
    })
}

/// Waits until it is so, at most ten seconds.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        thread::sleep(Duration::from_micros(300));
    }
}

/// A server that hands every connection, with its number, to `serve`.
pub(crate) fn server(serve: impl Fn(TcpStream, usize) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            serve(stream.expect("a connection"), number);
        }
    });
    address
}

/// One HTTP request: its headers, in lower case, and its body.
pub(crate) struct HttpRequest {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    pub(crate) fn read(stream: impl Read) -> Self {
        let mut reader = BufReader::new(stream);
        let mut headers = Vec::new();
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request line");
        loop {
            line.clear();
            reader.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut request = Self { headers, body: Vec::new() };
        let length = request.header("content-length").parse().expect("a length");
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).expect("a body");
        request
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A self-signed certificate for `localhost`: what a server shows, and what a client has to trust.
pub(crate) fn certificate() -> (Arc<ServerConfig>, Roots) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a usable certificate");
    (Arc::new(config), Roots::Pem(Secret::new(made.cert.pem())))
}

/// The server's side of TLS.
pub(crate) fn tls(config: &Arc<ServerConfig>, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).expect("a connection"), stream)
}

/// A mail server that says yes to everything, and hands over what it was told to deliver.
pub(crate) fn smtp(stream: TcpStream, deliver: impl Fn(String)) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut say = |line: &str| drop(writer.write_all(format!("{line}\r\n").as_bytes()));
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    say("220 sink ESMTP");
    while {
        line.clear();
        reader.read_line(&mut line).is_ok_and(|length| length > 0)
    } {
        match line.get(..4).unwrap_or_default().to_uppercase().as_str() {
            "DATA" => {
                say("354 go on");
                let mut mail = String::new();
                while {
                    line.clear();
                    reader.read_line(&mut line).is_ok_and(|length| length > 0)
                } && line != ".\r\n"
                {
                    mail.push_str(&line);
                }
                deliver(mail);
                say("250 2.0.0 queued as 1");
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 ok"),
        }
    }
}
