use std::path::Path;

use serde_json::Value;
use siamese_client::proto::{self, image::Source};
use siamese_client::{Client, Image, Options};

use crate::AnyError;

/// One case with the folder that its files are in.
pub struct Case<'a> {
    pub folder: &'a Path,
    pub value: &'a Value,
}

impl Case<'_> {
    /// The text under a key; empty where there is none.
    pub fn text(&self, key: &str) -> &str {
        self.value[key].as_str().unwrap_or_default()
    }

    pub fn number(&self, key: &str) -> Option<f32> {
        self.value[key].as_f64().map(|number| number as f32)
    }

    pub fn list(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.value[key].as_array().into_iter().flatten()
    }

    pub async fn images(&self, client: &Client, key: &str) -> Result<Vec<Image>, AnyError> {
        let mut images = Vec::new();
        for value in self.list(key) {
            images.push(self.image(client, value).await?);
        }
        Ok(images)
    }

    /// Makes the picture that a value of the case stands for.
    pub async fn image(&self, client: &Client, value: &Value) -> Result<Image, AnyError> {
        if value.is_null() {
            return Ok(Image::default());
        }
        if let Some(file) = value.as_str() {
            return Ok(Image::file(self.folder.join(file)).await?);
        }
        if let Some(name) = value["reference"].as_str() {
            return Ok(Image::reference(name));
        }
        if let Some(file) = value["raw"].as_str() {
            return self.raw(file, value);
        }
        let file = value["embedding_of"]
            .as_str()
            .ok_or_else(|| format!("received the picture {value}"))?;
        self.embedding(client, file, value).await
    }

    fn raw(&self, file: &str, value: &Value) -> Result<Image, AnyError> {
        let side = |key: &str| value[key].as_u64().unwrap_or(0).try_into();
        let format = match value["format"].as_str() {
            Some("RGB8") => proto::PixelFormat::Rgb8,
            Some("GRAY8") => proto::PixelFormat::Gray8,
            _ => proto::PixelFormat::Unspecified,
        };
        Ok(Source::Raw(proto::RawPixels {
            width: side("width")?,
            height: side("height")?,
            format: format.into(),
            data: std::fs::read(self.folder.join(file))?,
        })
        .into())
    }

    async fn embedding(
        &self,
        client: &Client,
        file: &str,
        value: &Value,
    ) -> Result<Image, AnyError> {
        let image = Image::file(self.folder.join(file)).await?;
        let model = value["model"].as_str().unwrap_or_default();
        let options = Options {
            model: model.to_owned(),
            ..Default::default()
        };
        let made = client.embed(&[image], &options).await?;
        let first = made
            .results
            .into_iter()
            .next()
            .ok_or("received no embedding")?;
        let mut embedding = first?.embedding;
        if let Some(keep) = value["keep"].as_u64() {
            embedding.values.truncate(keep.try_into()?);
        }
        Ok(embedding.into())
    }
}
