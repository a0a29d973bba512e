use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::calls::until;
use crate::client::{Client, GalleryStub, timed};
use crate::error::Error;
use crate::gallery_options::{
    DuplicateOptions, EntryOptions, EntryParts, GalleryOptions, IdentifyOptions,
};
use crate::gallery_results::{Entry, EntryPage, Gallery, Identification};
use crate::gallery_streams::{Duplicates, Entries, Reindexing};
use crate::image::Image;
use crate::proto;

/// Keeps pictures of things under names, and says which of them a picture shows:
/// [`Client::galleries`] returns it.
///
/// Cheap to clone, and used from any task. A gallery belongs to one model. A call fails
/// with the reason `GALLERIES_OFF` where the server keeps none
/// ([`crate::ServerInfo::galleries`]), `GALLERY_NOT_FOUND` where there is none of the
/// name, and `GALLERY_DENIED` where the caller may not do that to it.
#[derive(Clone)]
pub struct Galleries {
    pub(crate) client: Client,
    pub(crate) deadline: Option<Duration>,
}

impl Client {
    /// The calls of galleries.
    pub fn galleries(&self) -> Galleries {
        Galleries {
            client: self.clone(),
            deadline: None,
        }
    }
}

impl Galleries {
    /// How long each call may take that is made by what this returns, its parts and
    /// repetitions together; of [`Galleries::entries`], each page. Without it, calls have
    /// the client's ([`crate::Builder::deadline`]), and [`Galleries::enroll`],
    /// [`Galleries::find_duplicates`] and [`Galleries::reindex`] have none.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Makes an empty gallery, or returns that of the same name and choices.
    ///
    /// # Errors
    /// `GALLERY_NAME` for a name that can't be one; `GALLERY_EXISTS` where there is one
    /// with other choices.
    pub async fn create(&self, gallery: &str, options: &GalleryOptions) -> Result<Gallery, Error> {
        let request = proto::CreateGalleryRequest {
            gallery: gallery.to_owned(),
            model: options.model.clone(),
            keep_pictures: options.keep_pictures,
            keep_thumbnails: options.keep_thumbnails,
        };
        let reply = self
            .ask(request, |mut stub, request| async move {
                stub.create_gallery(request).await
            })
            .await?;
        told(reply.gallery)
    }

    /// Tells of one gallery.
    ///
    /// # Errors
    /// Where the call fails, as it does where there is none of the name.
    pub async fn get(&self, gallery: &str) -> Result<Gallery, Error> {
        let request = proto::GetGalleryRequest {
            gallery: gallery.to_owned(),
        };
        let reply = self
            .ask(request, |mut stub, request| async move {
                stub.get_gallery(request).await
            })
            .await?;
        told(reply.gallery)
    }

    /// Tells of all galleries that the caller may read, by name.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn list(&self) -> Result<Vec<Gallery>, Error> {
        let request = proto::ListGalleriesRequest {};
        let reply = self
            .ask(request, |mut stub, request| async move {
                stub.list_galleries(request).await
            })
            .await?;
        Ok(reply.galleries.into_iter().map(Into::into).collect())
    }

    /// Removes a gallery with all that it holds, and returns how many entries went.
    ///
    /// # Errors
    /// Where the call fails, as it does where there is none of the name.
    pub async fn delete(&self, gallery: &str) -> Result<u64, Error> {
        let request = proto::DeleteGalleryRequest {
            gallery: gallery.to_owned(),
        };
        let reply = self
            .ask(request, |mut stub, request| async move {
                stub.delete_gallery(request).await
            })
            .await?;
        Ok(reply.entries)
    }

    /// Removes entries by their ids, and all entries of some things, at most 1,000 ids
    /// and things together, and returns how many went. What there is none of is passed
    /// over.
    ///
    /// # Errors
    /// `NO_ITEMS` or `TOO_MANY_ITEMS` for their number.
    pub async fn remove(&self, gallery: &str, ids: &[&str], things: &[&str]) -> Result<u64, Error> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let request = proto::RemoveEntriesRequest {
            gallery: gallery.to_owned(),
            ids: owned(ids),
            things: owned(things),
        };
        let reply = self
            .ask(request, |mut stub, request| async move {
                stub.remove_entries(request).await
            })
            .await?;
        Ok(reply.removed)
    }

    /// Returns one entry, with its large parts where they are asked for and kept.
    ///
    /// # Errors
    /// `ENTRY_NOT_FOUND` where there is none of the id.
    pub async fn entry(&self, gallery: &str, id: &str, parts: EntryParts) -> Result<Entry, Error> {
        let request = proto::GetEntryRequest {
            gallery: gallery.to_owned(),
            id: id.to_owned(),
            include_thumbnail: parts.thumbnail,
            include_picture: parts.picture,
            include_embedding: parts.embedding,
        };
        let reply = self
            .ask(request, |mut stub, request| async move {
                stub.get_entry(request).await
            })
            .await?;
        let entry = reply.entry.map(Into::into);
        entry.ok_or_else(|| Error::unexpected("an answer without its entry"))
    }

    /// Returns a page of entries: the first, or that which [`EntryPage::next`] of the
    /// one before asks for. [`Galleries::entries`] goes through all of them.
    ///
    /// # Errors
    /// `PAGE_TOKEN` where `page` is of another gallery or other wishes.
    pub async fn entry_page(
        &self,
        gallery: &str,
        options: &EntryOptions,
        page: Option<&str>,
    ) -> Result<EntryPage, Error> {
        let request = options.request(gallery, page.unwrap_or_default());
        let reply = self
            .ask(request, |mut stub, request| async move {
                stub.list_entries(request).await
            })
            .await?;
        Ok(reply.into())
    }

    /// Goes through entries in the order of their ids, by bytes. A page is asked for when
    /// the entries before it have been taken; an error comes last.
    pub fn entries(&self, gallery: &str, options: EntryOptions) -> Entries {
        Entries::new(self.clone(), gallery.to_owned(), options)
    }

    /// Says which things of a gallery an image may show, best first. The image may be an
    /// embedding of the gallery's model.
    ///
    /// # Errors
    /// [`Error::field`] says what is at fault; `MODEL_MISMATCH` for another model's
    /// embedding, `GALLERY_MODEL_CHANGED` where the gallery has to be reindexed.
    pub async fn identify(
        &self,
        gallery: &str,
        image: &Image,
        options: &IdentifyOptions,
    ) -> Result<Identification, Error> {
        let reply = self
            .ask(
                options.request(gallery, image),
                |mut stub, request| async move { stub.identify(request).await },
            )
            .await?;
        Ok(reply.into())
    }

    /// Finds groups of entries that are alike, the largest similarity first. It waits for
    /// the first answer; the others come as they are taken.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses the search. What goes wrong later is
    /// an item of the stream.
    pub async fn find_duplicates(
        &self,
        gallery: &str,
        options: &DuplicateOptions,
    ) -> Result<Duplicates, Error> {
        let opened = self
            .open(options.request(gallery), |mut stub, request| async move {
                stub.find_duplicates(request).await
            })
            .await?;
        Ok(Duplicates::new(opened, self.stream_deadline()))
    }

    /// Moves a gallery to the version of a model that answers now, an empty one: its own.
    /// It starts the work, or joins that which is under way, and tells how far it is
    /// until it is done; the work goes on where the stream is dropped. Entries that keep
    /// no picture have to be sent again: the last progress names them.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses the work. What goes wrong later is
    /// an item of the stream.
    pub async fn reindex(&self, gallery: &str, model: &str) -> Result<Reindexing, Error> {
        let request = proto::ReindexRequest {
            gallery: gallery.to_owned(),
            model: model.to_owned(),
        };
        let opened = self
            .open(request, |mut stub, request| async move {
                stub.reindex(request).await
            })
            .await?;
        Ok(Reindexing::new(opened, self.stream_deadline()))
    }

    /// Makes a call with one answer, again where that may help.
    pub(crate) async fn ask<M, R, F>(
        &self,
        message: M,
        call: impl Fn(GalleryStub, Request<M>) -> F,
    ) -> Result<R, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        self.ask_until(self.call_deadline(), message, call).await
    }

    /// The same, for one of several calls that have a deadline together.
    pub(crate) async fn ask_until<M, R, F>(
        &self,
        deadline: Instant,
        message: M,
        call: impl Fn(GalleryStub, Request<M>) -> F,
    ) -> Result<R, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let stub = &self.client.galleries;
        let reply = self.client.retry.run(deadline, |left| {
            call(stub.clone(), timed(message.clone(), left))
        });
        Ok(reply.await?.into_inner())
    }

    /// Makes a call with many answers, again until the first comes.
    async fn open<M, R, F>(
        &self,
        message: M,
        call: impl Fn(GalleryStub, Request<M>) -> F,
    ) -> Result<R, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let (stub, bound) = (&self.client.galleries, self.stream_deadline());
        let deadline = bound.unwrap_or_else(|| until(Duration::MAX));
        let reply = self.client.retry.run(deadline, |left| {
            let request = match bound {
                Some(_) => timed(message.clone(), left),
                None => Request::new(message.clone()),
            };
            call(stub.clone(), request)
        });
        Ok(reply.await?.into_inner())
    }

    pub(crate) fn call_deadline(&self) -> Instant {
        until(self.deadline.unwrap_or(self.client.deadline))
    }

    fn stream_deadline(&self) -> Option<Instant> {
        self.deadline.map(until)
    }
}

fn told(gallery: Option<proto::Gallery>) -> Result<Gallery, Error> {
    let gallery = gallery.map(Into::into);
    gallery.ok_or_else(|| Error::unexpected("an answer without its gallery"))
}
