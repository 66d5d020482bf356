//! Files that are damaged in every way.

use fleetward_fleet::{Offset, PARTITIONS};

use super::{Writer, load};
use crate::PartitionState;

fn write(folder: &std::path::Path, next: u64) -> std::path::PathBuf {
    let mut state = PartitionState::default();
    state.applied_until(Offset(next));
    let mut writer = Writer::create(folder).unwrap();
    for _ in 0..PARTITIONS {
        writer.partition(state.next(), &state.freeze()).unwrap();
    }
    let mut groups = crate::group::GroupState::default();
    groups.applied_until(Offset(next));
    writer.groups(groups.next(), &groups.freeze()).unwrap();
    writer.finish().unwrap().path
}

#[test]
fn the_last_two_are_kept_and_the_newest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load(folder.path(), 2).unwrap().path, None);
    let paths: Vec<_> = [5, 70, 600].map(|next| write(folder.path(), next)).into();
    assert!(!paths[0].exists() && paths[1].exists());
    let loaded = load(folder.path(), 2).unwrap();
    assert_eq!((loaded.path.as_ref(), loaded.states[255].next()), (Some(&paths[2]), Offset(600)));
}

#[test]
fn a_damaged_one_is_passed_over_whatever_the_damage() {
    let folder = tempfile::tempdir().unwrap();
    let old = write(folder.path(), 5);
    let new = write(folder.path(), 70);
    let whole = std::fs::read(&new).unwrap();
    for at in (0..whole.len()).step_by(97).chain([0, 9, 13, 17, 25, whole.len() - 1]) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&new, &flipped).unwrap();
        let loaded = load(folder.path(), 2).unwrap();
        assert_eq!((loaded.path.as_ref(), loaded.problems.len()), (Some(&old), 1), "flipped at {at}");
        std::fs::write(&new, &whole[..at]).unwrap();
        assert_eq!(load(folder.path(), 2).unwrap().path.as_ref(), Some(&old), "cut at {at}");
    }
    std::fs::write(&old, b"").unwrap();
    std::fs::write(&new, b"FWSTATE\n").unwrap();
    let loaded = load(folder.path(), 2).unwrap();
    assert_eq!((loaded.path, loaded.states[0].next(), loaded.problems.len()), (None, Offset(0), 2));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, b"x").unwrap();
    let error = load(&file, 1).unwrap_err();
    assert!(error.to_string().contains("taken"), "{error}");
}
