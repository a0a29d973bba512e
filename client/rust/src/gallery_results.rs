use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::error::Error;
use crate::image::Image;
use crate::info::time;
use crate::proto;
use crate::results::{Embedding, Familiarity, name};

/// What is told of a gallery: pictures of things that the server keeps under a name, as
/// embeddings of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    /// 1 to 64 characters of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit.
    pub name: String,
    /// The name by which calls ask for its model, such as `general`.
    pub model: String,
    /// The name of the model whose embeddings are searched. Empty where the server has
    /// that one no more, which [`crate::Galleries::reindex`] mends.
    pub model_name: String,
    /// The version of that model; empty as its name is.
    pub model_version: String,
    /// [`crate::ModelInfo::digest`] of that model.
    pub model_digest: String,
    /// How many entries there are, those of other models included.
    pub entries: u64,
    /// How many of them have embeddings of another model: they are not found.
    pub stale_entries: u64,
    /// Whether entries keep the bytes of their pictures, so that they can be encoded
    /// again.
    pub keep_pictures: bool,
    /// Whether entries keep thumbnails.
    pub keep_thumbnails: bool,
    /// When it was made; `None` where that is not told.
    pub created: Option<SystemTime>,
    /// Whether a reindex is under way.
    pub reindexing: bool,
}

impl From<proto::Gallery> for Gallery {
    fn from(told: proto::Gallery) -> Self {
        let reference = told.reference.unwrap_or_default();
        Gallery {
            name: told.name,
            model: told.model,
            model_name: reference.name,
            model_version: reference.version,
            model_digest: reference.digest,
            entries: told.entries,
            stale_entries: told.stale_entries,
            keep_pictures: told.keep_pictures,
            keep_thumbnails: told.keep_thumbnails,
            created: time(told.created),
            reindexing: told.reindexing,
        }
    }
}

/// An entry to enroll. One of its id is replaced, unless it has the same picture, thing
/// and metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewEntry {
    /// Its name within the gallery: 1 to 256 bytes without control characters.
    pub id: String,
    /// The thing that it shows, at most 256 bytes of the same. Empty: it is a thing by
    /// itself, named as the entry.
    pub thing: String,
    /// What the caller wants to know of it: at most 32 keys of 1 to 64 bytes, values of
    /// at most 1,024 bytes, together at most 8 kB.
    pub metadata: BTreeMap<String, String>,
    /// The picture, or an embedding of the gallery's model.
    pub image: Image,
}

impl NewEntry {
    /// An entry that is a thing by itself and has no metadata.
    pub fn new(id: impl Into<String>, image: Image) -> Self {
        NewEntry {
            id: id.into(),
            image,
            ..Default::default()
        }
    }

    /// Says which thing it shows.
    #[must_use]
    pub fn thing(mut self, thing: impl Into<String>) -> Self {
        self.thing = thing.into();
        self
    }

    /// Adds a key with its value, in place of an earlier value of that key.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

impl From<NewEntry> for proto::NewEntry {
    fn from(entry: NewEntry) -> Self {
        proto::NewEntry {
            id: entry.id,
            thing: entry.thing,
            metadata: entry.metadata,
            image: Some(entry.image.into_proto()),
        }
    }
}

/// A picture of a thing, as a gallery keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Its name within the gallery.
    pub id: String,
    /// The thing that it shows. Empty: it is a thing by itself, named as the entry.
    pub thing: String,
    /// What the caller said of it.
    pub metadata: BTreeMap<String, String>,
    /// The lower-case hexadecimal SHA-256 of the picture's bytes; empty where it came as
    /// an embedding.
    pub picture_sha256: String,
    /// [`crate::ModelInfo::digest`] of the model that made its embedding.
    pub model_digest: String,
    /// When it was enrolled or last replaced; `None` where that is not told.
    pub enrolled: Option<SystemTime>,
    /// How familiar the picture was to the model; `None` where that was not told.
    pub familiarity: Option<Familiarity>,
    /// A JPEG file of it, the longer side 160 pixels; empty unless asked for and kept.
    pub thumbnail: Vec<u8>,
    /// The picture's bytes as they came, of raw pixels a PNG file; empty unless asked
    /// for and kept.
    pub picture: Vec<u8>,
    /// What the model made of it; `None` unless asked for.
    pub embedding: Option<Embedding>,
}

impl From<proto::Entry> for Entry {
    fn from(told: proto::Entry) -> Self {
        Entry {
            id: told.id,
            thing: told.thing,
            metadata: told.metadata,
            picture_sha256: told.picture_sha256,
            model_digest: told.model_digest,
            enrolled: time(told.enrolled),
            familiarity: told.familiarity.map(Into::into),
            thumbnail: told.thumbnail_jpeg,
            picture: told.picture,
            embedding: told.embedding.map(|embedding| Embedding {
                values: embedding.values,
                model_digest: embedding.model_digest,
            }),
        }
    }
}

/// Some of a gallery's entries, in the order of their ids by bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntryPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// What asks for the next page; `None` where this is the last.
    pub next: Option<String>,
}

impl From<proto::ListEntriesResponse> for EntryPage {
    fn from(told: proto::ListEntriesResponse) -> Self {
        EntryPage {
            entries: told.entries.into_iter().map(Into::into).collect(),
            next: Some(told.next_page_token).filter(|token| !token.is_empty()),
        }
    }
}

/// How an entry was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrollStatus {
    /// There was none of its id.
    Added,
    /// It took the place of another one.
    Replaced,
    /// It was there already.
    Unchanged,
}

/// An entry that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolled {
    /// How it was kept.
    pub status: EnrollStatus,
    /// How familiar the picture is to the model; `None` where it does not tell.
    pub familiarity: Option<Familiarity>,
    /// A sentence for people where the picture is foreign to the model; empty otherwise.
    pub warning: String,
}

impl TryFrom<proto::EnrollResult> for Enrolled {
    type Error = Error;

    fn try_from(result: proto::EnrollResult) -> Result<Self, Error> {
        use proto::enroll_result::Outcome;
        let status = match result.outcome {
            Some(Outcome::Error(item)) => return Err(item.into()),
            Some(Outcome::Status(status)) => status,
            None => return Err(Error::unexpected("a result with neither status nor error")),
        };
        let status = match proto::EnrollStatus::try_from(status) {
            Ok(proto::EnrollStatus::Added) => EnrollStatus::Added,
            Ok(proto::EnrollStatus::Replaced) => EnrollStatus::Replaced,
            Ok(proto::EnrollStatus::Unchanged) => EnrollStatus::Unchanged,
            Ok(proto::EnrollStatus::Unspecified) | Err(_) => {
                return Err(Error::unexpected(&format!(
                    "an entry's status {status}, expected 1 to 3"
                )));
            }
        };
        Ok(Enrolled {
            status,
            familiarity: result.familiarity.map(Into::into),
            warning: result.warning,
        })
    }
}

/// What became of the entries of one [`crate::Galleries::enroll`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrollment {
    /// How many there were none of before.
    pub added: u64,
    /// How many took the place of another one.
    pub replaced: u64,
    /// How many were there already.
    pub unchanged: u64,
    /// How many were not kept.
    pub failed: u64,
    /// Those that were not kept, in their order, the first 1,000.
    pub failures: Vec<EnrollFailure>,
}

/// An entry that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrollFailure {
    /// Its id, as it was sent.
    pub id: String,
    /// Its place among the entries, from 0.
    pub index: u64,
    /// Why.
    pub error: Error,
}

impl From<proto::EnrollResponse> for Enrollment {
    fn from(told: proto::EnrollResponse) -> Self {
        let failures = told.failures.into_iter().map(|failure| EnrollFailure {
            id: failure.id,
            index: failure.index,
            error: failure.error.unwrap_or_default().into(),
        });
        Enrollment {
            added: told.added,
            replaced: told.replaced,
            unchanged: told.unchanged,
            failed: told.failed,
            failures: failures.collect(),
        }
    }
}

/// The things that an image may show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identification {
    /// The things, best first.
    pub matches: Vec<ThingMatch>,
    /// The threshold of the verdicts.
    pub threshold: f32,
    /// The name of the model that answered.
    pub model: String,
    /// How familiar the image is to the model; `None` where it does not tell.
    pub familiarity: Option<Familiarity>,
    /// A sentence for people where the similarities mean little, or a part of the
    /// gallery can't be found; empty otherwise.
    pub warning: String,
    /// How many entries there are to search, before the filter.
    pub searched_entries: u64,
}

/// A thing that an image may show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThingMatch {
    /// The thing.
    pub thing: String,
    /// Its entry that is most like the image.
    pub entry: Entry,
    /// How alike the image and that entry are, 0 to 1, as [`crate::Client::compare`]
    /// says it.
    pub similarity: f32,
    /// The verdict: `similarity` >= [`Identification::threshold`].
    pub same: bool,
}

impl From<proto::IdentifyResponse> for Identification {
    fn from(told: proto::IdentifyResponse) -> Self {
        let matches = told.matches.into_iter().map(|found| ThingMatch {
            thing: found.thing,
            entry: found.entry.unwrap_or_default().into(),
            similarity: found.similarity,
            same: found.same,
        });
        Identification {
            matches: matches.collect(),
            threshold: told.threshold,
            model: name(told.model),
            familiarity: told.familiarity.map(Into::into),
            warning: told.warning,
            searched_entries: told.searched_entries,
        }
    }
}
