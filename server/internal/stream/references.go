package stream

import (
	"context"
	"fmt"
	"slices"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// references are a stream's stored images by name. They belong to the sender's
// goroutine alone.
type references struct {
	limit  int
	byName map[string]*infer.Image
	names  []string // in the order in which they were first set
}

func newReferences(limit int) *references {
	return &references{limit: limit, byName: make(map[string]*infer.Image)}
}

// set stores an image under a name, new or in use.
func (r *references) set(name, field string, m *infer.Image) error {
	if _, ok := r.byName[name]; !ok {
		if len(r.names) >= r.limit {
			return fault.TooManyReferences(field, len(r.names)+1, r.limit)
		}
		r.names = append(r.names, name)
	}
	r.byName[name] = m
	return nil
}

// drop forgets a name.
func (r *references) drop(name, field string) error {
	if _, ok := r.byName[name]; !ok {
		return fault.UnknownReference(field, name)
	}
	delete(r.byName, name)
	r.names = slices.DeleteFunc(r.names, func(n string) bool { return n == name })
	return nil
}

// get returns the image stored under a name.
func (r *references) get(name, field string) (*infer.Image, error) {
	m, ok := r.byName[name]
	if !ok {
		return nil, fault.UnknownReference(field, name)
	}
	return m, nil
}

// choose returns the names that a frame is to be scored against and their
// images: those asked for, or all where none is.
func (r *references) choose(asked []string) (names []string, stored []*infer.Image, err error) {
	names = asked
	if len(asked) == 0 {
		names = r.names
	}
	if len(names) == 0 {
		return nil, nil, fault.NoReferences()
	}
	for i, name := range names {
		m, err := r.get(name, fmt.Sprintf("frame.references[%d]", i))
		if err != nil {
			return nil, nil, err
		}
		stored = append(stored, m)
	}
	return names, stored, nil
}

// knownReferences is what the receiver, whose alone it is, knows of the references: by
// which models an image has to be encoded that is held against them. It knows all that
// were ever sent, since it does not see which of them were stored.
type knownReferences struct {
	hasPicture bool
	embeddings map[string]*infer.Image // by the digest of their model; one of each
}

// add notes a reference that is sent, and has a picture encoded by all models.
func (k *knownReferences) add(images *infer.Images, reference operand) {
	if reference.byName || reference.Fault() != nil {
		return
	}
	if digest := reference.GivenBy(); digest != "" {
		k.embeddings[digest] = reference.Image
		return
	}
	k.hasPicture = true
	images.WantAll(reference.Image)
}

// expect notes that an image is to be held against references.
func (k *knownReferences) expect(images *infer.Images, image operand) {
	if image.byName {
		return
	}
	for _, embedding := range k.embeddings {
		_ = images.Pair(image.Image, embedding) // the answer says what is wrong with it
	}
	if k.hasPicture || len(k.embeddings) == 0 {
		images.Choose(image.Image)
	}
}

// setReferenceCommand stores an image under a name.
type setReferenceCommand struct {
	reference string
	field     string
	image     operand
}

func (s *session) setReference(m *pb.SetReference, field string) *entry {
	e := s.newEntry()
	c := &setReferenceCommand{reference: m.GetName(), field: field}
	e.command = c
	if e.err = fault.CheckReferenceName(field+".name", m.GetName()); e.err == nil {
		c.image = e.operand(field+".image", m.GetImage())
		s.known.add(e.images, c.image)
	}
	return e
}

func (c *setReferenceCommand) answer(_ context.Context, s *session, _ *entry) (*pb.StreamCompareResponse, error) {
	image, err := c.image.resolve(s.references)
	if err != nil {
		return nil, err
	}
	if err := s.references.set(c.reference, c.field, image); err != nil {
		return nil, err
	}
	best := image.Best()
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_ReferenceSet{ReferenceSet: &pb.ReferenceSet{
		Name: c.reference, PreparedPng: best.PNG(),
		Familiarity: wire.Familiarity(best), Warning: wire.Warning(wire.Reference, best),
	}}}, nil
}

func (c *setReferenceCommand) name(failed *pb.ItemFailed) {
	failed.Item = &pb.ItemFailed_Reference{Reference: fault.ClipReferenceName(c.reference)}
}

// dropReferenceCommand forgets a name.
type dropReferenceCommand struct{ reference string }

func (s *session) dropReference(m *pb.DropReference) *entry {
	e := s.newEntry()
	e.command = &dropReferenceCommand{reference: m.GetName()}
	return e
}

func (c *dropReferenceCommand) answer(_ context.Context, s *session, _ *entry) (*pb.StreamCompareResponse, error) {
	if err := s.references.drop(c.reference, "drop_reference.name"); err != nil {
		return nil, err
	}
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_ReferenceDropped{
		ReferenceDropped: &pb.ReferenceDropped{Name: c.reference},
	}}, nil
}

func (c *dropReferenceCommand) name(failed *pb.ItemFailed) {
	failed.Item = &pb.ItemFailed_Reference{Reference: fault.ClipReferenceName(c.reference)}
}
