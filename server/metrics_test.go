package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// scrape is the value of each metric, by its name with its labels in order;
// of histograms the count, under name_count.
type scrape map[string]float64

func gather(t *testing.T, registry *prometheus.Registry) scrape {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("Gather: %v", err)
	}
	found := make(scrape)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%s", label.GetName(), label.GetValue()))
			}
			name, value := family.GetName(), metric.GetGauge().GetValue()+metric.GetCounter().GetValue()
			if metric.GetHistogram() != nil {
				name, value = name+"_count", float64(metric.GetHistogram().GetSampleCount())
			}
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			found[name] = value
		}
	}
	return found
}

// of returns the metrics whose names begin so, zeros left out.
func (s scrape) of(prefix string) scrape {
	found := maps.Clone(s)
	maps.DeleteFunc(found, func(name string, value float64) bool { return value == 0 || !strings.HasPrefix(name, prefix) })
	return found
}

// serveMeasured starts a server with metrics. They are complete once it has
// stopped: a client has its answer a moment before the call is counted.
func serveMeasured(t *testing.T, cfg server.Config, model server.Model) (*running, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	cfg.Metrics = registry
	return serve(t, cfg, model), registry
}

func checkScrape(t *testing.T, want, got scrape) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestCallsAreCountedByMethodCodeAndReason(t *testing.T) {
	r, registry := serveMeasured(t, server.Config{MaxMessageBytes: 1 << 16}, &fakeModel{})
	r.checkAnswers(t)
	for _, give := range []*pb.CompareRequest{
		{ImageA: grayImage(1)},
		{ImageA: grayImage(1), ImageB: encoded([]byte("no picture"))},
		{ImageA: grayImage(1), ImageB: encoded(make([]byte, 1<<17))}, // refused by gRPC itself
	} {
		if _, err := r.Compare(t.Context(), give); err == nil {
			t.Error("Compare of a bad request = no error, want one")
		}
	}
	if _, err := r.Rank(t.Context(), &pb.RankRequest{Query: grayImage(1), Candidates: []*pb.Image{grayImage(2), {}}}); err != nil {
		t.Errorf("Rank = %v", err)
	}
	if err := r.conn.Invoke(t.Context(), "/siamese.v1.SiameseService/Unheard", &pb.RankRequest{}, &pb.RankResponse{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("a method that there is not = %v, want UNIMPLEMENTED", err)
	}
	_ = r.stop()
	got := gather(t, registry)
	const (
		compare = "grpc_method=Compare,grpc_service=siamese.v1.SiameseService,grpc_type=unary"
		rank    = "grpc_method=Rank,grpc_service=siamese.v1.SiameseService,grpc_type=unary"
	)
	checkScrape(t, scrape{
		"grpc_server_started_total{" + compare + "}":                             4,
		"grpc_server_started_total{" + rank + "}":                                1,
		"grpc_server_handled_total{grpc_code=OK," + compare + "}":                1,
		"grpc_server_handled_total{grpc_code=InvalidArgument," + compare + "}":   2,
		"grpc_server_handled_total{grpc_code=ResourceExhausted," + compare + "}": 1,
		"grpc_server_handled_total{grpc_code=OK," + rank + "}":                   1,
		"grpc_server_handling_seconds_count{" + compare + "}":                    4,
		"grpc_server_handling_seconds_count{" + rank + "}":                       1,
	}, got.of("grpc_"))
	checkScrape(t, scrape{}, got.of("siamese_calls_in_flight"))
	checkScrape(t, scrape{
		"siamese_refusals_total{reason=IMAGE_UNSET}":          1,
		"siamese_refusals_total{reason=IMAGE_FORMAT_UNKNOWN}": 1,
		"siamese_refusals_total{reason=OTHER}":                1,
	}, got.of("siamese_refusals"))
	checkScrape(t, scrape{"siamese_item_errors_total{reason=IMAGE_UNSET}": 1}, got.of("siamese_item"))
}

func TestStagesAreCountedWhereTheyHappen(t *testing.T) {
	r, registry := serveMeasured(t, server.Config{CacheBytes: 1 << 20}, &fakeModel{})
	r.checkAnswers(t)
	r.checkAnswers(t) // from the cache: nothing to decode, to wait for or to encode
	client, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	client.ask(set("a", grayImage(30)))
	client.ask(frame(1, grayImage(31)))
	if _, err := client.end(); err != nil {
		t.Fatal(err)
	}
	_ = r.stop()
	got := gather(t, registry)
	checkScrape(t, scrape{
		"siamese_stage_seconds_count{stage=receive}": 2,
		"siamese_stage_seconds_count{stage=decode}":  3,
		"siamese_stage_seconds_count{stage=queue}":   3,
		"siamese_stage_seconds_count{stage=encode}":  3,
		"siamese_stage_seconds_count{stage=compare}": 3,
		"siamese_stage_seconds_count{stage=send}":    2 + 3, // the stream's: opened, reference set, frame scored
	}, got.of("siamese_stage"))
	checkScrape(t, scrape{"siamese_cache_hits_total{by=source,model=fake}": 2}, got.of("siamese_cache_hits"))
	checkScrape(t, scrape{"siamese_images_encoded_total{model=fake}": 4}, got.of("siamese_images"))
}

func TestWhatIsUnderWayIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r, registry := serveMeasured(t, smallQueue, &fakeModel{encode: blocked.encode, maxBatch: 1})
		client, _ := r.openStream(t.Context(), t, &pb.StreamOpening{DropPolicy: pb.DropPolicy_DROP_POLICY_LATEST, Window: 1})
		for id := range 4 {
			client.send(frame(uint64(id), grayImage(byte(id))))
		}
		embed := func(images ...*pb.Image) { _, _ = r.Embed(t.Context(), &pb.EmbedRequest{Images: images}) }
		go embed(grayImage(200), grayImage(201))
		synctest.Wait()
		embed(grayImage(202)) // refused: two images wait
		synctest.Wait()       // the server may count the call a moment after its answer
		got := gather(t, registry)
		checkScrape(t, scrape{
			"siamese_calls_in_flight{method=siamese.v1.SiameseService/StreamCompare}": 1,
			"siamese_calls_in_flight{method=siamese.v1.SiameseService/Embed}":         1,
		}, got.of("siamese_calls_in_flight"))
		const (
			embedRPC  = "grpc_method=Embed,grpc_service=siamese.v1.SiameseService,grpc_type=unary"
			streamRPC = "grpc_method=StreamCompare,grpc_service=siamese.v1.SiameseService,grpc_type=bidi_stream"
		)
		started := scrape{
			"grpc_server_started_total{" + embedRPC + "}":  2,
			"grpc_server_started_total{" + streamRPC + "}": 1,
		}
		checkScrape(t, started, got.of("grpc_server_started"))
		checkScrape(t, scrape{
			"grpc_server_handled_total{grpc_code=ResourceExhausted," + embedRPC + "}": 1,
		}, got.of("grpc_server_handled"))
		checkScrape(t, scrape{"siamese_queue_images{model=fake}": 2, "siamese_queue_capacity_images{model=fake}": 2}, got.of("siamese_queue"))
		checkScrape(t, scrape{"siamese_images_refused_total{model=fake}": 1}, got.of("siamese_images"))
		checkScrape(t, scrape{"siamese_streams_open": 1}, got.of("siamese_streams"))
		checkScrape(t, scrape{"siamese_encoder_images{model=fake}": 1, "siamese_encoder_runs{model=fake}": 1}, got.of("siamese_encoder"))
		checkScrape(t, scrape{"siamese_serving": 1}, got.of("siamese_serving"))
		checkScrape(t, scrape{"siamese_model_serving{model=fake}": 1}, got.of("siamese_model_serving"))
		blocked.open()
		if _, err := client.end(); err != nil {
			t.Error(err)
		}
		_ = r.stop()
		got = gather(t, registry)
		checkScrape(t, scrape{
			"siamese_stream_frames_dropped_total":          2,
			"siamese_stream_messages_total{result=failed}": 2, // there is no reference to score against
		}, got.of("siamese_stream_"))
		checkScrape(t, scrape{"siamese_item_errors_total{reason=NO_REFERENCES}": 2}, got.of("siamese_item"))
		checkScrape(t, scrape{}, got.of("siamese_streams_open"))
		checkScrape(t, started, got.of("grpc_server_started"))
		checkScrape(t, scrape{
			"grpc_server_handled_total{grpc_code=ResourceExhausted," + embedRPC + "}": 1,
			"grpc_server_handled_total{grpc_code=OK," + embedRPC + "}":                1,
			"grpc_server_handled_total{grpc_code=OK," + streamRPC + "}":               1,
		}, got.of("grpc_server_handled"))
		checkScrape(t, scrape{
			"grpc_server_handling_seconds_count{" + embedRPC + "}":  2,
			"grpc_server_handling_seconds_count{" + streamRPC + "}": 1,
		}, got.of("grpc_server_handling"))
		checkScrape(t, scrape{}, got.of("siamese_serving"))
	})
}

// A counter that falls looks like a restart, and a rate over it jumps.
func TestCountsOutliveTheirModel(t *testing.T) {
	r, registry := serveMeasured(t, server.Config{CacheBytes: 1 << 20}, &fakeModel{})
	r.checkAnswers(t)
	add(t, r, &fakeModel{}, "4")
	route(t, r, "4", nil)
	r.checkAnswers(t)
	const images, kept = "siamese_images_encoded_total{model=fake}", "siamese_cache_bytes{model=fake}"
	before := gather(t, registry)
	if before[images] != 4 {
		t.Errorf("%s of both models = %v, want 4", images, before[images])
	}
	wait, err := r.server.RemoveModel(modelInfo.Name, modelInfo.Version)
	if err != nil {
		t.Fatal(err)
	}
	wait()
	after := gather(t, registry)
	if after[images] != 4 {
		t.Errorf("%s after one model went = %v, want 4", images, after[images])
	}
	if want := before[kept] / 2; want == 0 || after[kept] != want {
		t.Errorf("%s after one of two models went = %v, want %v", kept, after[kept], want)
	}
	models := slices.Collect(maps.Keys(after.of("siamese_model_info")))
	want := fmt.Sprintf("siamese_model_info{default=true,digest=%.12s,model=fake,name=%s,precision=float32,version=4}", infoOf("4").Digest, infoOf("4").Name)
	if diff := cmp.Diff([]string{want}, models); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
}

func TestUnauthenticatedCallsAreCounted(t *testing.T) {
	r, registry := serveMeasured(t, server.Config{Tokens: newTokenBook()}, &fakeModel{})
	if _, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a call without a token = %v, want UNAUTHENTICATED", err)
	}
	checkScrape(t, scrape{"siamese_refusals_total{reason=UNAUTHENTICATED}": 1}, gather(t, registry).of("siamese_refusals"))
}

func TestMetricsOfTwoServersNeedTwoRegistries(t *testing.T) {
	registry := prometheus.NewRegistry()
	first, err := server.New(server.Config{Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := server.New(server.Config{Metrics: registry}); err == nil || !strings.Contains(err.Error(), "metrics: ") {
		t.Errorf("New with a registry that has a server's metrics = %v, want an error that says so", err)
	}
}
