package access

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// errShorter says that a file is what it was before, cut off. A file is written
// from its beginning, as a file that is still being written is; or its last entries were
// removed. What is found so twice is taken over.
var errShorter = errors.New("it is what was read before, cut off: it may be half-written, and is taken over if the next look finds the same")

// looks keeps what the last look at some files found where that was not taken over.
type looks struct{ shorter [][]byte }

// check returns errShorter where one of the files is the one held before, cut off,
// and the look before this one has not found the same.
func (l *looks) check(paths []string, held, found [][]byte) error {
	if sameFiles(l.shorter, found) {
		return nil
	}
	l.shorter = nil
	for i := range min(len(held), len(found)) {
		if len(found[i]) < len(held[i]) && bytes.HasPrefix(held[i], found[i]) {
			l.shorter = found
			return fmt.Errorf("%s has %d bytes of %d: %w", paths[i], len(found[i]), len(held[i]), errShorter)
		}
	}
	return nil
}

func sameFiles(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// blocks are all blocks of a PEM file. Text before a block is a comment; a block
// that is cut off or damaged, or anything after the last one, is an error:
// encoding/pem passes over them, and what they held would be missing.
func blocks(data []byte) ([]*pem.Block, error) {
	var found []*pem.Block
	rest := data
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		found = append(found, block)
		begun := bytes.Count(rest[:len(rest)-len(after)], []byte("-----BEGIN"))
		if begun != 1 {
			return nil, fmt.Errorf("block %d can't be decoded, expected PEM without gaps", len(found))
		}
		rest = after
	}
	if len(found) > 0 && len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("after block %d come %d bytes that are no PEM, expected the file to end there: it may be cut off", len(found), len(rest))
	}
	return found, nil
}

// authorities are the certificates of a PEM file that holds nothing else.
func authorities(data []byte) (*x509.CertPool, error) {
	found, err := blocks(data)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("received no certificate, expected at least one in PEM")
	}
	pool := x509.NewCertPool()
	for i, block := range found {
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			return nil, fmt.Errorf("block %d is %.64q with %d headers, expected CERTIFICATE without", i+1, block.Type, len(block.Headers))
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", i+1, err)
		}
		pool.AddCert(certificate)
	}
	return pool, nil
}
