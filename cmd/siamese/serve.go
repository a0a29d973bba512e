package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"siamese/imaging"
	"siamese/server"
	"siamese/tfmodel"
)

type serveCommand struct {
	Addr string `help:"Where to listen. Calls are plain text: keep it on loopback or a trusted network." default:"127.0.0.1:50051"`

	HTTPAddr   string   `help:"Where to offer the page and the calls for browsers; empty: nowhere." name:"http-addr" default:"127.0.0.1:8080"`
	CORSOrigin []string `help:"An origin whose pages may call too, such as https://example.org; may be repeated." name:"cors-origin"`

	MaxMessageBytes     int           `help:"Bytes of one message." default:"16777216"`
	MaxImageBytes       int           `help:"Bytes of one encoded image." default:"7340032"`
	MaxImagePixels      int           `help:"Pixels of one image." default:"25000000"`
	MaxSideRatio        int           `help:"How many times the shorter side the longer may be." default:"20"`
	MaxPairs            int           `help:"Pairs in one BatchCompare." default:"64"`
	MaxCandidates       int           `help:"Candidates in one Rank." default:"256"`
	MaxImages           int           `help:"Images in one Embed." default:"128"`
	MaxStreamReferences int           `help:"References on one stream." default:"16"`
	MaxStreamWindow     int           `help:"Frames under way on one stream." default:"8"`
	MaxPixelsInFlight   int           `help:"Decoded pixels of all calls at once; more wait." default:"200000000"`
	MaxQueuedImages     int           `help:"Images that may wait for the encoder; more are refused." default:"512"`
	DefaultDeadline     time.Duration `help:"Deadline of a call that sets none." default:"60s"`

	DrainDelay  time.Duration `help:"How long to serve on after SIGTERM while health says NOT_SERVING." default:"0s"`
	StreamGrace time.Duration `help:"How long streams are served on after they were told of the end." default:"5s"`
	StopTimeout time.Duration `help:"How long calls under way may take to end." default:"25s"`

	LogLevel  slog.Level `help:"Least level to log: debug, info, warn or error." default:"info"`
	LogFormat string     `help:"How to log: text or json." enum:"text,json" default:"text"`

	modelFlags
	imagingFlags
}

// Run serves until ctx is done. Stop order: the server says NOT_SERVING, turns
// calls away and lets those under way end; only then is the model closed.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	logger := c.logger(s)
	logger.Info("configuration", "effective", fmt.Sprintf("%+v", *c))
	service, err := server.New(c.config(logger))
	if err != nil {
		return usageError{err}
	}
	listener, err := c.listen(ctx, service, logger)
	if err != nil {
		service.Close()
		return err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	loaded := make(chan loadResult, 1) // 1: the loader never waits
	go func() {
		model, err := c.load(serving, service, logger)
		if err != nil {
			stop() // a server without a model is of no use
		}
		loaded <- loadResult{model, err}
	}()
	err = service.Serve(serving, listener)
	result := <-loaded
	if result.model != nil {
		err = errors.Join(err, result.model.Close())
	}
	if result.err != nil && ctx.Err() == nil {
		return result.err
	}
	return err
}

type loadResult struct {
	model *openModel
	err   error
}

// load opens the model and hands it to the server. The caller closes it.
func (c *serveCommand) load(ctx context.Context, service *server.Server, logger *slog.Logger) (*openModel, error) {
	begin := time.Now()
	model, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if c.Device == tfmodel.DeviceAuto && model.Device() == tfmodel.DeviceCPU {
		logger.Info("no GPU found: the model runs on the CPU")
	}
	card := model.Card()
	err = service.SetModel(model, server.ModelInfo{
		Name:            card.Name,
		Version:         model.Version(),
		Digest:          card.Weights.Digest,
		Height:          card.Architecture.Height,
		Width:           card.Architecture.Width,
		EmbeddingLength: card.Architecture.EmbeddingLength(),
		Threshold:       float32(card.Threshold),
		ResizeRule:      c.rule().String(),
		Device:          model.Device(),
		MaxBatch:        model.MaxRunImages(),
	})
	if err != nil {
		return nil, errors.Join(err, model.Close())
	}
	logger.Info("ready", "model", card.Name, "version", model.Version(), "device", model.Device(),
		"load_ms", time.Since(begin).Milliseconds())
	return model, nil
}

func (c *serveCommand) config(logger *slog.Logger) server.Config {
	return server.Config{
		MaxMessageBytes:     c.MaxMessageBytes,
		MaxPairs:            c.MaxPairs,
		MaxCandidates:       c.MaxCandidates,
		MaxImages:           c.MaxImages,
		MaxStreamReferences: c.MaxStreamReferences,
		MaxStreamWindow:     c.MaxStreamWindow,
		MaxPixelsInFlight:   c.MaxPixelsInFlight,
		MaxQueuedImages:     c.MaxQueuedImages,
		Limits: imaging.Limits{
			MaxBytes:     c.MaxImageBytes,
			MaxPixels:    c.MaxImagePixels,
			MaxSideRatio: c.MaxSideRatio,
		},
		Rule:            c.rule(),
		Alpha:           c.alpha(),
		DefaultDeadline: c.DefaultDeadline,
		DrainDelay:      c.DrainDelay,
		StreamGrace:     c.StreamGrace,
		StopTimeout:     c.StopTimeout,
		Logger:          logger,
		Build: server.BuildInfo{
			Version:           version,
			Revision:          revision(),
			GoVersion:         runtime.Version(),
			TensorFlowVersion: tfmodel.TensorFlowVersion(),
		},
	}
}

func (c *serveCommand) logger(s streams) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, options))
	}
	return slog.New(slog.NewTextHandler(s.err, options))
}
