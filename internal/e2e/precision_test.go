package e2e_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/cpu"

	"siamese/client"
	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
	"siamese/tfmodel"
)

// hasBFloat16 reports whether this processor has instructions for it.
func hasBFloat16() bool { return cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16 }

// TestServeTellsThePrecision: the log, the metrics and GetServerInfo say which
// one is used, and only --precision auto is given a reason.
func TestServeTellsThePrecision(t *testing.T) {
	chosen := "float32"
	if hasBFloat16() {
		chosen = "bfloat16"
	}
	tests := []struct {
		give       string
		want       string
		wantReason bool
	}{
		{"float32", "float32", false},
		{"bfloat16", "bfloat16", false},
		{"auto", chosen, true},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			health := proctest.FreeAddress(t)
			p := proctest.Serve(t, "--device", "cpu", "--precision", tt.give, "--health-addr", health)
			service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, p.Address))
			info, err := service.GetServerInfo(t.Context(), &siamesev1.GetServerInfoRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if got := info.GetModel().GetPrecision(); got != tt.want {
				t.Errorf("GetServerInfo with --precision %s tells %q, want %q", tt.give, got, tt.want)
			}
			if text, label := proctest.Metrics(t, health), fmt.Sprintf(`precision=%q`, tt.want); !strings.Contains(text, label) {
				t.Errorf("metrics with --precision %s lack %s", tt.give, label)
			}
			p.Signal(t, syscall.SIGTERM) // its log may be read when it has ended
			if !strings.Contains(p.Log.String(), "precision="+tt.want) {
				t.Errorf("log with --precision %s lacks precision=%s:\n%s", tt.give, tt.want, p.Log)
			}
			if got := strings.Contains(p.Log.String(), `msg="precision chosen" precision=`+tt.want+" reason="); got != tt.wantReason {
				t.Errorf("a reason in the log with --precision %s: %v, want %v:\n%s", tt.give, got, tt.wantReason, p.Log)
			}
		})
	}
}

// TestBFloat16JudgesAsFloat32 has two servers, each of two runners, judge the
// pairs of test data.
func TestBFloat16JudgesAsFloat32(t *testing.T) {
	if !hasBFloat16() {
		t.Skip("this processor has no instructions for bfloat16, which TensorFlow then may not use at all")
	}
	exact, rounded := dialPrecision(t, "float32"), dialPrecision(t, "bfloat16")
	var same, different []float64
	most, sum, pairs := 0.0, 0.0, fixture.Pairs(t)
	for _, pair := range pairs {
		want, got := comparePair(t, exact, pair), comparePair(t, rounded, pair)
		if want.Same != got.Same {
			t.Errorf("%s, %s: same = %v in bfloat16 (%.4f), want %v (%.4f)", pair[0], pair[1], got.Same, got.Similarity, want.Same, want.Similarity)
		}
		off := math.Abs(float64(want.Similarity) - float64(got.Similarity))
		most, sum = max(most, off), sum+off
		if pair[2] == "1" {
			same = append(same, float64(got.Similarity))
		} else {
			different = append(different, float64(got.Similarity))
		}
	}
	auc := areaUnderROC(same, different)
	t.Logf("%d pairs: off by %.5f at most, %.5f in the mean; area under the ROC curve %.5f", len(pairs), most, sum/float64(len(pairs)), auc)
	if most == 0 || most > tfmodel.BFloat16Tolerance {
		t.Errorf("similarities in bfloat16 are off by %g at most, want above 0 (it is used) to %g", most, tfmodel.BFloat16Tolerance)
	}
	if auc < minAUC {
		t.Errorf("area under the ROC curve is %.5f in bfloat16, want at least %v", auc, minAUC)
	}
}

// dialPrecision starts a server that computes in a precision.
func dialPrecision(t *testing.T, precision string) *client.Client {
	t.Helper()
	p := proctest.Serve(t, "--device", "cpu", "--precision", precision, "--runners", "2")
	connection, err := client.New(p.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// comparePair has a line of the pairs compared.
func comparePair(t *testing.T, connection *client.Client, pair []string) client.Comparison {
	t.Helper()
	a, b := proctest.ReadFile(t, filepath.Join(proctest.Root, pair[0])), proctest.ReadFile(t, filepath.Join(proctest.Root, pair[1]))
	comparison, err := connection.Compare(t.Context(), a, b, client.Options{})
	if err != nil {
		t.Fatalf("Compare(%s, %s) = %v", pair[0], pair[1], err)
	}
	return comparison
}
