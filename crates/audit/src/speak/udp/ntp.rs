//! NTP (RFC 5905): the time of a server (mode 3), and whether it tells its variables to anybody (mode 6, RFC 9327).

use std::io;

use super::super::words::shown_octets as shown;
use super::talk::Talk;
use super::words::word;
use crate::fact::Service;

/// Our transmit timestamp, which an answer repeats as its origin (RFC 5905 §7.3).
const STAMP: [u8; 8] = *b"fleetwrd";

/// READVAR of the system's variables (RFC 9327 §2, §3.2).
const READVAR: [u8; 12] = [0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let mut request = [0; 48];
    request[0] = 0x23;
    request[40..].copy_from_slice(&STAMP);
    // A server may be closed to one of the two.
    let answers = talk.ask_all(&[request.to_vec(), READVAR.to_vec()]).await?;
    let time = answers.iter().find_map(|octets| stratum(octets));
    let variables = answers.iter().find_map(|octets| variables(octets));
    Ok((time.is_some() || variables.is_some()).then(|| service(time, variables)))
}

fn service(time: Option<u8>, variables: Option<&[u8]>) -> Service {
    let mut service = Service { protocol: "ntp".into(), ..Service::default() };
    if let Some(stratum) = time {
        service.evidence = format!("stratum {stratum}").into();
        service.notes.insert("stratum".into(), stratum.to_string().into());
    }
    if let Some(text) = variables {
        service.evidence = shown(text);
        service.notes.insert("mode6".into(), "answers".into());
        // `ntpd 4.2.8p15@1.3728-o Wed Sep 23 ...`
        if let Some(stated) = variable(text, "version").filter(|text| text.starts_with("ntpd ")) {
            service.product = Some("ntpd".into());
            let number = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '.';
            let version: String =
                stated["ntpd ".len()..].trim_start_matches("ntpsec-").chars().take_while(number).collect();
            service.version = Some(version.into());
        }
        service.device_model = variable(text, "processor");
    }
    service
}

/// Mode 4, an answer to our question.
fn stratum(octets: &[u8]) -> Option<u8> {
    let is_answer = octets.len() >= 48 && octets[0] & 7 == 4 && octets[24..32] == STAMP;
    is_answer.then(|| octets[1])
}

/// Text of an answer to [`READVAR`]; an error has none.
fn variables(octets: &[u8]) -> Option<&[u8]> {
    let (head, rest) = octets.split_first_chunk::<12>()?;
    let is_answer = head[0] & 7 == 6 && head[1] & 0x9F == 0x82;
    let count = usize::from(u16::from_be_bytes([head[10], head[11]]));
    // Bit 0x40 is an error (RFC 9327 §2).
    (is_answer && head[1] & 0x40 == 0).then(|| &rest[..count.min(rest.len())])
}

/// `name="value", name=value`.
fn variable(text: &[u8], name: &str) -> Option<Box<str>> {
    let text = String::from_utf8_lossy(text);
    let rest = text.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))?;
    word(rest.trim_matches('"').as_bytes())
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    let (time, variables) = (stratum(octets), variables(octets));
    (time.is_some() || variables.is_some()).then(|| service(time, variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_told_to_who_asked() {
        let mut answer = [0; 48];
        (answer[0], answer[1]) = (0x24, 3);
        answer[24..32].copy_from_slice(&STAMP);
        assert_eq!(stratum(&answer), Some(3));
        answer[31] = 0;
        assert_eq!(stratum(&answer), None, "an answer to somebody else");
    }

    #[test]
    fn variables_are_a_note_and_a_version() {
        let text = b"version=\"ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)\", processor=\"armv7l\", leap=0";
        let answer = [&[0x16, 0x82, 0, 1, 6, 0x15, 0, 0, 0, 0, 0, text.len() as u8], &text[..]].concat();
        let service = service(None, variables(&answer));
        assert_eq!(service.version.as_deref(), Some("4.2.8p15"));
        assert_eq!((&*service.notes["mode6"], service.device_model.as_deref()), ("answers", Some("armv7l")));
        let refused = [0x16, 0xC2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(variables(&refused), None);
    }
}
