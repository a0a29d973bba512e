//! What the client makes of a server's answers, with a server of its own that gives
//! them: it can't be asked of a real one to be busy at the right moment.

#![allow(missing_docs, clippy::unwrap_used)] // a test that panics has failed

mod galleries;

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use siamese_client::proto::gallery_service_server::GalleryServiceServer;
use siamese_client::proto::siamese_service_server::{SiameseService, SiameseServiceServer};
use siamese_client::proto::{self, stream_compare_response::Message as Told};
use siamese_client::{Client, Code, Image, Options, RankOptions, Retry, StreamOptions};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

/// A server that scores a pair by the first bytes of its images, 100 being 1.
#[derive(Clone, Default)]
struct Fake {
    /// How many calls are refused before one is answered, and with what.
    refusals: Arc<Mutex<Vec<Status>>>,
    calls: Arc<AtomicUsize>,
    sizes: Arc<Mutex<Vec<usize>>>,
    token: Arc<Mutex<String>>,
}

impl Fake {
    fn refusing(refusals: impl IntoIterator<Item = Status>) -> Self {
        let mut refusals: Vec<Status> = refusals.into_iter().collect();
        refusals.reverse();
        Fake {
            refusals: Arc::new(Mutex::new(refusals)),
            ..Fake::default()
        }
    }

    fn admit<T>(&self, request: &Request<T>, items: usize) -> Result<(), Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(shown) = request.metadata().get("authorization") {
            *self.token.lock().unwrap() = shown.to_str().unwrap().to_owned();
        }
        if let Some(refusal) = self.refusals.lock().unwrap().pop() {
            return Err(refusal);
        }
        self.sizes.lock().unwrap().push(items);
        Ok(())
    }

    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(SiameseServiceServer::new(self.clone()))
                .add_service(GalleryServiceServer::new(self.clone()))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        address
    }
}

fn first_byte(image: Option<proto::Image>) -> f32 {
    match image.and_then(|image| image.source) {
        Some(proto::image::Source::Encoded(bytes)) => f32::from(bytes[0]) / 100.0,
        _ => 0.0,
    }
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl SiameseService for Fake {
    type StreamCompareStream = Replies<proto::StreamCompareResponse>;

    async fn compare(
        &self,
        request: Request<proto::CompareRequest>,
    ) -> Result<Response<proto::CompareResponse>, Status> {
        self.admit(&request, 1)?;
        let similarity = first_byte(request.into_inner().image_b);
        Ok(Response::new(proto::CompareResponse {
            similarity,
            ..Default::default()
        }))
    }

    async fn batch_compare(
        &self,
        request: Request<proto::BatchCompareRequest>,
    ) -> Result<Response<proto::BatchCompareResponse>, Status> {
        let pairs = request.get_ref().pairs.len();
        self.admit(&request, pairs)?;
        let results = request
            .into_inner()
            .pairs
            .into_iter()
            .enumerate()
            .map(|(i, pair)| {
                let similarity = first_byte(pair.image_b);
                let outcome = if similarity == 0.0 {
                    proto::pair_result::Outcome::Error(proto::ItemError {
                        code: 3,
                        reason: "IMAGE_UNDECODABLE".into(),
                        message: "received zeros".into(),
                        field: format!("pairs[{i}].image_b"),
                    })
                } else {
                    proto::pair_result::Outcome::Score(proto::PairScore {
                        similarity,
                        ..Default::default()
                    })
                };
                proto::PairResult {
                    outcome: Some(outcome),
                }
            });
        Ok(Response::new(proto::BatchCompareResponse {
            results: results.collect(),
            encoded_images: 1,
            ..Default::default()
        }))
    }

    async fn rank(
        &self,
        request: Request<proto::RankRequest>,
    ) -> Result<Response<proto::RankResponse>, Status> {
        let candidates = request.get_ref().candidates.len();
        self.admit(&request, candidates)?;
        let mut ranked: Vec<_> = request
            .into_inner()
            .candidates
            .into_iter()
            .enumerate()
            .map(|(i, image)| proto::RankedCandidate {
                index: i as u32,
                similarity: first_byte(Some(image)),
                ..Default::default()
            })
            .collect();
        ranked.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        Ok(Response::new(proto::RankResponse {
            ranked,
            ..Default::default()
        }))
    }

    async fn embed(
        &self,
        request: Request<proto::EmbedRequest>,
    ) -> Result<Response<proto::EmbedResponse>, Status> {
        let images = request.get_ref().images.len();
        self.admit(&request, images)?;
        let results = request
            .into_inner()
            .images
            .into_iter()
            .map(|image| proto::EmbedResult {
                outcome: Some(proto::embed_result::Outcome::Embedding(proto::Embedding {
                    values: vec![first_byte(Some(image))],
                    model_digest: "d".into(),
                })),
                ..Default::default()
            });
        Ok(Response::new(proto::EmbedResponse {
            results: results.collect(),
            ..Default::default()
        }))
    }

    async fn get_server_info(
        &self,
        _: Request<proto::GetServerInfoRequest>,
    ) -> Result<Response<proto::GetServerInfoResponse>, Status> {
        let limits = proto::Limits {
            max_pairs: 4,
            max_candidates: 3,
            max_images: 2,
            max_message_bytes: 1 << 20,
            ..Default::default()
        };
        Ok(Response::new(proto::GetServerInfoResponse {
            limits: Some(limits),
            ..Default::default()
        }))
    }

    /// Answers the opening and each frame, and breaks off at a frame whose image begins
    /// with 99.
    async fn stream_compare(
        &self,
        request: Request<Streaming<proto::StreamCompareRequest>>,
    ) -> Result<Response<Self::StreamCompareStream>, Status> {
        let replies = request.into_inner().filter_map(|message| {
            use proto::stream_compare_request::Message as Asked;
            let told = match message.ok()?.message? {
                Asked::Opening(opening) => Told::Opened(proto::StreamOpened {
                    window: opening.window,
                    ..Default::default()
                }),
                Asked::Frame(frame) => {
                    let similarity = first_byte(frame.image);
                    if similarity == 0.99 {
                        return Some(Err(Status::unavailable("gone")));
                    }
                    let score = proto::ReferenceScore {
                        reference: "r".into(),
                        similarity,
                        ..Default::default()
                    };
                    Told::FrameScored(proto::FrameScored {
                        id: frame.id,
                        scores: vec![score],
                        ..Default::default()
                    })
                }
                _ => Told::Draining(proto::Draining {}),
            };
            Some(Ok(proto::StreamCompareResponse {
                message: Some(told),
            }))
        });
        Ok(Response::new(Box::pin(replies)))
    }
}

fn busy(milliseconds: u64) -> Status {
    let mut details = ErrorDetails::with_retry_info(Some(Duration::from_millis(milliseconds)));
    details.set_error_info("QUEUE_FULL", "siamese.v1", std::collections::HashMap::new());
    Status::with_error_details(Code::ResourceExhausted, "the queue is full", details)
}

fn image(byte: u8) -> Image {
    Image::encoded(vec![byte; 8])
}

#[tokio::test]
async fn repeats_a_call_when_the_server_asks_for_it() {
    let fake = Fake::refusing([busy(1), Status::unavailable("restarts")]);
    let client = Client::connect(&fake.start().await).unwrap();
    let score = client
        .compare(&image(1), &image(50), &Options::default())
        .await
        .unwrap();
    assert_eq!(score.similarity, 0.5);
    assert_eq!(fake.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn tells_why_a_call_was_refused() {
    let fake = Fake::refusing([busy(1), busy(1)]);
    let client = Client::builder(&fake.start().await)
        .retry(Retry::NEVER)
        .build()
        .unwrap();
    let error = client
        .compare(&image(1), &image(2), &Options::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code, error.reason.as_str()),
        (Code::ResourceExhausted, "QUEUE_FULL")
    );
    assert_eq!(error.retry_in, Some(Duration::from_millis(1)));
    assert_eq!(fake.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn does_not_wait_beyond_the_deadline() {
    let fake = Fake::refusing([busy(5_000)]);
    let client = Client::connect(&fake.start().await).unwrap();
    let options = Options {
        deadline: Some(Duration::from_secs(2)),
        ..Default::default()
    };
    let error = client
        .compare(&image(1), &image(2), &options)
        .await
        .unwrap_err();
    assert_eq!(
        error.reason, "QUEUE_FULL",
        "the server's reason, not a deadline that was waited for"
    );
}

#[tokio::test]
async fn splits_a_batch_and_counts_fields_through() {
    let fake = Fake::default();
    let client = Client::connect(&fake.start().await).unwrap();
    let pairs: Vec<_> = (0..10)
        .map(|i| (image(1), image(if i == 6 { 0 } else { 10 + i })))
        .collect();
    let batch = client.batch(&pairs, &Options::default()).await.unwrap();
    assert_eq!(*fake.sizes.lock().unwrap(), [4, 4, 2]);
    assert_eq!(batch.encoded_images, 3);
    let failed = batch.results[6].as_ref().unwrap_err();
    assert_eq!(failed.field, "pairs[6].image_b");
    assert_eq!(batch.results[9].as_ref().unwrap().similarity, 0.19);
}

#[tokio::test]
async fn splits_by_the_size_of_messages() {
    let fake = Fake::default();
    let client = Client::connect(&fake.start().await).unwrap();
    let images = vec![Image::encoded(vec![1; 600 << 10]); 2];
    client.embed(&images, &Options::default()).await.unwrap();
    assert_eq!(*fake.sizes.lock().unwrap(), [1, 1]);
}

#[tokio::test]
async fn merges_the_parts_of_a_ranking() {
    let fake = Fake::default();
    let client = Client::connect(&fake.start().await).unwrap();
    let candidates: Vec<_> = [10, 40, 20, 40, 90].map(image).into();
    let options = RankOptions {
        top_k: 3,
        ..Default::default()
    };
    let ranking = client.rank(&image(1), &candidates, &options).await.unwrap();
    let order: Vec<_> = ranking.matches.iter().map(|found| found.index).collect();
    assert_eq!(order, [4, 1, 3]);
}

#[tokio::test]
async fn shows_its_token() {
    let fake = Fake::default();
    let client = Client::builder(&fake.start().await)
        .token("secret")
        .build()
        .unwrap();
    client
        .compare(&image(1), &image(2), &Options::default())
        .await
        .unwrap();
    assert_eq!(*fake.token.lock().unwrap(), "Bearer secret");
    assert!(Client::builder("localhost").token("a\nb").build().is_err());
}

#[tokio::test]
async fn tells_why_a_stream_broke_off() {
    let fake = Fake::default();
    let client = Client::connect(&fake.start().await).unwrap();
    let frames = tokio_stream::iter([image(10), image(20), image(99), image(30)]);
    let results = client
        .score_frames(
            frames,
            StreamOptions {
                window: 1,
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let results: Vec<_> = results.collect().await;
    let told: Vec<_> = results
        .iter()
        .map(|result| match result {
            Ok(frame) => format!("{} {}", frame.id, frame.scores[0].similarity),
            Err(error) => format!("{:?} {}", error.code, error.message),
        })
        .collect();
    assert_eq!(told, ["0 0.1", "1 0.2", "Unavailable gone"]);
}

#[tokio::test]
async fn tells_that_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let client = Client::builder(&address)
        .retry(Retry::NEVER)
        .build()
        .unwrap();
    let error = client
        .compare(&image(1), &image(2), &Options::default())
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
}
