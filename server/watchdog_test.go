package server_test

import (
	"context"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"siamese/server"
)

// watched is a watchdog of a minute; all times are fake.
var watched = server.Config{WatchdogPeriod: time.Minute, WatchdogTimeout: 10 * time.Second}

func TestWatchdogEncodesWhereNoCallDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := &fakeModel{}
		r := serve(t, watched, model)
		time.Sleep(5*time.Minute + time.Second)
		if got := model.encodedImages(); got != 5 {
			t.Errorf("%d images encoded in five idle minutes, want 5", got)
		}
		for range 10 {
			time.Sleep(30 * time.Second)
			r.checkAnswers(t) // 2 images
		}
		if got := model.encodedImages(); got != 5+20 {
			t.Errorf("%d images encoded after five busy minutes, want those of the calls alone, 25", got)
		}
	})
}

// TestWatchdogTurnsHealth: whatever a model's fault, health follows it and its
// end.
func TestWatchdogTurnsHealth(t *testing.T) {
	faults := map[string]struct {
		encode func(context.Context) error
		spoil  func([]float32) []float32
	}{
		"fails":       {encode: func(context.Context) error { return errModel }},
		"panics":      {encode: func(context.Context) error { panic("device lost") }},
		"returns NaN": {spoil: func(v []float32) []float32 { v[3] = float32(math.NaN()); return v }},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool
				model := &fakeModel{
					encode: func(ctx context.Context, _ int) error {
						if broken.Load() && fault.encode != nil {
							return fault.encode(ctx)
						}
						return nil
					},
					spoilEmbeddings: func(v []float32) []float32 {
						if broken.Load() && fault.spoil != nil {
							return fault.spoil(v)
						}
						return v
					},
				}
				r := serve(t, watched, model)
				checkHealthFollows(t, r, func(now bool) { broken.Store(now) })
			})
		})
	}
}

// TestWatchdogFindsAModelThatHangs although the run can't be interrupted, and
// asks it for nothing more than the runners take.
func TestWatchdogFindsAModelThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hanging atomic.Pointer[gate]
		model := &fakeModel{encode: func(context.Context, int) error {
			if blocked := hanging.Load(); blocked != nil {
				<-*blocked
			}
			return nil
		}}
		r := serve(t, watched, model)
		checkHealthFollows(t, r, func(now bool) {
			if now {
				blocked := make(gate)
				hanging.Store(&blocked)
				return
			}
			hanging.Swap(nil).open()
		})
	})
}

func checkHealthFollows(t *testing.T, r *running, breakModel func(now bool)) {
	t.Helper()
	check := func(moment string, want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for _, service := range []string{"", serviceName} {
			if got := r.health(t, service); got != want {
				t.Errorf("health of %q %s = %v, want %v", service, moment, got, want)
			}
		}
	}
	time.Sleep(90 * time.Second)
	check("of a good model", healthpb.HealthCheckResponse_SERVING)
	breakModel(true)
	time.Sleep(2*time.Minute + 11*time.Second)
	check("of a broken model", healthpb.HealthCheckResponse_NOT_SERVING)
	breakModel(false)
	time.Sleep(time.Minute + 11*time.Second)
	check("of a model that is well again", healthpb.HealthCheckResponse_SERVING)
	for _, want := range []string{"the model does not answer", "the model answers again"} {
		if got := strings.Count(r.log.String(), want); got != 1 {
			t.Errorf("the log says %d times %q, want once:\n%s", got, want, r.log)
		}
	}
}

// TestNewDefaultIsNotBlamedForTheOld.
func TestNewDefaultIsNotBlamedForTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveBare(t, watched)
		add(t, r, &fakeModel{encode: func(context.Context, int) error { return errModel }}, "1")
		route(t, r, "1", nil)
		time.Sleep(90 * time.Second)
		if got := r.health(t, ""); got != healthpb.HealthCheckResponse_NOT_SERVING {
			t.Errorf("health of a broken model = %v, want NOT_SERVING", got)
		}
		add(t, r, &fakeModel{}, "2")
		route(t, r, "2", nil)
		if got := r.health(t, ""); got != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health of the new model = %v, want SERVING", got)
		}
	})
}
