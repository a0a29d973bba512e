package oip

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
)

// Parameters of requests that mean something here. Others mean nothing and are let pass:
// those of REST's binary tensors, "priority", and what proxies add.
const (
	thresholdParameter = "threshold" // the similarity from which pictures are the same
	timeoutParameter   = "timeout"   // microseconds for which the request may last
)

// refusedParameters ask for what this server does not do, so that an answer would not
// be what was asked for.
var refusedParameters = map[string]string{
	"shared_memory_region":    "tensors come and go in messages: there is no shared memory",
	"shared_memory_byte_size": "tensors come and go in messages: there is no shared memory",
	"shared_memory_offset":    "tensors come and go in messages: there is no shared memory",
	"classification":          "the outputs are no classes",
	"sequence_id":             "each request stands alone: there are no sequences",
}

type parameters map[string]*inference.InferParameter

// checkParameters refuses those that can't be done; field is where they are.
func checkParameters(given parameters, field string) error {
	for _, name := range sorted(given) {
		if why := refusedParameters[name]; why != "" && !isZero(given[name]) {
			return fault.NotOffered("received parameter " + name + ", expected none: " + why).At(join(field, "parameters["+name+"]"))
		}
	}
	return nil
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

func sorted(given parameters) []string {
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// isZero reports whether a parameter says no more than its absence.
func isZero(p *inference.InferParameter) bool {
	return !p.GetBoolParam() && p.GetInt64Param() == 0 && p.GetStringParam() == "" && p.GetDoubleParam() == 0 && p.GetUint64Param() == 0
}

// threshold returns what is asked for; nil: each model's own.
func (p parameters) threshold() (*float32, error) {
	given, ok := p[thresholdParameter]
	if !ok {
		return nil, nil
	}
	field := "parameters[" + thresholdParameter + "]"
	value, ok := number(given)
	if !ok {
		return nil, fault.TensorInvalid("received %s, expected a number from 0 to 1", describe(given)).At(field)
	}
	asked := float32(value)
	return &asked, fault.CheckFraction(field, fault.ReasonThresholdRange, asked)
}

// timeout returns how long the request may last; 0: as long as any.
func (p parameters) timeout() (time.Duration, error) {
	given, ok := p[timeoutParameter]
	if !ok {
		return 0, nil
	}
	const longest = 24 * time.Hour // longer than any deadline
	value, ok := number(given)
	if !ok || !(value >= 0) {
		return 0, fault.TensorInvalid("received %s, expected microseconds from 0", describe(given)).At("parameters[" + timeoutParameter + "]")
	}
	return time.Duration(min(value, float64(longest/time.Microsecond))) * time.Microsecond, nil
}

// number reads a parameter that is one, as a text as well: not all clients have them all.
func number(p *inference.InferParameter) (float64, bool) {
	switch choice := p.GetParameterChoice().(type) {
	case *inference.InferParameter_DoubleParam:
		return choice.DoubleParam, true
	case *inference.InferParameter_Int64Param:
		return float64(choice.Int64Param), true
	case *inference.InferParameter_Uint64Param:
		return float64(choice.Uint64Param), true
	case *inference.InferParameter_StringParam:
		value, err := strconv.ParseFloat(strings.TrimSpace(choice.StringParam), 64)
		return value, err == nil
	}
	return 0, false
}

// describe quotes a parameter.
func describe(p *inference.InferParameter) string {
	switch choice := p.GetParameterChoice().(type) {
	case *inference.InferParameter_StringParam:
		return fault.Quote(choice.StringParam)
	case *inference.InferParameter_BoolParam:
		return strconv.FormatBool(choice.BoolParam)
	case nil:
		return "no value"
	}
	value, _ := number(p)
	return fmt.Sprint(value)
}
