//! Opens what can be read, and reads pipes with patience: packets that came are worth more than packets that will come.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

/// How long a pipe is waited for, in milliseconds, before the reader is told that nothing came.
const PATIENCE: u16 = 200;

/// Opens a file, a named pipe or (`-`) the standard input.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(Pipe(io::stdin())));
    }
    if fs::metadata(path)?.file_type().is_fifo() {
        // Otherwise it waits here for somebody to write.
        let pipe = fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        return Ok(Box::new(Pipe(pipe)));
    }
    Ok(Box::new(File::open(path)?))
}

/// Says [`io::ErrorKind::WouldBlock`] where nothing came for a while.
struct Pipe<R>(R);

impl<R: Read + AsFd> Read for Pipe<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wanted = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wanted, PATIENCE) {
            Ok(0) | Err(Errno::EINTR) => Err(io::ErrorKind::WouldBlock.into()),
            Ok(_) => self.0.read(buffer),
            Err(error) => Err(error.into()),
        }
    }
}
