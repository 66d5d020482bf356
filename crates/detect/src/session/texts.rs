//! The texts of a session in one allocation: most are short, and there are millions.

use serde::{Deserialize, Serialize};

use crate::prefetch::prefetch;

/// Session id, User-Name, Acct-Multi-Session-Id and APN, one behind the other.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Texts {
    all: Box<str>,
    /// Where each but the last ends. RADIUS texts are short; longer ones are cut at a character.
    ends: [u16; 3],
}

/// A text of RADIUS has at most 253 octets, each at most four characters when escaped.
const LONGEST: usize = 4 * 253;

impl Texts {
    pub(crate) fn new(id: &str, user_name: Option<&str>, multi: Option<&str>, apn: Option<&str>) -> Self {
        let parts = [cut(id), cut(user_name.unwrap_or("")), cut(multi.unwrap_or("")), cut(apn.unwrap_or(""))];
        let mut ends = [0_u16; 3];
        let mut all = String::with_capacity(parts.iter().map(|p| p.len()).sum());
        for (i, part) in parts.iter().enumerate() {
            all.push_str(part);
            if let Some(end) = ends.get_mut(i) {
                *end = all.len() as u16;
            }
        }
        Self { all: all.into_boxed_str(), ends }
    }

    /// Asks for all of it.
    pub(crate) fn prefetch(&self) {
        prefetch(&*self.all);
    }

    pub(crate) fn id(&self) -> &str {
        &self.all[..usize::from(self.ends[0])]
    }

    pub(crate) fn user_name(&self) -> Option<&str> {
        some(&self.all[usize::from(self.ends[0])..usize::from(self.ends[1])])
    }

    pub(crate) fn multi_session_id(&self) -> Option<&str> {
        some(&self.all[usize::from(self.ends[1])..usize::from(self.ends[2])])
    }

    pub(crate) fn apn(&self) -> Option<&str> {
        some(&self.all[usize::from(self.ends[2])..])
    }
}

/// An empty text says nothing.
fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_text_apart() {
        let texts = Texts::new("a1", None, Some("m"), Some("iot"));
        assert_eq!(
            (texts.id(), texts.user_name(), texts.multi_session_id(), texts.apn()),
            ("a1", None, Some("m"), Some("iot"))
        );
        let long = "é".repeat(900);
        assert_eq!(Texts::new(&long, Some("u"), None, None).id().len(), LONGEST);
    }
}
