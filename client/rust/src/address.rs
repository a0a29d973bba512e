use std::fmt;

/// The port where a server listens for gRPC where nothing else is said.
pub const DEFAULT_PORT: u16 = 50051;

/// What the end of an error about an address says.
const EXPECTED: &str =
    "expected host:port, http://host:port (plain text), https://host:port (TLS) or unix:/path";

/// How many bytes the path of a unix socket may have.
const MAX_SOCKET_PATH: usize = 107;

/// Where a server is and how it is spoken to.
///
/// It is read from text ([`str::parse`]): `host:port` or `host`, which is plain text
/// at [`DEFAULT_PORT`]; `http://` and `grpc://` (plain text), `https://` and `grpcs://`
/// (TLS); `unix:/path`, a socket of this machine. IPv6 addresses stand in brackets
/// where a port follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) target: Target,
    pub(crate) tls: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Host, in brackets where it is an IPv6 address, and port.
    Tcp(String, u16),
    /// The path of a socket.
    Unix(String),
}

/// Says what was received in place of an address and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Reports whether calls to this address go by TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Unix(path) => write!(f, "unix:{path}"),
            Target::Tcp(host, port) => {
                let scheme = if self.tls { "https" } else { "http" };
                write!(f, "{scheme}://{host}:{port}")
            }
        }
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError(format!(
                "received no address of a server, {EXPECTED}"
            )));
        }
        if text.starts_with('/') || text.starts_with("./") {
            return Err(AddressError(format!(
                "received the path {text:?}, expected unix:PATH for a socket"
            )));
        }
        if let Some(path) = strip_scheme(text, "unix:") {
            return unix(path);
        }
        for (scheme, tls, port) in [
            ("http://", false, 80),
            ("https://", true, 443),
            ("grpc://", false, DEFAULT_PORT),
            ("grpcs://", true, DEFAULT_PORT),
        ] {
            if let Some(rest) = strip_scheme(text, scheme) {
                return tcp(rest, port, tls);
            }
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(AddressError(format!(
                "received an address that begins with {:?}, {EXPECTED}",
                format!("{scheme}://")
            )));
        }
        tcp(text, DEFAULT_PORT, false)
    }
}

/// Takes a scheme, in any case, off the front.
fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme)
        .then(|| &text[scheme.len()..])
}

fn unix(path: &str) -> Result<Address, AddressError> {
    let path = match path.strip_prefix("//") {
        Some(absolute) if !absolute.starts_with('/') => {
            return Err(AddressError(format!(
                "received the address {:?}, expected unix:///absolute/path or unix:path",
                format!("unix://{absolute}")
            )));
        }
        Some(absolute) => absolute,
        None => path,
    };
    if path.trim_matches('/').is_empty() {
        return Err(AddressError(
            "received the address unix: without a path, expected unix:/path".into(),
        ));
    }
    if path.len() > MAX_SOCKET_PATH {
        return Err(AddressError(format!(
            "received a socket's path of {} bytes, expected at most {MAX_SOCKET_PATH}, which is the system's limit",
            path.len()
        )));
    }
    Ok(Address {
        target: Target::Unix(path.into()),
        tls: false,
    })
}

fn tcp(text: &str, default_port: u16, tls: bool) -> Result<Address, AddressError> {
    if text.contains('@') {
        return Err(AddressError(format!(
            "received an address with a user in it, {EXPECTED}"
        )));
    }
    let text = text.strip_suffix('/').unwrap_or(text);
    let (host, port) = split_port(text)?;
    let bad_character = |c: char| c.is_whitespace() || "/?#\"'".contains(c);
    if host.is_empty() || host.contains(bad_character) {
        return Err(AddressError(format!(
            "received the address {text:?}, {EXPECTED}"
        )));
    }
    let port = match port {
        None => default_port,
        Some(digits) => match digits.parse::<u16>() {
            Ok(number) if number > 0 => number,
            _ => {
                return Err(AddressError(format!(
                    "received port {digits:?} in the address {text:?}, expected a number from 1 to 65535"
                )));
            }
        },
    };
    Ok(Address {
        target: Target::Tcp(host, port),
        tls,
    })
}

/// Splits `host:port`; the host of an IPv6 address has its brackets.
fn split_port(text: &str) -> Result<(String, Option<&str>), AddressError> {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((format!("[{text}]"), None));
    }
    if let Some((host, after)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(AddressError(format!(
                "received {host:?} in brackets, expected an IPv6 address such as [::1]:{DEFAULT_PORT}"
            )));
        }
        return match after.strip_prefix(':') {
            Some(port) => Ok((format!("[{host}]"), Some(port))),
            None if after.is_empty() => Ok((format!("[{host}]"), None)),
            None => Err(AddressError(format!(
                "received the address {text:?}, {EXPECTED}"
            ))),
        };
    }
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => Err(AddressError(format!(
            "received the address {text:?}, expected an IPv6 address in brackets, as in [::1]:{DEFAULT_PORT}"
        ))),
        Some((host, "")) => Ok((host.into(), None)),
        Some((host, port)) => Ok((host.into(), Some(port))),
        None => Ok((text.into(), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (give, want) in [
            ("localhost", "http://localhost:50051"),
            (" localhost:9 ", "http://localhost:9"),
            ("localhost:", "http://localhost:50051"),
            ("HTTP://h/", "http://h:80"),
            ("https://h", "https://h:443"),
            ("grpcs://h", "https://h:50051"),
            ("::1", "http://[::1]:50051"),
            ("[::1]:7", "http://[::1]:7"),
            ("[::1]", "http://[::1]:50051"),
            ("unix:/run/s.sock", "unix:/run/s.sock"),
            ("unix:///run/s.sock", "unix:/run/s.sock"),
        ] {
            let got = give.parse::<Address>().map(|a| a.to_string());
            assert_eq!(got.as_deref(), Ok(want), "{give:?}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for give in [
            "",
            " ",
            "/run/s.sock",
            "unix:",
            "unix://relative",
            "ftp://h",
            "h:0",
            "h:70000",
            "h:x",
            ":50051",
            "a b",
            "user@h",
            "h/path",
            "h?x",
            "[::1",
            "[h]:1",
            "::1:x:",
        ] {
            let got = give.parse::<Address>();
            let message = got.expect_err(give).to_string();
            assert!(message.starts_with("received"), "{give:?}: {message}");
        }
        let long = format!("unix:/{}", "x".repeat(MAX_SOCKET_PATH));
        assert!(long.parse::<Address>().is_err());
    }
}
