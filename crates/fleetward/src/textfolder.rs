//! Folders of files that a person writes: rules, lists, models. A folder is read, the folders inside it are not: which file is in
//! force is to be seen at a glance. So who puts a file there is told that nobody reads it.

use std::io;
use std::path::{Path, PathBuf};

/// What is in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The wanted files, by name.
    pub(crate) files: Vec<PathBuf>,
    /// Folders in it that hold wanted files too, which nobody reads.
    pub(crate) unread: Vec<PathBuf>,
}

impl Found {
    /// For people, where nothing was left out that was meant.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.unread.iter().map(|folder| {
            let above = folder.parent().unwrap_or(Path::new("")).display();
            format!("{}: nothing in this folder is read (move its files to {above})", folder.display())
        })
    }
}

/// The wanted files of a folder.
pub(crate) fn look(folder: &Path, wanted: impl Fn(&Path) -> bool) -> io::Result<Found> {
    let mut found = Found::default();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if wanted(&path) {
            found.files.push(path);
        } else if path.is_dir() {
            found.unread.extend(holds(&path, &wanted, DEEPEST).then_some(path));
        }
    }
    found.files.sort();
    found.unread.sort();
    Ok(found)
}

/// Whether a wanted file is in there. Hidden folders are somebody's own: of git, of an editor, of replaced rules. Links to folders
/// are not followed, as they may lead in a circle.
fn holds(folder: &Path, wanted: &impl Fn(&Path) -> bool, deep: u32) -> bool {
    let is_hidden = folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let mut entries = entries.filter_map(Result::ok);
    !is_hidden
        && deep > 0
        && entries.any(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => holds(&entry.path(), wanted, deep - 1),
            _ => wanted(&entry.path()),
        })
}

/// Folders in folders that are looked into; who names the root of a disk does not wait for all of it.
const DEEPEST: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_hold_what_is_wanted_are_named() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["a.yaml", "north/deep/b.yaml", ".versions/c.yaml", "pictures/d.png"] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), "").unwrap();
        }
        std::os::unix::fs::symlink(place.path(), at("pictures/round")).unwrap();
        let found = look(place.path(), |path| path.extension().is_some_and(|end| end == "yaml")).unwrap();
        assert_eq!(found.files, [at("a.yaml")]);
        assert_eq!(found.unread, [at("north")]);
        let told: Vec<String> = found.warnings().collect();
        let folder = place.path().display();
        assert_eq!(told[0], format!("{folder}/north: nothing in this folder is read (move its files to {folder})"));
    }
}
