package galleries

import (
	"strings"
	"testing"

	pb "siamese/proto/siamese/v1"
)

// The sum of a token is no secret: one that is made up of what is no id reaches no store.
func TestTokensOfNoID(t *testing.T) {
	request := func(token string) *pb.ListEntriesRequest {
		return &pb.ListEntriesRequest{Gallery: "g", Filter: map[string]string{"k": "v"}, PageToken: token}
	}
	for after, wantOK := range map[string]bool{
		"a": true, "ä b": true, "a\x00b": false, "\xff": false, strings.Repeat("x", 257): false, strings.Repeat("x", 256): true,
	} {
		got, err := readPageToken(request(pageToken(request(""), after)))
		if (err == nil) != wantOK || wantOK && got != after {
			t.Errorf("the token of %.20q = %.20q, %v, want ok %t", after, got, err, wantOK)
		}
	}
}
