package server

import (
	"context"
	"time"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/stream"
	"siamese/server/internal/wire"
)

// service answers the RPCs of the contract. It is apart from Server, so that the
// methods of the wire are not part of the package's interface.
type service struct {
	pb.UnimplementedSiameseServiceServer
	*Server
}

// StreamCompare scores frames and pairs as they come.
func (s *service) StreamCompare(wire stream.Stream) error { return s.streams.Compare(wire) }

// call is a unary call under way.
type call struct {
	model     *infer.Handle
	images    *infer.Images
	threshold wire.Threshold
	clock     wire.Clock
}

// begin checks the options and takes the model that they name. The caller must
// end the call.
func (s *service) begin(ctx context.Context, options *pb.CompareOptions) (*call, error) {
	model, err := s.registry.Acquire(options.GetModel())
	if err != nil {
		return nil, err
	}
	threshold, err := wire.NewThreshold(options, "options.threshold")
	if err == nil {
		err = fault.CheckViews(viewsField, options.GetTestTimeViews(), s.cfg.MaxTestTimeViews)
	}
	if err != nil {
		model.Release()
		return nil, err
	}
	return &call{
		model: model,
		images: model.NewImages(infer.ImagesConfig{
			Caller:       admission.Caller(ctx),
			KeepPrepared: options.GetIncludePrepared(),
			Views:        int(options.GetTestTimeViews()),
		}),
		threshold: threshold,
		clock:     wire.Clock{Started: time.Now()},
	}, nil
}

// viewsField is the option that says how many views are scored.
const viewsField = "options.test_time_views"

// end lets go of what the call has held.
func (c *call) end() {
	c.images.Release()
	c.model.Release()
}

// add takes an image of the request into the call.
func (c *call) add(field string, image *pb.Image) wire.Operand {
	return wire.Add(c.images, field, image)
}

// pair notes that two images of the request are to be scored against each other, and
// returns what is wrong with that, told of the second.
func (c *call) pair(a, b wire.Operand) *fault.Fault {
	if f := c.images.Pair(a.Image, b.Image); f != nil {
		return f.At(b.Field)
	}
	return nil
}

// vary has images of the request encoded in as many views as its options ask for.
func (c *call) vary(operands ...wire.Operand) {
	for _, o := range operands {
		c.images.Vary(o.Image)
	}
}

// prepare prepares the call's images, unless their views are too many.
func (c *call) prepare(ctx context.Context) error {
	if f := c.images.CheckRoom(); f != nil {
		return f.At(viewsField)
	}
	return c.images.Prepare(ctx)
}

// score encodes the images of the pairs, which must be without fault, and scores
// each pair. The call is refused when a queue is full.
func (c *call) score(ctx context.Context, pairs []infer.Pair) ([]infer.Score, error) {
	needed := make([]*infer.Image, 0, 2*len(pairs))
	for _, pair := range pairs {
		needed = append(needed, pair.A, pair.B)
	}
	if err := c.images.Encode(ctx, needed); err != nil {
		return nil, err
	}
	started := time.Now()
	scores, err := c.model.Compare(ctx, pairs)
	c.clock.Compare = time.Since(started)
	return scores, err
}

func (c *call) reference() *pb.ModelReference { return wire.ModelReference(c.model.Info()) }

func (c *call) timings() *pb.Timings { return c.clock.Timings(c.images) }
