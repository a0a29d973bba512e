package client_test

import (
	"context"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/client"
	siamesev1 "siamese/proto/siamese/v1"
)

// identifier is a gallery's server whose Identify takes a while, and fails by the
// frame's text.
type identifier struct {
	siamesev1.UnimplementedGalleryServiceServer

	takes  time.Duration
	gone   []error          // what the next calls of GetGallery end with
	faults map[string]error // by the frame's text
	asked  []*siamesev1.IdentifyRequest
}

func (i *identifier) GetGallery(_ context.Context, r *siamesev1.GetGalleryRequest) (*siamesev1.GetGalleryResponse, error) {
	if len(i.gone) > 0 {
		err := i.gone[0]
		i.gone = i.gone[1:]
		return nil, err
	}
	return &siamesev1.GetGalleryResponse{Gallery: &siamesev1.Gallery{Name: r.GetGallery(), Reference: &siamesev1.ModelReference{Name: "mean"}, Entries: 2}}, nil
}

func (i *identifier) Identify(ctx context.Context, r *siamesev1.IdentifyRequest) (*siamesev1.IdentifyResponse, error) {
	select {
	case <-time.After(i.takes): // fake time
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	i.asked = append(i.asked, r)
	if err := i.faults[string(r.GetImage().GetEncoded())]; err != nil {
		return nil, err
	}
	return &siamesev1.IdentifyResponse{
		Matches:   []*siamesev1.Identification{{Thing: "cup", Entry: &siamesev1.Entry{Id: "e"}, Similarity: 0.75, Same: true}},
		Threshold: 0.5, Model: &siamesev1.ModelReference{Name: "mean"}, Familiarity: known, Warning: "w", SearchedEntries: 2,
	}, nil
}

// live starts a LiveGallery at the server; both end with the test.
func (i *identifier) live(t *testing.T, config client.LiveGalleryConfig) *client.LiveGallery {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	siamesev1.RegisterGalleryServiceServer(server, i)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	c := connectTo(t, func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) })
	config.Gallery = "g"
	l, err := c.LiveGallery(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// told is what updates tell, in words; times are left out.
func told(l *client.LiveGallery) []string {
	synctest.Wait()
	var all []string
	for {
		select {
		case u, ok := <-l.Updates():
			switch {
			case !ok:
				return append(all, "end")
			case u.Gallery != nil:
				all = append(all, "gallery "+u.Gallery.Name)
			case u.State != nil && u.State.Err != nil:
				all = append(all, string(u.State.Phase)+": "+u.State.Err.Error())
			case u.State != nil:
				all = append(all, string(u.State.Phase))
			case u.Result.Err != nil:
				all = append(all, "failed: "+u.Result.Err.Error())
			default:
				all = append(all, "found "+u.Result.Found.Matches[0].Thing)
			}
		default:
			return all
		}
	}
}

func offer(l *client.LiveGallery, id int64, text string) {
	l.Offer(client.Frame{ID: id, Captured: captured(id), Image: []byte(text)})
}

func TestLiveGalleryIdentifiesTheNewestFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service, threshold := &identifier{takes: 100 * time.Millisecond}, float32(0.25)
		filter := map[string]string{"k": "v"}
		l := service.live(t, client.LiveGalleryConfig{
			Options: client.IdentifyOptions{TopK: 3, MinSimilarity: 0.5, Filter: filter, Threshold: &threshold, Thumbnails: true},
		})
		threshold, filter["k"] = 1, "w" // not the LiveGallery's any more
		if diff := cmp.Diff([]string{"connecting", "gallery g", "streaming"}, told(l)); diff != "" {
			t.Errorf("updates (-want +got):\n%s", diff)
		}
		offer(l, 1, "one")
		synctest.Wait()
		sent := time.Now()
		for id := int64(2); id <= 9; id++ {
			offer(l, id, "newer")
		}
		offer(l, 10, "newest")
		time.Sleep(time.Second)
		first, second := <-l.Updates(), <-l.Updates()
		want := client.Result{
			FrameID: 1, Captured: captured(1), Sent: sent, Received: sent.Add(100 * time.Millisecond), Threshold: 0.5,
			Familiarity: isKnown, Warning: "w",
			Found: &client.Identification{
				Matches:   []client.ThingMatch{{Thing: "cup", Entry: client.Entry{ID: "e", Enrolled: time.Unix(0, 0).UTC()}, Similarity: 0.75, Same: true}},
				Threshold: 0.5, Model: "mean", Familiarity: isKnown, Warning: "w", SearchedEntries: 2,
			},
		}
		if diff := cmp.Diff(want, *first.Result); diff != "" || second.Result.FrameID != 10 {
			t.Errorf("the second result is of frame %d, want 10, the newest; first (-want +got):\n%s", second.Result.FrameID, diff)
		}
		if diff := cmp.Diff(client.Stats{Offered: 10, Replaced: 8, Sent: 2, Scored: 2}, l.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		wantAsked := &siamesev1.IdentifyRequest{
			Gallery: "g", Image: &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: []byte("newest")}},
			TopK: 3, MinSimilarity: 0.5, Filter: map[string]string{"k": "v"}, Threshold: proto.Float32(0.25), IncludeThumbnails: true,
		}
		if diff := cmp.Diff(wantAsked, service.asked[1], protocmp.Transform()); diff != "" {
			t.Errorf("the server is asked (-want +got):\n%s", diff)
		}
	})
}

// reasoned is an error as the contract has it.
func reasoned(code codes.Code, reason, field string) error {
	s, err := status.New(code, "m").WithDetails(
		&errdetails.ErrorInfo{Reason: reason}, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field}}})
	if err != nil {
		return err
	}
	return s.Err()
}

func TestLiveGalleryGoesOn(t *testing.T) {
	tests := []struct {
		name string
		give identifier
		want []string // after frames "a" and, ten seconds later, "b"
	}{
		{"after a frame that is no picture", identifier{faults: map[string]error{"a": reasoned(codes.InvalidArgument, "IMAGE_UNDECODABLE", "image.encoded")}},
			[]string{"connecting", "gallery g", "streaming", "failed: IMAGE_UNDECODABLE: m", "found cup"}},
		{"when there is room again", identifier{faults: map[string]error{"a": reasoned(codes.ResourceExhausted, "QUEUE_FULL", "")}},
			[]string{"connecting", "gallery g", "streaming", "failed: QUEUE_FULL: m", "found cup"}},
		{"when the server is back", identifier{faults: map[string]error{"a": status.Error(codes.Unavailable, "gone")}},
			[]string{"connecting", "gallery g", "streaming", "failed: Unavailable: gone", "waiting: Unavailable: gone", "connecting", "gallery g", "streaming", "found cup"}},
		{"when there is the gallery again", identifier{gone: []error{reasoned(codes.NotFound, "GALLERY_NOT_FOUND", "gallery")}},
			[]string{"connecting", "waiting: GALLERY_NOT_FOUND: m", "connecting", "gallery g", "streaming", "found cup", "found cup"}},
		{"when the model is the gallery's again", identifier{faults: map[string]error{"a": reasoned(codes.FailedPrecondition, "GALLERY_MODEL_CHANGED", "")}},
			[]string{"connecting", "gallery g", "streaming", "failed: GALLERY_MODEL_CHANGED: m", "waiting: GALLERY_MODEL_CHANGED: m", "connecting", "gallery g", "streaming", "found cup"}},
		{"after an answer that never came", identifier{takes: 5 * time.Second}, // given up after three
			[]string{"connecting", "gallery g", "streaming", "failed: DeadlineExceeded: context deadline exceeded", "waiting: DeadlineExceeded: context deadline exceeded",
				"connecting", "gallery g", "streaming", "failed: DeadlineExceeded: context deadline exceeded", "waiting: DeadlineExceeded: context deadline exceeded", "connecting", "gallery g", "streaming"}},
		{"with a filter that was refused once", identifier{faults: map[string]error{"a": reasoned(codes.InvalidArgument, "ENTRY_METADATA", "filter")}},
			[]string{"connecting", "gallery g", "streaming", "failed: ENTRY_METADATA: m", "waiting: ENTRY_METADATA: m", "connecting", "gallery g", "streaming", "found cup"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := tt.give.live(t, client.LiveGalleryConfig{AnswerTimeout: 3 * time.Second})
				for id, text := range []string{"a", "b"} {
					offer(l, int64(id), text)
					time.Sleep(10 * time.Second)
				}
				if diff := cmp.Diff(tt.want, told(l)); diff != "" {
					t.Errorf("updates (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestLiveGalleryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := (&identifier{takes: time.Hour}).live(t, client.LiveGalleryConfig{AnswerTimeout: 2 * time.Hour})
		offer(l, 1, "a")
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		offer(l, 2, "b")
		want := []string{"connecting", "gallery g", "streaming", "failed: Canceled: context canceled", "closed", "end"}
		if diff := cmp.Diff(want, told(l)); diff != "" {
			t.Errorf("updates (-want +got):\n%s", diff)
		}
		if got := l.Stats(); got.Offered != 1 || l.State().Phase != client.Closed {
			t.Errorf("after the end %+v, %v, want one frame offered, and closed", got, l.State().Phase)
		}
	})
}

func TestLiveGalleryConfigValidate(t *testing.T) {
	share := func(v float32) *float32 { return &v }
	tests := []struct {
		name string
		give client.LiveGalleryConfig
		want string
	}{
		{"no gallery", client.LiveGalleryConfig{}, "Gallery is empty"},
		{"too many things", client.LiveGalleryConfig{Gallery: "g", Options: client.IdentifyOptions{TopK: 101}}, "TopK is 101, expected 0 (the default) to 100"},
		{"similarity over 1", client.LiveGalleryConfig{Gallery: "g", Options: client.IdentifyOptions{MinSimilarity: 1.5}}, "MinSimilarity is 1.5, expected 0 to 1"},
		{"threshold NaN", client.LiveGalleryConfig{Gallery: "g", Options: client.IdentifyOptions{Threshold: share(float32(math.NaN()))}}, "Threshold is NaN, expected 0 to 1"},
		{"backoff below 0", client.LiveGalleryConfig{Gallery: "g", MinBackoff: -1}, "MinBackoff is -1ns, expected 0"},
	}
	for _, tt := range tests {
		if _, err := connectTo(t, nil).LiveGallery(t.Context(), tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: LiveGallery = %v, want %q", tt.name, err, tt.want)
		}
	}
}
