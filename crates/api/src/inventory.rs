//! An inventory from a file: CSV for people, JSON for programs. Every mistake is found in one go, with line and column,
//! and none of the devices is taken while there is one.

use std::collections::HashMap;

use fleetward_fleet::{Device, DeviceState, Identity, Imei, ImeiLock};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name, login, model or group.
const MAX_WORD: usize = 128;
/// More groups than this are a mistake.
const MAX_GROUPS: usize = 32;
/// More mistakes than this are not listed.
const MAX_MISTAKES: usize = 1000;

/// The columns that a CSV may have, in any order and case; `name` or one of `imsi`, `login` and `mac` must be there.
pub const COLUMNS: [&str; 14] = [
    "name",
    "imsi",
    "login",
    "iccid",
    "msisdn",
    "imei",
    "imei_lock",
    "model",
    "groups",
    "state",
    "ip",
    "ipv6",
    "mac",
    "critical",
];

/// One device as people write it. Everything is optional here; what is there must be right.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceInput {
    /// Unique name; without one it is made from IMSI, login or hardware address.
    #[serde(default)]
    pub name: Option<String>,
    /// The SIM: 6 to 15 digits.
    #[serde(default)]
    pub imsi: Option<String>,
    /// VPN login.
    #[serde(default)]
    pub login: Option<String>,
    /// The card: 18 or 19 digits.
    #[serde(default)]
    pub iccid: Option<String>,
    /// The number: 5 to 15 digits without `+`.
    #[serde(default)]
    pub msisdn: Option<String>,
    /// The module: 14 to 16 digits of an IMEI or IMEISV.
    #[serde(default)]
    pub imei: Option<String>,
    /// `on` (default) or `off`.
    #[serde(default)]
    pub imei_lock: Option<String>,
    /// The name of a profile.
    #[serde(default)]
    pub model: Option<String>,
    /// Free groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// `stock`, `active` (default), `suspended` or `retired`.
    #[serde(default)]
    pub state: Option<String>,
    /// Fixed IPv4 address.
    #[serde(default)]
    pub ip: Option<String>,
    /// Fixed IPv6 prefix.
    #[serde(default)]
    pub ipv6: Option<String>,
    /// Hardware address, where packets are seen on its own link.
    #[serde(default)]
    pub mac: Option<String>,
    /// Automation waits for a person.
    #[serde(default)]
    pub critical: bool,
}

/// One mistake in an import.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct LineError {
    /// The file, where there are several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Line in the CSV (the header is 1), or number of the device in the JSON array (the first is 1).
    pub line: u64,
    /// The column or field; empty where it is the line as a whole.
    pub column: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Devices and where each stood.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Inventory {
    /// The devices, in order.
    pub devices: Vec<Device>,
    /// The line of each.
    pub lines: Vec<u64>,
    /// Columns that the CSV does not have: of a device that is known already, what they would hold stays.
    pub absent: Vec<&'static str>,
}

impl Inventory {
    /// Leaves what the CSV does not speak of as it is known: the SIM, the module or the state of a device that is moved to another group.
    pub fn keep<E>(&mut self, known: impl Fn(&Device) -> Result<Option<Device>, E>) -> Result<(), E> {
        if self.absent.is_empty() {
            return Ok(());
        }
        for device in &mut self.devices {
            if let Some(known) = known(device)? {
                self.absent.iter().for_each(|column| keep(column, device, &known));
            }
        }
        Ok(())
    }
}

fn keep(column: &str, device: &mut Device, known: &Device) {
    match column {
        "imsi" => device.imsi = known.imsi,
        "login" => device.login.clone_from(&known.login),
        "iccid" => device.iccid.clone_from(&known.iccid),
        "msisdn" => device.msisdn = known.msisdn,
        "imei" => device.imei = known.imei,
        "imei_lock" => device.imei_lock = known.imei_lock,
        "model" => device.model.clone_from(&known.model),
        "groups" => device.groups.clone_from(&known.groups),
        "state" => device.state = known.state,
        "ip" => device.ip = known.ip,
        "ipv6" => device.ipv6 = known.ipv6,
        "mac" => device.mac = known.mac,
        "critical" => device.critical = known.critical,
        _ => {}
    }
}

/// Reads a CSV with a header line. The separator is `,` or `;`, whichever the header has; groups are separated by spaces.
pub fn from_csv(text: &[u8]) -> Result<Inventory, Vec<LineError>> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let header_end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let separator = if text[..header_end].contains(&b';') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).comment(Some(b'#')).from_reader(text);
    let header = reader.headers().map_err(|error| vec![csv_error(text, &error)])?.clone();
    let columns: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
    check_header(&columns)?;
    let mut found = Collector::default();
    found.inventory.absent = COLUMNS.into_iter().filter(|known| columns.iter().all(|column| column != known)).collect();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, |position| line_of(text, position));
                let fields = columns.iter().map(String::as_str).zip(record.iter());
                match from_fields(fields) {
                    Ok(input) => found.take(line, &input),
                    Err((column, message)) => found.mistake(line, column, message),
                }
            }
            Err(error) => found.mistakes.push(csv_error(text, &error)),
        }
    }
    found.finish()
}

/// Reads a JSON array of [`DeviceInput`].
pub fn from_json(text: &[u8]) -> Result<Inventory, Vec<LineError>> {
    let inputs: Vec<DeviceInput> = serde_json::from_slice(text).map_err(|error| {
        let message = format!("not an array of devices: {error}");
        vec![LineError { line: error.line() as u64, column: String::new(), message, ..LineError::default() }]
    })?;
    let mut found = Collector::default();
    for (number, input) in (1..).zip(&inputs) {
        found.take(number, input);
    }
    found.finish()
}

#[derive(Default)]
struct Collector {
    inventory: Inventory,
    mistakes: Vec<LineError>,
    names: HashMap<Box<str>, u64>,
}

impl Collector {
    fn take(&mut self, line: u64, input: &DeviceInput) {
        match input.device() {
            Ok(device) => {
                if let Some(first) = self.names.insert(device.name.clone(), line) {
                    let name = crate::mask::name(&device.name);
                    self.mistake(line, "name", format!("{name} stands in line {first} already"));
                }
                self.inventory.devices.push(device);
                self.inventory.lines.push(line);
            }
            Err(mistakes) => mistakes.into_iter().for_each(|(column, message)| self.mistake(line, column, message)),
        }
    }

    fn mistake(&mut self, line: u64, column: &str, message: String) {
        self.mistakes.push(LineError { line, column: column.to_owned(), message, ..LineError::default() });
    }

    fn finish(mut self) -> Result<Inventory, Vec<LineError>> {
        if self.mistakes.is_empty() {
            return Ok(self.inventory);
        }
        self.mistakes.sort();
        if self.mistakes.len() > MAX_MISTAKES {
            let more = self.mistakes.len() - MAX_MISTAKES;
            self.mistakes.truncate(MAX_MISTAKES);
            let line = self.mistakes.last().map_or(0, |last| last.line);
            self.mistake(line, "", format!("and {more} more mistakes"));
        }
        Err(self.mistakes)
    }
}

fn check_header(columns: &[String]) -> Result<(), Vec<LineError>> {
    let mistake = |column: &str, message: String| LineError {
        line: 1,
        column: column.to_owned(),
        message,
        ..LineError::default()
    };
    let mut mistakes: Vec<_> = columns
        .iter()
        .filter(|column| !COLUMNS.contains(&column.as_str()))
        .map(|column| mistake(column, format!("unknown column; the columns are {}", COLUMNS.join(", "))))
        .collect();
    for (index, column) in columns.iter().enumerate() {
        if columns[..index].contains(column) {
            mistakes.push(mistake(column, "this column stands twice".to_owned()));
        }
    }
    if !["name", "imsi", "login", "mac"].iter().any(|needed| columns.iter().any(|column| column == needed)) {
        mistakes.push(mistake("", "one of the columns name, imsi, login, mac is needed".to_owned()));
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// The reader says where it began to look for a record; remarks and empty lines before the record are passed over.
fn line_of(text: &[u8], position: &csv::Position) -> u64 {
    let from = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let passed = |line: &&[u8]| line.is_empty() || *line == b"\r" || line.starts_with(b"#");
    position.line() + from.split(|byte| *byte == b'\n').take_while(passed).count() as u64
}

fn csv_error(text: &[u8], error: &csv::Error) -> LineError {
    let line = error.position().map_or(1, |position| line_of(text, position));
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, {expected_len} expected as in the header")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the file as UTF-8".to_owned(),
        other => format!("cannot be read: {other:?}"),
    };
    LineError { line, column: String::new(), message, ..LineError::default() }
}

fn from_fields<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Result<DeviceInput, (&'a str, String)> {
    let mut input = DeviceInput::default();
    for (column, text) in fields {
        let value = (!text.is_empty()).then(|| text.to_owned());
        match column {
            "name" => input.name = value,
            "imsi" => input.imsi = value,
            "login" => input.login = value,
            "iccid" => input.iccid = value,
            "msisdn" => input.msisdn = value,
            "imei" => input.imei = value,
            "imei_lock" => input.imei_lock = value,
            "model" => input.model = value,
            "groups" => input.groups = text.split_whitespace().map(str::to_owned).collect(),
            "state" => input.state = value,
            "ip" => input.ip = value,
            "ipv6" => input.ipv6 = value,
            "mac" => input.mac = value,
            "critical" => {
                input.critical = match text.to_ascii_lowercase().as_str() {
                    "" | "false" | "no" | "0" => false,
                    "true" | "yes" | "1" => true,
                    _ => return Err((column, "true or false expected".to_owned())),
                }
            }
            _ => {}
        }
    }
    Ok(input)
}

type Mistakes = Vec<(&'static str, String)>;

impl DeviceInput {
    /// The device, or every field that is wrong.
    pub fn device(&self) -> Result<Device, Vec<(&'static str, String)>> {
        let mut mistakes = Mistakes::new();
        let mut device = Device::named("");
        device.imsi = parsed("imsi", self.imsi.as_deref(), str::parse, &mut mistakes);
        device.iccid = parsed("iccid", self.iccid.as_deref(), str::parse, &mut mistakes);
        device.msisdn = parsed("msisdn", self.msisdn.as_deref(), str::parse, &mut mistakes);
        device.imei = parsed("imei", self.imei.as_deref(), Imei::from_any, &mut mistakes);
        device.ip = parsed("ip", self.ip.as_deref(), str::parse, &mut mistakes);
        device.ipv6 = parsed("ipv6", self.ipv6.as_deref(), str::parse, &mut mistakes);
        device.mac = parsed("mac", self.mac.as_deref(), str::parse, &mut mistakes);
        device.login = word("login", self.login.as_deref(), &mut mistakes);
        device.model = word("model", self.model.as_deref(), &mut mistakes);
        device.groups = self.group_words(&mut mistakes);
        device.state = self.state_value(&mut mistakes);
        device.imei_lock = self.lock_value(&mut mistakes);
        device.critical = self.critical;
        let made = || device.identities().next().as_ref().map(Identity::default_name).map(Into::into);
        match word("name", self.name.as_deref(), &mut mistakes).or_else(made) {
            Some(name) => device.name = name,
            None if mistakes.is_empty() => {
                mistakes.push(("name", "a name, an imsi, a login or a mac is needed".to_owned()));
            }
            None => {}
        }
        if mistakes.is_empty() { Ok(device) } else { Err(mistakes) }
    }

    fn group_words(&self, mistakes: &mut Mistakes) -> Vec<Box<str>> {
        if self.groups.len() > MAX_GROUPS {
            mistakes.push(("groups", format!("at most {MAX_GROUPS}")));
        }
        let mut groups: Vec<_> = self.groups.iter().filter_map(|group| word("groups", Some(group), mistakes)).collect();
        groups.sort();
        groups.dedup();
        groups
    }

    fn state_value(&self, mistakes: &mut Mistakes) -> DeviceState {
        const ALL: [DeviceState; 4] =
            [DeviceState::Stock, DeviceState::Active, DeviceState::Suspended, DeviceState::Retired];
        let Some(text) = &self.state else { return DeviceState::default() };
        let found = ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(text));
        found.unwrap_or_else(|| {
            mistakes.push(("state", "one of stock, active, suspended, retired expected".to_owned()));
            DeviceState::default()
        })
    }

    fn lock_value(&self, mistakes: &mut Mistakes) -> ImeiLock {
        match self.imei_lock.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("on") => ImeiLock::On,
            Some("off") => ImeiLock::Off,
            Some(_) => {
                mistakes.push(("imei_lock", "on or off expected".to_owned()));
                ImeiLock::On
            }
        }
    }
}

/// The value, or a mistake in words. The text itself is not repeated: it may be an identity.
fn parsed<T, E: std::fmt::Display>(
    field: &'static str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, E>,
    mistakes: &mut Mistakes,
) -> Option<T> {
    let text = text?;
    match parse(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let spreadsheet = text.contains(['E', 'e']) && text.contains(['+', '.', ',']) && field != "ipv6";
            let hint = if spreadsheet { "; a spreadsheet rounded it, format the column as text" } else { "" };
            let masked = if text.contains('•') { "; this is a masked value" } else { "" };
            mistakes.push((field, format!("{error}{hint}{masked}")));
            None
        }
    }
}

fn word(field: &'static str, text: Option<&str>, mistakes: &mut Mistakes) -> Option<Box<str>> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if text.chars().count() > MAX_WORD || text.chars().any(char::is_control) {
        mistakes.push((field, format!("at most {MAX_WORD} characters, no control characters")));
        return None;
    }
    if text.contains('•') {
        mistakes.push((field, "this is a masked value".to_owned()));
        return None;
    }
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_spreadsheet_writes() {
        let text = "\u{FEFF}Name;IMSI;Groups;critical;imei;state\n\
                    meter-1;262011234567890;field north;yes;356938035643809;stock\n\
                    # a remark\n\
                    ;262011234567891;;;;\n";
        let inventory = from_csv(text.as_bytes()).unwrap();
        assert_eq!(inventory.lines, [2, 4]);
        let first = &inventory.devices[0];
        assert_eq!((&*first.name, first.critical, first.state), ("meter-1", true, DeviceState::Stock));
        assert_eq!(first.groups, ["field".into(), "north".into()]);
        assert_eq!(&*inventory.devices[1].name, "imsi:262011234567891");
    }

    #[test]
    fn names_every_mistake_with_its_place() {
        let text =
            "name,imsi,state,ip\nmeter-1,26201123456789,lost,10.0.0.300\nmeter-2,2.62E+14,,\nmeter-1,,,\nmeter-4,\n";
        let mistakes = from_csv(text.as_bytes()).unwrap_err();
        let places: Vec<_> = mistakes.iter().map(|m| (m.line, m.column.as_str())).collect();
        assert_eq!(places, [(2, "ip"), (2, "state"), (3, "imsi"), (5, "")]);
        assert!(mistakes[2].message.contains("spreadsheet"), "{}", mistakes[2].message);
        let twice = from_csv(b"name\na\nb\na\n").unwrap_err();
        assert_eq!((twice[0].line, twice[0].message.as_str()), (4, "a stands in line 2 already"));
    }

    #[test]
    fn refuses_a_header_that_it_does_not_know() {
        let mistakes = from_csv(b"nmae,model,model\nx,y,z\n").unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(from_csv(b"").is_err());
        assert!(from_csv(b"name\n\xFF\xFE\n").unwrap_err()[0].message.contains("UTF-8"));
    }

    #[test]
    fn reads_json_and_counts_its_devices() {
        let good = br#"[{"name": "meter-1", "groups": ["b", "a", "b"]}, {"login": "vpn@example"}]"#;
        let inventory = from_json(good).unwrap();
        assert_eq!(inventory.devices[0].groups, ["a".into(), "b".into()]);
        assert_eq!(&*inventory.devices[1].name, "login:vpn@example");
        assert_eq!(from_json(r#"[{"name": "a"}, {"imsi": "26201•••••••890"}]"#.as_bytes()).unwrap_err()[0].line, 2);
        assert!(from_json(br#"[{"nmae": "a"}]"#).unwrap_err()[0].message.contains("nmae"));
    }
}
