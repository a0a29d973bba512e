package server

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "siamese/proto/siamese/v1"
	"siamese/server/batch"
	"siamese/server/internal/fault"
)

// clock tells where the time of a call or frame went.
type clock struct {
	started time.Time
	compare time.Duration
}

// timings is the clock's and the images' part together.
func (c clock) timings(images *imageSet) *pb.Timings {
	return &pb.Timings{
		Decode:  durationpb.New(images.decode),
		Queue:   durationpb.New(images.report.Queue),
		Encode:  durationpb.New(images.report.Encode),
		Compare: durationpb.New(c.compare),
		Total:   durationpb.New(time.Since(c.started)),
	}
}

// call is a unary call under way.
type call struct {
	engine    *engine
	images    *imageSet
	place     *batch.Place // for the images in the queue; nil where there is none to encode
	threshold float32
	clock     clock
}

// begin checks the options and the server's state.
func (s *service) begin(options *pb.CompareOptions) (*call, error) {
	e, err := s.use(options.GetModel())
	if err != nil {
		return nil, err
	}
	threshold, err := e.threshold(options, "options.threshold")
	if err != nil {
		return nil, err
	}
	s.call = &call{
		engine:    e,
		images:    newImageSet(e, options.GetIncludePrepared()),
		threshold: threshold,
		clock:     clock{started: time.Now()},
	}
	return s.call, nil
}

// prepare prepares the images once there is a place for them in the queue: under
// overload, preparing costs the time that the encoder wants. It is called once.
func (c *call) prepare(ctx context.Context) (err error) {
	if n := c.images.unknown(); n > 0 {
		if c.place, err = c.engine.queue.Reserve(ctx, n); err != nil {
			return err
		}
	}
	return c.images.prepare(ctx)
}

// threshold returns the asked-for threshold, else the model's.
func (e *engine) threshold(options *pb.CompareOptions, field string) (float32, error) {
	if options == nil || options.Threshold == nil {
		return e.info.Threshold, nil
	}
	asked := options.GetThreshold()
	return asked, fault.CheckFraction(field, fault.ReasonThresholdRange, asked)
}

// encode gives the members their embeddings; they must be without fault. The
// call is refused when the queue is full.
func (c *call) encode(ctx context.Context, needed []*member) error {
	if c.place == nil { // the cache had all, or they came as embeddings
		return c.images.encode(ctx, c.engine.queue.Submit, needed)
	}
	return c.images.encode(ctx, c.place.Submit, needed)
}

// score encodes the couples' members and scores each couple.
func (c *call) score(ctx context.Context, couples []couple) ([]float32, error) {
	needed := make([]*member, 0, 2*len(couples))
	for _, pair := range couples {
		needed = append(needed, pair.a, pair.b)
	}
	if err := c.encode(ctx, needed); err != nil {
		return nil, err
	}
	started := time.Now()
	similarities, err := c.engine.compare(ctx, couples)
	c.clock.compare = time.Since(started)
	return similarities, err
}

func (c *call) timings() *pb.Timings { return c.clock.timings(c.images) }

// operand is an image of a request and the field that it came in.
type operand struct {
	*member
	field string
}

func (c *call) operand(field string, image *pb.Image) operand {
	return operand{member: c.images.add(image), field: field}
}

// firstFault returns the fault of the first operand that has one, as an error.
func firstFault(operands ...operand) error {
	for _, o := range operands {
		if o.fault != nil {
			return o.fault.At(o.field)
		}
	}
	return nil
}
