package galleries

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
)

// A page token is the id behind which the page begins, after a sum of the list that it is
// of: one of another list is refused, whichever server wrote it. It is no secret.
const (
	tokenDomain   = "siamese 1 page of entries\n"
	tokenSumBytes = 8
)

func pageToken(req *pb.ListEntriesRequest, after string) string {
	return base64.RawURLEncoding.EncodeToString(append(listSum(req, after), after...))
}

// readPageToken returns the id behind which the page begins; empty at the first.
func readPageToken(req *pb.ListEntriesRequest) (after string, err error) {
	if req.GetPageToken() == "" {
		return "", nil
	}
	token, err := base64.RawURLEncoding.DecodeString(req.GetPageToken())
	if err != nil || len(token) <= tokenSumBytes {
		return "", fault.PageToken()
	}
	after = string(token[tokenSumBytes:])
	if !bytes.Equal(token[:tokenSumBytes], listSum(req, after)) || gallery.CheckID(after) != nil {
		return "", fault.PageToken()
	}
	return after, nil
}

// listSum is a sum of all that says which entries a list has, and where its page begins.
func listSum(req *pb.ListEntriesRequest, after string) []byte {
	stale := ""
	if req.GetStaleOnly() {
		stale = "stale"
	}
	parts := []string{req.GetGallery(), req.GetThing(), stale, after}
	for _, key := range slices.Sorted(maps.Keys(req.GetFilter())) {
		parts = append(parts, key, req.GetFilter()[key])
	}
	h := sha256.New()
	h.Write([]byte(tokenDomain))
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)[:tokenSumBytes]
}
