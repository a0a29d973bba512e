package server

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"siamese/gallery"
	"siamese/imaging"
	"siamese/imaging/views"
	"siamese/server/access"
	"siamese/server/batch"
	"siamese/server/internal/admission"
	"siamese/server/internal/galleries"
	"siamese/server/internal/infer"
)

// What a zero field of Config means.
const (
	DefaultMaxMessageBytes     = 16 << 20
	DefaultMaxPairs            = 64
	DefaultMaxCandidates       = 256
	DefaultMaxImages           = 128
	DefaultMaxTestTimeViews    = views.Most
	DefaultMaxStreamReferences = 16
	DefaultMaxStreamWindow     = 8
	DefaultMaxStreams          = 256
	DefaultMaxCalls            = 512
	DefaultMemoryBytes         = 1 << 30
	DefaultMaxQueuedImages     = 512
	DefaultDeadline            = 60 * time.Second
	DefaultMaxDeadline         = 5 * time.Minute
	DefaultMaxConnections      = 2048
	DefaultAddressConnections  = 256
	DefaultStallTimeout        = time.Minute
	DefaultStreamGrace         = 5 * time.Second
	DefaultStopTimeout         = 25 * time.Second
	DefaultWatchdogTimeout     = 10 * time.Second
)

// MinMemoryBytes is room for one message of the default size and for what decoding a
// photograph takes.
const MinMemoryBytes = 64 << 20

// Config says what the server accepts and how it stops. A zero field means its
// default.
type Config struct {
	// Models are the names of the models that will be added, in the order in which they
	// are told. They must differ; health tells of each from the start. Others may be
	// added, too. Default: none.
	Models []string

	// DefaultModel is what answers calls that name no model: one of Models, or [Auto]
	// where there are AutoModels. Default: the first model.
	DefaultModel string

	// AutoModels are the names, of Models, among which [Auto] chooses, in the order in
	// which they are tried; one that does not tell familiarity, or is not loaded, is
	// passed over. Default: there is no Auto.
	AutoModels []string

	// OIP has the server speak the Open Inference Protocol as well, with the same gate and
	// limits: over gRPC, and by REST where there is an HTTP side. Default: it does not.
	OIP bool

	// TFServing has the server speak TensorFlow Serving's protocol as well, likewise.
	// Default: it does not.
	TFServing bool

	// Galleries keeps the galleries of GalleryService. It stays its owner's, who closes it
	// when Serve has returned. Nil: the service answers each call with UNIMPLEMENTED.
	Galleries gallery.Store

	// GalleryRights tells what callers may do with galleries. Nil: every caller may do
	// all.
	GalleryRights GalleryRights

	// MaxGalleries bounds the galleries of the store. Zero: no bound.
	MaxGalleries int

	// MaxGalleryEntries bounds the entries of one gallery. Zero: no bound.
	MaxGalleryEntries int

	// MaxMessageBytes bounds one message, in either direction. Default
	// [DefaultMaxMessageBytes].
	MaxMessageBytes int

	// MaxPairs bounds the pairs of one BatchCompare. Default [DefaultMaxPairs].
	MaxPairs int

	// MaxCandidates bounds the candidates of one Rank. Default [DefaultMaxCandidates].
	MaxCandidates int

	// MaxImages bounds the images of one Embed. Default [DefaultMaxImages].
	MaxImages int

	// MaxTestTimeViews bounds the views of a picture that a call may ask for, each of which
	// is one more image to encode; at most [siamese/imaging/views.Most]. 1: calls that ask
	// for more than the picture itself are refused. Default [DefaultMaxTestTimeViews].
	MaxTestTimeViews int

	// MaxStreamReferences bounds the references that a stream holds. Default
	// [DefaultMaxStreamReferences].
	MaxStreamReferences int

	// MaxStreamWindow bounds the messages under way on a stream. Default
	// [DefaultMaxStreamWindow].
	MaxStreamWindow int

	// MaxStreams bounds the streams of all callers that are open at a time; one caller
	// has at most three times as many as are free. Default [DefaultMaxStreams].
	MaxStreams int

	// MaxCalls bounds the other calls of all callers that are under way at a time,
	// streams that are not open yet among them and health's not; one caller has at most
	// three times as many as are free. Default [DefaultMaxCalls].
	MaxCalls int

	// MemoryBytes bounds what all calls hold at a time: messages, replies, and pictures
	// while they are decoded. A picture whose decoding takes more than half of it is
	// refused; one that does not fit now waits. Default [DefaultMemoryBytes]: half of
	// that decodes a progressive JPEG of 25 megapixels, which takes 18 bytes a pixel,
	// and two of them go on beside each other.
	MemoryBytes int64

	// MaxConnections bounds the connections of all addresses that are open at a time
	// at each of the server's ports; more are closed at once. Default
	// [DefaultMaxConnections].
	MaxConnections int

	// MaxConnectionsOfAddress bounds those of one address, of IPv6 of one network of 64
	// bits. Default [DefaultAddressConnections].
	MaxConnectionsOfAddress int

	// StallTimeout is how long a connection lasts on which an answer waits and its
	// client reads nothing. Default [DefaultStallTimeout].
	StallTimeout time.Duration

	// MaxQueuedImages bounds the images of one call that wait for the encoder. The
	// largest call must fit. A caller's calls together may have half as many again, all
	// callers' three times as many, so that a small call finds room beside large ones.
	// Default [DefaultMaxQueuedImages].
	MaxQueuedImages int

	// BatchWait is how long an image may be held back for others that would fill
	// its run, at most 5 ms. Zero: not at all, a free encoder takes what is
	// there.
	BatchWait time.Duration

	// CacheBytes bounds the embeddings that are kept of each model, so that
	// images which come again are not encoded again. Zero: none are kept.
	CacheBytes int

	// Limits bounds one image; its own zero fields mean imaging's defaults.
	Limits imaging.Limits

	// Rule says how pictures come to the network's size. The zero value is
	// imaging.ShorterSide.
	Rule imaging.Rule

	// Alpha says what becomes of transparency. The zero value is
	// imaging.CompositeWhite.
	Alpha imaging.Alpha

	// DefaultDeadline is the deadline of a unary call that sets none. Default
	// [DefaultDeadline].
	DefaultDeadline time.Duration

	// MaxDeadline is the longest deadline that a unary call gets, so that none holds
	// what others wait for any longer. Default [DefaultMaxDeadline]: more than the
	// largest call takes by itself.
	MaxDeadline time.Duration

	// DrainDelay is how long the server goes on as before when it is told to
	// stop and health says NOT_SERVING, so that load balancers can turn away.
	// Zero: not at all.
	DrainDelay time.Duration

	// StreamGrace is how long streams are served on after they were told that the
	// server stops, or that their model is to go. Default [DefaultStreamGrace].
	StreamGrace time.Duration

	// StopTimeout is how long calls may take to end, from when streams are told; then
	// they are cut off, as are streams of a model that is to go. At least StreamGrace. Default [DefaultStopTimeout].
	StopTimeout time.Duration

	// TLS is the server's side of TLS, for calls over gRPC and over HTTP alike. It
	// must not be changed afterwards. Nil: plain text.
	TLS *tls.Config

	// Tokens tells whose a bearer token is; calls without a valid one are refused
	// with UNAUTHENTICATED, those of health excepted. Nil: no token is needed.
	Tokens Tokens

	// CallerLimits bound what one caller may ask. Zero fields: no bound.
	CallerLimits access.Limits

	// WatchdogPeriod is how often the default version of each model is looked at: where no run of its
	// encoder has ended well since, it has to encode one image, before all that wait.
	// When it can't, health says NOT_SERVING until it can. Zero: never.
	WatchdogPeriod time.Duration

	// WatchdogTimeout is how long that image may take, the runs under way included;
	// where one of them ends well meanwhile, that will do.
	// Default [DefaultWatchdogTimeout].
	WatchdogTimeout time.Duration

	// MaxConnectionAge is how old a connection over gRPC may be before its client
	// is asked to open another one, so that clients come to new instances; what
	// is under way on it goes on. Zero: no limit.
	MaxConnectionAge time.Duration

	// Metrics takes the server's metrics (package metrics). Nil: none are kept.
	Metrics prometheus.Registerer

	// Traces takes the spans of calls. Nil: none are made.
	Traces trace.TracerProvider

	// Logger takes the log. Default: discards it.
	Logger *slog.Logger

	// Supervisor is told of each state that the server comes to, in order. It must
	// return at once and not call the server. Nil: nobody is told.
	Supervisor func(State)

	// Build is what GetServerInfo tells of the program.
	Build BuildInfo
}

// Tokens tells whose a bearer token is. It must be safe for concurrent use and
// quick: it is asked while a connection waits.
type Tokens = admission.Tokens

// GalleryRights tells what callers may do with galleries. It must be safe for concurrent
// use and quick.
type GalleryRights = galleries.Rights

// BuildInfo tells what the program was built from; fields may be empty.
type BuildInfo struct {
	Version           string // the server's own version
	Revision          string // the revision of its source
	GoVersion         string // of the compiler, such as "go1.26.8"
	TensorFlowVersion string // of the library that the model runs on
}

// Validate returns an error that names the field which is out of range, if any. Zero fields stand for
// their defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	fields := []struct {
		name  string
		value int64
	}{
		{"MaxGalleries", int64(c.MaxGalleries)},
		{"MaxGalleryEntries", int64(c.MaxGalleryEntries)},
		{"MaxMessageBytes", int64(c.MaxMessageBytes)},
		{"MaxPairs", int64(c.MaxPairs)},
		{"MaxCandidates", int64(c.MaxCandidates)},
		{"MaxImages", int64(c.MaxImages)},
		{"MaxTestTimeViews", int64(c.MaxTestTimeViews)},
		{"MaxStreamReferences", int64(c.MaxStreamReferences)},
		{"MaxStreamWindow", int64(c.MaxStreamWindow)},
		{"MaxStreams", int64(c.MaxStreams)},
		{"MaxCalls", int64(c.MaxCalls)},
		{"MemoryBytes", c.MemoryBytes},
		{"BatchWait", int64(c.BatchWait)},
		{"CacheBytes", int64(c.CacheBytes)},
		{"DefaultDeadline", int64(c.DefaultDeadline)},
		{"MaxDeadline", int64(c.MaxDeadline)},
		{"DrainDelay", int64(c.DrainDelay)},
		{"StreamGrace", int64(c.StreamGrace)},
		{"WatchdogPeriod", int64(c.WatchdogPeriod)},
		{"WatchdogTimeout", int64(c.WatchdogTimeout)},
		{"MaxConnectionAge", int64(c.MaxConnectionAge)},
	}
	for _, field := range fields {
		if field.value < 0 {
			return fmt.Errorf("server: Config.%s is %d, expected 0 (the default) or more", field.name, field.value)
		}
	}
	if err := c.CallerLimits.Validate(); err != nil {
		return err
	}
	if err := c.validateModels(); err != nil {
		return err
	}
	return c.validateRelations()
}

// validateModels checks the names of models.
func (c Config) validateModels() error {
	for i, name := range c.Models {
		if err := infer.CheckName(name); err != nil {
			return err
		}
		if slices.Contains(c.Models[:i], name) {
			return fmt.Errorf("server: Config.Models has %q twice, expected names that differ", name)
		}
	}
	for _, name := range c.AutoModels {
		if !slices.Contains(c.Models, name) {
			return fmt.Errorf("server: Config.AutoModels has %q, expected names of Config.Models, %q", name, c.Models)
		}
	}
	switch {
	case c.DefaultModel == Auto && len(c.AutoModels) == 0:
		return fmt.Errorf("server: Config.DefaultModel is %q without Config.AutoModels", Auto)
	case c.DefaultModel != "" && c.DefaultModel != Auto && !slices.Contains(c.Models, c.DefaultModel):
		return fmt.Errorf("server: Config.DefaultModel is %q, expected %q or one of Config.Models, %q", c.DefaultModel, Auto, c.Models)
	}
	return nil
}

// validateRelations checks the fields that depend on each other.
func (c Config) validateRelations() error {
	if err := (imaging.Config{Rule: c.Rule, Alpha: c.Alpha, Limits: c.Limits}).Validate(); err != nil {
		return err
	}
	if c.MemoryBytes < MinMemoryBytes {
		return fmt.Errorf("server: Config.MemoryBytes is %d, expected at least %d", c.MemoryBytes, MinMemoryBytes)
	}
	if largest := max(2*c.MaxPairs, c.MaxCandidates+1, c.MaxImages); c.MaxQueuedImages < largest {
		return fmt.Errorf("server: Config.MaxQueuedImages is %d, expected at least %d, the images of the largest call",
			c.MaxQueuedImages, largest)
	}
	if c.MaxTestTimeViews > views.Most {
		return fmt.Errorf("server: Config.MaxTestTimeViews is %d, expected at most %d, as many as there are", c.MaxTestTimeViews, views.Most)
	}
	if c.BatchWait > batch.MaxWait {
		return fmt.Errorf("server: Config.BatchWait is %v, expected at most %v", c.BatchWait, batch.MaxWait)
	}
	if c.MaxDeadline < c.DefaultDeadline {
		return fmt.Errorf("server: Config.MaxDeadline is %v, expected at least DefaultDeadline, %v", c.MaxDeadline, c.DefaultDeadline)
	}
	if c.StopTimeout < c.StreamGrace {
		return fmt.Errorf("server: Config.StopTimeout is %v, expected at least StreamGrace, %v", c.StopTimeout, c.StreamGrace)
	}
	return nil
}

// withDefaults fills in the zero fields.
func (c Config) withDefaults() Config {
	c.MaxMessageBytes = cmp.Or(c.MaxMessageBytes, DefaultMaxMessageBytes)
	c.MaxPairs = cmp.Or(c.MaxPairs, DefaultMaxPairs)
	c.MaxCandidates = cmp.Or(c.MaxCandidates, DefaultMaxCandidates)
	c.MaxImages = cmp.Or(c.MaxImages, DefaultMaxImages)
	c.MaxTestTimeViews = cmp.Or(c.MaxTestTimeViews, DefaultMaxTestTimeViews)
	c.MaxStreamReferences = cmp.Or(c.MaxStreamReferences, DefaultMaxStreamReferences)
	c.MaxStreamWindow = cmp.Or(c.MaxStreamWindow, DefaultMaxStreamWindow)
	c.MaxStreams = cmp.Or(c.MaxStreams, DefaultMaxStreams)
	c.MaxCalls = cmp.Or(c.MaxCalls, DefaultMaxCalls)
	c.MemoryBytes = cmp.Or(c.MemoryBytes, DefaultMemoryBytes)
	c.MaxQueuedImages = cmp.Or(c.MaxQueuedImages, DefaultMaxQueuedImages)
	c.Limits.MaxBytes = cmp.Or(c.Limits.MaxBytes, imaging.DefaultMaxBytes)
	c.Limits.MaxPixels = cmp.Or(c.Limits.MaxPixels, imaging.DefaultMaxPixels)
	c.Limits.MaxSideRatio = cmp.Or(c.Limits.MaxSideRatio, imaging.DefaultMaxSideRatio)
	c.DefaultDeadline = cmp.Or(c.DefaultDeadline, DefaultDeadline)
	c.MaxDeadline = cmp.Or(c.MaxDeadline, DefaultMaxDeadline)
	c.MaxConnections = cmp.Or(c.MaxConnections, DefaultMaxConnections)
	c.MaxConnectionsOfAddress = cmp.Or(c.MaxConnectionsOfAddress, DefaultAddressConnections)
	c.StallTimeout = cmp.Or(c.StallTimeout, DefaultStallTimeout)
	c.StreamGrace = cmp.Or(c.StreamGrace, DefaultStreamGrace)
	c.StopTimeout = cmp.Or(c.StopTimeout, DefaultStopTimeout)
	c.WatchdogTimeout = cmp.Or(c.WatchdogTimeout, DefaultWatchdogTimeout)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
