package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"siamese/gallery/storetest"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// serveHTTPGalleries starts a server with an HTTP side and a gallery "tools" of n entries
// that keeps pictures.
func serveHTTPGalleries(t *testing.T, n int) *onHTTP {
	t.Helper()
	h := serveHTTP(t, server.Config{Galleries: storetest.NewMemory()}, server.HTTPConfig{}, &fakeModel{})
	request := &pb.CreateGalleryRequest{Gallery: "tools", KeepPictures: true}
	if _, err := callOver[pb.CreateGalleryRequest, pb.CreateGalleryResponse](t.Context(), h, pb.GalleryService_CreateGallery_FullMethodName, request); err != nil {
		t.Fatal(err)
	}
	batch := &pb.BatchEnrollRequest{Gallery: "tools"}
	for i := range n {
		batch.Entries = append(batch.Entries, newEntry(fmt.Sprint("e", i), byte(100+i)))
	}
	if _, err := callOver[pb.BatchEnrollRequest, pb.BatchEnrollResponse](t.Context(), h, pb.GalleryService_BatchEnroll_FullMethodName, batch); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestGalleriesOverHTTP(t *testing.T) {
	h := serveHTTPGalleries(t, 3)
	for name, options := range map[string][]connect.ClientOption{
		"Connect":          nil,
		"Connect, gzipped": {connect.WithSendGzip()},
		"Connect, JSON":    {connect.WithProtoJSON()},
		"gRPC-Web":         {connect.WithGRPCWeb()},
		"gRPC-Web, gzip":   {connect.WithGRPCWeb(), connect.WithSendGzip()},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := callOver[pb.IdentifyRequest, pb.IdentifyResponse](t.Context(), h, pb.GalleryService_Identify_FullMethodName,
				&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(101), TopK: 1}, options...)
			if err != nil || found.GetMatches()[0].GetThing() != "e1" {
				t.Errorf("Identify = %v, %v, want e1", found, err)
			}
			answers, err := streamOver[pb.FindDuplicatesRequest, pb.FindDuplicatesResponse](t.Context(), h, pb.GalleryService_FindDuplicates_FullMethodName,
				&pb.FindDuplicatesRequest{Gallery: "tools", Threshold: new(float32(0.9))}, options...)
			if err != nil || len(answers) != 2 || len(answers[0].GetGroup().GetEntries()) != 3 || answers[1].GetDone().GetGroups() != 1 {
				t.Errorf("FindDuplicates = %v, %v, want a group of 3 and the end", answers, err)
			}
			steps, err := streamOver[pb.ReindexRequest, pb.ReindexResponse](t.Context(), h, pb.GalleryService_Reindex_FullMethodName,
				&pb.ReindexRequest{Gallery: "tools"}, options...)
			if err != nil || !steps[len(steps)-1].GetDone() || steps[len(steps)-1].GetEncoded() != 3 {
				t.Errorf("Reindex = %v, %v, want its end", steps, err)
			}
			_, err = streamOver[pb.ReindexRequest, pb.ReindexResponse](t.Context(), h, pb.GalleryService_Reindex_FullMethodName, &pb.ReindexRequest{Gallery: "b"}, options...)
			if got := connect.CodeOf(err); got != connect.CodeNotFound || !strings.Contains(err.Error(), `"b"`) {
				t.Errorf("Reindex of no gallery = %v, want NOT_FOUND", err)
			}
		})
	}
}

// streamOver makes a call that answers with a stream through a protocol of browsers.
func streamOver[Req, Resp any](ctx context.Context, h *onHTTP, method string, request *Req, options ...connect.ClientOption) (answers []*Resp, err error) {
	stream, err := connect.NewClient[Req, Resp](h.client, h.url+method, options...).CallServerStream(ctx, connect.NewRequest(request))
	if err != nil {
		return nil, err
	}
	for stream.Receive() {
		answers = append(answers, stream.Msg())
	}
	if err := stream.Err(); err != nil {
		_ = stream.Close()
		return answers, err
	}
	return answers, stream.Close()
}

// enveloped is a message as Connect's streams have it.
func enveloped(flags byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...)
}

// What a browser's call does wrong is told in its own form.
func TestBadGalleryCallsOverHTTP(t *testing.T) {
	h := serveHTTPGalleries(t, 1)
	const streaming = "application/connect+json"
	message := []byte(`{"gallery":"tools"}`)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(message)
	_ = w.Close()
	tests := map[string]struct {
		method, kind string
		body         []byte
		headers      []string
		status       int
		want         string // in the body
	}{
		"Enroll":               {"Enroll", "application/json", []byte(`{}`), nil, http.StatusNotImplemented, "send entries by BatchEnroll"},
		"Enroll as a stream":   {"Enroll", streaming, enveloped(0, message), nil, http.StatusOK, "send entries by BatchEnroll"},
		"no such call":         {"Fly", "application/json", []byte(`{}`), nil, http.StatusNotImplemented, "there is no call"},
		"a stream as JSON":     {"Reindex", "application/json", message, nil, http.StatusUnsupportedMediaType, "the call answers with a stream"},
		"unary as a stream":    {"GetGallery", streaming, enveloped(0, message), nil, http.StatusUnsupportedMediaType, "in Connect goes as application/json"},
		"no envelope":          {"Reindex", streaming, message, nil, http.StatusOK, "MESSAGE_UNREADABLE"},
		"two bytes":            {"Reindex", streaming, message[:2], nil, http.StatusOK, "MESSAGE_UNREADABLE"},
		"two messages":         {"Reindex", streaming, append(enveloped(0, message), enveloped(0, message)...), nil, http.StatusOK, "MESSAGE_UNREADABLE"},
		"no JSON in it":        {"Reindex", streaming, enveloped(0, []byte("{")), nil, http.StatusOK, "error"},
		"no gzip in it":        {"Reindex", streaming, enveloped(1, message), []string{"Connect-Content-Encoding", "gzip"}, http.StatusOK, "MESSAGE_UNREADABLE"},
		"unknown packing":      {"Reindex", streaming, enveloped(0, message), []string{"Connect-Content-Encoding", "br"}, http.StatusOK, "expected gzip or none"},
		"gzip":                 {"Reindex", streaming, enveloped(1, packed.Bytes()), []string{"Connect-Content-Encoding", "gzip"}, http.StatusOK, `"done":true`},
		"from elsewhere":       {"Reindex", streaming, enveloped(0, message), []string{"Origin", "https://evil.example"}, http.StatusOK, "permission_denied"},
		"with a wrong version": {"Reindex", streaming, enveloped(0, message), []string{"Connect-Protocol-Version", "2"}, http.StatusBadRequest, "expected 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			headers := append([]string{"Content-Type", tt.kind}, tt.headers...)
			got := h.do(t, http.MethodPost, "/siamese.v1.GalleryService/"+tt.method, tt.body, headers...)
			if tt.want == "MESSAGE_UNREADABLE" {
				tt.want = `"reason":"MESSAGE_UNREADABLE"`
			}
			if got.Status != tt.status || !strings.Contains(got.Body, tt.want) {
				t.Errorf("answer = %d %q, want %d with %q", got.Status, got.Body, tt.status, tt.want)
			}
		})
	}
	got := h.do(t, http.MethodGet, "/siamese.v1.GalleryService/ListGalleries", nil)
	if got.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET of a call = %d, want 405", got.Status)
	}
}

func TestMetricsOfGalleries(t *testing.T) {
	registry := prometheus.NewRegistry()
	g := serveGalleries(t, server.Config{Metrics: registry, Galleries: storetest.NewMemory()}, &fakeModel{}, tools())
	g.enroll(t, newEntry("a", 1), newEntry("b", 2))
	g.enroll(t, newEntry("a", 1), newEntry("b", 3))
	if _, err := g.enrollAll(t.Context(), newEntry("c", 9), &pb.NewEntry{}); err != nil {
		t.Fatal(err)
	}
	g.identify(t, grayImage(1))
	_ = g.stop()
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range gathered {
		for _, metric := range family.GetMetric() {
			label := ""
			for _, pair := range metric.GetLabel() {
				label += " " + pair.GetValue()
			}
			got[family.GetName()+label] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"siamese_galleries": 1, "siamese_gallery_entries": 3, "siamese_gallery_stale_entries": 0, "siamese_gallery_index_bytes": 0,
		"siamese_gallery_enrolled_total added": 3, "siamese_gallery_enrolled_total replaced": 1, "siamese_gallery_enrolled_total unchanged": 1, "siamese_gallery_enrolled_total failed": 1,
		"siamese_stage_seconds search": 1, "siamese_item_errors_total ENTRY_ID": 1,
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
