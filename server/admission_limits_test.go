package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/access"
	"siamese/server/internal/fault"
)

func TestCallerIsHeldToItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{
			Tokens:       newTokenBook(),
			CallerLimits: access.Limits{CallsPerSecond: 0.5, Burst: 2},
		}, &fakeModel{})
		ann := as(t.Context(), "a-token")
		info := func() error {
			_, err := r.GetServerInfo(ann, &pb.GetServerInfoRequest{})
			return err
		}
		for range 2 {
			if err := info(); err != nil {
				t.Fatal(err)
			}
		}
		err := info()
		if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonRateLimited, ""}, failureOf(err)); diff != "" {
			t.Fatalf("third call (-want +got):\n%s", diff)
		}
		if got := detail[*errdetails.ErrorInfo](t, err).GetMetadata()["calls_per_second"]; got != "0.5" {
			t.Errorf("calls_per_second = %q, want 0.5", got)
		}
		retry := detail[*errdetails.RetryInfo](t, err).GetRetryDelay().AsDuration()
		if retry != 2*time.Second {
			t.Errorf("retry in %v, want 2s", retry)
		}
		if _, err := r.GetServerInfo(as(t.Context(), "b-token"), &pb.GetServerInfoRequest{}); err != nil {
			t.Errorf("another caller's call = %v, want an answer", err)
		}
		for range 5 {
			r.health(t, "") // costs nothing
		}
		time.Sleep(retry) // fake time
		if err := info(); err != nil {
			t.Errorf("call after the advised wait = %v, want an answer", err)
		}
	})
}

func TestCallerIsHeldToItsCallsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r := serve(t, server.Config{
			Tokens:       newTokenBook(),
			CallerLimits: access.Limits{Calls: 2},
		}, &fakeModel{encode: blocked.encode})
		ann, bob := as(t.Context(), "a-token"), as(t.Context(), "b-token")
		c, _ := r.openStream(ann, t, &pb.StreamOpening{}) // a stream is a call
		compared := make(chan error, 1)
		go func() {
			_, err := r.Compare(ann, compareRequest(grayImage(1), grayImage(2)))
			compared <- err
		}()
		synctest.Wait()
		_, err := r.GetServerInfo(ann, &pb.GetServerInfoRequest{})
		if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonTooManyCalls, ""}, failureOf(err)); diff != "" {
			t.Fatalf("third call under way (-want +got):\n%s", diff)
		}
		if got := detail[*errdetails.ErrorInfo](t, err).GetMetadata()["concurrent_calls"]; got != "2" {
			t.Errorf("concurrent_calls = %q, want 2", got)
		}
		if retry := detail[*errdetails.RetryInfo](t, err).GetRetryDelay().AsDuration(); retry != time.Second {
			t.Errorf("retry in %v, want 1s", retry)
		}
		if _, err := r.GetServerInfo(bob, &pb.GetServerInfoRequest{}); err != nil {
			t.Errorf("another caller's call = %v, want an answer", err)
		}
		blocked.open()
		if err := <-compared; err != nil {
			t.Errorf("the call under way = %v, want an answer", err)
		}
		if _, err := c.end(); err != nil {
			t.Errorf("the stream under way ended with %v, want OK", err)
		}
		if _, err := r.GetServerInfo(ann, &pb.GetServerInfoRequest{}); err != nil {
			t.Errorf("a call when the others have ended = %v, want an answer", err)
		}
	})
}

func TestHTTPCallerIsHeldToItsLimits(t *testing.T) {
	limits := access.Limits{CallsPerSecond: 0.001, Burst: 1}
	h := serveHTTP(t, server.Config{Tokens: newTokenBook(), CallerLimits: limits}, server.HTTPConfig{}, &fakeModel{})
	large := []byte(`{}` + strings.Repeat(" ", 1<<20)) // more than a server reads on that nobody asks to
	ask := func(token string) answer {
		h.do(t, http.MethodGet, comparePath, nil, "Authorization", "Bearer "+token) // costs nothing
		return h.do(t, http.MethodPost, pb.SiameseService_GetServerInfo_FullMethodName, large,
			"Content-Type", "application/json", "Authorization", "Bearer "+token)
	}
	if got := ask("a-token"); got.Status != http.StatusOK {
		t.Fatalf("first call = %+v, want an answer", got)
	}
	got := ask("a-token")
	if got.Status != http.StatusTooManyRequests || got.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("second call = %+v, want 429 and no word of tokens", got)
	}
	for _, want := range []string{`"code":"resource_exhausted"`, `"reason":"RATE_LIMITED"`, `"retryDelay":"`} {
		if !strings.Contains(strings.ReplaceAll(got.Body, ": ", ":"), want) {
			t.Errorf("second call's answer is %s, want %s in it", got.Body, want)
		}
	}
	if got := ask("b-token"); got.Status != http.StatusOK {
		t.Errorf("another caller's call = %+v, want an answer", got)
	}
}

func TestTooManyCallersAreRefused(t *testing.T) {
	r := serve(t, server.Config{
		Tokens:       newTokenBook(),
		CallerLimits: access.Limits{Calls: 2, Callers: 1},
	}, &fakeModel{})
	c, _ := r.openStream(as(t.Context(), "a-token"), t, &pb.StreamOpening{})
	_, err := r.GetServerInfo(as(t.Context(), "b-token"), &pb.GetServerInfoRequest{})
	if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonTooManyCalls, ""}, failureOf(err)); diff != "" {
		t.Errorf("call of one caller too many (-want +got):\n%s", diff)
	}
	if _, err := c.end(); err != nil {
		t.Errorf("the stream under way ended with %v, want OK", err)
	}
}

// TestStreamIsPaced: a stream's messages are taken no faster than calls, and
// none is refused.
func TestStreamIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{CallerLimits: access.Limits{CallsPerSecond: 10, Burst: 1}}, &fakeModel{})
		started := time.Now()
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		for id := uint64(1); id <= 5; id++ {
			c.send(pair(id, grayImage(1), grayImage(2)))
		}
		answers, err := c.end()
		if err != nil || len(answers) != 5 {
			t.Fatalf("%d answers and %v, want 5 and OK", len(answers), err)
		}
		for i, answer := range answers {
			checkProto(t, pairAnswer(uint64(i+1), graySimilarity(1, 2)), answer, withoutTimings)
		}
		// Five messages and the end, which is waited for alike.
		if took := time.Since(started); took != 600*time.Millisecond {
			t.Errorf("the stream took %v, want 600ms", took)
		}
	})
}

// TestPacedStreamEndsWithTheServer: waiting for its next message does not hold
// up the stop.
func TestPacedStreamEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{CallerLimits: access.Limits{CallsPerSecond: 0.001, Burst: 1}}, &fakeModel{})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		c.send(pair(1, grayImage(1), grayImage(2)))
		synctest.Wait()
		started := time.Now()
		if err := r.stop(); err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
		if took := time.Since(started); took != 5*time.Second {
			t.Errorf("the stop took %v, want StreamGrace, 5s", took)
		}
		_, err := c.rest()
		if diff := cmp.Diff(failure{codes.Unavailable, fault.ReasonDraining, ""}, failureOf(err)); diff != "" {
			t.Errorf("the stream's end (-want +got):\n%s", diff)
		}
	})
}
