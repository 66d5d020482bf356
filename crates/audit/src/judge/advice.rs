//! What to do, by product where one is known.

use crate::fact::Service;

/// A port that nobody needs.
pub(super) fn close(service: Option<&Service>, port: u16) -> String {
    let how = match service.map_or("", product) {
        "busybox" | "telnetd" | "inetutils" => "take telnetd out of the init scripts or inetd.conf",
        "dropbear" | "openssh" => "stop sshd, or bind it to the management address (ListenAddress, dropbear -p)",
        "mosquitto" => "take its `listener` out of mosquitto.conf",
        "redis" => "bind it to 127.0.0.1 (`bind`)",
        "miniupnpd" => "set enable_upnp=no",
        _ => "stop the service",
    };
    format!("{how}; if the model needs port {port}, add it to the profile")
}

pub(super) fn encrypt(service: &Service) -> String {
    match (&*service.protocol, product(service)) {
        ("telnet", "busybox") => "use dropbear instead, and take telnetd out of the init scripts",
        ("telnet", _) => "use SSH instead, and switch telnet off",
        ("ftp", "vsftpd") => {
            "vsftpd.conf: ssl_enable=YES, force_local_logins_ssl=YES, force_local_data_ssl=YES; or use SFTP"
        }
        ("ftp", _) => "use SFTP or FTP with TLS that is required, and switch plain FTP off",
        ("http", "lighttpd") => "lighttpd.conf: ssl.engine = \"enable\" with a ssl.pemfile, and redirect port 80 to it",
        ("http", "nginx") => "nginx.conf: listen 443 ssl with a certificate, and return 301 https:// on port 80",
        ("http", _) => {
            "switch HTTPS on, and let port 80 redirect only; a device that has no HTTPS belongs behind a proxy that has"
        }
        ("mqtt", "mosquitto") => {
            "mosquitto.conf: listener 8883 with certfile and keyfile; remove the listener of port 1883"
        }
        ("mqtt" | "amqp", _) => "use MQTT or AMQP over TLS (8883, 5671), and close the plain port",
        ("coap", _) => "use CoAP over DTLS (5684) or OSCORE",
        ("redis", _) => "redis.conf: port 0, tls-port 6379 with a certificate; or bind 127.0.0.1",
        ("snmp", "net-snmp" | "snmpd") => {
            "snmpd.conf: remove rocommunity and rwcommunity, createUser with SHA and AES, rouser NAME priv"
        }
        ("snmp", _) => "use SNMP version 3 with authentication and privacy, and switch versions 1 and 2c off",
        ("rtsp", _) => "use RTSPS or SRTP where the camera has it, or let only the recorder reach it, at the gateway",
        _ => "use the protocol's TLS form, and close the plain port",
    }
    .to_owned()
}

pub(super) fn authenticate(service: &Service) -> String {
    match (&*service.protocol, product(service)) {
        ("redis", _) => "redis.conf: requirepass or ACL users, protected-mode yes, bind 127.0.0.1",
        ("mqtt", "mosquitto") => "mosquitto.conf: allow_anonymous false, password_file, acl_file",
        ("mqtt" | "amqp", _) => "switch anonymous access off, give each device an account and limits on topics",
        ("modbus" | "s7" | "bacnet", _) => {
            "the protocol has no log-in: let only its master reach it, at the gateway, or use its secure form (Modbus/TCP Security, BACnet/SC)"
        }
        ("ftp", "vsftpd") => "vsftpd.conf: anonymous_enable=NO",
        ("ftp" | "tftp", _) => "switch anonymous access off; fetch firmware over HTTPS",
        ("coap", _) => "use DTLS with a key of the device's own or OSCORE, and require it for every resource",
        ("rtsp", _) => "set a password for the stream, and let only the recorder reach it, at the gateway",
        ("adb", _) => "switch network debugging off: adb usb, or setprop service.adb.tcp.port -1",
        ("upnp" | "ssdp", "miniupnpd") => "miniupnpd.conf: enable_upnp=no; if it is needed secure_mode=yes and deny rules",
        ("upnp" | "ssdp", _) => "switch UPnP port mapping off on the router",
        _ => "have the service ask for a password of the device's own, or let only those reach it who need it, at the gateway",
    }
    .to_owned()
}

pub(super) fn password(service: &Service) -> String {
    match (&*service.protocol, product(service)) {
        ("snmp", "net-snmp" | "snmpd") => "snmpd.conf: remove the community, use version 3 (createUser, rouser NAME priv)",
        ("snmp", _) => "set another community, or better use version 3 with authentication and privacy",
        ("ssh", _) => "set a password of its own (passwd), or allow keys only (PasswordAuthentication no, dropbear -s)",
        ("telnet", _) => "set a password of its own (passwd), and use SSH instead of telnet",
        ("mqtt", "mosquitto") => "mosquitto_passwd: set a new password for the account, one for each device",
        ("redis", _) => "redis.conf: a long random requirepass, or ACL users",
        _ => "set a password of this device's own; if it cannot be changed, let only those reach it who need it, at the gateway, and ask the vendor",
    }
    .to_owned()
}

pub(super) fn tls(service: &Service) -> String {
    match product(service) {
        "nginx" => "nginx.conf: ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; and no @SECLEVEL=0",
        "lighttpd" => "lighttpd.conf: ssl.openssl.ssl-conf-cmd = (\"MinProtocol\" => \"TLSv1.2\", \"CipherString\" => \"ECDHE+AESGCM:ECDHE+CHACHA20\")",
        "mosquitto" => "mosquitto.conf: tls_version tlsv1.2, ciphers ECDHE+AESGCM:ECDHE+CHACHA20",
        "vsftpd" => "vsftpd.conf: ssl_tlsv1=NO, ssl_sslv3=NO, ssl_sslv2=NO, ssl_ciphers=HIGH",
        _ => "allow TLS 1.2 and 1.3 only, with ECDHE and AES-GCM or ChaCha20; update the firmware if it has no such setting",
    }
    .to_owned()
}

pub(super) fn certificate(service: &Service) -> String {
    let wherever = match product(service) {
        "nginx" => " (nginx.conf: ssl_certificate, ssl_certificate_key)",
        "lighttpd" => " (lighttpd.conf: ssl.pemfile)",
        "mosquitto" => " (mosquitto.conf: certfile, keyfile)",
        _ => "",
    };
    format!(
        "put a certificate of your own authority on it, ECDSA P-256, with its names, renewed before its end{wherever}"
    )
}

pub(super) fn ssh(service: &Service, weak: &[&str]) -> String {
    match product(service) {
        "openssh" => {
            format!("sshd_config: take {} out of KexAlgorithms, HostKeyAlgorithms, Ciphers and MACs", weak.join(", "))
        }
        "dropbear" => {
            "update dropbear, or build it without DROPBEAR_DH_GROUP14_SHA1, DROPBEAR_RSA_SHA1 and DROPBEAR_3DES".into()
        }
        _ => format!("update the firmware, or take {} out of what the server offers", weak.join(", ")),
    }
}

pub(super) fn ssh_key(service: &Service) -> String {
    match product(service) {
        "openssh" => "make a new key (ssh-keygen -t ed25519), and name it alone as HostKey in sshd_config",
        "dropbear" => "make a new key (dropbearkey -t ed25519), and take the old one out of /etc/dropbear",
        _ => "have the device make a new key, Ed25519 or RSA of 3072 bits; update the firmware if it cannot",
    }
    .to_owned()
}

/// What answers datagrams of anybody.
pub(super) fn datagram(service: &Service) -> String {
    match &*service.protocol {
        "dns" => "let it answer the networks it serves alone (dnsmasq: interface=, local-service; BIND: allow-recursion), or switch it off",
        "ntp" => "ntp.conf: restrict default nomodify notrap nopeer noquery; or use chrony",
        "ipmi" => "switch off IPMI over LAN, or: no anonymous account, authentication type none off, cipher suite 0 off (ipmitool lan set 1 cipher_privs); a network of its own",
        _ => "let only those reach it who need it, at the gateway; on a public address close it",
    }
    .to_owned()
}

/// The product's first word, as advice knows it: `OpenSSH` and `openssh` are one.
fn product(service: &Service) -> &'static str {
    const KNOWN: [&str; 13] = [
        "busybox",
        "dropbear",
        "openssh",
        "vsftpd",
        "lighttpd",
        "nginx",
        "mosquitto",
        "net-snmp",
        "snmpd",
        "miniupnpd",
        "redis",
        "inetutils",
        "telnetd",
    ];
    let stated = service.product.as_deref().unwrap_or_default().to_ascii_lowercase();
    KNOWN.into_iter().find(|known| stated.contains(known)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_for_the_product() {
        let of =
            |product: &str| Service { protocol: "mqtt".into(), product: Some(product.into()), ..Service::default() };
        assert!(authenticate(&of("Mosquitto")).contains("allow_anonymous false"));
        assert!(!authenticate(&of("EMQX")).contains("mosquitto.conf"));
    }
}
