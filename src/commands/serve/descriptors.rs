//! No more connections than the process may have open. With more than that the system would accept none at all, not
//! even one that is to be refused or asks about health.

use crate::descriptors::raise_limit;
use crate::front::places::PlaceLimits;
use crate::server::ServerOptions;

/// Kept for what is not a connection, such as videos and jobs, if there are as many. An idle server has twelve.
const OTHERS: usize = 64;

/// These options with as many connections as there can be. Warns if they are fewer than was asked for.
pub(super) fn within_limit(options: ServerOptions) -> ServerOptions {
    let Some(limit) = raise_limit() else { return options };
    let (total, per_address) =
        fitting(options.max_connections, options.max_connections_per_address, limit);
    if total < options.max_connections {
        tracing::warn!(
            limit,
            max_connections = total,
            "fewer connections are accepted, since the system allows few open files; raise that limit (`ulimit -n`, \
             LimitNOFILE= of systemd)"
        );
    }
    ServerOptions { max_connections: total, max_connections_per_address: per_address, ..options }
}

/// Connections in all and per address; the second in proportion.
fn fitting(total: usize, per_address: usize, limit: usize) -> (usize, usize) {
    let others = OTHERS.min(limit / 4) + PlaceLimits::DEFAULT.reserve;
    let fitting = limit.saturating_sub(others).clamp(1, total);
    (fitting, (per_address * fitting / total).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_limit_of_open_files() {
        for (limit, expected) in
            [(1024, (512, 256)), (608, (512, 256)), (352, (256, 128)), (64, (16, 8)), (0, (1, 1))]
        {
            assert_eq!(fitting(512, 256, limit), expected, "{limit}");
        }
    }
}
