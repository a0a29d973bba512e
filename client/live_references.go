package client

import (
	"fmt"
	"slices"

	siamesev1 "siamese/proto/siamese/v1"
)

// referenceBook is the references that the caller wants, and what of them the
// present stream has been told. Its owner's mutex guards it.
type referenceBook struct {
	held []*heldReference // in the order in which the names were first set

	// drops are names that the stream was sent and is to forget. None was sent
	// twice between two drops, so that there are no more of them than references
	// in flight or held by the server.
	drops []string
}

// heldReference is a name's images. An image is told from another by its
// address: the caller may set equal ones twice.
type heldReference struct {
	name     string
	wanted   *siamesev1.Image // the newest that was not refused
	accepted *siamesev1.Image // the newest that a server has taken; nil: none yet

	// Of the present stream:
	sent     *siamesev1.Image // the newest that was sent
	stored   *siamesev1.Image // what the server holds
	underWay int              // images that were sent and not answered
}

// referenceChange is a message about a reference that was sent and is owed an
// answer.
type referenceChange struct {
	name  string
	held  *heldReference   // nil: the name is dropped
	image *siamesev1.Image // nil with held
}

// set makes image the one that is wanted under a name.
func (b *referenceBook) set(reference Reference) error {
	image := encoded(reference.Image)
	if i := b.index(reference.Name); i >= 0 {
		b.held[i].wanted = image
		return nil
	}
	if len(b.held) >= maxReferences {
		return fmt.Errorf("received a reference more than the %d that are held, expected at most %d", len(b.held), maxReferences)
	}
	b.held = append(b.held, &heldReference{name: reference.Name, wanted: image})
	return nil
}

// drop forgets a name; one that is unknown is ignored.
func (b *referenceBook) drop(name string) {
	i := b.index(name)
	if i < 0 {
		return
	}
	if b.held[i].sent != nil {
		b.drops = append(b.drops, name)
	}
	b.held = slices.Delete(b.held, i, i+1)
}

// restart forgets what the last stream was told.
func (b *referenceBook) restart() {
	b.drops = nil
	for _, h := range b.held {
		h.sent, h.stored, h.underWay = nil, nil, 0
	}
}

// pending reports whether the stream has something to be told.
func (b *referenceBook) pending() bool {
	return len(b.drops) > 0 || slices.ContainsFunc(b.held, (*heldReference).pending)
}

func (h *heldReference) pending() bool { return h.wanted != h.sent && h.wanted != h.stored }

// next takes the next thing that the stream is to be told; something must be
// pending. Drops come first: a name that was dropped and set again begins again.
func (b *referenceBook) next() referenceChange {
	if len(b.drops) > 0 {
		change := referenceChange{name: b.drops[0]}
		b.drops = slices.Delete(b.drops, 0, 1)
		return change
	}
	h := b.held[slices.IndexFunc(b.held, (*heldReference).pending)]
	h.sent = h.wanted
	h.underWay++
	return referenceChange{name: h.name, held: h, image: h.wanted}
}

// usable reports whether a frame that is sent now may find a reference there.
func (b *referenceBook) usable() bool {
	return slices.ContainsFunc(b.held, func(h *heldReference) bool { return h.stored != nil || h.underWay > 0 })
}

// taken notes that the server has done what a change asks for.
func (b *referenceBook) taken(change referenceChange) {
	if h := change.held; h != nil {
		h.underWay--
		h.stored, h.accepted = change.image, change.image
	}
}

// failed notes that the server has not. An image whose error lasts is forgotten:
// the name goes back to the one that was taken before, or goes.
func (b *referenceBook) failed(change referenceChange, lasting bool) {
	h := change.held
	if h == nil {
		return
	}
	h.underWay--
	if !lasting {
		return
	}
	if h.accepted == change.image {
		h.accepted = nil
	}
	if h.wanted == change.image {
		h.wanted = h.accepted
	}
	if h.wanted == nil {
		b.held = slices.DeleteFunc(b.held, func(other *heldReference) bool { return other == h })
	}
}

func (b *referenceBook) index(name string) int {
	return slices.IndexFunc(b.held, func(h *heldReference) bool { return h.name == name })
}

// request is the change as the stream is told it.
func (c referenceChange) request() *siamesev1.StreamCompareRequest {
	if c.held == nil {
		return &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_DropReference{
			DropReference: &siamesev1.DropReference{Name: c.name},
		}}
	}
	return &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_SetReference{
		SetReference: &siamesev1.SetReference{Name: c.name, Image: c.image},
	}}
}

func (c referenceChange) imageBytes() int { return len(c.image.GetEncoded()) }
