use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Streaming;

use crate::error::Error;
use crate::galleries::Galleries;
use crate::gallery_options::EntryOptions;
use crate::gallery_results::{Entry, EntryPage};
use crate::proto::{self, find_duplicates_response::Event};
use crate::retry::late;

/// Entries of a gallery, page by page: [`Galleries::entries`] returns it. It ends after
/// an error.
pub struct Entries {
    galleries: Galleries,
    gallery: String,
    options: EntryOptions,
    taken: std::vec::IntoIter<Entry>,
    next: Next,
}

/// Where the entries after those of a page come from.
enum Next {
    /// From a page that is not asked for yet; `None`: the first.
    Page(Option<String>),
    /// From a page that is on its way.
    Asked(Pin<Box<dyn Future<Output = Result<EntryPage, Error>> + Send>>),
    /// There are no more.
    Nowhere,
}

impl Entries {
    pub(crate) fn new(galleries: Galleries, gallery: String, options: EntryOptions) -> Self {
        Entries {
            galleries,
            gallery,
            options,
            taken: Vec::new().into_iter(),
            next: Next::Page(None),
        }
    }

    fn ask(&self, page: Option<String>) -> Next {
        let (galleries, gallery) = (self.galleries.clone(), self.gallery.clone());
        let options = self.options.clone();
        Next::Asked(Box::pin(async move {
            let page = page.as_deref();
            galleries.entry_page(&gallery, &options, page).await
        }))
    }
}

impl Stream for Entries {
    type Item = Result<Entry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.taken.next() {
                return Poll::Ready(Some(Ok(entry)));
            }
            match &mut self.next {
                Next::Nowhere => return Poll::Ready(None),
                Next::Page(page) => {
                    let page = page.take();
                    self.next = self.ask(page);
                }
                Next::Asked(answer) => match ready!(answer.as_mut().poll(cx)) {
                    Ok(page) => {
                        self.taken = page.entries.into_iter();
                        self.next = page
                            .next
                            .map_or(Next::Nowhere, |token| Next::Page(Some(token)));
                    }
                    Err(error) => {
                        self.next = Next::Nowhere;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            }
        }
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("gallery", &self.gallery)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The messages of one call. The last one says that it is; the call ends where it is
/// dropped.
#[derive(Debug)]
struct Answers<M> {
    /// `None` when the last message or an error has come.
    wire: Option<Streaming<M>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<M> Answers<M> {
    fn new(wire: Streaming<M>, deadline: Option<Instant>) -> Self {
        Answers {
            wire: Some(wire),
            deadline: deadline.map(|at| Box::pin(sleep_until(at))),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<M, Error>>> {
        let Some(wire) = &mut self.wire else {
            return Poll::Ready(None);
        };
        let error = match Pin::new(wire).poll_next(cx) {
            Poll::Ready(Some(Ok(message))) => return Poll::Ready(Some(Ok(message))),
            Poll::Ready(Some(Err(status))) => Error::from(status),
            Poll::Ready(None) => Error::unexpected(
                "the end of the answers, expected the one that says that they are all",
            ),
            Poll::Pending => {
                match &mut self.deadline {
                    Some(deadline) => ready!(deadline.as_mut().poll(cx)),
                    None => return Poll::Pending,
                }
                late()
            }
        };
        self.end();
        Poll::Ready(Some(Err(error)))
    }

    fn end(&mut self) {
        (self.wire, self.deadline) = (None, None);
    }
}

/// Groups of entries that are alike, the largest similarity first:
/// [`Galleries::find_duplicates`] returns it. It ends after an error.
#[derive(Debug)]
pub struct Duplicates {
    answers: Answers<proto::FindDuplicatesResponse>,
    done: Option<DuplicatesDone>,
}

/// Entries of which each is alike to at least one other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DuplicateGroup {
    /// At most 1,000: first the one that is alike to the most others.
    pub entries: Vec<Duplicate>,
    /// How many further entries the group has.
    pub omitted_entries: u64,
}

/// An entry of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Duplicate {
    /// The entry, without its large parts.
    pub entry: Entry,
    /// Its largest similarity to another entry of the group, 0 to 1.
    pub similarity: f32,
}

/// The end of the groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DuplicatesDone {
    /// How many entries were looked at.
    pub entries: u64,
    /// How many groups there were.
    pub groups: u64,
}

impl Duplicates {
    pub(crate) fn new(
        wire: Streaming<proto::FindDuplicatesResponse>,
        deadline: Option<Instant>,
    ) -> Self {
        Duplicates {
            answers: Answers::new(wire, deadline),
            done: None,
        }
    }

    /// What was looked at; `None` before the stream has ended as it should.
    pub fn done(&self) -> Option<DuplicatesDone> {
        self.done
    }
}

impl Stream for Duplicates {
    type Item = Result<DuplicateGroup, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let answer = match ready!(self.answers.poll_next(cx)) {
                Some(Ok(answer)) => answer,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            return Poll::Ready(match answer.event {
                Some(Event::Group(group)) => Some(Ok(group.into())),
                Some(Event::Progress(_)) => continue, // not asked for
                Some(Event::Done(done)) => {
                    self.answers.end();
                    self.done = Some(DuplicatesDone {
                        entries: done.entries,
                        groups: done.groups,
                    });
                    None
                }
                None => {
                    self.answers.end();
                    Some(Err(Error::unexpected(
                        "an answer with neither a group nor their end",
                    )))
                }
            });
        }
    }
}

impl From<proto::DuplicateGroup> for DuplicateGroup {
    fn from(told: proto::DuplicateGroup) -> Self {
        let entries = told.entries.into_iter().map(|duplicate| Duplicate {
            entry: duplicate.entry.unwrap_or_default().into(),
            similarity: duplicate.similarity,
        });
        DuplicateGroup {
            entries: entries.collect(),
            omitted_entries: told.omitted_entries,
        }
    }
}

/// How far a reindex is, again and again until it is done: [`Galleries::reindex`] returns
/// it. It ends after an error; the work goes on where it is dropped.
#[derive(Debug)]
pub struct Reindexing {
    answers: Answers<proto::ReindexResponse>,
}

/// How far a gallery's move to a model is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReindexProgress {
    /// Entries whose embeddings are of the new model now.
    pub encoded: u64,
    /// Entries that have no picture to encode, or one that can't be used any more.
    pub missing: u64,
    /// Entries of the gallery.
    pub entries: u64,
    /// Whether the work has ended: this is the last progress.
    pub done: bool,
    /// Ids of entries that have to be sent again, the first 1,000; told with `done`.
    /// [`crate::EntryOptions::stale_only`] asks for all.
    pub missing_ids: Vec<String>,
}

impl Reindexing {
    pub(crate) fn new(wire: Streaming<proto::ReindexResponse>, deadline: Option<Instant>) -> Self {
        Reindexing {
            answers: Answers::new(wire, deadline),
        }
    }
}

impl Stream for Reindexing {
    type Item = Result<ReindexProgress, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let answer = ready!(self.answers.poll_next(cx));
        if matches!(&answer, Some(Ok(progress)) if progress.done) {
            self.answers.end();
        }
        Poll::Ready(answer.map(|answer| answer.map(Into::into)))
    }
}

impl From<proto::ReindexResponse> for ReindexProgress {
    fn from(told: proto::ReindexResponse) -> Self {
        ReindexProgress {
            encoded: told.encoded,
            missing: told.missing,
            entries: told.entries,
            done: told.done,
            missing_ids: told.missing_ids,
        }
    }
}
