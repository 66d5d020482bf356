//! How many datagrams the kernel dropped because a socket's receive buffer was full: `/proc/net/udp` and `udp6`.

use std::net::SocketAddr;

/// Drops since the sockets were bound, summed over all sockets at this address. `None` where the kernel does not say.
pub(crate) fn at(local: SocketAddr) -> Option<u64> {
    let file = if local.is_ipv4() { "/proc/net/udp" } else { "/proc/net/udp6" };
    let table = std::fs::read_to_string(file).ok()?;
    sum(&table, local)
}

fn sum(table: &str, local: SocketAddr) -> Option<u64> {
    let address = hex(local);
    let of_us = table.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        (fields.nth(1)? == address).then_some(())?;
        fields.last()?.parse::<u64>().ok()
    });
    of_us.fold(None, |sum, drops| Some(sum.unwrap_or(0) + drops))
}

/// The address as the kernel writes it there: each 32-bit group as a number in the machine's order, then the port.
fn hex(local: SocketAddr) -> String {
    let group = |octets: &[u8]| {
        format!("{:08X}", u32::from_ne_bytes(octets.try_into().expect("an address has groups of four octets")))
    };
    let address: String = match local {
        SocketAddr::V4(v4) => group(&v4.ip().octets()),
        SocketAddr::V6(v6) => v6.ip().octets().chunks(4).map(group).collect(),
    };
    format!("{address}:{:04X}", local.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_drops_of_an_address() {
        if cfg!(target_endian = "big") {
            return;
        }
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             10: 0100007F:0714 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77 2 0 3\n\
             11: 0100007F:0714 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 78 2 0 4\n\
             12: 0100007F:0715 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 79 2 0 9\n";
        assert_eq!(sum(table, "127.0.0.1:1812".parse().unwrap()), Some(7));
        assert_eq!(sum(table, "127.0.0.1:1".parse().unwrap()), None);
        assert_eq!(hex("[::1]:1812".parse().unwrap()), "00000000000000000000000001000000:0714");
    }
}
