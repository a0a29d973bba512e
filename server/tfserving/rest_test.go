package tfserving_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/server"
)

// picture is an image of the network's size and one value, as nested lists.
func picture(v byte) string {
	pixel := fmt.Sprintf("[%d,%d,%d]", v, v, v)
	row := "[" + strings.Repeat(pixel+", ", side-1) + pixel + "]"
	return "[" + strings.Repeat(row+",\n", side-1) + row + "]"
}

// b64 is the bytes of a file as the protocol has them in JSON.
func b64(file []byte) string { return `{"b64": "` + base64.StdEncoding.EncodeToString(file) + `"}` }

func TestRESTPredicts(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	a, b := grayFile(t, 10), grayFile(t, 200)
	alike := float64(similarity(10, 200))
	third := math.Exp(-1. / 3)
	tests := []struct {
		name, path, body string
		key              string
		want             any
	}{
		{"rows of pixels", "", `{"instances": [{"image_a": ` + picture(10) + `, "image_b": ` + picture(200) + `}, {"image_b": ` + picture(9) + `, "image_a": ` + picture(9) + `}]}`, "predictions", []any{alike, 1.}},
		{"columns of pixels", "", `{"signature_name": "serving_default", "inputs": {"image_a": [` + picture(10) + `], "image_b": [` + picture(200) + `]}}`, "outputs", []any{alike}},
		{"rows of one input", "", `{"signature_name": "encode", "instances": [` + picture(0) + `, {"images": ` + picture(255) + `}]}`, "predictions", []any{[]any{0., 0., 0.}, []any{1., 1., 1.}}},
		{"a column of one input", "", `{"signature_name": "encode", "inputs": [` + picture(0) + `]}`, "outputs", []any{[]any{0., 0., 0.}}},
		{"rows of files", "", `{"instances": [{"image_a": ` + b64(a) + `, "image_b": ` + b64(b) + `}], "signature_name": "encoded"}`, "predictions", []any{alike}},
		{"columns of files", "", `{"signature_name": "encoded", "inputs": {"image_a": [` + b64(a) + `], "image_b": [` + b64(b) + `]}}`, "outputs", []any{alike}},
		{"rows of one file", "", `{"signature_name": "encode_files", "instances": [` + b64(a) + `, {"images": ` + b64(a) + `}]}`, "predictions", []any{[]any{10. / 255, 10. / 255, 10. / 255}, []any{10. / 255, 10. / 255, 10. / 255}}},
		{"base64 without padding", "", `{"signature_name": "encode_files", "instances": [{"b64":"` + base64.RawStdEncoding.EncodeToString(append(a, 0)) + `"}]}`, "predictions", []any{[]any{10. / 255, 10. / 255, 10. / 255}}},
		{"embeddings", "", `{"signature_name": "compare", "inputs": {"a": [[0, 1e0, 0.5]], "b": [[0, 1, 1.5]]}}`, "outputs", []any{third}},
		{"a version", "/versions/12", `{"signature_name": "encode", "inputs": [` + picture(0) + `]}`, "outputs", []any{[]any{0.25, 0.25, 0.25}}},
		{"a label", "/labels/canary", `{"signature_name": "encode", "inputs": [` + picture(0) + `]}`, "outputs", []any{[]any{0.25, 0.25, 0.25}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := r.ask(t, "POST", "/v1/models/fake"+tt.path+":predict", tt.body)
			var got map[string]any
			if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
				t.Fatalf("answer = %d %s", status, body)
			}
			if diff := cmp.Diff(map[string]any{tt.key: tt.want}, got, tolerance); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// Readers that tell whole numbers from others get others.
func TestRESTWritesNumbersWithAPoint(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	_, body := r.ask(t, "POST", "/v1/models/fake:predict", `{"inputs": {"image_a": [`+picture(7)+`], "image_b": [`+picture(7)+`]}}`)
	if want := "{\"outputs\": [1.0]}\n"; body != want {
		t.Errorf("answer = %q, want %q", body, want)
	}
}

func TestRESTRefuses(t *testing.T) {
	r := serve(t, server.Config{MaxPairs: 2, MaxImages: 3}, nil)
	file := grayFile(t, 1)
	row := `{"image_a": ` + picture(1) + `, "image_b": ` + picture(2) + `}`
	encode := func(instances string) string {
		return `{"signature_name": "encode", "instances": ` + instances + `}`
	}
	type told struct{ Code, Reason, Field string }
	tests := []struct {
		name, path, body string
		status           int
		want             told
	}{
		{"no JSON", "fake:predict", `{"instances": [`, 400, told{"INVALID_ARGUMENT", "MESSAGE_UNREADABLE", ""}},
		{"UTF-16", "fake:predict", "\xff\xfe{\x00}\x00", 400, told{"INVALID_ARGUMENT", "MESSAGE_UNREADABLE", ""}},
		{"behind a byte order mark", "fake:predict", "\xef\xbb\xbf{}", 400, told{"INVALID_ARGUMENT", "TENSOR_NAME", ""}},
		{"no object", "fake:predict", `[]`, 400, told{"INVALID_ARGUMENT", "MESSAGE_UNREADABLE", ""}},
		{"deep", "fake:predict", `{"instances": ` + strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5) + `}`, 400, told{"INVALID_ARGUMENT", "MESSAGE_UNREADABLE", ""}},
		{"signature that is no text", "fake:predict", `{"signature_name": 1}`, 400, told{"INVALID_ARGUMENT", "MESSAGE_UNREADABLE", ""}},
		{"signature", "fake:predict", `{"signature_name": "x", "inputs": {}}`, 400, told{"FAILED_PRECONDITION", "SIGNATURE_NOT_FOUND", "model_spec.signature_name"}},
		{"neither", "fake:predict", `{}`, 400, told{"INVALID_ARGUMENT", "TENSOR_NAME", ""}},
		{"both", "fake:predict", `{"instances": [], "inputs": {}}`, 400, told{"INVALID_ARGUMENT", "TENSOR_NAME", ""}},
		{"instances that are no list", "fake:predict", `{"instances": null}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "instances"}},
		{"no instances", "fake:predict", `{"instances": [ ]}`, 400, told{"INVALID_ARGUMENT", "NO_ITEMS", "instances"}},
		{"too many pairs", "fake:predict", `{"instances": [` + row + `,` + row + `,` + row + `]}`, 400, told{"INVALID_ARGUMENT", "TOO_MANY_ITEMS", "inputs.image_a"}},
		{"too many to read", "fake:predict", encode("[[],[],[],[]]"), 400, told{"INVALID_ARGUMENT", "TOO_MANY_ITEMS", "instances"}},
		{"a row that is no object", "fake:predict", `{"instances": [` + picture(1) + `]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "instances[0]"}},
		{"a row without an input", "fake:predict", `{"instances": [` + row + `, {"image_a": ` + picture(1) + `}]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_NAME", "instances[1]"}},
		{"a row with one twice", "fake:predict", `{"instances": [{"image_a": ` + picture(1) + `, "image_a": ` + picture(1) + `, "image_b": ` + picture(1) + `}]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_NAME", "instances[0]"}},
		{"a row with another input", "fake:predict", `{"instances": [{"image_c": 1}]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_NAME", "inputs"}},
		{"inputs that are no object", "fake:predict", `{"inputs": [` + picture(1) + `]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs"}},
		{"an input that is no list", "fake:predict", `{"inputs": {"image_a": 1}}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.image_a"}},
		{"an empty input", "fake:predict", `{"inputs": {"image_a": []}}`, 400, told{"INVALID_ARGUMENT", "NO_ITEMS", "inputs.image_a"}},
		{"an input that is missing", "fake:predict", `{"inputs": {"image_a": [` + picture(1) + `]}}`, 400, told{"INVALID_ARGUMENT", "TENSOR_NAME", "inputs.image_b"}},
		{"ragged", "fake:predict", encode("[[[[1,2,3],[1,2]]]]"), 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"other shape", "fake:predict", encode("[" + picture(1) + ", [[[1,2,3]]]]"), 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[1]"}},
		{"too deep", "fake:predict", encode("[[[[[1]]]]]"), 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"not deep enough", "fake:predict", encode("[[1]]"), 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"a value that is too large", "fake:predict", encode("[[[[256,0,0]]]]"), 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"a value that is not whole", "fake:predict", encode("[[[[1.5,0,0]]]]"), 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"a value that is no number", "fake:predict", encode(`[[[["1",0,0]]]]`), 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"null as a float", "fake:predict", `{"signature_name": "compare", "inputs": {"a": [[null, 0, 0]]}}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.a[0]"}},
		{"a float that is too large", "fake:predict", `{"signature_name": "compare", "inputs": {"a": [[1e99, 0, 0]]}}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.a[0]"}},
		{"text as a file", "fake:predict", `{"signature_name": "encode_files", "inputs": [` + b64(file) + `, "text \u00e9"]}`, 400, told{"INVALID_ARGUMENT", "IMAGE_FORMAT_UNKNOWN", "inputs.images[1]"}},
		{"no base64", "fake:predict", `{"signature_name": "encode_files", "inputs": [{"b64": "?"}]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"base64 that is no text", "fake:predict", `{"signature_name": "encode_files", "inputs": [{"b64": 1}]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"a list as a file", "fake:predict", `{"signature_name": "encode_files", "inputs": [[1]]}`, 400, told{"INVALID_ARGUMENT", "TENSOR_INVALID", "inputs.images[0]"}},
		{"model", "none:predict", encode("[" + picture(1) + "]"), 404, told{"NOT_FOUND", "MODEL_NOT_FOUND", ""}},
		{"version", "fake/versions/4:predict", encode("[" + picture(1) + "]"), 404, told{"NOT_FOUND", "MODEL_NOT_FOUND", ""}},
		{"version that is no number", "fake/versions/x:predict", encode("[" + picture(1) + "]"), 400, told{"INVALID_ARGUMENT", "MESSAGE_UNREADABLE", ""}},
		{"classify", "fake:classify", `{}`, 501, told{"UNIMPLEMENTED", "NOT_OFFERED", ""}},
		{"other verb", "fake:x", `{}`, 400, told{"INVALID_ARGUMENT", "MESSAGE_UNREADABLE", ""}},
		{"other path", "fake/x", `{}`, 404, told{"UNIMPLEMENTED", "", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := r.ask(t, "POST", "/v1/models/"+tt.path, tt.body)
			var got struct {
				Error string
				told
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || got.Error == "" || len(body) > 1000 {
				t.Fatalf("answer %.1000q is no short error in JSON: %v", body, err)
			}
			if status != tt.status || got.told != tt.want {
				t.Errorf("answer = %d %s, want %d %+v", status, body, tt.status, tt.want)
			}
		})
	}
}

func TestRESTTellsModels(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	tests := []struct {
		path   string
		status int
		want   string // compact
	}{
		{"fake/versions/12", 200, `{"model_version_status":[{"version":"12","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`},
		{"fake/labels/stable", 200, `{"model_version_status":[{"version":"3","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`},
		{"none", 404, ""},
		{"fake:predict", 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			status, body := r.ask(t, "GET", "/v1/models/"+tt.path, "")
			if status != tt.status || tt.want != "" && strings.Join(strings.Fields(body), "") != tt.want {
				t.Errorf("answer = %d %s, want %d %s", status, body, tt.status, tt.want)
			}
		})
	}
}

func TestRESTTellsMetadata(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	for _, path := range []string{"fake/metadata", "fake/versions/3/metadata", "fake/labels/stable/metadata"} {
		status, body := r.ask(t, "GET", "/v1/models/"+path, "")
		var got struct {
			ModelSpec struct{ Name, Version string } `json:"model_spec"`
			Metadata  struct {
				SignatureDef struct {
					SignatureDef map[string]struct {
						Inputs map[string]struct {
							Dtype       string
							TensorShape struct{ Dim []struct{ Size string } } `json:"tensor_shape"`
						}
					} `json:"signature_def"`
				} `json:"signature_def"`
			}
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
			t.Fatalf("answer = %d %s (%v)", status, body, err)
		}
		input := got.Metadata.SignatureDef.SignatureDef["compare"].Inputs["a"]
		if got.ModelSpec.Version != "3" || input.Dtype != "DT_FLOAT" || len(input.TensorShape.Dim) != 2 || input.TensorShape.Dim[0].Size != "-1" {
			t.Errorf("metadata of %s = %s", path, body)
		}
	}
}
