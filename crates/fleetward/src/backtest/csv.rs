//! Sessions as a table: accounting records from elsewhere, one a line.
//!
//! The columns are those that `fleetward simulate --csv` writes; docs/backtest.md describes them. Order of lines is free.

use std::collections::BTreeSet;
use std::str::FromStr;

use fleetward_fleet::{
    Attach, Body, Device, DeviceChange, Identity, Imeisv, Imsi, Observation, Rat, Session, SessionKey, SessionStatus,
    Timestamp, counted,
};

/// A cell that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column} ({name}): {message}")]
pub(crate) struct Mistake {
    line: u64,
    column: usize,
    name: String,
    message: String,
}

const NEEDED: [&str; 5] = ["time", "session", "status", "bytes_up", "bytes_down"];
/// All columns, in the order in which `simulate --csv` writes them.
pub(crate) const COLUMNS: [&str; 20] = [
    "time",
    "received",
    "device",
    "imsi",
    "nas",
    "session",
    "status",
    "bytes_up",
    "bytes_down",
    "duration",
    "cause",
    "imeisv",
    "network",
    "apn",
    "rat",
    "ip",
    "model",
    "packets_up",
    "packets_down",
    "groups",
];

/// Reads the table into observations in order of arrival, each device introduced by its first record. All mistakes of the
/// heading, or the first of the lines.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Observation>, Mistake> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator(text)).trim(csv::Trim::All).comment(Some(b'#')).from_reader(text);
    let heading = reader.headers().map_err(|error| broken(&error))?.clone();
    check_heading(&heading)?;
    let (mut records, mut known) = (Vec::new(), BTreeSet::new());
    for row in reader.into_records() {
        let row = row.map_err(|error| broken(&error))?;
        let line = row.position().map_or(0, csv::Position::line);
        let row = Row { heading: &heading, cells: &row, line };
        let (device, observation) = row.observation()?;
        records.push((device, observation));
    }
    records.sort_by_key(|(_, observation)| observation.observed_at);
    let mut all = Vec::with_capacity(records.len());
    for (device, observation) in records {
        if let Some(device) = device.filter(|device| known.insert(device.name.clone())) {
            let change = DeviceChange { device, removed: false, by: "csv".into() };
            let body = Body::DeviceChange(Box::new(change));
            let at = observation.observed_at;
            all.push(Observation { event_time: at, identity: None, source: "csv".into(), body, ..observation.clone() });
        }
        all.push(observation);
    }
    Ok(all)
}

/// A semicolon, as spreadsheets of many countries write it, where the heading has no comma.
fn separator(text: &[u8]) -> u8 {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    let heading = lines.next().unwrap_or_default();
    if heading.contains(&b';') && !heading.contains(&b',') { b';' } else { b',' }
}

fn check_heading(heading: &csv::StringRecord) -> Result<(), Mistake> {
    let wrong = |column, name: &str, message: String| Err(Mistake { line: 1, column, name: name.into(), message });
    for (at, name) in heading.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            return wrong(at + 1, name, format!("no such column; there are {}", COLUMNS.join(", ")));
        }
    }
    let has = |name: &str| heading.iter().any(|held| held == name);
    if let Some(name) = NEEDED.into_iter().find(|name| !has(name)) {
        return wrong(heading.len() + 1, name, "the column is missing".into());
    }
    if !has("device") && !has("imsi") {
        return wrong(heading.len() + 1, "device", "a column `device` or `imsi` is needed".into());
    }
    Ok(())
}

fn broken(error: &csv::Error) -> Mistake {
    let line = error.position().map_or(0, csv::Position::line);
    let (column, message) = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            (len.min(expected_len) + 1, format!("{}, and the heading has {expected_len}", counted(len, "cell")))
        }
        _ => (1, error.to_string()),
    };
    Mistake { line, column: column as usize, name: "line".into(), message }
}

struct Row<'a> {
    heading: &'a csv::StringRecord,
    cells: &'a csv::StringRecord,
    line: u64,
}

impl Row<'_> {
    /// The record; with its device where the table names devices.
    fn observation(&self) -> Result<(Option<Device>, Observation), Mistake> {
        let event_time: Timestamp = self.needed("time")?;
        let imsi: Option<Imsi> = self.value("imsi")?;
        let device = self.device(imsi);
        let identity = imsi.map(Identity::Imsi);
        let id = match (&device, &identity) {
            (Some(device), _) => device.id(),
            (None, Some(identity)) => fleetward_fleet::DeviceId::of(&identity.default_name()),
            (None, None) => return Err(self.wrong("device", "neither a device nor an IMSI".into())),
        };
        let nas = self.text("nas").unwrap_or("csv");
        let session = self.session(nas)?;
        let observation = Observation {
            event_time,
            observed_at: self.value("received")?.unwrap_or(event_time),
            source: nas.into(),
            device: id,
            identity,
            body: Body::Session(Box::new(session)),
        };
        Ok((device, observation))
    }

    fn device(&self, imsi: Option<Imsi>) -> Option<Device> {
        let mut device = Device::named(self.text("device")?);
        device.imsi = imsi;
        device.model = self.text("model").map(Into::into);
        device.groups = self.text("groups").map_or_else(Vec::new, |groups| groups.split(';').map(Into::into).collect());
        Some(device)
    }

    fn session(&self, nas: &str) -> Result<Session, Mistake> {
        let id = self.text("session").ok_or_else(|| self.wrong("session", "it is empty".into()))?;
        let status = match self.text("status") {
            Some("start") => SessionStatus::Start,
            Some("interim") => SessionStatus::Interim,
            Some("stop") => SessionStatus::Stop,
            other => {
                let message = format!("`{}` is neither start, interim nor stop", other.unwrap_or_default());
                return Err(self.wrong("status", message));
            }
        };
        let attach = Attach {
            imeisv: self.value::<Imeisv>("imeisv")?,
            network: self.value("network")?,
            apn: self.text("apn").map(Into::into),
            rat: self.value::<u8>("rat")?.map(Rat),
            ..Attach::default()
        };
        Ok(Session {
            key: SessionKey { nas: nas.into(), id: id.into() },
            status,
            bytes_up: self.needed("bytes_up")?,
            bytes_down: self.needed("bytes_down")?,
            packets_up: self.value("packets_up")?,
            packets_down: self.value("packets_down")?,
            // A table has whole numbers: nothing wraps at 32 bits.
            has_gigawords: true,
            session_secs: self.value("duration")?,
            terminate_cause: self.value("cause")?,
            ip: self.value("ip")?,
            ipv6: None,
            attach,
            user_name: None,
            multi_session_id: None,
            nsapi: None,
            class: None,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        let at = self.heading.iter().position(|held| held == name)?;
        self.cells.get(at).filter(|text| !text.is_empty())
    }

    fn value<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Mistake> {
        let parse = |text: &str| text.parse().map_err(|error| self.wrong(name, format!("`{text}`: {error}")));
        self.text(name).map(parse).transpose()
    }

    fn needed<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, Mistake> {
        self.value(name)?.ok_or_else(|| self.wrong(name, "it is empty".into()))
    }

    fn wrong(&self, name: &str, message: String) -> Mistake {
        let column = self.heading.iter().position(|held| held == name).map_or(1, |at| at + 1);
        Mistake { line: self.line, column, name: name.into(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_records_in_order_of_arrival() {
        let text = "time,device,session,status,bytes_up,bytes_down,model,groups\n\
                    2026-11-02T10:05:00Z,m1,a,interim,500,700,meter,x;y\n\
                    2026-11-02T10:00:00Z,m1,a,start,0,0,meter,x;y\n";
        let records = read(text.as_bytes()).unwrap();
        assert_eq!(records.len(), 3);
        let Body::DeviceChange(change) = &records[0].body else { panic!("{:?}", records[0]) };
        assert_eq!((&*change.device.name, change.device.groups.len()), ("m1", 2));
        let Body::Session(last) = &records[2].body else { panic!("{:?}", records[2]) };
        assert_eq!((last.status, last.bytes_down), (SessionStatus::Interim, 700));
    }

    #[test]
    fn mistakes_name_line_and_column() {
        let wrong = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        let heading = "time,imsi,session,status,bytes_up,bytes_down\n";
        assert_eq!(wrong("time,imsi\n"), "line 1, column 3 (session): the column is missing");
        assert!(wrong("time,colour\n").starts_with("line 1, column 2 (colour): no such column"));
        let text = format!("{heading}2026-11-02T10:00:00Z,262011234567890,a,begin,0,0\n");
        assert_eq!(wrong(&text), "line 2, column 4 (status): `begin` is neither start, interim nor stop");
        let text = format!("{heading}2026-11-02T10:00:00Z,262011234567890,a,start,0,x\n");
        assert!(wrong(&text).starts_with("line 2, column 6 (bytes_down): `x`"), "{}", wrong(&text));
        let text = format!("{heading}2026-11-02T10:00:00Z,262011234567890,a,start,0\n");
        assert_eq!(wrong(&text), "line 2, column 6 (line): 5 cells, and the heading has 6");
    }

    #[test]
    fn a_table_may_be_divided_by_semicolons() {
        let text = "time;device;session;status;bytes_up;bytes_down\n2026-11-02T10:00:00Z;m1;a;start;0;0\n";
        assert_eq!(read(text.as_bytes()).unwrap().len(), 2);
    }
}
