package server

import (
	"siamese/server/tfserving"
	"siamese/server/versions"
)

// TellVersions has other servers' protocols, in which clients ask for the states of
// versions, answer by versionsOf: all versions of the model with this serving name, false
// where there is none. Without it they tell of versions that are loaded alone. It must be
// called before Serve.
func (s *Server) TellVersions(versionsOf func(model string) ([]versions.Version, bool)) {
	s.versionsOf = versionsOf
}

// serving is TensorFlow Serving's protocol.
func (s *Server) serving() *tfserving.Service {
	return tfserving.New(tfserving.Config{
		Registry:       s.registry,
		MaxPairs:       s.cfg.MaxPairs,
		MaxImages:      s.cfg.MaxImages,
		MaxTensorBytes: s.cfg.MaxMessageBytes,
		Versions:       s.versions,
	})
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
