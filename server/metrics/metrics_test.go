package metrics_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"siamese/server/batch"
	"siamese/server/cache"
	"siamese/server/metrics"
)

func nothing() metrics.Reading { return metrics.Reading{} }

// family returns the metrics of a name.
func family(t *testing.T, registry *prometheus.Registry, name string) []*dto.Metric {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("Gather: %v", err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}

// A server without a registry counts nothing, and need not know it.
func TestNilCountsNothing(t *testing.T) {
	m, err := metrics.New(nil, nothing)
	if m != nil || err != nil {
		t.Fatalf("New(nil) = %v, %v, want nothing", m, err)
	}
	m.Begin(metrics.RPC{})
	m.End(metrics.RPC{}, "OK", time.Second)
	m.Refuse("QUEUE_FULL")
	m.Stage(metrics.Decode, time.Second)
	m.ItemError("IMAGE_UNSET")
	m.Message("")
	m.FramesDropped(1)
}

func TestSecondServerIsRefused(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := metrics.New(registry, nothing); err != nil {
		t.Fatal(err)
	}
	if _, err := metrics.New(registry, nothing); err == nil || !strings.HasPrefix(err.Error(), "metrics: ") {
		t.Errorf("New a second time = %v, want an error", err)
	}
	none := func() []metrics.Loads { return nil }
	if err := metrics.CountLoads(registry, none); err != nil {
		t.Errorf("CountLoads = %v, want none", err)
	}
	if err := metrics.CountLoads(registry, none); err == nil {
		t.Error("CountLoads a second time = nil, want an error")
	}
}

// Each metric of calls tells a call by go-grpc-middleware's labels.
func TestCallsHaveTypeServiceAndMethod(t *testing.T) {
	for _, tt := range []struct {
		client, server bool
		want           string
	}{
		{false, false, "unary"},
		{true, false, "client_stream"},
		{false, true, "server_stream"},
		{true, true, "bidi_stream"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			m, err := metrics.New(registry, nothing)
			if err != nil {
				t.Fatal(err)
			}
			rpc := metrics.RPC{Method: "a.v1.Service/Do", ClientStream: tt.client, ServerStream: tt.server}
			m.Begin(rpc)
			m.End(rpc, "NotFound", time.Second)
			labels := map[string]string{"grpc_type": tt.want, "grpc_service": "a.v1.Service", "grpc_method": "Do"}
			checkOneCall(t, registry, "grpc_server_started_total", labels)
			checkOneCall(t, registry, "grpc_server_handling_seconds", labels)
			labels["grpc_code"] = "NotFound"
			checkOneCall(t, registry, "grpc_server_handled_total", labels)
		})
	}
}

func checkOneCall(t *testing.T, registry *prometheus.Registry, name string, want map[string]string) {
	t.Helper()
	series := family(t, registry, name)
	if len(series) != 1 {
		t.Fatalf("%d of %s, want one", len(series), name)
	}
	got := make(map[string]string)
	for _, label := range series[0].GetLabel() {
		got[label.GetName()] = label.GetValue()
	}
	if !maps.Equal(got, want) {
		t.Errorf("labels of %s %v, want %v", name, got, want)
	}
	if n := series[0].GetCounter().GetValue() + float64(series[0].GetHistogram().GetSampleCount()); n != 1 {
		t.Errorf("%s = %v, want 1", name, n)
	}
}

func TestStageFallsIntoItsBucket(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry, nothing)
	if err != nil {
		t.Fatal(err)
	}
	m.Stage(metrics.Encode, 30*time.Millisecond)
	m.Stage("unheard", time.Second) // no label of it comes to be
	got := family(t, registry, "siamese_stage_seconds")
	if len(got) != len(metrics.Stages()) {
		t.Errorf("%d stages, want %d, each from the start", len(got), len(metrics.Stages()))
	}
	for _, stage := range got {
		if stage.GetLabel()[0].GetValue() != string(metrics.Encode) {
			continue
		}
		for _, bucket := range stage.GetHistogram().GetBucket() {
			if want := uint64(0); bucket.GetUpperBound() < .03 && bucket.GetCumulativeCount() != want {
				t.Errorf("%d up to %v s, want %d", bucket.GetCumulativeCount(), bucket.GetUpperBound(), want)
			}
			if want := uint64(1); bucket.GetUpperBound() > .03 && bucket.GetCumulativeCount() != want {
				t.Errorf("%d up to %v s, want %d", bucket.GetCumulativeCount(), bucket.GetUpperBound(), want)
			}
		}
	}
}

func TestRunsBecomeAHistogramOfSizes(t *testing.T) {
	registry := prometheus.NewRegistry()
	var sum metrics.Counts
	sum.Add(batch.Stats{Batches: []uint64{0, 5, 0, 2}}, cache.Stats{})       // 5 of one, 2 of three
	sum.Add(batch.Stats{Batches: []uint64{0, 1, 0, 0, 0, 3}}, cache.Stats{}) // 1 of one, 3 of five
	if _, err := metrics.New(registry, func() metrics.Reading {
		return metrics.Reading{Models: []metrics.Model{{Name: "general", Counts: sum}}}
	}); err != nil {
		t.Fatal(err)
	}
	got := family(t, registry, "siamese_batch_images")[0].GetHistogram()
	if got.GetSampleCount() != 11 || got.GetSampleSum() != 6+2*3+3*5 {
		t.Errorf("%d runs of %v images, want 11 of 27", got.GetSampleCount(), got.GetSampleSum())
	}
	want := map[float64]uint64{1: 6, 2: 6, 4: 8, 8: 11, 512: 11}
	for _, bucket := range got.GetBucket() {
		if n, ok := want[bucket.GetUpperBound()]; ok && bucket.GetCumulativeCount() != n {
			t.Errorf("%d runs of up to %v images, want %d", bucket.GetCumulativeCount(), bucket.GetUpperBound(), n)
		}
	}
}

func TestMemoryIsToldWhereItIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name         string
		giveResident uint64
		wantFamilies bool
		wantOutside  float64
	}{
		{"unknown", 0, false, 0},
		{"less than Go holds", 4096, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			read := func() metrics.Reading { return metrics.Reading{ResidentBytes: tt.giveResident} }
			if _, err := metrics.New(registry, read); err != nil {
				t.Fatal(err)
			}
			outside := family(t, registry, "siamese_resident_outside_go_bytes")
			if (len(outside) > 0) != tt.wantFamilies {
				t.Fatalf("%d metrics of memory, want some: %v", len(outside), tt.wantFamilies)
			}
			if tt.wantFamilies && outside[0].GetGauge().GetValue() != tt.wantOutside {
				t.Errorf("outside Go = %v, want %v", outside[0].GetGauge().GetValue(), tt.wantOutside)
			}
		})
	}
}

func TestOutsideGoIsWhatIsLeft(t *testing.T) {
	registry := prometheus.NewRegistry()
	const resident = 1 << 50 // more than any Go heap
	if _, err := metrics.New(registry, func() metrics.Reading { return metrics.Reading{ResidentBytes: resident} }); err != nil {
		t.Fatal(err)
	}
	got := family(t, registry, "siamese_resident_outside_go_bytes")[0].GetGauge().GetValue()
	if got >= resident || got < resident-(1<<32) {
		t.Errorf("outside Go = %v of %v, want less by what Go holds", got, float64(resident))
	}
}

func TestLoadsAreCountedByModelAndResult(t *testing.T) {
	registry := prometheus.NewRegistry()
	read := func() []metrics.Loads {
		return []metrics.Loads{{Model: "general", Held: 3, Failed: 1}, {Model: "omniglot", Held: 2}}
	}
	if err := metrics.CountLoads(registry, read); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, m := range family(t, registry, "siamese_model_loads_total") {
		got[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
	}
	if diff := cmp.Diff(map[string]float64{"general ok": 3, "general failed": 1, "omniglot ok": 2, "omniglot failed": 0}, got); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
}
