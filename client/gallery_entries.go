package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	siamesev1 "siamese/proto/siamese/v1"
)

// Entry is a picture of a thing, as a gallery keeps it.
type Entry struct {
	// ID is unique within the gallery.
	ID string
	// Thing is what it shows; empty: it is a thing by itself, named as the entry.
	Thing    string
	Metadata map[string]string
	// PictureSHA256 is the lower-case hexadecimal sum of the picture's bytes; empty where
	// it came as an embedding.
	PictureSHA256 string
	// ModelDigest is of the model that made its embedding.
	ModelDigest string
	Enrolled    time.Time
	// Familiarity is how familiar the picture was to the model; nil where that was not
	// told.
	Familiarity *Familiarity
	// Thumbnail is a small JPEG file, Picture the bytes as they came, Embedding what the
	// model made of it; nil where they were not asked for, or are not kept.
	Thumbnail, Picture []byte
	Embedding          *Embedding
}

func newEntry(entry *siamesev1.Entry) Entry {
	e := Entry{
		ID:            entry.GetId(),
		Thing:         entry.GetThing(),
		Metadata:      entry.GetMetadata(),
		PictureSHA256: entry.GetPictureSha256(),
		ModelDigest:   entry.GetModelDigest(),
		Enrolled:      entry.GetEnrolled().AsTime(),
		Familiarity:   newFamiliarity(entry.GetFamiliarity()),
		Thumbnail:     entry.GetThumbnailJpeg(),
		Picture:       entry.GetPicture(),
	}
	if embedding := entry.GetEmbedding(); embedding != nil {
		e.Embedding = &Embedding{Values: embedding.GetValues(), ModelDigest: embedding.GetModelDigest()}
	}
	return e
}

// NewEntry is an entry to enroll. One of its ID is replaced, unless it is the same.
type NewEntry struct {
	// ID is 1 to 256 bytes without control characters.
	ID string
	// Thing is what it shows, at most 256 bytes of the same.
	Thing string
	// Metadata is at most 32 keys of 1 to 64 bytes, with values of at most 1,024 bytes.
	Metadata map[string]string
	// Image is the picture, or an embedding of the gallery's model.
	Image Image
}

func (e NewEntry) proto() *siamesev1.NewEntry {
	return &siamesev1.NewEntry{Id: e.ID, Thing: e.Thing, Metadata: e.Metadata, Image: e.Image.proto()}
}

// EnrollStatus is how an entry was kept.
type EnrollStatus int32

// The ways in which entries are kept: there was none of the ID; it took the place of
// another; it was there already.
const (
	Added     = EnrollStatus(siamesev1.EnrollStatus_ENROLL_STATUS_ADDED)
	Replaced  = EnrollStatus(siamesev1.EnrollStatus_ENROLL_STATUS_REPLACED)
	Unchanged = EnrollStatus(siamesev1.EnrollStatus_ENROLL_STATUS_UNCHANGED)
)

// EnrollResult is what became of an entry of BatchEnroll.
type EnrollResult struct {
	// Status is how it was kept; 0 where Err is not nil.
	Status EnrollStatus
	// Familiarity is how familiar the picture is to the model; nil where it does not tell.
	Familiarity *Familiarity
	// Warning is a sentence for people where the picture is foreign to the model; empty
	// otherwise.
	Warning string
	// Err is why the entry was not kept; nil where it was.
	Err *Error
}

// BatchEnroll keeps entries, at most Limits.MaxImages in one message, and returns a result
// for each. All without an error are kept for good when it returns.
func (c *Client) BatchEnroll(ctx context.Context, gallery string, entries []NewEntry) ([]EnrollResult, error) {
	request := &siamesev1.BatchEnrollRequest{Gallery: gallery}
	for _, entry := range entries {
		request.Entries = append(request.Entries, entry.proto())
	}
	reply, err := c.galleries.BatchEnroll(ctx, request)
	if err != nil {
		return nil, newError(err)
	}
	if got := len(reply.GetResults()); got != len(entries) {
		return nil, unexpected("%d results of %d entries", got, len(entries))
	}
	results := make([]EnrollResult, len(entries))
	for i, result := range reply.GetResults() {
		results[i] = EnrollResult{
			Status: EnrollStatus(result.GetStatus()), Familiarity: newFamiliarity(result.GetFamiliarity()), Warning: result.GetWarning(),
		}
		if failed := result.GetError(); failed != nil {
			results[i].Err = newItemError(failed)
		}
	}
	return results, nil
}

// Enrollment is what became of the entries of Enroll.
type Enrollment struct {
	Added, Replaced, Unchanged, Failed int
	// Failures are those that failed, the first 1,000.
	Failures []EnrollFailure
}

// EnrollFailure is an entry that was not kept.
type EnrollFailure struct {
	ID string
	// Index is its place among the entries, from 0.
	Index int
	Err   *Error
}

// Enroll keeps any number of entries, which it takes from the iterator as fast as the
// server encodes them, and returns when all are kept for good or have failed by
// themselves. An error of the iterator ends it and is returned as it is. After an error
// some entries may have been kept: send all again, which changes nothing in those.
func (c *Client) Enroll(ctx context.Context, gallery string, entries iter.Seq2[NewEntry, error]) (Enrollment, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.galleries.Enroll(ctx)
	if err != nil {
		return Enrollment{}, newError(err)
	}
	err = stream.Send(&siamesev1.EnrollRequest{Gallery: gallery})
	if err == nil {
		for entry, failed := range entries {
			if failed != nil {
				return Enrollment{}, failed
			}
			if err = stream.Send(&siamesev1.EnrollRequest{Entry: entry.proto()}); err != nil {
				break
			}
		}
	}
	if err != nil && !errors.Is(err, io.EOF) { // at io.EOF the server has said why
		return Enrollment{}, newError(err)
	}
	reply, err := stream.CloseAndRecv()
	if err != nil {
		return Enrollment{}, newError(err)
	}
	return newEnrollment(reply), nil
}

func newEnrollment(reply *siamesev1.EnrollResponse) Enrollment {
	e := Enrollment{
		Added: int(reply.GetAdded()), Replaced: int(reply.GetReplaced()), Unchanged: int(reply.GetUnchanged()), Failed: int(reply.GetFailed()),
	}
	for _, failed := range reply.GetFailures() {
		e.Failures = append(e.Failures, EnrollFailure{ID: failed.GetId(), Index: int(failed.GetIndex()), Err: newItemError(failed.GetError())})
	}
	return e
}

// RemoveEntries removes entries by their ids, and all that show one of things, at most
// 1,000 ids and things together. It returns how many entries went.
func (c *Client) RemoveEntries(ctx context.Context, gallery string, ids, things []string) (int, error) {
	reply, err := c.galleries.RemoveEntries(ctx, &siamesev1.RemoveEntriesRequest{Gallery: gallery, Ids: ids, Things: things})
	if err != nil {
		return 0, newError(err)
	}
	return int(reply.GetRemoved()), nil
}

// EntryParts are the parts of an entry that are large. The zero value asks for none.
type EntryParts struct{ Thumbnail, Picture, Embedding bool }

// Entry returns one entry. One that there is none of: ENTRY_NOT_FOUND.
func (c *Client) Entry(ctx context.Context, gallery, id string, with EntryParts) (Entry, error) {
	reply, err := c.galleries.GetEntry(ctx, &siamesev1.GetEntryRequest{
		Gallery: gallery, Id: id,
		IncludeThumbnail: with.Thumbnail, IncludePicture: with.Picture, IncludeEmbedding: with.Embedding,
	})
	if err != nil {
		return Entry{}, newError(err)
	}
	return newEntry(reply.GetEntry()), nil
}

// EntryList says which entries are wanted. The zero value asks for all.
type EntryList struct {
	// PageSize is how many entries come in a message, at most 1,000; 0: the server's
	// default.
	PageSize int
	// Filter leaves out entries that have not all of its keys with its values.
	Filter map[string]string
	// Thing, where not empty, leaves out entries of others.
	Thing string
	// StaleOnly leaves out entries of the gallery's model.
	StaleOnly bool
	// Thumbnails asks for them, where kept.
	Thumbnails bool
}

// Entries yields a gallery's entries in the order of their ids, by bytes. An error comes
// last.
func (c *Client) Entries(ctx context.Context, gallery string, list EntryList) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		request := &siamesev1.ListEntriesRequest{
			Gallery: gallery, PageSize: uint32(max(list.PageSize, 0)), Filter: list.Filter, Thing: list.Thing,
			StaleOnly: list.StaleOnly, IncludeThumbnails: list.Thumbnails,
		}
		for {
			page, err := c.galleries.ListEntries(ctx, request)
			if err != nil {
				yield(Entry{}, newError(err))
				return
			}
			for _, entry := range page.GetEntries() {
				if !yield(newEntry(entry), nil) {
					return
				}
			}
			if page.GetNextPageToken() == "" {
				return
			}
			request.PageToken = page.GetNextPageToken()
		}
	}
}

// IdentifyOptions are optional wishes of Identify. The zero value asks for nothing.
type IdentifyOptions struct {
	// TopK is how many things at most, up to 100; 0: 10.
	TopK int
	// MinSimilarity leaves out things whose best entry has less, 0 to 1.
	MinSimilarity float32
	// Filter leaves out entries that have not all of its keys with its values.
	Filter map[string]string
	// Threshold replaces the model's own, 0 to 1. Nil: the model's.
	Threshold *float32
	// Thumbnails asks for those of the best entries, where kept.
	Thumbnails bool
	// TestTimeViews is as in Options, of the image.
	TestTimeViews uint32
}

// Identification is the things that an image may show.
type Identification struct {
	// Matches are the things, best first.
	Matches   []ThingMatch
	Threshold float32
	// Model is the name of the model that answered.
	Model string
	// Familiarity is how familiar the image is to the model; nil where it does not tell.
	Familiarity *Familiarity
	// Warning is sentences for people where the similarities mean little, or a part of the
	// gallery can't be found; empty otherwise.
	Warning string
	// SearchedEntries is how many entries there are to search, before the filter.
	SearchedEntries int
}

// ThingMatch is a thing that an image may show.
type ThingMatch struct {
	Thing string
	// Entry is the thing's that is most like the image.
	Entry Entry
	// Similarity is that of the image and the entry, 0 to 1, as Compare says it.
	Similarity float32
	// Same is the verdict: Similarity >= Identification.Threshold.
	Same bool
}

// Identify says which things of a gallery an image may show.
func (c *Client) Identify(ctx context.Context, gallery string, image Image, options IdentifyOptions) (Identification, error) {
	reply, err := c.galleries.Identify(ctx, &siamesev1.IdentifyRequest{
		Gallery: gallery, Image: image.proto(), TopK: uint32(max(options.TopK, 0)), MinSimilarity: options.MinSimilarity,
		Filter: options.Filter, Threshold: options.Threshold, IncludeThumbnails: options.Thumbnails,
		TestTimeViews: options.TestTimeViews,
	})
	if err != nil {
		return Identification{}, newError(err)
	}
	found := Identification{
		Threshold:       reply.GetThreshold(),
		Model:           reply.GetModel().GetName(),
		Familiarity:     newFamiliarity(reply.GetFamiliarity()),
		Warning:         reply.GetWarning(),
		SearchedEntries: int(reply.GetSearchedEntries()),
	}
	for _, match := range reply.GetMatches() {
		found.Matches = append(found.Matches, ThingMatch{
			Thing: match.GetThing(), Entry: newEntry(match.GetEntry()), Similarity: match.GetSimilarity(), Same: match.GetSame(),
		})
	}
	return found, nil
}

// streamError is why a stream of answers has ended before its last one.
func streamError(err error) *Error {
	if errors.Is(err, io.EOF) {
		return streamEnded()
	}
	return newError(err)
}
