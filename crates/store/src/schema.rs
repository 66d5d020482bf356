//! The tables, one step per schema version. A step that was released is never edited; the next one changes it.

/// `PRAGMA application_id`: "FLTW". A database with tables and another id is somebody else's.
pub(crate) const APPLICATION_ID: i32 = 0x464C_5457;

/// Steps from version n to n + 1, in order.
pub(crate) const MIGRATIONS: &[&str] = &[V1, V2, V3];

/// Ids of 64 bits are stored as signed integers with the same bits, ids of 128 bits as 16 octets, times as
/// milliseconds. `body` is the whole value as JSON; the columns beside it are what lists filter and order by.
const V1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    imsi TEXT, login TEXT, iccid TEXT, msisdn TEXT, imei TEXT, ip TEXT, ipv6 TEXT,
    model TEXT, state TEXT NOT NULL, critical INTEGER NOT NULL,
    changed_offset INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
-- Not UNIQUE: the journal decides, and a projection that can refuse could never catch up. `conflicts` asks before.
CREATE INDEX device_imsi ON device (imsi) WHERE imsi IS NOT NULL;
CREATE INDEX device_login ON device (login) WHERE login IS NOT NULL;
CREATE INDEX device_iccid ON device (iccid) WHERE iccid IS NOT NULL;
CREATE INDEX device_msisdn ON device (msisdn) WHERE msisdn IS NOT NULL;
CREATE INDEX device_imei ON device (imei) WHERE imei IS NOT NULL;
CREATE INDEX device_ip ON device (ip) WHERE ip IS NOT NULL;
CREATE INDEX device_ipv6 ON device (ipv6) WHERE ipv6 IS NOT NULL;
CREATE INDEX device_model ON device (model, name);
CREATE TABLE device_group (
    device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (device, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_group_name ON device_group (name, device);

CREATE TABLE finding (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    rule TEXT NOT NULL, device INTEGER NOT NULL, subject TEXT NOT NULL, title TEXT NOT NULL, observed TEXT NOT NULL,
    severity INTEGER NOT NULL, state TEXT NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    state_at INTEGER NOT NULL, cleared_at INTEGER, suppressed_until INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX finding_state ON finding (state, seq);
CREATE INDEX finding_device ON finding (device, seq);
CREATE INDEX finding_rule ON finding (rule, seq);
CREATE INDEX finding_waking ON finding (suppressed_until) WHERE suppressed_until IS NOT NULL;
CREATE TABLE finding_step (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    finding BLOB NOT NULL REFERENCES finding (id) ON DELETE CASCADE,
    at INTEGER NOT NULL, state TEXT NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE INDEX finding_step_finding ON finding_step (finding, seq);

CREATE TABLE suppression (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL, scope TEXT NOT NULL, device INTEGER, grp TEXT,
    reason TEXT NOT NULL, until INTEGER NOT NULL, by TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX suppression_rule ON suppression (rule, until);

CREATE TABLE response (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    finding BLOB, device INTEGER NOT NULL, action TEXT NOT NULL, intervention INTEGER NOT NULL,
    rule TEXT, state TEXT NOT NULL, final INTEGER NOT NULL,
    created_at INTEGER NOT NULL, acted_at INTEGER, due_at INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX response_finding ON response (finding) WHERE finding IS NOT NULL;
CREATE INDEX response_device ON response (device, seq);
CREATE INDEX response_state ON response (state, seq);
CREATE INDEX response_open ON response (due_at) WHERE final = 0;
CREATE INDEX response_budget ON response (rule, acted_at) WHERE intervention = 1 AND acted_at IS NOT NULL;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_keeps_words BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;

CREATE TABLE user (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL,
    created_at INTEGER NOT NULL, last_login INTEGER
) STRICT;
CREATE TABLE token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL,
    user TEXT REFERENCES user (name) ON DELETE CASCADE,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, last_used INTEGER
) STRICT;
CREATE INDEX token_expiry ON token (expires_at);
";

/// Planned changes: the journal's word on each, and what each excused.
const V2: &str = "
CREATE TABLE planned_change (
    name TEXT PRIMARY KEY,
    from_at INTEGER NOT NULL, until_at INTEGER NOT NULL, changed_offset INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX planned_change_until ON planned_change (until_at, name);
CREATE TABLE planned_excused (
    change TEXT NOT NULL, rule TEXT NOT NULL, device INTEGER NOT NULL, subject TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (change, rule, device, subject)
) STRICT, WITHOUT ROWID;
";

/// Hardware addresses.
const V3: &str = "
ALTER TABLE device ADD COLUMN mac TEXT;
CREATE INDEX device_mac ON device (mac) WHERE mac IS NOT NULL;
";
