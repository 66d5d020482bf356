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
    ("panel/index.html", "<meta http-equiv=\"refresh\" content=\"0; url=/cgi-bin/panel/login\">\n"),
    ("panel/cgi-bin/panel", PANEL),
    ("snmpd.conf", "rocommunity public\nsysDescr UPS\n"),
];

/// A device's own pages: a form with a token against forgery, a session, an account that locks at the third failure.
const PANEL: &str = r#"#!/bin/sh
cd FOLDER/panel-state || exit
cookie() { printf '%s' "$HTTP_COOKIE" | tr ';' '\n' | sed -n "s/^ *$1=\([0-9a-f]*\)$/\1/p"; }
field() { printf '%s' "$body" | tr '&' '\n' | sed -n "s/^$1=\([0-9a-z]*\)$/\1/p"; }
random() { od -An -tx1 -N8 /dev/urandom | tr -d ' \n'; }
to() { printf 'Status: 302 Found\r\nLocation: %s\r\n%s\r\n' "$1" "$2"; exit; }
form() {
    token=$(random)
    printf 'Content-Type: text/html\r\nSet-Cookie: token=%s; HttpOnly\r\n\r\n<title>Panel</title><p>%s\n' "$token" "$1"
    printf '<form method=post action=check><input type=hidden name=token value=%s>' "$token"
    echo '<input name=user><input type=password name=pass><input type=submit value=Go></form>'
    exit
}
case "$PATH_INFO" in
/check)
    body=$(head -c "${CONTENT_LENGTH:-0}")
    user=$(field user)
    [ "$(field token)" = "$(cookie token)" ] || form 'This page has expired.'
    if [ "$user:$(field pass)" = root:admin ]; then
        sid=$(random) && : >"sid-$sid" && to home "$(printf 'Set-Cookie: sid=%s; HttpOnly\r\n_' "$sid" | tr -d _)"
    fi
    echo >>"failed-$user"
    [ "$(wc -l <"failed-$user")" -lt 3 ] || { : >locked && printf 'Content-Type: text/html\r\n\r\nThe account is locked.\n' && exit; }
    form 'Wrong name or password.' ;;
/home) [ -e "sid-$(cookie sid)" ] || to login
    printf 'Content-Type: text/html\r\n\r\n<title>Panel</title>Settings <a href=logout>Log out</a>\n' ;;
/logout) rm -f "sid-$(cookie sid)" && to login ;;
*) form ;;
esac
"#;
