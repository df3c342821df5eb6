//! Which process uses a port.
//!
//! Owns the search in `/proc`. Never ends a process.

use std::fs;
use std::net::SocketAddr;

/// The text to add to "address in use": the process that uses the port, if the system tells, and a hint.
pub(super) fn help(address: SocketAddr) -> String {
    let holder = holder(address.port())
        .map_or_else(String::new, |(pid, name)| format!("\nit is held by pid {pid} ({name})"));
    let stop = if holder.ends_with("(bot-hub)") { "bot-hub stop" } else { "stop it" };
    format!("{holder}\nhint: {stop}, or choose another port: --listen {}:0", address.ip())
}

/// The process that listens on a port, found in `/proc`. Only processes of the same user can be inspected.
fn holder(port: u16) -> Option<(u32, String)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode =
        tables.iter().find_map(|table| listening_inode(&fs::read_to_string(table).ok()?, port))?;
    let wanted = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = |file: fs::DirEntry| {
            fs::read_link(file.path()).is_ok_and(|link| link.to_string_lossy() == wanted)
        };
        if files.flatten().any(holds) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some((pid, name.trim().to_owned()));
        }
    }
    None
}

/// The inode of the socket in state LISTEN (`0A`) on a port, from the kernel's table.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        let (local, state) = (fields.nth(1)?, fields.nth(1)?);
        (local.ends_with(&suffix) && state == "0A").then(|| fields.nth(5).map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::listening_inode;

    #[test]
    fn the_kernels_table_names_the_socket_that_listens() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:496B 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000 0 11111 1\n\
             1: 0100007F:496B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 22222 1\n";
        assert_eq!(listening_inode(table, 18795).as_deref(), Some("22222"));
        assert_eq!(listening_inode(table, 18796), None);
    }
}
