//! Keeps pictures in a gallery, then says which of them a picture shows:
//! `cargo run --bin gallery ADDRESS PICTURE KEPT…`.

use std::error::Error;

use siamese_client::{Client, GalleryOptions, IdentifyOptions, Image, NewEntry};
use tokio_stream::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, picture, kept @ ..] = &arguments[..] else {
        return Err("expected the arguments ADDRESS PICTURE KEPT…".into());
    };
    let galleries = Client::connect(address)?.galleries();
    let options = GalleryOptions {
        model: "general".into(),
        keep_thumbnails: true,
        ..Default::default()
    };
    galleries.create("example", &options).await?;

    // Files are read as the server asks for them. Entries that are there already stay as
    // they are: the example can be run again.
    let entries = tokio_stream::iter(kept.to_vec()).then(|path| async {
        let image = Image::file(&path).await;
        image.map(|image| NewEntry::new(path, image))
    });
    let entries = entries.filter_map(|entry| entry.inspect_err(|err| eprintln!("{err}")).ok());
    let told = galleries.enroll("example", entries).await?;
    println!("{} added, {} there already", told.added, told.unchanged);
    for failure in told.failures {
        println!("{}: {}", failure.id, failure.error);
    }

    let image = Image::file(picture).await?;
    let options = IdentifyOptions {
        top_k: 3,
        ..Default::default()
    };
    let found = galleries.identify("example", &image, &options).await?;
    for found in found.matches {
        let verdict = if found.same { "same" } else { "different" };
        println!("{:.3} {verdict}  {}", found.similarity, found.entry.id);
    }
    Ok(())
}
