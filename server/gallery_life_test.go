package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"siamese/gallery"
	"siamese/gallery/storetest"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/access"
)

// rightsTo are the rights of callers by name and gallery.
type rightsTo map[string]access.Right

func (r rightsTo) Of(name, gallery string) access.Right { return r[name+" "+gallery] }

func TestRightsToGalleries(t *testing.T) {
	rights := rightsTo{"ann tools": access.Manage, "ann other": access.Manage, "bob tools": access.Read}
	cfg := server.Config{Tokens: newTokenBook(), GalleryRights: rights}
	g := serveGalleries(t, cfg, &fakeModel{}, nil)
	ann, bob := as(t.Context(), "a-token"), as(t.Context(), "b-token")
	for _, name := range []string{"tools", "other"} {
		if _, err := g.CreateGallery(ann, &pb.CreateGalleryRequest{Gallery: name}); err != nil {
			t.Fatal(err)
		}
	}
	requests := []struct {
		give   any
		needed access.Right
	}{
		{tools(), access.Manage},
		{&pb.GetGalleryRequest{Gallery: "tools"}, access.Read},
		{&pb.BatchEnrollRequest{Gallery: "tools", Entries: []*pb.NewEntry{newEntry("a", 1)}}, access.Write},
		{&pb.EnrollRequest{Gallery: "tools"}, access.Write},
		{&pb.GetEntryRequest{Gallery: "tools", Id: "a"}, access.Read},
		{&pb.ListEntriesRequest{Gallery: "tools"}, access.Read},
		{&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1)}, access.Read},
		{&pb.FindDuplicatesRequest{Gallery: "tools"}, access.Read},
		{&pb.ReindexRequest{Gallery: "tools"}, access.Manage},
		{&pb.RemoveEntriesRequest{Gallery: "tools", Ids: []string{"b"}}, access.Write},
	}
	if err := g.ask(ann, requests[2].give); err != nil {
		t.Fatal(err)
	}
	for _, has := range []access.Right{access.None, access.Read, access.Write, access.Manage} {
		rights["bob tools"] = has
		for _, tt := range requests {
			want := failure{}
			if has < tt.needed {
				want = failure{codes.PermissionDenied, "GALLERY_DENIED", ""}
			}
			if diff := cmp.Diff(want, failureOf(g.ask(bob, tt.give))); diff != "" {
				t.Errorf("%T with the right %v (-want +got):\n%s", tt.give, has, diff)
			}
		}
	}
	rights["bob tools"] = access.Read
	all, err := g.ListGalleries(bob, &pb.ListGalleriesRequest{})
	if err != nil || len(all.GetGalleries()) != 1 || all.GetGalleries()[0].GetName() != "tools" {
		t.Errorf("galleries that bob sees = %v, %v, want tools alone", all, err)
	}
	rights["bob tools"] = access.None
	there, none := g.ask(bob, &pb.GetGalleryRequest{Gallery: "tools"}), g.ask(bob, &pb.GetGalleryRequest{Gallery: "nowhere"})
	if failureOf(there) != failureOf(none) {
		t.Errorf("a gallery that bob may not see = %v, and one that there is none of = %v, want the same", there, none)
	}
	if err := g.ask(ann, &pb.DeleteGalleryRequest{Gallery: "tools"}); err != nil {
		t.Error(err)
	}
}

// newDigest are other weights of the same form.
const newDigest = "0ddba11"

// upgrade gives the model other weights.
func (g *withGalleries) upgrade(t *testing.T) {
	t.Helper()
	info := modelInfo
	info.Version, info.Digest = "4", newDigest
	if err := setModel(g.server, &fakeModel{}, info); err != nil {
		t.Fatal(err)
	}
}

func TestReindexAfterTheModelChanged(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, &pb.CreateGalleryRequest{Gallery: "tools", KeepPictures: true, KeepThumbnails: true})
	for i := range 20 {
		g.enroll(t, newEntry(fmt.Sprint("e", i), byte(10*i)))
	}
	g.enroll(t, &pb.NewEntry{Id: "lost", Image: grayEmbedding(3)})
	before := g.entry(t, "e7")
	g.upgrade(t)
	changed := failure{codes.FailedPrecondition, "GALLERY_MODEL_CHANGED", ""}
	for _, request := range []any{
		&pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1)}, &pb.EnrollRequest{Gallery: "tools"},
		&pb.BatchEnrollRequest{Gallery: "tools", Entries: []*pb.NewEntry{newEntry("a", 1)}},
	} {
		if diff := cmp.Diff(changed, failureOf(g.ask(t.Context(), request))); diff != "" {
			t.Errorf("%T after the model changed (-want +got):\n%s", request, diff)
		}
	}
	got, err := g.reindex(t.Context(), &pb.ReindexRequest{Gallery: "tools"})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, &pb.ReindexResponse{Encoded: 20, Missing: 1, Entries: 21, Done: true, MissingIds: []string{"lost"}}, got)
	after := g.entry(t, "e7")
	if after.GetModelDigest() != newDigest || !cmp.Equal(after.GetPicture(), before.GetPicture()) || len(after.GetThumbnailJpeg()) == 0 ||
		!after.GetEnrolled().AsTime().Equal(before.GetEnrolled().AsTime()) {
		t.Errorf("an entry afterwards = %v, want it as before, of model %s", after, newDigest)
	}
	answer, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: grayImage(70)})
	if err != nil || answer.GetMatches()[0].GetThing() != "e7" || answer.GetSearchedEntries() != 20 || !strings.HasPrefix(answer.GetWarning(), "1 of 21 entries") {
		t.Errorf("Identify afterwards = %v, %v, want e7 of 20 and a warning of the other", answer, err)
	}
	if ids, _ := g.list(t, &pb.ListEntriesRequest{Gallery: "tools", StaleOnly: true}); len(ids) != 1 || ids[0] != "lost" {
		t.Errorf("stale entries = %v, want lost alone", ids)
	}
}

// A job goes on when its caller leaves, and who asks again joins it; what is enrolled
// meanwhile stays.
func TestReindexGoesOnWithoutItsCaller(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, &pb.CreateGalleryRequest{Gallery: "tools", KeepPictures: true})
	for i := range 20 {
		g.enroll(t, newEntry(fmt.Sprintf("e%02d", i), byte(10*i)))
	}
	blocked := make(gate)
	info := modelInfo
	info.Version, info.Digest = "4", newDigest
	if err := setModel(g.server, &fakeModel{encode: blocked.encode}, info); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	stream, err := g.Reindex(ctx, &pb.ReindexRequest{Gallery: "tools"})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || first.GetDone() || first.GetEntries() != 20 {
		t.Fatalf("first answer = %v, %v, want a beginning", first, err)
	}
	leave()
	got, err := g.GetGallery(t.Context(), &pb.GetGalleryRequest{Gallery: "tools"})
	if err != nil || !got.GetGallery().GetReindexing() {
		t.Errorf("GetGallery = %v, %v, want it to be reindexing", got, err)
	}
	enrolled := &pb.NewEntry{Id: "e00", Thing: "cup", Image: embedding(newDigest, grayEmbedding(77).GetEmbedding().GetValues()...)}
	g.enroll(t, enrolled) // over one that the job has read
	if _, err := g.RemoveEntries(t.Context(), &pb.RemoveEntriesRequest{Gallery: "tools", Ids: []string{"e01"}}); err != nil {
		t.Fatal(err)
	}
	blocked.open()
	last, err := g.reindex(t.Context(), &pb.ReindexRequest{Gallery: "tools"})
	if err != nil || !last.GetDone() {
		t.Fatalf("Reindex that joins = %v, %v, want the end", last, err)
	}
	if e := g.entry(t, "e00"); e.GetThing() != "cup" || e.GetPictureSha256() != "" {
		t.Errorf("what was enrolled meanwhile = %v, want it to stay", e)
	}
	if _, err := g.GetEntry(t.Context(), &pb.GetEntryRequest{Gallery: "tools", Id: "e01"}); failureOf(err).Reason != "ENTRY_NOT_FOUND" {
		t.Errorf("what was removed meanwhile = %v, want it to stay so", err)
	}
}

// When the server stops, a stream of entries is told how many are kept, and they are.
func TestStopInTheMiddleOfEnroll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := storetest.NewMemory()
		g := serveGalleries(t, server.Config{Galleries: store, StreamGrace: time.Second}, &fakeModel{}, tools())
		stream, err := g.Enroll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if err := stream.Send(&pb.EnrollRequest{Gallery: "tools", Entry: newEntry(fmt.Sprint("e", i), byte(i))}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		stopped := make(chan error, 1)
		go func() { stopped <- g.stop() }()
		var failed error
		for i := 50; failed == nil; i++ { // the client goes on
			failed = stream.Send(&pb.EnrollRequest{Entry: newEntry(fmt.Sprint("e", i), byte(i))})
			time.Sleep(100 * time.Millisecond) // fake time
		}
		err = stream.RecvMsg(new(pb.EnrollResponse))
		if diff := cmp.Diff(failure{codes.Unavailable, "DRAINING", ""}, failureOf(err)); !errors.Is(failed, io.EOF) || diff != "" {
			t.Errorf("end of the stream = %v (-want +got):\n%s", err, diff)
		}
		count, countErr := store.Count(t.Context(), "tools")
		if want := fmt.Sprintf("the first %d entries", count.Entries); countErr != nil || count.Entries < 50 || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v and %d entries are kept, %v; want it to tell of them", err, count.Entries, countErr)
		}
		if err := <-stopped; err != nil {
			t.Errorf("Serve = %v, want a clean stop", err)
		}
	})
}

// A job stops with the server, who waits for it is told, and it goes on where it was.
func TestStopInTheMiddleOfReindex(t *testing.T) {
	store := storetest.NewMemory()
	g := serveGalleries(t, server.Config{Galleries: store}, &fakeModel{}, &pb.CreateGalleryRequest{Gallery: "tools", KeepPictures: true})
	for i := range 20 {
		g.enroll(t, newEntry(fmt.Sprintf("e%02d", i), byte(10*i)))
	}
	_ = g.stop()
	runs := 0
	blocked, begun := make(gate), make(chan struct{})
	model := &fakeModel{encode: func(ctx context.Context, images int) error {
		if runs++; runs == 2 {
			close(begun)
			return blocked.encode(ctx, images)
		}
		return nil
	}}
	r := serveBare(t, server.Config{Galleries: store})
	info := modelInfo
	info.Version, info.Digest = "4", newDigest
	if err := setModel(r.server, model, info); err != nil {
		t.Fatal(err)
	}
	second := &withGalleries{running: r, GalleryServiceClient: pb.NewGalleryServiceClient(r.conn), store: store}
	ended := make(chan error, 1)
	go func() {
		_, err := second.reindex(t.Context(), &pb.ReindexRequest{Gallery: "tools"})
		ended <- err
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- second.stop() }()
	if diff := cmp.Diff(failure{codes.Unavailable, "DRAINING", ""}, failureOf(<-ended)); diff != "" {
		t.Errorf("Reindex at the stop (-want +got):\n%s", diff)
	}
	blocked.open()
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v, want a clean stop", err)
	}
	count, err := store.Count(t.Context(), "tools")
	if err != nil || count.Stale == 0 || count.Stale == 20 {
		t.Errorf("after the stop %d of %d entries are stale, %v, want some", count.Stale, count.Entries, err)
	}
	third := serveBare(t, server.Config{Galleries: store})
	if err := setModel(third.server, &fakeModel{}, info); err != nil {
		t.Fatal(err)
	}
	last, err := (&withGalleries{running: third, GalleryServiceClient: pb.NewGalleryServiceClient(third.conn)}).reindex(t.Context(), &pb.ReindexRequest{Gallery: "tools"})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, &pb.ReindexResponse{Encoded: 20, Entries: 20, Done: true}, last)
}

// slowStore lets no Put through before it is told to.
type slowStore struct {
	gallery.Store
	open chan struct{}
}

func (s *slowStore) Put(ctx context.Context, name string, entries []gallery.Entry) ([]gallery.Outcome, error) {
	select {
	case <-s.open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.Store.Put(ctx, name, entries)
}

// A stream whose entries can't be kept as fast as they come is read no faster: neither
// memory nor the calls' budget grows with what the client has.
func TestEnrollIsReadAsFastAsItIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const entries, bound = 2000, 100 << 20
		store := &slowStore{storetest.NewMemory(), make(chan struct{})}
		g := serveGalleries(t, server.Config{Galleries: store}, &fakeModel{}, &pb.CreateGalleryRequest{Gallery: "tools", KeepPictures: true})
		file := noise(600, 1) // 1 MB: 2 GB in all
		before := heapBytes()
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := g.Enroll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan int)
		go func() {
			n := 0
			for ; n < entries && stream.Send(&pb.EnrollRequest{Gallery: "tools", Entry: &pb.NewEntry{Id: fmt.Sprint(n), Image: encoded(file)}}) == nil; n++ {
			}
			sent <- n
		}()
		synctest.Wait()
		grown := heapBytes() - before
		if _, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: grayImage(1)}); err != nil {
			t.Errorf("another call meanwhile = %v", err)
		}
		cancel()
		n := <-sent
		t.Logf("%d entries of %d KB were taken, the heap grew by %d MB", n, len(file)>>10, grown>>20)
		if grown > bound {
			t.Errorf("the heap grew by %d bytes, want at most %d", grown, bound)
		}
		synctest.Wait()
		close(store.open)
		g.enroll(t, newEntry("after", 1))
	})
}

// Callers who identify beside those who enroll are all answered.
func TestIdentifyBesideEnroll(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	g.enroll(t, newEntry("first", 128))
	var group sync.WaitGroup
	for client := range 3 {
		group.Go(func() {
			var entries []*pb.NewEntry
			for i := range 200 {
				entries = append(entries, newEntry(fmt.Sprint("c", client, "-", i), byte(i)))
			}
			if _, err := g.enrollAll(t.Context(), entries...); err != nil {
				t.Error(err)
			}
		})
	}
	for range 16 {
		group.Go(func() {
			for i := range 20 {
				if _, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: grayImage(byte(i))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	got, err := g.GetGallery(t.Context(), &pb.GetGalleryRequest{Gallery: "tools"})
	if err != nil || got.GetGallery().GetEntries() != 601 {
		t.Errorf("GetGallery = %v, %v, want 601 entries", got, err)
	}
}

// The first message of a stream of entries has to come, and to name a gallery.
func TestEnrollWithoutItsFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
		tests := map[string]struct {
			send []*pb.EnrollRequest
			ends bool
			want failure
		}{
			"nothing":         {nil, false, failure{codes.FailedPrecondition, "STREAM_NOT_OPENED", ""}},
			"the end":         {nil, true, failure{codes.FailedPrecondition, "STREAM_NOT_OPENED", ""}},
			"no gallery":      {[]*pb.EnrollRequest{{Entry: newEntry("a", 1)}}, true, failure{codes.InvalidArgument, "GALLERY_NAME", "gallery"}},
			"another gallery": {[]*pb.EnrollRequest{{Gallery: "b"}}, true, failure{codes.NotFound, "GALLERY_NOT_FOUND", "gallery"}},
			"no entries":      {[]*pb.EnrollRequest{{Gallery: "tools"}}, true, failure{}},
		}
		for name, tt := range tests {
			stream, err := g.Enroll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, message := range tt.send {
				if err := stream.Send(message); err != nil {
					t.Fatal(err)
				}
			}
			if tt.ends {
				_, err = stream.CloseAndRecv()
			} else {
				err = stream.RecvMsg(new(pb.EnrollResponse))
			}
			if diff := cmp.Diff(tt.want, failureOf(err)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		answer, err := g.enrollTo(t.Context(), "tools", newEntry("a", 1))
		if err != nil || answer.GetAdded() != 1 {
			t.Errorf("Enroll afterwards = %v, %v, want 1 added", answer, err)
		}
	})
}

// A message for another gallery than the stream's fails, and the others are kept.
func TestEnrollStaysWithItsGallery(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	stream, err := g.Enroll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"tools", "", "other", "tools"} {
		if err := stream.Send(&pb.EnrollRequest{Gallery: name, Entry: newEntry(fmt.Sprint(i), byte(i))}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := stream.CloseAndRecv()
	if err != nil || got.GetAdded() != 3 || got.GetFailed() != 1 || got.GetFailures()[0].GetIndex() != 2 || got.GetFailures()[0].GetError().GetReason() != "GALLERY_NAME" {
		t.Errorf("Enroll = %v, %v, want the third to fail with GALLERY_NAME", got, err)
	}
}
