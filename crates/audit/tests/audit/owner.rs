//! A device that points elsewhere in every protocol that can: whatever it says, no packet goes to an address that the owner
//! did not list. The auditor's own kernel counts what leaves.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fleetward_audit::access::{Attempts, Lists};
use fleetward_audit::fact::Transport;
use fleetward_audit::pace::Temperament;
use fleetward_audit::ports::Engine;
use fleetward_audit::run::{Plan, Report, Subject, audit};
use fleetward_audit::scope::Scope;
use fleetward_fleet::{Secret, Timestamp};
use fleetward_testkit::daemons::{Lab, Namespace};

const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 81, 0, 2);

/// A neighbour that is not listed, and to which everything points.
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 81, 0, 66);

/// TCP: port, what it greets with, what it answers to every line or request. `OTHER` stands for the other address.
const SAID: [(u16, &str, &str); 7] = [
    (
        80,
        "",
        "HTTP/1.1 302 Found\r\nServer: points/1\r\nLocation: http://OTHER/\r\nRefresh: 0;url=http://OTHER/\r\n\
         Content-Location: http://OTHER/\r\nContent-Length: 98\r\nConnection: close\r\n\r\n\
         <meta http-equiv=refresh content=\"0;url=http://OTHER/\"><base href=\"http://OTHER/\"> and some more   ",
    ),
    (
        8080,
        "",
        "HTTP/1.1 401 Unauthorized\r\nServer: points/1\r\nLocation: //OTHER/\r\nWWW-Authenticate: Basic realm=\"http://OTHER/\"\r\n\
         WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", domain=\"http://OTHER/\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ),
    (
        5000,
        "",
        "HTTP/1.1 200 OK\r\nServer: Linux UPnP/1.1 points/1\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n\
         <root xmlns=\"urn:schemas-upnp-org:device-1-0\"><URLBase>http://OTHER/</URLBase><device>\
         <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><modelName>n</modelName>\
         <presentationURL>http://OTHER/</presentationURL><SCPDURL>http://OTHER/s</SCPDURL></device></root>",
    ),
    (554, "", "RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://OTHER:554/\r\nContent-Base: rtsp://OTHER/\r\n\r\n"),
    (21, "220 points\r\n", "227 Entering Passive Mode (10,81,0,66,0,80)\r\n"),
    (25, "220 OTHER ESMTP\r\n", "551 user not local; please try OTHER\r\n"),
    (
        5060,
        "",
        "SIP/2.0 302 Moved Temporarily\r\nContact: <sip:OTHER>\r\nServer: points/1\r\nContent-Length: 0\r\n\r\n",
    ),
];

/// UDP: port and answer.
const ANSWERED: [(u16, &str); 3] = [
    (
        1900,
        "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nSERVER: points/1 UPnP/1.1 x/1\r\nLOCATION: http://OTHER:80/rootDesc.xml\r\nUSN: uuid:1\r\n\r\n",
    ),
    (5060, "SIP/2.0 302 Moved\r\nContact: <sip:OTHER>\r\nServer: points/1\r\nContent-Length: 0\r\n\r\n"),
    (
        3702,
        "<Envelope xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><Body><ProbeMatches><ProbeMatch><XAddrs>http://OTHER/onvif/device_service</XAddrs></ProbeMatch></ProbeMatches></Body></Envelope>",
    ),
];

fn words(text: &str) -> String {
    text.replace("OTHER", &OTHER.to_string())
}

fn serve(net: &Namespace) {
    for (port, greeting, answer) in SAID {
        let listener = net.enter(move || TcpListener::bind((DEVICE, port)).unwrap()).unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
                    stream.write_all(words(greeting).as_bytes())?;
                    let mut heard = BufReader::new(stream.try_clone()?);
                    let mut line = Vec::new();
                    // A protocol with a greeting answers each line, the others a whole request.
                    while heard.read_until(b'\n', &mut line)? > 0 {
                        if !greeting.is_empty() || line.ends_with(b"\r\n\r\n") {
                            stream.write_all(words(answer).as_bytes())?;
                            line.clear();
                            if greeting.is_empty() && port != 554 {
                                break;
                            }
                        }
                    }
                    std::io::Result::Ok(())
                });
            }
        });
    }
    for (port, answer) in ANSWERED {
        let socket = net.enter(move || UdpSocket::bind((DEVICE, port)).unwrap()).unwrap();
        thread::spawn(move || {
            let mut octets = [0; 2048];
            while let Ok((_, from)) = socket.recv_from(&mut octets) {
                socket.send_to(words(answer).as_bytes(), from).ok();
            }
        });
    }
}

/// Packets that left for anybody but the device.
fn strays(auditor: &Namespace) -> u64 {
    let out = auditor.command("nft").args(["-j", "list", "counters"]).output().unwrap();
    let read: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let counters = read["nftables"].as_array().unwrap().iter().filter_map(|it| it["counter"]["packets"].as_u64());
    counters.sum()
}

fn count_strays(auditor: &Namespace) {
    let rules = [
        "add table inet owner",
        "add counter inet owner strays",
        "add chain inet owner out { type filter hook output priority 0; }",
        "add rule inet owner out oifname lo accept",
        // Neighbours are looked for by multicast of IPv6, which nobody asked for.
        "add rule inet owner out meta l4proto { icmpv6, igmp } accept",
        &format!("add rule inet owner out ip daddr {DEVICE} accept"),
        "add rule inet owner out counter name strays",
    ];
    for rule in rules {
        let made = auditor.command("nft").arg(rule).output().unwrap();
        assert!(made.status.success(), "{rule}: {}", String::from_utf8_lossy(&made.stderr));
    }
}

fn run(auditor: &Namespace) -> Report {
    let scope = Scope::new(vec![format!("{DEVICE}/32").parse().unwrap()], false);
    let subject = Subject { target: scope.admit(DEVICE.into()).unwrap(), device: None, model: None };
    let attempts = Attempts { spacing: Duration::from_millis(50), ..Attempts::default() };
    let ports = "21,25,80,554,5000,5060,8080,udp:1900,udp:3702,udp:5060,udp:5353";
    let plan = Plan {
        subjects: vec![subject],
        ports: ports.parse().unwrap(),
        engine: Engine::Auto,
        temperament: Temperament::Fast,
        passwords: Some(Arc::new(Lists::new(Secret::new("key"), attempts, Timestamp(0)))),
        profiles: HashMap::new(),
        has_gateway: false,
        even_silent: true,
        resume: None,
        clock: || Timestamp(0),
    };
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(audit(&plan, Arc::new(()))).unwrap()
    };
    auditor.enter(work).unwrap()
}

#[test]
fn whatever_a_device_says_no_packet_goes_elsewhere() {
    let Some(mut lab) = Lab::try_new(&[("nft", "nftables")]).unwrap() else { return };
    let (auditor, net) = (lab.namespace("auditor").unwrap(), lab.namespace("net").unwrap());
    lab.cable((&auditor, "net", "10.81.0.1/24"), (&net, "eth0", &format!("{DEVICE}/24"))).unwrap();
    let route = ["route", "add", "default", "via", &DEVICE.to_string()];
    assert!(auditor.command("ip").args(route).status().unwrap().success());
    serve(&net);
    count_strays(&auditor);
    // The counter sees such a packet, so that it would be seen.
    let stray = || UdpSocket::bind("0.0.0.0:0").and_then(|it| it.send_to(b"x", (OTHER, 80))).unwrap();
    assert_eq!(auditor.enter(stray).unwrap(), 1);
    assert_eq!(strays(&auditor), 1);

    let report = run(&auditor);
    let host = &report.hosts[0];
    let told = |transport, port| {
        let open = host.open.iter().find(|it| (it.transport, it.port) == (transport, port));
        open.and_then(|it| Some(&*it.service.as_ref()?.protocol))
    };
    let tcp = [21, 25, 80, 554, 5000, 5060, 8080].map(|port| told(Transport::Tcp, port));
    assert_eq!(tcp, ["ftp", "smtp", "http", "rtsp", "upnp", "sip", "http"].map(Some), "{:#?}", host.open);
    let udp = [1900, 3702, 5060].map(|port| told(Transport::Udp, port));
    assert_eq!(udp, ["ssdp", "ws-discovery", "sip"].map(Some), "{:#?}", host.open);
    assert_eq!(strays(&auditor), 1, "the audit sent something to an address that is not listed: {:#?}", host.open);
}
