use std::time::Duration;

use futures_core::Stream;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tonic::Request;

use crate::calls::{room, size as image_size};
use crate::error::Error;
use crate::galleries::Galleries;
use crate::gallery_results::{Enrolled, Enrollment, NewEntry};
use crate::proto;
use crate::retry::in_time;
use crate::split::split;

/// What a message puts before an entry, its id and its thing, at most.
const ENTRY_OVERHEAD: usize = 32;

/// What a message puts before a key with its value, both together, at most.
const PAIR_OVERHEAD: usize = 32;

impl Galleries {
    /// Keeps any number of entries in one call, taken from the stream as fast as the
    /// server encodes them, and returns when all are kept for good or have failed by
    /// themselves: one that fails has its place and its error in
    /// [`Enrollment::failures`].
    ///
    /// An entry that is there already as it is stays so. Where the call fails, some may
    /// have been kept: all can be sent again. It is not repeated by itself, since what
    /// was taken from the stream is gone. Where an entry can't be made, such as of a file
    /// that can't be read, leave it out or end the stream: those before it are kept.
    ///
    /// # Errors
    /// Where the call as a whole fails; also where an entry is larger than a message may
    /// be.
    pub async fn enroll<S>(&self, gallery: &str, entries: S) -> Result<Enrollment, Error>
    where
        S: Stream<Item = NewEntry> + Send + 'static,
    {
        let first = tokio_stream::once(proto::EnrollRequest {
            gallery: gallery.to_owned(),
            entry: None,
        });
        let rest = entries.map(|entry| proto::EnrollRequest {
            gallery: String::new(),
            entry: Some(entry.into()),
        });
        let mut request = Request::new(first.chain(rest));
        let left = self.deadline.unwrap_or(Duration::MAX);
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline);
        }
        let mut stub = self.client.galleries.clone();
        let reply = in_time(left, stub.enroll(request)).await?;
        Ok(reply.into_inner().into())
    }

    /// Keeps entries, any number, and tells of each, in their order: a list that is too
    /// long for one call is sent in several. An entry that fails has its own error, and
    /// the others are kept for good.
    ///
    /// # Errors
    /// Where a call as a whole fails; what earlier ones sent is kept, and the same list
    /// can be sent again.
    pub async fn enroll_batch(
        &self,
        gallery: &str,
        entries: &[NewEntry],
    ) -> Result<Vec<Result<Enrolled, Error>>, Error> {
        let deadline = self.call_deadline();
        let limits = self.client.limits(deadline).await?;
        let mut results = Vec::with_capacity(entries.len());
        for range in split(
            entries.iter().map(size),
            limits.max_images as usize,
            room(&limits),
        ) {
            let offset = range.start;
            let shifted = |err: Error| err.shifted("entries", offset);
            let part = self.enroll_part(gallery, &entries[range], deadline);
            let part = part.await.map_err(shifted)?.into_iter();
            results.extend(part.map(|result| Enrolled::try_from(result).map_err(shifted)));
        }
        Ok(results)
    }

    async fn enroll_part(
        &self,
        gallery: &str,
        entries: &[NewEntry],
        deadline: Instant,
    ) -> Result<Vec<proto::EnrollResult>, Error> {
        let request = proto::BatchEnrollRequest {
            gallery: gallery.to_owned(),
            entries: entries.iter().cloned().map(Into::into).collect(),
        };
        let reply = self
            .ask_until(deadline, request, |mut stub, request| async move {
                stub.batch_enroll(request).await
            })
            .await?;
        if reply.results.len() != entries.len() {
            return Err(Error::unexpected(&format!(
                "{} results, expected one for each of {} entries",
                reply.results.len(),
                entries.len()
            )));
        }
        Ok(reply.results)
    }
}

/// At most how many bytes an entry adds to a message.
fn size(entry: &NewEntry) -> usize {
    let metadata = entry.metadata.iter();
    let metadata: usize = metadata
        .map(|(key, value)| key.len() + value.len() + PAIR_OVERHEAD)
        .sum();
    entry.id.len() + entry.thing.len() + metadata + image_size(&entry.image) + ENTRY_OVERHEAD
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::size;
    use crate::{Image, NewEntry, proto};

    #[test]
    fn entries_are_never_larger_than_their_size() {
        let long = "k".repeat(3000);
        for entry in [
            NewEntry::default(),
            NewEntry::new("id", Image::encoded(vec![0; 1 << 22])).thing(&*long),
            NewEntry::new(&*long, Image::reference("r"))
                .metadata("a", "b")
                .metadata(&*long, &*long),
        ] {
            let request = proto::BatchEnrollRequest {
                gallery: String::new(),
                entries: vec![entry.clone().into()],
            };
            assert!(request.encoded_len() <= size(&entry), "{}", entry.id);
        }
    }
}
