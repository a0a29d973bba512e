package chaos_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pace "siamese/bench/load"
	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// What a caller beside an attack is held to.
const (
	answeredBar = 0.95 // of its calls
	lockoutBar  = 3    // times an unloaded call, and one run of the encoder besides
)

// TestAttacksLockNobodyOut: one caller sends pictures that take seconds each to
// decode; another compares pairs meanwhile, with a token of its own, or without, so
// that both are one caller.
func TestAttacksLockNobodyOut(t *testing.T) {
	attacker, victim := newToken(t, "mallory"), newToken(t, "alice")
	lines := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(lines, []byte(attacker.line+victim.line), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range byForm([]string{"lossless.webp"}, []string{"scans.jpg", "lossless.webp"}) {
		for _, tokens := range byForm([]bool{false}, []bool{false, true}) {
			t.Run(fmt.Sprintf("%s, tokens %v", file, tokens), func(t *testing.T) {
				args := []string{"--cache-bytes", "0"}
				if tokens {
					args = append(args, "--tokens", lines)
				}
				l := &lockout{observed: observe(t, args...), kind: fmt.Sprintf("%s of 25 megapixels, with tokens %v", file, tokens)}
				l.caller.service = siamesev1.NewSiameseServiceClient(proctest.Dial(t, l.Address))
				l.hold(t, file, attacker, victim)
			})
		}
	}
}

// token is a caller's, with its line in the server's file.
type token struct{ secret, line string }

func newToken(t *testing.T, name string) token {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	line := proctest.Succeed(t, "token", name, "--out", file)
	return token{secret: strings.TrimSpace(string(proctest.ReadFile(t, file))), line: line}
}

// in returns a context whose calls show the token.
func (k token) in(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+k.secret)
}

// lockout is a server with a victim.
type lockout struct {
	*observed
	kind   string
	caller overloadCaller
}

func (l *lockout) hold(t *testing.T, file string, attacker, victim token) {
	t.Helper()
	calls := victim.in(t.Context())
	compare := func(_ context.Context, client int) error {
		ctx, cancel := context.WithTimeout(calls, byForm(time.Minute, 10*time.Second))
		defer cancel()
		return l.caller.call(ctx, client)
	}
	lone := l.measure(t, compare, byForm(time.Second, 10*time.Second))
	run := l.longestRun(calls, t)
	goroutines := l.metric(t, "go_goroutines") + 4 // connections of this test
	l.forgetPeak(t)
	before := l.memory(t, "VmRSS")

	attack, end := context.WithCancel(attacker.in(t.Context()))
	var callers sync.WaitGroup
	for i := range 2 {
		callers.Go(func() { l.attack(attack, t, file, i) })
	}
	beside := l.measure(t, compare, byForm(3*time.Second, 30*time.Second))
	peak := l.memory(t, "VmHWM") - before
	end()
	callers.Wait()

	answered := float64(beside.Answered) / float64(max(beside.Sent, 1))
	most := lockoutBar*lone.Percentile(50) + run
	figure(t, "two calls of 256 times %s: %d of %d calls of another caller are answered (bar %.0f %%), p50 %v, longest %v "+
		"(bar %v: %d unloaded ones of %v and a run of %v); resident memory +%d MB",
		l.kind, beside.Answered, beside.Sent, 100*answeredBar,
		beside.Percentile(50).Round(time.Millisecond), beside.Percentile(100).Round(time.Millisecond), most.Round(time.Millisecond),
		lockoutBar, lone.Percentile(50).Round(time.Millisecond), run.Round(time.Millisecond), peak>>20)
	if answered < answeredBar {
		t.Errorf("%.0f %% of the calls were answered, want %v %%: %v", 100*answered, 100*answeredBar, beside.Failed)
	}
	longBar(t, beside.Percentile(95) <= most, "95 %% of the calls took up to %v, want at most %v", beside.Percentile(95), most)
	l.waitIdle(t, goroutines)
}

// measure has one client compare pairs, the next when the last is answered.
func (l *lockout) measure(t *testing.T, call func(context.Context, int) error, d time.Duration) pace.Report {
	t.Helper()
	report, err := pace.Run(t.Context(), pace.Config{Clients: 1, Duration: d, Call: call})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// longestRun is how long the encoder takes for as many images as fit a run.
func (l *lockout) longestRun(ctx context.Context, t *testing.T) time.Duration {
	t.Helper()
	const largest = 8
	images := make([]*siamesev1.Image, 3*largest) // of which a short run takes a third
	for i := range images {
		images[i] = noisePicture(l.caller.pictures.Add(1))
	}
	reply, err := l.caller.service.Embed(ctx, &siamesev1.EmbedRequest{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	return reply.GetTimings().GetEncode().AsDuration() / 3
}

// attack sends the largest Rank of copies of a file until ctx is done. Each copy
// counts as another picture.
func (l *lockout) attack(ctx context.Context, t *testing.T, file string, caller int) {
	t.Helper()
	content := proctest.ReadFile(t, filepath.Join(proctest.Root, "testdata/attacks", file))
	picture := func(copy int) *siamesev1.Image {
		return &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: fmt.Appendf(content[:len(content):len(content)], "%d.%d", caller, copy)}}
	}
	request := &siamesev1.RankRequest{Query: picture(-1)}
	for i := range 255 {
		request.Candidates = append(request.Candidates, picture(i))
	}
	for ctx.Err() == nil {
		patient, cancel := context.WithTimeout(ctx, time.Hour) // the server cuts that down
		_, err := l.caller.service.Rank(patient, request)
		cancel()
		switch status.Code(err) {
		case codes.Canceled:
		case codes.ResourceExhausted, codes.DeadlineExceeded:
			select { // without a pause it would keep this machine's cores busy itself
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		default:
			t.Errorf("the attack's Rank = %v, want it cut off or refused for a while", err)
			return
		}
	}
}

// TestLargestRankLeavesHealth: readiness is asked for all the while that one call has
// the encoder.
func TestLargestRankLeavesHealth(t *testing.T) {
	args := []string{"--cache-bytes", "0", "--watchdog-period", "1s"}
	if byForm(false, true) {
		file, _ := fixture.Model(t, 224, 1)
		args = append(args, "--model", file)
	}
	server := observe(t, args...)
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	request := &siamesev1.RankRequest{Query: noisePicture(0)}
	for i := range byForm(64, 256) {
		request.Candidates = append(request.Candidates, noisePicture(uint64(i+1)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ranked := make(chan error, 1)
	begun := time.Now()
	go func() {
		_, err := service.Rank(ctx, request)
		ranked <- err
	}()
	asked, ready := 0, 0
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case err := <-ranked:
			if done = true; err != nil {
				t.Errorf("Rank = %v, want an answer", err)
			}
		case <-tick.C:
			asked++
			if server.ready(t) {
				ready++
			}
		}
	}
	figure(t, "a Rank of %d fresh pictures took %v; readiness was 200 for %d of %d times that it was asked (bar: always)",
		len(request.GetCandidates()), time.Since(begun).Round(time.Second), ready, asked)
	if ready != asked {
		t.Errorf("readiness was 200 for %d of %d times, want always", ready, asked)
	}
}

// ready reports whether readiness is 200.
func (o *observed) ready(t *testing.T) bool {
	t.Helper()
	response, err := http.Get("http://" + o.health + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// TestDecodingKeepsToItsMemory: callers send pictures of which each takes most of
// what the server has for one.
func TestDecodingKeepsToItsMemory(t *testing.T) {
	const budget = 1 << 30 // the default
	server := observe(t, "--cache-bytes", "0")
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	content := proctest.ReadFile(t, filepath.Join(proctest.Root, "testdata/attacks/memory.jpg"))
	server.forgetPeak(t)
	before := server.memory(t, "VmRSS")
	var callers sync.WaitGroup
	for caller := range 4 {
		callers.Go(func() {
			request := &siamesev1.EmbedRequest{}
			for i := range byForm(1, 4) {
				copied := fmt.Appendf(content[:len(content):len(content)], "%d.%d", caller, i)
				request.Images = append(request.Images, &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: copied}})
			}
			if _, err := service.Embed(t.Context(), request); err != nil {
				t.Errorf("Embed = %v, want an answer", err)
			}
		})
	}
	callers.Wait()
	peak := server.memory(t, "VmHWM") - before
	figure(t, "%d pictures of %d bytes that take 375 MB each: all answered, the peak of resident memory grew by %d MB (bar %d, the budget)",
		4*byForm(1, 4), len(content), peak>>20, budget>>20)
	if peak > budget {
		t.Errorf("the peak of resident memory grew by %d MB, want at most %d", peak>>20, budget>>20)
	}
}
