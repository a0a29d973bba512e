package galleries

import (
	"context"
	"errors"
	"fmt"
	"time"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// CreateGallery makes an empty gallery, or returns one that is as it is wanted.
func (s *Service) CreateGallery(ctx context.Context, req *pb.CreateGalleryRequest) (*pb.CreateGalleryResponse, error) {
	if err := s.permit(ctx, req.GetGallery(), access.Manage); err != nil {
		return nil, err
	}
	model, err := s.modelNamed(req.GetModel())
	if err != nil {
		return nil, err
	}
	defer model.Release()
	wanted := gallery.Info{
		Name:            req.GetGallery(),
		Model:           model.Info().ServingName,
		ModelDigest:     model.Info().Digest,
		EmbeddingLength: model.Info().EmbeddingLength,
		KeepPictures:    req.GetKeepPictures(),
		KeepThumbnails:  req.GetKeepThumbnails(),
		Created:         time.Now(),
	}
	info := wanted
	if err := s.create(ctx, wanted); errors.Is(err, gallery.ErrExists) {
		if info, err = s.existing(ctx, wanted); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, s.storeError(ctx, wanted.Name, err)
	}
	told, err := s.describe(ctx, info)
	return &pb.CreateGalleryResponse{Gallery: told}, err
}

// create makes a gallery, where the store has room for one more.
func (s *Service) create(ctx context.Context, wanted gallery.Info) error {
	if s.cfg.MaxGalleries == 0 {
		return s.cfg.Store.Create(ctx, wanted)
	}
	select {
	case s.creating <- struct{}{}:
		defer func() { <-s.creating }()
	case <-ctx.Done():
		return ctx.Err()
	}
	there, err := s.howMany(ctx)
	if err != nil {
		return err
	}
	if there < s.cfg.MaxGalleries {
		return s.cfg.Store.Create(ctx, wanted)
	}
	_, err = s.cfg.Store.Gallery(ctx, wanted.Name)
	switch {
	case err == nil:
		return gallery.ErrExists
	case errors.Is(err, gallery.ErrNotFound):
		return fault.TooManyGalleries(there, s.cfg.MaxGalleries)
	}
	return err
}

// howMany returns how many galleries there are.
func (s *Service) howMany(ctx context.Context) (int, error) {
	if store, ok := s.cfg.Store.(figured); ok {
		figures, err := store.Figures(ctx)
		return figures.Galleries, err
	}
	all, err := s.cfg.Store.Galleries(ctx)
	return len(all), err
}

// existing returns the gallery that has the name of the one that is wanted, where it is
// like it.
func (s *Service) existing(ctx context.Context, wanted gallery.Info) (gallery.Info, error) {
	has, err := s.find(ctx, wanted.Name)
	if err != nil {
		return has, err
	}
	if choices(has) != choices(wanted) {
		return has, fault.GalleryExists(wanted.Name, choices(has), choices(wanted))
	}
	return has, nil
}

// choices are what a gallery is made with, for people.
func choices(info gallery.Info) string {
	return fmt.Sprintf("model %q, keep_pictures %t, keep_thumbnails %t", info.Model, info.KeepPictures, info.KeepThumbnails)
}

// modelNamed returns a handle on the default version of a model by its name alone; of the
// default model for an empty one, and of Auto the first that is tried. The caller must
// release it.
func (s *Service) modelNamed(name string) (*infer.Handle, error) {
	model, err := s.cfg.Registry.Acquire(name)
	if err != nil {
		return nil, err
	}
	found := model.Info().ServingName
	if name == found {
		return model, nil
	}
	model.Release()
	if name != "" && name != infer.Auto { // a version or label
		var names []string
		for _, info := range s.cfg.Registry.Catalogue().Models {
			names = append(names, info.ServingName)
		}
		return nil, fault.BareModelNotFound(name, names)
	}
	return s.cfg.Registry.Acquire(found) // the one model, where name is for several
}

// GetGallery tells of one gallery.
func (s *Service) GetGallery(ctx context.Context, req *pb.GetGalleryRequest) (*pb.GetGalleryResponse, error) {
	info, err := s.enter(ctx, req.GetGallery(), access.Read)
	if err != nil {
		return nil, err
	}
	told, err := s.describe(ctx, info)
	return &pb.GetGalleryResponse{Gallery: told}, err
}

// ListGalleries tells of all galleries that the caller may read.
func (s *Service) ListGalleries(ctx context.Context, _ *pb.ListGalleriesRequest) (*pb.ListGalleriesResponse, error) {
	if s.cfg.Store == nil {
		return nil, fault.GalleriesOff()
	}
	all, err := s.cfg.Store.Galleries(ctx)
	if err != nil {
		return nil, s.storeError(ctx, "", err)
	}
	answer := &pb.ListGalleriesResponse{}
	for _, info := range all {
		if s.rightOf(ctx, info.Name) < access.Read {
			continue
		}
		told, err := s.describe(ctx, info)
		if fault.ReasonOf(err) == fault.ReasonGalleryNotFound {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		answer.Galleries = append(answer.Galleries, told)
	}
	return answer, nil
}

// DeleteGallery removes a gallery with all that it holds.
func (s *Service) DeleteGallery(ctx context.Context, req *pb.DeleteGalleryRequest) (*pb.DeleteGalleryResponse, error) {
	if err := s.permit(ctx, req.GetGallery(), access.Manage); err != nil {
		return nil, err
	}
	removed, err := s.cfg.Store.Delete(ctx, req.GetGallery())
	if err != nil {
		return nil, s.storeError(ctx, req.GetGallery(), err)
	}
	s.counts.forget(req.GetGallery())
	s.learner.forget(req.GetGallery())
	s.writing.Delete(req.GetGallery())
	return &pb.DeleteGalleryResponse{Entries: uint64(removed)}, nil
}
