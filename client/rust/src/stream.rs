use std::pin::Pin;
use std::time::SystemTime;

use futures_core::Stream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::client::Client;
use crate::error::{Code, Error};
use crate::image::Image;
use crate::info::time;
use crate::proto::{
    self, stream_compare_request::Message as Asked, stream_compare_response::Message as Told,
};
use crate::results::{Comparison, Familiarity, Options, name, own_or};

/// Messages that wait for the connection. One: a frame is to be new when it is sent.
const WAITING: usize = 1;

/// What happens to a frame that comes while the window is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DropPolicy {
    /// The server stops reading until there is room; no frame is lost.
    #[default]
    None,
    /// One frame waits; a newer one takes its place ([`Answer::Dropped`]).
    Latest,
}

/// How a stream is to be run.
#[derive(Clone, Debug, Default)]
pub struct StreamOptions {
    /// How many frames and pairs may be in flight. 0: as many as the server allows.
    pub window: u32,
    /// What happens to frames beyond the window.
    pub drop_policy: DropPolicy,
    /// References to begin with, each answered by [`Answer::ReferenceSet`] or
    /// [`Answer::Failed`].
    pub references: Vec<(String, Image)>,
    /// What any call may ask for. The deadline is the whole stream's; `None`: none.
    pub options: Options,
}

/// What a failed message was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A frame or pair, by its number.
    Id(u64),
    /// A reference, by its name.
    Reference(String),
    /// The server did not say.
    Unknown,
}

/// One message of the server.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A reference is stored under this name.
    ReferenceSet(String),
    /// A reference is forgotten.
    ReferenceDropped(String),
    /// A frame's scores.
    Frame(FrameScores),
    /// A pair's score.
    Pair(PairScore),
    /// The numbers of frames that newer ones replaced.
    Dropped(Vec<u64>),
    /// A message that failed; the stream goes on.
    Failed {
        /// What it was about.
        item: Item,
        /// Why.
        error: Error,
    },
    /// The server is about to end the stream: open another.
    Draining,
}

/// A frame with its scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameScores {
    /// The frame's number.
    pub id: u64,
    /// When it was taken, as the client said.
    pub captured_at: Option<SystemTime>,
    /// One score a reference, in the order that the frame asked for, else in that in
    /// which they were set.
    pub scores: Vec<ReferenceScore>,
    /// How familiar the frame is to the model; `None` where it does not tell.
    pub familiarity: Option<Familiarity>,
    /// A sentence for people where no score means much; empty otherwise.
    pub warning: String,
    /// The frame as the network saw it, a PNG file; empty unless asked for.
    pub prepared: Vec<u8>,
}

/// How a frame compares with one reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceScore {
    /// The reference's name.
    pub reference: String,
    /// 0 to 1, where 1 means the same class.
    pub similarity: f32,
    /// The verdict.
    pub same: bool,
    /// The name of the model that answered.
    pub model: String,
    /// Whether the reference is foreign to that model.
    pub foreign: bool,
}

/// A pair with its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairScore {
    /// The pair's number.
    pub id: u64,
    /// When it was taken, as the client said.
    pub captured_at: Option<SystemTime>,
    /// The score.
    pub comparison: Comparison,
}

/// Sends messages of a stream. Each call waits until the connection takes the message;
/// clones send into the same stream, which ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Sender(mpsc::Sender<proto::StreamCompareRequest>);

/// Receives the answers of a stream, in the order of the messages but for
/// [`Answer::Dropped`] and [`Answer::Draining`]. Dropping it ends the stream.
#[derive(Debug)]
pub struct Answers {
    wire: Streaming<proto::StreamCompareResponse>,
    model: String,
    threshold: f32,
    window: u32,
}

impl Client {
    /// Opens a stream of frames and pairs.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses the opening.
    pub async fn open_stream(&self, options: StreamOptions) -> Result<(Sender, Answers), Error> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut request = tonic::Request::new(ReceiverStream::new(receiver));
        if let Some(deadline) = options.options.deadline {
            request.set_timeout(deadline);
        }
        let sender = Sender(sender);
        sender.send(Asked::Opening(options.opening())).await?;
        let wire = self
            .stub
            .clone()
            .stream_compare(request)
            .await?
            .into_inner();
        let mut answers = Answers {
            wire,
            model: String::new(),
            threshold: 0.0,
            window: 0,
        };
        match answers.told().await? {
            Some(Told::Opened(opened)) => {
                answers.model = name(opened.model);
                answers.threshold = opened.threshold;
                answers.window = opened.window;
                Ok((sender, answers))
            }
            Some(other) => Err(Error::unexpected(&format!(
                "{other:?} in place of an opened stream"
            ))),
            None => Err(ended()),
        }
    }

    /// Scores frames as they come against the references, in order: one result a frame,
    /// where a bad frame has its own error and ends nothing. With
    /// [`DropPolicy::Latest`] a dropped frame has the error `ABORTED`. Frames are taken
    /// from `frames` only as fast as the server takes them.
    ///
    /// # Errors
    /// Where the stream can't be opened or a reference is refused. When the stream breaks,
    /// the last item is why, and results of frames in flight are lost.
    pub async fn score_frames<S>(
        &self,
        frames: S,
        options: StreamOptions,
    ) -> Result<impl Stream<Item = Result<FrameScores, Error>> + Send + use<S>, Error>
    where
        S: Stream<Item = Image> + Send + 'static,
    {
        let references = options.references.len();
        let (sender, mut answers) = self.open_stream(options).await?;
        for _ in 0..references {
            if let Answer::Failed { error, .. } = answers.next().await?.ok_or_else(ended)? {
                return Err(error);
            }
        }
        let (results, out) = mpsc::channel(WAITING);
        tokio::spawn(send_all(sender, frames, results.clone()));
        tokio::spawn(receive_all(answers, results));
        Ok(ReceiverStream::new(out))
    }
}

type Results = mpsc::Sender<Result<FrameScores, Error>>;

/// Sends frames numbered from 0 until there are no more, or nobody wants their results.
async fn send_all(sender: Sender, frames: impl Stream<Item = Image> + Send, results: Results) {
    let mut frames: Pin<Box<_>> = Box::pin(frames);
    let mut id = 0;
    loop {
        let frame = tokio::select! {
            () = results.closed() => return,
            frame = frames.next() => frame,
        };
        let Some(frame) = frame else { return };
        // A stream that ended tells why on its other half.
        if sender.frame(id, &frame, &[]).await.is_err() {
            return;
        }
        id += 1;
    }
}

async fn receive_all(mut answers: Answers, results: Results) {
    loop {
        let answer = tokio::select! {
            () = results.closed() => return,
            answer = answers.next() => answer,
        };
        let result = match answer {
            Ok(None) => return,
            Ok(Some(Answer::Frame(scores))) => Ok(scores),
            Ok(Some(Answer::Failed { error, .. })) => Err(error),
            Ok(Some(Answer::Dropped(ids))) => {
                for id in ids {
                    let message = format!("frame {id} was dropped for a newer one");
                    if results
                        .send(Err(Error::new(Code::Aborted, message)))
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                continue;
            }
            Ok(Some(_)) => continue,
            Err(error) => {
                let _ = results.send(Err(error)).await; // nobody may want it any more
                return;
            }
        };
        if results.send(result).await.is_err() {
            return;
        }
    }
}

impl StreamOptions {
    fn opening(self) -> proto::StreamOpening {
        let policy = match self.drop_policy {
            DropPolicy::None => proto::DropPolicy::None,
            DropPolicy::Latest => proto::DropPolicy::Latest,
        };
        proto::StreamOpening {
            window: self.window,
            drop_policy: policy.into(),
            options: Some(self.options.to_proto()),
            references: self
                .references
                .into_iter()
                .map(|(name, image)| reference(name, &image))
                .collect(),
        }
    }
}

fn reference(name: String, image: &Image) -> proto::SetReference {
    proto::SetReference {
        name,
        image: Some(image.to_proto()),
    }
}

fn ended() -> Error {
    Error::new(Code::Unavailable, "the server ended the stream")
}

impl Sender {
    /// Stores or replaces a reference.
    ///
    /// # Errors
    /// Where the stream has ended; [`Answers::next`] says why. So do the others.
    pub async fn set_reference(&self, name: impl Into<String>, image: &Image) -> Result<(), Error> {
        self.send(Asked::SetReference(reference(name.into(), image)))
            .await
    }

    /// Forgets a reference.
    ///
    /// # Errors
    /// See [`Sender::set_reference`].
    pub async fn drop_reference(&self, name: impl Into<String>) -> Result<(), Error> {
        self.send(Asked::DropReference(proto::DropReference {
            name: name.into(),
        }))
        .await
    }

    /// Has a frame scored against these references, against all for none. The answer
    /// carries `id`.
    ///
    /// # Errors
    /// See [`Sender::set_reference`].
    pub async fn frame(&self, id: u64, image: &Image, references: &[&str]) -> Result<(), Error> {
        self.send(Asked::Frame(proto::Frame {
            id,
            captured_at: Some(SystemTime::now().into()),
            image: Some(image.to_proto()),
            references: references.iter().map(|&name| name.to_owned()).collect(),
        }))
        .await
    }

    /// Has two images scored. The answer carries `id`.
    ///
    /// # Errors
    /// See [`Sender::set_reference`].
    pub async fn pair(&self, id: u64, a: &Image, b: &Image) -> Result<(), Error> {
        self.send(Asked::Pair(proto::FramePair {
            id,
            captured_at: Some(SystemTime::now().into()),
            image_a: Some(a.to_proto()),
            image_b: Some(b.to_proto()),
        }))
        .await
    }

    async fn send(&self, message: Asked) -> Result<(), Error> {
        let message = proto::StreamCompareRequest {
            message: Some(message),
        };
        self.0.send(message).await.map_err(|_| ended())
    }
}

impl Answers {
    /// How many frames and pairs may be in flight.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// The threshold that verdicts are made with.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// The name of the model that answers.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Waits for the next answer; `None` when the stream has ended as it should, after
    /// the last [`Sender`] was dropped. It may be cancelled.
    ///
    /// # Errors
    /// Why the stream ended otherwise.
    pub async fn next(&mut self) -> Result<Option<Answer>, Error> {
        Ok(match self.told().await? {
            None => None,
            Some(told) => Some(self.answer(told)?),
        })
    }

    async fn told(&mut self) -> Result<Option<Told>, Error> {
        match self.wire.message().await? {
            None => Ok(None),
            Some(reply) => match reply.message {
                Some(told) => Ok(Some(told)),
                None => Err(Error::unexpected("an empty message of a stream")),
            },
        }
    }

    fn answer(&self, told: Told) -> Result<Answer, Error> {
        Ok(match told {
            Told::Opened(_) => return Err(Error::unexpected("a second opening of a stream")),
            Told::ReferenceSet(set) => Answer::ReferenceSet(set.name),
            Told::ReferenceDropped(dropped) => Answer::ReferenceDropped(dropped.name),
            Told::FrameScored(scored) => Answer::Frame(self.frame(scored)),
            Told::PairScored(scored) => Answer::Pair(PairScore {
                id: scored.id,
                captured_at: time(scored.captured_at),
                comparison: Comparison::of_pair(
                    scored.score.unwrap_or_default(),
                    self.threshold,
                    &self.model,
                ),
            }),
            Told::FramesDropped(dropped) => Answer::Dropped(dropped.ids),
            Told::ItemFailed(failed) => Answer::Failed {
                item: match failed.item {
                    Some(proto::item_failed::Item::Id(id)) => Item::Id(id),
                    Some(proto::item_failed::Item::Reference(name)) => Item::Reference(name),
                    None => Item::Unknown,
                },
                error: failed.error.unwrap_or_default().into(),
            },
            Told::Draining(_) => Answer::Draining,
        })
    }

    fn frame(&self, scored: proto::FrameScored) -> FrameScores {
        FrameScores {
            id: scored.id,
            captured_at: time(scored.captured_at),
            scores: scored
                .scores
                .into_iter()
                .map(|score| ReferenceScore {
                    reference: score.reference,
                    similarity: score.similarity,
                    same: score.same,
                    model: own_or(score.model, &self.model),
                    foreign: score.foreign,
                })
                .collect(),
            familiarity: scored.familiarity.map(Into::into),
            warning: scored.warning,
            prepared: scored.prepared_png,
        }
    }
}
