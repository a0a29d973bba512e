use std::fmt;
use std::time::Duration;

use tonic_types::StatusExt;

use crate::proto;

pub use tonic::Code;

/// A call or an item that the server, or the way to it, failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The gRPC status code.
    pub code: Code,
    /// The contract's reason, such as `IMAGE_UNDECODABLE`; empty where the failure
    /// came from gRPC itself.
    pub reason: String,
    /// What was received and what was expected, for a person.
    pub message: String,
    /// The field at fault, such as `image_b` or `pairs[3].image_a`; empty where none
    /// is.
    pub field: String,
    /// How long the server asks to wait before the call is repeated; `None` where it
    /// does not say.
    pub retry_in: Option<Duration>,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
            reason: String::new(),
            field: String::new(),
            retry_in: None,
        }
    }

    /// An error for a server that does not keep to the contract.
    pub(crate) fn unexpected(received: &str) -> Self {
        Error::new(Code::Internal, format!("received {received}"))
    }

    /// The error with the number in its field, such as 3 in `pairs[3].image_a`, counted
    /// from the first item of the whole list.
    pub(crate) fn shifted(mut self, list: &str, offset: usize) -> Self {
        let rest = self
            .field
            .strip_prefix(list)
            .and_then(|rest| rest.strip_prefix('['));
        if let Some((number, after)) = rest.and_then(|rest| rest.split_once(']'))
            && let Ok(number) = number.parse::<usize>()
        {
            self.field = format!("{list}[{}]{after}", number + offset);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() {
            write!(f, "{:?}: {}", self.code, self.message)
        } else {
            write!(f, "{}: {}", self.reason, self.message)
        }
    }
}

impl std::error::Error for Error {}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        let details = status.get_error_details();
        Error {
            code: status.code(),
            reason: details
                .error_info()
                .map(|info| info.reason.clone())
                .unwrap_or_default(),
            message: status.message().to_owned(),
            field: details
                .bad_request()
                .and_then(|bad| bad.field_violations.first())
                .map(|violation| violation.field.clone())
                .unwrap_or_default(),
            retry_in: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

impl From<proto::ItemError> for Error {
    fn from(item: proto::ItemError) -> Self {
        Error {
            code: Code::from_i32(item.code),
            reason: item.reason,
            message: item.message,
            field: item.field,
            retry_in: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_from_the_first_item() {
        for (give, want) in [
            ("pairs[3].image_a", "pairs[67].image_a"),
            ("pairs[0]", "pairs[64]"),
            ("pairs", "pairs"),
            ("images[3]", "images[3]"),
            ("", ""),
        ] {
            let mut error = Error::new(Code::InvalidArgument, "");
            error.field = give.into();
            assert_eq!(error.shifted("pairs", 64).field, want);
        }
    }
}
