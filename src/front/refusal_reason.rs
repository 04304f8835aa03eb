//! The reasons for which the server refuses a connection, a request or a session.

/// Why a connection, a request or a session was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// A web page of an origin that is not allowed.
    Origin,
    /// A browser asked for this machine under a name that is not its own.
    Host,
    /// The enforced limit on sessions is reached.
    Sessions,
    /// There is no place for another connection.
    Connections,
    /// Unfinished messages had taken all the memory there is for them.
    Memory,
}

impl RefusalReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Origin, Self::Host, Self::Sessions, Self::Connections, Self::Memory];

    /// Value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Host => "host",
            Self::Sessions => "sessions",
            Self::Connections => "connections",
            Self::Memory => "memory",
        }
    }
}
