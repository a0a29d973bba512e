package oip_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/server"
)

const lengthHeader = "Inference-Header-Content-Length"

func b64(file []byte) string { return base64.StdEncoding.EncodeToString(file) }

// pairJSON is a request about a pair, each picture as data in JSON.
func pairJSON(a, b string) string {
	const in = `{"name":%q,"shape":[1],"datatype":"BYTES","data":[%s]}`
	return fmt.Sprintf(`{"id":"7","inputs":[`+in+`,`+in+`]}`, "image_a", a, "image_b", b)
}

// TestRESTInfers: the same similarity in whatever form the pictures come.
func TestRESTInfers(t *testing.T) {
	r := serve(t, server.Config{})
	want := r.nativeSimilarities(t, "one", [2]uint8{51, 204})[0]
	a, b := strconv.Quote(b64(gray(51))), strconv.Quote(b64(gray(204)))
	numbers := strings.Repeat("[[51, 51 ,51]],", side*side)
	raw := append(packed(gray(51)), packed(gray(204))...)
	binary := fmt.Sprintf(`{"inputs":[{"name":"image_a","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":%d}},{"name":"image_b","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":%d}}]}`,
		len(packed(gray(51))), len(packed(gray(204))))
	mixed := fmt.Sprintf(`{"inputs":[{"name":"image_a","shape":[1],"datatype":"BYTES","data":[%s]},{"name":"image_b","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":%d}}]}`,
		a, len(packed(gray(204))))
	length := func(text string) http.Header { return http.Header{lengthHeader: {strconv.Itoa(len(text))}} }
	pack := func(w io.WriteCloser, packed *bytes.Buffer, text string) []byte {
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return packed.Bytes()
	}
	var zipped, deflated bytes.Buffer
	tests := []struct {
		name   string
		body   []byte
		header http.Header
	}{
		{"strings", []byte(pairJSON(a, b)), nil},
		{"objects", []byte(pairJSON(`{"b64":`+a+`}`, ` [ { "b64" : `+b+` } ] `)), nil},
		{"data URL", []byte(pairJSON(`"data:image\/png;base64,`+b64(gray(51))+`"`, b)), nil},
		{"pixels", []byte(`{"inputs":[{"name":"image_a","shape":[1,8,8,3],"datatype":"UINT8","data":[` + numbers[:len(numbers)-1] + `]},{"name":"image_b","shape":[1,1],"datatype":"BYTES","data":` + b + `}]}`), nil},
		{"binary", append([]byte(binary), raw...), length(binary)},
		{"binary beside JSON", append([]byte(mixed), packed(gray(204))...), length(mixed)},
		{"gzip", pack(gzip.NewWriter(&zipped), &zipped, pairJSON(a, b)), http.Header{"Content-Encoding": {"gzip"}}},
		{"deflate", pack(zlib.NewWriter(&deflated), &deflated, pairJSON(a, b)), http.Header{"Content-Encoding": {"deflate"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := r.do(t, http.MethodPost, "/v2/models/one/infer", tt.body, tt.header)
			var read struct {
				Outputs []struct {
					Name string
					Data []any
				}
			}
			if err := json.Unmarshal([]byte(got.body), &read); err != nil || got.status != http.StatusOK || len(read.Outputs) != 2 {
				t.Fatalf("answer = %+v (%v), want two outputs", got, err)
			}
			if similarity := float32(read.Outputs[0].Data[0].(float64)); similarity != want {
				t.Errorf("similarity = %v, want %v", similarity, want)
			}
			if same := read.Outputs[1].Data[0]; same != false {
				t.Errorf("same = %v, want false", same)
			}
		})
	}
}

// TestRESTAnswersAsAsked holds whole answers.
func TestRESTAnswersAsAsked(t *testing.T) {
	r := serve(t, server.Config{})
	pair := strings.TrimSuffix(pairJSON(strconv.Quote(b64(gray(0))), strconv.Quote(b64(gray(0)))), "}")
	embed := `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["` + b64(gray(255)) + `"]}]`
	const one = "\x00\x00\x80\x3f" // 1 as FP32
	tests := []struct {
		name, path, body, want string
		binary                 bool
	}{
		{"all", "/v2/models/one/infer", pair + `}`,
			`{"model_name":"one","model_version":"1","id":"7","outputs":[{"name":"similarity","datatype":"FP32","shape":[1],"data":[1]},{"name":"same","datatype":"BOOL","shape":[1],"data":[true]}]}`, false},
		{"one output of a version", "/v2/models/one/versions/2/infer", pair + `,"outputs":[{"name":"similarity"}]}`,
			`{"model_name":"one","model_version":"2","id":"7","outputs":[{"name":"similarity","datatype":"FP32","shape":[1],"data":[1]}]}`, false},
		{"all binary", "/v2/models/one/infer", pair + `,"parameters":{"binary_data_output":true}}`,
			`{"model_name":"one","model_version":"1","id":"7","outputs":[{"name":"similarity","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}},{"name":"same","datatype":"BOOL","shape":[1],"parameters":{"binary_data_size":1}}]}` + one + "\x01", true},
		{"one binary", "/v2/models/one/infer", pair + `,"outputs":[{"name":"same","parameters":{"binary_data":false}},{"name":"similarity","parameters":{"binary_data":true}}]}`,
			`{"model_name":"one","model_version":"1","id":"7","outputs":[{"name":"same","datatype":"BOOL","shape":[1],"data":[true]},{"name":"similarity","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}` + one, true},
		{"embedding", "/v2/models/one-encode/infer", embed + `}`,
			`{"model_name":"one-encode","model_version":"1","outputs":[{"name":"embedding","datatype":"FP32","shape":[1,3],"data":[1,1,1]}]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := r.do(t, http.MethodPost, tt.path, []byte(tt.body), nil)
			wantLength := ""
			if tt.binary {
				wantLength = strconv.Itoa(strings.LastIndexByte(tt.want, '}') + 1)
			}
			if got.status != http.StatusOK || got.body != tt.want || got.header.Get(lengthHeader) != wantLength {
				t.Errorf("answer = %d, %s %q, %q; want %q, %q", got.status, lengthHeader, got.header.Get(lengthHeader), got.body, wantLength, tt.want)
			}
			if got.header.Get("X-Request-Id") == "" {
				t.Error("the answer tells no id of the request")
			}
		})
	}
}

func TestRESTRefuses(t *testing.T) {
	r := serve(t, server.Config{MaxMessageBytes: 1 << 20})
	ok := strconv.Quote(b64(gray(1)))
	in := func(rest string) string {
		return `{"inputs":[{"name":"image_a","datatype":"BYTES",` + rest + `},{"name":"image_b","shape":[1],"datatype":"BYTES","data":[` + ok + `]}]}`
	}
	length := func(value string) http.Header { return http.Header{lengthHeader: {value}} }
	const unreadable = "INVALID_ARGUMENT/MESSAGE_UNREADABLE/"
	tests := []struct {
		name, body string
		header     http.Header
		status     int
		want       string // code/reason/field
	}{
		{"nothing", "", nil, 400, unreadable},
		{"no JSON", "{", nil, 400, unreadable},
		{"a list", "[]", nil, 400, unreadable},
		{"UTF-16", "\xff\xfe{\x00}\x00", nil, 400, unreadable},
		{"no inputs", "{}", nil, 400, "INVALID_ARGUMENT/TENSOR_NAME/inputs"},
		{"a length beyond the body", "{}", length("3"), 400, unreadable},
		{"a negative length", "{}", length("-1"), 400, unreadable},
		{"a length of many digits", "{}", length("99999999999999999999"), 400, unreadable},
		{"bytes behind the inputs", "{}xx", length("2"), 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs"},
		{"a size beyond the body", in(`"shape":[1],"parameters":{"binary_data_size":9}`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].parameters[binary_data_size]"},
		{"a negative size", in(`"shape":[1],"parameters":{"binary_data_size":-1}`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].parameters[binary_data_size]"},
		{"a size of no number", in(`"shape":[1],"parameters":{"binary_data_size":"NaN"}`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].parameters[binary_data_size]"},
		{"data beside a size", in(`"shape":[1],"data":[],"parameters":{"binary_data_size":0}`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"no data", in(`"shape":[1]`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].contents"},
		{"no base64", in(`"shape":[1],"data":["%"]`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"a number for a file", in(`"shape":[1],"data":[1]`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"null for a file", in(`"shape":[1],"data":[null]`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"an object of something else", in(`"shape":[1],"data":[{"file":"x"}]`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"an object of more", in(`"shape":[1],"data":[{"b64":"","c":1}]`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"an object of a number", in(`"shape":[1],"data":[{"b64":1}]`), nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"a shape of fractions", in(`"shape":[1.5],"data":[]`), nil, 400, unreadable},
		{"a shape of many dimensions", in(`"shape":[` + strings.Repeat("1,", 1000) + `1],"data":[]`), nil, 400, unreadable},
		{"a shape of a text", in(`"shape":"1"`), nil, 400, unreadable},
		{"many parameters", in(`"shape":[1],"parameters":{` + strings.Repeat(`"a":1,`, 1000) + `"a":1}`), nil, 400, unreadable},
		{"many objects", `{"inputs":[` + strings.Repeat("{},", 1<<15) + `{}]}`, nil, 400, unreadable},
		{"many inputs of nothing", `{"inputs":[` + strings.Repeat("null,", 100) + `null]}`, nil, 400, unreadable},
		{"many outputs of nothing", `{"outputs":[` + strings.Repeat("null,", 100) + `null]}`, nil, 400, unreadable},
		{"many values in a parameter", `{"parameters":{"a":[[` + strings.Repeat("1,", 300) + `1]]}}`, nil, 400, unreadable},
		{"many lists in a parameter", `{"parameters":{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}}`, nil, 400, unreadable},
		{"too long", strings.Repeat(" ", 3<<20), nil, 413, "RESOURCE_EXHAUSTED//"},
		{"an image", in(`"shape":[1],"data":[""]`), nil, 400, "INVALID_ARGUMENT/IMAGE_EMPTY/inputs[0][0]"},
		{"pixels beyond 255", `{"inputs":[{"name":"image_a","datatype":"UINT8","shape":[1,1,1,1],"data":[256]}]}`, nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
		{"pixels of text", `{"inputs":[{"name":"image_a","datatype":"UINT8","shape":[1,1,1,1],"data":["1"]}]}`, nil, 400, "INVALID_ARGUMENT/TENSOR_INVALID/inputs[0].data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := r.do(t, http.MethodPost, "/v2/models/one/infer", []byte(tt.body), tt.header)
			if said := refusal(t, got); got.status != tt.status || said != tt.want {
				t.Errorf("answer = %d %s %s, want %d %s", got.status, said, got.body, tt.status, tt.want)
			}
			if len(got.body) > 1000 {
				t.Errorf("the refusal has %d bytes, want few: %s", len(got.body), got.body)
			}
		})
	}
}

// refusal reads an error in JSON as CODE/REASON/FIELD.
func refusal(t *testing.T, from answer) string {
	t.Helper()
	var told struct{ Error, Code, Reason, Field string }
	if err := json.Unmarshal([]byte(from.body), &told); err != nil || told.Error == "" {
		t.Fatalf("answer %+v is no error in JSON: %v", from, err)
	}
	return told.Code + "/" + told.Reason + "/" + told.Field
}

// TestRESTTellsOfModels holds the answers that tools read.
func TestRESTTellsOfModels(t *testing.T) {
	r := serve(t, server.Config{Build: server.BuildInfo{Version: "1.2"}})
	const (
		inputs    = `"inputs":[{"name":"image_a","datatype":"BYTES","shape":[-1,1]},{"name":"image_b","datatype":"BYTES","shape":[-1,1]}]`
		outputs   = `"outputs":[{"name":"similarity","datatype":"FP32","shape":[-1]},{"name":"same","datatype":"BOOL","shape":[-1]}]`
		noneYet   = `"inference_stats":{"success":{"count":0,"ns":0},"fail":{"count":0,"ns":0},"queue":{"count":0,"ns":0},"compute_input":{"count":0,"ns":0},"compute_infer":{"count":0,"ns":0},"compute_output":{"count":0,"ns":0}}`
		ready     = `"state":"READY","reason":""}`
		notLoaded = `"version":"","state":"UNAVAILABLE","reason":"no version is loaded: it is being loaded, or does not hold"}`
	)
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"server", "GET", "/v2", "", 200, `{"name":"siamese","version":"1.2","extensions":["binary_tensor_data","model_configuration","model_repository","parameters","statistics"]}`},
		{"live", "GET", "/v2/health/live", "", 200, `{"live":true}`},
		{"ready", "GET", "/v2/health/ready", "", 200, `{"ready":true}`},
		{"model ready", "GET", "/v2/models/one/ready", "", 200, `{"ready":true}`},
		{"version ready", "GET", "/v2/models/one/versions/canary/ready", "", 200, `{"ready":true}`},
		{"model that is not", "GET", "/v2/models/three/ready", "", 503, `{"ready":false}`},
		{"metadata", "GET", "/v2/models/one", "", 200, `{"name":"one","versions":["1","2"],"platform":"tensorflow_savedmodel",` + inputs + `,` + outputs + `}`},
		{"metadata of an encoder", "GET", "/v2/models/two-encode/versions/1", "", 200, `{"name":"two-encode","versions":["1"],"platform":"tensorflow_savedmodel","inputs":[{"name":"image","datatype":"BYTES","shape":[-1,1]}],"outputs":[{"name":"embedding","datatype":"FP32","shape":[-1,3]},{"name":"familiarity","datatype":"FP32","shape":[-1]}]}`},
		{"configuration", "GET", "/v2/models/one-encode/config", "", 200, `{"name":"one-encode","platform":"tensorflow_savedmodel","max_batch_size":128,"input":[{"name":"image","data_type":"TYPE_STRING","dims":[1]}],"output":[{"name":"embedding","data_type":"TYPE_FP32","dims":[3]}],"instance_group":[{"name":"one-encode","kind":"KIND_CPU"}],"dynamic_batching":{},"parameters":{"digest":{"string_value":"digest-one1"},"input_height":{"string_value":"8"},"input_width":{"string_value":"8"},"threshold":{"string_value":"0.75"}},"backend":"tensorflow","model_transaction_policy":{"decoupled":false}}`},
		{"statistics of none", "GET", "/v2/models/one/versions/2/stats", "", 200, `{"model_stats":[{"name":"one","version":"2","last_inference":0,"inference_count":0,"execution_count":0,` + noneYet + `}]}`},
		{"index", "POST", "/v2/repository/index", "{}", 200, `[{"name":"one","version":"1",` + ready + `,{"name":"one","version":"2",` + ready + `,{"name":"one-encode","version":"1",` + ready + `,{"name":"one-encode","version":"2",` + ready +
			`,{"name":"two","version":"1",` + ready + `,{"name":"two-encode","version":"1",` + ready + `,{"name":"three",` + notLoaded + `,{"name":"three-encode",` + notLoaded + `]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := r.do(t, tt.method, tt.path, []byte(tt.body), nil)
			if diff := cmp.Diff(tt.want, got.body); diff != "" || got.status != tt.status {
				t.Errorf("%s = %d, want %d (-want +got):\n%s", tt.path, got.status, tt.status, diff)
			}
		})
	}
	if got := r.do(t, http.MethodPost, "/v2/repository/index", []byte(`{"ready":true}`), nil); strings.Contains(got.body, "three") {
		t.Errorf("index of what is ready = %s, want it without the model that is not", got.body)
	}
}

// TestRESTSaysWhatIsNotThere in the protocol's form, also of paths and methods.
func TestRESTSaysWhatIsNotThere(t *testing.T) {
	r := serve(t, server.Config{})
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/v2/models/none", "", 404, "NOT_FOUND/MODEL_NOT_FOUND/"},
		{"GET", "/v2/models/none/ready", "", 404, "NOT_FOUND/MODEL_NOT_FOUND/"},
		{"GET", "/v2/models/one/versions/9/config", "", 404, "NOT_FOUND/MODEL_NOT_FOUND/"},
		{"GET", "/v2/models/none/stats", "", 404, "NOT_FOUND/MODEL_NOT_FOUND/"},
		{"GET", "/v2/models/one/infer", "", 405, "UNIMPLEMENTED//"},
		{"GET", "/v2/nothing", "", 404, "UNIMPLEMENTED//"},
		{"GET", "/v2/systemsharedmemory/status", "", 501, "UNIMPLEMENTED/NOT_OFFERED/"},
		{"POST", "/v2/cudasharedmemory/region/x/register", "{}", 501, "UNIMPLEMENTED/NOT_OFFERED/"},
		{"GET", "/v2/models/one/trace/setting", "", 501, "UNIMPLEMENTED/NOT_OFFERED/"},
		{"GET", "/v2/logging", "", 501, "UNIMPLEMENTED/NOT_OFFERED/"},
		{"POST", "/v2/repository/models/one/load", "", 403, "PERMISSION_DENIED/NOT_OPERATOR/"},
		{"POST", "/v2/repository/models/one/unload", `{"parameters":{"unload_dependents":false}}`, 403, "PERMISSION_DENIED/NOT_OPERATOR/"},
		{"POST", "/v2/repository/index", `[`, 400, "INVALID_ARGUMENT/MESSAGE_UNREADABLE/"},
		{"POST", "/v2/repository/index", strings.Repeat(" ", 1<<17), 400, "INVALID_ARGUMENT/MESSAGE_UNREADABLE/"},
		{"POST", "/v2/repository/models/one/load", `{"parameters":{"config":[1]}}`, 400, "INVALID_ARGUMENT/MESSAGE_UNREADABLE/parameters[\"config\"]"},
	}
	for _, tt := range tests {
		got := r.do(t, tt.method, tt.path, []byte(tt.body), nil)
		if said := refusal(t, got); got.status != tt.status || said != tt.want {
			t.Errorf("%s %s = %d %s %s, want %d %s", tt.method, tt.path, got.status, said, got.body, tt.status, tt.want)
		}
	}
}
