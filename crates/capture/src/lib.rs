//! A live interface, a capture file or flows that a gateway exports -> packets, flows and observations.
//!
//! ```no_run
//! let mut file = fleetward_capture::File::open("camera.pcapng.zst")?;
//! let mut octets = 0;
//! while let Some(packets) = file.batch()? {
//!     for packet in &packets {
//!         octets += u64::from(packet.wire);
//!     }
//! }
//! println!("{octets} octets in {} packets", file.summary().packets);
//! # Ok::<(), fleetward_capture::Error>(())
//! ```
//!
//! # Invariants
//!
//! * **What was read counts.** An error says where, and how many packets came before it; a file that is cut at its end is no error.
//! * **Bounded.** No record, window or ratio of compression of a hostile file makes memory grow beyond a constant.
//! * **Losses are counted**, by the kernel's own numbers where a live interface drops.

mod batch;
mod error;
mod export;
mod file;
mod live;
mod pcap;
mod pcapng;
mod pipe;
mod totals;
mod unpack;
mod window;
mod write;

pub use batch::{Batch, Packet, Packets};
pub use error::{Damage, Error, Place};
pub use export::{ExportCounts, Exported};
pub use file::{File, Summary, read};
pub use live::{Counted, Live, LiveError, LiveOptions};
pub use totals::{Growth, Sum, Total, TotalLimits, Totals};
pub use write::{COLUMNS, Row, csv_heading, csv_row, json_row};
