package scorer

import (
	"context"
	"fmt"
	"io"
	"time"

	"siamese"
	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
	"siamese/cmd/internal/network"
	"siamese/imaging"
	"siamese/imaging/views"
)

// auto leaves the choice of a model to the pictures.
const auto = "auto"

// Flags choose between this process and a server.
type Flags struct {
	Server  string        `help:"Asks the server at this address instead of running the model here; --model then names one of its models: model, model/version, model/label or auto. A picture over the server's limits is sent smaller. Empty: runs it here." placeholder:"ADDR"`
	Timeout time.Duration `help:"Limits how long to wait for each answer of the server." default:"60s"`

	Dial dial.Flags `embed:""`
	network.ModelFlags
	network.PictureFlags
}

// ThresholdFlags choose the verdict.
type ThresholdFlags struct {
	Threshold *float32 `help:"Sets the similarity, 0 to 1, from which images are the same. Empty: the model's own." placeholder:"N"`
}

// Check reports, as [cli.Usage], the first flag that is out of range.
func (f ThresholdFlags) Check() error {
	if f.Threshold != nil && !(*f.Threshold >= 0 && *f.Threshold <= 1) {
		return cli.Usage(fmt.Errorf("--threshold %v, want 0 to 1", *f.Threshold))
	}
	return nil
}

// ScoreFlags choose how pairs are scored, and the verdict.
type ScoreFlags struct {
	ThresholdFlags

	TestTime int `help:"Scores this many views of a picture, 1 to 16, and gives the mean: the picture itself and small shifts, turns and scales of it. Each costs one more encoding: of both pictures of a pair, of a query alone. 1: the picture alone." name:"test-time" default:"1" placeholder:"N"`
}

// Check is as that of [ThresholdFlags].
func (f ScoreFlags) Check() error {
	if f.TestTime < 0 || f.TestTime > views.Most {
		return cli.Usage(fmt.Errorf("--test-time %d, want 1 to %d", f.TestTime, views.Most))
	}
	return f.ThresholdFlags.Check()
}

// views is how many views of a picture are scored, from 1.
func (f ScoreFlags) views() int { return max(f.TestTime, 1) }

// Limits bound a picture that is read here.
func (f Flags) limits() imaging.Limits {
	limits := f.Limits()
	defaults := siamese.DefaultLimits()
	if limits.MaxBytes == 0 {
		limits.MaxBytes = defaults.MaxBytes
	}
	if limits.MaxPixels == 0 {
		limits.MaxPixels = defaults.MaxPixels
	}
	limits.MaxDecodeBytes = max(defaults.MaxDecodeBytes, defaults.MaxDecodeBytes/int64(defaults.MaxPixels)*int64(limits.MaxPixels))
	return limits
}

// MaxBytes bounds the bytes of a picture that is read here.
func (f Flags) MaxBytes() int { return f.limits().MaxBytes }

// Open makes the scorer. What the user should know of it is written to notes. The
// caller closes it.
func (f Flags) Open(ctx context.Context, notes io.Writer, score ScoreFlags) (Scorer, error) {
	if err := score.Check(); err != nil {
		return nil, err
	}
	side, err := newSide(f.limits())
	if err != nil {
		return nil, err
	}
	if f.Server == "" {
		return f.openLocal(ctx, side, score)
	}
	return f.openRemote(side, notes, score)
}

// openRemote makes the scorer that asks a server.
func (f Flags) openRemote(side *side, notes io.Writer, score ScoreFlags) (*remote, error) {
	options, err := f.Dial.Options(f.Server)
	if err != nil {
		return nil, err
	}
	connection, err := client.New(f.Server, options...)
	if err != nil {
		return nil, err
	}
	return &remote{
		client: connection, server: f.Server, timeout: f.Timeout, side: side, notes: notes, alpha: f.Transparency(),
		options: client.Options{Threshold: score.Threshold, Model: f.Model, TestTimeViews: uint32(score.views())},
	}, nil
}
