package server

import (
	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/httpapi"
	"siamese/server/oip"
	"siamese/server/tfserving"
	"siamese/server/versions"
)

// Repository changes which versions of models are loaded, for protocols of other servers
// that have calls for that.
type Repository = oip.Repository

// SetRepository lets callers of other servers' protocols load and unload models, as far
// as the repository lets them. It must be called before Serve.
func (s *Server) SetRepository(repository Repository) {
	if s.oip != nil {
		s.oip.SetRepository(repository)
	}
}

// registerFronts has the gRPC server speak the protocols of other servers that are
// configured.
func (s *Server) registerFronts() {
	if s.cfg.OIP {
		s.oip = oip.New(s.oipConfig())
		s.oip.Register(s.grpc)
	}
	if s.cfg.TFServing {
		s.tfserving = tfserving.New(s.tfservingConfig())
		s.tfserving.Register(s.grpc)
	}
}

// fronts are the same protocols as they are spoken by REST.
func (s *Server) fronts() []httpapi.Front {
	var fronts []httpapi.Front
	if s.oip != nil {
		fronts = append(fronts, s.oip.Front())
	}
	if s.tfserving != nil {
		fronts = append(fronts, s.tfserving.REST())
	}
	return fronts
}

func (s *Server) oipConfig() oip.Config {
	return oip.Config{
		Registry:  s.registry,
		Explainer: s.explainer,
		MaxPairs:  s.cfg.MaxPairs,
		MaxImages: s.cfg.MaxImages,
		Version:   s.cfg.Build.Version,
		Serving: func(model string) bool {
			if model == "" {
				return s.isServing("")
			}
			return s.isServing(HealthName(model))
		},
		Deadline:   s.cfg.DefaultDeadline,
		MaxStreams: s.cfg.MaxStreams,
		Enter:      s.enterStream,
		Draining:   s.draining,
		Go:         func(work func()) { s.work.Go(work) },
	}
}

func (s *Server) tfservingConfig() tfserving.Config {
	return tfserving.Config{
		Registry:       s.registry,
		MaxPairs:       s.cfg.MaxPairs,
		MaxImages:      s.cfg.MaxImages,
		MaxTensorBytes: s.cfg.MaxMessageBytes,
		Versions:       s.versions,
	}
}

// TellVersions has other servers' protocols, in which clients ask for the states of
// versions, answer by versionsOf: all versions of the model with this serving name, false
// where there is none. Without it they tell of versions that are loaded alone. It must be
// called before Serve.
func (s *Server) TellVersions(versionsOf func(model string) ([]versions.Version, bool)) {
	s.versionsOf = versionsOf
}

// versions returns what is known of all versions of a model.
func (s *Server) versions(model string) ([]versions.Version, bool) {
	if s.versionsOf != nil {
		return s.versionsOf(model)
	}
	loaded, isModel := s.registry.LoadedVersions(model)
	_, labels := s.registry.Routes(model)
	var all []versions.Version
	for _, name := range loaded {
		version := versions.Version{Name: name, State: versions.Serving}
		for label, target := range labels {
			if target == name {
				version.Labels = append(version.Labels, label)
			}
		}
		all = append(all, version)
	}
	return all, isModel
}

// streamMethods are the calls that are streams: they last for as long as their clients or
// their work, have a limit of their own and end by themselves when the server stops.
var streamMethods = []string{
	pb.SiameseService_StreamCompare_FullMethodName, oip.StreamMethod,
	pb.GalleryService_Enroll_FullMethodName, pb.GalleryService_FindDuplicates_FullMethodName, pb.GalleryService_Reindex_FullMethodName,
}
