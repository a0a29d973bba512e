package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"siamese/client"
	siamesev1 "siamese/proto/siamese/v1"
)

// galleryStub keeps what it is asked and answers with what a test gives it.
type galleryStub struct {
	siamesev1.UnimplementedGalleryServiceServer

	asked  []proto.Message
	answer []proto.Message
	err    error
}

// next notes a request and returns the next answer.
func next[Reply proto.Message](s *galleryStub, request proto.Message) (reply Reply, err error) {
	s.asked = append(s.asked, request)
	if len(s.answer) == 0 {
		return reply, s.err
	}
	reply, s.answer = s.answer[0].(Reply), s.answer[1:]
	return reply, nil
}

func (s *galleryStub) CreateGallery(_ context.Context, r *siamesev1.CreateGalleryRequest) (*siamesev1.CreateGalleryResponse, error) {
	return next[*siamesev1.CreateGalleryResponse](s, r)
}

func (s *galleryStub) GetGallery(_ context.Context, r *siamesev1.GetGalleryRequest) (*siamesev1.GetGalleryResponse, error) {
	return next[*siamesev1.GetGalleryResponse](s, r)
}

func (s *galleryStub) ListGalleries(_ context.Context, r *siamesev1.ListGalleriesRequest) (*siamesev1.ListGalleriesResponse, error) {
	return next[*siamesev1.ListGalleriesResponse](s, r)
}

func (s *galleryStub) DeleteGallery(_ context.Context, r *siamesev1.DeleteGalleryRequest) (*siamesev1.DeleteGalleryResponse, error) {
	return next[*siamesev1.DeleteGalleryResponse](s, r)
}

func (s *galleryStub) BatchEnroll(_ context.Context, r *siamesev1.BatchEnrollRequest) (*siamesev1.BatchEnrollResponse, error) {
	return next[*siamesev1.BatchEnrollResponse](s, r)
}

func (s *galleryStub) RemoveEntries(_ context.Context, r *siamesev1.RemoveEntriesRequest) (*siamesev1.RemoveEntriesResponse, error) {
	return next[*siamesev1.RemoveEntriesResponse](s, r)
}

func (s *galleryStub) GetEntry(_ context.Context, r *siamesev1.GetEntryRequest) (*siamesev1.GetEntryResponse, error) {
	return next[*siamesev1.GetEntryResponse](s, r)
}

func (s *galleryStub) ListEntries(_ context.Context, r *siamesev1.ListEntriesRequest) (*siamesev1.ListEntriesResponse, error) {
	return next[*siamesev1.ListEntriesResponse](s, r)
}

func (s *galleryStub) Identify(_ context.Context, r *siamesev1.IdentifyRequest) (*siamesev1.IdentifyResponse, error) {
	return next[*siamesev1.IdentifyResponse](s, r)
}

func (s *galleryStub) Enroll(stream grpc.ClientStreamingServer[siamesev1.EnrollRequest, siamesev1.EnrollResponse]) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s.asked = append(s.asked, request)
		if s.err != nil {
			return s.err
		}
	}
	return stream.SendAndClose(s.answer[0].(*siamesev1.EnrollResponse))
}

func (s *galleryStub) FindDuplicates(r *siamesev1.FindDuplicatesRequest, stream grpc.ServerStreamingServer[siamesev1.FindDuplicatesResponse]) error {
	return sendAll(s, r, stream)
}

func (s *galleryStub) Reindex(r *siamesev1.ReindexRequest, stream grpc.ServerStreamingServer[siamesev1.ReindexResponse]) error {
	return sendAll(s, r, stream)
}

func sendAll[Reply any](s *galleryStub, request proto.Message, stream grpc.ServerStreamingServer[Reply]) error {
	s.asked = append(s.asked, request)
	for _, answer := range s.answer {
		if err := stream.SendMsg(answer); err != nil {
			return err
		}
	}
	return s.err
}

// connectGalleries serves a stub in memory and returns a client of it.
func connectGalleries(t *testing.T, service *galleryStub) *client.Client {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	siamesev1.RegisterGalleryServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return connectTo(t, func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) })
}

var made = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestGalleries(t *testing.T) {
	wire := &siamesev1.Gallery{
		Name: "g", Model: "general", Reference: &siamesev1.ModelReference{Name: "m", Version: "2", Digest: "d"},
		Entries: 5, StaleEntries: 2, KeepPictures: true, KeepThumbnails: true, Created: timestamppb.New(made), Reindexing: true,
	}
	want := client.Gallery{
		Name: "g", Model: "general", ModelName: "m", ModelVersion: "2", ModelDigest: "d",
		Entries: 5, StaleEntries: 2, KeepPictures: true, KeepThumbnails: true, Created: made, Reindexing: true,
	}
	stub := &galleryStub{answer: []proto.Message{
		&siamesev1.CreateGalleryResponse{Gallery: wire}, &siamesev1.GetGalleryResponse{Gallery: wire},
		&siamesev1.ListGalleriesResponse{Galleries: []*siamesev1.Gallery{wire}}, &siamesev1.DeleteGalleryResponse{Entries: 5},
		&siamesev1.RemoveEntriesResponse{Removed: 3},
	}}
	c := connectGalleries(t, stub)
	created, err := c.CreateGallery(t.Context(), "g", client.GalleryOptions{Model: "general", KeepPictures: true, KeepThumbnails: true})
	check(t, want, created, err)
	one, err := c.Gallery(t.Context(), "g")
	check(t, want, one, err)
	all, err := c.Galleries(t.Context())
	check(t, []client.Gallery{want}, all, err)
	entries, err := c.DeleteGallery(t.Context(), "g")
	check(t, 5, entries, err)
	removed, err := c.RemoveEntries(t.Context(), "g", []string{"a"}, []string{"b"})
	check(t, 3, removed, err)
	checkAsked(t, stub,
		&siamesev1.CreateGalleryRequest{Gallery: "g", Model: "general", KeepPictures: true, KeepThumbnails: true},
		&siamesev1.GetGalleryRequest{Gallery: "g"}, &siamesev1.ListGalleriesRequest{}, &siamesev1.DeleteGalleryRequest{Gallery: "g"},
		&siamesev1.RemoveEntriesRequest{Gallery: "g", Ids: []string{"a"}, Things: []string{"b"}})
}

func check[T any](t *testing.T, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func checkAsked(t *testing.T, stub *galleryStub, want ...proto.Message) {
	t.Helper()
	if diff := cmp.Diff(want, stub.asked, protocmp.Transform()); diff != "" {
		t.Errorf("server received (-want +got):\n%s", diff)
	}
}

// entryAsTold is an entry on the wire and as the client tells it.
var (
	entryAsSent = &siamesev1.Entry{
		Id: "e", Thing: "cup", Metadata: map[string]string{"k": "v"}, PictureSha256: "ab", ModelDigest: "d", Enrolled: timestamppb.New(made),
		Familiarity: known, ThumbnailJpeg: []byte("t"), Picture: []byte("p"), Embedding: &siamesev1.Embedding{Values: []float32{1}, ModelDigest: "d"},
	}
	entryAsTold = client.Entry{
		ID: "e", Thing: "cup", Metadata: map[string]string{"k": "v"}, PictureSHA256: "ab", ModelDigest: "d", Enrolled: made,
		Familiarity: isKnown, Thumbnail: []byte("t"), Picture: []byte("p"), Embedding: &client.Embedding{Values: []float32{1}, ModelDigest: "d"},
	}
)

func TestEntries(t *testing.T) {
	stub := &galleryStub{answer: []proto.Message{
		&siamesev1.GetEntryResponse{Entry: entryAsSent},
		&siamesev1.ListEntriesResponse{Entries: []*siamesev1.Entry{entryAsSent, {Id: "f"}}, NextPageToken: "next"},
		&siamesev1.ListEntriesResponse{Entries: []*siamesev1.Entry{{Id: "g"}}},
	}}
	c := connectGalleries(t, stub)
	got, err := c.Entry(t.Context(), "g", "e", client.EntryParts{Thumbnail: true, Picture: true, Embedding: true})
	check(t, entryAsTold, got, err)
	var ids []string
	for entry, err := range c.Entries(t.Context(), "g", client.EntryList{PageSize: 2, Filter: map[string]string{"k": "v"}, Thing: "cup", StaleOnly: true, Thumbnails: true}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, entry.ID)
	}
	check(t, []string{"e", "f", "g"}, ids, nil)
	list := siamesev1.ListEntriesRequest{Gallery: "g", PageSize: 2, Filter: map[string]string{"k": "v"}, Thing: "cup", StaleOnly: true, IncludeThumbnails: true}
	second := proto.CloneOf(&list)
	second.PageToken = "next"
	checkAsked(t, stub, &siamesev1.GetEntryRequest{Gallery: "g", Id: "e", IncludeThumbnail: true, IncludePicture: true, IncludeEmbedding: true}, &list, second)
}

func TestIdentify(t *testing.T) {
	stub := &galleryStub{answer: []proto.Message{&siamesev1.IdentifyResponse{
		Matches:   []*siamesev1.Identification{{Thing: "cup", Entry: entryAsSent, Similarity: 0.75, Same: true}},
		Threshold: 0.5, Model: &siamesev1.ModelReference{Name: "m"}, Familiarity: strange, Warning: "strange", SearchedEntries: 9,
	}}}
	c := connectGalleries(t, stub)
	threshold := float32(0.5)
	got, err := c.Identify(t.Context(), "g", client.Image{Encoded: []byte("a")}, client.IdentifyOptions{
		TopK: 3, MinSimilarity: 0.25, Filter: map[string]string{"k": "v"}, Threshold: &threshold, Thumbnails: true, TestTimeViews: 4,
	})
	check(t, client.Identification{
		Matches:   []client.ThingMatch{{Thing: "cup", Entry: entryAsTold, Similarity: 0.75, Same: true}},
		Threshold: 0.5, Model: "m", Familiarity: isStrange, Warning: "strange", SearchedEntries: 9,
	}, got, err)
	checkAsked(t, stub, &siamesev1.IdentifyRequest{
		Gallery: "g", Image: encodedImage("a"), TopK: 3, MinSimilarity: 0.25, Filter: map[string]string{"k": "v"}, Threshold: &threshold, IncludeThumbnails: true, TestTimeViews: 4,
	})
}

func TestBatchEnroll(t *testing.T) {
	stub := &galleryStub{answer: []proto.Message{&siamesev1.BatchEnrollResponse{Results: []*siamesev1.EnrollResult{
		{Outcome: &siamesev1.EnrollResult_Status{Status: siamesev1.EnrollStatus_ENROLL_STATUS_REPLACED}, Familiarity: strange, Warning: "strange"},
		{Outcome: &siamesev1.EnrollResult_Error{Error: failed}},
	}}, &siamesev1.BatchEnrollResponse{}}}
	c := connectGalleries(t, stub)
	got, err := c.BatchEnroll(t.Context(), "g", []client.NewEntry{
		{ID: "a", Thing: "cup", Metadata: map[string]string{"k": "v"}, Image: client.Image{Encoded: []byte("a")}}, {ID: "b"},
	})
	check(t, []client.EnrollResult{{Status: client.Replaced, Familiarity: isStrange, Warning: "strange"}, {Err: thin}}, got, err)
	checkAsked(t, stub, &siamesev1.BatchEnrollRequest{Gallery: "g", Entries: []*siamesev1.NewEntry{
		{Id: "a", Thing: "cup", Metadata: map[string]string{"k": "v"}, Image: encodedImage("a")}, {Id: "b", Image: &siamesev1.Image{}},
	}})
	if _, err := c.BatchEnroll(t.Context(), "g", []client.NewEntry{{ID: "a"}}); status.Code(err) != codes.Internal {
		t.Errorf("BatchEnroll with an answer of no results = %v, want INTERNAL", err)
	}
}

// several yields entries with these ids, and then an error where there is one.
func several(err error, ids ...string) iter.Seq2[client.NewEntry, error] {
	return func(yield func(client.NewEntry, error) bool) {
		for _, id := range ids {
			if !yield(client.NewEntry{ID: id, Image: client.Image{Encoded: []byte(id)}}, nil) {
				return
			}
		}
		if err != nil {
			yield(client.NewEntry{}, err)
		}
	}
}

func TestEnroll(t *testing.T) {
	stub := &galleryStub{answer: []proto.Message{&siamesev1.EnrollResponse{
		Added: 1, Replaced: 2, Unchanged: 3, Failed: 4, Failures: []*siamesev1.EnrollFailure{{Id: "b", Index: 1, Error: failed}},
	}}}
	got, err := connectGalleries(t, stub).Enroll(t.Context(), "g", several(nil, "a", "b"))
	check(t, client.Enrollment{Added: 1, Replaced: 2, Unchanged: 3, Failed: 4, Failures: []client.EnrollFailure{{ID: "b", Index: 1, Err: thin}}}, got, err)
	checkAsked(t, stub, &siamesev1.EnrollRequest{Gallery: "g"},
		&siamesev1.EnrollRequest{Entry: &siamesev1.NewEntry{Id: "a", Image: encodedImage("a")}},
		&siamesev1.EnrollRequest{Entry: &siamesev1.NewEntry{Id: "b", Image: encodedImage("b")}})
}

func TestEnrollEnds(t *testing.T) {
	broken := errors.New("a file is broken")
	if _, err := connectGalleries(t, &galleryStub{}).Enroll(t.Context(), "g", several(broken, "a")); !errors.Is(err, broken) {
		t.Errorf("Enroll of entries that end with an error = %v, want that error", err)
	}
	stub := &galleryStub{err: status.Error(codes.Unavailable, "away")}
	endless := func(yield func(client.NewEntry, error) bool) {
		for i := 0; yield(client.NewEntry{ID: fmt.Sprint(i), Image: client.Image{Encoded: make([]byte, 1<<10)}}, nil); i++ {
		}
	}
	_, err := connectGalleries(t, stub).Enroll(t.Context(), "g", endless)
	if diff := cmp.Diff(error(&client.Error{Code: codes.Unavailable, Message: "away"}), err); diff != "" {
		t.Errorf("Enroll that the server ends (-want +got):\n%s", diff)
	}
}

func TestReindex(t *testing.T) {
	stub := &galleryStub{answer: []proto.Message{
		&siamesev1.ReindexResponse{Encoded: 1, Missing: 1, Entries: 4},
		&siamesev1.ReindexResponse{Encoded: 3, Missing: 1, Entries: 4, Done: true, MissingIds: []string{"x"}},
	}}
	told := 0
	got, err := connectGalleries(t, stub).Reindex(t.Context(), "g", "m", func(client.ReindexProgress) { told++ })
	check(t, client.ReindexProgress{Encoded: 3, Missing: 1, Entries: 4, MissingIDs: []string{"x"}}, got, err)
	check(t, 2, told, nil)
	checkAsked(t, stub, &siamesev1.ReindexRequest{Gallery: "g", Model: "m"})
	stub.answer = stub.answer[:1]
	if _, err := connectGalleries(t, stub).Reindex(t.Context(), "g", "", nil); status.Code(err) != codes.Unavailable {
		t.Errorf("Reindex whose answers end early = %v, want UNAVAILABLE", err)
	}
}

func TestFindDuplicates(t *testing.T) {
	stub := &galleryStub{answer: []proto.Message{
		&siamesev1.FindDuplicatesResponse{Event: &siamesev1.FindDuplicatesResponse_Progress{Progress: &siamesev1.DuplicatesProgress{Compared: 4, Total: 9}}},
		&siamesev1.FindDuplicatesResponse{}, // what a later server tells
		&siamesev1.FindDuplicatesResponse{Event: &siamesev1.FindDuplicatesResponse_Group{Group: &siamesev1.DuplicateGroup{Entries: []*siamesev1.DuplicateEntry{
			{Entry: entryAsSent, Similarity: 0.75},
		}, OmittedEntries: 2}}},
		&siamesev1.FindDuplicatesResponse{Event: &siamesev1.FindDuplicatesResponse_Done{Done: &siamesev1.DuplicatesDone{Entries: 9, Groups: 1}}},
	}}
	var groups []client.DuplicateGroup
	c := connectGalleries(t, stub)
	entries, err := c.FindDuplicates(t.Context(), "g", client.DuplicateOptions{AcrossThings: true, Filter: map[string]string{"k": "v"}}, func(group client.DuplicateGroup) error {
		groups = append(groups, group)
		return nil
	})
	check(t, 9, entries, err)
	check(t, []client.DuplicateGroup{{Entries: []client.Duplicate{{Entry: entryAsTold, Similarity: 0.75}}, Omitted: 2}}, groups, nil)
	first := &siamesev1.FindDuplicatesRequest{Gallery: "g", AcrossThings: true, Filter: map[string]string{"k": "v"}}
	checkAsked(t, stub, first)
	var told [][2]int
	progress := func(compared, total int) { told = append(told, [2]int{compared, total}) }
	entries, err = c.FindDuplicates(t.Context(), "g", client.DuplicateOptions{Progress: progress}, func(client.DuplicateGroup) error { return nil })
	check(t, 9, entries, err)
	check(t, [][2]int{{4, 9}}, told, nil)
	checkAsked(t, stub, first, &siamesev1.FindDuplicatesRequest{Gallery: "g", IncludeProgress: true})
	enough := errors.New("enough")
	if _, err := c.FindDuplicates(t.Context(), "g", client.DuplicateOptions{}, func(client.DuplicateGroup) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("FindDuplicates whose groups are refused = %v, want what yield returned", err)
	}
}

func TestGalleryCallsFailAsAWhole(t *testing.T) {
	c := connectGalleries(t, &galleryStub{err: status.Error(codes.Unavailable, "away")})
	_, create := c.CreateGallery(t.Context(), "g", client.GalleryOptions{})
	_, one := c.Gallery(t.Context(), "g")
	_, all := c.Galleries(t.Context())
	_, deleted := c.DeleteGallery(t.Context(), "g")
	_, removed := c.RemoveEntries(t.Context(), "g", nil, nil)
	_, entry := c.Entry(t.Context(), "g", "e", client.EntryParts{})
	_, batch := c.BatchEnroll(t.Context(), "g", nil)
	_, identified := c.Identify(t.Context(), "g", client.Image{}, client.IdentifyOptions{})
	_, duplicates := c.FindDuplicates(t.Context(), "g", client.DuplicateOptions{}, nil)
	_, reindexed := c.Reindex(t.Context(), "g", "", nil)
	var listed error
	for _, listed = range c.Entries(t.Context(), "g", client.EntryList{}) {
	}
	want := &client.Error{Code: codes.Unavailable, Message: "away"}
	for i, err := range []error{create, one, all, deleted, removed, entry, batch, identified, duplicates, reindexed, listed} {
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("error of call %d (-want +got):\n%s", i, diff)
		}
	}
}
