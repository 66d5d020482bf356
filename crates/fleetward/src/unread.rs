//! Why something on disk was not read, in words that say who may read it.

use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

/// What keeps somebody out: a file, or a folder above it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Barrier {
    /// The folder; `None` where it is the file itself.
    folder: Option<PathBuf>,
    owner: String,
    mode: u32,
}

/// Why `path` was not read.
pub(crate) fn why(path: &Path, error: &io::Error) -> String {
    let me = name(Uid::effective());
    words(error.kind(), &me, barrier(path).as_ref()).unwrap_or_else(|| error.to_string())
}

/// Whether there is a journal in this folder that this user may read; else what is in the way.
pub(crate) fn check_journal(folder: &Path) -> Result<(), String> {
    match std::fs::read_dir(folder) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(format!("there is no journal in {}", folder.display()))
        }
        Err(error) => Err(format!("cannot read the journal in {}: {}", folder.display(), why(folder, &error))),
    }
}

fn words(kind: ErrorKind, me: &str, barrier: Option<&Barrier>) -> Option<String> {
    match kind {
        ErrorKind::IsADirectory => Some("it is a folder; name a file".to_owned()),
        ErrorKind::PermissionDenied => {
            let Barrier { folder, owner, mode } = barrier?;
            let what = folder.as_ref().map_or("it".to_owned(), |folder| format!("the folder {}", folder.display()));
            let way = if owner == me {
                "give the owner the right to read".to_owned()
            } else {
                format!("run this as user {owner}, or let user {me} read it")
            };
            Some(format!("user {me} may not read it: {what} belongs to user {owner}, mode {mode:03o} ({way})"))
        }
        _ => None,
    }
}

/// The file, where it can be looked at; else the innermost folder above it that can: that one lets nobody through.
fn barrier(path: &Path) -> Option<Barrier> {
    let named = |path: &Path| if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() };
    path.ancestors().enumerate().find_map(|(above, path)| {
        let path = named(path);
        let found = std::fs::metadata(&path).ok()?;
        Some(Barrier {
            folder: (above > 0).then_some(path),
            owner: name(Uid::from_raw(found.uid())),
            mode: found.permissions().mode() & 0o777,
        })
    })
}

/// The user's name, or the number where there is none.
fn name(user: Uid) -> String {
    User::from_uid(user).ok().flatten().map_or_else(|| user.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_read_is_told_who_may() {
        let told = |folder: Option<&str>, owner: &str, mode| {
            let barrier = Barrier { folder: folder.map(PathBuf::from), owner: owner.to_owned(), mode };
            words(ErrorKind::PermissionDenied, "ann", Some(&barrier)).unwrap()
        };
        assert_eq!(
            told(None, "root", 0o600),
            "user ann may not read it: it belongs to user root, mode 600 (run this as user root, or let user ann read it)"
        );
        assert_eq!(
            told(Some("/etc/fleetward"), "root", 0o700),
            "user ann may not read it: the folder /etc/fleetward belongs to user root, mode 700 \
             (run this as user root, or let user ann read it)"
        );
        assert_eq!(
            told(None, "ann", 0o000),
            "user ann may not read it: it belongs to user ann, mode 000 (give the owner the right to read)"
        );
    }

    #[test]
    fn what_has_no_better_words_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let told = |path: &Path| why(path, &std::fs::read(path).unwrap_err());
        assert_eq!(told(&folder.path().join("nothing")), "No such file or directory (os error 2)");
        assert_eq!(told(folder.path()), "it is a folder; name a file");
        assert_eq!(words(ErrorKind::PermissionDenied, "ann", None), None);
    }

    #[test]
    fn what_keeps_out_is_the_file_or_what_is_above() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let found = barrier(&file).unwrap();
        assert_eq!((found.folder, found.owner, found.mode), (None, name(Uid::effective()), 0o640));
        assert_eq!(barrier(&folder.path().join("no/file")).unwrap().folder.as_deref(), Some(folder.path()));
    }
}
