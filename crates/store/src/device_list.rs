//! Lists of devices.

use fleetward_fleet::{Device, DeviceState};

use crate::device::read;
use crate::query::{Query, like};
use crate::{Listing, Page, Result, Store};

/// Which devices. Empty means all; several conditions must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// In the name, login, address or model; `*` and `?` are wildcards, without them it may stand anywhere. An identity
    /// (IMSI, ICCID, MSISDN, IMEI) must be given whole, see `identity_wildcards`.
    pub text: Option<String>,
    /// `text` may also match parts of identities. Only for those who may see identities: otherwise the search would
    /// reveal digit by digit what the output masks.
    pub identity_wildcards: bool,
    /// Of this model.
    pub model: Option<String>,
    /// In this group.
    pub group: Option<String>,
    /// In this state.
    pub state: Option<DeviceState>,
    /// Safety-critical, or not.
    pub critical: Option<bool>,
}

impl Store {
    /// Devices by name, one page at a time.
    pub fn devices(&self, filter: &DeviceFilter, page: &Page) -> Result<Listing<Device>> {
        let mut query = filter.query("SELECT body, name FROM device");
        if let Some(after) = page.position()? {
            query.and("name > ?", after);
        }
        self.read(|tx| {
            let sql = query.sql(&format!("ORDER BY name LIMIT {}", page.rows() + 1));
            let mut statement = tx.prepare(&sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(query.values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((row.get::<_, String>(1)?, read(row)?));
            }
            Ok(Listing::of(found, page.rows()))
        })
    }

    /// How many devices match.
    pub fn count_devices(&self, filter: &DeviceFilter) -> Result<u64> {
        let query = filter.query("SELECT count(*) FROM device");
        self.read(|tx| {
            let mut statement = tx.prepare(&query.sql(""))?;
            let count: i64 = statement.query_row(rusqlite::params_from_iter(query.values), |row| row.get(0))?;
            Ok(count.cast_unsigned())
        })
    }
}

impl DeviceFilter {
    fn query(&self, select: &str) -> Query {
        let mut query = Query::new(select);
        if let Some(text) = &self.text {
            self.text_condition(&mut query, text);
        }
        if let Some(model) = &self.model {
            query.and("model = ?", model.clone());
        }
        if let Some(group) = &self.group {
            query.and("id IN (SELECT device FROM device_group WHERE name = ?)", group.clone());
        }
        if let Some(state) = self.state {
            query.and("state = ?", state.name().to_owned());
        }
        if let Some(critical) = self.critical {
            query.and("critical = ?", i64::from(critical));
        }
        query
    }

    fn text_condition(&self, query: &mut Query, text: &str) {
        let escaped = |columns: &[&str]| {
            columns.iter().map(|column| format!("{column} LIKE ? ESCAPE '\\'")).collect::<Vec<_>>().join(" OR ")
        };
        // A name that was made from an IMSI is an identity too.
        let by_name = "(name LIKE ? ESCAPE '\\' AND name NOT LIKE 'imsi:%')";
        let words = escaped(&["login", "ip", "ipv6", "mac", "model"]);
        if self.identity_wildcards {
            let all = escaped(&["name", "imsi", "iccid", "msisdn", "imei"]);
            query.and(&format!("{all} OR {words}"), like(text));
        } else if text.bytes().all(|b| b.is_ascii_digit()) {
            // No wildcard in it, so the pattern without its two `%` is the text.
            let whole = "substr(?, 2, length(?) - 2) IN (imsi, iccid, msisdn, imei)";
            query.and(&format!("{by_name} OR {words} OR {whole}"), like(text));
        } else {
            query.and(&format!("{by_name} OR {words}"), like(text));
        }
    }
}
