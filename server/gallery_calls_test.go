package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	_ "image/jpeg"
	"image/png"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"siamese/gallery"
	"siamese/gallery/storetest"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

func TestCreateGalleryTwice(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	g.enroll(t, newEntry("a", 1))
	got, err := g.CreateGallery(t.Context(), tools())
	if err != nil || got.GetGallery().GetEntries() != 1 {
		t.Errorf("the second CreateGallery = %v, %v, want the gallery with its entry", got, err)
	}
	deleted, err := g.DeleteGallery(t.Context(), &pb.DeleteGalleryRequest{Gallery: "tools"})
	if err != nil || deleted.GetEntries() != 1 {
		t.Errorf("DeleteGallery = %v, %v, want 1 entry", deleted, err)
	}
	all, err := g.ListGalleries(t.Context(), &pb.ListGalleriesRequest{})
	if err != nil || len(all.GetGalleries()) != 0 {
		t.Errorf("ListGalleries afterwards = %v, %v, want none", all, err)
	}
}

// An entry that is the same is not encoded again, one whose picture, thing or metadata
// differ is.
func TestUnchangedEntriesAreNotEncoded(t *testing.T) {
	model := &fakeModel{}
	g := serveGalleries(t, server.Config{}, model, tools())
	first := &pb.NewEntry{Id: "a", Thing: "cup", Metadata: map[string]string{"k": "v"}, Image: grayImage(9)}
	other := func(change func(e *pb.NewEntry)) *pb.NewEntry {
		e := &pb.NewEntry{Id: "a", Thing: "cup", Metadata: map[string]string{"k": "v"}, Image: grayImage(9)}
		change(e)
		return e
	}
	tests := []struct {
		name    string
		give    *pb.NewEntry
		want    pb.EnrollStatus
		encodes int
	}{
		{"first", first, pb.EnrollStatus_ENROLL_STATUS_ADDED, 1},
		{"again", first, pb.EnrollStatus_ENROLL_STATUS_UNCHANGED, 0},
		{"another thing", other(func(e *pb.NewEntry) { e.Thing = "mug" }), pb.EnrollStatus_ENROLL_STATUS_REPLACED, 1},
		{"back", first, pb.EnrollStatus_ENROLL_STATUS_REPLACED, 1},
		{"other metadata", other(func(e *pb.NewEntry) { e.Metadata["k"] = "w" }), pb.EnrollStatus_ENROLL_STATUS_REPLACED, 1},
		{"another picture", other(func(e *pb.NewEntry) { e.Image = grayImage(10) }), pb.EnrollStatus_ENROLL_STATUS_REPLACED, 1},
		{"as an embedding", other(func(e *pb.NewEntry) { e.Image = grayEmbedding(10) }), pb.EnrollStatus_ENROLL_STATUS_REPLACED, 0},
		{"the embedding again", other(func(e *pb.NewEntry) { e.Image = grayEmbedding(10) }), pb.EnrollStatus_ENROLL_STATUS_UNCHANGED, 0},
	}
	for _, tt := range tests {
		before := model.encodedImages()
		got := g.enroll(t, tt.give)[0].GetStatus()
		if encodes := model.encodedImages() - before; got != tt.want || encodes != tt.encodes {
			t.Errorf("%s: %v with %d encodes, want %v with %d", tt.name, got, encodes, tt.want, tt.encodes)
		}
	}
}

// Of entries of one id in one message the last one stays, though it is what was there.
func TestLastOfAnIDStays(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	g.enroll(t, newEntry("a", 10))
	for name, enroll := range map[string]func(entries ...*pb.NewEntry){
		"BatchEnroll": func(entries ...*pb.NewEntry) { g.enroll(t, entries...) },
		"Enroll": func(entries ...*pb.NewEntry) {
			if _, err := g.enrollAll(t.Context(), entries...); err != nil {
				t.Fatal(err)
			}
		},
	} {
		enroll(newEntry("a", 200), newEntry("a", 10))
		answer, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: grayImage(10)})
		if err != nil || answer.GetMatches()[0].GetSimilarity() != 1 {
			t.Errorf("after %s: %v, %v, want the last picture", name, answer.GetMatches(), err)
		}
	}
}

func TestListEntries(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	var entries []*pb.NewEntry
	for i := range 300 {
		e := newEntry(fmt.Sprintf("e%03d", i), byte(i))
		e.Thing = fmt.Sprint("thing", i%2)
		e.Metadata = map[string]string{"third": fmt.Sprint(i % 3), "note": strings.Repeat("n", 1000)}
		entries = append(entries, e)
	}
	if _, err := g.enrollAll(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		give  *pb.ListEntriesRequest
		want  int
		pages int
	}{
		"all":              {&pb.ListEntriesRequest{}, 300, 3},
		"in one":           {&pb.ListEntriesRequest{PageSize: 1000}, 300, 1},
		"as many as it is": {&pb.ListEntriesRequest{PageSize: 300}, 300, 1},
		"small pages":      {&pb.ListEntriesRequest{PageSize: 7}, 300, 43},
		"of a thing":       {&pb.ListEntriesRequest{PageSize: 100, Thing: "thing1"}, 150, 2},
		"of a filter":      {&pb.ListEntriesRequest{PageSize: 100, Filter: map[string]string{"third": "2"}}, 100, 1},
		"of both":          {&pb.ListEntriesRequest{PageSize: 100, Thing: "thing0", Filter: map[string]string{"third": "2"}}, 50, 1},
		"stale":            {&pb.ListEntriesRequest{StaleOnly: true}, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.give.Gallery = "tools"
			ids, pages := g.list(t, tt.give)
			if len(ids) != tt.want || pages != tt.pages || !slices.IsSorted(ids) {
				t.Errorf("%d entries on %d pages, sorted %t, want %d on %d", len(ids), pages, slices.IsSorted(ids), tt.want, tt.pages)
			}
		})
	}
	page, err := g.ListEntries(t.Context(), &pb.ListEntriesRequest{Gallery: "tools", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.ListEntries(t.Context(), &pb.ListEntriesRequest{Gallery: "tools", Thing: "thing1", PageToken: page.GetNextPageToken()})
	if diff := cmp.Diff(failure{codes.InvalidArgument, "PAGE_TOKEN", "page_token"}, failureOf(err)); diff != "" {
		t.Errorf("the token of another list (-want +got):\n%s", diff)
	}
}

// list follows a list's pages.
func (g *withGalleries) list(t *testing.T, request *pb.ListEntriesRequest) (ids []string, pages int) {
	t.Helper()
	for {
		page, err := g.ListEntries(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, entry := range page.GetEntries() {
			ids = append(ids, entry.GetId())
		}
		if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
			return ids, pages
		}
	}
}

// A page that would not fit a message has fewer entries.
func TestPagesFitMessages(t *testing.T) {
	g := serveGalleries(t, server.Config{MaxMessageBytes: 64 << 10}, &fakeModel{}, tools())
	for i := range 20 {
		e := newEntry(fmt.Sprintf("e%02d", i), byte(i))
		e.Metadata = make(map[string]string)
		for k := range 8 {
			e.Metadata[fmt.Sprint(k)] = strings.Repeat("n", 1000)
		}
		g.enroll(t, e)
	}
	ids, pages := g.list(t, &pb.ListEntriesRequest{Gallery: "tools", PageSize: 1000})
	if len(ids) != 20 || pages < 3 {
		t.Errorf("%d entries on %d pages, want 20 on several", len(ids), pages)
	}
}

// What is kept of a picture is what came, and a thumbnail of the whole of it.
func TestPicturesAndThumbnails(t *testing.T) {
	g := serveGalleries(t, server.Config{CacheBytes: 1 << 20}, &fakeModel{}, &pb.CreateGalleryRequest{Gallery: "tools", KeepPictures: true, KeepThumbnails: true})
	wide := grayOf(400, 200, 90)
	raw := rawImage(20, 10, pb.PixelFormat_PIXEL_FORMAT_RGB8, bytes.Repeat([]byte{10, 20, 30}, 200))
	g.enroll(t, &pb.NewEntry{Id: "file", Image: encoded(wide)}, &pb.NewEntry{Id: "raw", Image: raw}, &pb.NewEntry{Id: "embedding", Image: grayEmbedding(1)})
	g.enroll(t, &pb.NewEntry{Id: "known", Image: encoded(wide)}) // its embedding is in the cache
	for id, size := range map[string]image.Point{"file": {160, 80}, "known": {160, 80}, "raw": {20, 10}} {
		e := g.entry(t, id)
		thumbnail, format, err := image.Decode(bytes.NewReader(e.GetThumbnailJpeg()))
		if err != nil || format != "jpeg" || thumbnail.Bounds().Size() != size {
			t.Errorf("thumbnail of %s = %s, %v, want a JPEG of %v", id, format, err, size)
		}
	}
	file := g.entry(t, "file")
	sum := sha256.Sum256(wide)
	if !bytes.Equal(file.GetPicture(), wide) || file.GetPictureSha256() != hex.EncodeToString(sum[:]) {
		t.Errorf("picture of %d bytes with sum %s, want what came", len(file.GetPicture()), file.GetPictureSha256())
	}
	pixels, err := png.Decode(bytes.NewReader(g.entry(t, "raw").GetPicture()))
	if err != nil {
		t.Fatal(err)
	}
	if r, _, b, _ := pixels.At(19, 9).RGBA(); r>>8 != 10 || b>>8 != 30 {
		t.Errorf("raw pixels are kept with red %d and blue %d, want 10 and 30", r>>8, b>>8)
	}
	if e := g.entry(t, "embedding"); e.GetPicture() != nil || e.GetThumbnailJpeg() != nil || e.GetPictureSha256() != "" || len(e.GetEmbedding().GetValues()) != embeddingLength {
		t.Errorf("entry that came as an embedding = %v, want the embedding alone", e)
	}
	found, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: encoded(wide), TopK: 1, IncludeThumbnails: true})
	if err != nil || len(found.GetMatches()) != 1 || len(found.GetMatches()[0].GetEntry().GetThumbnailJpeg()) == 0 {
		t.Errorf("Identify with thumbnails = %v, %v, want one with a thumbnail", found.GetMatches(), err)
	}
}

func (g *withGalleries) entry(t *testing.T, id string) *pb.Entry {
	t.Helper()
	got, err := g.GetEntry(t.Context(), &pb.GetEntryRequest{Gallery: "tools", Id: id, IncludePicture: true, IncludeThumbnail: true, IncludeEmbedding: true})
	if err != nil {
		t.Fatal(err)
	}
	return got.GetEntry()
}

func TestIdentifySelects(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	cup := func(id string, level byte, shelf string) *pb.NewEntry {
		return &pb.NewEntry{Id: id, Thing: "cup", Metadata: map[string]string{"shelf": shelf}, Image: grayImage(level)}
	}
	g.enroll(t, cup("c1", 10, "a"), cup("c2", 100, "b"), newEntry("pan", 30), newEntry("pot", 200))
	tests := map[string]struct {
		give *pb.IdentifyRequest
		want []string // entries
	}{
		"things, each once":    {&pb.IdentifyRequest{}, []string{"c1", "pan", "pot"}},
		"the best":             {&pb.IdentifyRequest{TopK: 1}, []string{"c1"}},
		"a filter":             {&pb.IdentifyRequest{Filter: map[string]string{"shelf": "b"}}, []string{"c2"}},
		"a filter of none":     {&pb.IdentifyRequest{Filter: map[string]string{"shelf": "c"}}, nil},
		"a least similarity":   {&pb.IdentifyRequest{MinSimilarity: 0.9}, []string{"c1", "pan"}},
		"by an embedding":      {&pb.IdentifyRequest{Image: grayEmbedding(199), TopK: 1}, []string{"pot"}},
		"a threshold for none": {&pb.IdentifyRequest{Threshold: new(float32(1)), TopK: 1, Image: grayImage(12)}, []string{"c1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.give.Gallery = "tools"
			if tt.give.GetImage() == nil {
				tt.give.Image = grayImage(10)
			}
			answer, err := g.Identify(t.Context(), tt.give)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, match := range answer.GetMatches() {
				got = append(got, match.GetEntry().GetId())
				if want := match.GetSimilarity() >= answer.GetThreshold(); match.GetSame() != want {
					t.Errorf("%s: same %t at %v and threshold %v", match.GetThing(), match.GetSame(), match.GetSimilarity(), answer.GetThreshold())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
	removed, err := g.RemoveEntries(t.Context(), &pb.RemoveEntriesRequest{Gallery: "tools", Ids: []string{"pan", "x"}, Things: []string{"cup", "y"}})
	if err != nil || removed.GetRemoved() != 3 {
		t.Errorf("RemoveEntries = %v, %v, want 3", removed, err)
	}
	if diff := cmp.Diff([]string{"pot"}, g.identify(t, grayImage(10))); diff != "" {
		t.Errorf("things that are left (-want +got):\n%s", diff)
	}
}

func TestFindDuplicates(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	g.enroll(t, newEntry("a", 10), newEntry("b", 11), newEntry("c", 200), newEntry("d", 201), newEntry("e", 100))
	stream, err := g.FindDuplicates(t.Context(), &pb.FindDuplicatesRequest{Gallery: "tools", Threshold: new(float32(0.99))})
	if err != nil {
		t.Fatal(err)
	}
	var groups [][]string
	for {
		answer, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if done := answer.GetDone(); done != nil {
			checkProto(t, &pb.DuplicatesDone{Entries: 5, Groups: 2}, done)
			break
		}
		var ids []string
		for _, entry := range answer.GetGroup().GetEntries() {
			ids = append(ids, entry.GetEntry().GetId())
		}
		slices.Sort(ids)
		groups = append(groups, ids)
	}
	slices.SortFunc(groups, slices.Compare)
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c", "d"}}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// A store that fails is told of as what it is.
func TestStoreThatCannotBeReached(t *testing.T) {
	store := &failingStore{Store: storetest.NewMemory()}
	g := serveGalleries(t, server.Config{Galleries: store}, &fakeModel{}, tools())
	for failed, want := range map[error]failure{
		gallery.ErrUnavailable: {codes.Unavailable, "GALLERY_UNAVAILABLE", ""},
		gallery.ErrInUse:       {codes.Unavailable, "GALLERY_UNAVAILABLE", ""},
		gallery.ErrClosed:      {codes.Unavailable, "DRAINING", ""},
		&fs.PathError{Op: "write", Path: "/secret", Err: syscall.ENOSPC}: {codes.ResourceExhausted, "GALLERY_STORE_FULL", ""},
		gallery.ErrDamaged:  {codes.Internal, "INTERNAL", ""},
		gallery.ErrNotFound: {codes.NotFound, "GALLERY_NOT_FOUND", "gallery"},
	} {
		store.err = fmt.Errorf("on a secret host: %w", failed)
		for _, request := range []any{&pb.BatchEnrollRequest{Gallery: "tools", Entries: []*pb.NewEntry{newEntry("a", 1)}}, &pb.EnrollRequest{Gallery: "tools"}} {
			err := g.ask(t.Context(), request)
			if diff := cmp.Diff(want, failureOf(err)); diff != "" || strings.Contains(err.Error(), "secret") {
				t.Errorf("%T while the store fails with %v = %v (-want +got):\n%s", request, failed, err, diff)
			}
		}
	}
	store.err = nil
	g.enroll(t, newEntry("a", 1))
}

// failingStore fails each Put.
type failingStore struct {
	gallery.Store
	err error
}

func (s *failingStore) Put(ctx context.Context, name string, entries []gallery.Entry) ([]gallery.Outcome, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Store.Put(ctx, name, entries)
}
