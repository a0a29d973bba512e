package server_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"siamese/gallery/embedded"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// embeddedStore is a store of files, which ends with the test.
func embeddedStore(t *testing.T, dir string) *embedded.Store {
	t.Helper()
	store, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestTooManyGalleries(t *testing.T) {
	for name, cfg := range map[string]server.Config{
		"in memory": {MaxGalleries: 2},
		"in files":  {MaxGalleries: 2, Galleries: embeddedStore(t, t.TempDir())},
	} {
		t.Run(name, func(t *testing.T) {
			g := serveGalleries(t, cfg, &fakeModel{}, tools())
			create := func(name string) error {
				_, err := g.CreateGallery(t.Context(), &pb.CreateGalleryRequest{Gallery: name})
				return err
			}
			if err := create("second"); err != nil {
				t.Fatal(err)
			}
			err := create("third")
			if diff := cmp.Diff(failure{codes.ResourceExhausted, "TOO_MANY_GALLERIES", "gallery"}, failureOf(err)); diff != "" || !strings.Contains(err.Error(), "beside the 2") {
				t.Errorf("a third gallery: %v (-want +got):\n%s", err, diff)
			}
			if err := create("second"); err != nil {
				t.Errorf("one that there is = %v, want it as it is", err)
			}
			if _, err := g.DeleteGallery(t.Context(), &pb.DeleteGalleryRequest{Gallery: "tools"}); err != nil {
				t.Fatal(err)
			}
			if err := create("third"); err != nil {
				t.Errorf("a gallery in the place of a deleted one = %v", err)
			}
		})
	}
}

// Of many that are made at once there are as many as there may be.
func TestGalleriesAtOnceAreBounded(t *testing.T) {
	g := serveGalleries(t, server.Config{MaxGalleries: 3}, &fakeModel{}, nil)
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			_, err := g.CreateGallery(t.Context(), &pb.CreateGalleryRequest{Gallery: fmt.Sprint("g", i)})
			if got := failureOf(err); err != nil && got.Reason != "TOO_MANY_GALLERIES" {
				t.Errorf("CreateGallery = %v", err)
			}
		})
	}
	group.Wait()
	all, err := g.ListGalleries(t.Context(), &pb.ListGalleriesRequest{})
	if err != nil || len(all.GetGalleries()) != 3 {
		t.Errorf("%d galleries, %v, want 3", len(all.GetGalleries()), err)
	}
}

func TestFullGallery(t *testing.T) {
	g := serveGalleries(t, server.Config{MaxGalleryEntries: 3}, &fakeModel{}, tools())
	g.enroll(t, newEntry("a", 1), newEntry("b", 2))
	full := failure{codes.ResourceExhausted, "GALLERY_FULL", ""}
	entries := []*pb.NewEntry{newEntry("c", 3), newEntry("d", 4), newEntry("a", 5), newEntry("c", 6), newEntry("e", 7)}
	answer, err := g.BatchEnroll(t.Context(), &pb.BatchEnrollRequest{Gallery: "tools", Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []failure{{}, full, {}, {}, full} {
		got := answer.GetResults()[i].GetError()
		if (failure{codes.Code(got.GetCode()), got.GetReason(), ""}) != want || got != nil && got.GetField() != fmt.Sprintf("entries[%d]", i) {
			t.Errorf("result %d = %v, want %v", i, answer.GetResults()[i], want)
		}
	}
	if got := answer.GetResults()[1].GetError().GetMessage(); !strings.Contains(got, "beside the 3") || !strings.Contains(got, "at most 3") {
		t.Errorf("message %q, want what was received and expected", got)
	}
	streamed, err := g.enrollAll(t.Context(), newEntry("f", 8), newEntry("b", 9))
	if err != nil || streamed.GetReplaced() != 1 || streamed.GetFailed() != 1 || streamed.GetFailures()[0].GetError().GetReason() != "GALLERY_FULL" {
		t.Errorf("Enroll into a full gallery = %v, %v, want one replaced and one refused", streamed, err)
	}
	if _, err := g.RemoveEntries(t.Context(), &pb.RemoveEntriesRequest{Gallery: "tools", Ids: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	g.enroll(t, newEntry("d", 4))
	if ids, _ := g.list(t, &pb.ListEntriesRequest{Gallery: "tools"}); !cmp.Equal(ids, []string{"b", "c", "d"}) {
		t.Errorf("entries = %v, want b, c and d", ids)
	}
}

// Several who enroll at once come to the bound, and not beyond it.
func TestEntriesAtOnceAreBounded(t *testing.T) {
	const most = 100
	g := serveGalleries(t, server.Config{MaxGalleryEntries: most, Galleries: embeddedStore(t, t.TempDir())}, &fakeModel{}, tools())
	var group sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for caller := range 4 {
		group.Go(func() {
			for i := range 10 {
				request := &pb.BatchEnrollRequest{Gallery: "tools"}
				for k := range 5 {
					request.Entries = append(request.Entries, newEntry(fmt.Sprintf("%d-%d-%d", caller, i, k), byte(caller*50+i*5+k)))
				}
				answer, err := g.BatchEnroll(t.Context(), request)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, result := range answer.GetResults() {
					if result.GetStatus() == pb.EnrollStatus_ENROLL_STATUS_ADDED {
						added++
					}
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	got, err := g.GetGallery(t.Context(), &pb.GetGalleryRequest{Gallery: "tools"})
	if err != nil || got.GetGallery().GetEntries() != most || added != most {
		t.Errorf("%d entries, %d added, %v, want %d", got.GetGallery().GetEntries(), added, err, most)
	}
}

// A scrape tells of the galleries that are open, and opens none.
func TestScrapeOpensNoGallery(t *testing.T) {
	dir := t.TempDir()
	before := embeddedStore(t, dir)
	first := serveGalleries(t, server.Config{Galleries: before}, &fakeModel{}, tools())
	first.enroll(t, newEntry("a", 1))
	if _, err := first.CreateGallery(t.Context(), &pb.CreateGalleryRequest{Gallery: "other"}); err != nil {
		t.Fatal(err)
	}
	_ = first.stop()
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	g := serveGalleries(t, server.Config{Metrics: registry, MaxGalleries: 5, MaxGalleryEntries: 7, Galleries: embeddedStore(t, dir)}, &fakeModel{}, nil)
	want := map[string]float64{
		"siamese_galleries": 2, "siamese_galleries_capacity": 5, "siamese_galleries_open": 0,
		"siamese_gallery_entries": 0, "siamese_gallery_largest_entries": 0, "siamese_gallery_capacity_entries": 7,
	}
	checkGauges(t, registry, want)
	if _, err := embeddedStore(t, dir).Count(t.Context(), "other"); err != nil {
		t.Errorf("another process can't open a gallery after a scrape: %v", err)
	}
	if got := g.identify(t, grayImage(1)); len(got) != 1 {
		t.Errorf("things = %v, want one", got)
	}
	want["siamese_galleries_open"], want["siamese_gallery_entries"], want["siamese_gallery_largest_entries"] = 1, 1, 1
	checkGauges(t, registry, want)
}

func checkGauges(t *testing.T, registry *prometheus.Registry, want map[string]float64) {
	t.Helper()
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range gathered {
		if _, ok := want[family.GetName()]; ok {
			got[family.GetName()] = family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gauges (-want +got):\n%s", diff)
	}
}

func TestFindDuplicatesTellsProgress(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	var entries []*pb.NewEntry
	for i := range 600 {
		e := newEntry(fmt.Sprintf("e%03d", i), byte(i))
		e.Metadata = map[string]string{"half": fmt.Sprint(i % 2)}
		entries = append(entries, e)
	}
	if _, err := g.enrollAll(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		give *pb.FindDuplicatesRequest
		want []*pb.DuplicatesProgress
	}{
		"of all": {&pb.FindDuplicatesRequest{IncludeProgress: true}, []*pb.DuplicatesProgress{
			{Total: 600}, {Compared: 256, Total: 600}, {Compared: 512, Total: 600}, {Compared: 600, Total: 600},
		}},
		"of a filter": {&pb.FindDuplicatesRequest{IncludeProgress: true, Filter: map[string]string{"half": "1"}}, []*pb.DuplicatesProgress{
			{}, {Compared: 256}, {Compared: 300},
		}},
		"not asked for": {&pb.FindDuplicatesRequest{}, nil},
	} {
		tt.give.Gallery = "tools"
		stream, err := g.FindDuplicates(t.Context(), tt.give)
		if err != nil {
			t.Fatal(err)
		}
		var got []*pb.DuplicatesProgress
		groups := 0
		for {
			answer, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			switch event := answer.GetEvent().(type) {
			case *pb.FindDuplicatesResponse_Progress:
				if got = append(got, event.Progress); groups > 0 {
					t.Errorf("%s: progress behind a group", name)
				}
			case *pb.FindDuplicatesResponse_Group:
				groups++
			}
		}
		checkProto(t, tt.want, got)
		if groups == 0 {
			t.Errorf("%s: no groups", name)
		}
	}
}
