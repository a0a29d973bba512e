package infer

import (
	"context"
	"time"

	"siamese/server/batch"
	"siamese/server/internal/telemetry"
)

// Encode gives the needed images their embeddings, by one submission to each model,
// distinct pictures once, and finds out how familiar they are. Those that are foreign
// to the models asked so far cost a decode and an encode more, by the next model;
// others cost nothing more. The needed ones must be prepared and without fault. It is
// called once. Errors: those of [batch.Queue].
func (s *Images) Encode(ctx context.Context, needed []*Image) error {
	for i := range s.parts {
		if err := s.encode(ctx, i, needed); err != nil {
			return err
		}
	}
	for i := range s.parts[1:] {
		if err := s.encodeForeign(ctx, i+1, needed); err != nil {
			return err
		}
	}
	for _, m := range needed {
		m.source = nil
		if !m.isCounted {
			m.isCounted = true
			m.Best().count(ctx)
		}
	}
	return nil
}

// encodeForeign has model i encode the images that are foreign to those before it. One
// that it can't prepare is left to them.
func (s *Images) encodeForeign(ctx context.Context, i int, needed []*Image) error {
	var tasks []task
	for _, m := range needed {
		v := &m.views[i]
		if !m.choosing || !m.isForeign() {
			continue
		}
		v.isChoice = true
		if !v.wanted {
			v.wanted = true
			tasks = append(tasks, task{m, v, &s.parts[i]})
		}
	}
	if len(tasks) == 0 {
		return nil
	}
	if err := s.prepare(ctx, tasks); err != nil {
		return err
	}
	return s.encode(ctx, i, needed)
}

// encode has model i encode what is prepared for it.
func (s *Images) encode(ctx context.Context, i int, needed []*Image) error {
	p, all := &s.parts[i], submission{index: make(map[digest]int)}
	for _, m := range needed {
		all.add(&m.views[i])
	}
	submitted := time.Now()
	embeddings, report, err := s.submit(ctx, p, all.images)
	if err != nil {
		return err
	}
	if len(all.images) > 0 {
		telemetry.Encode(ctx, submitted, report.Queue)
	}
	if err := checkEmbeddings(embeddings); err != nil {
		return err
	}
	for _, m := range needed {
		if err := all.settle(&m.views[i], m.digest, embeddings); err != nil {
			return err
		}
	}
	p.count(len(all.images)-report.Shared, report)
	return nil
}

// submit submits to a model's queue as the configuration says.
func (s *Images) submit(ctx context.Context, p *part, images []batch.Image) ([][]float32, batch.Report, error) {
	switch {
	case s.cfg.WaitForRoom:
		return p.engine.queue.For(s.cfg.Caller).SubmitWait(ctx, images)
	case p.place != nil:
		return p.place.Submit(ctx, images) // and gives it back
	default: // the cache had all, or they came as embeddings
		return p.engine.queue.For(s.cfg.Caller).Submit(ctx, images)
	}
}

// count adds a submission.
func (p *part) count(encoded int, report batch.Report) {
	p.encoded += encoded
	p.queue += report.Queue
	p.encode += report.Encode
}
