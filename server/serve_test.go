package server_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/test/bufconn"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

const serviceName = "siamese.v1.SiameseService"

func (r *running) health(t *testing.T, service string) healthpb.HealthCheckResponse_ServingStatus {
	t.Helper()
	got, err := healthpb.NewHealthClient(r.conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatalf("health of %q: %v", service, err)
	}
	return got.GetStatus()
}

func TestHealthFollowsTheModelAndTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveBare(t, server.Config{DrainDelay: 10 * time.Second})
		check := func(moment string, want healthpb.HealthCheckResponse_ServingStatus) {
			t.Helper()
			for _, service := range []string{"", serviceName} {
				if got := r.health(t, service); got != want {
					t.Errorf("health of %q %s = %v, want %v", service, moment, got, want)
				}
			}
		}
		check("without model", healthpb.HealthCheckResponse_NOT_SERVING)
		if err := setModel(r.server, &fakeModel{}, modelInfo); err != nil {
			t.Fatal(err)
		}
		check("with model", healthpb.HealthCheckResponse_SERVING)
		r.cancel()
		time.Sleep(9 * time.Second) // fake time: within the drain delay
		check("while draining", healthpb.HealthCheckResponse_NOT_SERVING)
		r.checkAnswers(t) // all else goes on
		started := time.Now()
		if err := r.stop(); err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
		if took := time.Since(started); took != time.Second {
			t.Errorf("the stop took %v after the drain delay, want the delay's last second alone", took)
		}
	})
}

// TestSupervisorIsToldOfEachState: of each once, and of the watchdog's finding, too.
func TestSupervisorIsToldOfEachState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan server.State, 10) // more than there are
		var broken atomic.Bool
		model := &fakeModel{encode: func(context.Context, int) error {
			if broken.Load() {
				return errModel
			}
			return nil
		}}
		r := serveBare(t, server.Config{WatchdogPeriod: 30 * time.Second, WatchdogTimeout: time.Second, Supervisor: func(s server.State) { told <- s }})
		synctest.Wait()
		if len(told) > 0 {
			t.Errorf("without a model the supervisor was told of state %d, want nothing", <-told)
		}
		if err := setModel(r.server, model, modelInfo); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			broken bool
			want   server.State
		}{{false, server.Serving}, {true, server.Failing}, {false, server.Serving}} {
			broken.Store(step.broken)
			if got := <-told; got != step.want {
				t.Fatalf("while the model is broken (%t) the supervisor was told of state %d, want %d", step.broken, got, step.want)
			}
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got != server.Draining || len(told) > 0 {
			t.Errorf("at the stop the supervisor was told of state %d and %d more, want %d alone", got, len(told), server.Draining)
		}
	})
}

func TestReflectionListsTheService(t *testing.T) {
	r := serveBare(t, server.Config{})
	stream, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range got.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	want := []string{
		"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
		"grpc.reflection.v1alpha.ServerReflection", "siamese.v1.GalleryService", serviceName,
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
}

func TestStopTellsStreamsAndAnswersThemForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{}, &fakeModel{})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		unopened := r.bareStream(t.Context(), t)
		synctest.Wait()
		started := time.Now()
		r.cancel()
		if got := c.receive(); got.GetDraining() == nil {
			t.Fatalf("answer = %v, want draining", got)
		}
		if _, err := unopened.rest(); failureOf(err).Reason != fault.ReasonDraining {
			t.Errorf("stream that was not opened yet ended with %v, want DRAINING", err)
		}
		time.Sleep(4 * time.Second) // fake time: within the grace
		checkProto(t, pairAnswer(1, graySimilarity(1, 2)), c.ask(pair(1, grayImage(1), grayImage(2))), withoutTimings)

		rest, err := c.rest()
		if diff := cmp.Diff(failure{codes.Unavailable, fault.ReasonDraining, ""}, failureOf(err)); diff != "" || len(rest) != 0 {
			t.Errorf("%v, %v at the end (-want +got):\n%s", rest, err, diff)
		}
		if took := time.Since(started); took != 5*time.Second {
			t.Errorf("the stream ended after %v, want StreamGrace, 5s", took)
		}
		if err := r.stop(); err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
	})
}

func TestStopAnswersWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r := serve(t, server.Config{}, &fakeModel{encode: blocked.encode})
		unary := make(chan error, 1)
		go func() {
			unary <- r.call(t.Context(), &pb.CompareRequest{ImageA: grayImage(1), ImageB: grayImage(2)})
		}()
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{DropPolicy: latest, Window: 1})
		for id := range uint64(3) {
			c.send(pair(id, grayImage(byte(id)), grayImage(50))) // one under way, the others not read into the window
		}
		synctest.Wait()
		r.cancel()
		time.Sleep(10 * time.Second) // fake time: past the grace, before the timeout
		blocked.open()
		rest, err := c.rest()
		if diff := cmp.Diff([]int{0}, idsOf(rest)); diff != "" {
			t.Errorf("answered after the grace (-want +got):\n%s", diff)
		}
		if got := failureOf(err).Reason; got != fault.ReasonDraining {
			t.Errorf("stream ended with %v, want DRAINING", err)
		}
		if err := <-unary; err != nil {
			t.Errorf("unary call under way = %v, want an answer", err)
		}
		if err := r.stop(); err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
	})
}

func TestStopEndsAStreamWhoseClientHasEndedItWithOK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r := serve(t, server.Config{}, &fakeModel{encode: blocked.encode})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		c.send(pair(1, grayImage(1), grayImage(2)))
		_ = c.stream.CloseSend()
		synctest.Wait()
		r.cancel()
		time.Sleep(6 * time.Second) // fake time: past the grace
		blocked.open()
		rest, err := c.rest()
		if diff := cmp.Diff([]int{1}, idsOf(rest)); diff != "" || err != nil {
			t.Errorf("%v at the end, want OK; answers (-want +got):\n%s", err, diff)
		}
	})
}

func TestStopEndsForeignStreamsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{}, &fakeModel{})
		watch, err := healthpb.NewHealthClient(r.conn).Watch(t.Context(), &healthpb.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Recv(); err != nil {
			t.Fatal(err)
		}
		if _, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		started := time.Now()
		if err := r.stop(); err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
		if took := time.Since(started); took != 0 {
			t.Errorf("the stop took %v, want no time", took)
		}
	})
}

func TestStopCutsOffWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The encoder heeds the end of its context alone.
		model := &fakeModel{encode: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		r := serve(t, server.Config{StopTimeout: 8 * time.Second}, model)
		unary := make(chan error, 1)
		go func() { unary <- r.call(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(1)}}) }()
		synctest.Wait()
		started := time.Now()
		if err := r.stop(); !errors.Is(err, server.ErrStopTimeout) {
			t.Errorf("Serve = %v, want ErrStopTimeout", err)
		}
		if took := time.Since(started); took != 8*time.Second {
			t.Errorf("the stop took %v, want StopTimeout, 8s", took)
		}
		if got := failureOf(<-unary).Code; got != codes.Unavailable {
			t.Errorf("code of the call that was cut off = %v, want UNAVAILABLE", got)
		}
	})
}

func TestServeTellsWhyItsListenerFailed(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1)
	_ = listener.Close()
	if err := s.Serve(t.Context(), listener); err == nil || !strings.Contains(err.Error(), "serve bufconn: ") {
		t.Errorf("Serve = %v, want the listener's error", err)
	}
	if err := s.Serve(t.Context(), listener); !errors.Is(err, server.ErrServed) {
		t.Errorf("second Serve = %v, want ErrServed", err)
	}
}

func TestEachCallIsLogged(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	r.checkAnswers(t)
	_ = r.call(t.Context(), &pb.EmbedRequest{})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"level=DEBUG msg=call rpc=/siamese.v1.SiameseService/Compare code=OK ms=",
		"level=DEBUG msg=call rpc=/siamese.v1.SiameseService/Embed code=InvalidArgument ms=",
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, r.log)
		}
	}
}

// TestServingIsLoggedWithTheModel: once, when calls are answered, not when the port is
// open.
func TestServingIsLoggedWithTheModel(t *testing.T) {
	r := serveBare(t, server.Config{})
	if got := r.health(t, ""); got != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Fatalf("health = %v, want NOT_SERVING", got)
	}
	if log := r.log.String(); strings.Contains(log, "msg=serving") {
		t.Errorf("without a model the log says that it serves:\n%s", log)
	}
	if err := setModel(r.server, &fakeModel{}, modelInfo); err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if log := r.log.String(); strings.Count(log, "msg=serving address=bufconn") != 1 {
		t.Errorf("with a model the log says %d times that it serves, want once:\n%s", strings.Count(log, "msg=serving"), log)
	}
}
