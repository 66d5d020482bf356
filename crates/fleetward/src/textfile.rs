//! Text files that a person writes: read whole, or refused with the place of what is no text.

use std::path::Path;

use crate::config::Problem;
use crate::unread;

/// The text of a file. The file itself, where it cannot be read; a line and a column, where it is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    let bytes = std::fs::read(path).map_err(|error| Problem::whole(path, unread::why(path, &error)))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        let line = text.rsplit('\n').next().unwrap_or_default();
        let at = (text.matches('\n').count() as u64 + 1, line.chars().count() as u64 + 1);
        let message = "a character that is not UTF-8 (save the file in this encoding)".to_owned();
        Problem { file: path.to_owned(), at: Some(at), message }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.yaml");
        std::fs::write(&path, b"rule: r\ntitle: \xc3\xa4 M\xfcller\n").unwrap();
        assert_eq!(read(&path).unwrap_err().at, Some((2, 11)));
        std::fs::write(&path, "title: Müller\n").unwrap();
        assert_eq!(read(&path).unwrap(), "title: Müller\n");
        assert_eq!(read(&folder.path().join("nothing")).unwrap_err().at, None);
    }
}
