package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"siamese/client"
	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// minAUC is the least area under the ROC curve over 40 pairs of the same and 40
// of different characters.
const minAUC = 0.97

func TestServedModelTellsCharactersApart(t *testing.T) {
	server := proctest.Serve(t)
	connection, err := client.New(server.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	var same, different []float64
	for _, pair := range fixture.Pairs(t) {
		a, b := proctest.ReadFile(t, filepath.Join(proctest.Root, pair[0])), proctest.ReadFile(t, filepath.Join(proctest.Root, pair[1]))
		comparison, err := connection.Compare(t.Context(), a, b, client.Options{})
		if err != nil {
			t.Fatalf("Compare(%s, %s) = %v", pair[0], pair[1], err)
		}
		if pair[2] == "1" {
			same = append(same, float64(comparison.Similarity))
		} else {
			different = append(different, float64(comparison.Similarity))
		}
	}
	if len(same) != 40 || len(different) != 40 {
		t.Fatalf("%d same and %d different pairs, want 40 of each", len(same), len(different))
	}
	auc := areaUnderROC(same, different)
	t.Logf("area under the ROC curve: %.5f", auc)
	if auc < minAUC {
		t.Errorf("area under the ROC curve is %.5f, want at least %v", auc, minAUC)
	}
}

// areaUnderROC is the share of (same, different) pairs that are in order,
// ties counted half.
func areaUnderROC(same, different []float64) float64 {
	sort.Float64s(different)
	inOrder := 0.0
	for _, similarity := range same {
		below := sort.SearchFloat64s(different, similarity)
		notAbove := sort.Search(len(different), func(i int) bool { return different[i] > similarity })
		inOrder += float64(below) + float64(notAbove-below)/2
	}
	return inOrder / float64(len(same)*len(different))
}

// TestCommandsThroughServer: the same commands give the same answers through a
// server.
func TestCommandsThroughServer(t *testing.T) {
	server := proctest.Serve(t)
	tests := []struct {
		give     []string
		want     string
		wantErr  string
		wantCode int
	}{
		{[]string{"compare", proctest.GlyphA, proctest.GlyphB}, fixture.ScoreAB + " same (threshold 0.50, omniglot)", "", 0},
		{[]string{"compare", proctest.GlyphA, proctest.Glyph("README.md")}, "", "README.md: IMAGE_FORMAT_UNKNOWN", 1},
		{[]string{"rank", proctest.GlyphA, proctest.GlyphC, proctest.GlyphB}, "1     " + fixture.ScoreAB + "      same       omniglot  " + proctest.GlyphB, "", 0},
		{[]string{"rank", proctest.GlyphA, proctest.GlyphB, proctest.Glyph("README.md")}, "1     " + fixture.ScoreAB, "README.md: IMAGE_FORMAT_UNKNOWN", 1},
	}
	for _, tt := range tests {
		stdout, stderr, code := proctest.Run(t, "", append(tt.give, "--server", server.Address)...)
		if code != tt.wantCode || !strings.Contains(stdout, tt.want) || !strings.Contains(stderr, tt.wantErr) {
			t.Errorf("%v = %q, %q, exit code %d; want %q, %q, %d", tt.give, stdout, stderr, code, tt.want, tt.wantErr, tt.wantCode)
		}
	}
	plot := filepath.Join(t.TempDir(), "plot.png")
	if _, stderr, code := proctest.Run(t, "", "compare", proctest.GlyphA, proctest.GlyphB, "--server", server.Address, "--plot", plot); code != 0 || len(proctest.ReadFile(t, plot)) == 0 {
		t.Errorf("compare --plot through a server: exit code %d, %s", code, stderr)
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Fatalf("server ended with exit code %d", code)
	}
	_, stderr, code := proctest.Run(t, "", "compare", proctest.GlyphA, proctest.GlyphB, "--server", server.Address)
	if code != 1 || !strings.Contains(stderr, "server "+server.Address+": Unavailable") {
		t.Errorf("compare without a server = %q, exit code %d; want Unavailable and 1", stderr, code)
	}
	proctest.OneLine(t, stderr)
}

func TestServeStopsOnSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		server := proctest.Serve(t)
		if code := server.Signal(t, signal); code != 0 {
			t.Errorf("after %v: exit code %d, want 0\n%s", signal, code, server.Log)
		}
		if strings.Contains(server.Log.String(), "goroutine") {
			t.Errorf("after %v: the log has a goroutine dump\n%s", signal, server.Log)
		}
	}
}

// TestServeRefusesBadModels: one clear sentence, no dump, a code that is not 0.
func TestServeRefusesBadModels(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "model", "1")
	if stdout, stderr, code := proctest.Run(t, "", "export", whole); code != 0 {
		t.Fatalf("export: exit code %d, %s%s", code, stdout, stderr)
	}
	half := filepath.Join(t.TempDir(), "1")
	if err := os.CopyFS(half, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(half, "variables", "variables.data-00000-of-00001")
	if err := os.Truncate(data, 1<<20); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "saved_model.pb"), []byte("from elsewhere"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give string
		want string
	}{
		{filepath.Join(t.TempDir(), "none"), "there is no such file or folder"},
		{t.TempDir(), "holds neither saved_model.pb nor numbered versions"},
		{half, "variables.data-00000-of-00001 is damaged or half-written"},
		{foreign, "has no assets.extra/model.json"},
		{proctest.GlyphA, "model refused"},
	}
	for _, tt := range tests {
		_, stderr, code := proctest.Run(t, "", "serve", "--addr=127.0.0.1:0", "--http-addr=", "--log-level=error", "--model", tt.give)
		if code != 1 || !strings.Contains(stderr, tt.want) {
			t.Errorf("serve --model %s = %q, exit code %d; want %q and 1", tt.give, stderr, code, tt.want)
		}
		proctest.OneLine(t, stderr)
	}
	good := proctest.Serve(t, "--model", filepath.Dir(whole))
	if code := good.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("serving an exported model: exit code %d\n%s", code, good.Log)
	}
}

func TestServeWithoutHome(t *testing.T) {
	temporary := t.TempDir()
	cmd := proctest.Command(t, "compare", proctest.GlyphA, proctest.GlyphB)
	cmd.Env = []string{"TMPDIR=" + temporary}
	stdout, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(stdout), fixture.ScoreAB+" same") {
		t.Errorf("without HOME: printed %q, %v; want the similarity", stdout, err)
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) != 0 {
		t.Errorf("without HOME: left %v in the temporary folder (%v), want nothing", left, err)
	}
}

// TestKilledWhileUnpacking kills the program at moments of its start; the next
// start works and removes what was left.
func TestKilledWhileUnpacking(t *testing.T) {
	temporary := t.TempDir()
	start := func() *exec.Cmd {
		cmd := proctest.Command(t, "compare", proctest.GlyphA, proctest.GlyphB)
		cmd.Env = []string{"TMPDIR=" + temporary}
		return cmd
	}
	killed := 0
	for _, wait := range []string{"", "/1/variables/variables.data*", "/1/assets.extra/golden"} {
		cmd := start()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		if waitForFile(filepath.Join(temporary, "siamese-model-*"+wait), ended) {
			killed++
		}
		_ = cmd.Process.Kill()
		<-ended
	}
	if killed == 0 {
		t.Error("no start was seen half-way: nothing was tested")
	}
	stdout, err := start().Output()
	if err != nil || !strings.HasPrefix(string(stdout), fixture.ScoreAB+" same") {
		t.Errorf("after kills: printed %q, %v; want the similarity", stdout, err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("after kills and a start that ended there is %v (%v), want nothing", left, err)
	}
}

// TestPlantedModelsAreNotUsed: in a folder that others may write to lies another
// model where an earlier version of the program kept its own. The built-in one
// answers, and standard error says why the folder is not used.
func TestPlantedModelsAreNotUsed(t *testing.T) {
	cache := t.TempDir()
	fixture.ExportVersion(t, filepath.Join(cache, "7e89b0741bf7334ca8fe9bcf", "siamese-omniglot"), "1", 1)
	for _, mode := range []os.FileMode{0o755, 0o777} {
		if err := os.Chmod(cache, mode); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := proctest.Run(t, "", "compare", proctest.GlyphA, proctest.GlyphB, "--cache", cache)
		if code != 0 || !strings.HasPrefix(stdout, fixture.ScoreAB+" same") {
			t.Errorf("mode %v: printed %q, exit code %d; want the built-in model's similarity\n%s", mode, stdout, code, stderr)
		}
		if warned := strings.Contains(stderr, "others can write there"); warned != (mode == 0o777) {
			t.Errorf("mode %v: standard error is %q", mode, stderr)
		}
	}
}

// waitForFile waits for a file to appear; false when ended came first.
func waitForFile(pattern string, ended <-chan struct{}) bool {
	for {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return true
		}
		select {
		case <-ended:
			return false
		default:
		}
	}
}

// TestScripts runs the grpcurl scripts with the real grpcurl.
func TestScripts(t *testing.T) {
	grpcurl := os.Getenv("GRPCURL")
	if grpcurl == "" {
		t.Skip("GRPCURL is not set: `make test` sets it to the grpcurl that it installs")
	}
	server := proctest.Serve(t)
	script := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(proctest.Root, "scripts", name), args...)
		cmd.Env = append(os.Environ(), "SIAMESE_ADDR="+server.Address)
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, output)
		}
		return string(output)
	}
	list, err := exec.CommandContext(t.Context(), grpcurl, "-plaintext", server.Address, "list").CombinedOutput()
	if err != nil {
		t.Fatalf("grpcurl list: %v\n%s", err, list)
	}
	for _, want := range []string{"siamese.v1.SiameseService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} {
		if !strings.Contains(string(list), want) {
			t.Errorf("grpcurl list printed %q, want %q in it", list, want)
		}
	}
	if got := script("grpcurl-compare.sh", proctest.GlyphA, proctest.GlyphB); !strings.Contains(got, `"similarity": 0.99`) || !strings.Contains(got, `"same": true`) {
		t.Errorf("grpcurl-compare.sh printed %s, want similarity 0.99… and same", got)
	}
	testBatchScript(t, script)
	got := script("grpcurl-stream.sh", proctest.GlyphA, proctest.GlyphB, proctest.Glyph("README.md"), proctest.GlyphC)
	want := []string{proctest.GlyphB + "\t" + fixture.ScoreAB + "\tsame", proctest.Glyph("README.md") + "\terror\tIMAGE_FORMAT_UNKNOWN: ", proctest.GlyphC + "\t" + fixture.ScoreAC + "\tdifferent"}
	lines := strings.Split(got, "\n")
	for i, want := range want {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("grpcurl-stream.sh line %d is %q, want %q", i+1, lines[i], want)
		}
	}
}

// testBatchScript sends more pairs than one call may have, one of them bad.
func testBatchScript(t *testing.T, script func(name string, args ...string) string) {
	t.Helper()
	pairs := fixture.Pairs(t)
	list := filepath.Join(t.TempDir(), "pairs.tsv")
	var lines []string
	for _, pair := range pairs {
		lines = append(lines, filepath.Join(proctest.Root, pair[0])+"\t"+filepath.Join(proctest.Root, pair[1])+"\t"+pair[2])
	}
	lines[70] = proctest.Glyph("README.md") + "\t" + proctest.GlyphA
	if err := os.WriteFile(list, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(script("grpcurl-batch.sh", list)), "\n")
	if len(got) != len(pairs) {
		t.Fatalf("grpcurl-batch.sh printed %d lines, want %d", len(got), len(pairs))
	}
	for i, line := range got {
		fields := strings.Split(line, "\t")
		wantPair := strings.Split(lines[i], "\t")
		if len(fields) != 4 || fields[0] != wantPair[0] || fields[1] != wantPair[1] || (fields[2] == "error") != (i == 70) {
			t.Errorf("grpcurl-batch.sh line %d is %q, want the files %v and a score, or an error for line 71", i+1, line, wantPair)
		}
	}
	if want := fixture.ScoreAB + "\tsame"; !strings.HasSuffix(got[0], want) {
		t.Errorf("grpcurl-batch.sh line 1 is %q, want it to end in %q", got[0], want)
	}
}

// TestServedModelAnswersAfterBadCalls sends bad images to the real server and a
// good call after each.
func TestServedModelAnswersAfterBadCalls(t *testing.T) {
	server := proctest.Serve(t)
	dialed, err := grpc.NewClient(server.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	service := siamesev1.NewSiameseServiceClient(dialed)
	good := proctest.ReadFile(t, proctest.GlyphA)
	image := func(data []byte) *siamesev1.Image {
		return &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: data}}
	}
	embedded, err := service.Embed(t.Context(), &siamesev1.EmbedRequest{Images: []*siamesev1.Image{image(good)}})
	if err != nil {
		t.Fatal(err)
	}
	embedding := embedded.GetResults()[0].GetEmbedding()
	foreign := &siamesev1.Embedding{Values: embedding.GetValues(), ModelDigest: "other"}
	tests := []struct {
		give string
		b    *siamesev1.Image
		want codes.Code
	}{
		{"empty", image(nil), codes.InvalidArgument},
		{"truncated", image(good[:len(good)/2]), codes.InvalidArgument},
		{"9 MB", image(make([]byte, 9<<20)), codes.InvalidArgument},
		{"over the message limit", image(make([]byte, 17<<20)), codes.ResourceExhausted},
		{"unset", &siamesev1.Image{}, codes.InvalidArgument},
		{"embedding of another model", &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: foreign}}, codes.FailedPrecondition},
		{"good embedding", &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: embedding}}, codes.OK},
	}
	for _, tt := range tests {
		_, err := service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: image(good), ImageB: tt.b})
		if got := status.Code(err); got != tt.want {
			t.Errorf("%s: Compare = %v, want %v", tt.give, err, tt.want)
		}
		if _, err := service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: image(good), ImageB: image(good)}); err != nil {
			t.Errorf("%s: the call after it = %v, want an answer", tt.give, err)
		}
	}
}
