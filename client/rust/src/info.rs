use std::time::{Duration, SystemTime};

use crate::proto;

/// What a client can know before it calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerInfo {
    /// The model that was asked about; of `auto` the first that is tried.
    pub model: ModelInfo,
    /// The models that are served, each by its default version. One that is still
    /// being loaded is not among them.
    pub models: Vec<ModelInfo>,
    /// What answers calls that name no model: a [`ModelInfo::serving_name`] or `auto`.
    pub default_model: String,
    /// Among which models `auto` chooses, in the order in which they are tried. Empty:
    /// there is no `auto`.
    pub auto_models: Vec<String>,
    /// What the server accepts.
    pub limits: Limits,
    /// What the server was built from.
    pub build: BuildInfo,
    /// Whether calls need a bearer token.
    pub token_needed: bool,
    /// Whether the server keeps galleries ([`crate::Client::galleries`]).
    pub galleries: bool,
}

/// A model that the server serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelInfo {
    /// Its name, such as `siamese-omniglot`.
    pub name: String,
    /// The folder that it was loaded from.
    pub version: String,
    /// The lower-case hexadecimal SHA-256 of its weights: two models with the same
    /// digest give the same embeddings.
    pub digest: String,
    /// Columns of the network's input.
    pub input_width: u32,
    /// Rows of the network's input.
    pub input_height: u32,
    /// How many numbers an embedding has.
    pub embedding_length: u32,
    /// The similarity, 0 to 1, from which the verdict is "same" by default.
    pub threshold: f32,
    /// How a picture is brought to the input's size.
    pub resize_rule: String,
    /// Where it runs, such as `cpu` or `gpu:0`.
    pub device: String,
    /// What it computes in, such as `float32`; may be empty.
    pub precision: String,
    /// The name by which calls ask for it ([`crate::Options::model`]).
    pub serving_name: String,
    /// What it is for in a word or two; may be empty.
    pub title: String,
    /// What it knows in a sentence or two; may be empty.
    pub knows: String,
    /// The familiarity, 0 to 1, below which an image is foreign to it. 0: it does not
    /// tell familiarity.
    pub familiarity_bound: f32,
}

/// What the server accepts. What is over a limit is refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Bytes of one message, in either direction.
    pub max_message_bytes: u64,
    /// Bytes of one encoded image.
    pub max_image_bytes: u64,
    /// Pixels of one image.
    pub max_image_pixels: u64,
    /// How many times the shorter side the longer one may be.
    pub max_side_ratio: u32,
    /// Pairs of one call; [`crate::Client::batch`] makes several.
    pub max_pairs: u32,
    /// Candidates of one call; [`crate::Client::rank`] makes several.
    pub max_candidates: u32,
    /// Images of one call; [`crate::Client::embed`] makes several.
    pub max_images: u32,
    /// Views of a picture that a call may ask for
    /// ([`crate::Options::test_time_views`]). 0 or 1: the picture alone.
    pub max_test_time_views: u32,
    /// Images of one call that may wait for the encoder.
    pub max_queued_images: u32,
    /// References that one stream may hold.
    pub max_stream_references: u32,
    /// Frames and pairs in flight on one stream.
    pub max_stream_window: u32,
    /// The deadline of a call that sets none.
    pub default_deadline: Option<Duration>,
    /// The longest deadline that a call gets.
    pub max_deadline: Option<Duration>,
    /// The formats that are decoded, such as `jpeg`.
    pub image_formats: Vec<String>,
}

/// What the server was built from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildInfo {
    /// The server's version.
    pub version: String,
    /// The revision of its source; may be empty.
    pub revision: String,
    /// The version of Go that built it.
    pub go_version: String,
    /// The version of the TensorFlow library that it runs on.
    pub tensorflow_version: String,
}

impl From<proto::GetServerInfoResponse> for ServerInfo {
    fn from(reply: proto::GetServerInfoResponse) -> Self {
        ServerInfo {
            model: reply.model.unwrap_or_default().into(),
            models: reply.models.into_iter().map(Into::into).collect(),
            default_model: reply.default_model,
            auto_models: reply.auto_models,
            limits: reply.limits.unwrap_or_default().into(),
            build: reply.build.unwrap_or_default().into(),
            galleries: reply.galleries,
            token_needed: reply.access.is_some_and(|access| access.token_needed),
        }
    }
}

impl From<proto::ModelInfo> for ModelInfo {
    fn from(model: proto::ModelInfo) -> Self {
        let reference = model.reference.unwrap_or_default();
        ModelInfo {
            name: reference.name,
            version: reference.version,
            digest: reference.digest,
            input_width: model.input_width,
            input_height: model.input_height,
            embedding_length: model.embedding_length,
            threshold: model.threshold,
            resize_rule: model.resize_rule,
            device: model.device,
            precision: model.precision,
            serving_name: model.serving_name,
            title: model.title,
            knows: model.knows,
            familiarity_bound: model.familiarity_bound,
        }
    }
}

impl From<proto::Limits> for Limits {
    fn from(limits: proto::Limits) -> Self {
        Limits {
            max_message_bytes: limits.max_message_bytes,
            max_image_bytes: limits.max_image_bytes,
            max_image_pixels: limits.max_image_pixels,
            max_side_ratio: limits.max_side_ratio,
            max_pairs: limits.max_pairs,
            max_candidates: limits.max_candidates,
            max_images: limits.max_images,
            max_test_time_views: limits.max_test_time_views,
            max_queued_images: limits.max_queued_images,
            max_stream_references: limits.max_stream_references,
            max_stream_window: limits.max_stream_window,
            default_deadline: duration(limits.default_deadline),
            max_deadline: duration(limits.max_deadline),
            image_formats: limits.image_formats,
        }
    }
}

pub(crate) fn time(sent: Option<prost_types::Timestamp>) -> Option<SystemTime> {
    sent.and_then(|time| time.try_into().ok())
}

fn duration(sent: Option<prost_types::Duration>) -> Option<Duration> {
    sent.and_then(|duration| duration.try_into().ok())
}

impl From<proto::BuildInfo> for BuildInfo {
    fn from(build: proto::BuildInfo) -> Self {
        BuildInfo {
            version: build.version,
            revision: build.revision,
            go_version: build.go_version,
            tensorflow_version: build.tensorflow_version,
        }
    }
}
