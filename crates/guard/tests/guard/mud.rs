//! Real MUD files in, ours out and in again, and whose they are.

use std::process::Command;

use fleetward_fleet::{Allow, Direction, NetworkProfile, Peer, PortRange, Profile, Protocol, Role, TlsShape};
use fleetward_guard::learn::profile_yaml;
use fleetward_guard::mud::{VerifyError, export, import, verify};

use crate::support::data;

#[test]
fn every_real_file_is_read_and_what_is_too_wide_is_said() {
    let Some(data) = data("") else { return };
    let folders = [
        data.join("mudfiles"),
        data.join("mud-tapo-door-lamp/tapo-p115"),
        data.join("mud-tapo-door-lamp/door_sensor-19JWT"),
        data.join("mud-tapo-door-lamp/mood_lamp-3204432"),
    ];
    let (mut files, mut taken, mut refused) = (0, 0, 0);
    for file in folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder")) {
        let path = file.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !["Mud.json", ".mud"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let imported = import(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!imported.profile.allow.is_empty(), "{name}: nothing was taken");
        for allow in &imported.profile.allow {
            assert!(!allow.protocol.has_ports() || !allow.ports.is_empty(), "{name}: {allow:?} has no port");
        }
        let page = profile_yaml(&name, &imported.profile, None);
        let back = Profile::from_yaml(&page).unwrap_or_else(|error| panic!("{name}: {error}\n{page}"));
        assert_eq!(back.network.as_ref(), Some(&imported.profile), "{name}: what is taken may be written by hand");
        import(&export(&name, &imported.profile)).unwrap_or_else(|error| panic!("{name} again: {error}"));
        files += 1;
        taken += imported.profile.allow.len();
        refused += imported.refused.len();
    }
    assert_eq!(files, 24, "21 of UNSW and three of mudgee");
    eprintln!("{files} files: {taken} items taken, {refused} rules refused as too wide");
    assert!(refused > 0, "some of these files allow any port to somebody");
}

fn profile() -> NetworkProfile {
    let item =
        |peer, protocol, port, begins| Allow { peer, protocol, ports: vec![port], begins, rate: None, support: None };
    let tls = TlsShape {
        versions: vec![0x0303],
        ciphers: vec![0xc02f],
        extensions: vec![0, 11],
        groups: vec![23],
        signatures: vec![0x0403],
        alpn: vec!["h2".into()],
    };
    NetworkProfile {
        allow: vec![
            item(Peer::Name("api.vendor.example".into()), Protocol::TCP, PortRange::one(443), Direction::Out),
            item(Peer::Role(Role::Ntp), Protocol::UDP, PortRange::one(123), Direction::Out),
            item(Peer::Role(Role::Controller), Protocol::TCP, PortRange::one(80), Direction::In),
            item(
                Peer::Net("192.0.2.0/24".parse().expect("a network")),
                Protocol::UDP,
                PortRange { first: 5000, last: 5010 },
                Direction::Out,
            ),
            item(Peer::Role(Role::LinkMulticast), Protocol::UDP, PortRange::one(5353), Direction::Out),
        ],
        tls: vec![tls],
        ..NetworkProfile::default()
    }
}

#[test]
fn what_goes_out_comes_back() {
    let text = export("Bulb 3", &profile());
    let back = import(&text).expect("a MUD file");
    assert_eq!(back.model.as_deref(), Some("Bulb 3"));
    assert_eq!(back.refused, Vec::<String>::new());
    assert_eq!(back.profile.tls, profile().tls);
    for allow in &profile().allow {
        assert!(back.profile.allow.contains(allow), "{allow:?} is missing in {:?}", back.profile.allow);
    }
    assert_eq!(back.profile.allow.len(), profile().allow.len(), "{:?}", back.profile.allow);
    insta::assert_snapshot!(text);
}

#[test]
fn a_signature_holds_for_its_file_and_for_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl").args(arguments).current_dir(folder.path()).output();
        done.is_ok_and(|done| done.status.success())
    };
    std::fs::write(at("f.json"), export("bulb", &profile())).expect("a file");
    std::fs::write(at("other.json"), "{}").expect("a file");
    let certify = |name: &str, key: &str, certificate: &str| {
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
        let named = ["-subj", name, "-keyout", key, "-out", certificate];
        openssl(&[&["req", "-x509"][..], &curve, &named].concat())
    };
    let made = certify("/CN=maker.example", "key.pem", "cert.pem")
        && openssl(&[
            "cms", "-sign", "-signer", "cert.pem", "-inkey", "key.pem", "-in", "f.json", "-binary", "-outform", "DER",
            "-out", "f.p7s",
        ])
        && certify("/CN=stranger.example", "k2.pem", "stranger.pem");
    if !made {
        eprintln!("SKIPPED: no openssl that can sign");
        return;
    }
    let signer = verify(&at("f.json"), &at("f.p7s"), &at("cert.pem"), None).expect("it holds");
    assert!(signer.subject.contains("maker.example"), "{signer}");
    let pinned = |by| verify(&at("f.json"), &at("f.p7s"), &at("cert.pem"), Some(by));
    assert_eq!(pinned(signer.fingerprint).expect("the same signer"), signer);
    let other = "0".repeat(64).parse().expect("a fingerprint");
    assert!(matches!(pinned(other), Err(VerifyError::OtherSigner(..))), "a root vouches, and it is another signer");
    assert!(verify(&at("other.json"), &at("f.p7s"), &at("cert.pem"), None).is_err(), "another file");
    assert!(verify(&at("f.json"), &at("f.p7s"), &at("stranger.pem"), None).is_err(), "nobody vouches");
}
