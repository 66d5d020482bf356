//! Acct-Terminate-Cause (RFC 2866 §5.10).

/// The device asked for it.
pub const USER_REQUEST: u32 = 1;
/// The radio or the line went away.
pub const LOST_CARRIER: u32 = 2;
/// The service went away.
pub const LOST_SERVICE: u32 = 3;
/// Nothing was sent for too long.
pub const IDLE_TIMEOUT: u32 = 4;
/// Session-Timeout was reached.
pub const SESSION_TIMEOUT: u32 = 5;
/// Somebody ended it: a Disconnect, an operator.
pub const ADMIN_RESET: u32 = 6;
/// The NAS is being restarted by somebody.
pub const ADMIN_REBOOT: u32 = 7;
/// The port failed.
pub const PORT_ERROR: u32 = 8;
/// The NAS failed.
pub const NAS_ERROR: u32 = 9;
/// The NAS ended it for a reason of its own.
pub const NAS_REQUEST: u32 = 10;
/// The NAS restarted without being asked.
pub const NAS_REBOOT: u32 = 11;

/// The RFC's name.
pub const fn name(cause: u32) -> Option<&'static str> {
    Some(match cause {
        1 => "User-Request",
        2 => "Lost-Carrier",
        3 => "Lost-Service",
        4 => "Idle-Timeout",
        5 => "Session-Timeout",
        6 => "Admin-Reset",
        7 => "Admin-Reboot",
        8 => "Port-Error",
        9 => "NAS-Error",
        10 => "NAS-Request",
        11 => "NAS-Reboot",
        12 => "Port-Unneeded",
        13 => "Port-Preempted",
        14 => "Port-Suspended",
        15 => "Service-Unavailable",
        16 => "Callback",
        17 => "User-Error",
        18 => "Host-Request",
        _ => return None,
    })
}
