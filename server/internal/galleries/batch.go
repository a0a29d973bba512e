package galleries

import (
	"context"
	"fmt"
	"time"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fault"
	"siamese/server/internal/wire"
)

// BatchEnroll keeps the entries of one message; an entry that fails carries its own
// error.
func (s *Service) BatchEnroll(ctx context.Context, req *pb.BatchEnrollRequest) (*pb.BatchEnrollResponse, error) {
	info, err := s.enter(ctx, req.GetGallery(), access.Write)
	if err != nil {
		return nil, err
	}
	if err := fault.CheckCount("entries", len(req.GetEntries()), s.cfg.MaxImages); err != nil {
		return nil, err
	}
	clock := wire.Clock{Started: time.Now()}
	w := &work{service: s, gallery: info, caller: s.cfg.Caller(ctx)}
	underWay := make(map[string]bool)
	for i, sent := range req.GetEntries() {
		it := newItem(i, fmt.Sprintf("entries[%d]", i), sent)
		it.again = underWay[it.entry.ID]
		underWay[it.entry.ID] = true
		w.items = append(w.items, it)
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	defer w.end()
	if err := w.encode(ctx); err != nil {
		return nil, err
	}
	if err := w.keep(ctx); err != nil {
		return nil, err
	}
	return &pb.BatchEnrollResponse{Results: w.results(), Timings: clock.Timings(w.images)}, nil
}

// statuses are the contract's for outcomes.
var statuses = map[gallery.Outcome]pb.EnrollStatus{
	gallery.Added:     pb.EnrollStatus_ENROLL_STATUS_ADDED,
	gallery.Replaced:  pb.EnrollStatus_ENROLL_STATUS_REPLACED,
	gallery.Unchanged: pb.EnrollStatus_ENROLL_STATUS_UNCHANGED,
}

// results are what became of the items, in their order.
func (w *work) results() []*pb.EnrollResult {
	results := make([]*pb.EnrollResult, len(w.items))
	told := narrator{w.model.Info()}
	for i, it := range w.items {
		if it.fault != nil {
			results[i] = &pb.EnrollResult{Outcome: &pb.EnrollResult_Error{Error: it.fault.Item()}}
			continue
		}
		it.entry.ModelDigest = w.gallery.ModelDigest // of one that was there already, too
		results[i] = &pb.EnrollResult{
			Outcome:     &pb.EnrollResult_Status{Status: statuses[it.outcome]},
			Familiarity: told.familiarity(&it.entry),
			Warning:     told.warning(&it.entry),
		}
	}
	return results
}
