//! Runs the cases of testdata/conformance on a server and writes one line of JSON a
//! case: `siamese-conformance ADDRESS CASES_FILE`.

mod cases;
mod galleries;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use cases::Case;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use siamese_client::{
    Answer, Client, Comparison, Embedding, Error, FrameScores, Item, Options, RankOptions,
    StreamOptions,
};

type AnyError = Box<dyn StdError>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, file] = &arguments[..] else {
        return Err("expected the arguments ADDRESS CASES_FILE".into());
    };
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let folder = Path::new(file)
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default();
    let client = Client::connect(address)?;
    for case in cases {
        let case = Case {
            folder: &folder,
            value: &case,
        };
        let mut line = json!({"case": case.text("case")});
        match run(&client, &case).await {
            Ok(results) => line["results"] = json!(results),
            Err(failure) => line["error"] = json!(told(failure)?),
        }
        println!("{line}");
    }
    Ok(())
}

/// What the service says of a failed call; what else went wrong ends the program.
fn told(failure: AnyError) -> Result<String, AnyError> {
    Ok(describe(&*failure.downcast::<Error>()?))
}

async fn run(client: &Client, case: &Case<'_>) -> Result<Vec<String>, AnyError> {
    match case.text("call") {
        "compare" => compare(client, case).await,
        "batch" => batch(client, case).await,
        "rank" => rank(client, case).await,
        "embed" => embed(client, case).await,
        "stream" => stream(client, case).await,
        "info" => info(client, case).await,
        "gallery" => galleries::gallery(client, case).await,
        other => Err(format!("received the call {other:?}").into()),
    }
}

fn options(case: &Case<'_>) -> Options {
    Options {
        model: case.text("model").to_owned(),
        threshold: case.number("threshold"),
        include_prepared: case.value["include_prepared"] == json!(true),
        test_time_views: case.number("test_time_views").unwrap_or(0.0) as u32,
        deadline: None,
    }
}

async fn compare(client: &Client, case: &Case<'_>) -> Result<Vec<String>, AnyError> {
    let a = case.image(client, &case.value["a"]).await?;
    let b = case.image(client, &case.value["b"]).await?;
    let score = client.compare(&a, &b, &options(case)).await?;
    Ok(vec![scored(&score)])
}

async fn batch(client: &Client, case: &Case<'_>) -> Result<Vec<String>, AnyError> {
    let mut pairs = Vec::new();
    for pair in case.list("pairs") {
        let a = case.image(client, &pair[0]).await?;
        pairs.push((a, case.image(client, &pair[1]).await?));
    }
    let batch = client.batch(&pairs, &options(case)).await?;
    Ok(batch
        .results
        .iter()
        .map(|result| either(result, scored))
        .collect())
}

async fn rank(client: &Client, case: &Case<'_>) -> Result<Vec<String>, AnyError> {
    let query = case.image(client, &case.value["query"]).await?;
    let candidates = case.images(client, "candidates").await?;
    let wishes = RankOptions {
        top_k: case.value["top_k"].as_u64().unwrap_or(0).try_into()?,
        min_similarity: case.number("min_similarity").unwrap_or(0.0),
        options: options(case),
    };
    let ranking = client.rank(&query, &candidates, &wishes).await?;
    let matches = ranking.matches.iter();
    let mut results: Vec<String> = matches
        .map(|found| {
            format!(
                "{} {} {}",
                found.index,
                digits(found.similarity),
                verdict(found.same)
            )
        })
        .collect();
    let failed = ranking.failed.iter();
    results.extend(failed.map(|(index, error)| format!("{index} {}", describe(error))));
    Ok(results)
}

async fn embed(client: &Client, case: &Case<'_>) -> Result<Vec<String>, AnyError> {
    let images = case.images(client, "images").await?;
    let embeddings = client.embed(&images, &options(case)).await?;
    Ok(embeddings
        .results
        .iter()
        .map(|result| either(result, |made| hash(&made.embedding)))
        .collect())
}

async fn stream(client: &Client, case: &Case<'_>) -> Result<Vec<String>, AnyError> {
    let frames = case.images(client, "frames").await?;
    let mut references = Vec::new();
    for (name, image) in case.value["references"].as_object().into_iter().flatten() {
        references.push((name.clone(), case.image(client, image).await?));
    }
    references.sort_by(|a, b| a.0.cmp(&b.0));
    let wishes = StreamOptions {
        window: 1,
        options: options(case),
        ..Default::default()
    };
    let (sender, mut answers) = client.open_stream(wishes).await?;
    tokio::spawn(async move {
        for (name, image) in &references {
            if sender.set_reference(name, image).await.is_err() {
                return; // the other half says why
            }
        }
        for (id, frame) in (0..).zip(&frames) {
            if sender.frame(id, frame, &[]).await.is_err() {
                break; // the other half says why
            }
        }
    });
    let mut results = Vec::new();
    while let Some(answer) = answers.next().await? {
        results.push(match answer {
            Answer::ReferenceSet(name) => format!("{name} ok"),
            Answer::Frame(scores) => by_name(scores),
            Answer::Failed {
                item: Item::Reference(name),
                error,
            } => format!("{name} {}", describe(&error)),
            Answer::Failed { error, .. } => describe(&error),
            other => format!("{other:?}"),
        });
    }
    Ok(results)
}

fn by_name(mut frame: FrameScores) -> String {
    frame.scores.sort_by(|a, b| a.reference.cmp(&b.reference));
    let scores = frame.scores.iter();
    let told: Vec<String> = scores
        .map(|score| format!("{}={}", score.reference, digits(score.similarity)))
        .collect();
    told.join(" ")
}

async fn info(client: &Client, case: &Case<'_>) -> Result<Vec<String>, AnyError> {
    let info = client.info(case.text("model")).await?;
    let model = &info.model;
    let mut results = vec![format!(
        "{} {} {}",
        model.name, model.digest, model.embedding_length
    )];
    results.extend(info.models.into_iter().map(|model| model.name));
    Ok(results)
}

fn either<T>(result: &Result<T, Error>, tell: impl Fn(&T) -> String) -> String {
    result.as_ref().map_or_else(describe, tell)
}

fn scored(score: &Comparison) -> String {
    let prepared = !score.prepared_a.is_empty() && !score.prepared_b.is_empty();
    let prepared = if prepared { " prepared" } else { "" };
    format!(
        "{} {}{prepared}",
        digits(score.similarity),
        verdict(score.same)
    )
}

fn verdict(same: bool) -> &'static str {
    if same { "same" } else { "different" }
}

fn hash(embedding: &Embedding) -> String {
    let values = &embedding.values;
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let sum: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{} {sum}", values.len())
}

/// CODE/REASON/FIELD, the code as gRPC writes it.
fn describe(error: &Error) -> String {
    let camel = format!("{:?}", error.code);
    let mut code = String::new();
    for (i, letter) in camel.char_indices() {
        if i > 0 && letter.is_ascii_uppercase() {
            code.push('_');
        }
        code.push(letter.to_ascii_uppercase());
    }
    format!("{code}/{}/{}", error.reason, error.field)
}

/// A number as C's `%.9g` writes it.
fn digits(value: f32) -> String {
    const DIGITS: i32 = 9;
    let scientific = format!("{:.*e}", DIGITS as usize - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..DIGITS).contains(&exponent) {
        let places = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        return trim(&format!("{value:.places$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_those_of_c() {
        for (give, want) in [
            (0.5, "0.5"),
            (1.0, "1"),
            (0.0, "0"),
            (0.1, "0.100000001"),
            (0.987_654_3, "0.987654328"),
            (0.000_123_456, "0.000123456004"),
            (1.5e-5, "1.49999996e-05"),
            (1.234_567e-20, "1.23456698e-20"),
        ] {
            assert_eq!(super::digits(give), want);
        }
    }

    #[test]
    fn codes_are_those_of_grpc() {
        let mut error = siamese_client::Error {
            code: siamese_client::Code::InvalidArgument,
            reason: "IMAGE_UNSET".into(),
            message: String::new(),
            field: "image_a".into(),
            retry_in: None,
        };
        assert_eq!(
            super::describe(&error),
            "INVALID_ARGUMENT/IMAGE_UNSET/image_a"
        );
        error.code = siamese_client::Code::NotFound;
        assert_eq!(super::describe(&error), "NOT_FOUND/IMAGE_UNSET/image_a");
    }
}
