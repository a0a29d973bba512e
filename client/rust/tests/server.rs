//! The calls on a real server, whose address is in SIAMESE_ADDRESS (check.sh starts one).

use siamese_client::{Client, Code, DropPolicy, Image, Options, RankOptions, StreamOptions};
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
