//go:build gocv

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/grpc"

	"siamese/client"
	"siamese/client/webcam"
	"siamese/cmd/internal/cli"
	"siamese/imaging/views"
)

// run returns when the source has ended, the user quits or ctx is done.
func (c *flags) run(ctx context.Context, s cli.Streams) error {
	plan, err := c.plan()
	if err != nil {
		return err
	}
	err = c.watch(ctx, plan, s.Out)
	if errors.Is(err, webcam.ErrRegion) {
		return cli.Usage(err)
	}
	return err
}

// plan is the command line, understood.
type plan struct {
	source     webcam.SourceName
	region     webcam.Region
	references []client.Reference
	live       client.LiveConfig
	gallery    client.LiveGalleryConfig // of --gallery
	dial       []grpc.DialOption
}

// plan checks all that can be checked before anything is opened.
func (c *flags) plan() (p plan, err error) {
	if p.region, err = webcam.ParseRegion(c.ROI); err != nil {
		return p, cli.Usage(err)
	}
	if c.Record != "" {
		if _, err := webcam.VideoCodecs(c.Record); err != nil {
			return p, cli.Usage(err)
		}
	}
	if err := c.validate(); err != nil {
		return p, cli.Usage(err)
	}
	if err := c.checkFolders(); err != nil {
		return p, err
	}
	if p.references, err = webcam.ReadReferences(c.Reference); err != nil {
		return p, err
	}
	if err := c.planScores(&p); err != nil {
		return p, cli.Usage(err)
	}
	if p.dial, err = c.Dial.Options(c.Server); err != nil {
		return p, err
	}
	if !c.Headless {
		if err := webcam.CheckDisplay(os.Getenv); err != nil {
			return p, err
		}
	}
	p.source, err = webcam.ParseSource(c.Source)
	return p, err
}

// planScores says what pictures are scored against.
func (c *flags) planScores(p *plan) (err error) {
	if c.Gallery != "" {
		p.gallery, err = c.search()
		return err
	}
	p.live = client.LiveConfig{References: p.references, Window: c.Window, Threshold: c.Threshold, Model: c.Model, TestTimeViews: uint32(c.TestTime)}
	return p.live.Validate()
}

// search is how pictures are looked up in the gallery.
func (c *flags) search() (client.LiveGalleryConfig, error) {
	filter, err := pairs(c.Filter)
	if err != nil {
		return client.LiveGalleryConfig{}, err
	}
	config := client.LiveGalleryConfig{Gallery: c.Gallery, Options: client.IdentifyOptions{
		TopK: c.Top, MinSimilarity: c.MinSimilarity, Filter: filter, Threshold: c.Threshold,
		Thumbnails: !c.Headless || c.Record != "", TestTimeViews: uint32(c.TestTime),
	}}
	return config, config.Validate()
}

func (c *flags) validate() error {
	switch {
	case c.Headless && len(c.Reference) == 0 && c.Gallery == "":
		return errors.New("--headless: received neither --reference nor --gallery, expected one, as there is no window to take a reference in")
	case !(c.FPS >= 0): // so that NaN is refused
		return fmt.Errorf("--fps: received %v, expected 0 or more", c.FPS)
	case c.TestTime < 0 || c.TestTime > views.Most:
		return fmt.Errorf("--test-time: received %d, expected 1 to %d", c.TestTime, views.Most)
	case c.Quality < 0 || c.Quality > 100:
		return fmt.Errorf("--quality: received %d, expected 0 to 100", c.Quality)
	case c.Size < 0:
		return fmt.Errorf("--size: received %d, expected 0 or more", c.Size)
	case c.Window < 1:
		return fmt.Errorf("--window: received %d, expected 1 or more", c.Window)
	case c.ConnectTimeout < 0:
		return fmt.Errorf("--connect-timeout: received %v, expected 0s or more", c.ConnectTimeout)
	}
	return nil
}

// checkFolders tells before anything is opened that a file can't be written where it
// is to be. The folder of snapshots is held to that only where one is named: who takes
// none may stand anywhere.
func (c *flags) checkFolders() error {
	if c.Snapshots != "." {
		if err := checkFolder(c.Snapshots); err != nil {
			return fmt.Errorf("--snapshots: %w", err)
		}
	}
	for _, file := range []struct{ flag, path string }{{"--record", c.Record}, {"--csv", c.CSV}} {
		if file.path == "" {
			continue
		}
		if info, err := os.Stat(file.path); err == nil {
			if info.IsDir() {
				return fmt.Errorf("%s: received %q, which is a folder, expected a file", file.flag, file.path)
			}
			continue // a file, or a pipe or device, to write to
		}
		if err := checkFolder(filepath.Dir(file.path)); err != nil {
			return fmt.Errorf("%s: %w", file.flag, err)
		}
	}
	return nil
}

// checkFolder reports why no file can be made in a folder.
func checkFolder(folder string) error {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("received the folder %q, which is not there; make it first: mkdir -p %s", folder, folder)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("received %q, which is a file, expected a folder", folder)
	}
	trial, err := os.CreateTemp(folder, ".siamese-webcam-*")
	if err != nil {
		return fmt.Errorf("received the folder %q, in which no file can be made: %w", folder, err)
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// watch opens source, server and window, and runs until the end.
func (c *flags) watch(ctx context.Context, p plan, stdout io.Writer) (err error) {
	open := func() (webcam.Source, error) { return webcam.OpenSource(p.source, c.FPS) }
	if c.Loop && !p.source.Live() {
		first := open
		open = func() (webcam.Source, error) { return webcam.Repeat(first) }
	}
	connection, err := client.New(c.Server, p.dial...)
	if err != nil {
		return cli.Usage(err)
	}
	defer closing(&err, connection)
	reporters, table, err := c.reporters(stdout)
	if err != nil {
		return err
	}
	defer closing(&err, table)
	source, err := open()
	if err != nil {
		return err
	}
	live, err := c.score(ctx, connection, p)
	if err != nil {
		return errors.Join(err, source.Close())
	}
	defer closing(&err, live)
	config := webcam.Config{
		Source: source, Scorer: live, Reporters: reporters,
		References: p.references, Gallery: c.Gallery, Region: p.region, Model: c.Model, ServerInfo: connection.ServerInfo,
		Encoding:       webcam.Encoding{ShorterSide: c.Size, JPEGQuality: c.Quality},
		ConnectTimeout: c.ConnectTimeout, Snapshots: c.Snapshots,
	}
	return c.show(ctx, config)
}

// scorer is a webcam.Scorer that has to be closed.
type scorer interface {
	webcam.Scorer
	io.Closer
}

// score starts to score pictures; the caller closes what it returns.
func (c *flags) score(ctx context.Context, connection *client.Client, p plan) (scorer, error) {
	if c.Gallery != "" {
		return connection.LiveGallery(ctx, p.gallery)
	}
	return connection.Live(ctx, p.live)
}

// show adds what draws, and runs.
func (c *flags) show(ctx context.Context, config webcam.Config) (err error) {
	if c.Record != "" {
		config.Record = func(size image.Point, perSecond float64) (webcam.Recorder, error) {
			return webcam.OpenRecorder(c.Record, size, perSecond)
		}
	}
	if !c.Headless || c.Record != "" {
		config.Painter = webcam.NewPainter()
		defer closing(&err, config.Painter)
	}
	if !c.Headless {
		config.Screen = webcam.OpenScreen("siamese")
		defer closing(&err, config.Screen)
	}
	return webcam.Run(ctx, config)
}

// reporters are JSON lines, without a window, and the table where one is asked
// for; the caller closes it.
func (c *flags) reporters(stdout io.Writer) ([]webcam.Reporter, io.Closer, error) {
	var reporters []webcam.Reporter
	if c.Headless {
		reporters = append(reporters, webcam.JSONLines(stdout))
	}
	if c.CSV == "" {
		return reporters, io.NopCloser(nil), nil
	}
	file, err := os.Create(c.CSV)
	if err != nil {
		return nil, nil, err
	}
	return append(reporters, webcam.CSV(file)), file, nil
}

// closing closes in a defer and keeps the error where there is none yet.
func closing(err *error, closer io.Closer) {
	if failed := closer.Close(); *err == nil {
		*err = failed
	}
}
