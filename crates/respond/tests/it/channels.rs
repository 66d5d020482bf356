//! Channels against small servers on loopback.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::channel;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetward_fleet::{Secret, Timestamp};
use fleetward_respond::channel::{
    Channel, ChannelConfig, ChannelError, MailConfig, MailSecurity, Notification, Roots, SyslogConfig, SyslogTransport,
    Undelivered, WebhookConfig, signature,
};

use crate::peer::{HttpRequest, certificate, server, smtp, tls};

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

fn webhook(url: String, roots: Roots) -> Channel {
    let secret = Secret::new(format!("whsec_{}", STANDARD.encode(KEY)));
    Channel::new(ChannelConfig::Webhook(WebhookConfig { url, secret, roots })).expect("a good configuration")
}

#[test]
fn a_webhook_is_signed_and_says_when_to_try_again() {
    let (tell, told) = channel();
    let address = server(move |mut stream, number| {
        tell.send(HttpRequest::read(&stream)).unwrap();
        let status = ["503 Busy", "302 Found\r\nLocation: http://127.0.0.1:1/", "200 OK"][number.min(2)];
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    });
    let hook = webhook(format!("http://{address}/hook"), Roots::Native);
    let notification = Notification::test(NOW);
    assert!(matches!(hook.deliver(&notification, NOW), Err(Undelivered::Later(why)) if why.contains("503")));
    assert!(matches!(hook.deliver(&notification, NOW), Err(Undelivered::Never(why)) if why.contains("302")));
    assert_eq!(hook.deliver(&notification, NOW), Ok("answered 200 OK".into()));
    let requests: Vec<HttpRequest> = told.try_iter().collect();
    assert_eq!(requests.len(), 3, "a redirect is not followed");
    for request in requests {
        assert_eq!(request.header("webhook-id"), notification.id, "the same message, the same id");
        assert_eq!(request.header("webhook-timestamp"), "1795000000");
        let expected = signature(&Secret::new(KEY), &notification.id, 1_795_000_000, &request.body);
        assert_eq!(request.header("webhook-signature"), expected);
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["type"], "test");
    }
}

#[test]
fn a_webhook_trusts_whom_it_was_told_to_trust() {
    let (config, roots) = certificate();
    let address = server(move |stream, _| {
        let mut stream = tls(&config, stream);
        if stream.conn.complete_io(&mut stream.sock).is_ok() {
            HttpRequest::read(&mut stream);
            write!(stream, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
    });
    let url = format!("https://localhost:{}/hook", address.port());
    assert_eq!(webhook(url.clone(), roots).test(NOW), Ok("answered 204 No Content".into()));
    let (_, stranger) = certificate();
    assert!(matches!(webhook(url, stranger).test(NOW), Err(Undelivered::Later(_))));
}

fn mail(port: u16, security: MailSecurity, roots: Roots) -> MailConfig {
    MailConfig {
        host: "localhost".into(),
        port,
        security,
        roots,
        login: None,
        from: "Fleetward <fleetward@example.com>".into(),
        to: vec!["ops@example.com".into()],
    }
}

#[test]
fn mail_arrives() {
    let (tell, told) = channel();
    let address = server(move |stream, _| smtp(stream, |mail| tell.send(mail).unwrap()));
    let config = mail(address.port(), MailSecurity::Plain, Roots::Native);
    let channel = Channel::new(ChannelConfig::Mail(config)).unwrap();
    let word = channel.test(NOW).unwrap();
    assert!(word.starts_with("accepted by the mail server: 250"), "{word}");
    let mail = told.recv().unwrap();
    assert!(mail.contains("Subject: [INFO] no device: Test of this channel"), "{mail}");
    assert!(mail.contains(&format!("Message-ID: <test-{}@example.com>", NOW.0)), "{mail}");
    assert!(mail.contains("Expected: this message arrives"), "{mail}");
}

#[test]
fn mail_does_not_go_out_in_clear_where_tls_was_asked_for() {
    let (tell, told) = channel::<String>();
    let address = server(move |stream, _| smtp(stream, |mail| tell.send(mail).unwrap()));
    let (_, roots) = certificate();
    let config = mail(address.port(), MailSecurity::StartTls, roots);
    assert!(Channel::new(ChannelConfig::Mail(config)).unwrap().test(NOW).is_err(), "the sink offers no STARTTLS");
    assert!(told.try_recv().is_err());
    let elsewhere = MailConfig { host: "mail.example.com".into(), ..mail(25, MailSecurity::Plain, Roots::Native) };
    assert!(matches!(Channel::new(ChannelConfig::Mail(elsewhere)), Err(ChannelError::Unencrypted(_))));
}

#[test]
fn syslog_goes_over_tls_with_octet_counting() {
    let (config, roots) = certificate();
    let (tell, told) = channel();
    let address = server(move |stream, _| {
        let mut stream = tls(&config, stream);
        let mut text = String::new();
        if stream.read_to_string(&mut text).is_ok() {
            tell.send(text).unwrap();
        }
    });
    let syslog = |transport, host: &str| {
        let config = SyslogConfig { host: host.into(), port: address.port(), transport, hostname: "aaa-1".into() };
        Channel::new(ChannelConfig::Syslog(config))
    };
    syslog(SyslogTransport::Tls(roots), "localhost").unwrap().test(NOW).unwrap();
    let text = told.recv().unwrap();
    let (length, message) = text.split_once(' ').unwrap();
    assert_eq!(length.parse(), Ok(message.len()));
    assert!(message.starts_with("<134>1 2026-11-18T11:06:40.000Z aaa-1 fleetward - test ["), "{message}");

    let (_, stranger) = certificate();
    let refused = syslog(SyslogTransport::Tls(stranger), "localhost").unwrap().test(NOW);
    assert!(matches!(refused, Err(Undelivered::Later(_))), "{refused:?}");
    assert!(matches!(syslog(SyslogTransport::Tcp, "log.example.com"), Err(ChannelError::Unencrypted(_))));
}
