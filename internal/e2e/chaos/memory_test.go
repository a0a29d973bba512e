package chaos_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

const (
	// jsonGrowth is what 30 calls may take that unpack to 22 MB of JSON each.
	jsonGrowth = 1 << 30
	// restGrowth is what may be left of a burst, restAfter it.
	restGrowth = 50 << 20
	restAfter  = 30 * time.Second
	// unreadGrowth is what answers may take that nobody reads: a caller's quarter of
	// the budget, and the garbage beside it.
	unreadGrowth = 640 << 20
	// watchGrowth is what those may take who would watch health.
	watchGrowth = 96 << 20
	// containerBytes is the limit of a small container.
	containerBytes = 1 << 30
)

// beside calls a server in a loop, with pictures that it has not seen, until
// stopped.
type beside struct {
	answered, refused atomic.Int64
	stop              func()
}

func callBeside(t *testing.T, o *observed) *beside {
	b := &beside{}
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, o.Address))
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	calls.Go(func() {
		for number := uint64(1 << 32); ctx.Err() == nil; number += 2 {
			_, err := service.Compare(context.WithoutCancel(ctx), &siamesev1.CompareRequest{ImageA: noisePicture(number), ImageB: noisePicture(number + 1)})
			if err != nil {
				t.Logf("a call beside the attack: %v", err)
				b.refused.Add(1)
				continue
			}
			b.answered.Add(1)
		}
	})
	b.stop = func() { cancel(); calls.Wait() }
	return b
}

// holds fails the test where less than 95 of 100 calls were answered.
func (b *beside) holds(t *testing.T) {
	t.Helper()
	b.stop()
	if answered, refused := b.answered.Load(), b.refused.Load(); answered*100 < 95*(answered+refused) || answered == 0 {
		t.Errorf("%d of %d calls beside the attack were answered, want 95 of 100", answered, answered+refused)
	}
}

// observeHTTP starts a server with a page.
func observeHTTP(t *testing.T, set func(*exec.Cmd), args ...string) (o *observed, page string) {
	t.Helper()
	health, page := proctest.FreeAddress(t), proctest.FreeAddress(t)
	address := proctest.FreeAddress(t)
	args = append([]string{"--health-addr", health, "--http-addr", page}, args...)
	return &observed{proctest.ServeAs(t, set, address, address, args...), health}, page
}

func asItIs(*exec.Cmd) {}

func packed(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text)) // to memory
	_ = w.Close()
	return out.String()
}

// sendJSON sends calls whose bodies are 22 kB and unpack to 22 MB, and reads nothing.
func sendJSON(t *testing.T, page string, calls int) {
	t.Helper()
	bodies := []string{
		packed(`{"imageA":{"raw":{"width":` + strings.Repeat("9", 22_000_000) + `}}}`),
		packed(`{"imageA":{"encoded":"` + strings.Repeat("A", 22_000_000) + `"}}`),
	}
	for i := range calls {
		body := bodies[i%2]
		conn, err := net.Dial("tcp", page)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s",
			siamesev1.SiameseService_Compare_FullMethodName, len(body), body)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSmallBodiesOfLargeMessages: calls over HTTP that are small to send and large to
// unpack take a bounded memory, which comes back.
func TestSmallBodiesOfLargeMessages(t *testing.T) {
	server, page := observeHTTP(t, asItIs)
	others := callBeside(t, server)
	waitAnswered(t, others, 4)
	rest := server.memory(t, "VmRSS")
	server.forgetPeak(t)
	sendJSON(t, page, 30)
	waitAnswered(t, others, others.answered.Load()+20) // of fewer in all, one is more than 5 of 100
	others.holds(t)
	peak := server.memory(t, "VmHWM") - rest
	left, after := server.returns(t, rest+restGrowth)
	figure(t, "30 bodies of 22 kB that unpack to 22 MB: peak of resident memory +%d MB (bar %d), %+d MB after %.0f s (bar %d after %.0f); of calls beside them %d were answered, %d not",
		peak>>20, jsonGrowth>>20, (left-rest)>>20, after.Seconds(), restGrowth>>20, restAfter.Seconds(), others.answered.Load(), others.refused.Load())
	if peak > jsonGrowth {
		t.Errorf("the peak of resident memory grew by %d MB, want at most %d", peak>>20, jsonGrowth>>20)
	}
	longBar(t, left <= rest+restGrowth, "resident memory is %d MB above rest after %v, want at most %d", (left-rest)>>20, after, restGrowth>>20)
}

// waitAnswered waits until want calls were answered.
func waitAnswered(t *testing.T, b *beside, want int64) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for b.answered.Load() < want {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("only %d calls were answered, want %d", b.answered.Load(), want)
		}
	}
}

// returns waits for restAfter at most until resident memory is down to most, and
// tells what it is.
func (o *observed) returns(t *testing.T, most int64) (resident int64, after time.Duration) {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		resident, after = o.memory(t, "VmRSS"), time.Since(began)
		if resident <= most || after > restAfter {
			return resident, after
		}
		<-tick.C
	}
}

// askUnread makes calls with long answers that are not read; refused is how many
// were.
func askUnread(ctx context.Context, t *testing.T, address string, calls int) (refused int64) {
	t.Helper()
	request := &siamesev1.EmbedRequest{IncludePrepared: true}
	for number := range uint64(128) {
		request.Images = append(request.Images, noisePicture(number%8))
	}
	var count atomic.Int64
	var asking sync.WaitGroup
	for range 2 {
		conn := proctest.Dial(t, address, grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10))
		for range calls / 2 {
			stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, siamesev1.SiameseService_Embed_FullMethodName)
			if err != nil {
				t.Fatal(err)
			}
			asking.Go(func() {
				_ = stream.SendMsg(request) // what becomes of it tells the header
				_ = stream.CloseSend()
				if header, err := stream.Header(); err != nil || len(header) == 0 {
					count.Add(1)
				}
			})
		}
	}
	asking.Wait()
	return count.Load()
}

// TestUnreadAnswers: answers that wait for a reader are in the budget, and end with
// their connection.
func TestUnreadAnswers(t *testing.T) {
	server := observe(t, "--stall-timeout", "10s")
	others := callBeside(t, server)
	waitAnswered(t, others, 4)
	goroutines, rest := server.metric(t, "go_goroutines"), server.memory(t, "VmRSS")
	server.forgetPeak(t)
	calls := byForm(60, 250)
	refused := askUnread(t.Context(), t, server.Address, calls)
	others.holds(t)
	peak := server.memory(t, "VmHWM") - rest
	server.waitIdle(t, goroutines)
	left, after := server.returns(t, rest+restGrowth)
	figure(t, "%d calls whose answers of 2 MB nobody reads: %d refused, peak of resident memory +%d MB (bar %d), %+d MB %.0f s after their connections were closed (bar %d after %.0f); of calls beside them %d were answered, %d not",
		calls, refused, peak>>20, unreadGrowth>>20, (left-rest)>>20, after.Seconds(), restGrowth>>20, restAfter.Seconds(), others.answered.Load(), others.refused.Load())
	if peak > unreadGrowth {
		t.Errorf("the peak of resident memory grew by %d MB, want at most %d", peak>>20, unreadGrowth>>20)
	}
	longBar(t, left <= rest+restGrowth, "resident memory is %d MB above rest after %v, want at most %d", (left-rest)>>20, after, restGrowth>>20)
}

// watch tries to watch health, and tells how many watches began.
func watch(ctx context.Context, t *testing.T, address string, watches int) (began int64) {
	t.Helper()
	var count atomic.Int64
	var asking sync.WaitGroup
	for range 20 {
		client := healthpb.NewHealthClient(proctest.Dial(t, address))
		asking.Go(func() {
			for range watches / 20 {
				stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
				if err == nil {
					_, err = stream.Recv()
				}
				switch status.Code(err) {
				case codes.OK:
					count.Add(1)
				case codes.ResourceExhausted:
				default:
					t.Errorf("Watch = %v, want it to begin or RESOURCE_EXHAUSTED", err)
				}
			}
		})
	}
	asking.Wait()
	return count.Load()
}

// TestWatchesOfHealth: at either port few from one address may watch.
func TestWatchesOfHealth(t *testing.T) {
	server := observe(t)
	others := callBeside(t, server)
	waitAnswered(t, others, 4)
	rest := server.memory(t, "VmRSS")
	server.forgetPeak(t)
	ctx, cancel := context.WithCancel(t.Context())
	watches := byForm(1000, 20_000)
	atCalls, atProbes := watch(ctx, t, server.Address, watches), watch(ctx, t, server.health, watches)
	others.holds(t)
	peak := server.memory(t, "VmHWM") - rest
	cancel()
	figure(t, "%d watches of health at each of two ports: %d and %d began (bar 16), peak of resident memory +%d MB (bar %d); of calls beside them %d were answered, %d not",
		watches, atCalls, atProbes, peak>>20, watchGrowth>>20, others.answered.Load(), others.refused.Load())
	if atCalls != 16 || atProbes != 16 || peak > watchGrowth {
		t.Errorf("%d and %d watches began, +%d MB; want 16 and 16, and at most %d MB", atCalls, atProbes, peak>>20, watchGrowth>>20)
	}
}

// container is a control group of its own with a limit on memory; where none can be
// made, the test is skipped.
type container struct{ folder, peakFile, killsFile string }

func newContainer(t *testing.T, limit int64) *container {
	t.Helper()
	name := fmt.Sprintf("siamese-chaos-%d", os.Getpid())
	c := &container{filepath.Join("/sys/fs/cgroup/memory", name), "memory.max_usage_in_bytes", "memory.oom_control"}
	limitFile := "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil { // version 2
		c, limitFile = &container{filepath.Join("/sys/fs/cgroup", name), "memory.peak", "memory.events"}, "memory.max"
	}
	if err := os.Mkdir(c.folder, 0o755); err != nil {
		t.Skipf("no control group can be made here: %v", err)
	}
	t.Cleanup(func() { os.Remove(c.folder) })
	if err := os.WriteFile(filepath.Join(c.folder, limitFile), fmt.Append(nil, limit), 0o644); err != nil {
		t.Skipf("no limit on memory can be set here: %v", err)
	}
	return c
}

// hold has a process begin in the container.
func (c *container) hold(cmd *exec.Cmd) {
	enter := fmt.Sprintf(`echo $$ >%s/cgroup.procs && exec "$0" "$@"`, c.folder)
	cmd.Args = append([]string{"sh", "-c", enter, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// seen is the most memory that was used, and whether anything was killed for it.
func (c *container) seen(t *testing.T) (peak int64, killed bool) {
	t.Helper()
	if _, err := fmt.Sscan(string(proctest.ReadFile(t, filepath.Join(c.folder, c.peakFile))), &peak); err != nil {
		t.Fatal(err)
	}
	kills := string(proctest.ReadFile(t, filepath.Join(c.folder, c.killsFile)))
	return peak, strings.Contains(kills, "oom_kill ") && !strings.Contains(kills, "oom_kill 0")
}

// progressiveBomb is a JPEG of some bytes that takes 15 bytes a pixel to decode.
func progressiveBomb(side uint16, number uint32) []byte {
	be := binary.BigEndian
	out := be.AppendUint16(be.AppendUint16([]byte("\xff\xd8\xff\xc2\x00\x11\x08"), side), side)
	out = append(out, "\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x00\x00"...)
	return be.AppendUint32(out, number)
}

// TestSmallContainer: in a container of 1 GB, with no flag set for it, all of these
// together and an honest load are answered or refused, and nothing is killed.
func TestSmallContainer(t *testing.T) {
	box := newContainer(t, containerBytes)
	server, page := observeHTTP(t, box.hold)
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range byForm(1, 5) {
		var attacks sync.WaitGroup
		attacks.Go(func() { askUnread(ctx, t, server.Address, 50) })
		for caller := range uint32(4) {
			attacks.Go(func() {
				request := &siamesev1.EmbedRequest{}
				for i := range uint32(8) {
					bomb := progressiveBomb([]uint16{5000, 3800}[i%2], caller*100+i)
					request.Images = append(request.Images, &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: bomb}})
				}
				_, _ = service.Embed(ctx, request) // the container tells
			})
		}
		sendJSON(t, page, 30)
		watch(ctx, t, server.Address, 200)
		attacks.Wait()
	}
	cancel() // the load is the same address's: what that holds of the budget must be free
	server.waitIdle(t, math.Inf(1))
	load := fixture.StartLoad(t, 8, service)
	lasts, ends := context.WithTimeout(t.Context(), byForm(time.Second, 30*time.Second))
	defer ends()
	<-lasts.Done()
	honest := load.Stop()
	peak, killed := box.seen(t)
	figure(t, "a container of %d MB: at most %d MB were used by bombs, unread answers and large bodies at once; %s after them", int64(containerBytes)>>20, peak>>20, honest)
	if killed {
		t.Error("the system killed a process for its memory")
	}
}
