// Package serve is the command `siamese serve`: flags and wiring of the server.
package serve

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/imaging"
	"siamese/server"
	"siamese/tfmodel"
	"siamese/tfmodel/familiarity"
)

// Command is `siamese serve`.
type Command struct {
	Flags

	PrintConfig bool `help:"Prints the configuration that results from flags, environment and file, as JSON that --config takes, and exits."`
}

// Flags are what the server is told.
type Flags struct {
	Addr string `help:"Listens at this address, host:port or unix:/path. Beyond loopback it needs --tls-cert, or --insecure." default:"127.0.0.1:50051"`

	HTTPAddr   string    `help:"Serves the page and the calls for browsers at this address. Empty: nowhere." name:"http-addr" default:"127.0.0.1:8080"`
	CORSOrigin []cli.URL `help:"Lets pages of this origin call too, such as https://example.org; may be repeated. Empty: the server's own page alone." name:"cors-origin"`
	HTTPHost   []string  `help:"Lets requests name this host where --http-addr is a loopback address, as a proxy on this machine passes it on; may be repeated. Empty: localhost and loopback addresses alone." name:"http-host"`

	OIP       bool `help:"Speaks the Open Inference Protocol (KServe, Triton) as well: gRPC at --addr, REST below /v2 at --http-addr, with the same tokens and limits." name:"oip" default:"true" negatable:""`
	TFServing bool `help:"Speaks TensorFlow Serving's protocol as well: gRPC at --addr, REST below /v1/models at --http-addr, with the same tokens and limits." name:"tfserving" default:"true" negatable:""`

	MaxMessageBytes     int           `help:"Limits the bytes of one message." default:"16777216"`
	MaxImageBytes       int           `help:"Limits the bytes of one encoded image." default:"7340032"`
	MaxImagePixels      int           `help:"Limits the pixels of one image." default:"25000000"`
	MaxSideRatio        int           `help:"Limits how many times the shorter side of an image its longer one may be." default:"20"`
	MaxPairs            int           `help:"Limits the pairs in one BatchCompare." default:"64"`
	MaxCandidates       int           `help:"Limits the candidates in one Rank." default:"256"`
	MaxImages           int           `help:"Limits the images in one Embed." default:"128"`
	MaxTestTime         int           `help:"Limits the views of a picture that a call may have scored, each of which is one more image to encode, 1 to 16. 0: refuses calls that ask for any but the picture itself." default:"16"`
	MaxStreamReferences int           `help:"Limits the references on one stream." default:"16"`
	MaxStreamWindow     int           `help:"Limits the frames in flight on one stream." default:"8"`
	MaxStreams          int           `help:"Limits the open streams of all callers, of which one has at most three times as many as are free; more are refused." default:"256"`
	MaxCalls            int           `help:"Limits the calls in flight of all callers, streams not counted, of which one has at most three times as many as are free; more are refused before their message is read." default:"512"`
	Memory              int64         `help:"Limits the bytes of messages, replies and pictures being decoded, of all calls at once. 0: 1 GiB, or less where the container or machine has no more." default:"0"`
	MaxConnections      int           `help:"Limits the open connections at each port; more are closed at once." default:"2048"`
	AddressConnections  int           `help:"Limits those of one address." name:"address-connections" default:"256"`
	StallTimeout        time.Duration `help:"Closes a connection on which an answer waits and whose client has read nothing for this long." default:"1m"`
	MaxQueuedImages     int           `help:"Limits the images of one call that wait for the encoder; more are refused. All callers together may have three times as many." default:"512"`
	DefaultDeadline     time.Duration `help:"Sets the deadline of a call that has none." default:"60s"`
	MaxDeadline         time.Duration `help:"Limits the deadline of a call; a longer one is cut to it. Streams are not calls." default:"5m"`

	DrainDelay  time.Duration `help:"Serves on for this long after SIGTERM while health says NOT_SERVING. 0: stops at once." default:"0s"`
	StreamGrace time.Duration `help:"Serves streams for this long after they were told that the server stops, or that their version of the model goes." default:"5s"`
	StopTimeout time.Duration `help:"Waits for this long for calls in flight to end, and for streams on a version that goes." default:"25s"`

	WatchdogPeriod   time.Duration `help:"Encodes an image where no run has ended well for this long; health says SERVING only if that works. 0: never." default:"30s"`
	WatchdogTimeout  time.Duration `help:"Limits how long that may take." default:"10s"`
	MaxConnectionAge time.Duration `help:"Asks clients to reconnect at this age of the connection, so that they find new instances. 0: never." default:"0s"`

	LogLevel  slog.Level `help:"Sets the lowest level to log: debug, info, warn or error." default:"info"`
	LogFormat string     `help:"Chooses the form of the log: text or json." enum:"text,json" default:"text"`

	securityFlags
	galleryFlags
	probeFlags
	telemetryFlags
	batchFlags
	modelFlags
	network.RunFlags
	network.ImagingFlags
}

// Run serves until ctx is done. Stop order: the server says NOT_SERVING, turns
// calls away and lets those in flight end; only then are models closed.
func (c *Command) Run(ctx context.Context, parsed *kong.Context, s cli.Streams) error {
	if c.PrintConfig {
		return printConfig(parsed, s)
	}
	cli.OutliveReaders()
	chosen, err := c.choose()
	if err == nil {
		err = chosen.check()
	}
	if err != nil {
		return err
	}
	logger := c.logger(s)
	c.logStart(logger)
	logConfig(ctx, parsed, logger)
	return c.serve(ctx, chosen, logger)
}

// serve opens the ports and serves what is chosen.
func (c *Command) serve(ctx context.Context, chosen *choice, logger *slog.Logger) error {
	if err := c.planMemory(chosen, logger); err != nil {
		return err
	}
	boundGarbage(maxGarbage)
	security, err := c.openSecurity(c.GalleryRights)
	if err != nil {
		return err
	}
	galleries, err := c.openGalleries(ctx, logger)
	if err != nil {
		return err
	}
	defer closeGalleries(galleries, logger)                  // when no call and no job is left
	defer security.watch(ctx, c.CredentialsPeriod, logger)() // first: SIGHUP ends the program until then
	telemetry, err := c.openTelemetry(ctx, logger)
	if err != nil {
		return err
	}
	defer telemetry.close()
	supervisor := c.openSupervisor(logger)
	defer supervisor.close()
	config := telemetry.configure(security.secure(c.config(chosen, logger), c.securityFlags))
	config.Galleries = galleries
	config.Supervisor = supervisor.tell
	service, err := server.New(config)
	if err != nil {
		return cli.Usage(err)
	}
	defer service.Close()
	listener, err := c.listen(ctx, service, logger)
	if err != nil {
		return err
	}
	stopProbes, err := c.serveProbes(ctx, service, telemetry, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopProbes()
	c.warn(logger)
	models, err := c.openModels(ctx, service, chosen, security.operators, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := telemetry.count(models.all); err != nil {
		return errors.Join(err, listener.Close(), models.close())
	}
	return models.serve(ctx, service, listener)
}

// modelInfo is what the server has to know of a model.
func (c *Command) modelInfo(model *network.Model) server.ModelInfo {
	card := model.Card()
	info := server.ModelInfo{
		Name:            card.Name,
		Title:           card.Title,
		Knows:           card.Knows,
		Version:         model.Version(),
		Digest:          card.Weights.Digest,
		Height:          card.Architecture.Height,
		Width:           card.Architecture.Width,
		EmbeddingLength: card.Architecture.EmbeddingLength(),
		EmbeddingMin:    float32(model.EmbeddingMin()),
		EmbeddingMax:    float32(model.EmbeddingMax()),
		EmbeddingUnit:   card.Architecture.Unit,
		MetricWeights:   model.MetricWeights(),
		Threshold:       float32(card.Threshold),
		ResizeRule:      c.Rule().String(),
		Device:          model.Device(),
		Precision:       string(model.Precision()),
		MaxBatch:        model.MaxRunImages(),
		Signatures:      signatures(model.Signatures()),
	}
	if card.Familiarity != nil { // an interface that holds a nil pointer is not nil
		info.Familiarity = cardFamiliarity{card.Familiarity, info.Width, info.Height}
	}
	c.tune(&info)
	return info
}

// signatures are a SavedModel's signatures as the server has them.
func signatures(of []tfmodel.Signature) []server.Signature {
	var all []server.Signature
	for _, s := range of {
		all = append(all, server.Signature{Name: s.Name, Inputs: tensors(s.Inputs), Outputs: tensors(s.Outputs)})
	}
	return all
}

func tensors(of []tfmodel.Tensor) []server.Tensor {
	var all []server.Tensor
	for _, t := range of {
		all = append(all, server.Tensor(t))
	}
	return all
}

// cardFamiliarity is what a model's card says of its pictures, for the server.
type cardFamiliarity struct {
	statistic     *familiarity.Statistic
	width, height int // of the network's input, in pixels
}

// Of returns how familiar an image is, 0..1, where there are no pixels by its embedding
// alone.
func (f cardFamiliarity) Of(pixels []byte, embedding []float32) float32 {
	if pixels == nil {
		return float32(f.statistic.OfEmbedding(embedding))
	}
	return float32(f.statistic.Of(pixels, f.width, f.height, embedding))
}

// Bound returns below which familiarity an image is foreign, 0..1.
func (f cardFamiliarity) Bound() float32 { return float32(f.statistic.Bound) }

func (c *Command) config(chosen *choice, logger *slog.Logger) server.Config {
	return server.Config{
		Models:                  chosen.names(),
		DefaultModel:            chosen.answer,
		AutoModels:              chosen.autoModels(),
		OIP:                     c.OIP,
		TFServing:               c.TFServing,
		MaxGalleries:            c.MaxGalleries,
		MaxGalleryEntries:       c.MaxGalleryEntries,
		MaxMessageBytes:         c.MaxMessageBytes,
		MaxPairs:                c.MaxPairs,
		MaxCandidates:           c.MaxCandidates,
		MaxImages:               c.MaxImages,
		MaxTestTimeViews:        cmp.Or(c.MaxTestTime, 1),
		MaxStreamReferences:     c.MaxStreamReferences,
		MaxStreamWindow:         c.MaxStreamWindow,
		MaxStreams:              c.MaxStreams,
		MaxCalls:                c.MaxCalls,
		MemoryBytes:             c.Memory,
		MaxConnections:          c.MaxConnections,
		MaxConnectionsOfAddress: c.AddressConnections,
		StallTimeout:            c.StallTimeout,
		MaxQueuedImages:         c.MaxQueuedImages,
		BatchWait:               c.BatchWait,
		CacheBytes:              c.CacheBytes,
		Limits: imaging.Limits{
			MaxBytes:     c.MaxImageBytes,
			MaxPixels:    c.MaxImagePixels,
			MaxSideRatio: c.MaxSideRatio,
		},
		Rule:             c.Rule(),
		Alpha:            c.Transparency(),
		DefaultDeadline:  c.DefaultDeadline,
		MaxDeadline:      c.MaxDeadline,
		DrainDelay:       c.DrainDelay,
		StreamGrace:      c.StreamGrace,
		StopTimeout:      c.StopTimeout,
		WatchdogPeriod:   c.WatchdogPeriod,
		WatchdogTimeout:  c.WatchdogTimeout,
		MaxConnectionAge: c.MaxConnectionAge,
		Logger:           logger,
		Build: server.BuildInfo{
			Version:           cli.Version,
			Revision:          cli.Revision(),
			GoVersion:         runtime.Version(),
			TensorFlowVersion: tfmodel.TensorFlowVersion(),
		},
	}
}
