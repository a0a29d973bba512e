package server_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

func TestGalleryCallsAreRefused(t *testing.T) {
	g := serveGalleries(t, server.Config{MaxImages: 3}, &fakeModel{}, tools())
	g.enroll(t, newEntry("a", 10))
	long := strings.Repeat("x", 257)
	many := make(map[string]string)
	for i := range 33 {
		many[strings.Repeat("k", i+1)] = ""
	}
	invalid := func(reason, field string) failure { return failure{codes.InvalidArgument, reason, field} }
	missing := failure{codes.NotFound, "GALLERY_NOT_FOUND", "gallery"}
	tests := map[string]struct {
		give any
		want failure
	}{
		"create: no name":           {&pb.CreateGalleryRequest{}, invalid("GALLERY_NAME", "gallery")},
		"create: upper case":        {&pb.CreateGalleryRequest{Gallery: "Tools"}, invalid("GALLERY_NAME", "gallery")},
		"create: a path":            {&pb.CreateGalleryRequest{Gallery: "../tools"}, invalid("GALLERY_NAME", "gallery")},
		"create: 65 letters":        {&pb.CreateGalleryRequest{Gallery: strings.Repeat("a", 65)}, invalid("GALLERY_NAME", "gallery")},
		"create: other choices":     {&pb.CreateGalleryRequest{Gallery: "tools", KeepPictures: true}, failure{codes.AlreadyExists, "GALLERY_EXISTS", "gallery"}},
		"create: no such model":     {&pb.CreateGalleryRequest{Gallery: "b", Model: "x"}, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		"create: a version":         {&pb.CreateGalleryRequest{Gallery: "b", Model: "fake/3"}, failure{codes.NotFound, "MODEL_NOT_FOUND", "model"}},
		"create: a version alone":   {&pb.CreateGalleryRequest{Gallery: "b", Model: "3"}, failure{codes.NotFound, "MODEL_NOT_FOUND", "model"}},
		"get: none":                 {&pb.GetGalleryRequest{Gallery: "b"}, missing},
		"delete: none":              {&pb.DeleteGalleryRequest{Gallery: "b"}, missing},
		"enroll: none":              {&pb.BatchEnrollRequest{Gallery: "b", Entries: []*pb.NewEntry{newEntry("a", 1)}}, missing},
		"enroll: nothing":           {&pb.BatchEnrollRequest{Gallery: "tools"}, invalid("NO_ITEMS", "entries")},
		"enroll: too many":          {&pb.BatchEnrollRequest{Gallery: "tools", Entries: make([]*pb.NewEntry, 4)}, invalid("TOO_MANY_ITEMS", "entries")},
		"remove: nothing":           {&pb.RemoveEntriesRequest{Gallery: "tools"}, invalid("NO_ITEMS", "ids")},
		"remove: too many":          {&pb.RemoveEntriesRequest{Gallery: "tools", Ids: make([]string, 999), Things: make([]string, 2)}, invalid("TOO_MANY_ITEMS", "ids")},
		"remove: none":              {&pb.RemoveEntriesRequest{Gallery: "b", Ids: []string{"a"}}, missing},
		"entry: no id":              {&pb.GetEntryRequest{Gallery: "tools"}, invalid("ENTRY_ID", "id")},
		"entry: too long an id":     {&pb.GetEntryRequest{Gallery: "tools", Id: long}, invalid("ENTRY_ID", "id")},
		"entry: none":               {&pb.GetEntryRequest{Gallery: "tools", Id: "b"}, failure{codes.NotFound, "ENTRY_NOT_FOUND", "id"}},
		"list: page":                {&pb.ListEntriesRequest{Gallery: "tools", PageSize: 1001}, invalid("PAGE_SIZE", "page_size")},
		"list: token":               {&pb.ListEntriesRequest{Gallery: "tools", PageToken: "abc"}, invalid("PAGE_TOKEN", "page_token")},
		"list: made-up token":       {&pb.ListEntriesRequest{Gallery: "tools", PageToken: "AAAAAAAAAABh"}, invalid("PAGE_TOKEN", "page_token")},
		"list: no base64":           {&pb.ListEntriesRequest{Gallery: "tools", PageToken: "!"}, invalid("PAGE_TOKEN", "page_token")},
		"list: filter":              {&pb.ListEntriesRequest{Gallery: "tools", Filter: many}, invalid("ENTRY_METADATA", "filter")},
		"list: thing":               {&pb.ListEntriesRequest{Gallery: "tools", Thing: long}, invalid("ENTRY_THING", "thing")},
		"identify: none":            {&pb.IdentifyRequest{Gallery: "b", Image: grayImage(1)}, missing},
		"identify: top_k":           {&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1), TopK: 101}, invalid("TOP_K", "top_k")},
		"identify: least":           {&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1), MinSimilarity: float32(math.NaN())}, invalid("MIN_SIMILARITY_RANGE", "min_similarity")},
		"identify: threshold":       {&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1), Threshold: new(float32(1.5))}, invalid("THRESHOLD_RANGE", "threshold")},
		"identify: filter":          {&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1), Filter: map[string]string{"": "a"}}, invalid("ENTRY_METADATA", "filter")},
		"identify: no image":        {&pb.IdentifyRequest{Gallery: "tools"}, invalid("IMAGE_UNSET", "image")},
		"identify: a reference":     {&pb.IdentifyRequest{Gallery: "tools", Image: reference("a")}, invalid("REFERENCE_OUTSIDE_STREAM", "image")},
		"identify: broken picture":  {&pb.IdentifyRequest{Gallery: "tools", Image: encoded(noise(20, 1)[:200])}, invalid("IMAGE_UNDECODABLE", "image")},
		"identify: another model's": {&pb.IdentifyRequest{Gallery: "tools", Image: embedding("other", make([]float32, embeddingLength)...)}, failure{codes.FailedPrecondition, "MODEL_MISMATCH", "image"}},
		"duplicates: none":          {&pb.FindDuplicatesRequest{Gallery: "b"}, missing},
		"duplicates: threshold":     {&pb.FindDuplicatesRequest{Gallery: "tools", Threshold: new(float32(math.NaN()))}, invalid("THRESHOLD_RANGE", "threshold")},
		"duplicates: filter":        {&pb.FindDuplicatesRequest{Gallery: "tools", Filter: many}, invalid("ENTRY_METADATA", "filter")},
		"reindex: none":             {&pb.ReindexRequest{Gallery: "b"}, missing},
		"reindex: no such model":    {&pb.ReindexRequest{Gallery: "tools", Model: "x"}, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		"identify: too short":       {&pb.IdentifyRequest{Gallery: "tools", Image: embedding(modelDigest, 1)}, invalid("EMBEDDING_LENGTH", "image")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, failureOf(g.ask(t.Context(), tt.give))); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
		})
	}
	if got := g.identify(t, grayImage(10)); len(got) != 1 || got[0] != "a" {
		t.Errorf("things afterwards = %v, want a alone", got)
	}
}

// ask makes the unary call of a request and returns its error.
func (g *withGalleries) ask(ctx context.Context, request any) (err error) {
	switch r := request.(type) {
	case *pb.CreateGalleryRequest:
		_, err = g.CreateGallery(ctx, r)
	case *pb.GetGalleryRequest:
		_, err = g.GetGallery(ctx, r)
	case *pb.ListGalleriesRequest:
		_, err = g.ListGalleries(ctx, r)
	case *pb.DeleteGalleryRequest:
		_, err = g.DeleteGallery(ctx, r)
	case *pb.BatchEnrollRequest:
		_, err = g.BatchEnroll(ctx, r)
	case *pb.RemoveEntriesRequest:
		_, err = g.RemoveEntries(ctx, r)
	case *pb.GetEntryRequest:
		_, err = g.GetEntry(ctx, r)
	case *pb.ListEntriesRequest:
		_, err = g.ListEntries(ctx, r)
	case *pb.IdentifyRequest:
		_, err = g.Identify(ctx, r)
	case *pb.EnrollRequest:
		_, err = g.enrollTo(ctx, r.GetGallery(), newEntry("a", 1))
	case *pb.FindDuplicatesRequest:
		err = g.findDuplicates(ctx, r)
	case *pb.ReindexRequest:
		_, err = g.reindex(ctx, r)
	}
	return err
}

// An entry that is wrong fails by itself, whatever is wrong with it.
func TestBadEntriesFailAlone(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	with := func(change func(e *pb.NewEntry)) *pb.NewEntry {
		e := newEntry("x", 5)
		change(e)
		return e
	}
	long := strings.Repeat("x", 257)
	tests := []struct {
		entry         *pb.NewEntry
		reason, field string
	}{
		{with(func(e *pb.NewEntry) { e.Id = "" }), "ENTRY_ID", "id"},
		{with(func(e *pb.NewEntry) { e.Id = long }), "ENTRY_ID", "id"},
		{with(func(e *pb.NewEntry) { e.Id = "a\nb" }), "ENTRY_ID", "id"},
		{with(func(e *pb.NewEntry) { e.Thing = long }), "ENTRY_THING", "thing"},
		{with(func(e *pb.NewEntry) { e.Metadata = map[string]string{"": "v"} }), "ENTRY_METADATA", "metadata"},
		{with(func(e *pb.NewEntry) { e.Metadata = map[string]string{"k": strings.Repeat("v", 1025)} }), "ENTRY_METADATA", "metadata"},
		{with(func(e *pb.NewEntry) { e.Image = nil }), "IMAGE_UNSET", "image"},
		{with(func(e *pb.NewEntry) { e.Image = encoded(nil) }), "IMAGE_EMPTY", "image"},
		{with(func(e *pb.NewEntry) { e.Image = encoded(noise(20, 1)[:200]) }), "IMAGE_UNDECODABLE", "image"},
		{with(func(e *pb.NewEntry) { e.Image = rawImage(4, 4, pb.PixelFormat_PIXEL_FORMAT_GRAY8, nil) }), "IMAGE_EMPTY", "image"},
		{with(func(e *pb.NewEntry) { e.Image = reference("a") }), "REFERENCE_OUTSIDE_STREAM", "image"},
		{with(func(e *pb.NewEntry) { e.Image = embedding("other") }), "MODEL_MISMATCH", "image"},
		{with(func(e *pb.NewEntry) { e.Image = embedding(modelDigest, 1, 2) }), "EMBEDDING_LENGTH", "image"},
	}
	request, stream := &pb.BatchEnrollRequest{Gallery: "tools", Entries: []*pb.NewEntry{newEntry("good", 1)}}, []*pb.NewEntry{newEntry("good", 1)}
	for _, tt := range tests {
		request.Entries, stream = append(request.Entries, tt.entry), append(stream, tt.entry)
	}
	answer, err := g.BatchEnroll(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	streamed, err := g.enrollAll(t.Context(), stream...)
	if err != nil {
		t.Fatal(err)
	}
	if streamed.GetFailed() != uint64(len(tests)) || streamed.GetUnchanged() != 1 || len(streamed.GetFailures()) != len(tests) {
		t.Fatalf("Enroll = %v, want %d failures and 1 unchanged", streamed, len(tests))
	}
	for i, tt := range tests {
		for of, got := range map[string]*pb.ItemError{"BatchEnroll": answer.GetResults()[i+1].GetError(), "Enroll": streamed.GetFailures()[i].GetError()} {
			if got.GetReason() != tt.reason || !strings.HasSuffix(got.GetField(), "."+tt.field) {
				t.Errorf("%s of %.80v = %v, want %s at %s", of, tt.entry, got, tt.reason, tt.field)
			}
		}
	}
	if got := g.identify(t, grayImage(1)); len(got) != 1 {
		t.Errorf("things = %v, want the good one alone", got)
	}
}

func TestServerWithoutGalleries(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	g := &withGalleries{running: r, GalleryServiceClient: pb.NewGalleryServiceClient(r.conn)}
	for _, request := range []any{
		tools(), &pb.GetGalleryRequest{}, &pb.ListGalleriesRequest{}, &pb.DeleteGalleryRequest{}, &pb.BatchEnrollRequest{}, &pb.RemoveEntriesRequest{},
		&pb.GetEntryRequest{}, &pb.ListEntriesRequest{}, &pb.IdentifyRequest{}, &pb.EnrollRequest{}, &pb.FindDuplicatesRequest{}, &pb.ReindexRequest{},
	} {
		err := g.ask(t.Context(), request)
		if diff := cmp.Diff(failure{codes.Unimplemented, "GALLERIES_OFF", ""}, failureOf(err)); diff != "" || !strings.Contains(err.Error(), "--galleries") {
			t.Errorf("%T = %v (-want +got):\n%s", request, err, diff)
		}
	}
	info, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{})
	if err != nil || info.GetGalleries() {
		t.Errorf("GetServerInfo.galleries = %t, %v, want false", info.GetGalleries(), err)
	}
}
