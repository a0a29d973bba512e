package tfserving_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"siamese/server"
	"siamese/server/tfserving/tensorflow_serving/apis"
	"siamese/server/versions"
)

func byVersion(n int64) *apis.ModelSpec {
	return &apis.ModelSpec{Name: "fake", VersionChoice: &apis.ModelSpec_Version{Version: wrapperspb.Int64(n)}}
}

func byLabel(label string) *apis.ModelSpec {
	return &apis.ModelSpec{Name: "fake", VersionChoice: &apis.ModelSpec_VersionLabel{VersionLabel: label}}
}

func TestModelSpecChoosesTheVersion(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	tests := []struct {
		name string
		spec *apis.ModelSpec
		want int64
		err  failure
	}{
		{"none", nil, 3, failure{}},
		{"no name", &apis.ModelSpec{}, 3, failure{}},
		{"name", &apis.ModelSpec{Name: "fake"}, 3, failure{}},
		{"version", byVersion(3), 3, failure{}},
		{"version of a folder with zeros", byVersion(12), 12, failure{}},
		{"label", byLabel("canary"), 12, failure{}},
		{"other name", &apis.ModelSpec{Name: "other"}, 0, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"a version as a name", &apis.ModelSpec{Name: "3"}, 0, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"name and version in one", &apis.ModelSpec{Name: "fake/3"}, 0, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"other version", byVersion(4), 0, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"negative version", byVersion(-3), 0, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"other label", byLabel("old"), 0, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"auto, which there is not", &apis.ModelSpec{Name: "auto"}, 0, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request("encode", inputs{"images": gray(0)})
			req.ModelSpec = tt.spec
			if tt.spec != nil {
				req.ModelSpec.SignatureName = "encode"
			} else {
				req.Inputs = inputs{"image_a": gray(0), "image_b": gray(0)}
			}
			got, err := r.Predict(t.Context(), req)
			if failed := failureOf(err); failed != tt.err {
				t.Fatalf("Predict = %+v (%v), want %+v", failed, err, tt.err)
			}
			if v := got.GetModelSpec().GetVersion().GetValue(); v != tt.want {
				t.Errorf("answered by version %d, want %d", v, tt.want)
			}
			if values := got.GetOutputs()["embeddings"].GetFloatVal(); len(values) > 0 && (values[0] == 0.25) != (tt.want == 12) {
				t.Errorf("embedding %v is not that of version %d", values, tt.want)
			}
		})
	}
}

func TestWithoutModels(t *testing.T) {
	r := start(t, server.Config{Models: []string{"fake"}})
	_, err := r.Predict(t.Context(), request("", inputs{"image_a": gray(0), "image_b": gray(0)}))
	if got, want := failureOf(err), (failure{codes.Unavailable, "NOT_READY", ""}); got != want {
		t.Errorf("Predict = %+v (%v), want %+v", got, err, want)
	}
}

// Of auto, what scores images is there, and an answer names the model that made it.
func TestAuto(t *testing.T) {
	r := start(t, server.Config{Models: []string{"one", "two"}, AutoModels: []string{"one", "two"}, DefaultModel: "auto"})
	for _, name := range []string{"one", "two"} {
		info := infoOf(name, "1")
		info.Familiarity = familiar(0.6)
		if name == "two" {
			info.Familiarity = familiar(0.9) // is not asked, since all is familiar to the first
		}
		if err := errors.Join(r.server.AddModel(&fakeModel{}, info), r.server.Router(name).Route("1", nil)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "auto"} {
		req := request("", inputs{"image_a": gray(0), "image_b": gray(1)})
		req.ModelSpec.Name = name
		got, err := r.Predict(t.Context(), req)
		if err != nil || got.GetModelSpec().GetName() != "one" {
			t.Errorf("Predict of %q = %v, %v, want it answered by one", name, got, err)
		}
	}
	req := request("encode", inputs{"images": gray(0)})
	req.ModelSpec.Name = "auto"
	if _, err := r.Predict(t.Context(), req); failureOf(err).Reason != "SIGNATURE_NOT_FOUND" {
		t.Errorf("encode of auto = %v, want SIGNATURE_NOT_FOUND", err)
	}
	if got, _ := r.signatures(t, "auto"); !slices.Equal(got, []string{"encoded", "serving_default"}) {
		t.Errorf("signatures of auto = %q, want encoded and serving_default", got)
	}
	if _, err := r.models.GetModelStatus(t.Context(), &apis.GetModelStatusRequest{ModelSpec: &apis.ModelSpec{Name: "auto"}}); failureOf(err).Code != codes.NotFound {
		t.Errorf("status of auto = %v, want NOT_FOUND: it is no model", err)
	}
}

// signatures asks for a model's metadata.
func (r *running) signatures(t *testing.T, model string) (names []string, all map[string]*corepb.SignatureDef) {
	t.Helper()
	got, err := r.GetModelMetadata(t.Context(), &apis.GetModelMetadataRequest{ModelSpec: &apis.ModelSpec{Name: model}, MetadataField: []string{"signature_def"}})
	if err != nil {
		t.Fatal(err)
	}
	var told apis.SignatureDefMap
	if err := got.GetMetadata()["signature_def"].UnmarshalTo(&told); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(told.GetSignatureDef())), told.GetSignatureDef()
}

func TestMetadataHasTheSavedModelsSignatures(t *testing.T) {
	images := server.Tensor{Name: "images", Graph: "encode/in:0", Type: 4, Shape: []int64{-1, side, side, 3}}
	made := server.Tensor{Name: "embeddings", Graph: "encode/out:0", Type: 1, Shape: []int64{-1, length}}
	r := serve(t, server.Config{}, func(info *server.ModelInfo) {
		info.Signatures = []server.Signature{
			{Name: "encode", Inputs: []server.Tensor{images}, Outputs: []server.Tensor{made}},
			{Name: "other", Inputs: []server.Tensor{images}, Outputs: []server.Tensor{made}},
			{Name: "serving_default", Inputs: []server.Tensor{images}, Outputs: []server.Tensor{made}}, // not that of this network
		}
	})
	names, all := r.signatures(t, "fake")
	if want := []string{"encode", "encode_files", "encoded"}; !slices.Equal(names, want) {
		t.Errorf("signatures = %q, want %q", names, want)
	}
	if got := all["encode"].GetInputs()["images"].GetName(); got != "encode/in:0" {
		t.Errorf("encode's images are %q in the graph, want what the SavedModel says", got)
	}
	if got := all["encoded"].GetInputs()["image_a"].GetDtype().String(); got != "DT_STRING" {
		t.Errorf("encoded takes %s, want DT_STRING", got)
	}
	_, err := r.Predict(t.Context(), request("", inputs{"image_a": gray(0), "image_b": gray(0)}))
	if failureOf(err).Reason != "SIGNATURE_NOT_FOUND" {
		t.Errorf("serving_default of a SavedModel without it = %v, want SIGNATURE_NOT_FOUND", err)
	}
}

func TestMetadataOfAModelWithoutSavedModel(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	names, all := r.signatures(t, "fake")
	if want := []string{"compare", "encode", "encode_files", "encoded", "serving_default"}; !slices.Equal(names, want) {
		t.Errorf("signatures = %q, want %q", names, want)
	}
	if diff := cmp.Diff(shape(-1, side, side, 3), all["serving_default"].GetInputs()["image_b"].GetTensorShape(), protocmp.Transform()); diff != "" {
		t.Errorf("shape of image_b (-want +got):\n%s", diff)
	}
	for _, fields := range [][]string{nil, {"other"}} {
		_, err := r.GetModelMetadata(t.Context(), &apis.GetModelMetadataRequest{ModelSpec: byVersion(3), MetadataField: fields})
		if got := failureOf(err); got.Code != codes.InvalidArgument || got.Field != "metadata_field" {
			t.Errorf("metadata %q = %v, want INVALID_ARGUMENT", fields, err)
		}
	}
}

func TestStatusTellsVersions(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	for _, tt := range []struct {
		name string
		spec *apis.ModelSpec
		want []int64
	}{
		{"all", &apis.ModelSpec{Name: "fake"}, []int64{12, 3}},
		{"default", nil, []int64{12, 3}},
		{"version", byVersion(12), []int64{12}},
		{"label", byLabel("stable"), []int64{3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.models.GetModelStatus(t.Context(), &apis.GetModelStatusRequest{ModelSpec: tt.spec})
			if err != nil {
				t.Fatal(err)
			}
			var told []int64
			for _, version := range got.GetModelVersionStatus() {
				told = append(told, version.GetVersion())
				if version.GetState() != apis.ModelVersionStatus_AVAILABLE || version.GetStatus().GetErrorCode() != corepb.Code_OK {
					t.Errorf("version = %v, want AVAILABLE", version)
				}
			}
			if !slices.Equal(told, tt.want) {
				t.Errorf("versions = %v, want %v", told, tt.want)
			}
		})
	}
	for _, spec := range []*apis.ModelSpec{{Name: "other"}, byVersion(4), byLabel("old")} {
		_, err := r.models.GetModelStatus(t.Context(), &apis.GetModelStatusRequest{ModelSpec: spec})
		if got := failureOf(err); got.Code != codes.NotFound {
			t.Errorf("status of %v = %v, want NOT_FOUND", spec, err)
		}
	}
}

func TestStatusTellsStates(t *testing.T) {
	secret := errors.New("/home/secret: permission denied")
	known := []versions.Version{
		{Name: "7", State: versions.OnDisk},
		{Name: "6", State: versions.Loading},
		{Name: "5", State: versions.Serving},
		{Name: "4", State: versions.Unloading},
		{Name: "3", State: versions.Failed, Reason: secret},
		{Name: "2", State: versions.Failed, Reason: secret, NextTry: time.Now()},
		{Name: "trained", State: versions.State(99)},
	}
	r := start(t, server.Config{Models: []string{"fake"}}, func(s *server.Server) {
		s.TellVersions(func(model string) ([]versions.Version, bool) { return known, model == "fake" })
	})
	got, err := r.models.GetModelStatus(t.Context(), &apis.GetModelStatusRequest{ModelSpec: &apis.ModelSpec{Name: "fake"}})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, version := range got.GetModelVersionStatus() {
		told = append(told, version.GetState().String()+" "+version.GetStatus().GetErrorCode().String())
		if message := version.GetStatus().GetErrorMessage(); strings.Contains(message, "secret") {
			t.Errorf("callers are told %q", message)
		}
	}
	want := []string{"START OK", "LOADING OK", "AVAILABLE OK", "UNLOADING OK", "END FAILED_PRECONDITION", "END UNAVAILABLE", "UNKNOWN OK"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotOfferedSaysWhatIs(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	_, classify := r.Classify(t.Context(), &apis.ClassificationRequest{})
	_, regress := r.Regress(t.Context(), &apis.RegressionRequest{})
	_, both := r.MultiInference(t.Context(), &apis.MultiInferenceRequest{})
	_, reload := r.models.HandleReloadConfigRequest(t.Context(), &apis.ReloadConfigRequest{})
	for word, err := range map[string]error{"Classify": classify, "Regress": regress, "MultiInference": both, "--admin-addr": reload} {
		if got := failureOf(err); got.Code != codes.Unimplemented || got.Reason != "NOT_OFFERED" || !strings.Contains(err.Error(), word) {
			t.Errorf("%s = %v, want UNIMPLEMENTED in words", word, err)
		}
	}
}
