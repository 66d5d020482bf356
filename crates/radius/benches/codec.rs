//! What one packet costs, without the system calls around it: `cargo bench -p fleetward-radius`.

use std::hint::black_box;

use divan::Bencher;
use fleetward_radius::auth::{self, Policy};
use fleetward_radius::tgpp::{Location, Packing, PlmnOctets, Rat, Tgpp, TimeZone};
use fleetward_radius::{AccessRequest, AccountingRequest, Builder, Code, Packet, dictionary as d};

const SECRET: &[u8] = b"sixteen random octets, once";

fn main() {
    divan::main();
}

/// Verify, read the accounting and 3GPP views, sign the answer.
#[divan::bench]
fn accounting(bencher: Bencher<'_, '_>) {
    let request = interim();
    bencher.bench(|| {
        let packet = Packet::parse(black_box(&request)).expect("well-formed");
        auth::verify_request(&packet, SECRET, Policy::Require).expect("ours");
        black_box((AccountingRequest::read(&packet).expect("has a status"), Tgpp::read(&packet)));
        Builder::reply_to(&packet, Code::ACCOUNTING_RESPONSE).sign(SECRET).expect("fits")
    });
}

/// The same without MD5: what our own code costs.
#[divan::bench]
fn accounting_read_only(bencher: Bencher<'_, '_>) {
    let request = interim();
    bencher.bench(|| {
        let packet = Packet::parse(black_box(&request)).expect("well-formed");
        (AccountingRequest::read(&packet).expect("has a status").counters, Tgpp::read(&packet).charging_id)
    });
}

/// Verify Message-Authenticator, reveal the password, read, sign an Accept with a Message-Authenticator.
#[divan::bench]
fn access(bencher: Bencher<'_, '_>) {
    let request = access_request();
    bencher.bench(|| {
        let packet = Packet::parse(black_box(&request)).expect("well-formed");
        auth::verify_request(&packet, SECRET, Policy::Require).expect("ours");
        black_box((AccessRequest::read(&packet), Tgpp::read(&packet), auth::user_password(&packet, SECRET)));
        let mut reply = Builder::reply_to(&packet, Code::ACCESS_ACCEPT);
        reply.ipv4(d::FRAMED_IP_ADDRESS, [10, 99, 0, 7].into()).u32(d::ACCT_INTERIM_INTERVAL, 300);
        reply.attribute(d::CLASS, &[7; 16]);
        reply.sign(SECRET).expect("fits")
    });
}

fn tgpp() -> Tgpp<'static> {
    let plmn = PlmnOctets::from_digits("26001").expect("digits");
    Tgpp {
        imsi: Some("260012345678901"),
        charging_id: Some(0x1A2B_3C4D),
        pdp_type: Some(0),
        sgsn_address: Some([192, 0, 2, 10].into()),
        ggsn_address: Some([192, 0, 2, 20].into()),
        home_network: Some("26001"),
        gateway_network: Some("26001"),
        serving_network: Some("26001"),
        selection_mode: Some(0),
        imeisv: Some("3520990012345612"),
        rat: Some(Rat::EUTRAN),
        location: Some(Location::TaiEcgi { tai_plmn: plmn, tac: 1, plmn, eci: 4711 }),
        time_zone: Some(TimeZone { quarter_hours: 8, daylight_saving: 1 }),
        ..Tgpp::default()
    }
}

fn common(request: &mut Builder) {
    request.text(d::USER_NAME, "48600100200").text(d::CALLING_STATION_ID, "48600100200");
    request.text(d::CALLED_STATION_ID, "flexi.internet").text(d::NAS_IDENTIFIER, "isn-1.example");
    request.ipv4(d::NAS_IP_ADDRESS, [192, 0, 2, 20].into()).u32(d::NAS_PORT_TYPE, 5).u32(d::NAS_PORT, 1);
    request.u32(d::SERVICE_TYPE, 2).u32(d::FRAMED_PROTOCOL, 7).text(d::ACCT_SESSION_ID, "C00002141A2B3C4D");
    tgpp().write(request, Packing::Single);
}

/// 35 attributes.
fn interim() -> Vec<u8> {
    let mut request = Builder::request(Code::ACCOUNTING_REQUEST, 44);
    common(&mut request);
    request.u32(d::ACCT_STATUS_TYPE, 3).u32(d::ACCT_DELAY_TIME, 0).u32(d::EVENT_TIMESTAMP, 1_790_000_000);
    request.u32(d::ACCT_INPUT_OCTETS, 123_456).u32(d::ACCT_INPUT_GIGAWORDS, 0).u32(d::ACCT_INPUT_PACKETS, 99);
    request.u32(d::ACCT_OUTPUT_OCTETS, 654_321).u32(d::ACCT_OUTPUT_GIGAWORDS, 0).u32(d::ACCT_OUTPUT_PACKETS, 88);
    request.u32(d::ACCT_SESSION_TIME, 3600).u32(d::ACCT_AUTHENTIC, 1).ipv4(d::FRAMED_IP_ADDRESS, [10, 99, 0, 7].into());
    request.sign(SECRET).expect("fits")
}

fn access_request() -> Vec<u8> {
    let mut request = Builder::access_request(44, [0x5A; 16]);
    request.user_password(b"from the device", SECRET);
    common(&mut request);
    request.sign(SECRET).expect("fits")
}
