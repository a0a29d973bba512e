package tfserving

import (
	"bytes"
	"net/http"
	"strconv"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"siamese/server/internal/httpapi"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// asJSON is how TensorFlow Serving spells messages in JSON.
var asJSON = protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}

func answer(body []byte) *httpapi.Answer {
	return &httpapi.Answer{Header: http.Header{"Content-Type": {"application/json"}}, Body: append(body, '\n')}
}

// writePredict answers with the one output that a signature has: without its name, as
// TensorFlow Serving does where there is one.
func writePredict(req predictRequest, reply *apis.PredictResponse) (*httpapi.Answer, error) {
	key := `{"outputs": `
	if req.isRows {
		key = `{"predictions": `
	}
	body := []byte(key)
	for _, output := range reply.GetOutputs() {
		body = appendTensor(body, output)
	}
	return answer(append(body, '}')), nil
}

// appendTensor appends a tensor of float32, [N] or [N,E].
func appendTensor(body []byte, t *corepb.TensorProto) []byte {
	values := t.GetFloatVal()
	dims := t.GetTensorShape().GetDim()
	if len(dims) < 2 {
		return appendFloats(body, values)
	}
	length := int(dims[1].GetSize())
	body = append(body, '[')
	for i := range int(dims[0].GetSize()) {
		if i > 0 {
			body = append(body, ", "...)
		}
		body = appendFloats(body, values[i*length:(i+1)*length])
	}
	return append(body, ']')
}

// appendFloats appends numbers with as many digits as tell them from all others, each
// with a point or an exponent: some readers take others for whole numbers.
func appendFloats(body []byte, values []float32) []byte {
	body = append(body, '[')
	for i, v := range values {
		if i > 0 {
			body = append(body, ", "...)
		}
		begins := len(body)
		body = strconv.AppendFloat(body, float64(v), 'g', -1, 32)
		if !bytes.ContainsAny(body[begins:], ".e") {
			body = append(body, ".0"...)
		}
	}
	return append(body, ']')
}

func writeStatus(_ *apis.GetModelStatusRequest, reply *apis.GetModelStatusResponse) (*httpapi.Answer, error) {
	body, err := asJSON.Marshal(reply)
	return answer(body), err
}

// writeMetadata answers with the signatures unpacked: their message has a name that no
// reader of JSON knows.
func writeMetadata(_ *apis.GetModelMetadataRequest, reply *apis.GetModelMetadataResponse) (*httpapi.Answer, error) {
	spec, err := asJSON.Marshal(reply.GetModelSpec())
	if err != nil {
		return nil, err
	}
	signatures := &apis.SignatureDefMap{}
	if err := proto.Unmarshal(reply.GetMetadata()[signatureField].GetValue(), signatures); err != nil {
		return nil, err
	}
	described, err := asJSON.Marshal(signatures)
	if err != nil {
		return nil, err
	}
	return answer(bytes.Join([][]byte{[]byte(`{"model_spec": `), spec, []byte(`, "metadata": {"signature_def": `), described, []byte(`}}`)}, nil)), nil
}
