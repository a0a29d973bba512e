//! The calls on a real server, whose address is in SIAMESE_ADDRESS (check.sh starts one).

#![allow(missing_docs, clippy::unwrap_used)] // a test that panics has failed

use siamese_client::{
    Client, Code, DropPolicy, DuplicateOptions, EntryOptions, EntryParts, Galleries,
    GalleryOptions, IdentifyOptions, Image, NewEntry, Options, RankOptions, StreamOptions,
};
use tokio_stream::StreamExt;

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/photos");

fn client() -> Client {
    let address = std::env::var("SIAMESE_ADDRESS").expect("SIAMESE_ADDRESS has a server's address");
    Client::connect(&address).unwrap()
}

async fn photo(name: &str) -> Image {
    Image::file(format!("{PHOTOS}/{name}")).await.unwrap()
}

#[tokio::test]
#[ignore = "needs a server: check.sh runs it"]
async fn scores_files_pixels_and_embeddings() {
    let client = client();
    assert!(client.is_serving().await.unwrap());
    let (cat, copy) = (photo("cat.jpg").await, photo("cat_copy.jpg").await);
    let options = Options {
        include_prepared: true,
        ..Default::default()
    };
    let score = client.compare(&cat, &copy, &options).await.unwrap();
    assert!(score.same && score.similarity > 0.5, "{score:?}");
    assert!(score.prepared_a.starts_with(b"\x89PNG"));

    let made = client
        .embed(&[cat.clone(), Image::default()], &Options::default())
        .await
        .unwrap();
    assert_eq!(made.results[1].as_ref().unwrap_err().reason, "IMAGE_UNSET");
    let embedding = made.results[0].as_ref().unwrap().embedding.clone();
    let by_embedding = client
        .compare(&embedding.into(), &copy, &Options::default())
        .await
        .unwrap();
    assert_eq!(by_embedding.similarity, score.similarity);

    let gray = Image::gray8(4, 4, vec![128; 16]);
    assert!(
        client
            .compare(&gray, &gray, &Options::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
#[ignore = "needs a server: check.sh runs it"]
async fn ranks_more_than_one_call_takes() {
    let client = client();
    let (cat, copy, hills) = (
        photo("cat.jpg").await,
        photo("cat_copy.jpg").await,
        photo("hills.jpg").await,
    );
    let most = client.info("").await.unwrap().limits.max_candidates as usize;
    let mut candidates = vec![hills; most + 1];
    candidates[most] = copy;
    let options = RankOptions {
        top_k: 1,
        ..Default::default()
    };
    let ranking = client.rank(&cat, &candidates, &options).await.unwrap();
    assert_eq!(ranking.matches[0].index, most);
    assert_eq!(ranking.matches.len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: check.sh runs it"]
async fn a_stream_goes_on_after_a_bad_frame() {
    let client = client();
    let frames = [
        photo("cat_copy.jpg").await,
        Image::encoded(*b"no picture"),
        photo("hills.jpg").await,
    ];
    let options = StreamOptions {
        window: 1,
        drop_policy: DropPolicy::None,
        references: vec![("cat".into(), photo("cat.jpg").await)],
        ..Default::default()
    };
    let results = client
        .score_frames(tokio_stream::iter(frames), options)
        .await
        .unwrap();
    let results: Vec<_> = results.collect().await;
    assert_eq!(results.len(), 3, "{results:?}");
    assert!(results[0].as_ref().unwrap().scores[0].same);
    assert_eq!(
        results[1].as_ref().unwrap_err().reason,
        "IMAGE_FORMAT_UNKNOWN"
    );
    assert_eq!(results[2].as_ref().unwrap().id, 2);
}

#[tokio::test]
#[ignore = "needs a server: check.sh runs it"]
async fn a_bad_reference_refuses_the_stream() {
    let options = StreamOptions {
        references: vec![("text".into(), Image::encoded(*b"no picture"))],
        ..Default::default()
    };
    let refused = client().score_frames(tokio_stream::empty(), options).await;
    let error = refused.err().expect("a bad reference is refused");
    assert_eq!(
        (error.code, error.reason.as_str()),
        (Code::InvalidArgument, "IMAGE_FORMAT_UNKNOWN")
    );
}

/// A gallery of the general model with this name, without entries.
async fn emptied(name: &str, keep_pictures: bool) -> Galleries {
    let galleries = client().galleries();
    if let Err(error) = galleries.delete(name).await {
        assert_eq!(error.reason, "GALLERY_NOT_FOUND", "{error}");
    }
    let options = GalleryOptions {
        model: "general".into(),
        keep_pictures,
        ..Default::default()
    };
    let made = galleries.create(name, &options).await.unwrap();
    assert_eq!((made.model.as_str(), made.entries), ("general", 0));
    galleries
}

#[tokio::test]
#[ignore = "needs a server: check.sh runs it"]
async fn enrolls_identifies_and_removes() {
    assert!(client().info("").await.unwrap().galleries);
    let galleries = emptied("rust", false).await;
    let cat = photo("cat.jpg").await;
    let entries = [
        NewEntry::new("cat", cat.clone())
            .thing("tom")
            .metadata("from", "garden"),
        NewEntry::new("text", Image::encoded(*b"no picture")),
        NewEntry::new("hills", photo("hills.jpg").await).metadata("from", "road"),
    ];
    for (added, unchanged) in [(2, 0), (0, 2)] {
        let entries = tokio_stream::iter(entries.clone());
        let kept = galleries.enroll("rust", entries).await.unwrap();
        assert_eq!(
            (kept.added, kept.unchanged, kept.failed),
            (added, unchanged, 1)
        );
        let failure = &kept.failures[0];
        assert_eq!((failure.id.as_str(), failure.index), ("text", 1));
        assert_eq!(failure.error.reason, "IMAGE_FORMAT_UNKNOWN");
    }

    let options = IdentifyOptions {
        min_similarity: 0.5,
        ..Default::default()
    };
    let copy = photo("cat_copy.jpg").await;
    let found = galleries.identify("rust", &copy, &options).await.unwrap();
    assert_eq!(found.matches.len(), 1, "{found:?}");
    assert!(found.matches[0].same && found.matches[0].thing == "tom");

    let parts = EntryParts {
        embedding: true,
        ..Default::default()
    };
    let entry = galleries.entry("rust", "cat", parts).await.unwrap();
    let embedding = entry.embedding.expect("it was asked for").into();
    let options = IdentifyOptions {
        filter: [("from".into(), "road".into())].into(),
        ..Default::default()
    };
    let found = galleries.identify("rust", &embedding, &options).await;
    let things = found.unwrap().matches.into_iter().map(|found| found.thing);
    assert_eq!(things.collect::<Vec<_>>(), ["hills"]);

    assert_eq!(galleries.remove("rust", &[], &["tom"]).await.unwrap(), 1);
    let gone = galleries.entry("rust", "cat", EntryParts::default()).await;
    assert_eq!(gone.unwrap_err().reason, "ENTRY_NOT_FOUND");
    assert_eq!(galleries.delete("rust").await.unwrap(), 1);
}

#[tokio::test]
#[ignore = "needs a server: check.sh runs it"]
async fn entries_come_in_pages_and_groups() {
    let galleries = emptied("rust-pages", true).await;
    let (cat, copy) = (photo("cat.jpg").await, photo("cat_copy.jpg").await);
    let most = client().info("").await.unwrap().limits.max_images as usize;
    let raw = |i: usize| Image::gray8(2, 2, (i as u32).to_be_bytes());
    let mut entries: Vec<_> = (0..most)
        .map(|i| NewEntry::new(format!("{i:03}"), raw(i)).metadata("kind", "raw"))
        .collect();
    entries.extend([NewEntry::new("cat", cat), NewEntry::new("copy", copy)]);
    let results = galleries
        .enroll_batch("rust-pages", &entries)
        .await
        .unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");

    let options = EntryOptions {
        page_size: 10,
        ..Default::default()
    };
    let listed: Vec<_> = galleries.entries("rust-pages", options).collect().await;
    let listed = listed.into_iter().map(|entry| entry.unwrap().id);
    let sent = entries.into_iter().map(|entry| entry.id);
    assert_eq!(listed.collect::<Vec<_>>(), sent.collect::<Vec<_>>());

    let removed = galleries.remove("rust-pages", &["000"], &[]).await.unwrap();
    assert_eq!(removed, 1);
    let options = DuplicateOptions::default();
    let mut groups = galleries
        .find_duplicates("rust-pages", &options)
        .await
        .unwrap();
    let mut pair = false;
    while let Some(group) = groups.next().await {
        let group = group.unwrap().entries.into_iter();
        let ids: Vec<_> = group.map(|one| one.entry.id).collect();
        pair |= ids.iter().any(|id| id == "cat") && ids.iter().any(|id| id == "copy");
    }
    assert!(pair, "the cat and its copy are in one group");
    assert_eq!(groups.done().unwrap().entries, most as u64 + 1);

    let progress = galleries.reindex("rust-pages", "").await.unwrap();
    let told: Result<Vec<_>, _> = progress.collect().await;
    let told = told.unwrap();
    let last = told.last().expect("the last progress");
    assert!(last.done && last.missing == 0, "{last:?}");
    galleries.delete("rust-pages").await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: check.sh runs it"]
async fn a_refused_stream_of_entries_says_why() {
    let endless = std::iter::repeat_n(NewEntry::new("a", photo("cat.jpg").await), 10_000);
    let endless = tokio_stream::iter(endless);
    let error = client().galleries().enroll("none", endless).await;
    assert_eq!(error.unwrap_err().reason, "GALLERY_NOT_FOUND");
}
