package oip

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"testing"

	"google.golang.org/protobuf/proto"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
)

// FuzzInferRequest reads tensors of requests, by REST and over gRPC: each is as many
// pictures as its shape says, or refused as its caller's.
func FuzzInferRequest(f *testing.F) {
	const pair = `{"inputs":[{"name":"image_a","shape":[2],"datatype":"BYTES","data":["AA==",{"b64":"AAAA"}]},{"name":"image_b","shape":[2,1,1,3],"datatype":"UINT8","data":[[[[1,2,3]]],[4,5,6]]}]}`
	f.Add([]byte(pair), -1)
	f.Add([]byte(`{"inputs":[{"name":"image_a","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}},{"name":"image_b"}]}`+"\x02\x00\x00\x00ab"), 110)
	f.Add([]byte(`{"id":"x","parameters":{"threshold":0.5},"outputs":[{"name":"similarity"}],"inputs":[{"shape":[-1,9223372036854775807]}]}`), 3)
	message, err := proto.Marshal(&inference.ModelInferRequest{
		Inputs: []*inference.ModelInferRequest_InferInputTensor{
			{Name: "image_a", Datatype: "BYTES", Shape: []int64{1}}, {Name: "image_b", Datatype: "UINT8", Shape: []int64{1, 1, 1, 1}},
		},
		RawInputContents: [][]byte{{1, 0, 0, 0, 9}, {7}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message, -2)
	f.Fuzz(func(t *testing.T, body []byte, length int) {
		request := &inference.ModelInferRequest{}
		if length == -2 {
			if proto.Unmarshal(body, request) != nil {
				return
			}
		} else {
			header := http.Header{}
			if length >= 0 {
				header.Set(headerLength, strconv.Itoa(length))
			}
			var err error
			if request, err = readInfer(&http.Request{Header: header}, body); err != nil {
				checkRefusal(t, err)
				return
			}
		}
		checkRead(t, request)
	})
}

func checkRead(t *testing.T, request *inference.ModelInferRequest) {
	t.Helper()
	const limit = 4
	inputs, err := readInputs(request, []string{inputA, inputB}, limit)
	if err != nil {
		checkRefusal(t, err)
		return
	}
	items := int(request.GetInputs()[0].GetShape()[0])
	for _, pictures := range inputs {
		if len(pictures) != items || items < 1 || items > limit {
			t.Errorf("an input has %d pictures, want %d, at most %d", len(pictures), items, limit)
		}
	}
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var refused *fault.Fault
	if !errors.As(err, &refused) || len(err.Error()) > 1000 {
		t.Errorf("error %T of %d bytes, want a short one of the caller's: %.1000v", err, len(err.Error()), err)
	}
}

// TestElementsOfStrings: what comes out is what base64 says, whatever is around it.
func TestElementsOfStrings(t *testing.T) {
	file := []byte{0, 1, 2, 0xff}
	text := base64.StdEncoding.EncodeToString(file)
	tests := []struct{ name, give string }{
		{"one", `["` + text + `"]`},
		{"nested", "[\n[ \"" + text + "\" ] ]"},
		{"alone", `"` + text + `"`},
		{"object", `{"b64":"` + text + `"}`},
		{"without padding", `"AAEC_w"`},
		{"with escapes", `"AAEC\/w\u003d="`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := (&elements{text: []byte(tt.give)}).files()
			if err != nil || string(got) != "\x04\x00\x00\x00"+string(file) {
				t.Errorf("files = %q, %v; want %q behind its length", got, err, file)
			}
		})
	}
}
