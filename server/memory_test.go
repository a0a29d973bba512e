package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

// smallBudget leaves 16 MB for the messages of one caller.
var smallBudget = server.Config{MemoryBytes: server.MinMemoryBytes}

// largeRequest is within the limit of a message and takes more than smallBudget has,
// as its copies count.
func largeRequest() *pb.CompareRequest {
	return compareRequest(encoded(make([]byte, 6<<20)), grayImage(1))
}

// manyParts is a message of few bytes for what it unpacks to.
func manyParts() *pb.RankRequest {
	request := &pb.RankRequest{Query: grayImage(1)}
	for range 200_000 {
		request.Candidates = append(request.Candidates, &pb.Image{})
	}
	return request
}

// TestMessagesBeyondTheBudgetAreRefused: with when to try again, and all is given
// back.
func TestMessagesBeyondTheBudgetAreRefused(t *testing.T) {
	tests := []struct {
		name string
		call func(context.Context, *running) error
	}{
		{"as it is", func(ctx context.Context, r *running) error { _, err := r.Compare(ctx, largeRequest()); return err }},
		{"packed", func(ctx context.Context, r *running) error {
			_, err := r.Compare(ctx, largeRequest(), grpc.UseCompressor(grpcgzip.Name))
			return err
		}},
		{"of many parts", func(ctx context.Context, r *running) error { _, err := r.Rank(ctx, manyParts()); return err }},
		{"on a stream", func(ctx context.Context, r *running) error {
			stream, err := r.StreamCompare(ctx)
			if err != nil {
				return err
			}
			_ = stream.Send(frame(1, encoded(make([]byte, 6<<20)))) // it may have been refused already
			_, err = stream.Recv()
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, registry := serveMeasured(t, smallBudget, &fakeModel{})
				err := tt.call(t.Context(), r)
				if f := failureOf(err); f.Code != codes.ResourceExhausted || f.Reason != fault.ReasonServerBusy {
					t.Fatalf("call = %v, want RESOURCE_EXHAUSTED, SERVER_BUSY", err)
				}
				if detail[*errdetails.RetryInfo](t, err).GetRetryDelay().AsDuration() <= 0 {
					t.Errorf("error %v does not tell when to try again", err)
				}
				r.checkAnswers(t)
				synctest.Wait()
				checkScrape(t, scrape{"siamese_memory_capacity_bytes": server.MinMemoryBytes}, gather(t, registry).of("siamese_memory"))
			})
		})
	}
}

// TestHTTPBodiesBeyondTheBudgetAreRefused: in each protocol, packed or not.
func TestHTTPBodiesBeyondTheBudgetAreRefused(t *testing.T) {
	h := serveHTTP(t, smallBudget, server.HTTPConfig{}, &fakeModel{})
	for name, options := range map[string][]connect.ClientOption{
		"JSON":             {connect.WithProtoJSON()},
		"JSON, packed":     {connect.WithProtoJSON(), connect.WithSendGzip()},
		"proto":            nil,
		"gRPC-Web":         {connect.WithGRPCWeb()},
		"gRPC-Web, packed": {connect.WithGRPCWeb(), connect.WithSendGzip()},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := callOver[pb.CompareRequest, pb.CompareResponse](t.Context(), h, comparePath, largeRequest(), options...)
			failed, ok := errors.AsType[*connect.Error](err)
			if !ok || failed.Code() != connect.CodeResourceExhausted {
				t.Fatalf("call = %v, want resource_exhausted", err)
			}
			if reason, _ := connectDetails(t, failed); reason != fault.ReasonServerBusy {
				t.Errorf("reason %q, want SERVER_BUSY", reason)
			}
			small := compareRequest(grayImage(1), grayImage(2))
			if _, err := callOver[pb.CompareRequest, pb.CompareResponse](t.Context(), h, comparePath, small, options...); err != nil {
				t.Errorf("a small call after it = %v, want an answer", err)
			}
		})
	}
}

// TestUnreadAnswersAreCalls: an answer that its client does not read keeps the call's
// place, until the connection is closed for it.
func TestUnreadAnswersAreCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{MaxCalls: 2, StallTimeout: time.Minute}, &fakeModel{})
		reader := dial(t, r.listener, grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10))
		t.Cleanup(func() { _ = reader.Close() })
		for range 2 {
			callUnread(t, reader)
		}
		synctest.Wait()
		_, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{})
		if got := failureOf(err).Reason; got != fault.ReasonServerBusy {
			t.Errorf("a call beside two unread answers = %v, want SERVER_BUSY", err)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if _, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{}); err != nil {
			t.Errorf("a call after the stall timeout = %v, want an answer", err)
		}
	})
}

// TestSlowReaderLives: an answer whose reader makes progress is not cut off.
func TestSlowReaderLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{StallTimeout: time.Minute}, &fakeModel{})
		stream, opened := r.openStream(t.Context(), t, &pb.StreamOpening{Options: &pb.CompareOptions{IncludePrepared: true}})
		if opened == nil {
			t.Fatal("no opening")
		}
		time.Sleep(time.Hour) // nothing waits
		stream.ask(set("a", grayImage(1)))
		if _, err := stream.end(); err != nil {
			t.Errorf("a stream that was silent for an hour ended with %v, want OK", err)
		}
	})
}

// callUnread makes a call whose answer is more than the client takes without reading.
func callUnread(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, pb.SiameseService_Embed_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	request := &pb.EmbedRequest{IncludePrepared: true}
	for i := range server.DefaultMaxImages {
		request.Images = append(request.Images, encoded(noise(inputSide, uint32(i))))
	}
	if err := stream.SendMsg(request); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
}

// TestLongHeaderEndsItsCallAlone: other calls of the connection go on.
func TestLongHeaderEndsItsCallAlone(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	stream, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	for _, size := range []int{33_000, 100_000, 900_000} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-long", strings.Repeat("v", size))
		_, err := r.GetServerInfo(ctx, &pb.GetServerInfoRequest{})
		if f := failureOf(err); f.Code != codes.ResourceExhausted || f.Reason != fault.ReasonHeaderTooLong {
			t.Errorf("a header of %d bytes = %v, want HEADER_TOO_LONG", size, err)
		}
	}
	stream.ask(set("a", grayImage(1)))
	if _, err := stream.end(); err != nil {
		t.Errorf("the stream beside it ended with %v, want OK", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-long", strings.Repeat("v", 30_000))
	if _, err := r.GetServerInfo(ctx, &pb.GetServerInfoRequest{}); err != nil {
		t.Errorf("a header of 30000 bytes = %v, want an answer", err)
	}
}

// TestHealthIsWatchedByFew: at both ports, and a place comes back.
func TestHealthIsWatchedByFew(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	p := probe(t, r.server, nil)
	atProbes, err := grpc.NewClient(p.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { atProbes.Close() })
	for name, conn := range map[string]*grpc.ClientConn{"calls": r.conn, "probes": atProbes} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			client := healthpb.NewHealthClient(conn)
			watch := func() error {
				stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
				if err == nil {
					_, err = stream.Recv()
				}
				return err
			}
			for i := range 16 {
				if err := watch(); err != nil {
					t.Fatalf("watch %d = %v, want it to begin", i, err)
				}
			}
			if err := watch(); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "ask Check instead") {
				t.Errorf("one more = %v, want RESOURCE_EXHAUSTED and what to do", err)
			}
			if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
				t.Errorf("Check beside them = %v, want an answer", err)
			}
		})
	}
}

// TestHTTPHosts: a page whose name was made to lead to this machine is not the
// server's own.
func TestHTTPHosts(t *testing.T) {
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{Page: page, Hosts: []string{"pictures.example"}}, &fakeModel{})
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:8080": 200, "127.0.0.1:1": 200, "127.9.9.9": 200, "[::1]:8080": 200, "pictures.example:443": 200, "page.localhost": 200,
		"attacker.example": 403, "attacker.example:8080": 403, "localhost.attacker.example": 403, "192.0.2.1": 403, "127.0.0.1.attacker.example": 403,
		"xpictures.example": 403,
	} {
		for _, path := range []string{"/", pb.SiameseService_GetServerInfo_FullMethodName} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			request.Header.Set("Content-Type", "application/json")
			answer, err := h.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s for host %q = %d, want %d", path, host, answer.StatusCode, want)
			}
		}
	}
}

// TestErrorsQuoteLittle: of what was received, in each protocol.
func TestErrorsQuoteLittle(t *testing.T) {
	const most = 1200 // an answer of an error, headers and details included
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	long := strings.Repeat("9", 1<<20)
	for name, give := range map[string]string{
		"number":        `{"imageA":{"raw":{"width":` + long + `}}}`,
		"field":         `{"` + long + `":1}`,
		"string":        `{"imageA":{"raw":{"width":"` + strings.Repeat("ä ö", 1<<18) + `"}}}`,
		"enum":          `{"imageA":{"raw":{"format":"` + long + `"}}}`,
		"token":         long + `x`,
		"not base64":    `{"imageA":{"encoded":"` + strings.Repeat("%", 1<<20) + `"}}`,
		"model":         `{"imageA":{"encoded":"AA=="},"imageB":{"encoded":"AA=="},"options":{"model":"` + long + `"}}`,
		"model digest":  `{"imageA":{"embedding":{"values":[1],"modelDigest":"` + long + `"}},"imageB":{"encoded":"AA=="}}`,
		"many objects":  `{"imageA":` + strings.Repeat("{", 1<<20),
		"empty":         ``,
		"no such call":  `{}`,
		"not UTF-8":     "{\"imageA\":{\"reference\":\"" + strings.Repeat("\xff", 1<<20) + `"}}`,
		"bad condition": `{"imageA":` + strings.Repeat("[", 1<<20),
	} {
		path := comparePath
		if name == "no such call" {
			path = "/siamese.v1.SiameseService/" + strings.Repeat("G", 8<<10)
		}
		for _, kind := range []string{"application/json", "application/grpc-web+json"} {
			body := []byte(give)
			if kind != "application/json" {
				body = append([]byte{0, byte(len(give) >> 24), byte(len(give) >> 16), byte(len(give) >> 8), byte(len(give))}, body...)
			}
			got := h.do(t, http.MethodPost, path, body, "Content-Type", kind)
			size := len(got.Body)
			for key, values := range got.Header {
				size += len(key) + len(strings.Join(values, ""))
			}
			if size > most || got.Status >= http.StatusInternalServerError && got.Status != http.StatusNotImplemented {
				t.Errorf("%s as %s = %d with %d bytes: %.300s, want at most %d and no fault of the server's", name, kind, got.Status, size, got.Body, most)
			}
		}
	}
	_, err := h.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{Model: long})
	if text := fmt.Sprint(err); len(text) > most || !strings.Contains(text, "(1048576 bytes)") {
		t.Errorf("error over gRPC is %.300s…, want a short one that tells the length", text)
	}
}

// TestBrokenMessagesAreTheirCallers: and none of the server's.
func TestBrokenMessagesAreTheirCallers(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte("{}"))
	_ = writer.Close()
	for name, give := range map[string][]string{
		"no gzip":        {"plain", "Content-Type", "application/json", "Content-Encoding", "gzip"},
		"half a gzip":    {packed.String()[:12], "Content-Type", "application/json", "Content-Encoding", "gzip"},
		"empty":          {"", "Content-Type", "application/json"},
		"no gzip inside": {"\x01\x00\x00\x00\x05plain", "Content-Type", "application/grpc-web+proto", "Grpc-Encoding", "gzip"},
		"no length":      {"0", "Content-Type", "application/grpc-web+json"},
		"no message":     {"", "Content-Type", "application/grpc-web+proto"},
		"half a message": {"\x01\x00\x00\x00\x09plain", "Content-Type", "application/grpc-web+proto", "Grpc-Encoding", "gzip"},
	} {
		got := h.do(t, http.MethodPost, comparePath, []byte(give[0]), give[1:]...)
		if code := got.Header.Get("Grpc-Status"); got.Status != http.StatusBadRequest && code != "3" {
			t.Errorf("%s = %d %s %q, want 400 or INVALID_ARGUMENT", name, got.Status, code, got.Body)
		}
	}
}

// TestLongNamesFailInBand: of references, and what else a stream's answer carries back.
func TestLongNamesFailInBand(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	stream, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	name := strings.Repeat("ä", 7<<20)
	padded := frame(7, grayImage(1))
	padded.GetFrame().CapturedAt.ProtoReflect().SetUnknown(append([]byte{0xfa, 0x01, 0x80, 0x80, 0x80, 0x07}, make([]byte, 14<<20)...))
	for _, give := range []*pb.StreamCompareRequest{set(name, grayImage(1)), drop(name), frame(1, reference(name)), padded} {
		got := stream.ask(give)
		failed := got.GetItemFailed()
		if failed == nil || len(failed.GetReference()) > 1<<10 || len(failed.GetError().GetMessage()) > 200 {
			t.Errorf("answer = %.300v, want a failure that is short", got)
		}
	}
	if answer := stream.ask(set("a", grayImage(1))); answer.GetReferenceSet() == nil {
		t.Errorf("answer after it = %v, want the reference set", answer)
	}
}
