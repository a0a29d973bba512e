package server_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

const requestIDHeader = "x-request-id"

var madeID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func withRequestID(ctx context.Context, ids ...string) context.Context {
	for _, id := range ids {
		ctx = metadata.AppendToOutgoingContext(ctx, requestIDHeader, id)
	}
	return ctx
}

func TestRequestIDIsTheCallersWhereItIsSane(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	tests := []struct {
		name     string
		give     []string
		wantMade bool
	}{
		{"none", nil, true},
		{"a good one", []string{"Trace-1.b_c:d/e+f="}, false},
		{"the longest", []string{strings.Repeat("a", 128)}, false},
		{"too long", []string{strings.Repeat("a", 129)}, true},
		{"empty", []string{""}, true},
		{"two", []string{"a", "b"}, true},
		{"what could pass for another field", []string{`a" level=ERROR`}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var header metadata.MD
			_, err := r.GetServerInfo(withRequestID(t.Context(), tt.give...), &pb.GetServerInfoRequest{}, grpc.Header(&header))
			if err != nil {
				t.Fatal(err)
			}
			got := header.Get(requestIDHeader)
			if len(got) != 1 || madeID.MatchString(got[0]) != tt.wantMade || (!tt.wantMade && got[0] != tt.give[0]) {
				t.Errorf("id = %q, want one that is made: %v", got, tt.wantMade)
			}
		})
	}
}

func TestStreamsHaveARequestIDToo(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	client, _ := r.openStream(withRequestID(t.Context(), "camera-7"), t, &pb.StreamOpening{})
	header, err := client.stream.Header()
	if err != nil || strings.Join(header.Get(requestIDHeader), " ") != "camera-7" {
		t.Errorf("header = %v, %v, want id camera-7", header, err)
	}
	if _, err := client.end(); err != nil {
		t.Error(err)
	}
	_ = r.stop()
	checkLine(t, r.log, "msg=call rpc=/siamese.v1.SiameseService/StreamCompare", "request_id=camera-7")
}

// checkLine looks for a line of the log with all of these in it.
func checkLine(t *testing.T, log *logBuffer, parts ...string) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		missing := false
		for _, part := range parts {
			missing = missing || !strings.Contains(line, part)
		}
		if !missing {
			return
		}
	}
	t.Errorf("the log has no line with %q:\n%s", parts, log)
}

func TestIncidentNamesTheRequest(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{compare: func(context.Context) error { return errModel }})
	_, err := r.Compare(withRequestID(t.Context(), "find-me"), &pb.CompareRequest{ImageA: grayImage(1), ImageB: grayImage(2)})
	told := detail[*errdetails.ErrorInfo](t, err).GetMetadata()
	if told["request_id"] != "find-me" {
		t.Errorf("metadata = %v, want the request's id", told)
	}
	_ = r.stop()
	checkLine(t, r.log, `msg="internal error"`, "incident="+told["incident"], "request_id=find-me")
	checkLine(t, r.log, "msg=call ", "code=Internal", "request_id=find-me")
}

func TestRefusalForTheTokenNamesTheRequest(t *testing.T) {
	r := serve(t, server.Config{Tokens: newTokenBook()}, &fakeModel{})
	_, err := r.GetServerInfo(withRequestID(t.Context(), "who-am-i"), &pb.GetServerInfoRequest{})
	if err == nil {
		t.Error("a call without a token = no error, want UNAUTHENTICATED")
	}
	_ = r.stop()
	checkLine(t, r.log, `msg="no valid token"`, "request_id=who-am-i")
}
