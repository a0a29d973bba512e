package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// compareGray is one call over HTTP; each pair of levels is encoded once.
func (h *onHTTP) compareGray(ctx context.Context, a, b byte) error {
	_, err := callOver[pb.CompareRequest, pb.CompareResponse](ctx, h, comparePath, compareRequest(grayImage(a), grayImage(b)), connect.WithProtoJSON())
	return err
}

// TestStopAnswersHTTPUnderLoad: none fails before the stop, and every call that
// a handler took is answered.
func TestStopAnswersHTTPUnderLoad(t *testing.T) {
	const callers = 8
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	var group errgroup.Group
	var answered atomic.Int64
	var stopping atomic.Bool
	warm := make(chan struct{}, callers)
	for caller := range callers {
		group.Go(func() error {
			for i := 0; ; i++ {
				err := h.compareGray(t.Context(), byte(caller), byte(i))
				if err != nil && stopping.Load() {
					return nil
				}
				if err != nil {
					return fmt.Errorf("caller %d, call %d: %w", caller, i, err)
				}
				answered.Add(1)
				if i == 0 {
					warm <- struct{}{}
				}
			}
		})
	}
	for range callers {
		<-warm
	}
	stopping.Store(true)
	if err := h.stop(); err != nil {
		t.Errorf("Serve = %v, want none", err)
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	taken := strings.Count(h.log.String(), "rpc="+comparePath+" ")
	if int64(taken) != answered.Load() {
		t.Errorf("%d calls were answered, want the %d that were taken", answered.Load(), taken)
	}
}

// portIsOpen reports whether new connections are taken.
func (h *onHTTP) portIsOpen(t *testing.T) bool {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

func TestStopWaitsForHTTPCallsUnderWay(t *testing.T) {
	blocked := make(gate)
	began := make(chan struct{}, 1)
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{encode: func(ctx context.Context, images int) error {
		began <- struct{}{}
		return blocked.encode(ctx, images)
	}})
	called := make(chan error, 1)
	go func() { called <- h.compareGray(t.Context(), 1, 2) }()
	<-began
	h.cancel()
	for h.portIsOpen(t) {
		runtime.Gosched()
	}
	blocked.open()
	if err := <-called; err != nil {
		t.Errorf("call under way = %v, want an answer", err)
	}
	if err := h.stop(); err != nil {
		t.Errorf("Serve = %v, want none", err)
	}
}

func TestStopCutsOffHTTPCallsThatDoNotEnd(t *testing.T) {
	began := make(chan struct{}, 1)
	model := &fakeModel{encode: func(ctx context.Context, _ int) error {
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}}
	h := serveHTTP(t, server.Config{StopTimeout: 50 * time.Millisecond, StreamGrace: time.Millisecond}, server.HTTPConfig{}, model)
	called := make(chan error, 1)
	go func() { called <- h.compareGray(t.Context(), 1, 2) }()
	<-began
	if err := h.stop(); !errors.Is(err, server.ErrStopTimeout) {
		t.Errorf("Serve = %v, want ErrStopTimeout", err)
	}
	if err := <-called; err == nil {
		t.Error("the call that was cut off has an answer")
	}
}

// TestStopDoesNotWaitForSlowSenders: a request that never comes to its end is
// cut at the stop timeout.
func TestStopDoesNotWaitForSlowSenders(t *testing.T) {
	h := serveHTTP(t, server.Config{StopTimeout: 50 * time.Millisecond, StreamGrace: time.Millisecond}, server.HTTPConfig{}, &fakeModel{})
	connection, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", comparePath)
	if err := h.compareGray(t.Context(), 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := h.stop(); err != nil && !errors.Is(err, server.ErrStopTimeout) {
		t.Errorf("Serve = %v, want none or ErrStopTimeout", err)
	}
	if _, err := connection.Read(make([]byte, 1<<10)); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Errorf("the connection is still open: %v", err)
	}
}

// TestHTTPCallEndsWithItsCaller: the handler of a caller that has left gives up,
// though the run that carries its images goes on.
func TestHTTPCallEndsWithItsCaller(t *testing.T) {
	blocked := make(gate)
	began := make(chan struct{}, 1)
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{encode: func(ctx context.Context, images int) error {
		began <- struct{}{}
		return blocked.encode(ctx, images)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	called := make(chan error, 1)
	go func() { called <- h.compareGray(ctx, 1, 2) }()
	<-began
	cancel()
	<-called
	for !strings.Contains(h.log.String(), "code=Canceled") {
		runtime.Gosched()
	}
	blocked.open()
}

func TestHTTPTakesTheCallersDeadline(t *testing.T) {
	model := &fakeModel{encode: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, model)
	got := h.do(t, "POST", pb.SiameseService_Embed_FullMethodName,
		[]byte(`{"images":[{"raw":{"width":2,"height":2,"format":"PIXEL_FORMAT_GRAY8","data":"AAAAAA=="}}]}`),
		"Content-Type", "application/json", "Connect-Protocol-Version", "1", "Connect-Timeout-Ms", "20")
	if !strings.Contains(got.Body, `"code":"deadline_exceeded"`) {
		t.Errorf("answer = %d %s, want deadline_exceeded", got.Status, got.Body)
	}
}
