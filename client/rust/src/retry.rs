use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use crate::error::{Code, Error};

/// When a unary call is repeated: after as long as the server asks for (`RetryInfo`),
/// and after a growing pause where the server could not be reached (`UNAVAILABLE`).
/// Never beyond the call's deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// How often a call is made at most. 1: it is never repeated.
    pub attempts: u32,
    /// The first pause where the server names none; each next one is twice as long.
    pub pause: Duration,
    /// The longest pause that is waited for.
    pub max_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            attempts: 5,
            pause: Duration::from_millis(100),
            max_pause: Duration::from_secs(10),
        }
    }
}

impl Retry {
    /// Never repeats a call.
    pub const NEVER: Retry = Retry {
        attempts: 1,
        pause: Duration::ZERO,
        max_pause: Duration::ZERO,
    };

    /// Calls until there is an answer, an error that will not mend itself, or no time.
    pub(crate) async fn run<T, F>(
        &self,
        deadline: Instant,
        mut call: impl FnMut(Duration) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let mut attempt = 1;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match in_time(left, call(left)).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = self.pause_after(&error, attempt) else {
                return Err(error);
            };
            if Instant::now() + pause >= deadline {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// How long to wait before the next attempt; `None` where there is to be none.
    fn pause_after(&self, error: &Error, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let pause = match error.retry_in {
            Some(asked) => asked,
            None if error.code == Code::Unavailable => {
                self.pause.saturating_mul(1 << (attempt - 1).min(16))
            }
            None => return None,
        };
        (pause <= self.max_pause).then_some(pause)
    }
}

/// Waits for an answer, as long as the call may take.
pub(crate) async fn in_time<T>(
    left: Duration,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Error> {
    match tokio::time::timeout(left, call).await {
        Ok(answer) => answer.map_err(Error::from),
        Err(_) => Err(late()),
    }
}

pub(crate) fn late() -> Error {
    Error::new(
        Code::DeadlineExceeded,
        "there was no answer within the call's deadline",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code, retry_in: Option<u64>) -> Error {
        let mut error = Error::new(code, "");
        error.retry_in = retry_in.map(Duration::from_millis);
        error
    }

    #[test]
    fn waits_as_long_as_the_server_asks() {
        let retry = Retry::default();
        let busy = error(Code::ResourceExhausted, Some(300));
        assert_eq!(
            retry.pause_after(&busy, 1),
            Some(Duration::from_millis(300))
        );
        assert_eq!(retry.pause_after(&busy, 5), None);
        let long = error(Code::ResourceExhausted, Some(60_000));
        assert_eq!(retry.pause_after(&long, 1), None);
        assert_eq!(Retry::NEVER.pause_after(&busy, 1), None);
    }

    #[test]
    fn doubles_its_own_pause() {
        let retry = Retry::default();
        let gone = error(Code::Unavailable, None);
        assert_eq!(
            retry.pause_after(&gone, 1),
            Some(Duration::from_millis(100))
        );
        assert_eq!(
            retry.pause_after(&gone, 3),
            Some(Duration::from_millis(400))
        );
        assert_eq!(
            retry.pause_after(&error(Code::InvalidArgument, None), 1),
            None
        );
    }
}
