use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Error;
use crate::proto;

/// Optional wishes of a call. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The model that is to answer: `model`, `model/version`, `model/label`, or `auto`.
    /// Empty: the server's default.
    pub model: String,
    /// Replaces the model's own threshold, 0 to 1.
    pub threshold: Option<f32>,
    /// Asks for the pictures as the network saw them, as PNG files.
    pub include_prepared: bool,
    /// How many views of a picture are scored, whose mean is the similarity: the picture
    /// itself and small shifts, turns and scales of it, at most `max_test_time_views` of
    /// the server's limits. Each is one more encode for the server, of both images of a
    /// pair and of a query or frame alone. 0 or 1: the picture alone.
    pub test_time_views: u32,
    /// How long the call may take, all its parts and repetitions together. `None`: the
    /// client's ([`crate::Builder::deadline`]).
    pub deadline: Option<Duration>,
}

impl Options {
    pub(crate) fn to_proto(&self) -> proto::CompareOptions {
        proto::CompareOptions {
            include_prepared: self.include_prepared,
            threshold: self.threshold,
            model: self.model.clone(),
            test_time_views: self.test_time_views,
        }
    }
}

/// Optional wishes of [`crate::Client::rank`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankOptions {
    /// How many of the best to return. 0: all.
    pub top_k: u32,
    /// Leaves out candidates below this similarity, 0 to 1. 0: none.
    pub min_similarity: f32,
    /// What any call may ask for.
    pub options: Options,
}

/// How like the pictures that a model knows an image is to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Familiarity {
    /// The share, 0 to 1, of the pictures that the model was made for that are less
    /// familiar to it than this image.
    pub value: f32,
    /// Whether `value` is below the model's bound: similarities of this image mean
    /// little then.
    pub foreign: bool,
}

impl From<proto::Familiarity> for Familiarity {
    fn from(told: proto::Familiarity) -> Self {
        Familiarity {
            value: told.value,
            foreign: told.foreign,
        }
    }
}

/// The score of one pair.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// 0 to 1, where 1 means the same class.
    pub similarity: f32,
    /// The verdict: `similarity` >= `threshold`. Within a batch, where another model
    /// than [`Batch::model`] answered and the caller set no threshold, that model's own
    /// threshold counts instead.
    pub same: bool,
    /// The threshold of the call.
    pub threshold: f32,
    /// The name of the model that answered.
    pub model: String,
    /// How familiar the first image is to the model; `None` where it does not tell.
    pub familiarity_a: Option<Familiarity>,
    /// How familiar the second image is to the model; `None` where it does not tell.
    pub familiarity_b: Option<Familiarity>,
    /// A sentence for people where the similarity means little; empty otherwise.
    pub warning: String,
    /// The first picture as the network saw it, a PNG file; empty unless asked for.
    pub prepared_a: Vec<u8>,
    /// The second picture as the network saw it, a PNG file; empty unless asked for.
    pub prepared_b: Vec<u8>,
}

impl From<proto::CompareResponse> for Comparison {
    fn from(reply: proto::CompareResponse) -> Self {
        Comparison {
            similarity: reply.similarity,
            same: reply.same,
            threshold: reply.threshold,
            model: name(reply.model),
            familiarity_a: reply.familiarity_a.map(Into::into),
            familiarity_b: reply.familiarity_b.map(Into::into),
            warning: reply.warning,
            prepared_a: reply.prepared_a_png,
            prepared_b: reply.prepared_b_png,
        }
    }
}

impl Comparison {
    /// The score of a pair that names a model only where it is another one than that
    /// of the whole reply.
    pub(crate) fn of_pair(score: proto::PairScore, threshold: f32, model: &str) -> Self {
        Comparison {
            similarity: score.similarity,
            same: score.same,
            threshold,
            model: own_or(score.model, model),
            familiarity_a: score.familiarity_a.map(Into::into),
            familiarity_b: score.familiarity_b.map(Into::into),
            warning: score.warning,
            prepared_a: score.prepared_a_png,
            prepared_b: score.prepared_b_png,
        }
    }
}

/// The scores of many pairs.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// One result for each pair, in the order of the call. A pair that fails fails
    /// nothing else.
    pub results: Vec<Result<Comparison, Error>>,
    /// The threshold of the verdicts.
    pub threshold: f32,
    /// The name of the model that answered.
    pub model: String,
    /// How many images the encoder ran.
    pub encoded_images: u32,
}

/// A query's candidates, best first.
#[derive(Clone, Debug, Default)]
pub struct Ranking {
    /// The candidates that have a score, best first; equal ones in the order of the
    /// call.
    pub matches: Vec<Match>,
    /// Those that have none, by their place in the call.
    pub failed: BTreeMap<usize, Error>,
    /// The threshold of the verdicts.
    pub threshold: f32,
    /// The name of the model that answered.
    pub model: String,
    /// How familiar the query is to the model; `None` where it does not tell.
    pub familiarity: Option<Familiarity>,
    /// A sentence for people where no similarity means much; empty otherwise.
    pub warning: String,
    /// The query as the network saw it, a PNG file; empty unless asked for.
    pub prepared_query: Vec<u8>,
}

/// A candidate with its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    /// Its place in the call, from 0.
    pub index: usize,
    /// 0 to 1, where 1 means the same class.
    pub similarity: f32,
    /// The verdict.
    pub same: bool,
    /// The name of the model that answered.
    pub model: String,
    /// How familiar the candidate is to the model; `None` where it does not tell.
    pub familiarity: Option<Familiarity>,
    /// A sentence for people where the similarity means little; empty otherwise.
    pub warning: String,
    /// The candidate as the network saw it, a PNG file; empty unless asked for.
    pub prepared: Vec<u8>,
}

impl Match {
    pub(crate) fn new(ranked: proto::RankedCandidate, offset: usize, model: &str) -> Self {
        Match {
            index: ranked.index as usize + offset,
            similarity: ranked.similarity,
            same: ranked.same,
            model: own_or(ranked.model, model),
            familiarity: ranked.familiarity.map(Into::into),
            warning: ranked.warning,
            prepared: ranked.prepared_png,
        }
    }
}

/// What a model's encoder makes of an image. It stands for the image in calls, and
/// means something only to the model that made it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// [`crate::ModelInfo::embedding_length`] finite numbers, most of them 0.
    pub values: Vec<f32>,
    /// [`crate::ModelInfo::digest`] of the model that made it.
    pub model_digest: String,
}

/// The embeddings of many images.
#[derive(Clone, Debug, Default)]
pub struct Embeddings {
    /// One result for each image, in the order of the call. An image that fails fails
    /// nothing else.
    pub results: Vec<Result<Embedded, Error>>,
    /// The name of the model that answered.
    pub model: String,
    /// How many images the encoder ran.
    pub encoded_images: u32,
}

/// The embedding of one image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// What the encoder made of it.
    pub embedding: Embedding,
    /// How familiar the image is to the model; `None` where it does not tell.
    pub familiarity: Option<Familiarity>,
    /// A sentence for people where the image is foreign to the model; empty otherwise.
    pub warning: String,
    /// The image as the network saw it, a PNG file; empty unless asked for.
    pub prepared: Vec<u8>,
}

pub(crate) fn name(model: Option<proto::ModelReference>) -> String {
    model.map(|model| model.name).unwrap_or_default()
}

/// The name of an item's own model, else of the whole reply's.
pub(crate) fn own_or(own: Option<proto::ModelReference>, whole: &str) -> String {
    own.map_or_else(|| whole.to_owned(), |own| own.name)
}
