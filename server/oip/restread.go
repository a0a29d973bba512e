package oip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
	"siamese/server/internal/httpapi"
)

// headerLength is the header of a body whose tensors follow its JSON as bytes: how long
// the JSON is.
const headerLength = "Inference-Header-Content-Length"

// Parameters of the binary tensor extension.
const (
	binaryDataSize   = "binary_data_size"   // of an input or output: its bytes behind the JSON
	binaryData       = "binary_data"        // of a requested output: it is to come so
	binaryDataOutput = "binary_data_output" // of a request: all are to come so
)

// jsonRequest is a request in JSON.
type jsonRequest struct {
	ID         string                  `json:"id"`
	Parameters jsonParameters          `json:"parameters"`
	Inputs     jsonTensors[jsonInput]  `json:"inputs"`
	Outputs    jsonTensors[jsonOutput] `json:"outputs"`
}

type jsonInput struct {
	Name       string          `json:"name"`
	Datatype   string          `json:"datatype"`
	Shape      jsonShape       `json:"shape"`
	Parameters jsonParameters  `json:"parameters"`
	Data       json.RawMessage `json:"data"`
}

type jsonOutput struct {
	Name       string         `json:"name"`
	Parameters jsonParameters `json:"parameters"`
}

// readInfer makes the call of a request: all tensors become raw_input_contents.
func readInfer(r *http.Request, body []byte) (*inference.ModelInferRequest, error) {
	text, binaries, err := splitBody(r.Header.Get(headerLength), body)
	if err != nil {
		return nil, err
	}
	var given jsonRequest
	if err := json.Unmarshal(text, &given); err != nil {
		return nil, fault.Unreadable("expected an inference request in JSON, or " + headerLength + " where tensors follow it: " + fault.ClipQuoting(err.Error()))
	}
	request := &inference.ModelInferRequest{
		ModelName: r.PathValue("model"), ModelVersion: r.PathValue("version"),
		Id: given.ID, Parameters: given.Parameters,
	}
	for i, input := range given.Inputs {
		field := fmt.Sprintf("inputs[%d]", i)
		request.Inputs = append(request.Inputs, &inference.ModelInferRequest_InferInputTensor{
			Name: input.Name, Datatype: input.Datatype, Shape: input.Shape, Parameters: input.Parameters,
		})
		var raw []byte
		if raw, binaries, err = input.raw(field, binaries); err != nil {
			return nil, err
		}
		request.RawInputContents = append(request.RawInputContents, raw)
	}
	if len(binaries) > 0 {
		return nil, fault.TensorInvalid("received %d bytes behind the inputs, expected none", len(binaries)).At("inputs")
	}
	for _, output := range given.Outputs {
		request.Outputs = append(request.Outputs, &inference.ModelInferRequest_InferRequestedOutputTensor{Name: output.Name, Parameters: output.Parameters})
	}
	return request, nil
}

// splitBody returns the JSON of a body and the tensors behind it.
func splitBody(length string, body []byte) (text, binaries []byte, err error) {
	if length == "" {
		text, err := httpapi.TextOf(body)
		return text, nil, err
	}
	n, err := strconv.ParseUint(length, 10, 31)
	if err != nil || n > uint64(len(body)) {
		return nil, nil, fault.Unreadable(fmt.Sprintf("received %s %s, expected a number up to the %d bytes of the body", headerLength, fault.Quote(length), len(body)))
	}
	return body[:n], body[n:], nil
}

// raw returns the elements of an input as raw_input_contents has them, and what is left
// of the tensors behind the JSON.
func (in *jsonInput) raw(field string, binaries []byte) (raw, left []byte, err error) {
	if given, ok := in.Parameters[binaryDataSize]; ok {
		size, ok := number(given)
		if !ok || size < 0 || size > float64(len(binaries)) || size != float64(int64(size)) {
			return nil, nil, fault.TensorInvalid("received %s, expected a size up to the %d bytes that are there", describe(given), len(binaries)).At(field + ".parameters[" + binaryDataSize + "]")
		}
		if in.Data != nil {
			return nil, nil, fault.TensorInvalid("received data beside %s, expected one of the two", binaryDataSize).At(field + ".data")
		}
		return binaries[:int(size):int(size)], binaries[int(size):], nil
	}
	reader := elements{text: in.Data}
	switch in.Datatype {
	case typeBytes:
		raw, err = reader.files()
	case typeUint8:
		raw, err = reader.pixels()
	default: // refused where shapes are read
	}
	if err != nil {
		if f := fault.Of(err); f != nil {
			err = f.At(field + ".data")
		}
		return nil, nil, err
	}
	return raw, binaries, nil
}

// elements goes through the data of a tensor in JSON, which may be nested; the JSON is
// whole.
type elements struct {
	text []byte
	at   int
}

// next goes to the next element and returns its first byte, 0 at the end.
func (e *elements) next() byte {
	for ; e.at < len(e.text); e.at++ {
		switch c := e.text[e.at]; c {
		case ' ', '\t', '\r', '\n', '[', ']', ',':
		default:
			return c
		}
	}
	return 0
}

// pixels reads numbers from 0 to 255.
func (e *elements) pixels() ([]byte, error) {
	raw := make([]byte, 0, len(e.text)/2) // a number and what parts it from the next
	for e.next() != 0 {
		begin := e.at
		for e.at < len(e.text) && bytes.IndexByte([]byte(" \t\r\n[],"), e.text[e.at]) < 0 {
			e.at++
		}
		value, err := strconv.ParseUint(string(e.text[begin:e.at]), 10, 8)
		if err != nil {
			return nil, fault.TensorInvalid("received %s as element %d, expected a number from 0 to 255", fault.Quote(string(e.text[begin:e.at])), len(raw))
		}
		raw = append(raw, byte(value))
	}
	return raw, nil
}

// files reads image files in base64, each as a string or as {"b64": "…"}.
func (e *elements) files() ([]byte, error) {
	raw := make([]byte, 0, len(e.text))
	for count := 0; ; count++ {
		c := e.next()
		if c == 0 {
			return raw, nil
		}
		file, err := e.file(c)
		if err != nil {
			return nil, fault.TensorInvalid("element %d: %s", count, err)
		}
		raw = binary.LittleEndian.AppendUint32(raw, uint32(len(file)))
		raw = append(raw, file...)
	}
}

const expectedFile = `expected a string of base64, or {"b64": "…"} of one`

func (e *elements) file(first byte) ([]byte, error) {
	switch first {
	case '"':
		return httpapi.DecodeBase64(e.string())
	case '{':
		e.at++
		if e.space() != '"' || string(e.string()) != "b64" || e.space() != ':' {
			return nil, fmt.Errorf("received an object without \"b64\", %s", expectedFile)
		}
		e.at++
		if e.space() != '"' {
			return nil, fmt.Errorf("received no string under \"b64\", %s", expectedFile)
		}
		text := e.string()
		if e.space() != '}' {
			return nil, fmt.Errorf("received an object of more than \"b64\", %s", expectedFile)
		}
		e.at++
		return httpapi.DecodeBase64(text)
	}
	return nil, fmt.Errorf("received %q, %s", first, expectedFile)
}

// space goes over white space and returns what follows, 0 at the end.
func (e *elements) space() byte {
	e.at += len(e.text[e.at:]) - len(bytes.TrimLeft(e.text[e.at:], " \t\r\n"))
	if e.at == len(e.text) {
		return 0
	}
	return e.text[e.at]
}

// string goes over the string that begins here and returns the text between its
// quotation marks, escapes and all.
func (e *elements) string() []byte {
	begin, end := e.at+1, min(endOfString(e.text, e.at), len(e.text))
	e.at = min(end+1, len(e.text))
	return e.text[begin:end]
}
