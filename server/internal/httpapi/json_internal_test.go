package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"connectrpc.com/vanguard"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"

	pb "siamese/proto/siamese/v1"
)

// TestJSONKeepsZeros: an answer's 0 and false are written, and empty lists; empty
// bytes, texts and messages are not. It reads back as it was.
func TestJSONKeepsZeros(t *testing.T) {
	tests := []struct {
		name string
		give proto.Message
		want string
	}{
		{"nothing", &pb.CompareResponse{}, `{"similarity":0,"same":false,"threshold":0}`},
		{"messages within", &pb.CompareResponse{Model: &pb.ModelReference{Name: "general"}, PreparedAPng: []byte("a")},
			`{"similarity":0,"same":false,"threshold":0,"model":{"name":"general"},"preparedAPng":"YQ=="}`},
		{"lists of messages", &pb.BatchCompareResponse{Results: []*pb.PairResult{
			{Outcome: &pb.PairResult_Score{Score: &pb.PairScore{}}},
			{Outcome: &pb.PairResult_Error{Error: &pb.ItemError{Reason: "IMAGE_UNSET"}}},
		}}, `{"results":[{"score":{"similarity":0,"same":false}},{"error":{"code":0,"reason":"IMAGE_UNSET"}}],"threshold":0,"encodedImages":0}`},
		{"an empty list", &pb.BatchCompareResponse{}, `{"results":[],"threshold":0,"encodedImages":0}`},
	}
	codec := newJSONCodec(protoregistry.GlobalTypes)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for form, marshal := range map[string]func([]byte, proto.Message) ([]byte, error){"plain": codec.MarshalAppend, "stable": codec.(vanguard.StableCodec).MarshalAppendStable} {
				text, err := marshal(nil, tt.give)
				if err != nil {
					t.Fatal(err)
				}
				var got, want any
				if json.Unmarshal(text, &got) != nil || json.Unmarshal([]byte(tt.want), &want) != nil {
					t.Fatalf("%s: %s is no JSON", form, text)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", form, diff)
				}
				back := tt.give.ProtoReflect().New().Interface()
				if err := codec.Unmarshal(text, back); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.give, back, protocmp.Transform()); diff != "" {
					t.Errorf("read back (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestTidyBase64TakesNoMemory: however large a body is, and whatever is done to it.
func TestTidyBase64TakesNoMemory(t *testing.T) {
	body := []byte(`{"imageA":{"encoded":"` + strings.Repeat(`AAAA\r\nAA-_ \u002b+++`, 1<<16) + `"}}`)
	message := (&pb.CompareRequest{}).ProtoReflect().Descriptor()
	perRun := testing.AllocsPerRun(10, func() {
		if err := tidyBase64(body, message); err != nil {
			t.Fatal(err)
		}
	})
	const most = 10 // names and the tidier, whatever the body has
	if perRun > most {
		t.Errorf("%v allocations for a body of %d bytes, want at most %d", perRun, len(body), most)
	}
}
