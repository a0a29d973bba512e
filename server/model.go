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

// Signature is a signature of a model's SavedModel.
type Signature = infer.Signature

// Tensor is an input or output of a signature.
type Tensor = infer.Tensor

// Familiarity tells how like the pictures that a model knows an image is to it. It must
// be safe for concurrent use.
type Familiarity = infer.Familiarity

// Auto is the name by which calls leave the choice of the model to the server.
const Auto = infer.Auto

// CheckModelName returns an error that says what was expected of a model's name, if it
// can't be one.
func CheckModelName(name string) error { return infer.CheckName(name) }

// AddModel lets calls that name info.ServingName and info.Version be answered by model,
// beside those that there are. Each has a queue of its own. The server does not close
// the model: its owner does, once it is out of use (RemoveModel) or Serve has
// returned. A name that is not among Config.Models comes after them. Errors: what is
// wrong with info, [ErrModelSet] for a version that is served, [ErrClosed].
func (s *Server) AddModel(model Model, info ModelInfo) error { return s.registry.Add(model, info) }

// Router returns what routes the calls of the model with this serving name to its
// versions. It is safe for concurrent use.
func (s *Server) Router(name string) Router { return Router{s.registry, name} }

// Router routes the calls of one model to its versions.
type Router struct {
	registry *infer.Registry
	model    string
}

// Route makes version answer calls that name the model and no version, and those of
// labels, from label to version, calls that name the label; labels that there
// were before are gone. It takes effect for calls that begin from now on, all at
// once; a stream stays with the version that it opened with until that is removed.
// Health of the model turns to SERVING. [ErrNoModel] where a version has not been
// added: then nothing changes. [ErrClosed].
func (r Router) Route(version string, labels map[string]string) error {
	return r.registry.Route(r.model, version, labels)
}

// Routes returns what Route was last told: the version that answers calls which
// name none, empty before, and the versions that labels point at.
func (r Router) Routes() (version string, labels map[string]string) {
	return r.registry.Routes(r.model)
}

// RemoveModel lets no new call reach this version of the model with this serving name
// and tells the streams on it, which end within Config.StreamGrace, or within
// Config.StopTimeout where their clients take no answers. The function that it returns
// waits until the last call has ended and lets go of the version: then the
// caller can close it. [ErrNoModel]; [ErrModelRouted] while it is its model's default or
// has a label, unless the server is closed.
func (s *Server) RemoveModel(name, version string) (wait func(), err error) {
	return s.registry.Remove(name, version)
}
