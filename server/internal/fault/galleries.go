package fault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"siamese/gallery"
)

// Faults of galleries.

// GalleriesOff says that the server keeps no galleries.
func GalleriesOff() *Fault {
	return &Fault{
		code: codes.Unimplemented, reason: ReasonGalleriesOff,
		message: "this server keeps no galleries: siamese serve --galleries says where to keep them",
	}
}

// Unusable says what of a request can't be what it is to be; reason and field are told
// with it.
func Unusable(reason, field string, err error) *Fault {
	return invalid(reason, "%v", err).At(field)
}

// GalleryNotFound says that there is no gallery of a name.
func GalleryNotFound(name string) *Fault {
	return &Fault{
		code: codes.NotFound, reason: ReasonGalleryNotFound, field: "gallery",
		message: fmt.Sprintf("received gallery %s, expected the name of one that there is", Quote(name)),
	}
}

// galleryGone says that a gallery was deleted while a call was under way.
func galleryGone() *Fault {
	return &Fault{code: codes.NotFound, reason: ReasonGalleryNotFound, message: "the gallery has been deleted"}
}

// galleryUnavailable says that galleries can't be used now. What kept them from it is the
// server's affair.
func galleryUnavailable(err error) *Fault {
	f := &Fault{
		code: codes.Unavailable, reason: ReasonGalleryUnavailable, retry: retryDelay,
		message: "the store of galleries can't be reached now",
	}
	if errors.Is(err, gallery.ErrInUse) {
		f.message = "another process of this server's machine has the gallery open"
	}
	return f
}

// galleryStoreFull says that what galleries are on has no room.
func galleryStoreFull() *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonGalleryStoreFull,
		message: "the server's disk has no room for galleries: entries can be read and removed, expected none to be added until there is",
	}
}

// GalleryExists says that there is a gallery of the name with other choices.
func GalleryExists(name, has, wanted string) *Fault {
	return &Fault{
		code: codes.AlreadyExists, reason: ReasonGalleryExists, field: "gallery",
		message: fmt.Sprintf("received gallery %s with %s, and there is one with %s: expected the same, or another name", Quote(name), wanted, has),
	}
}

// TooManyGalleries says that there are as many galleries as the server keeps.
func TooManyGalleries(count, limit int) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyGalleries, field: "gallery",
		message:  fmt.Sprintf("received a new gallery beside the %d that there are, expected at most %d: delete one that is not needed, or have the server keep more", count, limit),
		metadata: counted(count, limit),
	}
}

// GalleryFull says that a gallery has as many entries as the server keeps of one.
func GalleryFull(name string, count, limit int) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonGalleryFull,
		message: fmt.Sprintf("received a new entry beside the %d of gallery %s, expected at most %d: remove entries that are not needed, or have the server keep more",
			count, Quote(name), limit),
		metadata: counted(count, limit),
	}
}

// GalleryDenied says that the caller has not the right, a verb, that a call needs.
func GalleryDenied(name, right string) *Fault {
	return &Fault{
		code: codes.PermissionDenied, reason: ReasonGalleryDenied,
		message: fmt.Sprintf("received a call that needs the right to %s gallery %s, expected a caller who has it", right, Quote(name)),
	}
}

// GalleryModelChanged says that a gallery's embeddings are of other weights, by their
// digests, than the server has now under the model's name.
func GalleryModelChanged(name, model, has, serves string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonGalleryModelChanged,
		message: fmt.Sprintf("gallery %s has embeddings of model %s with digest %s, and the server has that model with digest %s: Reindex moves the gallery to it",
			Quote(name), Quote(model), has, serves),
		metadata: map[string]string{"gallery_digest": has, "model_digest": serves},
	}
}

// GalleryMoved says that a gallery was moved to other weights, by their digests, while a
// call was under way.
func GalleryMoved(name, was, is string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonGalleryModelChanged,
		message: fmt.Sprintf("gallery %s was moved from the model with digest %s to one with %s while the call was under way: send it again",
			Quote(name), was, is),
		metadata: map[string]string{"gallery_digest": was, "model_digest": is},
	}
}

// BareModelNotFound says that no model has this name by itself, without a version.
func BareModelNotFound(name string, models []string) *Fault {
	return &Fault{
		code: codes.NotFound, reason: ReasonModelNotFound, field: "model",
		message: fmt.Sprintf("received model %s, expected one of %s: a gallery belongs to a model, and moves with its versions",
			Quote(name), strings.Join(models, ", ")),
	}
}

// ReindexUnderWay says that a gallery is being moved to another model than a call asks
// for.
func ReindexUnderWay(name, model string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonGalleryModelChanged, field: "model",
		message: fmt.Sprintf("gallery %s is being moved to model %s: expected that, or the end of it", Quote(name), Quote(model)),
	}
}

// EntryNotFound says that a gallery has no entry of an id.
func EntryNotFound(id string) *Fault {
	return &Fault{
		code: codes.NotFound, reason: ReasonEntryNotFound, field: "id",
		message: fmt.Sprintf("received id %s, expected that of an entry of the gallery", Quote(id)),
	}
}

// CheckMost bounds a number of a request; reason is told where it is above.
func CheckMost(field, reason string, value uint32, limit int) error {
	if uint64(value) <= uint64(limit) {
		return nil
	}
	f := invalid(reason, "received %d, expected at most %d", value, limit)
	f.metadata = map[string]string{"limit": strconv.Itoa(limit)}
	return f.At(field)
}

// PageToken says that a token is of no page, or of another list's.
func PageToken() *Fault {
	return invalid(ReasonPageToken, "received a token that is not of a page of this gallery with this filter, expected next_page_token of the page before, or none").At("page_token")
}

// DrainingKept says that a stream of entries ends as the server stops, and how many of
// its entries were looked at and are kept where they have not failed.
func DrainingKept(entries int) *Fault {
	f := Draining()
	f.message += fmt.Sprintf(": the first %d entries of this stream are kept, where they have not failed; send the others again", entries)
	f.metadata = map[string]string{"kept_entries": strconv.Itoa(entries)}
	return f
}

// EnrollNotOpened says that a stream of entries has no first message.
func EnrollNotOpened(received string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonStreamNotOpened,
		message: fmt.Sprintf("received %s, expected a message that names the gallery", received),
	}
}

// OtherGallery says that a message of a stream of entries is for another gallery than the
// stream.
func OtherGallery(received, expected string) *Fault {
	return invalid(ReasonGalleryName, "received gallery %s within a stream for %s, expected that or none", Quote(received), Quote(expected)).At("gallery")
}
