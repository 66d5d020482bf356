//! Settings of the zoo's daemons.

use std::path::Path;

/// Name and content; `FOLDER` is where they lie.
pub(super) fn all(folder: &Path) -> Vec<(&'static str, String)> {
    let folder = folder.display().to_string();
    FILES.iter().map(|(name, text)| (*name, text.replace("FOLDER", &folder))).collect()
}

const FILES: &[(&str, &str)] = &[
    (
        "with-accounts",
        "mount --bind FOLDER/passwd /etc/passwd && mount --bind FOLDER/shadow /etc/shadow && mkdir -p /run/sshd && exec \"$@\"\n",
    ),
    (
        "sshd.conf",
        "ListenAddress 10.77.0.10:22\nHostKey FOLDER/hardened.ssh\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
    ),
    (
        "hardened.conf",
        "daemon off; master_process off; pid FOLDER/hardened.pid; error_log stderr;
events { worker_connections 64; }
http { access_log off; server { listen 10.77.0.10:443 ssl; root FOLDER/www;
  ssl_certificate FOLDER/hardened.pem; ssl_certificate_key FOLDER/hardened.key;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; } }
",
    ),
    (
        "old.conf",
        "daemon off; master_process off; pid FOLDER/old.pid; error_log stderr;
events { worker_connections 64; }
http { access_log off; server { listen 10.77.0.16:443 ssl; root FOLDER/www;
  ssl_certificate FOLDER/meter.pem; ssl_certificate_key FOLDER/meter.key;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers HIGH:!aNULL:@SECLEVEL=0; } }
",
    ),
    ("httpd.conf", "/:admin:1234\n"),
    (
        "vsftpd.conf",
        "listen=YES\nlisten_address=10.77.0.14\nanonymous_enable=YES\nlocal_enable=NO\nbackground=NO\nanon_root=FOLDER/empty\nsecure_chroot_dir=FOLDER/empty\nseccomp_sandbox=NO\n",
    ),
    (
        "lighttpd.conf",
        "server.modules = (\"mod_auth\", \"mod_authn_file\")\nserver.document-root = \"FOLDER/www\"\nserver.bind = \"10.77.0.15\"\nserver.port = 80
index-file.names = (\"index.html\")
auth.backend = \"plain\"\nauth.backend.plain.userfile = \"FOLDER/lighttpd.users\"
auth.require = (\"/\" => (\"method\" => \"digest\", \"realm\" => \"plug\", \"require\" => \"valid-user\"))
",
    ),
    ("lighttpd.users", "root:root\n"),
    ("open.conf", "listener 1883 10.77.0.17\nallow_anonymous true\n"),
    ("closed.conf", "listener 1883 10.77.0.18\nallow_anonymous false\npassword_file FOLDER/mosquitto.passwd\n"),
    ("snmpd.conf", "rocommunity public\nsysDescr UPS\n"),
];
