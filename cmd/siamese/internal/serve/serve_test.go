package serve

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/imaging"
	"siamese/server"
)

// TestServeDefaultsAreTheServers: a flag's default and that of the field that it
// fills are the same number.
func TestServeDefaultsAreTheServers(t *testing.T) {
	command := parse(t)
	chosen, err := command.choose()
	if err != nil {
		t.Fatal(err)
	}
	want := server.Config{
		Models:                  chosen.names(),
		DefaultModel:            chosen.answer,
		AutoModels:              chosen.autoModels(),
		OIP:                     true, // a bare server speaks its own contract alone
		TFServing:               true,
		MaxGalleries:            1000, // a bare server has no bound
		MaxGalleryEntries:       1_000_000,
		MaxMessageBytes:         server.DefaultMaxMessageBytes,
		MaxPairs:                server.DefaultMaxPairs,
		MaxCandidates:           server.DefaultMaxCandidates,
		MaxImages:               server.DefaultMaxImages,
		MaxTestTimeViews:        server.DefaultMaxTestTimeViews,
		MaxStreamReferences:     server.DefaultMaxStreamReferences,
		MaxStreamWindow:         server.DefaultMaxStreamWindow,
		MaxStreams:              server.DefaultMaxStreams,
		MaxCalls:                server.DefaultMaxCalls,
		MaxConnections:          server.DefaultMaxConnections,
		MaxConnectionsOfAddress: server.DefaultAddressConnections,
		StallTimeout:            server.DefaultStallTimeout,
		MaxQueuedImages:         server.DefaultMaxQueuedImages,
		DefaultDeadline:         server.DefaultDeadline,
		MaxDeadline:             server.DefaultMaxDeadline,
		StreamGrace:             server.DefaultStreamGrace,
		StopTimeout:             server.DefaultStopTimeout,
		WatchdogTimeout:         server.DefaultWatchdogTimeout,
		Limits: imaging.Limits{
			MaxBytes:     imaging.DefaultMaxBytes,
			MaxPixels:    imaging.DefaultMaxPixels,
			MaxSideRatio: imaging.DefaultMaxSideRatio,
		},
	}
	// MemoryBytes is planned when the program runs.
	// The program keeps embeddings and looks after its model, a bare server does
	// neither.
	ignored := cmpopts.IgnoreFields(server.Config{}, "CacheBytes", "WatchdogPeriod", "Build")
	if diff := cmp.Diff(want, command.config(chosen, nil), ignored); diff != "" {
		t.Errorf("configuration without flags (-want +got):\n%s", diff)
	}
}
