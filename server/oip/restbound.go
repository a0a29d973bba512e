package oip

import (
	"bytes"
	"encoding/json"
	"fmt"

	"siamese/proto/inference"
)

// What JSON may unpack to: a few bytes of it may take many times as much, a list's "1,"
// a tensor. The bounds are beyond what any request needs, so that what is wrong with one
// of a tensor too many is told as over gRPC.
const (
	maxTensors    = 64
	maxDimensions = 16
	maxParameters = 256
)

// jsonTensors are the inputs or the outputs of a request.
type jsonTensors[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (t *jsonTensors[T]) UnmarshalJSON(text []byte) error {
	if count := countParts(text, 1); count > maxTensors {
		return fmt.Errorf("received %d tensors in a list, expected at most %d", count, maxTensors)
	}
	return json.Unmarshal(text, (*[]T)(t))
}

type jsonShape []int64

// UnmarshalJSON implements json.Unmarshaler.
func (s *jsonShape) UnmarshalJSON(text []byte) error {
	if dims := countParts(text, 1); dims > maxDimensions {
		return fmt.Errorf("received a shape of %d dimensions, expected at most %d", dims, maxDimensions)
	}
	return json.Unmarshal(text, (*[]int64)(s))
}

type jsonParameters map[string]*inference.InferParameter

// UnmarshalJSON implements json.Unmarshaler. A value that has no form in the protocol is
// one that says nothing.
func (p *jsonParameters) UnmarshalJSON(text []byte) error {
	if count := countParts(text, len(text)); count > maxParameters {
		return fmt.Errorf("received parameters of %d values, expected at most %d", count, maxParameters)
	}
	var given map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		return err
	}
	*p = make(jsonParameters, len(given))
	for name, value := range given {
		(*p)[name] = parameterOf(value)
	}
	return nil
}

func parameterOf(value any) *inference.InferParameter {
	switch v := value.(type) {
	case bool:
		return &inference.InferParameter{ParameterChoice: &inference.InferParameter_BoolParam{BoolParam: v}}
	case string:
		return &inference.InferParameter{ParameterChoice: &inference.InferParameter_StringParam{StringParam: v}}
	case json.Number:
		if whole, err := v.Int64(); err == nil {
			return &inference.InferParameter{ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: whole}}
		}
		if number, err := v.Float64(); err == nil {
			return &inference.InferParameter{ParameterChoice: &inference.InferParameter_DoubleParam{DoubleParam: number}}
		}
		return parameterOf(v.String()) // one beyond all numbers, to be told as it came
	}
	return &inference.InferParameter{}
}

// countParts returns how many elements and members there are in valid JSON, in lists and
// objects up to depth deep; one that is empty counts as one.
func countParts(text []byte, depth int) int {
	count, deep := 0, 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			at = endOfString(text, at)
		case '[', '{':
			if deep++; deep <= depth {
				count++
			}
		case ']', '}':
			deep--
		case ',':
			if deep <= depth {
				count++
			}
		}
	}
	return count
}

// endOfString returns where the string ends that begins at a place in valid JSON.
func endOfString(text []byte, begin int) int {
	at := begin + 1
	for at < len(text) && text[at] != '"' {
		if text[at] == '\\' {
			at++
		}
		at++
	}
	return at
}
