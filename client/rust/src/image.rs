use std::path::Path;

use crate::proto::{self, image::Source};
use crate::results::Embedding;

/// One picture, in one of the forms that the service takes.
///
/// Nothing is decoded here: the server tells formats from the bytes and refuses what
/// it can't read. The default image has nothing set, which the server refuses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image(proto::Image);

impl Image {
    /// The bytes of an image file: JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF or PNM.
    pub fn encoded(bytes: impl Into<Vec<u8>>) -> Self {
        Source::Encoded(bytes.into()).into()
    }

    /// The bytes of this file, see [`Image::encoded`].
    ///
    /// # Errors
    /// Where the file can't be read; the error names it.
    pub async fn file(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let path = path.as_ref().to_owned();
        let named = path.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read(path))
            .await
            .map_err(std::io::Error::other)?;
        read.map(Self::encoded)
            .map_err(|err| std::io::Error::new(err.kind(), format!("{}: {err}", named.display())))
    }

    /// Pixels that need no decoding: `width` × `height` × 3 bytes, red, green and blue,
    /// row by row from the top left, without padding.
    pub fn rgb8(width: u32, height: u32, pixels: impl Into<Vec<u8>>) -> Self {
        Self::raw(width, height, proto::PixelFormat::Rgb8, pixels.into())
    }

    /// Pixels that need no decoding: `width` × `height` bytes, 0 black to 255 white.
    pub fn gray8(width: u32, height: u32, pixels: impl Into<Vec<u8>>) -> Self {
        Self::raw(width, height, proto::PixelFormat::Gray8, pixels.into())
    }

    fn raw(width: u32, height: u32, format: proto::PixelFormat, data: Vec<u8>) -> Self {
        Source::Raw(proto::RawPixels {
            width,
            height,
            format: format.into(),
            data,
        })
        .into()
    }

    /// The name of a reference of a stream, for [`crate::Sender`] alone.
    pub fn reference(name: impl Into<String>) -> Self {
        Source::Reference(name.into()).into()
    }

    pub(crate) fn to_proto_ref(&self) -> &proto::Image {
        &self.0
    }

    pub(crate) fn to_proto(&self) -> proto::Image {
        self.0.clone()
    }

    pub(crate) fn into_proto(self) -> proto::Image {
        self.0
    }
}

impl From<Source> for Image {
    fn from(source: Source) -> Self {
        Image(proto::Image {
            source: Some(source),
        })
    }
}

impl From<proto::Image> for Image {
    fn from(image: proto::Image) -> Self {
        Image(image)
    }
}

impl From<Vec<u8>> for Image {
    fn from(bytes: Vec<u8>) -> Self {
        Image::encoded(bytes)
    }
}

impl From<&[u8]> for Image {
    fn from(bytes: &[u8]) -> Self {
        Image::encoded(bytes)
    }
}

/// An embedding stands for the image that it was made of: nothing is encoded.
impl From<Embedding> for Image {
    fn from(embedding: Embedding) -> Self {
        Source::Embedding(proto::Embedding {
            values: embedding.values,
            model_digest: embedding.model_digest,
        })
        .into()
    }
}
