// Package metrics keeps a server's numbers for Prometheus.
//
// What happens is counted as it happens, by the methods of [Metrics]. What the
// queue and the cache count for themselves is read from them when Prometheus
// asks, as a [Reading]. Labels take few values, all known beforehand: the name
// of an RPC, a code, a reason of the contract, a stage; never what a caller
// sent.
//
// Calls have go-grpc-middleware's names and labels (providers/prometheus there),
// so that usual dashboards of gRPC servers work: grpc_server_started_total,
// grpc_server_handled_total, grpc_server_handling_seconds. Unlike its
// interceptors they know calls that gRPC itself refuses, too, such as for a
// message over the limit.
package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// namespace begins every name of our own.
const namespace = "siamese"

// grpcServer begins the names that are go-grpc-middleware's.
const grpcServer = "grpc_server"

// Stage is a part of a call's way.
type Stage string

// The stages, in the order of a call.
const (
	// Receive is from a unary call's header to its whole message.
	Receive Stage = "receive"
	// Decode is from bytes to the network's input, for all images of a call
	// together, the wait for a free worker included.
	Decode Stage = "decode"
	// Queue is the longest wait for the encoder among the images of a call.
	Queue Stage = "queue"
	// Encode is from the end of that wait to the last embedding.
	Encode Stage = "encode"
	// Compare is the run of the head, the wait for a free one included.
	Compare Stage = "compare"
	// Search is from an embedding to the things of a gallery that are like it, the wait
	// for a turn and the run of the head included.
	Search Stage = "search"
	// Send is until gRPC has taken the answer: with a client that reads slowly,
	// until there is room for it.
	Send Stage = "send"
)

// Stages lists the stages in the order of a call.
func Stages() []Stage { return []Stage{Receive, Decode, Queue, Encode, Compare, Search, Send} }

// stageBuckets are in seconds. A hit of the cache takes microseconds, a run on a
// CPU tenths of a second, and a wait in a full queue seconds.
var stageBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// callBuckets are in seconds, to the default deadline.
var callBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// Metrics counts calls and what happens in them. A nil one counts nothing. It is
// safe for concurrent use.
type Metrics struct {
	started  *prometheus.CounterVec   // by type, service and method
	handled  *prometheus.CounterVec   // by the same and code
	seconds  *prometheus.HistogramVec // by type, service and method
	inFlight *prometheus.GaugeVec     // by method
	refused  *prometheus.CounterVec   // by reason
	items    *prometheus.CounterVec   // by reason
	messages *prometheus.CounterVec   // by result
	streams  prometheus.Gauge
	dropped  prometheus.Counter
	images   *prometheus.CounterVec        // by model and whether foreign
	enrolled *prometheus.CounterVec        // by outcome
	stages   map[Stage]prometheus.Observer // unchanging
}

// New registers the metrics of one server at registerer; read gives what is
// counted elsewhere and is called for each scrape, by several goroutines at a
// time. Without a registerer it returns nil, which counts nothing. The error
// says that the registerer has metrics of a server already.
func New(registerer prometheus.Registerer, read func() Reading) (*Metrics, error) {
	if registerer == nil {
		return nil, nil //nolint:nilnil // a nil Metrics is whole: it counts nothing
	}
	rpc := []string{"grpc_type", "grpc_service", "grpc_method"} // RPC.labels gives their values
	stages := histogram(namespace, "stage_seconds", "Time of a call or of a stream's message in one stage; see docs/operations.md.", stageBuckets, "stage")
	m := &Metrics{
		started:  counter(grpcServer, "started_total", "Calls that have begun.", rpc...),
		handled:  counter(grpcServer, "handled_total", "Calls that have ended, by gRPC code.", append(slices.Clip(rpc), "grpc_code")...),
		seconds:  histogram(grpcServer, "handling_seconds", "Time of calls, from their header to their end.", callBuckets, rpc...),
		inFlight: prometheus.NewGaugeVec(gauge("calls_in_flight", "Calls under way, streams included."), []string{"method"}),
		refused:  counter(namespace, "refusals_total", "Calls that ended with an error, by the reason that their callers were told.", "reason"),
		items:    counter(namespace, "item_errors_total", "Items of answered calls and messages of streams that carry an error, by reason.", "reason"),
		messages: counter(namespace, "stream_messages_total", "Messages of streams that were answered, by whether the answer is an error.", "result"),
		streams:  prometheus.NewGauge(gauge("streams_open", "Streams of StreamCompare that are open.")),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "stream_frames_dropped_total", Help: "Frames of streams whose place a newer one took.",
		}),
		images:   counter(namespace, "images_familiarity_total", "Images of calls and messages, by the model to which they are the most familiar and whether they are foreign to it.", "model", "foreign"),
		enrolled: counter(namespace, "gallery_enrolled_total", "Entries that came for galleries, by what became of them.", "outcome"),
		stages:   make(map[Stage]prometheus.Observer),
	}
	for _, stage := range Stages() {
		m.stages[stage] = stages.WithLabelValues(string(stage)) // there from the start, at zero
	}
	for _, result := range []string{resultOK, resultFailed} {
		m.messages.WithLabelValues(result)
	}
	err := register(registerer, m.started, m.handled, m.seconds, m.inFlight, m.refused, m.items, m.messages,
		m.streams, m.dropped, m.images, m.enrolled, stages, &collector{read: read})
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return m, nil
}

func register(registerer prometheus.Registerer, collectors ...prometheus.Collector) error {
	var errs []error
	for _, c := range collectors {
		errs = append(errs, registerer.Register(c))
	}
	return errors.Join(errs...)
}

func counter(prefix, name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: prefix, Name: name, Help: help}, labels)
}

func histogram(prefix, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: prefix, Name: name, Help: help, Buckets: buckets,
	}, labels)
}

func gauge(name, help string) prometheus.GaugeOpts {
	return prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}
}

// RPC is a call as metrics tell it apart.
type RPC struct {
	Method string // the RPC, such as "siamese.v1.SiameseService/Compare"; one that the server has

	// ClientStream and ServerStream say whether the client's and the server's
	// messages come one by one.
	ClientStream, ServerStream bool
}

// labels are the values of grpc_type, grpc_service and grpc_method.
func (r RPC) labels() []string {
	kind := "unary"
	switch {
	case r.ClientStream && r.ServerStream:
		kind = "bidi_stream"
	case r.ClientStream:
		kind = "client_stream"
	case r.ServerStream:
		kind = "server_stream"
	}
	service, method, _ := strings.Cut(r.Method, "/")
	return []string{kind, service, method}
}

// streamCompare is the method whose streams are counted as open.
const streamCompare = "siamese.v1.SiameseService/StreamCompare"

// Enrolled counts an entry that came for a gallery; outcome is "added", "replaced",
// "unchanged" or "failed".
func (m *Metrics) Enrolled(outcome string) {
	if m != nil {
		m.enrolled.WithLabelValues(outcome).Inc()
	}
}

// Begin counts a call in.
func (m *Metrics) Begin(r RPC) {
	if m == nil {
		return
	}
	m.started.WithLabelValues(r.labels()...).Inc()
	m.inFlight.WithLabelValues(r.Method).Inc()
	if r.Method == streamCompare {
		m.streams.Inc()
	}
}

// End counts a call out that took took and ended with code, such as "OK",
// as codes.Code.String spells it.
func (m *Metrics) End(r RPC, code string, took time.Duration) {
	if m == nil {
		return
	}
	m.inFlight.WithLabelValues(r.Method).Dec()
	if r.Method == streamCompare {
		m.streams.Dec()
	}
	labels := r.labels()
	m.seconds.WithLabelValues(labels...).Observe(took.Seconds())
	m.handled.WithLabelValues(append(labels, code)...).Inc()
}

// Refuse counts a call that ended with an error of this reason, one of the
// contract's.
func (m *Metrics) Refuse(reason string) {
	if m != nil {
		m.refused.WithLabelValues(reason).Inc()
	}
}

// Stage counts the time that a call or message spent in a stage.
func (m *Metrics) Stage(stage Stage, took time.Duration) {
	if m == nil {
		return
	}
	if observer, ok := m.stages[stage]; ok {
		observer.Observe(took.Seconds())
	}
}

// ItemError counts an item of an answered call that has an error of this reason,
// one of the contract's.
func (m *Metrics) ItemError(reason string) {
	if m != nil {
		m.items.WithLabelValues(reason).Inc()
	}
}

// The values of the label result.
const (
	resultOK     = "ok"
	resultFailed = "failed"
)

// Message counts a message of a stream that was answered, by an error of this
// reason or, where it is empty, without one.
func (m *Metrics) Message(reason string) {
	switch {
	case m == nil:
	case reason == "":
		m.messages.WithLabelValues(resultOK).Inc()
	default:
		m.messages.WithLabelValues(resultFailed).Inc()
		m.ItemError(reason)
	}
}

// FramesDropped counts frames of a stream whose place newer ones took.
func (m *Metrics) FramesDropped(frames int) {
	if m != nil {
		m.dropped.Add(float64(frames))
	}
}

// Familiarity counts an image by the model to which it is the most familiar, one of the
// server's, and whether it is foreign to that, too.
func (m *Metrics) Familiarity(model string, isForeign bool) {
	if m == nil {
		return
	}
	m.images.WithLabelValues(model, strconv.FormatBool(isForeign)).Inc()
	m.images.WithLabelValues(model, strconv.FormatBool(!isForeign)) // there, at zero: shares are of both
}
