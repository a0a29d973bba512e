use std::fmt;
use std::time::Duration;

use tokio::sync::OnceCell;
use tonic::codegen::InterceptedService;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};
use tonic::{Request, Status};

use crate::address::{Address, Target};
use crate::info::Limits;
use crate::proto::gallery_service_client::GalleryServiceClient;
use crate::proto::siamese_service_client::SiameseServiceClient;
use crate::retry::Retry;

/// How long a call may take where neither it nor the client says otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);

/// The largest reply that is taken: prepared pictures of a large call go over gRPC's
/// own 4 MiB. The server's default limit is the same.
const MAX_REPLY_BYTES: usize = 16 << 20;

/// Calls of one server. Clones share one connection; it may be used from any task.
#[derive(Clone)]
pub struct Client {
    pub(crate) stub: SiameseServiceClient<Calls>,
    pub(crate) galleries: GalleryStub,
    health: tonic_health::pb::health_client::HealthClient<Calls>,
    pub(crate) deadline: Duration,
    pub(crate) retry: Retry,
    pub(crate) limits: std::sync::Arc<OnceCell<Limits>>,
}

type Calls = InterceptedService<Channel, Bearer>;

/// The calls of galleries, as they are on the wire.
pub(crate) type GalleryStub = GalleryServiceClient<Calls>;

/// Why there is no client: the address, a certificate or the token is unusable.
#[derive(Debug)]
pub struct ConnectError(String);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConnectError {}

/// How a client is to connect and call.
#[derive(Clone)]
pub struct Builder {
    address: String,
    token: Option<String>,
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    server_name: Option<String>,
    deadline: Duration,
    retry: Retry,
}

impl Client {
    /// A client with all defaults, see [`Client::builder`].
    ///
    /// # Errors
    /// Where the address can't be read. Nothing is connected before the first call.
    pub fn connect(address: &str) -> Result<Client, ConnectError> {
        Client::builder(address).build()
    }

    /// Begins a client for a server at an address as [`Address`] reads it.
    pub fn builder(address: &str) -> Builder {
        Builder {
            address: address.to_owned(),
            token: None,
            ca: None,
            identity: None,
            server_name: None,
            deadline: DEFAULT_DEADLINE,
            retry: Retry::default(),
        }
    }

    /// Reports whether the server answers calls.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses to say.
    pub async fn is_serving(&self) -> Result<bool, crate::Error> {
        let serving = tonic_health::pb::health_check_response::ServingStatus::Serving;
        let deadline = tokio::time::Instant::now() + self.deadline;
        let reply = Retry::NEVER
            .run(deadline, |left| {
                let mut health = self.health.clone();
                let request = tonic_health::pb::HealthCheckRequest::default();
                async move { health.check(timed(request, left)).await }
            })
            .await?;
        Ok(reply.into_inner().status() == serving)
    }
}

/// A request with the time that it may take, which gRPC tells the server.
pub(crate) fn timed<T>(message: T, left: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(left);
    request
}

impl Builder {
    /// Sends a bearer token with each call; over plain text anyone on the way can
    /// read it.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Trusts these authorities, PEM, in place of the system's. Implies TLS.
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Shows the server a certificate, PEM, with its key. Implies TLS.
    #[must_use]
    pub fn identity(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// The name that the server's certificate must have. Default: the address's host.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// How long a call may take that says nothing itself, all its parts and
    /// repetitions together. Default: 60 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// When calls are repeated. Default: [`Retry::default`].
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Makes the client. Nothing is connected before the first call.
    ///
    /// # Errors
    /// Where the address, a certificate or the token is unusable. It must be called
    /// within a Tokio runtime.
    pub fn build(self) -> Result<Client, ConnectError> {
        let address: Address = self
            .address
            .parse()
            .map_err(|err| ConnectError(format!("{err}")))?;
        let calls = InterceptedService::new(self.channel(&address)?, self.bearer()?);
        Ok(Client {
            stub: SiameseServiceClient::new(calls.clone())
                .max_decoding_message_size(MAX_REPLY_BYTES),
            galleries: GalleryServiceClient::new(calls.clone())
                .max_decoding_message_size(MAX_REPLY_BYTES),
            health: tonic_health::pb::health_client::HealthClient::new(calls),
            deadline: self.deadline,
            retry: self.retry,
            limits: std::sync::Arc::default(),
        })
    }

    fn channel(&self, address: &Address) -> Result<Channel, ConnectError> {
        let explain = |err: tonic::transport::Error| ConnectError(chain(&err));
        let tls = address.tls || self.ca.is_some() || self.identity.is_some();
        match &address.target {
            Target::Unix(path) => {
                let endpoint = Endpoint::from_static("http://localhost");
                let path = path.clone();
                Ok(
                    endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
                        let path = path.clone();
                        async move {
                            let stream = tokio::net::UnixStream::connect(path).await?;
                            Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(stream))
                        }
                    })),
                )
            }
            Target::Tcp(host, port) => {
                let scheme = if tls { "https" } else { "http" };
                let mut endpoint =
                    Endpoint::from_shared(format!("{scheme}://{host}:{port}")).map_err(explain)?;
                if tls {
                    endpoint = endpoint.tls_config(self.tls()).map_err(explain)?;
                }
                Ok(endpoint.connect_lazy())
            }
        }
    }

    fn tls(&self) -> ClientTlsConfig {
        let mut tls = ClientTlsConfig::new();
        tls = match &self.ca {
            Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
            None => tls.with_native_roots(),
        };
        if let Some((certificate, key)) = &self.identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        if let Some(name) = &self.server_name {
            tls = tls.domain_name(name);
        }
        tls
    }

    fn bearer(&self) -> Result<Bearer, ConnectError> {
        let Some(token) = &self.token else {
            return Ok(Bearer(None));
        };
        format!("Bearer {token}")
            .parse()
            .map(|value| Bearer(Some(value)))
            .map_err(|_| {
                ConnectError(
                    "received a token with characters that a header can't have, expected visible ASCII".into(),
                )
            })
    }
}

/// An error with its causes.
fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut next = err.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Shows a token, where there is one, with each call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}
