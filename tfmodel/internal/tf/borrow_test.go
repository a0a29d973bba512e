package tf

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/op"
	"github.com/galeone/tfgo"
	"google.golang.org/protobuf/proto"
)

// exportDoubler writes a SavedModel without variables whose signature "double"
// doubles float32 [-1].
func exportDoubler(t *testing.T) (dir string) {
	t.Helper()
	scope := op.NewScope()
	input := op.Placeholder(scope.SubScope("in"), binding.Float, op.PlaceholderShape(binding.MakeShape(-1)))
	op.Add(scope.SubScope("out"), input, input)
	graph, err := scope.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	var serialized bytes.Buffer
	if _, err := graph.WriteTo(&serialized); err != nil {
		t.Fatal(err)
	}
	definition := &framework.GraphDef{}
	if err := proto.Unmarshal(serialized.Bytes(), definition); err != nil {
		t.Fatal(err)
	}
	model, err := proto.Marshal(&corepb.SavedModel{
		SavedModelSchemaVersion: 1,
		MetaGraphs: []*corepb.MetaGraphDef{{
			MetaInfoDef:  &corepb.MetaGraphDef_MetaInfoDef{Tags: []string{"serve"}},
			GraphDef:     definition,
			SignatureDef: map[string]*corepb.SignatureDef{"double": {MethodName: "double"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "saved_model.pb"), model, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLoad goes through every private field that is read of tfgo and the binding.
// The session outlives tfgo's model, whose finalizer would close it.
func TestLoad(t *testing.T) {
	session, signatures, err := Load(exportDoubler(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := signatures["double"]; !ok {
		t.Errorf("Load = signatures %v, want double", signatures)
	}
	for range 3 {
		runtime.GC() // one finds the finalizer, the next would run after it
	}
	doubled, shape := make([]float32, 1), []int64{1}
	err = session.Run(
		[]Feed{{To: output(t, session, "in/Placeholder"), Type: Float32, Shape: shape, Data: Float32Bytes([]float32{21})}},
		[]Fetch{{From: output(t, session, "out/Add"), Type: Float32, Shape: shape, Into: Float32Bytes(doubled)}})
	if err != nil || doubled[0] != 42 {
		t.Errorf("Run of a loaded model = %v, %v, want 42", doubled[0], err)
	}
	if err := session.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

// TestBorrowRefuses: what holds no session or graph is told, not borrowed.
func TestBorrowRefuses(t *testing.T) {
	graph := binding.NewGraph()
	owner, err := binding.NewSession(graph, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	tests := []struct {
		give    string
		session *binding.Session
		graph   *binding.Graph
		want    string
	}{
		{"no session", nil, graph, "got nil"},
		{"an empty session", &binding.Session{}, graph, `field "c" is nil`},
		{"no graph", owner, nil, "got nil"},
		{"an empty graph", owner, &binding.Graph{}, `field "c" is nil`},
	}
	for _, tt := range tests {
		if _, err := Borrow(tt.session, tt.graph); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Borrow = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
	if _, err := savedModelOf(&tfgo.Model{}); err == nil || !strings.Contains(err.Error(), `field "saved" is nil`) {
		t.Errorf("savedModelOf of an empty model = %v, want an error with its field", err)
	}
}

// TestLoadTurnsPanicsIntoErrors: tfgo panics on a folder that is no SavedModel.
func TestLoadTurnsPanicsIntoErrors(t *testing.T) {
	if _, _, err := Load(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "load SavedModel") {
		t.Errorf("Load of an empty folder = %v, want an error", err)
	}
}

// TestPointerFieldRefuses: other fields than the pinned versions have are told,
// not read.
func TestPointerFieldRefuses(t *testing.T) {
	type inner struct{}
	type owner struct {
		c      *inner
		number int
	}
	filled := &owner{c: &inner{}, number: 1}
	if _, err := pointerField(filled, "c", "inner"); err != nil {
		t.Errorf("pointerField of a good field = %v, want nil", err)
	}
	tests := []struct {
		give string
		from any
		name string
	}{
		{"no such field", filled, "d"},
		{"no pointer", filled, "number"},
		{"nil field", &owner{}, "c"},
		{"nil owner", (*owner)(nil), "c"},
		{"no struct pointer", 3, "c"},
	}
	for _, tt := range tests {
		if _, err := pointerField(tt.from, tt.name, "inner"); err == nil {
			t.Errorf("%s: pointerField = nil error, want one", tt.give)
		}
	}
	if _, err := pointerField(filled, "c", "other"); err == nil {
		t.Error("pointerField of another type = nil error, want one")
	}
}
