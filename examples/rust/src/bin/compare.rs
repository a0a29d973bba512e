//! Says how alike two pictures are: `cargo run --bin compare ADDRESS A B`.

use std::error::Error;

use siamese_client::{Client, Image, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, a, b] = &arguments[..] else {
        return Err(
            "expected the arguments ADDRESS A B, such as localhost:50051 a.jpg b.jpg".into(),
        );
    };
    let client = Client::connect(address)?;
    let (a, b) = (Image::file(a).await?, Image::file(b).await?);
    let score = client.compare(&a, &b, &Options::default()).await?;
    let verdict = if score.same { "same" } else { "different" };
    println!("{:.3} {verdict}, by {}", score.similarity, score.model);
    if !score.warning.is_empty() {
        println!("{}", score.warning);
    }
    Ok(())
}
