//! The protocols that are spoken here: their names, usual ports, and questions.

use std::io;

use super::way::{Answer, Way};
use super::{
    adb, amqp, ftp, greeting, http, inside, mail, modbus, mqtt, opcua, redis, rtsp, s7, sip, ssh, telnet, vnc,
};
use crate::door::Line;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Adb,
    Amqp,
    Ftp,
    Http,
    /// SMTP, POP3, IMAP.
    Mail,
    Modbus,
    Mqtt,
    OpcUa,
    Redis,
    Rtsp,
    S7,
    Sip,
    Ssh,
    Telnet,
    /// Anything inside TLS.
    Tls,
    Vnc,
}

impl Protocol {
    /// As `Service::protocol` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Adb => "adb",
            Self::Amqp => "amqp",
            Self::Ftp => "ftp",
            Self::Http => "http",
            Self::Mail => "smtp",
            Self::Modbus => "modbus",
            Self::Mqtt => "mqtt",
            Self::OpcUa => "opc-ua",
            Self::Redis => "redis",
            Self::Rtsp => "rtsp",
            Self::S7 => "s7",
            Self::Sip => "sip",
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
            Self::Tls => "tls",
            Self::Vnc => "vnc",
        }
    }

    /// It waits for the client's first words; the others greet.
    pub(super) fn is_asked(self) -> bool {
        !matches!(self, Self::Ftp | Self::Mail | Self::Ssh | Self::Telnet | Self::Vnc)
    }

    /// What usually speaks there.
    pub(super) fn fits(way: &Way) -> Option<Self> {
        if way.is_inside { Self::fits_inside(way.port) } else { Self::fits_plain(way.port) }
    }

    /// In TLS from the first octet on.
    fn fits_inside(port: u16) -> Option<Self> {
        Some(match port {
            322 => Self::Rtsp,
            443 | 4443 | 5443 | 7443 | 8443 | 8843 | 9443 | 10443 => Self::Http,
            465 | 993 | 995 => Self::Mail,
            990 => Self::Ftp,
            992 => Self::Telnet,
            5061 => Self::Sip,
            5671 => Self::Amqp,
            8883 => Self::Mqtt,
            _ => return None,
        })
    }

    fn fits_plain(port: u16) -> Option<Self> {
        Some(match port {
            _ if Self::fits_inside(port).is_some() => Self::Tls,
            21 | 2121 => Self::Ftp,
            22 | 222 | 830 | 2222 | 22222 => Self::Ssh,
            23 | 2323 | 23023 => Self::Telnet,
            25 | 110 | 143 | 587 | 2525 => Self::Mail,
            80..=82
            | 88
            | 631
            | 1900
            | 2375
            | 2869
            | 3000
            | 5000
            | 5357
            | 5431
            | 7547
            | 8000..=8100
            | 8200
            | 8888
            | 9000
            | 9080
            | 49152..=49160 => Self::Http,
            102 => Self::S7,
            502 | 503 => Self::Modbus,
            554 | 5554 | 7070 | 8554 => Self::Rtsp,
            1883 | 1884 => Self::Mqtt,
            4840 => Self::OpcUa,
            5060 => Self::Sip,
            5555 => Self::Adb,
            5672 => Self::Amqp,
            5900..=5910 => Self::Vnc,
            6379 | 6380 => Self::Redis,
            _ => return None,
        })
    }

    /// Asks, where it waits to be asked.
    pub(super) async fn ask(self, way: &Way, line: Line) -> io::Result<Answer> {
        match self {
            Self::Adb => adb::ask(way, line).await,
            Self::Amqp => amqp::ask(way, line).await,
            Self::Http => http::ask(way, line).await,
            Self::Modbus => modbus::ask(way, line).await,
            Self::Mqtt => mqtt::ask(way, line).await,
            Self::OpcUa => opcua::ask(way, line).await,
            Self::Redis => redis::ask(way, line).await,
            Self::Rtsp => rtsp::ask(way, line).await,
            Self::S7 => s7::ask(way, line).await,
            Self::Sip => sip::ask(way, line).await,
            Self::Tls => {
                drop(line);
                inside::ask(way).await
            }
            Self::Ftp | Self::Mail | Self::Ssh | Self::Telnet | Self::Vnc => Ok(Answer::Other(Vec::new())),
        }
    }

    /// Goes on from a greeting.
    pub(super) async fn go_on(self, way: &Way, line: Line, greeting: Vec<u8>) -> io::Result<Answer> {
        match self {
            Self::Ftp => ftp::ask(way, line, greeting).await,
            Self::Mail => mail::ask(way, line, greeting).await,
            Self::Ssh => ssh::go_on(way.at(), line, greeting).await.map(|it| Answer::of(it, Vec::new())),
            Self::Telnet => telnet::ask(way, line, greeting).await,
            Self::Vnc => vnc::ask(way, line, greeting).await,
            _ => Ok(Answer::of(greeting::read(&greeting), greeting)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_fit_one_protocol() {
        assert_eq!(Protocol::fits_plain(8080), Some(Protocol::Http));
        assert_eq!(Protocol::fits_plain(23), Some(Protocol::Telnet));
        assert_eq!(Protocol::fits_plain(9100), None);
        assert_eq!(
            (Protocol::fits_plain(8883), Protocol::fits_inside(8883)),
            (Some(Protocol::Tls), Some(Protocol::Mqtt))
        );
    }
}
