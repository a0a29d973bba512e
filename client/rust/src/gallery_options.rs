use std::collections::BTreeMap;

use crate::image::Image;
use crate::proto;

/// What a gallery is made with. The default is the server's default model, and keeps
/// embeddings alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GalleryOptions {
    /// The model that it belongs to, without version or label. Empty: the server's
    /// default; of `auto` the first that is tried.
    pub model: String,
    /// Keeps the bytes of pictures, so that [`crate::Galleries::reindex`] can encode
    /// them again.
    pub keep_pictures: bool,
    /// Keeps thumbnails: JPEG files, the longer side 160 pixels.
    pub keep_thumbnails: bool,
}

/// The parts of an entry that are large, each where it is kept. The default asks for
/// none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryParts {
    /// [`crate::Entry::thumbnail`].
    pub thumbnail: bool,
    /// [`crate::Entry::picture`].
    pub picture: bool,
    /// [`crate::Entry::embedding`].
    pub embedding: bool,
}

/// Which entries are wanted. The default asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryOptions {
    /// How many come in one answer, at most 1,000. 0: 100.
    pub page_size: u32,
    /// Only entries that have all of these keys with these values.
    pub filter: BTreeMap<String, String>,
    /// Only entries of this thing. Empty: of all.
    pub thing: String,
    /// Only entries whose embedding is of another model than the gallery's.
    pub stale_only: bool,
    /// Asks for thumbnails, where kept.
    pub include_thumbnails: bool,
}

impl EntryOptions {
    pub(crate) fn request(&self, gallery: &str, page: &str) -> proto::ListEntriesRequest {
        proto::ListEntriesRequest {
            gallery: gallery.to_owned(),
            page_size: self.page_size,
            page_token: page.to_owned(),
            filter: self.filter.clone(),
            thing: self.thing.clone(),
            stale_only: self.stale_only,
            include_thumbnails: self.include_thumbnails,
        }
    }
}

/// Optional wishes of [`crate::Galleries::identify`]. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentifyOptions {
    /// How many things at most, up to 100. 0: 10.
    pub top_k: u32,
    /// Leaves out things whose best entry has less, 0 to 1. 0: none.
    pub min_similarity: f32,
    /// Only entries that have all of these keys with these values.
    pub filter: BTreeMap<String, String>,
    /// Replaces the model's own threshold, 0 to 1.
    pub threshold: Option<f32>,
    /// Asks for thumbnails of the best entries, where kept.
    pub include_thumbnails: bool,
    /// How many views of the image are scored, as in [`crate::Options`].
    pub test_time_views: u32,
}

impl IdentifyOptions {
    pub(crate) fn request(&self, gallery: &str, image: &Image) -> proto::IdentifyRequest {
        proto::IdentifyRequest {
            gallery: gallery.to_owned(),
            image: Some(image.to_proto()),
            top_k: self.top_k,
            min_similarity: self.min_similarity,
            filter: self.filter.clone(),
            threshold: self.threshold,
            include_thumbnails: self.include_thumbnails,
            test_time_views: self.test_time_views,
        }
    }
}

/// Optional wishes of [`crate::Galleries::find_duplicates`]. The default asks for
/// nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DuplicateOptions {
    /// The similarity, 0 to 1, from which two entries are alike. `None`: the model's own
    /// threshold.
    pub threshold: Option<f32>,
    /// Only entries that have all of these keys with these values.
    pub filter: BTreeMap<String, String>,
    /// Only groups of more than one thing: entries of one thing are meant to be alike.
    pub across_things: bool,
}

impl DuplicateOptions {
    pub(crate) fn request(&self, gallery: &str) -> proto::FindDuplicatesRequest {
        proto::FindDuplicatesRequest {
            gallery: gallery.to_owned(),
            threshold: self.threshold,
            filter: self.filter.clone(),
            across_things: self.across_things,
            include_progress: false,
        }
    }
}
