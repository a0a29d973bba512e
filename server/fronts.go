package server

import (
	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/httpapi"
	"siamese/server/oip"
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
}

// fronts are the same protocols as they are spoken by REST.
func (s *Server) fronts() []httpapi.Front {
	var fronts []httpapi.Front
	if s.oip != nil {
		fronts = append(fronts, s.oip.Front())
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

// streamMethods are the calls that are streams of requests: they last for as long as
// their clients like, have a limit of their own and end by themselves when the server
// stops.
var streamMethods = []string{pb.SiameseService_StreamCompare_FullMethodName, oip.StreamMethod}
