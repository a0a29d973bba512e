//! Scores frames as they come against a reference; a bad frame tells what is wrong with
//! it and ends nothing: `cargo run --bin stream ADDRESS REFERENCE FRAME…`.

use std::error::Error;

use siamese_client::{Client, Image, StreamOptions};
use tokio_stream::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, reference, paths @ ..] = &arguments[..] else {
        return Err("expected the arguments ADDRESS REFERENCE FRAME…".into());
    };
    let mut frames = Vec::new();
    for path in paths {
        frames.push(Image::file(path).await?);
    }
    let options = StreamOptions {
        window: 2, // frames in flight: the more, the older the answers
        references: vec![("reference".into(), Image::file(reference).await?)],
        ..Default::default()
    };
    let client = Client::connect(address)?;
    let results = client
        .score_frames(tokio_stream::iter(frames), options)
        .await?;
    let mut results = std::pin::pin!(results);
    let mut paths = paths.iter();
    while let (Some(result), Some(path)) = (results.next().await, paths.next()) {
        match result {
            Ok(frame) => println!("{:.3}  {path}", frame.scores[0].similarity),
            Err(error) => println!("  -    {path}: {error}"),
        }
    }
    Ok(())
}
