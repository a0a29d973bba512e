use std::ops::Range;
use std::time::Duration;

use prost::Message;
use tokio::time::Instant;

use crate::client::{Client, timed};
use crate::error::Error;
use crate::image::Image;
use crate::info::{Limits, ServerInfo};
use crate::proto;
use crate::results::{
    Batch, Comparison, Embedded, Embedding, Embeddings, Match, Options, RankOptions, Ranking, name,
};
use crate::split::split;

/// What is left of a message for everything but its images.
const MESSAGE_ROOM: usize = 64 << 10;

/// What a message puts before each image.
const IMAGE_OVERHEAD: usize = 32;

impl Client {
    /// Scores two images. Their order does not matter.
    ///
    /// # Errors
    /// [`Error::field`] is `image_a` or `image_b` where one of them is at fault.
    pub async fn compare(
        &self,
        a: &Image,
        b: &Image,
        options: &Options,
    ) -> Result<Comparison, Error> {
        let request = proto::CompareRequest {
            image_a: Some(a.to_proto()),
            image_b: Some(b.to_proto()),
            options: Some(options.to_proto()),
        };
        let reply = self
            .retry
            .run(self.deadline_of(options), |left| {
                let (mut stub, request) = (self.stub.clone(), request.clone());
                async move { stub.compare(timed(request, left)).await }
            })
            .await?;
        Ok(reply.into_inner().into())
    }

    /// Scores pairs, any number: a list that is too long for one call is sent in
    /// several. A pair that fails has its own error.
    ///
    /// # Errors
    /// Where a call as a whole fails; what other calls had answered is lost then.
    pub async fn batch(&self, pairs: &[(Image, Image)], options: &Options) -> Result<Batch, Error> {
        let deadline = self.deadline_of(options);
        let limits = self.limits(deadline).await?;
        let sizes = pairs.iter().map(|(a, b)| size(a) + size(b));
        let mut batch = Batch::default();
        for range in split(sizes, most_pairs(&limits, options), room(&limits)) {
            let offset = range.start;
            let reply = self
                .batch_call(&pairs[range], options, deadline)
                .await
                .map_err(|err| err.shifted("pairs", offset))?;
            let model = name(reply.model);
            for result in reply.results {
                let result = match result.outcome {
                    Some(proto::pair_result::Outcome::Score(score)) => {
                        Ok(Comparison::of_pair(score, reply.threshold, &model))
                    }
                    Some(proto::pair_result::Outcome::Error(item)) => {
                        Err(Error::from(item).shifted("pairs", offset))
                    }
                    None => Err(Error::unexpected("a result with neither score nor error")),
                };
                batch.results.push(result);
            }
            (batch.threshold, batch.model) = (reply.threshold, model);
            batch.encoded_images += reply.encoded_images;
        }
        Ok(batch)
    }

    async fn batch_call(
        &self,
        pairs: &[(Image, Image)],
        options: &Options,
        deadline: Instant,
    ) -> Result<proto::BatchCompareResponse, Error> {
        let request = proto::BatchCompareRequest {
            pairs: pairs
                .iter()
                .map(|(a, b)| proto::ImagePair {
                    image_a: Some(a.to_proto()),
                    image_b: Some(b.to_proto()),
                })
                .collect(),
            options: Some(options.to_proto()),
        };
        let reply = self
            .retry
            .run(deadline, |left| {
                let (mut stub, request) = (self.stub.clone(), request.clone());
                async move { stub.batch_compare(timed(request, left)).await }
            })
            .await?;
        Ok(reply.into_inner())
    }

    /// Scores a query against candidates, any number, best first. A candidate that
    /// fails is in [`Ranking::failed`].
    ///
    /// # Errors
    /// Where a call as a whole fails, as it does where the query is at fault.
    pub async fn rank(
        &self,
        query: &Image,
        candidates: &[Image],
        options: &RankOptions,
    ) -> Result<Ranking, Error> {
        let deadline = self.deadline_of(&options.options);
        let limits = self.limits(deadline).await?;
        let bytes = room(&limits).saturating_sub(size(query));
        let mut ranking = Ranking::default();
        for range in split(
            candidates.iter().map(size),
            limits.max_candidates as usize,
            bytes,
        ) {
            let offset = range.start;
            let reply = self
                .rank_call(query, &candidates[range], options, deadline)
                .await
                .map_err(|err| err.shifted("candidates", offset))?;
            ranking.take(reply, offset);
        }
        ranking.settle(options.top_k as usize);
        Ok(ranking)
    }

    async fn rank_call(
        &self,
        query: &Image,
        candidates: &[Image],
        options: &RankOptions,
        deadline: Instant,
    ) -> Result<proto::RankResponse, Error> {
        let request = proto::RankRequest {
            query: Some(query.to_proto()),
            candidates: candidates.iter().map(Image::to_proto).collect(),
            top_k: options.top_k,
            min_similarity: options.min_similarity,
            options: Some(options.options.to_proto()),
        };
        let reply = self
            .retry
            .run(deadline, |left| {
                let (mut stub, request) = (self.stub.clone(), request.clone());
                async move { stub.rank(timed(request, left)).await }
            })
            .await?;
        Ok(reply.into_inner())
    }

    /// Makes the embeddings of images, any number. [`Options::threshold`] has no
    /// effect. An image that fails has its own error.
    ///
    /// # Errors
    /// Where a call as a whole fails.
    pub async fn embed(&self, images: &[Image], options: &Options) -> Result<Embeddings, Error> {
        let deadline = self.deadline_of(options);
        let limits = self.limits(deadline).await?;
        let mut embeddings = Embeddings::default();
        for range in split(
            images.iter().map(size),
            limits.max_images as usize,
            room(&limits),
        ) {
            let offset = range.start;
            let reply = self
                .embed_call(images, range, options, deadline)
                .await
                .map_err(|err| err.shifted("images", offset))?;
            embeddings.model = name(reply.model);
            embeddings.encoded_images += reply.encoded_images;
            let results = reply.results.into_iter();
            embeddings
                .results
                .extend(results.map(|result| embedded(result, offset)));
        }
        Ok(embeddings)
    }

    async fn embed_call(
        &self,
        images: &[Image],
        range: Range<usize>,
        options: &Options,
        deadline: Instant,
    ) -> Result<proto::EmbedResponse, Error> {
        let request = proto::EmbedRequest {
            images: images[range].iter().map(Image::to_proto).collect(),
            include_prepared: options.include_prepared,
            model: options.model.clone(),
        };
        let reply = self
            .retry
            .run(deadline, |left| {
                let (mut stub, request) = (self.stub.clone(), request.clone());
                async move { stub.embed(timed(request, left)).await }
            })
            .await?;
        Ok(reply.into_inner())
    }

    /// Returns what the server is and accepts, and describes a model
    /// ([`Options::model`]; empty: the default).
    ///
    /// # Errors
    /// Where the call fails, as it does for a model that is not served.
    pub async fn info(&self, model: &str) -> Result<ServerInfo, Error> {
        self.info_until(model, Instant::now() + self.deadline).await
    }

    async fn info_until(&self, model: &str, deadline: Instant) -> Result<ServerInfo, Error> {
        let request = proto::GetServerInfoRequest {
            model: model.to_owned(),
        };
        let reply = self
            .retry
            .run(deadline, |left| {
                let (mut stub, request) = (self.stub.clone(), request.clone());
                async move { stub.get_server_info(timed(request, left)).await }
            })
            .await?;
        Ok(reply.into_inner().into())
    }

    /// The server's limits, asked for once.
    pub(crate) async fn limits(&self, deadline: Instant) -> Result<Limits, Error> {
        let limits = self
            .limits
            .get_or_try_init(|| async {
                self.info_until("", deadline).await.map(|info| info.limits)
            })
            .await?;
        Ok(limits.clone())
    }

    fn deadline_of(&self, options: &Options) -> Instant {
        until(options.deadline.unwrap_or(self.deadline))
    }
}

/// When a call ends that may take this long.
pub(crate) fn until(deadline: Duration) -> Instant {
    // A deadline beyond what the clock can count is none.
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    Instant::now() + deadline.min(CENTURY)
}

impl Ranking {
    /// Takes in the ranking of some candidates, those from `offset` on.
    fn take(&mut self, reply: proto::RankResponse, offset: usize) {
        let model = name(reply.model);
        let ranked = reply.ranked.into_iter();
        self.matches
            .extend(ranked.map(|ranked| Match::new(ranked, offset, &model)));
        for failed in reply.errors {
            let error = Error::from(failed.error.unwrap_or_default());
            let error = error.shifted("candidates", offset);
            self.failed.insert(failed.index as usize + offset, error);
        }
        self.threshold = reply.threshold;
        self.model = model;
        self.familiarity = reply.familiarity.map(Into::into);
        self.warning = reply.warning;
        self.prepared_query = reply.prepared_query_png;
    }

    /// Brings the parts' matches into one order and keeps the best, all for 0.
    fn settle(&mut self, top_k: usize) {
        // Stable: within a part, equal scores are in the order of the call already.
        self.matches
            .sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        if top_k > 0 {
            self.matches.truncate(top_k);
        }
    }
}

fn embedded(result: proto::EmbedResult, offset: usize) -> Result<Embedded, Error> {
    match result.outcome {
        Some(proto::embed_result::Outcome::Embedding(embedding)) => Ok(Embedded {
            embedding: Embedding {
                values: embedding.values,
                model_digest: embedding.model_digest,
            },
            familiarity: result.familiarity.map(Into::into),
            warning: result.warning,
            prepared: result.prepared_png,
        }),
        Some(proto::embed_result::Outcome::Error(item)) => {
            Err(Error::from(item).shifted("images", offset))
        }
        None => Err(Error::unexpected(
            "a result with neither embedding nor error",
        )),
    }
}

pub(crate) fn size(image: &Image) -> usize {
    image.to_proto_ref().encoded_len() + IMAGE_OVERHEAD
}

/// How many bytes of images a message may have. A server that tells no limit, an older
/// one, has gRPC's own 4 MiB.
pub(crate) fn room(limits: &Limits) -> usize {
    let bytes = match limits.max_message_bytes {
        0 => 4 << 20,
        told => usize::try_from(told).unwrap_or(usize::MAX),
    };
    bytes.saturating_sub(MESSAGE_ROOM)
}

/// How many pairs go in one call: with several views of each picture as many as find room
/// before the encoder.
fn most_pairs(limits: &Limits, options: &Options) -> usize {
    let (most, queued) = (limits.max_pairs as usize, limits.max_queued_images as usize);
    let views = options.test_time_views as usize;
    if views <= 1 || queued == 0 {
        return most;
    }
    most.min((queued / views.saturating_mul(2)).max(1))
}
