package server

import "siamese/server/internal/infer"

// Errors of models that come and go.
var (
	// ErrModelSet says that the server has a model of this version already.
	ErrModelSet = infer.ErrModelSet

	// ErrNoModel says that the server has no such model.
	ErrNoModel = infer.ErrNoModel

	// ErrModelRouted says that a model can't go, since calls are routed to it.
	ErrModelRouted = infer.ErrModelRouted
)

// Model is what the server needs of a network. It must be safe for concurrent
// use: several Encodes and Compares run at a time. It must keep neither its
// arguments nor its results.
type Model = infer.Model

// ModelInfo describes a model.
type ModelInfo = infer.ModelInfo

// Familiarity tells how like the pictures that a model knows an image is to it. It must
// be safe for concurrent use.
type Familiarity = infer.Familiarity

// AddModel lets calls that name info.Version be answered by model, beside the
// models that there are. Each has a queue of its own. The server does not close
// the model: its owner does, once it is out of use (RemoveModel) or Serve has
// returned. Errors: what is wrong with info, [ErrModelSet] for a version that is
// served, [ErrClosed].
func (s *Server) AddModel(model Model, info ModelInfo) error { return s.registry.Add(model, info) }

// Route makes the model of version answer calls that name none, and those of
// labels, from label to version, calls that name the label; labels that there
// were before are gone. It takes effect for calls that begin from now on, all at
// once; a stream stays with the model that it opened with until that is removed. Health turns to
// SERVING. [ErrNoModel] where a version has not been added: then nothing
// changes. [ErrClosed].
func (s *Server) Route(version string, labels map[string]string) error {
	return s.registry.Route(version, labels)
}

// Routes returns what Route was last told: the version that answers calls which
// name none, empty before, and the versions that labels point at.
func (s *Server) Routes() (version string, labels map[string]string) { return s.registry.Routes() }

// RemoveModel lets no new call reach the model of version and tells the streams on
// it, which end within Config.StreamGrace, or within Config.StopTimeout where their
// clients take no answers. The function that it returns waits until the last call has ended and lets go of the model: then the
// caller can close it. [ErrNoModel]; [ErrModelRouted] while it is the default or
// has a label, unless the server is closed.
func (s *Server) RemoveModel(version string) (wait func(), err error) {
	return s.registry.Remove(version)
}
