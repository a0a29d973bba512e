package chaos_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

const (
	slowReaders = 4
	// readerGrowth is what the server may take for all of them: for each its
	// window of frames with their answers, and what the connection's flow control
	// lets in.
	readerGrowth = 64 << 20
)

// TestSlowReaders: clients that send frames, ask for the pictures back and read
// nothing cost the server no more than their windows, and others nothing.
func TestSlowReaders(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	server := observe(t, "--model", models, "--cache-bytes", "0")
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	pair := &siamesev1.CompareRequest{ImageA: fixture.Encoded(t, proctest.GlyphA), ImageB: fixture.Encoded(t, proctest.GlyphB)}
	compare := func() {
		t.Helper()
		if _, err := service.Compare(t.Context(), pair); err != nil {
			t.Errorf("a call beside slow readers = %v, want an answer", err)
		}
	}
	compare()
	fill := &siamesev1.EmbedRequest{}
	for number := range uint64(64) {
		fill.Images = append(fill.Images, noisePicture(number))
	}
	for range 2 { // the largest runs take their memory before the readers come
		if _, err := service.Embed(t.Context(), fill); err != nil {
			t.Fatal(err)
		}
	}
	goroutines := server.metric(t, "go_goroutines")
	before := server.memory(t, "VmRSS")
	server.forgetPeak(t)

	lasts := byForm(2*time.Second, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var readers sync.WaitGroup
	var sent atomic.Int64
	for range slowReaders {
		connection := proctest.Dial(t, server.Address)
		stream := openUnread(ctx, t, siamesev1.NewSiameseServiceClient(connection))
		readers.Go(func() {
			defer connection.Close()
			for id := uint64(0); stream.Send(frameOf(id, noisePicture(id))) == nil; id++ {
				sent.Add(1)
			}
		})
	}
	<-ctx.Done()
	readers.Wait()
	compare()
	grown := server.memory(t, "VmHWM") - before
	figure(t, "%d slow readers for %v: %d frames were taken, the peak of resident memory grew by %d MB (bar %d)",
		slowReaders, lasts, sent.Load(), grown>>20, readerGrowth>>20)
	if grown > readerGrowth {
		t.Errorf("resident memory grew by %d MB for clients that read nothing, want at most %d", grown>>20, readerGrowth>>20)
	}
	server.waitIdle(t, goroutines)
}

// openUnread opens a stream whose answers are long and will not be read.
func openUnread(ctx context.Context, t *testing.T, service siamesev1.SiameseServiceClient) siamesev1.SiameseService_StreamCompareClient {
	t.Helper()
	stream, err := service.StreamCompare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(openingOf(&siamesev1.StreamOpening{
		Options:    &siamesev1.CompareOptions{IncludePrepared: true},
		References: []*siamesev1.SetReference{{Name: "a", Image: noisePicture(1)}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}
