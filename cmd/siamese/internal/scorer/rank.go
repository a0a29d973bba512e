package scorer

import (
	"context"
	"maps"
	"slices"

	"siamese/client"
)

// Rank implements Scorer. Candidates beyond what one call takes are asked about in
// further calls, where one model is asked with the query's embedding, so that it is
// sent and encoded once. Where the model is chosen by the pictures, or the query has
// several views, that can't be: the query is sent with each call, and the server knows it
// again.
func (r *remote) Rank(ctx context.Context, query Picture, candidates []Picture, progress func(int)) (Ranking, error) {
	info, err := r.ask(ctx)
	if err != nil {
		return Ranking{}, err
	}
	asked, err := r.query(ctx, query, len(candidates))
	if err != nil {
		return Ranking{}, err
	}
	merged := merging{remote: r, query: query, candidates: candidates, warning: asked.warning, most: -1}
	images := make([][]byte, len(candidates))
	done := 0
	load := r.loader(candidates, images, func(i int, err error) {
		done++
		merged.fail(i, err)
	})
	send := func(indices []int) error {
		some := make([]client.Image, len(indices))
		for i, image := range take(images, indices) {
			some[i].Encoded = image
		}
		var reply client.Ranking
		err := r.call(ctx, func(ctx context.Context) (err error) {
			reply, err = r.client.RankImages(ctx, asked.image, some, r.options)
			return err
		})
		if err != nil {
			return r.blame(err, query)
		}
		merged.add(reply, indices)
		if done += len(indices); progress != nil {
			progress(done)
		}
		return nil
	}
	most := min(info.Limits.MaxCandidates, max(info.Limits.MaxQueuedImages-r.views(), 1))
	if err := pack(ctx, len(candidates), most, max(r.room()-asked.bytes, r.room()/2), load, send); err != nil {
		return Ranking{}, err
	}
	return merged.ranking(), nil
}

// asked is a query as it is sent.
type asked struct {
	image   client.Image
	bytes   int64
	warning *string // nil: each answer says so
}

// query loads the query, and has it embedded where one model is asked more than once.
func (r *remote) query(ctx context.Context, query Picture, candidates int) (asked, error) {
	encoded, errs, err := r.load(ctx, []Picture{query})
	if err != nil {
		return asked{}, err
	}
	if errs[0] != nil {
		return asked{}, &PictureError{Name: query.Name, Err: errs[0]}
	}
	whole := asked{image: client.Image{Encoded: encoded[0]}, bytes: int64(len(encoded[0]))}
	chosen, err := r.Chosen(ctx)
	if err != nil || chosen || r.views() > 1 || candidates <= r.info.Limits.MaxCandidates {
		return whole, err
	}
	var reply client.Embeddings
	err = r.call(ctx, func(ctx context.Context) (err error) {
		reply, err = r.client.Embed(ctx, encoded, client.Options{Model: r.options.Model})
		return err
	})
	if err != nil {
		return asked{}, r.locate(err)
	}
	result := reply.Results[0]
	if result.Err != nil {
		return asked{}, &PictureError{Name: query.Name, Err: result.Err}
	}
	return asked{image: client.Image{Embedding: &result.Embedding}, bytes: int64(4 * len(result.Embedding.Values)), warning: &result.Warning}, nil
}

// merging is the answers of several calls on their way to one ranking.
type merging struct {
	*remote
	query      Picture
	candidates []Picture
	result     Ranking
	warning    *string // the query's, where it is known
	most       float32 // the highest familiarity of the query so far
}

func (m *merging) fail(index int, err error) {
	m.result.Failed = append(m.result.Failed, &PictureError{Index: index, Name: m.candidates[index].Name, Err: err})
}

// add takes the answer about the candidates of some indices.
func (m *merging) add(reply client.Ranking, indices []int) {
	familiarity := float32(0)
	if reply.Familiarity != nil {
		familiarity = reply.Familiarity.Value
	}
	if familiarity > m.most {
		m.most, m.result.Warning = familiarity, reply.Warning
	}
	for _, i := range slices.Sorted(maps.Keys(reply.Failed)) {
		m.fail(indices[i], reply.Failed[i])
	}
	for _, match := range reply.Matches {
		m.result.Matches = append(m.result.Matches, Match{Index: indices[match.Index], Score: Score{
			Similarity: match.Similarity, Threshold: m.threshold(match.Model, reply.Model, reply.Threshold), Same: match.Same,
			Model: m.name(match.Model), Card: match.Model, FamiliarityA: reply.Familiarity, FamiliarityB: match.Familiarity, Warning: match.Warning,
		}})
	}
}

func (m *merging) ranking() Ranking {
	if m.warning != nil {
		m.result.Warning = *m.warning
	}
	sortMatches(m.result.Matches)
	slices.SortFunc(m.result.Failed, func(a, b *PictureError) int { return a.Index - b.Index })
	return m.result
}
