//! Client of the Siamese image-similarity service: how alike two images are, over
//! gRPC.
//!
//! ```no_run
//! use siamese_client::{Client, Image, Options};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("localhost:50051")?;
//! let a = Image::file("a.jpg").await?;
//! let b = Image::file("b.jpg").await?;
//! let score = client.compare(&a, &b, &Options::default()).await?;
//! println!("{:.3} {}", score.similarity, if score.same { "same" } else { "different" });
//! # Ok(())
//! # }
//! ```
//!
//! [`Client`] has every call: one pair, many pairs, a query against candidates,
//! embeddings, and a stream of frames ([`Client::open_stream`],
//! [`Client::score_frames`]). [`Client::galleries`] has those of galleries: pictures that
//! the server keeps under names, to be searched. Lists of any length are split by the
//! server's limits.
//! Calls need a Tokio runtime. [`proto`] is the contract itself.

mod address;
mod calls;
mod client;
mod enroll;
mod error;
mod galleries;
mod gallery_options;
mod gallery_results;
mod gallery_streams;
mod image;
mod info;
mod results;
mod retry;
mod split;
mod stream;

pub use address::{Address, DEFAULT_PORT};
pub use client::{Builder, Client, ConnectError};
pub use error::{Code, Error};
pub use galleries::Galleries;
pub use gallery_options::{
    DuplicateOptions, EntryOptions, EntryParts, GalleryOptions, IdentifyOptions,
};
pub use gallery_results::{
    EnrollFailure, EnrollStatus, Enrolled, Enrollment, Entry, EntryPage, Gallery, Identification,
    NewEntry, ThingMatch,
};
pub use gallery_streams::{
    Duplicate, DuplicateGroup, Duplicates, DuplicatesDone, Entries, ReindexProgress, Reindexing,
};
pub use image::Image;
pub use info::{BuildInfo, Limits, ModelInfo, ServerInfo};
pub use results::{
    Batch, Comparison, Embedded, Embedding, Embeddings, Familiarity, Match, Options, RankOptions,
    Ranking,
};
pub use retry::Retry;
pub use stream::{
    Answer, Answers, DropPolicy, FrameScores, Item, PairScore, ReferenceScore, Sender,
    StreamOptions,
};

/// The contract's messages and stubs, as they are on the wire.
#[allow(missing_docs, clippy::all, unreachable_pub, rustdoc::all)]
pub mod proto {
    include!("proto/siamese.v1.rs");
}
