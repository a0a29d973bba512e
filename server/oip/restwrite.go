package oip

import (
	"encoding/binary"
	"math"
	"net/http"
	"strconv"

	"siamese/proto/inference"
	"siamese/server/internal/httpapi"
)

// writeInfer answers a request in JSON, with those tensors behind it as bytes that are
// asked for so.
func writeInfer(request *inference.ModelInferRequest, reply *inference.ModelInferResponse) (*httpapi.Answer, error) {
	text := append(appendText([]byte(`{"model_name":`), reply.GetModelName()), `,"model_version":`...)
	text = appendText(text, reply.GetModelVersion())
	if reply.GetId() != "" {
		text = appendText(append(text, `,"id":`...), reply.GetId())
	}
	text = append(text, `,"outputs":[`...)
	var binaries []byte
	for i, output := range reply.GetOutputs() {
		if i > 0 {
			text = append(text, ',')
		}
		raw := reply.GetRawOutputContents()[i]
		text = append(appendText(append(text, `{"name":`...), output.GetName()), `,"datatype":`...)
		text = append(appendText(text, output.GetDatatype()), `,"shape":`...)
		text = appendShape(text, output.GetShape())
		if isBinary(request, i) {
			text = append(text, `,"parameters":{"`+binaryDataSize+`":`...)
			text = append(strconv.AppendInt(text, int64(len(raw)), 10), "}}"...)
			binaries = append(binaries, raw...)
			continue
		}
		text = append(appendData(append(text, `,"data":`...), output.GetDatatype(), raw), '}')
	}
	text = append(text, "]}"...)
	if binaries == nil {
		return asJSON(http.StatusOK, text), nil
	}
	return &httpapi.Answer{
		Header: http.Header{"Content-Type": {"application/octet-stream"}, headerLength: {strconv.Itoa(len(text))}},
		Body:   append(text, binaries...),
	}, nil
}

// isBinary reports whether an output of the answer is asked for as bytes.
func isBinary(request *inference.ModelInferRequest, output int) bool {
	if asked := request.GetOutputs(); len(asked) > 0 {
		if p, ok := asked[output].GetParameters()[binaryData]; ok {
			return p.GetBoolParam()
		}
	}
	return request.GetParameters()[binaryDataOutput].GetBoolParam()
}

func appendShape(to []byte, shape []int64) []byte {
	to = append(to, '[')
	for i, dim := range shape {
		if i > 0 {
			to = append(to, ',')
		}
		to = strconv.AppendInt(to, dim, 10)
	}
	return append(to, ']')
}

// appendData writes elements that are FP32 or BOOL.
func appendData(to []byte, datatype string, raw []byte) []byte {
	size := 1
	if datatype == typeFloat {
		size = 4
	}
	to = append(to, '[')
	for at := 0; at < len(raw); at += size {
		if at > 0 {
			to = append(to, ',')
		}
		if datatype == typeFloat {
			to = appendFloat(to, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[at:]))), 32)
		} else {
			to = strconv.AppendBool(to, raw[at] != 0)
		}
	}
	return append(to, ']')
}
