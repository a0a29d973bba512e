package galleries

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/grpc"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

const (
	// maxMissingIDs is how many entries that have to be sent again are told of.
	maxMissingIDs = 1000

	// reindexed is how many entries are encoded together. Their pictures are in memory
	// at once.
	reindexed = 8

	// reindexer is whom a job's images are encoded for: it has its turn like a caller.
	reindexer = "reindex"
)

// Reindex moves a gallery to its model as it is now, or to another model, and tells how
// far that is. The work goes on where its caller leaves, until the server stops.
func (s *Service) Reindex(req *pb.ReindexRequest, stream grpc.ServerStreamingServer[pb.ReindexResponse]) error {
	ctx := stream.Context()
	info, err := s.enter(ctx, req.GetGallery(), access.Manage)
	if err != nil {
		return err
	}
	leave, ok := s.cfg.Enter(s.cfg.Caller(ctx))
	if !ok {
		return fault.TooManyStreams(s.cfg.MaxStreams)
	}
	defer leave()
	model, err := s.modelNamed(cmp.Or(req.GetModel(), info.Model))
	if err != nil {
		return err
	}
	name := model.Info().ServingName
	model.Release()
	select {
	case <-s.cfg.Draining:
		return fault.Draining()
	default:
	}
	j := s.jobs.join(info.Name, name, s.reindex)
	if j.model != name {
		return fault.ReindexUnderWay(info.Name, j.model)
	}
	return s.watch(ctx, j, stream)
}

// watch tells of a job until it is done. A client that reads slowly is told less often.
func (s *Service) watch(ctx context.Context, j *job, stream grpc.ServerStreamingServer[pb.ReindexResponse]) error {
	for {
		now, further := j.state()
		if now.err != nil {
			return now.err
		}
		if now.known {
			if err := stream.Send(now.message()); err != nil || now.done {
				return err
			}
		}
		select {
		case <-further:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p progress) message() *pb.ReindexResponse {
	m := &pb.ReindexResponse{Encoded: uint64(p.encoded), Missing: uint64(p.missing), Entries: uint64(p.entries), Done: p.done}
	if p.done {
		m.MissingIds = p.missingIDs
	}
	return m
}

// reindex is a job, from its beginning to its end.
func (s *Service) reindex(j *job) {
	err := fault.Guard(func() error { return s.move(s.ctx, j) })
	switch {
	case err != nil && s.ctx.Err() != nil:
		err = fault.Draining()
	case err != nil:
		err = s.cfg.Explainer.Explain(s.ctx, pb.GalleryService_Reindex_FullMethodName, s.storeError(s.ctx, j.gallery, err))
	}
	if now, _ := j.state(); err != nil {
		s.cfg.Log.Warn("reindexing ended early", "gallery", j.gallery, "model", j.model, "encoded", now.encoded, "err", err)
	} else {
		s.cfg.Log.Info("gallery reindexed", "gallery", j.gallery, "model", j.model, "encoded", now.encoded, "missing", now.missing)
	}
	j.update(func(p *progress) { p.done, p.err = true, err })
}

// move makes the model the gallery's and encodes what other weights have encoded.
func (s *Service) move(ctx context.Context, j *job) error {
	model, err := s.modelNamed(j.model)
	if err != nil {
		return err
	}
	defer model.Release()
	info, err := s.cfg.Store.Gallery(ctx, j.gallery)
	if err != nil {
		return err
	}
	defer s.counts.forget(info.Name)
	if to := model.Info(); info.ModelDigest != to.Digest || info.Model != to.ServingName {
		info.Model, info.ModelDigest, info.EmbeddingLength = to.ServingName, to.Digest, to.EmbeddingLength
		if err := s.update(ctx, info); err != nil {
			return err
		}
	}
	count, err := s.cfg.Store.Count(ctx, info.Name)
	if err != nil {
		return err
	}
	j.update(func(p *progress) { p.known, p.entries, p.encoded = true, count.Entries, count.Entries-count.Stale })
	listing := gallery.Listing{Limit: reindexed, NotOfModel: info.ModelDigest, With: gallery.Parts{Picture: true}}
	for {
		select {
		case <-model.Retiring(): // a call that asks again gets the version after it
			return fault.ModelRetired()
		default:
		}
		stale, err := s.cfg.Store.List(ctx, info.Name, listing)
		if err != nil || len(stale) == 0 {
			return err
		}
		if err := s.renew(ctx, j, model, info, stale); err != nil {
			return err
		}
		listing.After = stale[len(stale)-1].ID
	}
}

// update changes what is known of a gallery while nobody puts entries: what was put before
// is stale and found by the job, and what was encoded for the model before is put no more.
func (s *Service) update(ctx context.Context, info gallery.Info) error {
	lock := s.lockOf(info.Name)
	lock.Lock()
	defer lock.Unlock()
	defer s.counts.forget(info.Name)
	return s.cfg.Store.Update(ctx, info)
}

// renew encodes stale entries again, where they have their pictures.
func (s *Service) renew(ctx context.Context, j *job, model *infer.Handle, info gallery.Info, stale []gallery.Entry) error {
	config := infer.ImagesConfig{Caller: reindexer, WaitForRoom: true}
	if info.KeepThumbnails {
		config.ThumbnailSide = thumbnailSide
	}
	images := model.NewImages(config)
	taken := make([]*infer.Image, len(stale))
	for i := range stale {
		if len(stale[i].Picture) > 0 {
			taken[i] = images.Add(infer.Encoded(stale[i].Picture))
		}
	}
	if err := images.Prepare(ctx); err != nil {
		return err
	}
	needed := slices.DeleteFunc(slices.Clone(taken), func(m *infer.Image) bool { return m == nil || m.Fault() != nil })
	if err := images.Encode(ctx, needed); err != nil {
		return err
	}
	var renewed []gallery.Entry
	var missing []string
	for i, m := range taken {
		if m == nil || m.Fault() != nil {
			missing = append(missing, stale[i].ID)
			continue
		}
		w := &work{gallery: info}
		it := &item{entry: stale[i], taken: m}
		w.fill(it)
		renewed = append(renewed, it.entry)
	}
	if err := s.replace(ctx, info, renewed); err != nil {
		return err
	}
	j.update(func(p *progress) {
		p.encoded += len(renewed)
		p.missing += len(missing)
		p.missingIDs = append(p.missingIDs, missing[:min(len(missing), maxMissingIDs-len(p.missingIDs))]...)
	})
	return nil
}

// replace puts entries into the store whose pictures are those that it has: what was
// enrolled or removed meanwhile stays so, also by another server.
func (s *Service) replace(ctx context.Context, info gallery.Info, renewed []gallery.Entry) error {
	if len(renewed) == 0 {
		return nil
	}
	lock := s.lockOf(info.Name)
	lock.Lock()
	defer lock.Unlock()
	if err := s.isStill(ctx, info); err != nil {
		return err
	}
	defer s.counts.forget(info.Name)
	_, err := s.cfg.Store.Renew(ctx, info.Name, renewed)
	return err
}
