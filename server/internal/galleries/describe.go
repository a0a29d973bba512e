package galleries

import (
	"context"
	"encoding/hex"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// describe is a gallery as replies tell it.
func (s *Service) describe(ctx context.Context, info gallery.Info) (*pb.Gallery, error) {
	count, err := s.counts.of(ctx, info.Name)
	if err != nil {
		return nil, s.storeError(ctx, info.Name, err)
	}
	reference := &pb.ModelReference{Digest: info.ModelDigest}
	if model, ok := s.served(info); ok {
		reference = wire.ModelReference(model)
	}
	return &pb.Gallery{
		Name:           info.Name,
		Model:          info.Model,
		Reference:      reference,
		Entries:        uint64(count.Entries),
		StaleEntries:   uint64(count.Stale),
		KeepPictures:   info.KeepPictures,
		KeepThumbnails: info.KeepThumbnails,
		Created:        timestamp(info.Created),
		Reindexing:     s.jobs.isRunning(info.Name),
	}, nil
}

// served describes a gallery's model, where the server has it now.
func (s *Service) served(info gallery.Info) (infer.ModelInfo, bool) {
	model, err := s.acquire(info)
	if err != nil {
		return infer.ModelInfo{}, false
	}
	defer model.Release()
	return model.Info(), true
}

// timestamp is a moment to the millisecond, as stores keep it.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t.Truncate(time.Millisecond))
}

// narrator tells of the entries of a gallery whose model this is; the zero one where the
// server has it not.
type narrator struct{ model infer.ModelInfo }

// entry is an entry as replies tell it.
func (n narrator) entry(e *gallery.Entry, withEmbedding bool) *pb.Entry {
	told := &pb.Entry{
		Id:            e.ID,
		Thing:         e.Thing,
		Metadata:      e.Metadata,
		ModelDigest:   e.ModelDigest,
		Enrolled:      timestamp(e.Enrolled),
		Familiarity:   n.familiarity(e),
		ThumbnailJpeg: e.Thumbnail,
		Picture:       e.Picture,
	}
	if e.PictureDigest != ([len(e.PictureDigest)]byte{}) {
		told.PictureSha256 = hex.EncodeToString(e.PictureDigest[:])
	}
	if withEmbedding {
		told.Embedding = &pb.Embedding{Values: e.Embedding.AppendTo(nil), ModelDigest: e.ModelDigest}
	}
	return told
}

// familiarity is how familiar an entry's picture was to its model. Whether it was foreign
// is known of the model that the server has.
func (n narrator) familiarity(e *gallery.Entry) *pb.Familiarity {
	if e.Familiarity < 0 {
		return nil
	}
	return &pb.Familiarity{Value: e.Familiarity, Foreign: wire.IsForeign(n.modelOf(e), e.Familiarity)}
}

// modelOf is the model of an entry; the zero ModelInfo where the server has it not.
func (n narrator) modelOf(e *gallery.Entry) infer.ModelInfo {
	if e.ModelDigest != n.model.Digest {
		return infer.ModelInfo{}
	}
	return n.model
}

// warning is a sentence for people where an entry's picture is foreign to its model.
func (n narrator) warning(e *gallery.Entry) string {
	if e.Familiarity < 0 {
		return ""
	}
	return wire.ForeignWarning(wire.Image, n.modelOf(e), e.Familiarity)
}
