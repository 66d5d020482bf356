//! How the program ends: "found something" and "did not run" never look alike.

use std::process::ExitCode;

/// What a command tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, nothing to report.
    Done,
    /// Done, and something was found (a failing rule test, a damaged journal).
    Found,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Found => Self::from(1),
        }
    }
}

/// Which of the codes an error deserves: 2 wrong usage or input, 3 could not finish, 4 not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The input (a flag, a file) is wrong; changing it helps.
    Input = 2,
    /// The world (network, disk, a timeout) was in the way; trying again may help.
    Unfinished = 3,
    /// A token is missing, expired or too weak.
    NotSignedIn = 4,
}

/// An error with the way out and the exit code that it deserves.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// Which exit code.
    pub(crate) fault: Fault,
    /// What is wrong, with the place.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Wrong input, with the way out.
    pub(crate) fn input(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { fault: Fault::Input, message: message.into(), hint: Some(hint.into()) }
    }

    /// Something in the way, with the way out.
    pub(crate) fn unfinished(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { fault: Fault::Unfinished, message: message.into(), hint: Some(hint.into()) }
    }

    /// Not allowed in, with the way out.
    pub(crate) fn not_signed_in(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { fault: Fault::NotSignedIn, message: message.into(), hint: Some(hint.into()) }
    }
}

/// Prints `error:`, the chain and `hint:` to standard error, and says how to end.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    use std::io::Write;
    let mut err = std::io::stderr().lock();
    let mut text = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("  because: {cause}\n"));
    }
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    if let Some(hint) = failure.and_then(|failure| failure.hint.as_ref()) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    // Nothing sensible is left to do where standard error is closed.
    drop(err.write_all(text.as_bytes()));
    ExitCode::from(failure.map_or(Fault::Unfinished, |failure| failure.fault) as u8)
}
