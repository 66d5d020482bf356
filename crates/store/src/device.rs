//! The inventory as the journal has it: projection, look-up, and the question whether an import would collide.

use std::collections::HashMap;

use fleetward_fleet::{Device, DeviceChange, DeviceId, Iccid, Identity, Imei, Imsi, Mac, Msisdn, Offset};
use rusqlite::{OptionalExtension as _, Row, Statement, Transaction, params};

use crate::connection::Fault;
use crate::{Result, Store, meta};

const PROJECTED: &str = "devices_projected";

/// By what a device is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Its id.
    Id(DeviceId),
    /// Its name.
    Name(Box<str>),
    /// The SIM.
    Imsi(Imsi),
    /// The card.
    Iccid(Iccid),
    /// The number.
    Msisdn(Msisdn),
    /// The VPN login.
    Login(Box<str>),
    /// The hardware address.
    Mac(Mac),
    /// The module (the first device that has it, where several do).
    Imei(Imei),
}

impl From<&Identity> for Lookup {
    fn from(identity: &Identity) -> Self {
        match identity {
            Identity::Imsi(imsi) => Self::Imsi(*imsi),
            Identity::Login(login) => Self::Login(login.clone()),
            Identity::Mac(mac) => Self::Mac(*mac),
        }
    }
}

/// What a projection did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Projected {
    /// Changes that were new and are stored now.
    pub applied: usize,
    /// Changes that an earlier call had stored already.
    pub skipped: usize,
}

/// Two devices would share what only one may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which device of the import, counted from 0.
    pub index: usize,
    /// `name`, `imsi`, `login`, `iccid`, `ip`, `ipv6` or `mac`.
    pub field: &'static str,
    /// The name of the device that has it.
    pub holder: Box<str>,
}

impl Store {
    /// Applies inventory changes in journal order and remembers how far it came, in one transaction. Changes at or below
    /// the remembered offset are skipped, so a replay changes nothing.
    pub fn project_devices(&self, changes: &[(Offset, DeviceChange)]) -> Result<Projected> {
        self.write(|tx| {
            let mut last = projected(tx)?;
            let mut done = Projected::default();
            let mut projector = Projector::new(tx)?;
            for (offset, change) in changes {
                if last.is_some_and(|last| *offset <= last) {
                    done.skipped += 1;
                    continue;
                }
                projector.apply(*offset, change)?;
                last = Some(*offset);
                done.applied += 1;
            }
            if let (Some(last), true) = (last, done.applied > 0) {
                meta::set(tx, PROJECTED, &last.0.to_string())?;
            }
            Ok(done)
        })
    }

    /// The journal offset up to which the inventory is projected; `None`: nothing yet.
    pub fn devices_projected(&self) -> Result<Option<Offset>> {
        self.read(projected)
    }

    /// Says that the journal up to `offset` holds no further inventory changes. Never moves back.
    pub fn set_devices_projected(&self, offset: Offset) -> Result<()> {
        self.write(|tx| {
            if projected(tx)?.is_none_or(|last| last < offset) {
                meta::set(tx, PROJECTED, &offset.0.to_string())?;
            }
            Ok(())
        })
    }

    /// One device.
    pub fn device(&self, by: &Lookup) -> Result<Option<Device>> {
        self.read(|tx| find(tx, by))
    }

    /// Calls `each` for every device, in no particular order, without holding them all in memory.
    pub fn each_device(&self, mut each: impl FnMut(Device)) -> Result<()> {
        self.read(|tx| {
            let mut statement = tx.prepare("SELECT body FROM device")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(read(row)?);
            }
            Ok(())
        })
    }

    /// What would collide if `devices` were written: with each other, or with devices that are not among them. Ask before
    /// the change goes into the journal, and let one import at a time ask and write: the projection itself accepts what
    /// the journal says (the later device then answers to the identity).
    pub fn conflicts(&self, devices: &[Device]) -> Result<Vec<Conflict>> {
        self.read(|tx| {
            let mut found = Vec::new();
            let mut names: HashMap<&str, usize> = HashMap::with_capacity(devices.len());
            for (index, device) in devices.iter().enumerate() {
                if names.insert(&device.name, index).is_some() {
                    found.push(Conflict { index, field: "name", holder: device.name.clone() });
                }
            }
            let mut holders = Holders::new(tx)?;
            let mut taken: HashMap<(&'static str, String), usize> = HashMap::with_capacity(devices.len() * 2);
            for (index, device) in devices.iter().enumerate() {
                for (field, value) in unique_values(device) {
                    let other = taken.insert((field, value.clone()), index);
                    if let Some(other) = other.filter(|other| devices[*other].name != device.name) {
                        found.push(Conflict { index, field, holder: devices[other].name.clone() });
                    }
                    for holder in holders.of(field, &value)? {
                        if holder != device.name && !names.contains_key(&*holder) {
                            found.push(Conflict { index, field, holder });
                        }
                    }
                }
                if let Some(holder) = holders.of_id(device.id())?.filter(|holder| *holder != device.name) {
                    found.push(Conflict { index, field: "name", holder });
                }
            }
            found.sort_by_key(|conflict| conflict.index);
            Ok(found)
        })
    }
}

fn projected(tx: &Transaction<'_>) -> Result<Option<Offset>, Fault> {
    let Some(text) = meta::get(tx, PROJECTED)? else { return Ok(None) };
    text.parse().map(|offset| Some(Offset(offset))).map_err(|e| Fault::unreadable("journal offset")(Box::new(e)))
}

/// The statements of a projection, prepared once for a batch: most of the time of a large import would be their parsing.
struct Projector<'tx> {
    upsert: Statement<'tx>,
    remove: Statement<'tx>,
    join: Statement<'tx>,
    leave: Statement<'tx>,
}

impl<'tx> Projector<'tx> {
    fn new(tx: &'tx Transaction<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            upsert: tx.prepare(
                "INSERT INTO device (id, name, imsi, login, iccid, msisdn, imei, ip, ipv6, model, state, critical,
                   changed_offset, body, mac)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                 ON CONFLICT (id) DO UPDATE SET name = ?2, imsi = ?3, login = ?4, iccid = ?5, msisdn = ?6, imei = ?7,
                   ip = ?8, ipv6 = ?9, model = ?10, state = ?11, critical = ?12, changed_offset = ?13, body = ?14,
                   mac = ?15",
            )?,
            remove: tx.prepare("DELETE FROM device WHERE id = ?1")?,
            join: tx.prepare("INSERT OR IGNORE INTO device_group (device, name) VALUES (?1, ?2)")?,
            leave: tx.prepare("DELETE FROM device_group WHERE device = ?1")?,
        })
    }

    fn apply(&mut self, offset: Offset, change: &DeviceChange) -> Result<(), Fault> {
        let device = &change.device;
        let id = device.id().0.cast_signed();
        self.leave.execute([id])?;
        if change.removed {
            self.remove.execute([id])?;
            return Ok(());
        }
        let body = serde_json::to_string(device).map_err(|e| Fault::unreadable("device")(Box::new(e)))?;
        self.upsert.execute(params![
            id,
            &*device.name,
            device.imsi.map(Imsi::reveal),
            device.login.as_deref(),
            device.iccid.map(Iccid::reveal),
            device.msisdn.map(Msisdn::reveal),
            device.imei.map(Imei::reveal),
            device.ip.map(|ip| ip.to_string()),
            device.ipv6.map(|net| net.to_string()),
            device.model.as_deref(),
            device.state.name(),
            device.critical,
            offset.0.cast_signed(),
            body,
            device.mac.map(|mac| mac.to_string()),
        ])?;
        for group in &device.groups {
            self.join.execute(params![id, &**group])?;
        }
        Ok(())
    }
}

fn find(tx: &Transaction<'_>, by: &Lookup) -> Result<Option<Device>, Fault> {
    let (column, value): (_, rusqlite::types::Value) = match by {
        Lookup::Id(id) => ("id", id.0.cast_signed().into()),
        Lookup::Name(name) => ("name", name.to_string().into()),
        Lookup::Imsi(imsi) => ("imsi", imsi.reveal().into()),
        Lookup::Iccid(iccid) => ("iccid", iccid.reveal().into()),
        Lookup::Msisdn(msisdn) => ("msisdn", msisdn.reveal().into()),
        Lookup::Login(login) => ("login", login.to_string().into()),
        Lookup::Mac(mac) => ("mac", mac.to_string().into()),
        Lookup::Imei(imei) => ("imei", imei.reveal().into()),
    };
    let sql = format!("SELECT body FROM device WHERE {column} = ?1 ORDER BY changed_offset DESC LIMIT 1");
    tx.prepare(&sql)?.query_row([value], |row| Ok(read(row))).optional()?.transpose()
}

/// A device from a row whose first column is `body`.
pub(crate) fn read(row: &Row<'_>) -> Result<Device, Fault> {
    let body = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(body).map_err(|e| Fault::unreadable("device")(Box::new(e)))
}

/// What only one device may have; the names are columns too.
const UNIQUE: [&str; 6] = ["imsi", "login", "iccid", "ip", "ipv6", "mac"];

fn unique_values(device: &Device) -> impl Iterator<Item = (&'static str, String)> {
    let values = [
        device.imsi.map(Imsi::reveal),
        device.login.as_ref().map(ToString::to_string),
        device.iccid.map(Iccid::reveal),
        device.ip.map(|ip| ip.to_string()),
        device.ipv6.map(|net| net.to_string()),
        device.mac.map(|mac| mac.to_string()),
    ];
    UNIQUE.into_iter().zip(values).filter_map(|(field, value)| value.map(|value| (field, value)))
}

/// Who has a value now: one prepared statement a field.
struct Holders<'tx> {
    by_field: Vec<(&'static str, Statement<'tx>)>,
    by_id: Statement<'tx>,
}

impl<'tx> Holders<'tx> {
    fn new(tx: &'tx Transaction<'_>) -> rusqlite::Result<Self> {
        let select = |field| Ok((field, tx.prepare(&format!("SELECT name FROM device WHERE {field} = ?1"))?));
        let by_field = UNIQUE.into_iter().map(select).collect::<rusqlite::Result<_>>()?;
        Ok(Self { by_field, by_id: tx.prepare("SELECT name FROM device WHERE id = ?1")? })
    }

    fn of(&mut self, field: &str, value: &str) -> rusqlite::Result<Vec<Box<str>>> {
        let Some((_, statement)) = self.by_field.iter_mut().find(|(name, _)| *name == field) else {
            return Ok(Vec::new());
        };
        statement.query_map([value], |row| row.get(0))?.collect()
    }

    fn of_id(&mut self, id: DeviceId) -> rusqlite::Result<Option<Box<str>>> {
        self.by_id.query_row([id.0.cast_signed()], |row| row.get(0)).optional()
    }
}
