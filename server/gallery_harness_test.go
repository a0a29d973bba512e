package server_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"siamese/gallery"
	"siamese/gallery/storetest"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// withGalleries is a server that keeps galleries.
type withGalleries struct {
	*running
	pb.GalleryServiceClient
	store gallery.Store
}

// serveGalleries starts one that has its model and an empty gallery "tools". cfg's store
// is one in memory where it has none.
func serveGalleries(t *testing.T, cfg server.Config, model server.Model, create *pb.CreateGalleryRequest) *withGalleries {
	t.Helper()
	if cfg.Galleries == nil {
		cfg.Galleries = storetest.NewMemory()
	}
	r := serve(t, cfg, model)
	g := &withGalleries{running: r, GalleryServiceClient: pb.NewGalleryServiceClient(r.conn), store: cfg.Galleries}
	if create != nil {
		if _, err := g.CreateGallery(t.Context(), create); err != nil {
			t.Fatalf("CreateGallery: %v", err)
		}
	}
	return g
}

// tools makes the gallery that most tests use.
func tools() *pb.CreateGalleryRequest { return &pb.CreateGalleryRequest{Gallery: "tools"} }

func newEntry(id string, level byte) *pb.NewEntry {
	return &pb.NewEntry{Id: id, Image: grayImage(level)}
}

// enroll puts entries into the gallery by BatchEnroll; none may fail.
func (g *withGalleries) enroll(t *testing.T, entries ...*pb.NewEntry) []*pb.EnrollResult {
	t.Helper()
	answer, err := g.BatchEnroll(t.Context(), &pb.BatchEnrollRequest{Gallery: "tools", Entries: entries})
	if err != nil {
		t.Fatalf("BatchEnroll: %v", err)
	}
	for i, result := range answer.GetResults() {
		if result.GetError() != nil {
			t.Fatalf("entry %d: %v", i, result.GetError())
		}
	}
	return answer.GetResults()
}

// identify returns the things that an image may show, best first.
func (g *withGalleries) identify(t *testing.T, image *pb.Image) []string {
	t.Helper()
	answer, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: image})
	if err != nil {
		t.Fatalf("Identify: %v", err)
	}
	var things []string
	for _, match := range answer.GetMatches() {
		things = append(things, match.GetThing())
	}
	return things
}

// enrollAll sends entries by Enroll and returns how it ended.
func (g *withGalleries) enrollAll(ctx context.Context, entries ...*pb.NewEntry) (*pb.EnrollResponse, error) {
	return g.enrollTo(ctx, "tools", entries...)
}

func (g *withGalleries) enrollTo(ctx context.Context, gallery string, entries ...*pb.NewEntry) (*pb.EnrollResponse, error) {
	stream, err := g.Enroll(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&pb.EnrollRequest{Gallery: gallery}); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, entry := range entries {
		if err := stream.Send(&pb.EnrollRequest{Entry: entry}); err != nil {
			break // CloseAndRecv says why
		}
	}
	return stream.CloseAndRecv()
}

// findDuplicates waits for the end.
func (g *withGalleries) findDuplicates(ctx context.Context, request *pb.FindDuplicatesRequest) error {
	stream, err := g.FindDuplicates(ctx, request)
	for err == nil {
		_, err = stream.Recv()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// reindex waits for the end and returns the last answer.
func (g *withGalleries) reindex(ctx context.Context, request *pb.ReindexRequest) (*pb.ReindexResponse, error) {
	stream, err := g.Reindex(ctx, request)
	if err != nil {
		return nil, err
	}
	var last *pb.ReindexResponse
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		last = answer
	}
}
