package server_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

func TestGalleryFromEmptyToIdentify(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	results := g.enroll(t, newEntry("dark", 10), newEntry("bright", 240), newEntry("grey", 120))
	for i, result := range results {
		if result.GetStatus() != pb.EnrollStatus_ENROLL_STATUS_ADDED {
			t.Errorf("result %d = %v, want ADDED", i, result)
		}
	}
	answer, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: grayImage(20)})
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.IdentifyResponse{
		Matches: []*pb.Identification{
			{Thing: "dark", Entry: &pb.Entry{Id: "dark", ModelDigest: modelDigest}, Similarity: graySimilarity(10, 20), Same: true},
			{Thing: "grey", Entry: &pb.Entry{Id: "grey", ModelDigest: modelDigest}, Similarity: graySimilarity(120, 20)},
			{Thing: "bright", Entry: &pb.Entry{Id: "bright", ModelDigest: modelDigest}, Similarity: graySimilarity(240, 20)},
		},
		Threshold: threshold, Model: modelReference, SearchedEntries: 3,
	}
	checkProto(t, want, answer,
		protocmp.IgnoreFields(&pb.IdentifyResponse{}, "timings"), protocmp.IgnoreFields(&pb.Entry{}, "enrolled", "picture_sha256"))
}

func TestEnrollStreamKeepsOrder(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	var entries []*pb.NewEntry
	for i := range 200 {
		entries = append(entries, newEntry(fmt.Sprint("e", i%50), byte(i)))
	}
	got, err := g.enrollAll(t.Context(), entries...)
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, &pb.EnrollResponse{Added: 50, Replaced: 150}, got)
	if diff := cmp.Diff("e7", g.identify(t, grayImage(157))[0]); diff != "" {
		t.Errorf("the last of an id's pictures (-want +got):\n%s", diff)
	}
	again, err := g.enrollAll(t.Context(), entries[150:]...)
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, &pb.EnrollResponse{Unchanged: 50}, again)
}
