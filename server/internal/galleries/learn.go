package galleries

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"siamese/gallery"
	"siamese/server/internal/fault"
)

// learntAt is how many entries a gallery has when its metric is learnt, and learnt again:
// with fewer the head scores nearly all of them, and with more another sample tells little
// more.
var learntAt = [...]int{256, 2048}

// learnWait is how long a search waits for its gallery's metric, of which one is learnt at
// a time.
const learnWait = 20 * time.Second

// learner learns the metrics of galleries whose model tells none, from what its head says
// of their entries. Until one is learnt all numbers of an embedding weigh alike. Searches
// wait while their gallery's metric is learnt, some seconds, once after the server has
// started: they would wait for an index of equal weights otherwise, and again for the
// other. It is safe for concurrent use.
type learner struct {
	service *Service
	turn    chan struct{} // held by the one that is learning

	mu     sync.Mutex
	learnt map[string]*learnt // by the gallery's name
}

// learnt is what is known of a gallery's metric. It is guarded by learner.mu.
type learnt struct {
	of     gallery.Info
	metric *gallery.Metric
	from   int     // the first of learntAt that is still to come, by its place
	users  int     // who must not see it change
	under  *lesson // nil: none is under way
}

// lesson is the learning of one metric.
type lesson struct {
	done chan struct{}
	err  error // there when done is closed
}

func newLearner(s *Service) *learner {
	return &learner{service: s, turn: make(chan struct{}, 1), learnt: make(map[string]*learnt)}
}

// keep returns a gallery's metric, which stays that until it is released: a search that
// goes on for long would have its index replaced otherwise, since a store has an index of
// one metric at a time.
// late says that it is not to be waited for any longer; nil: never. Then it may change.
func (l *learner) keep(ctx context.Context, info gallery.Info, late <-chan time.Time) (_ *gallery.Metric, release func(), err error) {
	for {
		count, err := l.service.counts.of(ctx, info.Name)
		if err != nil {
			return nil, nil, err
		}
		known, under, err := l.look(info, count.Entries-count.Stale)
		if err != nil {
			return nil, nil, err
		}
		if under == nil {
			return known.metric, func() { l.release(known) }, nil
		}
		select {
		case <-under.done:
			if under.err != nil && l.service.ctx.Err() == nil {
				return nil, nil, under.err
			}
		case <-late:
			return l.current(known), func() {}, nil
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// current is the metric of a gallery whose next one is being learnt.
func (l *learner) current(known *learnt) *gallery.Metric {
	l.mu.Lock()
	defer l.mu.Unlock()
	return known.metric
}

// look returns what is known of a gallery, and counts the caller among its users; or else
// the lesson to wait for. It begins a lesson where the number of entries asks for one.
func (l *learner) look(info gallery.Info, entries int) (*learnt, *lesson, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.learnt[info.Name]
	if known == nil || !known.isOf(info) {
		equal, err := gallery.NewMetric(info.ModelDigest, slices.Repeat([]float32{1}, info.EmbeddingLength))
		if err != nil {
			return nil, nil, err
		}
		known = &learnt{of: info, metric: equal}
		l.learnt[info.Name] = known
	}
	isDue := known.from < len(learntAt) && entries >= learntAt[known.from] && l.service.ctx.Err() == nil
	if known.under == nil && isDue && known.users == 0 {
		l.beginLocked(known, entries)
	}
	if known.under == nil {
		known.users++
	}
	return known, known.under, nil
}

func (k *learnt) isOf(info gallery.Info) bool {
	return k.of.ModelDigest == info.ModelDigest && k.of.Created.Equal(info.Created)
}

func (l *learner) release(known *learnt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known.users--
}

// forget lets go of a gallery that is deleted.
func (l *learner) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.learnt, name)
}

// beginLocked begins to learn a gallery's metric.
func (l *learner) beginLocked(known *learnt, entries int) {
	begun := &lesson{done: make(chan struct{})}
	known.under = begun
	equal := known.metric
	l.service.cfg.Go(func() {
		defer close(begun.done)
		var metric *gallery.Metric
		begun.err = fault.Guard(func() (err error) {
			metric, err = l.learn(known.of, equal)
			return err
		})
		l.mu.Lock()
		defer l.mu.Unlock()
		known.under = nil
		if begun.err != nil {
			return
		}
		known.metric = metric
		for known.from < len(learntAt) && entries >= learntAt[known.from] {
			known.from++
		}
	})
}

// learn returns the metric that a gallery's entries tell, or the one that is known where
// they tell none that is better.
func (l *learner) learn(info gallery.Info, known *gallery.Metric) (*gallery.Metric, error) {
	s := l.service
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
	started := time.Now()
	model, err := s.acquire(info)
	if err != nil {
		return nil, err
	}
	defer model.Release()
	sample, err := gallery.Sample(s.ctx, s.cfg.Store, info.Name, info.ModelDigest)
	if err != nil {
		return nil, err
	}
	metric, err := gallery.LearnMetric(s.ctx, &timedHead{model: model}, info.ModelDigest, sample, known)
	if errors.Is(err, gallery.ErrSample) {
		s.cfg.Log.Info("no metric can be learnt of a gallery", "gallery", info.Name, "sample", len(sample), "err", err)
		return known, nil
	}
	if err == nil {
		s.cfg.Log.Info("metric learnt", "gallery", info.Name, "model", info.Model, "sample", len(sample), "learn_ms", time.Since(started).Milliseconds())
	}
	return metric, err
}
