use std::collections::BTreeMap;

use serde_json::{Value, json};
use siamese_client::{
    Client, DuplicateOptions, EnrollStatus, EntryOptions, EntryParts, Error, Galleries, Gallery,
    GalleryOptions, IdentifyOptions, NewEntry,
};
use tokio_stream::StreamExt;

use crate::cases::Case;
use crate::{AnyError, describe, digits, either, hash, told, verdict};

type Results = Result<Vec<String>, AnyError>;

/// Runs a case of galleries, step by step; a step that fails does not end it.
pub async fn gallery(client: &Client, case: &Case<'_>) -> Results {
    let mut results = Vec::new();
    for value in case.list("steps") {
        let step = Step {
            client,
            galleries: client.galleries(),
            gallery: value["gallery"].as_str().unwrap_or(case.text("gallery")),
            case: Case {
                folder: case.folder,
                value,
            },
        };
        match step.run().await {
            Ok(lines) => results.extend(lines),
            Err(failure) => results.push(format!("error {}", told(failure)?)),
        }
    }
    Ok(results)
}

/// One step on one gallery.
struct Step<'a> {
    client: &'a Client,
    galleries: Galleries,
    gallery: &'a str,
    case: Case<'a>,
}

impl Step<'_> {
    async fn run(&self) -> Results {
        match self.case.text("do") {
            "create" => self.create().await,
            "get" => Ok(vec![shown(&self.galleries.get(self.gallery).await?)]),
            "list" => self.list().await,
            "delete" => {
                let entries = self.galleries.delete(self.gallery).await?;
                Ok(vec![format!("deleted {entries}")])
            }
            "enroll" => self.enroll().await,
            "enroll_batch" => self.enroll_batch().await,
            "remove" => self.remove().await,
            "entry" => self.entry().await,
            "entries" => self.entries().await,
            "identify" => self.identify().await,
            "duplicates" => self.duplicates().await,
            "reindex" => self.reindex().await,
            other => Err(format!("received the step {other:?}").into()),
        }
    }

    async fn create(&self) -> Results {
        let options = GalleryOptions {
            model: self.case.text("model").to_owned(),
            keep_pictures: self.flag("keep_pictures"),
            keep_thumbnails: self.flag("keep_thumbnails"),
        };
        let made = self.galleries.create(self.gallery, &options).await?;
        Ok(vec![shown(&made)])
    }

    async fn list(&self) -> Results {
        let found = self.galleries.list().await?.into_iter();
        let names: Vec<String> = found.map(|gallery| gallery.name).collect();
        Ok(vec![format!("galleries {}", names.join(","))])
    }

    async fn enroll(&self) -> Results {
        let entries = tokio_stream::iter(self.new_entries().await?);
        let kept = self.galleries.enroll(self.gallery, entries).await?;
        let mut results = vec![format!(
            "added {} replaced {} unchanged {} failed {}",
            kept.added, kept.replaced, kept.unchanged, kept.failed
        )];
        for failure in kept.failures {
            let error = describe(&failure.error);
            results.push(format!("{} {} {error}", failure.index, failure.id));
        }
        Ok(results)
    }

    async fn enroll_batch(&self) -> Results {
        let entries = self.new_entries().await?;
        let results = self.galleries.enroll_batch(self.gallery, &entries).await?;
        let told = results.iter().map(|result| {
            either(result, |kept| {
                let status = match kept.status {
                    EnrollStatus::Added => "added",
                    EnrollStatus::Replaced => "replaced",
                    EnrollStatus::Unchanged => "unchanged",
                };
                status.to_owned()
            })
        });
        Ok(told.collect())
    }

    async fn new_entries(&self) -> Result<Vec<NewEntry>, AnyError> {
        let mut entries = Vec::new();
        for value in self.case.list("entries") {
            let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            entries.push(NewEntry {
                id: text("id"),
                thing: text("thing"),
                metadata: pairs(&value["metadata"]),
                image: self.case.image(self.client, &value["image"]).await?,
            });
        }
        Ok(entries)
    }

    async fn remove(&self) -> Results {
        let names = |key| self.case.list(key).filter_map(Value::as_str);
        let (ids, things): (Vec<_>, Vec<_>) = (names("ids").collect(), names("things").collect());
        let removed = self.galleries.remove(self.gallery, &ids, &things).await?;
        Ok(vec![format!("removed {removed}")])
    }

    async fn entry(&self) -> Results {
        let parts = EntryParts {
            thumbnail: self.flag("include_thumbnail"),
            picture: self.flag("include_picture"),
            embedding: self.flag("include_embedding"),
        };
        let id = self.case.text("id");
        let entry = self.galleries.entry(self.gallery, id, parts).await?;
        let metadata = entry.metadata.iter();
        let metadata: Vec<String> = metadata.map(|(k, v)| format!("{k}={v}")).collect();
        let mut results = vec![
            [
                &*entry.id,
                &*entry.thing,
                &*metadata.join(","),
                &*entry.picture_sha256,
                &*entry.model_digest,
            ]
            .join(" "),
            format!(
                "picture {} thumbnail {}",
                entry.picture.len(),
                entry.thumbnail.len()
            ),
        ];
        results.extend(entry.embedding.as_ref().map(hash));
        Ok(results)
    }

    async fn entries(&self) -> Results {
        let options = EntryOptions {
            page_size: self.count("page_size")?,
            filter: pairs(&self.case.value["filter"]),
            thing: self.case.text("thing").to_owned(),
            stale_only: self.flag("stale_only"),
            ..Default::default()
        };
        let entries = self.galleries.entries(self.gallery, options);
        let ids = entries.map(|entry| entry.map(|entry| entry.id));
        let ids: Result<Vec<String>, Error> = ids.collect().await;
        Ok(vec![format!("entries {}", ids?.join(","))])
    }

    async fn identify(&self) -> Results {
        let image = self.case.value["image"].clone();
        let image = self.case.image(self.client, &image).await?;
        let options = IdentifyOptions {
            top_k: self.count("top_k")?,
            min_similarity: self.case.number("min_similarity").unwrap_or(0.0),
            filter: pairs(&self.case.value["filter"]),
            threshold: self.case.number("threshold"),
            ..Default::default()
        };
        let found = self
            .galleries
            .identify(self.gallery, &image, &options)
            .await?;
        let matches = found.matches.iter().map(|found| {
            let (thing, id) = (&found.thing, &found.entry.id);
            let similarity = digits(found.similarity);
            format!("{thing} {id} {similarity} {}", verdict(found.same))
        });
        let searched = format!("searched {}", found.searched_entries);
        Ok(matches.chain([searched]).collect())
    }

    async fn duplicates(&self) -> Results {
        let options = DuplicateOptions {
            threshold: self.case.number("threshold"),
            filter: pairs(&self.case.value["filter"]),
            across_things: self.flag("across_things"),
        };
        let mut groups = self
            .galleries
            .find_duplicates(self.gallery, &options)
            .await?;
        let mut results = Vec::new();
        while let Some(group) = groups.next().await {
            let alike = group?.entries.into_iter();
            let alike: Vec<String> = alike
                .map(|one| format!("{}={}", one.entry.id, digits(one.similarity)))
                .collect();
            results.push(alike.join(","));
        }
        let done = groups.done().ok_or("received no end of the groups")?;
        results.push(format!("looked at {}", done.entries));
        Ok(results)
    }

    async fn reindex(&self) -> Results {
        let model = self.case.text("model");
        let mut progress = self.galleries.reindex(self.gallery, model).await?;
        let mut last = None;
        while let Some(told) = progress.next().await {
            last = Some(told?);
        }
        let last = last.ok_or("received no progress")?;
        Ok(vec![format!(
            "encoded {} missing {} of {}",
            last.encoded, last.missing, last.entries
        )])
    }

    fn flag(&self, key: &str) -> bool {
        self.case.value[key] == json!(true)
    }

    fn count(&self, key: &str) -> Result<u32, AnyError> {
        Ok(self.case.value[key].as_u64().unwrap_or(0).try_into()?)
    }
}

/// A gallery without what differs from run to run.
fn shown(gallery: &Gallery) -> String {
    format!(
        "{} {} {} {} pictures={} thumbnails={}",
        gallery.name,
        gallery.model,
        gallery.entries,
        gallery.stale_entries,
        gallery.keep_pictures,
        gallery.keep_thumbnails
    )
}

fn pairs(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}
