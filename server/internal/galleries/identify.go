package galleries

import (
	"context"
	"fmt"
	"strings"
	"time"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fair"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/telemetry"
	"siamese/server/internal/wire"
	"siamese/server/metrics"
)

// How many things Identify tells of.
const (
	maxTopK     = 100
	defaultTopK = 10
)

// Identify says which things of a gallery an image may show.
func (s *Service) Identify(ctx context.Context, req *pb.IdentifyRequest) (*pb.IdentifyResponse, error) {
	info, err := s.enter(ctx, req.GetGallery(), access.Read)
	if err != nil {
		return nil, err
	}
	q := &query{service: s, gallery: info, req: req, clock: wire.Clock{Started: time.Now()}}
	if err := q.check(); err != nil {
		return nil, err
	}
	if q.model, err = s.acquire(info); err != nil {
		return nil, err
	}
	defer q.model.Release()
	if err := q.encode(ctx); err != nil {
		return nil, err
	}
	defer q.images.Release()
	matches, err := q.search(ctx)
	if err != nil {
		return nil, s.searchError(ctx, info, err)
	}
	return q.answer(ctx, matches)
}

// query is an Identify under way.
type query struct {
	service   *Service
	gallery   gallery.Info
	req       *pb.IdentifyRequest
	threshold wire.Threshold
	clock     wire.Clock

	model  *infer.Handle
	images *infer.Images
	seen   *infer.View // the image as the model has it
}

// check refuses what the request can't mean.
func (q *query) check() (err error) {
	if err := fault.CheckMost("top_k", fault.ReasonTopK, q.req.GetTopK(), maxTopK); err != nil {
		return err
	}
	if err := fault.CheckFraction("min_similarity", fault.ReasonMinSimilarityRange, q.req.GetMinSimilarity()); err != nil {
		return err
	}
	if err := checkFilter(q.req.GetFilter()); err != nil {
		return err
	}
	if err := fault.CheckViews(viewsField, q.req.GetTestTimeViews(), q.service.cfg.MaxViews); err != nil {
		return err
	}
	q.threshold, err = wire.NewThreshold(&pb.CompareOptions{Threshold: q.req.Threshold}, "threshold")
	return err
}

// encode brings the image to its embedding.
func (q *query) encode(ctx context.Context) error {
	q.images = q.model.NewImages(infer.ImagesConfig{Caller: q.service.cfg.Caller(ctx), Views: int(q.req.GetTestTimeViews())})
	image := wire.Add(q.images, "image", q.req.GetImage())
	err := wire.Check(image)
	q.images.Vary(image.Image)
	if f := q.images.CheckRoom(); err == nil && f != nil {
		err = f.At(viewsField)
	}
	if err == nil {
		err = q.images.Prepare(ctx)
	}
	if err == nil {
		err = wire.Check(image)
	}
	if err == nil {
		err = q.images.Encode(ctx, []*infer.Image{image.Image})
	}
	if err != nil {
		q.images.Release()
		return err
	}
	q.seen = image.Best()
	return nil
}

// search finds the things, when its caller's turn has come.
func (q *query) search(ctx context.Context) ([]gallery.Match, error) {
	defer telemetry.Stage(ctx, metrics.Search, time.Now())
	searcher, head, err := q.service.searcher(ctx, q.gallery, q.model)
	if err != nil {
		return nil, err
	}
	leave, err := q.service.searches.Enter(ctx, fair.Flow{Caller: q.service.cfg.Caller(ctx), Call: q})
	if err != nil {
		return nil, err
	}
	defer leave()
	search := gallery.Search{
		Embedding:     gallery.NewVector(q.seen.Embedding()),
		Moved:         vectors(q.seen.Moved()),
		TopK:          defaultTopK,
		MinSimilarity: q.req.GetMinSimilarity(),
		Filter:        q.req.GetFilter(),
	}
	if q.req.GetTopK() > 0 {
		search.TopK = int(q.req.GetTopK())
	}
	matches, err := searcher.Identify(ctx, q.gallery.Name, search)
	q.clock.Compare = head.time()
	return matches, err
}

// viewsField is the field that says how many views are scored.
const viewsField = "test_time_views"

func vectors(embeddings [][]float32) []gallery.Vector {
	made := make([]gallery.Vector, len(embeddings))
	for i, embedding := range embeddings {
		made[i] = gallery.NewVector(embedding)
	}
	return made
}

// answer is the reply of what was found.
func (q *query) answer(ctx context.Context, matches []gallery.Match) (*pb.IdentifyResponse, error) {
	if err := q.addThumbnails(ctx, matches); err != nil {
		return nil, err
	}
	count, err := q.service.counts.of(ctx, q.gallery.Name)
	if err != nil {
		return nil, q.service.storeError(ctx, q.gallery.Name, err)
	}
	threshold := q.threshold.Of(q.model.Info())
	answer := &pb.IdentifyResponse{
		Threshold:       threshold,
		Model:           wire.ModelReference(q.model.Info()),
		Familiarity:     wire.Familiarity(q.seen),
		Warning:         q.warning(count),
		SearchedEntries: uint64(count.Entries - count.Stale),
	}
	told := narrator{q.model.Info()}
	for i := range matches {
		answer.Matches = append(answer.Matches, &pb.Identification{
			Thing:      matches[i].Name(),
			Entry:      told.entry(&matches[i].Entry, false),
			Similarity: matches[i].Similarity,
			Same:       matches[i].Similarity >= threshold,
		})
	}
	answer.Timings = q.clock.Timings(q.images)
	return answer, nil
}

// addThumbnails adds the best entries' thumbnails, where asked for and kept.
func (q *query) addThumbnails(ctx context.Context, matches []gallery.Match) error {
	if !q.req.GetIncludeThumbnails() || !q.gallery.KeepThumbnails || len(matches) == 0 {
		return nil
	}
	ids := make([]string, len(matches))
	for i := range matches {
		ids[i] = matches[i].ID
	}
	entries, err := q.service.cfg.Store.Get(ctx, q.gallery.Name, ids, gallery.Parts{Thumbnail: true})
	if err != nil {
		return q.service.storeError(ctx, q.gallery.Name, err)
	}
	thumbnails := make(map[string][]byte, len(entries))
	for i := range entries {
		thumbnails[entries[i].ID] = entries[i].Thumbnail
	}
	for i := range matches {
		matches[i].Thumbnail = thumbnails[matches[i].ID]
	}
	return nil
}

// warning is sentences for people where the similarities mean little, or entries could
// not be found.
func (q *query) warning(count gallery.Count) string {
	var sentences []string
	if foreign := wire.Warning(wire.Image, q.seen); foreign != "" {
		sentences = append(sentences, foreign)
	}
	if count.Stale > 0 {
		sentences = append(sentences, fmt.Sprintf(
			"%d of %d entries of the gallery were not searched, since another model made their embeddings: Reindex the gallery, or enroll them again.",
			count.Stale, count.Entries))
	}
	return strings.Join(sentences, " ")
}
