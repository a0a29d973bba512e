package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// rawCall is a call as a broken or hostile client makes it.
type rawCall struct {
	name    string
	path    string   // default: that of Compare
	headers []string // name, value, name, value …; they take the place of the usual ones
	body    []byte
	open    bool                // the client's side stays open
	reset   http2.ErrCode       // sent after the body; 0: none
	setting http2.Setting       // of the connection; the zero value: none
	wire    codes.Code          // what the answer says
	counted map[codes.Code]bool // one of which it is counted as; nil: it never begins
}

// framed is a message as gRPC sends it, with the flag of compression.
func framed(flag byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message))), message...)
}

func gzipped(t *testing.T, message []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// rawAnswer is what came back.
type rawAnswer struct {
	headers map[string]string // trailers too
	reset   bool              // the stream was reset, or its connection closed
}

// sendRaw makes the call on a connection of its own.
func sendRaw(t *testing.T, conn net.Conn, call rawCall) rawAnswer {
	t.Helper()
	defer conn.Close()
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var settings []http2.Setting
	if call.setting.ID != 0 {
		settings = append(settings, call.setting)
	}
	steps := []func() error{
		func() error { return framer.WriteSettings(settings...) },
		func() error {
			return framer.WriteHeaders(http2.HeadersFrameParam{
				StreamID: 1, BlockFragment: call.header(t), EndHeaders: true, EndStream: call.body == nil,
			})
		},
		func() error {
			if call.body == nil {
				return nil
			}
			return framer.WriteData(1, !call.open && call.reset == 0, call.body)
		},
		func() error {
			if call.reset == 0 {
				return nil
			}
			if err := framer.WriteRSTStream(1, call.reset); err != nil {
				return err
			}
			return framer.WritePing(false, [8]byte{}) // its echo says that all before it was read
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return readRaw(framer)
}

// header packs the call's headers.
func (c rawCall) header(t *testing.T) []byte {
	t.Helper()
	path := c.path
	if path == "" {
		path = pb.SiameseService_Compare_FullMethodName
	}
	fields := []string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "test", "content-type", "application/grpc", "te", "trailers"}
	for i := 0; i < len(c.headers); i += 2 {
		if at := slices.Index(fields, c.headers[i]); at >= 0 {
			fields[at+1] = c.headers[i+1]
			continue
		}
		fields = append(fields, c.headers[i:i+2]...)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		if err := encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	return block.Bytes()
}

// readRaw reads the answer to its end.
func readRaw(framer *http2.Framer) rawAnswer {
	answer := rawAnswer{headers: make(map[string]string)}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			answer.reset = true
			return answer
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = framer.WriteSettingsAck() // the connection may be closed by now
			}
		case *http2.PingFrame:
			if frame.IsAck() {
				return answer
			}
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			answer.reset = true
			return answer
		case *http2.MetaHeadersFrame:
			for _, field := range frame.Fields {
				answer.headers[field.Name] = field.Value
			}
			if frame.StreamEnded() {
				return answer
			}
		}
	}
}

// code is the answer's, or Unavailable for a stream without one.
func (a rawAnswer) code(t *testing.T) codes.Code {
	t.Helper()
	if a.reset {
		return codes.Unavailable
	}
	code, err := strconv.Atoi(a.headers["grpc-status"])
	if err != nil {
		t.Fatalf("the answer %v has no grpc-status", a.headers)
	}
	return codes.Code(code)
}

func one(code codes.Code) map[codes.Code]bool { return map[codes.Code]bool{code: true} }

// rawCalls are the ways in which a client can get gRPC wrong. Where wire is
// Internal, gRPC itself has answered before a handler or codec was asked.
func rawCalls(t *testing.T) []rawCall {
	t.Helper()
	good, err := proto.Marshal(&pb.CompareRequest{ImageA: grayImage(10), ImageB: grayImage(200)})
	if err != nil {
		t.Fatal(err)
	}
	const (
		stream  = pb.SiameseService_StreamCompare_FullMethodName
		reflect = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	)
	gz := []string{"grpc-encoding", "gzip"}
	garbage := []byte{0xff, 0xff, 0xff}
	cancelled := map[codes.Code]bool{codes.Canceled: true, codes.InvalidArgument: true}
	return []rawCall{
		{name: "no protobuf", body: framed(0, garbage), wire: invalid, counted: one(invalid)},
		{name: "a field cut off", body: framed(0, good[:len(good)-1]), wire: invalid, counted: one(invalid)},
		{name: "field 0", body: framed(0, []byte{0x07, 'g', 'z', 'i', 'p'}), wire: invalid, counted: one(invalid)},
		{name: "the field that says so", body: framed(0, []byte{0xfa, 0xff, 0xff, 0xff, 0x0f, 2, 0xc3, 0x28}), wire: invalid, counted: one(invalid)},
		{name: "no UTF-8", body: framed(0, []byte{0x1a, 4, 0x1a, 2, 0xc3, 0x28}), wire: invalid, counted: one(invalid)},
		{name: "a wrong wire type", body: framed(0, []byte{0x0d, 1, 2, 3, 4}), wire: invalid, counted: one(invalid)},
		{name: "nothing set", body: framed(0, nil), wire: invalid, counted: one(invalid)},
		{name: "no gzip", headers: gz, body: framed(1, garbage), wire: invalid, counted: one(invalid)},
		{name: "an empty gzip", headers: gz, body: framed(1, nil), wire: invalid, counted: one(invalid)},
		{name: "gzip cut off", headers: gz, body: framed(1, gzipped(t, good)[:40]), wire: invalid, counted: one(invalid)},
		{name: "gzip of no protobuf", headers: gz, body: framed(1, gzipped(t, garbage)), wire: invalid, counted: one(invalid)},
		{name: "gzip of too much", headers: gz, body: framed(1, gzipped(t, make([]byte, 1<<17))), wire: codes.ResourceExhausted, counted: one(codes.ResourceExhausted)},
		{name: "gzip that is none at all", headers: gz, body: framed(0, good), wire: codes.OK, counted: one(codes.OK)},
		{name: "gzip", headers: gz, body: framed(1, gzipped(t, good)), wire: codes.OK, counted: one(codes.OK)},
		{name: "an unknown compression", headers: []string{"grpc-encoding", "br"}, body: framed(1, good), wire: codes.Unimplemented, counted: one(codes.Unimplemented)},
		{name: "packed with nothing", body: framed(1, good), wire: codes.Internal, counted: one(invalid)},
		{name: "a flag that there is not", body: framed(7, good), wire: codes.Internal, counted: one(invalid)},
		{name: "no message", wire: codes.Internal, counted: one(invalid)},
		{name: "an empty body", body: []byte{}, wire: codes.Internal, counted: one(invalid)},
		{name: "two messages", body: slices.Concat(framed(0, good), framed(0, good)), wire: codes.Internal, counted: one(invalid)},
		{name: "half a length", body: []byte{0, 0, 0}, wire: codes.Internal, counted: one(invalid)},
		{name: "half a message", body: framed(0, good)[:20], wire: codes.Internal, counted: one(invalid)},
		{name: "4 GiB", body: []byte{0, 0xff, 0xff, 0xff, 0xff}, wire: codes.ResourceExhausted, counted: one(codes.ResourceExhausted)},
		{name: "over the limit", body: []byte{0, 0, 1, 0, 1}, wire: codes.ResourceExhausted, counted: one(codes.ResourceExhausted)},
		{name: "reset", body: framed(0, good)[:20], reset: http2.ErrCodeCancel, counted: cancelled},
		{name: "reset as a fault of the client's", body: framed(0, good)[:20], reset: http2.ErrCodeInternal, counted: cancelled},
		{name: "reset after the message", body: framed(0, good), reset: http2.ErrCodeProtocol, counted: map[codes.Code]bool{codes.Canceled: true, codes.OK: true}},
		{name: "no room for headers", body: framed(0, good), setting: http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 1},
			wire: codes.Unavailable, counted: one(invalid)},
		{name: "an unknown subtype", headers: []string{"content-type", "application/grpc+json"}, body: framed(0, []byte("{}")), wire: invalid, counted: one(invalid)},
		{name: "a foreign type", headers: []string{"content-type", "application/json"}, body: []byte("{}"), wire: invalid},
		{name: "GET", headers: []string{":method", "GET"}, wire: codes.Internal},
		{name: "no time", headers: []string{"grpc-timeout", "soon"}, wire: codes.Internal},
		{name: "no base64", headers: []string{"some-bin", "!"}, wire: codes.Internal},
		{name: "an unknown method", path: "/siamese.v1.SiameseService/Guess", body: framed(0, good), wire: codes.Unimplemented},
		{name: "a path without method", path: "/", body: framed(0, good), wire: codes.Unimplemented},
		{name: "a stream of no protobuf", path: stream, body: framed(0, garbage), open: true, wire: invalid, counted: one(invalid)},
		{name: "a stream of no gzip", path: stream, headers: gz, body: framed(1, garbage), open: true, wire: invalid, counted: one(invalid)},
		{name: "a stream that breaks off", path: stream, body: framed(0, good)[:20], wire: codes.Internal, counted: cancelled},
		{name: "a stream without messages", path: stream, body: []byte{}, wire: codes.FailedPrecondition, counted: one(codes.FailedPrecondition)},
		{name: "health of no protobuf", path: healthpb.Health_Check_FullMethodName, body: framed(0, garbage), wire: invalid, counted: one(invalid)},
		{name: "a watch of no protobuf", path: healthpb.Health_Watch_FullMethodName, body: framed(0, garbage), wire: invalid, counted: one(invalid)},
		{name: "reflection of no protobuf", path: reflect, body: framed(0, garbage), open: true, wire: invalid, counted: one(invalid)},
	}
}

// TestWhatCallersDoWrongIsTheirs: no caller can have a call counted as INTERNAL or
// UNKNOWN, which is what wakes somebody up, whatever it sends over gRPC.
func TestWhatCallersDoWrongIsTheirs(t *testing.T) {
	for _, call := range rawCalls(t) {
		t.Run(call.name, func(t *testing.T) {
			r, registry := serveMeasured(t, server.Config{MaxMessageBytes: 1 << 16}, &fakeModel{})
			conn, err := r.listener.DialContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			answer := sendRaw(t, conn, call)
			if call.reset == 0 {
				if got := answer.code(t); got != call.wire {
					t.Errorf("the answer is %v (%v), want %v", got, answer.headers, call.wire)
				}
			}
			r.checkAnswers(t)
			checkBlame(t, r, registry, call.counted)
		})
	}
}

// checkBlame stops the server and holds what was counted besides one good Compare
// against what may be.
func checkBlame(t *testing.T, r *running, registry *prometheus.Registry, want map[codes.Code]bool) {
	t.Helper()
	_ = r.stop()
	var counted []string
	for name, value := range gather(t, registry).of("grpc_server_handled_total") {
		_, rest, _ := strings.Cut(name, "grpc_code=")
		code, _, _ := strings.Cut(rest, ",")
		for range int(value) {
			counted = append(counted, code)
		}
	}
	at := slices.Index(counted, codes.OK.String())
	if at < 0 {
		t.Fatalf("counted %v, want the good call among it", counted)
	}
	counted = slices.Delete(counted, at, at+1)
	if len(counted) == 0 { // it never came to gRPC
		counted = countedRefusals(t, registry)
	}
	allowed := slices.Collect(maps.Keys(want))
	ok := len(counted) == 0 && want == nil || len(counted) == 1 && slices.ContainsFunc(allowed, func(c codes.Code) bool { return c.String() == counted[0] })
	if !ok {
		t.Errorf("counted %v, want one of %v", counted, allowed)
	}
	if diff := cmp.Diff(scrape{}, gather(t, registry).of("siamese_refusals_total{reason=INTERNAL")); diff != "" {
		t.Errorf("refusals by faults of the server's own (-want +got):\n%s", diff)
	}
	if log := r.log.String(); strings.Contains(log, "internal error") {
		t.Errorf("the log tells of a fault of the server's own:\n%s", log)
	}
}

// countedRefusals are the codes under which refusals were counted.
func countedRefusals(t *testing.T, registry *prometheus.Registry) (counted []string) {
	t.Helper()
	refusals := gather(t, registry).of("siamese_refusals_total")
	for reason, code := range map[string]codes.Code{"MESSAGE_UNREADABLE": invalid, "CANCELLED": codes.Canceled} {
		for range int(refusals["siamese_refusals_total{reason="+reason+"}"]) {
			counted = append(counted, code.String())
		}
	}
	return counted
}

// httpCall is a call as a broken or hostile client makes it over HTTP.
type httpCall struct {
	name     string
	path     string // default: that of Compare
	headers  []string
	body     string
	chunked  bool // sent without its length
	want     int  // HTTP status
	wantCode codes.Code
	counted  codes.Code // OK: its header was refused, and nothing is counted
}

// httpCalls are the ways in which a client can get Connect, JSON and gRPC-Web wrong.
// wantCode is Connect's, or of gRPC-Web.
func httpCalls(t *testing.T) []httpCall {
	t.Helper()
	const unsupported = http.StatusUnsupportedMediaType
	packed := func(text string) string { return string(gzipped(t, []byte(text))) }
	json := func(more ...string) []string { return append([]string{"Content-Type", "application/json"}, more...) }
	connect := func(more ...string) []string { return append([]string{"Content-Type", "application/proto"}, more...) }
	web := func(more ...string) []string {
		return append([]string{"Content-Type", "application/grpc-web+proto"}, more...)
	}
	frame := func(flag byte, message string) string { return string(framed(flag, []byte(message))) }
	bad := http.StatusBadRequest
	return []httpCall{
		{name: "empty JSON", headers: json(), want: bad, wantCode: invalid, counted: invalid},
		{name: "empty JSON in chunks", headers: json(), chunked: true, want: bad, wantCode: invalid, counted: invalid},
		{name: "spaces", headers: json(), body: "  ", want: bad, wantCode: invalid, counted: invalid},
		{name: "half of JSON", headers: json(), body: "{", want: bad, wantCode: invalid, counted: invalid},
		{name: "two of JSON", headers: json(), body: "{} {}", want: bad, wantCode: invalid, counted: invalid},
		{name: "trailing garbage", headers: json(), body: "{}x", want: bad, wantCode: invalid, counted: invalid},
		{name: "a mark of byte order", headers: json(), body: "\xef\xbb\xbf{}", want: bad, wantCode: invalid, counted: invalid},
		{name: "an array", headers: json(), body: "[]", want: bad, wantCode: invalid, counted: invalid},
		{name: "null", headers: json(), body: "null", want: bad, wantCode: invalid, counted: invalid},
		{name: "a string", headers: json(), body: `"imageA"`, want: bad, wantCode: invalid, counted: invalid},
		{name: "a wrong type", headers: json(), body: `{"imageA":1}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "an unknown field", headers: json(), body: `{"imageC":{}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "a field twice", headers: json(), body: `{"imageA":{},"imageA":{}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "a field by both names", headers: json(), body: `{"imageA":{},"image_a":{}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "two of a oneof", headers: json(), body: `{"imageA":{"encoded":"AA==","reference":"x"}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "an unknown enum value", headers: json(), body: `{"imageA":{"raw":{"width":1,"format":"PIXEL_FORMAT_CMYK"}}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "an unheard-of enum number", headers: json(), body: `{"imageA":{"raw":{"width":1,"height":1,"format":77,"data":"AA=="}}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "a number too large", headers: json(), body: `{"imageA":{"raw":{"width":4294967296}}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "a threshold that is none", headers: json(), body: `{"options":{"threshold":"NaN"}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "no base64", headers: json(), body: `{"imageA":{"encoded":"A!"}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "no UTF-8", headers: json(), body: "{\"options\":{\"model\":\"\xff\"}}", want: bad, wantCode: invalid, counted: invalid},
		{name: "half a surrogate", headers: json(), body: `{"options":{"model":"\ud800"}}`, want: bad, wantCode: invalid, counted: invalid},
		{name: "deep", headers: json(), body: strings.Repeat(`{"imageA":`, 20_000), want: bad, wantCode: invalid, counted: invalid},
		{name: "no gzip", headers: json("Content-Encoding", "gzip"), body: "{}", want: bad, wantCode: invalid, counted: invalid},
		{name: "long no gzip", headers: json("Content-Encoding", "gzip"), body: strings.Repeat("{}", 500), want: bad, wantCode: invalid, counted: invalid},
		{name: "gzip cut off", headers: json("Content-Encoding", "gzip"), body: packed("{}")[:12], want: bad, wantCode: invalid, counted: invalid},
		{name: "gzip of nothing", headers: json("Content-Encoding", "gzip"), body: packed(""), want: bad, wantCode: invalid, counted: invalid},
		{name: "empty gzip", headers: json("Content-Encoding", "gzip"), chunked: true, want: bad, wantCode: invalid, counted: invalid},
		{name: "gzip twice", headers: json("Content-Encoding", "gzip, gzip"), body: packed(packed("{}")), want: bad, wantCode: invalid},
		{name: "deflate", headers: json("Content-Encoding", "deflate"), body: "{}", want: bad, wantCode: invalid},
		{name: "an encoding of no name", headers: json("Content-Encoding", ","), body: "{}", want: bad, wantCode: invalid},
		{name: "another version", headers: json("Connect-Protocol-Version", "2"), body: "{}", want: bad, wantCode: invalid},
		{name: "another charset", headers: json("Content-Type", "application/json; charset=utf-16"), body: "{}", want: unsupported, wantCode: invalid},
		{name: "a type that is none", headers: json("Content-Type", ";"), body: "{}", want: unsupported, wantCode: invalid},
		{name: "no type", headers: []string{"Content-Type", ""}, body: "{}", want: unsupported, wantCode: invalid},
		{name: "a foreign type", headers: json("Content-Type", "text/plain"), body: "{}", want: unsupported, wantCode: invalid},
		{name: "gRPC-Web in text", headers: json("Content-Type", "application/grpc-web-text"), body: "AAAAAAA=", want: unsupported, wantCode: invalid},
		{name: "a stream of Connect", headers: json("Content-Type", "application/connect+json"), body: frame(0, "{}"), want: unsupported, wantCode: invalid},
		{name: "gRPC over HTTP/1", headers: json("Content-Type", "application/grpc"), body: frame(0, ""), want: http.StatusHTTPVersionNotSupported},
		{name: "no time", headers: json("Connect-Timeout-Ms", "soon"), body: "{}", want: bad},
		{name: "time before now", headers: json("Connect-Timeout-Ms", "-1"), body: "{}", want: bad},
		{name: "no base64 in a header", headers: json("Some-Bin", "!"), body: "{}", want: bad, wantCode: invalid},

		{name: "no protobuf", headers: connect(), body: "\xff\xff\xff", want: bad, wantCode: invalid, counted: invalid},
		{name: "nothing set", headers: connect(), want: bad, wantCode: invalid, counted: invalid},
		{name: "protobuf that is no gzip", headers: connect("Content-Encoding", "gzip"), body: "\xff\xff\xff", want: bad, wantCode: invalid, counted: invalid},
		{name: "no protobuf, packed", headers: connect("Content-Encoding", "gzip"), body: packed("\xff\xff\xff"), want: bad, wantCode: invalid, counted: invalid},

		{name: "web: no protobuf", headers: web(), body: frame(0, "\xff\xff\xff"), want: 200, wantCode: invalid, counted: invalid},
		{name: "web: no message", headers: web(), want: 200, wantCode: invalid, counted: invalid},
		{name: "web: half a length", headers: web(), body: "\x00\x00", want: 200, wantCode: invalid, counted: invalid},
		{name: "web: half a message", headers: web(), body: frame(0, "1234")[:7], want: 200, wantCode: invalid, counted: invalid},
		{name: "web: two messages", headers: web(), body: frame(0, "") + frame(0, ""), want: 200, wantCode: invalid, counted: invalid},
		{name: "web: a flag that there is not", headers: web(), body: frame(7, ""), want: 200, wantCode: invalid, counted: codes.Unavailable},
		{name: "web: a trailer", headers: web(), body: frame(0x80, "grpc-status: 0"), want: 200, wantCode: invalid, counted: codes.Unavailable},
		{name: "web: no gzip", headers: web("Grpc-Encoding", "gzip"), body: frame(1, "\xff\xff\xff"), want: 200, wantCode: invalid, counted: invalid},
		{name: "web: packed with nothing", headers: web(), body: frame(1, "\xff\xff\xff"), want: 200, wantCode: invalid, counted: invalid},
		{name: "web: an unknown compression", headers: web("Grpc-Encoding", "br"), body: frame(1, "x"), want: unsupported},
		{name: "web: no base64 in a header", headers: web("Some-Bin", "!"), body: frame(0, ""), want: 200, wantCode: invalid},
		{name: "web: no time", headers: web("Grpc-Timeout", "soon"), body: frame(0, ""), want: bad},
		{name: "web: JSON that is none", headers: web("Content-Type", "application/grpc-web+json"), body: frame(0, "{"), want: 200, wantCode: invalid, counted: invalid},
	}
}

// TestWhatCallersDoWrongOverHTTPIsTheirs is TestWhatCallersDoWrongIsTheirs for
// browsers: 4xx, or what gRPC-Web has for it, and nothing counted as INTERNAL.
func TestWhatCallersDoWrongOverHTTPIsTheirs(t *testing.T) {
	for _, call := range httpCalls(t) {
		t.Run(call.name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			h := serveHTTP(t, server.Config{Metrics: registry}, server.HTTPConfig{}, &fakeModel{})
			path := call.path
			if path == "" {
				path = comparePath
			}
			var body io.Reader = strings.NewReader(call.body)
			if call.chunked {
				body = io.MultiReader(body)
			}
			got := h.send(t, http.MethodPost, path, body, call.headers...)
			code := codes.OK
			if named := connectCode.FindStringSubmatch(got.Body); got.Status != 200 && named != nil {
				if err := code.UnmarshalJSON([]byte(strings.ToUpper(named[1]))); err != nil {
					t.Errorf("the answer's code: %v", err)
				}
			}
			if ended := webStatus.FindStringSubmatch(got.Body + "grpc-status: " + got.Header.Get("Grpc-Status")); got.Status == 200 && ended != nil {
				if err := code.UnmarshalJSON([]byte(ended[1])); err != nil {
					t.Errorf("the answer's code: %v", err)
				}
			}
			if got.Status != call.want || code != call.wantCode {
				t.Errorf("answer %d, code %v (%q, %v), want %d, %v", got.Status, code, got.Body, got.Header, call.want, call.wantCode)
			}
			h.checkAnswers(t)
			var counted map[codes.Code]bool
			if call.counted != codes.OK {
				counted = one(call.counted)
			}
			checkBlame(t, h.running, registry, counted)
		})
	}
}

// TestClientThatLeavesInTheMiddle: nor is a body that ends before its end.
func TestClientThatLeavesInTheMiddle(t *testing.T) {
	for _, kind := range []string{"application/json", "application/proto", "application/grpc-web+proto"} {
		t.Run(kind, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			h := serveHTTP(t, server.Config{Metrics: registry}, server.HTTPConfig{}, &fakeModel{})
			conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\n", comparePath, kind)
			if _, err := io.WriteString(conn, head+"\x00\x00\x00\x00\x50{"); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(conn); err != nil || strings.HasPrefix(string(answer), "HTTP/1.1 5") {
				t.Errorf("the answer is %q (%v), want none of the server's own faults", answer, err)
			}
			h.checkAnswers(t)
			checkBlame(t, h.running, registry, map[codes.Code]bool{invalid: true, codes.Canceled: true, codes.Unavailable: true})
		})
	}
}

var (
	connectCode = regexp.MustCompile(`"code":("[a-z_]+")`)
	webStatus   = regexp.MustCompile(`(?i)grpc-status: ?([0-9]+)`)
)
