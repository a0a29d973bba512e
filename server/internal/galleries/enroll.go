package galleries

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
)

// What a stream of entries has under way. The encoder is to have the next group waiting
// when it is done with one, while a third is decoded or put into the store.
const (
	maxGroups    = 3
	maxGroup     = 64       // entries that are kept together
	minGroup     = 16       // the same, where the encoder takes few at a time
	maxUnderWay  = 256      // entries
	windowBytes  = 32 << 20 // of messages; one more is being read
	maxFailures  = 1000     // that the answer tells of
	firstTimeout = 20 * time.Second
)

type enrollStream = grpc.ClientStreamingServer[pb.EnrollRequest, pb.EnrollResponse]

// Enroll keeps the entries of a stream, in groups as they come.
func (s *Service) Enroll(stream enrollStream) error {
	if s.cfg.Store == nil {
		return fault.GalleriesOff()
	}
	messages, err := admission.HoldMessages(stream.Context())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	e := &enrolment{
		service:  s,
		caller:   s.cfg.Caller(ctx),
		messages: messages,
		incoming: make(chan *arrival, maxUnderWay),
		window:   semaphore.NewWeighted(windowBytes),
		underWay: make(map[string]int),
	}
	s.cfg.Go(func() {
		defer close(e.incoming)
		e.failed = fault.Guard(func() error { return e.receive(ctx, stream) })
	})
	first, err := e.first(ctx)
	if err != nil {
		return err
	}
	leave, ok := s.cfg.Enter(e.caller)
	if !ok {
		return fault.TooManyStreams(s.cfg.MaxStreams)
	}
	defer leave()
	if e.gallery, err = s.enter(ctx, first.message.GetGallery(), access.Write); err != nil {
		return err
	}
	if err := e.run(ctx, first); err != nil {
		return err
	}
	return stream.SendAndClose(&e.answer)
}

// enrolment is a stream of entries under way. Its fields are the handler's goroutine's,
// but for those that are told to be others'.
//
// The receiver takes messages while their bytes fit the window. The handler gathers what
// has come into groups; each is encoded beside the one before it, and put into the store
// after it, so that of two entries of an id the later one stays.
type enrolment struct {
	service  *Service
	gallery  gallery.Info
	caller   string
	messages *admission.Messages
	incoming chan *arrival
	window   *semaphore.Weighted // bytes of messages
	failed   error               // why the receiver ended; to be read when incoming is closed
	arrived  int                 // entries

	mu       sync.Mutex
	underWay map[string]int // entries of an id that are not kept yet; guarded by mu

	// The groups', one after the other.
	kept   int // entries that were looked at
	answer pb.EnrollResponse
}

// arrival is a message with what it holds.
type arrival struct {
	message *pb.EnrollRequest
	item    *item // nil for a message without an entry
	bytes   int64 // of the call's budget
	weight  int64 // of the window
}

// receive takes messages until the client has ended its side, which is no error.
func (e *enrolment) receive(ctx context.Context, stream enrollStream) error {
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		a := &arrival{message: message, bytes: e.messages.Last()}
		a.weight = min(max(a.bytes, windowBytes/maxUnderWay), windowBytes)
		if err := e.window.Acquire(ctx, a.weight); err != nil {
			return err
		}
		e.incoming <- a // never blocks: the window has as many places
	}
}

// first waits for the first message.
func (e *enrolment) first(ctx context.Context) (*arrival, error) {
	late := time.NewTimer(firstTimeout)
	defer late.Stop()
	select {
	case a, ok := <-e.incoming:
		switch {
		case ok:
			return a, nil
		case e.failed != nil:
			return nil, e.failed
		}
		return nil, fault.EnrollNotOpened("the end of the stream")
	case <-late.C:
		return nil, fault.EnrollNotOpened("nothing for " + firstTimeout.String())
	case <-e.service.cfg.Draining:
		return nil, fault.Draining()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run keeps all entries and returns how the stream ends.
func (e *enrolment) run(ctx context.Context, first *arrival) error {
	groups, ctx := errgroup.WithContext(ctx)
	places := make(chan struct{}, maxGroups)
	before := make(chan struct{}) // closed when the group before has been kept
	close(before)
	var ended error
	next := e.take(first)
	for ended == nil {
		var arrived []*arrival
		if arrived, ended = e.gather(ctx, next); len(arrived) == 0 {
			continue
		}
		next = nil
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return cmp.Or(groups.Wait(), ctx.Err())
		}
		arrived = e.more(arrived) // that came meanwhile
		after, done := before, make(chan struct{})
		before = done
		groups.Go(func() error {
			defer func() { <-places }()
			return fault.Guard(func() error { return e.enroll(ctx, arrived, after, done) })
		})
	}
	err := groups.Wait()
	switch {
	case err != nil:
		return err
	case errors.Is(ended, errStopped):
		return fault.DrainingKept(e.kept)
	case errors.Is(ended, io.EOF):
		return nil
	}
	return ended
}

// errStopped says that the server stops.
var errStopped = errors.New("galleries: the stream's grace is over")

// gather returns messages with entries, at least one, unless the stream has ended: io.EOF
// where by its client, errStopped by the server.
func (e *enrolment) gather(ctx context.Context, first *arrival) ([]*arrival, error) {
	if first != nil {
		return []*arrival{first}, nil
	}
	for {
		select {
		case a, ok := <-e.incoming:
			switch {
			case ok && e.take(a) != nil:
				return []*arrival{a}, nil
			case ok:
				continue
			case e.failed != nil:
				return nil, e.failed
			}
			return nil, io.EOF
		case <-e.service.cfg.GraceOver:
			return nil, errStopped
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// more appends the messages that are there already, as far as a group takes them.
func (e *enrolment) more(arrived []*arrival) []*arrival {
	for len(arrived) < e.groupSize() {
		select {
		case a, ok := <-e.incoming:
			if !ok {
				return arrived // gather will see it, too
			}
			if e.take(a) != nil {
				arrived = append(arrived, a)
			}
		default:
			return arrived
		}
	}
	return arrived
}

// groupSize is how many entries at most are kept together.
func (e *enrolment) groupSize() int {
	return min(max(2*e.service.batchOf(e.gallery), minGroup), maxGroup, e.service.cfg.MaxQueuedImages)
}

// take makes an item of a message; nil of one without an entry, which is done with. Only
// the first may have none.
func (e *enrolment) take(a *arrival) *arrival {
	if a.message.GetEntry() == nil && e.arrived == 0 {
		e.letGo([]*arrival{a})
		return nil
	}
	a.item = newItem(e.arrived, "entry", a.message.GetEntry())
	if name := a.message.GetGallery(); name != "" && name != e.gallery.Name {
		a.item.fault = fault.OtherGallery(name, e.gallery.Name)
	}
	e.arrived++
	a.message = nil // its picture is the item's
	e.mu.Lock()
	defer e.mu.Unlock()
	a.item.again = e.underWay[a.item.entry.ID] > 0
	e.underWay[a.item.entry.ID]++
	return a
}

// enroll encodes a group beside the one before it, and keeps it when that one has been
// kept.
func (e *enrolment) enroll(ctx context.Context, arrived []*arrival, before <-chan struct{}, kept chan<- struct{}) error {
	// It may have moved to another model, or its caller may have lost the right to it.
	info, err := e.service.enter(ctx, e.gallery.Name, access.Write)
	if err != nil {
		return err
	}
	w := &work{service: e.service, gallery: info, caller: e.caller, waits: true}
	for _, a := range arrived {
		w.items = append(w.items, a.item)
	}
	w.decoded = sync.OnceFunc(func() { e.letGo(arrived) })
	defer w.decoded()
	if err := w.begin(); err != nil {
		return err
	}
	defer w.end()
	if err := w.encode(ctx); err != nil {
		return err
	}
	select {
	case <-before:
	case <-ctx.Done(): // it has failed, or the stream has
		return ctx.Err()
	}
	if err := w.keep(ctx); err != nil {
		return err
	}
	e.tell(w.items)
	close(kept)
	return nil
}

// letGo gives back what messages took.
func (e *enrolment) letGo(arrived []*arrival) {
	for _, a := range arrived {
		e.messages.Give(a.bytes)
		e.window.Release(a.weight)
	}
}

// tell counts what became of a group's items.
func (e *enrolment) tell(items []*item) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range items {
		if e.underWay[it.entry.ID]--; e.underWay[it.entry.ID] == 0 {
			delete(e.underWay, it.entry.ID)
		}
		e.kept++
		switch {
		case it.fault != nil:
			e.fail(it)
		case it.outcome == gallery.Added:
			e.answer.Added++
		case it.outcome == gallery.Replaced:
			e.answer.Replaced++
		default:
			e.answer.Unchanged++
		}
	}
}

func (e *enrolment) fail(it *item) {
	e.answer.Failed++
	e.service.cfg.Metrics.ItemError(it.fault.Reason())
	if len(e.answer.GetFailures()) < maxFailures {
		e.answer.Failures = append(e.answer.Failures, &pb.EnrollFailure{
			Id: fault.ClipReferenceName(it.entry.ID), Index: uint64(it.index), Error: it.fault.Item(),
		})
	}
}

// batchOf is how many images a gallery's encoder takes at a time.
func (s *Service) batchOf(info gallery.Info) int {
	model, _ := s.served(info)
	return model.MaxBatch * max(model.Runners, 1)
}
