package galleries

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fair"
	"siamese/server/internal/fault"
	"siamese/server/internal/wire"
)

type duplicatesStream = grpc.ServerStreamingServer[pb.FindDuplicatesResponse]

// FindDuplicates sends groups of entries that are alike, when its caller's turn has come.
func (s *Service) FindDuplicates(req *pb.FindDuplicatesRequest, stream duplicatesStream) error {
	ctx, cancel := s.untilStop(stream.Context())
	defer cancel(nil)
	info, err := s.enter(ctx, req.GetGallery(), access.Read)
	if err != nil {
		return err
	}
	if err := checkFilter(req.GetFilter()); err != nil {
		return err
	}
	threshold, err := wire.NewThreshold(&pb.CompareOptions{Threshold: req.Threshold}, "threshold")
	if err != nil {
		return err
	}
	caller := s.cfg.Caller(ctx)
	leave, ok := s.cfg.Enter(caller)
	if !ok {
		return fault.TooManyStreams(s.cfg.MaxStreams)
	}
	defer leave()
	goOn, err := s.duplicates.Enter(ctx, fair.Flow{Caller: caller, Call: req})
	if err != nil {
		return context.Cause(ctx)
	}
	defer goOn()
	if err := s.findDuplicates(ctx, info, threshold, req, stream); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return s.searchError(ctx, info, err)
	}
	return nil
}

// findDuplicates sends what there is. Groups wait for a client that reads slowly.
func (s *Service) findDuplicates(ctx context.Context, info gallery.Info, threshold wire.Threshold, req *pb.FindDuplicatesRequest, stream duplicatesStream) error {
	model, err := s.acquire(info)
	if err != nil {
		return err
	}
	defer model.Release()
	searcher, release, err := s.longSearcher(ctx, info, model)
	if err != nil {
		return err
	}
	defer release()
	search := gallery.DuplicateSearch{
		Threshold:    threshold.Of(model.Info()),
		Filter:       req.GetFilter(),
		AcrossThings: req.GetAcrossThings(),
	}
	if req.GetIncludeProgress() {
		if search.Progress, err = s.tellProgress(ctx, info, req, stream); err != nil {
			return err
		}
	}
	told, groups := narrator{model.Info()}, 0
	entries, err := searcher.Duplicates(ctx, info.Name, search, func(group gallery.DuplicateGroup) error {
		groups++
		return stream.Send(&pb.FindDuplicatesResponse{Event: &pb.FindDuplicatesResponse_Group{Group: told.group(group, s.cfg.MaxMessageBytes-pageOverhead)}})
	})
	if err != nil {
		return err
	}
	return stream.Send(&pb.FindDuplicatesResponse{Event: &pb.FindDuplicatesResponse_Done{
		Done: &pb.DuplicatesDone{Entries: uint64(entries), Groups: uint64(groups)},
	}})
}

// tellProgress tells that the search begins, and returns what tells how far it is. A
// client that has left ends the stream's context, which ends the search.
func (s *Service) tellProgress(ctx context.Context, info gallery.Info, req *pb.FindDuplicatesRequest, stream duplicatesStream) (func(entries int), error) {
	var total uint64
	if len(req.GetFilter()) == 0 {
		count, err := s.counts.of(ctx, info.Name)
		if err != nil {
			return nil, err
		}
		total = uint64(count.Entries - count.Stale)
	}
	tell := func(entries int) error {
		return stream.Send(&pb.FindDuplicatesResponse{Event: &pb.FindDuplicatesResponse_Progress{
			Progress: &pb.DuplicatesProgress{Compared: uint64(entries), Total: total},
		}})
	}
	return func(entries int) { _ = tell(entries) }, tell(0)
}

// maxGroupEntries is how many entries of a group are told.
const maxGroupEntries = 1000

// group is a group as replies tell it, with as many of its entries as room bytes take.
func (n narrator) group(group gallery.DuplicateGroup, room int) *pb.DuplicateGroup {
	told := &pb.DuplicateGroup{}
	for i := range group.Entries[:min(len(group.Entries), maxGroupEntries)] {
		entry := &group.Entries[i]
		next := &pb.DuplicateEntry{Entry: n.entry(&entry.Entry, false), Similarity: entry.Similarity}
		if room -= proto.Size(next) + fieldBytes; room < 0 {
			break
		}
		told.Entries = append(told.Entries, next)
	}
	told.OmittedEntries = uint64(len(group.Entries) - len(told.GetEntries()))
	return told
}

// untilStop returns a context that ends with ctx, or when streams are to end as the server
// stops; its cause says why. Its caller cancels it.
func (s *Service) untilStop(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.cfg.Go(func() {
		select {
		case <-s.cfg.GraceOver:
			cancel(fault.Draining())
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}
