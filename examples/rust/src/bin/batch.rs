//! Scores 100 pairs, the first picture against each other one in turn, however many
//! calls that takes: `cargo run --bin batch ADDRESS PICTURE…`.

use std::error::Error;

use siamese_client::{Client, Image, Options};

const PAIRS: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, first, others @ ..] = &arguments[..] else {
        return Err("expected the arguments ADDRESS PICTURE PICTURE…".into());
    };
    if others.is_empty() {
        return Err("received one picture, expected at least two".into());
    }
    let query = Image::file(first).await?;
    let mut pairs = Vec::new();
    for other in others.iter().cycle().take(PAIRS) {
        pairs.push((query.clone(), Image::file(other).await?));
    }
    let client = Client::connect(address)?;
    let batch = client.batch(&pairs, &Options::default()).await?;
    for (other, result) in others.iter().cycle().zip(&batch.results) {
        match result {
            Ok(score) => println!("{:.3}  {other}", score.similarity),
            Err(error) => println!("  -    {other}: {error}"),
        }
    }
    Ok(())
}
