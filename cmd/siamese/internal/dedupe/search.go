package dedupe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"siamese/cmd/siamese/internal/dedupe/sidefile"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
)

// find finds the groups.
func (r *run) find(ctx context.Context) ([]*group, error) {
	if r.Exact {
		return r.findExact(ctx)
	}
	by, err := r.Open(ctx, r.screen, scorer.ScoreFlags{ThresholdFlags: scorer.ThresholdFlags{Threshold: r.Threshold}})
	if err != nil {
		return nil, err
	}
	groups, err := r.findBy(ctx, by)
	return groups, errors.Join(err, by.Close())
}

// findExact finds copies alone, among files of the same size.
func (r *run) findExact(ctx context.Context) ([]*group, error) {
	kept, err := openKept(none, r.found.roots, r.model, r.screen)
	if err != nil {
		return nil, err
	}
	if err := r.walk(ctx, kept); err != nil {
		return nil, err
	}
	bySize := make(map[int64]int)
	for _, it := range r.items {
		bySize[it.size]++
	}
	shared := slices.DeleteFunc(slices.Clone(r.items), func(it *item) bool { return bySize[it.size] < 2 || it.size == 0 })
	done := 0
	for some := range slices.Chunk(shared, atOnce) {
		if err := each(ctx, len(some), func(i int) { r.reader.hash(some[i]) }); err != nil {
			return nil, err
		}
		done += len(some)
		r.screen.Done(done, len(shared))
	}
	found := groups(contents(r.items), nil)
	return found, each(ctx, len(found), func(i int) { r.measure(found[i]) })
}

// measure finds out the sizes of a group's pictures, which all have the same content.
func (r *run) measure(g *group) {
	of := item{file: g.members[0].file}
	r.reader.read(&of)
	for _, m := range g.members {
		m.Width, m.Height = of.Width, of.Height
	}
}

// findBy finds copies and near-doubles, by a model.
func (r *run) findBy(ctx context.Context, by scorer.Scorer) (found []*group, err error) {
	if r.model, err = by.Embedder(ctx); err != nil {
		return nil, err
	}
	kept, err := openKept(r.Index, r.found.roots, r.model, r.screen)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, kept.close(err == nil && r.Index == "" && len(r.found.failed) == 0)) }()
	r.encoder = &encoder{by: by, kept: kept, failed: make(map[sidefile.Sum]error), synced: time.Now()}
	if err := r.walk(ctx, kept); err != nil {
		return nil, err
	}
	if err := r.encode(ctx, kept); err != nil {
		return nil, err
	}
	all := contents(r.items)
	alike, err := r.alike(ctx, by, all, kept)
	if err != nil {
		return nil, err
	}
	return groups(all, alike), nil
}

// walk finds the files.
func (r *run) walk(ctx context.Context, kept *kept) error {
	r.found.known = func(root int, rel string, info fs.FileInfo) bool {
		_, ok := kept.content(root, rel, info.Size(), info.ModTime())
		return ok
	}
	if err := r.found.walk(ctx); err != nil {
		return err
	}
	r.found.tellPassed(r.screen)
	for _, f := range r.found.files {
		r.items = append(r.items, &item{file: f})
	}
	return nil
}

// encode has the pictures encoded that are not known, the next ones being read
// meanwhile.
func (r *run) encode(ctx context.Context, kept *kept) error {
	var unknown []*item
	for _, it := range r.items {
		if content, ok := kept.content(it.root, it.rel, it.size, it.modified); ok {
			it.Content, it.read = content, true
			it.made = kept.made(it.Sum)
		}
		if it.made == nil {
			unknown = append(unknown, it)
		}
	}
	if known := len(r.items) - len(unknown); known > 0 {
		fmt.Fprintf(r.screen, "note: %d of %d pictures are known from an earlier run\n", known, len(r.items))
	}
	group, ctx := errgroup.WithContext(ctx)
	read := make(chan batch) // of no size: one batch waits, and one is encoded
	group.Go(func() error { return r.reader.all(ctx, unknown, read) })
	group.Go(func() error {
		done := 0
		for b := range read {
			if err := r.encoder.encode(ctx, b); err != nil {
				return err
			}
			done += len(b.items)
			r.screen.Done(done, len(unknown))
		}
		return nil
	})
	return errors.Join(group.Wait(), kept.sync())
}

// alike has the model say which contents are alike.
func (r *run) alike(ctx context.Context, by scorer.Scorer, all []*content, kept *kept) (map[int][]edge, error) {
	if len(all) < 2 {
		return nil, nil
	}
	r.screen.Close()
	r.screen = progress.New(r.notes, "compared")
	metric, err := by.Metric(ctx)
	if err != nil {
		return nil, err
	}
	s := seeker{by: by, rule: r.rule(), metric: metric, kept: kept, judged: make(map[[2]int]verdict), progress: r.screen.Done}
	return s.alike(ctx, all)
}
