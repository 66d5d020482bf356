//! Reading the newest snapshot that is whole.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crossbeam_channel::bounded;
use fleetward_fleet::{Offset, PARTITIONS};
use parking_lot::Mutex;

use super::{END, HEADER, SnapshotError, files, header, io_error};
use crate::PartitionState;
use crate::group::GroupState;

/// What was found.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// All 256 partitions, or none where there is no snapshot.
    pub(crate) states: Vec<PartitionState>,
    pub(crate) groups: GroupState,
    pub(crate) path: Option<PathBuf>,
    pub(crate) problems: Vec<String>,
}

impl Loaded {
    pub(crate) fn nothing() -> Self {
        Self { states: fresh(), groups: GroupState::default(), path: None, problems: Vec::new() }
    }
}

fn fresh() -> Vec<PartitionState> {
    std::iter::repeat_with(PartitionState::default).take(PARTITIONS).collect()
}

/// Reads the newest valid snapshot of the folder, on `threads` threads. Memory beside the state: a few partitions.
pub(crate) fn load(folder: &Path, threads: usize) -> Result<Loaded, SnapshotError> {
    std::fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
    let mut loaded = Loaded::nothing();
    for path in files(folder)? {
        match read(&path, threads.max(1)) {
            Ok((states, groups)) => {
                loaded.states = states;
                loaded.groups = groups;
                loaded.path = Some(path);
                break;
            }
            Err(problem) => loaded.problems.push(format!("{}: {problem}", path.display())),
        }
    }
    Ok(loaded)
}

/// Why a file is passed over.
#[derive(Debug, thiserror::Error)]
enum Damaged {
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    #[error("no snapshot of this version of the program")]
    OtherFormat,
    #[error("partition {0} is damaged")]
    Partition(usize),
    #[error("the state of the groups is damaged")]
    Groups,
    #[error("it is not whole")]
    Short,
}

fn read(path: &Path, threads: usize) -> Result<(Vec<PartitionState>, GroupState), Damaged> {
    let file = File::open(path)?;
    let mut left = file.metadata()?.len();
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut head = [0; HEADER];
    file.read_exact(&mut head).map_err(|_| Damaged::Short)?;
    let next = Offset(u64::from_le_bytes(head[16..24].try_into().expect("eight octets")));
    if head != header(next) {
        return Err(Damaged::OtherFormat);
    }
    left -= HEADER as u64;

    let states = Mutex::new(fresh());
    let broken = Mutex::new(None);
    let (frames, work) = bounded::<(usize, u32, Vec<u8>)>(threads);
    let groups = std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for (partition, sum, bytes) in &work {
                    match Some(bytes)
                        .filter(|bytes| crc32c::crc32c(bytes) == sum)
                        .and_then(|b| PartitionState::thaw(&b))
                    {
                        Some(state) => states.lock()[partition] = state,
                        None => *broken.lock() = Some(partition),
                    }
                }
            });
        }
        let read_all = || {
            for partition in 0..PARTITIONS {
                let (sum, bytes) = frame(&mut file, &mut left)?;
                frames.send((partition, sum, bytes)).map_err(|_| Damaged::Partition(partition))?;
            }
            let (sum, bytes) = frame(&mut file, &mut left)?;
            let groups = Some(bytes).filter(|bytes| crc32c::crc32c(bytes) == sum);
            let groups = groups.and_then(|bytes| GroupState::thaw(&bytes)).ok_or(Damaged::Groups)?;
            let mut end = [0; END.len()];
            file.read_exact(&mut end).map_err(|_| Damaged::Short)?;
            if end == END { Ok(groups) } else { Err(Damaged::Short) }
        };
        let outcome = { read_all }();
        drop(frames);
        outcome
    })?;
    match broken.into_inner() {
        Some(partition) => Err(Damaged::Partition(partition)),
        None => Ok((states.into_inner(), groups)),
    }
}

/// The next checksum and what it is of. `left`: octets that the file still has.
fn frame(file: &mut impl Read, left: &mut u64) -> Result<(u32, Vec<u8>), Damaged> {
    let mut frame = [0; 12];
    file.read_exact(&mut frame).map_err(|_| Damaged::Short)?;
    let length = u64::from_le_bytes(frame[..8].try_into().expect("eight octets"));
    *left = left.checked_sub(length.saturating_add(12)).ok_or(Damaged::Short)?;
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes).map_err(|_| Damaged::Short)?;
    Ok((u32::from_le_bytes(frame[8..].try_into().expect("four octets")), bytes))
}
