//! Why a command line cannot be used as typed.

use super::FileError;

/// Why a command line cannot be used as typed.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// An option, or a request for help.
    #[error(transparent)]
    Options(#[from] clap::Error),
    /// The configuration file that it names.
    #[error(transparent)]
    File(#[from] FileError),
}

impl UsageError {
    /// Shows it to the person who typed, and returns the exit status: 0 for help, 2 otherwise.
    pub fn show(&self) -> u8 {
        match self {
            Self::Options(error) => {
                // There is no other place to report to.
                let _ = error.print();
                u8::try_from(error.exit_code()).unwrap_or(2)
            }
            Self::File(error) => {
                eprintln!("error: {error}");
                2
            }
        }
    }
}
