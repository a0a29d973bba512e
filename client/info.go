package client

import (
	"context"
	"time"

	siamesev1 "siamese/proto/siamese/v1"
)

// ServerInfo is what a client can know before it calls.
type ServerInfo struct {
	// Model is the one that was asked about; of "auto" the first that is tried.
	Model ModelInfo
	// Models are those that are served, each by its default version. One that is
	// still being loaded is not among them. Empty: an older server, which serves
	// Model alone.
	Models []ModelInfo
	// DefaultModel answers calls that name no model: a ModelInfo.ServingName, or
	// "auto". Empty: an older server.
	DefaultModel string
	// AutoModels are the serving names of the models among which "auto" chooses, in
	// the order in which they are tried. Empty: there is no "auto".
	AutoModels []string
	// Galleries reports whether the server keeps galleries.
	Galleries bool

	Limits Limits
	Access Access
	Build  BuildInfo
}

// ModelInfo describes a model that the server serves.
type ModelInfo struct {
	// Name is the model's, such as "siamese-omniglot"; Version the folder that it
	// was loaded from.
	Name, Version string
	// Digest is the lower-case hexadecimal SHA-256 of its weights: two models with
	// the same digest give the same embeddings.
	Digest string
	// InputWidth and InputHeight are the network's input, in pixels.
	InputWidth, InputHeight int
	// EmbeddingLength is how many numbers an embedding has.
	EmbeddingLength int
	// Threshold is the similarity, 0 to 1, from which the verdict is "same" by
	// default.
	Threshold float32
	// ResizeRule is how a picture is brought to the input's size, such as "shorter
	// side, centre crop".
	ResizeRule string
	// Device is where it runs, such as "cpu" or "gpu:0".
	Device string
	// Precision is what it computes in, "float32" or "bfloat16"; empty where that
	// is not known.
	Precision string
	// ServingName is the name by which calls ask for it (Options.Model), such as
	// "general"; empty: an older server.
	ServingName string
	// Title is what it is for in a word or two for people, such as "Pictures"; Knows
	// is what it knows, in a sentence or two. Both may be empty.
	Title, Knows string
	// FamiliarityBound is the familiarity, 0 to 1, below which an image is foreign to
	// it. 0: it does not tell familiarity.
	FamiliarityBound float32
}

// Served returns the model of a name, such as Comparison.Model has it, among those
// that the server serves; ok reports whether there is one.
func (i ServerInfo) Served(name string) (model ModelInfo, ok bool) {
	for _, model := range append([]ModelInfo{i.Model}, i.Models...) {
		if model.Name == name {
			return model, true
		}
	}
	return ModelInfo{}, false
}

// Limits is what the server accepts. What is over a limit is refused, unless said
// otherwise.
type Limits struct {
	// MaxMessageBytes bounds one message in either direction, MaxImageBytes one
	// encoded image, MaxImagePixels the pixels of one image.
	MaxMessageBytes, MaxImageBytes, MaxImagePixels int64
	// MaxSideRatio is how many times the shorter side the longer one may be.
	MaxSideRatio int
	// MaxPairs bounds a BatchCompare, MaxCandidates a Rank, MaxImages an Embed.
	MaxPairs, MaxCandidates, MaxImages int
	// MaxTestTimeViews bounds Options.TestTimeViews. 0 or 1: the server scores pictures
	// alone.
	MaxTestTimeViews int
	// MaxStreamReferences is how many references a stream may hold;
	// MaxStreamWindow how many frames may be in flight on it: a larger window is
	// cut to that.
	MaxStreamReferences, MaxStreamWindow int
	// MemoryBytes bounds what all calls hold at a time: messages, replies, and
	// pictures while they are decoded.
	MemoryBytes int64
	// MaxQueuedImages is how many images of one call may wait for the encoder.
	MaxQueuedImages int
	// MaxStreams bounds the open streams, MaxCalls the other calls in flight, each
	// of all callers together.
	MaxStreams, MaxCalls int
	// DefaultDeadline is that of a call that sets none, MaxDeadline the longest that
	// a call gets.
	DefaultDeadline, MaxDeadline time.Duration
	// ImageFormats are those that are decoded, such as "jpeg".
	ImageFormats []string
}

// Access is what the server asks of a caller, and what a caller may ask of it.
type Access struct {
	// TokenNeeded reports whether calls need a bearer token ([WithToken]).
	TokenNeeded bool
	// CallsPerSecond is how often one caller may call; 0: no bound. Messages of
	// its streams count too.
	CallsPerSecond float64
	// Burst is how many calls may come at once after a silence; 0 where
	// CallsPerSecond is.
	Burst int
	// ConcurrentCalls is how many calls of one caller may be in flight, a stream
	// being one; 0: no bound.
	ConcurrentCalls int
}

// BuildInfo is what the server was built from.
type BuildInfo struct {
	// Version is the server's; Revision that of its source, empty where the build
	// did not record it.
	Version, Revision string
	// GoVersion is the Go that built it, TensorFlowVersion the library that it runs
	// on.
	GoVersion, TensorFlowVersion string
}

// ServerInfo asks the server about itself and a model, as Options.Model names it;
// empty: the default. It is answered while the server accepts calls at all. Errors
// are *Error: MODEL_NOT_FOUND for a model that is not served.
func (c *Client) ServerInfo(ctx context.Context, model string) (ServerInfo, error) {
	reply, err := c.service.GetServerInfo(ctx, &siamesev1.GetServerInfoRequest{Model: model})
	if err != nil {
		return ServerInfo{}, newError(err)
	}
	access, build := reply.GetAccess(), reply.GetBuild()
	var models []ModelInfo
	for _, served := range reply.GetModels() {
		models = append(models, newModelInfo(served))
	}
	return ServerInfo{
		Model:        newModelInfo(reply.GetModel()),
		Models:       models,
		DefaultModel: reply.GetDefaultModel(),
		AutoModels:   reply.GetAutoModels(),
		Galleries:    reply.GetGalleries(),
		Limits:       newLimits(reply.GetLimits()),
		Access: Access{
			TokenNeeded:     access.GetTokenNeeded(),
			CallsPerSecond:  access.GetCallsPerSecond(),
			Burst:           int(access.GetBurst()),
			ConcurrentCalls: int(access.GetConcurrentCalls()),
		},
		Build: BuildInfo{
			Version:           build.GetVersion(),
			Revision:          build.GetRevision(),
			GoVersion:         build.GetGoVersion(),
			TensorFlowVersion: build.GetTensorflowVersion(),
		},
	}, nil
}

func newModelInfo(model *siamesev1.ModelInfo) ModelInfo {
	return ModelInfo{
		Name:            model.GetReference().GetName(),
		Version:         model.GetReference().GetVersion(),
		Digest:          model.GetReference().GetDigest(),
		InputWidth:      int(model.GetInputWidth()),
		InputHeight:     int(model.GetInputHeight()),
		EmbeddingLength: int(model.GetEmbeddingLength()),
		Threshold:       model.GetThreshold(),
		ResizeRule:      model.GetResizeRule(),
		Device:          model.GetDevice(),
		Precision:       model.GetPrecision(),

		ServingName:      model.GetServingName(),
		Title:            model.GetTitle(),
		Knows:            model.GetKnows(),
		FamiliarityBound: model.GetFamiliarityBound(),
	}
}

// newLimits converts limits; those in bytes and pixels fit an int64 on any server
// that exists.
func newLimits(limits *siamesev1.Limits) Limits {
	return Limits{
		MaxMessageBytes:     int64(limits.GetMaxMessageBytes()), //nolint:gosec // see above
		MaxImageBytes:       int64(limits.GetMaxImageBytes()),   //nolint:gosec // see above
		MaxImagePixels:      int64(limits.GetMaxImagePixels()),  //nolint:gosec // see above
		MaxSideRatio:        int(limits.GetMaxSideRatio()),
		MaxPairs:            int(limits.GetMaxPairs()),
		MaxCandidates:       int(limits.GetMaxCandidates()),
		MaxImages:           int(limits.GetMaxImages()),
		MaxTestTimeViews:    int(limits.GetMaxTestTimeViews()),
		MaxStreamReferences: int(limits.GetMaxStreamReferences()),
		MaxStreamWindow:     int(limits.GetMaxStreamWindow()),
		MemoryBytes:         int64(limits.GetMemoryBytes()), //nolint:gosec // see above
		MaxQueuedImages:     int(limits.GetMaxQueuedImages()),
		MaxStreams:          int(limits.GetMaxStreams()),
		MaxCalls:            int(limits.GetMaxCalls()),
		DefaultDeadline:     limits.GetDefaultDeadline().AsDuration(),
		MaxDeadline:         limits.GetMaxDeadline().AsDuration(),
		ImageFormats:        limits.GetImageFormats(),
	}
}
