//! Calls of galleries.

use std::sync::atomic::Ordering;
use std::time::Duration;

use siamese_client::proto::gallery_service_server::GalleryService;
use siamese_client::proto::{self, find_duplicates_response::Event};
use siamese_client::{
    Client, Code, DuplicateOptions, EnrollStatus, EntryOptions, GalleryOptions, IdentifyOptions,
    NewEntry,
};
use tokio_stream::{StreamExt, pending};
use tonic::{Request, Response, Status, Streaming};

use crate::{Fake, Replies, busy, image};

fn many<T: Send + 'static>(
    replies: impl IntoIterator<Item = Result<T, Status>, IntoIter: Send + 'static>,
) -> Response<Replies<T>> {
    Response::new(Box::pin(tokio_stream::iter(replies)))
}

fn gallery(name: String) -> Option<proto::Gallery> {
    Some(proto::Gallery {
        name,
        ..Default::default()
    })
}

fn failed(field: &str) -> proto::ItemError {
    proto::ItemError {
        code: 3,
        reason: "IMAGE_UNDECODABLE".into(),
        message: "received nonsense".into(),
        field: field.into(),
    }
}

/// What a gallery of the fake's does is told by its name.
#[tonic::async_trait]
impl GalleryService for Fake {
    type FindDuplicatesStream = Replies<proto::FindDuplicatesResponse>;
    type ReindexStream = Replies<proto::ReindexResponse>;

    async fn create_gallery(
        &self,
        request: Request<proto::CreateGalleryRequest>,
    ) -> Result<Response<proto::CreateGalleryResponse>, Status> {
        self.admit(&request, 1)?;
        let gallery = gallery(request.into_inner().gallery);
        Ok(Response::new(proto::CreateGalleryResponse { gallery }))
    }

    async fn get_gallery(
        &self,
        request: Request<proto::GetGalleryRequest>,
    ) -> Result<Response<proto::GetGalleryResponse>, Status> {
        self.admit(&request, 1)?;
        Ok(Response::new(proto::GetGalleryResponse::default()))
    }

    async fn list_galleries(
        &self,
        request: Request<proto::ListGalleriesRequest>,
    ) -> Result<Response<proto::ListGalleriesResponse>, Status> {
        self.admit(&request, 1)?;
        Ok(Response::new(proto::ListGalleriesResponse::default()))
    }

    async fn delete_gallery(
        &self,
        request: Request<proto::DeleteGalleryRequest>,
    ) -> Result<Response<proto::DeleteGalleryResponse>, Status> {
        self.admit(&request, 1)?;
        Ok(Response::new(proto::DeleteGalleryResponse { entries: 3 }))
    }

    /// Counts entries; one without an id fails, one named "end" breaks the call off.
    async fn enroll(
        &self,
        request: Request<Streaming<proto::EnrollRequest>>,
    ) -> Result<Response<proto::EnrollResponse>, Status> {
        self.admit(&request, 1)?;
        let mut messages = request.into_inner();
        let first = messages.message().await?.unwrap_or_default();
        if first.gallery != "stream" || first.entry.is_some() {
            return Err(Status::not_found(first.gallery));
        }
        let mut reply = proto::EnrollResponse::default();
        while let Some(message) = messages.message().await? {
            let entry = message.entry.unwrap_or_default();
            match &*entry.id {
                "end" => return Err(Status::unavailable("gone")),
                "" => reply.failures.push(proto::EnrollFailure {
                    id: String::new(),
                    index: reply.added + reply.failed,
                    error: Some(failed("entry.id")),
                }),
                _ => reply.added += 1,
            }
            reply.failed = reply.failures.len() as u64;
        }
        Ok(Response::new(reply))
    }

    async fn batch_enroll(
        &self,
        request: Request<proto::BatchEnrollRequest>,
    ) -> Result<Response<proto::BatchEnrollResponse>, Status> {
        use proto::enroll_result::Outcome;
        self.admit(&request, request.get_ref().entries.len())?;
        let request = request.into_inner();
        let answered = request.entries.len() - usize::from(request.gallery == "short");
        let entries = request.entries.into_iter().take(answered).enumerate();
        let results = entries.map(|(i, entry)| proto::EnrollResult {
            outcome: Some(match &*entry.id {
                "bad" => Outcome::Error(failed(&format!("entries[{i}].image"))),
                "odd" => Outcome::Status(9),
                _ => Outcome::Status(proto::EnrollStatus::Replaced.into()),
            }),
            ..Default::default()
        });
        Ok(Response::new(proto::BatchEnrollResponse {
            results: results.collect(),
            ..Default::default()
        }))
    }

    async fn remove_entries(
        &self,
        request: Request<proto::RemoveEntriesRequest>,
    ) -> Result<Response<proto::RemoveEntriesResponse>, Status> {
        let removed = (request.get_ref().ids.len() + 10 * request.get_ref().things.len()) as u64;
        Ok(Response::new(proto::RemoveEntriesResponse { removed }))
    }

    async fn get_entry(
        &self,
        request: Request<proto::GetEntryRequest>,
    ) -> Result<Response<proto::GetEntryResponse>, Status> {
        self.admit(&request, 1)?;
        Ok(Response::new(proto::GetEntryResponse::default()))
    }

    /// Has three pages, the second of them empty; the third is refused of "torn".
    async fn list_entries(
        &self,
        request: Request<proto::ListEntriesRequest>,
    ) -> Result<Response<proto::ListEntriesResponse>, Status> {
        self.admit(&request, 1)?;
        let request = request.into_inner();
        let (ids, next): (&[&str], _) = match &*request.page_token {
            "" => (&["a", "b"], "2"),
            "2" => (&[], "3"),
            _ if request.gallery == "torn" => return Err(Status::internal("torn")),
            _ => (&["c"], ""),
        };
        let entries = ids.iter().map(|&id| proto::Entry {
            id: id.into(),
            ..Default::default()
        });
        Ok(Response::new(proto::ListEntriesResponse {
            entries: entries.collect(),
            next_page_token: next.into(),
        }))
    }

    async fn identify(
        &self,
        request: Request<proto::IdentifyRequest>,
    ) -> Result<Response<proto::IdentifyResponse>, Status> {
        self.admit(&request, 1)?;
        let request = request.into_inner();
        let thing = format!("{:?} {:?}", request.threshold, request.filter);
        Ok(Response::new(proto::IdentifyResponse {
            matches: vec![proto::Identification {
                thing,
                similarity: 0.5,
                ..Default::default()
            }],
            ..Default::default()
        }))
    }

    async fn find_duplicates(
        &self,
        request: Request<proto::FindDuplicatesRequest>,
    ) -> Result<Response<Self::FindDuplicatesStream>, Status> {
        self.admit(&request, 1)?;
        let told = |event| Ok(proto::FindDuplicatesResponse { event: Some(event) });
        let group = told(Event::Group(proto::DuplicateGroup {
            omitted_entries: 7,
            ..Default::default()
        }));
        let done = told(Event::Done(proto::DuplicatesDone {
            entries: 5,
            groups: 1,
        }));
        Ok(match &*request.into_inner().gallery {
            "cut" => many([group]),
            "torn" => many([group, Err(Status::aborted("torn"))]),
            "silent" => Response::new(Box::pin(
                tokio_stream::once(group).chain(pending::<Result<_, Status>>()),
            )),
            _ => many([group, done]),
        })
    }

    async fn reindex(
        &self,
        request: Request<proto::ReindexRequest>,
    ) -> Result<Response<Self::ReindexStream>, Status> {
        self.admit(&request, 1)?;
        let told = |encoded, done| {
            Ok(proto::ReindexResponse {
                encoded,
                done,
                ..Default::default()
            })
        };
        Ok(match &*request.into_inner().gallery {
            "cut" => many([told(1, false)]),
            _ => many([told(1, false), told(2, true), told(3, true)]),
        })
    }
}

/// Collects a stream: each item by `tell`, or its error's message.
async fn all<T>(
    stream: impl tokio_stream::Stream<Item = Result<T, siamese_client::Error>>,
    tell: impl Fn(T) -> String,
) -> Vec<String> {
    let told = stream.map(|item| item.map_or_else(|error| error.message, &tell));
    told.collect().await
}

#[tokio::test]
async fn repeats_calls_of_galleries() {
    let fake = Fake::refusing([busy(1), Status::unavailable("restarts")]);
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    assert_eq!(galleries.delete("g").await.unwrap(), 3);
    assert_eq!(fake.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn repeats_a_search_for_duplicates_until_it_is_answered() {
    let fake = Fake::refusing([busy(1)]);
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let options = DuplicateOptions::default();
    let mut found = galleries.find_duplicates("g", &options).await.unwrap();
    assert_eq!(found.done(), None);
    assert_eq!(found.next().await.unwrap().unwrap().omitted_entries, 7);
    assert!(found.next().await.is_none());
    let done = found.done().unwrap();
    assert_eq!((done.entries, done.groups), (5, 1));
    assert_eq!(fake.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn shows_the_token_and_the_deadline_ends_repeats() {
    let fake = Fake::refusing([busy(5_000)]);
    let client = Client::builder(&fake.start().await).token("secret");
    let galleries = client.build().unwrap().galleries();
    let hasty = galleries.clone().deadline(Duration::from_secs(2));
    let error = hasty.get("g").await.unwrap_err();
    assert_eq!(error.reason, "QUEUE_FULL", "not a deadline waited for");
    assert_eq!(*fake.token.lock().unwrap(), "Bearer secret");
}

#[tokio::test]
async fn an_answer_without_what_it_is_about_is_an_error() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let made = galleries.create("g", &GalleryOptions::default()).await;
    assert_eq!(made.unwrap().name, "g");
    let error = galleries.get("g").await.unwrap_err();
    assert_eq!(error.message, "received an answer without its gallery");
    let error = galleries.entry("g", "a", Default::default()).await;
    assert_eq!(
        error.unwrap_err().message,
        "received an answer without its entry"
    );
}

#[tokio::test]
async fn splits_a_list_of_entries_and_counts_fields_through() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let entries = ["a", "b", "c", "bad", "odd"].map(|id| NewEntry::new(id, image(1)));
    let results = galleries.enroll_batch("g", &entries).await.unwrap();
    assert_eq!(*fake.sizes.lock().unwrap(), [2, 2, 1]);
    assert_eq!(results[2].as_ref().unwrap().status, EnrollStatus::Replaced);
    assert_eq!(results[3].as_ref().unwrap_err().field, "entries[3].image");
    let odd = &results[4].as_ref().unwrap_err().message;
    assert_eq!(odd, "received an entry's status 9, expected 1 to 3");
}

#[tokio::test]
async fn splits_entries_by_the_size_of_messages() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let entry = NewEntry::new("a", image(1)).metadata("k", "v".repeat(600 << 10));
    galleries
        .enroll_batch("g", &[entry.clone(), entry])
        .await
        .unwrap();
    assert_eq!(*fake.sizes.lock().unwrap(), [1, 1]);
}

#[tokio::test]
async fn a_result_for_each_entry_is_expected() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let entries = [NewEntry::new("a", image(1)), NewEntry::new("b", image(1))];
    let error = galleries.enroll_batch("short", &entries).await.unwrap_err();
    assert_eq!(
        error.message,
        "received 1 results, expected one for each of 2 entries"
    );
}

#[tokio::test]
async fn enrolls_a_stream() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let entries = ["a", "", "c"].map(|id| NewEntry::new(id, image(1)).thing("t"));
    let entries = tokio_stream::iter(entries);
    let kept = galleries.enroll("stream", entries).await.unwrap();
    assert_eq!((kept.added, kept.failed), (2, 1));
    let failure = &kept.failures[0];
    assert_eq!((failure.index, &*failure.error.field), (1, "entry.id"));
}

#[tokio::test]
async fn a_stream_of_entries_is_not_repeated() {
    let fake = Fake::refusing([busy(1)]);
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let error = galleries.enroll("stream", tokio_stream::empty()).await;
    assert_eq!(error.unwrap_err().reason, "QUEUE_FULL");
    assert_eq!(fake.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn tells_why_a_stream_of_entries_broke_off() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let endless = std::iter::repeat_with(|| NewEntry::new("a", image(1)));
    let entries = tokio_stream::iter([NewEntry::new("end", image(1))]);
    let entries = entries.chain(tokio_stream::iter(endless));
    let error = galleries.enroll("stream", entries).await.unwrap_err();
    assert_eq!((error.code, &*error.message), (Code::Unavailable, "gone"));
    let endless = tokio_stream::iter(endless);
    let error = galleries.enroll("none", endless).await.unwrap_err();
    assert_eq!((error.code, &*error.message), (Code::NotFound, "none"));
}

#[tokio::test]
async fn a_deadline_ends_a_stream_of_entries() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let hasty = galleries.deadline(Duration::from_millis(50));
    let error = hasty.enroll("stream", pending()).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn goes_through_pages() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let entries = galleries.entries("g", EntryOptions::default());
    assert_eq!(fake.calls.load(Ordering::SeqCst), 0, "nothing was taken");
    assert_eq!(all(entries, |entry| entry.id).await, ["a", "b", "c"]);
    assert_eq!(fake.calls.load(Ordering::SeqCst), 3);
    let torn = galleries.entries("torn", EntryOptions::default());
    assert_eq!(all(torn, |entry| entry.id).await, ["a", "b", "torn"]);

    let options = EntryOptions::default();
    let page = galleries
        .entry_page("g", &options, Some("3"))
        .await
        .unwrap();
    assert_eq!((page.entries.len(), page.next), (1, None));
}

#[tokio::test]
async fn answers_that_are_cut_off_are_no_end() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let options = DuplicateOptions::default();
    let early = "received the end of the answers, expected the one that says that they are all";
    for (name, want) in [("cut", early), ("torn", "torn")] {
        let found = galleries.find_duplicates(name, &options);
        let told = all(found.await.unwrap(), |group| {
            group.omitted_entries.to_string()
        });
        assert_eq!(told.await, ["7", want]);
    }
    let progress = galleries.reindex("cut", "").await.unwrap();
    let told = all(progress, |progress| progress.encoded.to_string());
    assert_eq!(told.await, ["1", early]);
}

#[tokio::test]
async fn a_deadline_ends_answers_that_do_not_come() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let hasty = galleries.deadline(Duration::from_secs(2));
    let options = DuplicateOptions::default();
    let mut found = hasty.find_duplicates("silent", &options).await.unwrap();
    assert_eq!(found.next().await.unwrap().unwrap().omitted_entries, 7);
    let error = found.next().await.unwrap().unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert!(found.next().await.is_none());
}

#[tokio::test]
async fn a_reindex_ends_with_what_is_done() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let progress = galleries.reindex("g", "").await.unwrap();
    let told = all(progress, |progress| progress.encoded.to_string());
    assert_eq!(told.await, ["1", "2"]);
}

#[tokio::test]
async fn sends_what_is_wished_for() {
    let fake = Fake::default();
    let galleries = Client::connect(&fake.start().await).unwrap().galleries();
    let options = IdentifyOptions {
        threshold: Some(0.0), // not the same as none
        filter: [("k".into(), "v".into())].into(),
        ..Default::default()
    };
    let found = galleries.identify("g", &image(1), &options).await.unwrap();
    assert_eq!(found.matches[0].thing, r#"Some(0.0) {"k": "v"}"#);
    let removed = galleries.remove("g", &["a", "b"], &["t"]).await.unwrap();
    assert_eq!(removed, 12);
    assert!(galleries.list().await.unwrap().is_empty());
}
