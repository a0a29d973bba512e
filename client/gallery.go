package client

import (
	"context"
	"time"

	siamesev1 "siamese/proto/siamese/v1"
)

// Gallery is what is told of a gallery: pictures of things that the server keeps under a
// name, as embeddings of one model.
type Gallery struct {
	Name string
	// Model is the name by which calls ask for its model, such as "general".
	Model string
	// ModelName, ModelVersion and ModelDigest are of the model whose embeddings are
	// searched; the first two are empty where the server has that one no more: then
	// Client.Reindex moves the gallery to the one that it has.
	ModelName, ModelVersion, ModelDigest string
	// Entries are all, StaleEntries those of other models, which are not found.
	Entries, StaleEntries int
	// KeepPictures and KeepThumbnails say what entries keep beside their embeddings.
	KeepPictures, KeepThumbnails bool
	Created                      time.Time
	// Reindexing reports whether a Reindex is under way.
	Reindexing bool
}

// GalleryOptions are what a gallery is made with. The zero value is the server's default
// model, and keeps embeddings alone.
type GalleryOptions struct {
	// Model is the name of a model, without version or label.
	Model string
	// KeepPictures keeps the bytes of pictures, so that Reindex can encode them again,
	// KeepThumbnails a small JPEG of each.
	KeepPictures, KeepThumbnails bool
}

// CreateGallery makes an empty gallery, or returns one of that name that is made as
// options say. One that is not: GALLERY_EXISTS. Errors are *Error, here and below.
func (c *Client) CreateGallery(ctx context.Context, name string, options GalleryOptions) (Gallery, error) {
	reply, err := c.galleries.CreateGallery(ctx, &siamesev1.CreateGalleryRequest{
		Gallery: name, Model: options.Model, KeepPictures: options.KeepPictures, KeepThumbnails: options.KeepThumbnails,
	})
	if err != nil {
		return Gallery{}, newError(err)
	}
	return newGallery(reply.GetGallery()), nil
}

// Gallery tells of one gallery. One that there is none of: GALLERY_NOT_FOUND.
func (c *Client) Gallery(ctx context.Context, name string) (Gallery, error) {
	reply, err := c.galleries.GetGallery(ctx, &siamesev1.GetGalleryRequest{Gallery: name})
	if err != nil {
		return Gallery{}, newError(err)
	}
	return newGallery(reply.GetGallery()), nil
}

// Galleries tells of all galleries that the caller may read, by name.
func (c *Client) Galleries(ctx context.Context) ([]Gallery, error) {
	reply, err := c.galleries.ListGalleries(ctx, &siamesev1.ListGalleriesRequest{})
	if err != nil {
		return nil, newError(err)
	}
	var galleries []Gallery
	for _, gallery := range reply.GetGalleries() {
		galleries = append(galleries, newGallery(gallery))
	}
	return galleries, nil
}

// DeleteGallery removes a gallery, and returns how many entries went with it.
func (c *Client) DeleteGallery(ctx context.Context, name string) (int, error) {
	reply, err := c.galleries.DeleteGallery(ctx, &siamesev1.DeleteGalleryRequest{Gallery: name})
	if err != nil {
		return 0, newError(err)
	}
	return int(reply.GetEntries()), nil
}

func newGallery(gallery *siamesev1.Gallery) Gallery {
	return Gallery{
		Name:           gallery.GetName(),
		Model:          gallery.GetModel(),
		ModelName:      gallery.GetReference().GetName(),
		ModelVersion:   gallery.GetReference().GetVersion(),
		ModelDigest:    gallery.GetReference().GetDigest(),
		Entries:        int(gallery.GetEntries()),
		StaleEntries:   int(gallery.GetStaleEntries()),
		KeepPictures:   gallery.GetKeepPictures(),
		KeepThumbnails: gallery.GetKeepThumbnails(),
		Created:        gallery.GetCreated().AsTime(),
		Reindexing:     gallery.GetReindexing(),
	}
}

// ReindexProgress is how far a gallery's move to a model is.
type ReindexProgress struct {
	// Encoded are entries whose embeddings are of the model now, Missing those that keep
	// no picture to encode, of Entries in all.
	Encoded, Missing, Entries int
	// MissingIDs are entries that have to be sent again, the first 1,000; nil before the
	// end.
	MissingIDs []string
}

// Reindex moves a gallery to a model as it is now, an empty one: its own, and waits for
// the end; where ctx is done before, the work goes on. tell, which may be nil, is told how
// far it is.
func (c *Client) Reindex(ctx context.Context, name, model string, tell func(ReindexProgress)) (ReindexProgress, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.galleries.Reindex(ctx, &siamesev1.ReindexRequest{Gallery: name, Model: model})
	if err != nil {
		return ReindexProgress{}, newError(err)
	}
	for {
		reply, err := stream.Recv()
		if err != nil {
			return ReindexProgress{}, streamError(err)
		}
		progress := ReindexProgress{
			Encoded: int(reply.GetEncoded()), Missing: int(reply.GetMissing()), Entries: int(reply.GetEntries()), MissingIDs: reply.GetMissingIds(),
		}
		if tell != nil {
			tell(progress)
		}
		if reply.GetDone() {
			return progress, nil
		}
	}
}

// DuplicateOptions are optional wishes of FindDuplicates. The zero value asks for nothing.
type DuplicateOptions struct {
	// Threshold is the similarity, 0 to 1, from which two entries are alike. Nil: the
	// model's own.
	Threshold *float32
	// Filter leaves out entries that have not all of its keys with its values.
	Filter map[string]string
	// AcrossThings asks for groups of more than one thing alone.
	AcrossThings bool
	// Progress is told before the groups how many entries have been looked at, and how
	// many there are to look at; 0 where a filter selects them. Nil: nobody is told. A server of an older version tells nothing.
	Progress func(compared, total int)
}

// Duplicate is an entry of a group of entries that are alike.
type Duplicate struct {
	Entry Entry
	// Similarity is its largest to another entry of the group, 0 to 1.
	Similarity float32
}

// DuplicateGroup is entries of which each is alike to another one.
type DuplicateGroup struct {
	// Entries are at most 1,000: first the one that is alike to the most others.
	Entries []Duplicate
	// Omitted is how many further entries it has.
	Omitted int
}

// FindDuplicates yields groups of entries that are alike, the largest similarity first,
// and returns how many entries were looked at. An error of yield
// ends it and is returned as it is.
func (c *Client) FindDuplicates(ctx context.Context, name string, options DuplicateOptions, yield func(DuplicateGroup) error) (entries int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.galleries.FindDuplicates(ctx, &siamesev1.FindDuplicatesRequest{
		Gallery: name, Threshold: options.Threshold, Filter: options.Filter, AcrossThings: options.AcrossThings,
		IncludeProgress: options.Progress != nil,
	})
	if err != nil {
		return 0, newError(err)
	}
	for {
		reply, err := stream.Recv()
		if err != nil {
			return 0, streamError(err)
		}
		switch event := reply.GetEvent().(type) { // a later server may tell more
		case *siamesev1.FindDuplicatesResponse_Done:
			return int(event.Done.GetEntries()), nil
		case *siamesev1.FindDuplicatesResponse_Progress:
			if options.Progress != nil {
				options.Progress(int(event.Progress.GetCompared()), int(event.Progress.GetTotal()))
			}
		case *siamesev1.FindDuplicatesResponse_Group:
			if err := yield(newGroup(event.Group)); err != nil {
				return 0, err
			}
		}
	}
}

func newGroup(told *siamesev1.DuplicateGroup) DuplicateGroup {
	group := DuplicateGroup{Omitted: int(told.GetOmittedEntries())}
	for _, entry := range told.GetEntries() {
		group.Entries = append(group.Entries, Duplicate{Entry: newEntry(entry.GetEntry()), Similarity: entry.GetSimilarity()})
	}
	return group
}
