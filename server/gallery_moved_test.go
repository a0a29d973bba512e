package server_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"siamese/gallery"
	"siamese/gallery/storetest"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/access"
)

// What was encoded for the weights that a gallery had is not put into it when it has been
// moved to others meanwhile: it would be told as kept, and never be found.
func TestEnrollBesideReindex(t *testing.T) {
	blocked, begun := make(gate), make(chan struct{})
	g := serveGalleries(t, server.Config{}, &fakeModel{encode: func(ctx context.Context, images int) error {
		close(begun)
		return blocked.encode(ctx, images)
	}}, tools())
	ended := make(chan error, 1)
	go func() {
		_, err := g.BatchEnroll(t.Context(), &pb.BatchEnrollRequest{Gallery: "tools", Entries: []*pb.NewEntry{newEntry("late", 1)}})
		ended <- err
	}()
	<-begun
	g.upgrade(t)
	if _, err := g.reindex(t.Context(), &pb.ReindexRequest{Gallery: "tools"}); err != nil {
		t.Fatal(err)
	}
	blocked.open()
	err := <-ended
	if diff := cmp.Diff(failure{codes.FailedPrecondition, "GALLERY_MODEL_CHANGED", ""}, failureOf(err)); diff != "" {
		t.Errorf("BatchEnroll whose gallery was moved meanwhile = %v (-want +got):\n%s", err, diff)
	}
	got, err := g.GetGallery(t.Context(), &pb.GetGalleryRequest{Gallery: "tools"})
	if err != nil || got.GetGallery().GetEntries() != 0 {
		t.Errorf("GetGallery = %v, %v, want no entry of other weights", got, err)
	}
}

// An entry on its way into a gallery does not come into one that was made in its place.
func TestEnrollBesideDelete(t *testing.T) {
	blocked, begun := make(gate), make(chan struct{})
	g := serveGalleries(t, server.Config{}, &fakeModel{encode: func(ctx context.Context, images int) error {
		close(begun)
		return blocked.encode(ctx, images)
	}}, tools())
	ended := make(chan error, 1)
	go func() {
		_, err := g.BatchEnroll(t.Context(), &pb.BatchEnrollRequest{Gallery: "tools", Entries: []*pb.NewEntry{newEntry("late", 1)}})
		ended <- err
	}()
	<-begun
	if _, err := g.DeleteGallery(t.Context(), &pb.DeleteGalleryRequest{Gallery: "tools"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.CreateGallery(t.Context(), tools()); err != nil {
		t.Fatal(err)
	}
	blocked.open()
	if diff := cmp.Diff(failure{codes.NotFound, "GALLERY_NOT_FOUND", "gallery"}, failureOf(<-ended)); diff != "" {
		t.Errorf("BatchEnroll into a gallery that is gone (-want +got):\n%s", diff)
	}
	got, err := g.GetGallery(t.Context(), &pb.GetGalleryRequest{Gallery: "tools"})
	if err != nil || got.GetGallery().GetEntries() != 0 {
		t.Errorf("GetGallery = %v, %v, want it as empty as it was made", got, err)
	}
}

// changingRights are rights that change while they are asked for.
type changingRights struct {
	mu  sync.Mutex
	has access.Right
}

func (r *changingRights) Of(string, string) access.Right {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has
}

func (r *changingRights) set(has access.Right) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.has = has
}

// A stream of entries ends when its caller has lost the right to write.
func TestRightIsTakenFromAnOpenEnroll(t *testing.T) {
	rights := &changingRights{has: access.Manage}
	g := serveGalleries(t, server.Config{GalleryRights: rights}, &fakeModel{}, tools())
	stream, err := g.Enroll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pb.EnrollRequest{Gallery: "tools", Entry: newEntry("before", 1)}); err != nil {
		t.Fatal(err)
	}
	for entries := uint64(0); entries == 0; { // kept as it came
		got, err := g.GetGallery(t.Context(), &pb.GetGalleryRequest{Gallery: "tools"})
		if err != nil {
			t.Fatal(err)
		}
		entries = got.GetGallery().GetEntries()
	}
	rights.set(access.Read)
	if err := stream.Send(&pb.EnrollRequest{Entry: newEntry("after", 2)}); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	_, err = stream.CloseAndRecv()
	if diff := cmp.Diff(failure{codes.PermissionDenied, "GALLERY_DENIED", ""}, failureOf(err)); diff != "" {
		t.Errorf("Enroll whose right was taken away (-want +got):\n%s", diff)
	}
	if ids, _ := g.list(t, &pb.ListEntriesRequest{Gallery: "tools"}); !cmp.Equal(ids, []string{"before"}) {
		t.Errorf("entries = %v, want the one before", ids)
	}
}

// movedStore moves a gallery to other weights just before it is searched.
type movedStore struct{ gallery.Store }

func (s *movedStore) Nearest(ctx context.Context, name string, query gallery.Query) ([]gallery.Candidate, error) {
	info, err := s.Gallery(ctx, name)
	if err != nil {
		return nil, err
	}
	info.ModelDigest = newDigest
	if err := s.Update(ctx, info); err != nil {
		return nil, err
	}
	return s.Store.Nearest(ctx, name, query)
}

// A search whose gallery is moved meanwhile says so, and is no fault of the server's.
func TestSearchBesideReindex(t *testing.T) {
	for _, request := range []any{&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1)}, &pb.FindDuplicatesRequest{Gallery: "tools"}} {
		g := serveGalleries(t, server.Config{Galleries: &movedStore{storetest.NewMemory()}}, &fakeModel{}, tools())
		g.enroll(t, newEntry("a", 1), newEntry("b", 2))
		err := g.ask(t.Context(), request)
		if diff := cmp.Diff(failure{codes.FailedPrecondition, "GALLERY_MODEL_CHANGED", ""}, failureOf(err)); diff != "" || !strings.Contains(err.Error(), "send it again") {
			t.Errorf("%T whose gallery was moved meanwhile = %v (-want +got):\n%s", request, err, diff)
		}
	}
}
