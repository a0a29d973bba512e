package gallery_test

import (
	"fmt"
	"strings"
	"testing"

	"siamese/gallery"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name  string
		check func(string) error
		good  []string
		bad   []string
	}{
		{"CheckName", gallery.CheckName, []string{"a", "0", "a.b-c_d9", long[:64]},
			[]string{"", ".a", "-a", "_a", "A", "a b", "a/b", "ä", "a\n", "a\x00", long[:65], "\xff"}},
		{"CheckID", gallery.CheckID, []string{"a", "A b/ç", long[:256], " "},
			[]string{"", long[:257], "a\nb", "a\x00", "\xff", "a\u0085"}},
		{"CheckThing", gallery.CheckThing, []string{"", "a", long[:256]}, []string{long[:257], "\t", "\xff"}},
	}
	for _, tt := range tests {
		for _, text := range tt.good {
			if err := tt.check(text); err != nil {
				t.Errorf("%s(%.20q) = %v, want nil", tt.name, text, err)
			}
		}
		for _, text := range tt.bad {
			err := tt.check(text)
			if err == nil || !strings.Contains(err.Error(), "received") || len(err.Error()) > 300 {
				t.Errorf("%s(%.20q) = %v, want a short error that says what was received", tt.name, text, err)
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	many := make(map[string]string)
	for i := range gallery.MaxMetadataKeys {
		many[fmt.Sprint(i)] = ""
	}
	if err := gallery.CheckMetadata(many); err != nil {
		t.Errorf("CheckMetadata of %d keys = %v, want nil", len(many), err)
	}
	more := map[string]string{"one more": ""}
	large := make(map[string]string)
	for key := range many {
		more[key] = ""
		large[key] = strings.Repeat("x", gallery.MaxMetadataBytes/gallery.MaxMetadataKeys)
	}
	long := strings.Repeat("x", gallery.MaxMetadataValueBytes+1)
	for name, metadata := range map[string]map[string]string{
		"too many keys": more, "too many bytes": large, "an empty key": {"": "a"},
		"a long key": {long[:gallery.MaxMetadataKeyBytes+1]: ""}, "a long value": {"a": long},
		"a key that is no UTF-8": {"\xff": ""}, "a value with a line break": {"a": "b\nc"},
	} {
		if err := gallery.CheckMetadata(metadata); err == nil {
			t.Errorf("CheckMetadata of %s = nil, want an error", name)
		}
	}
	if err := gallery.CheckMetadata(map[string]string{long[:gallery.MaxMetadataKeyBytes]: long[1:]}); err != nil {
		t.Errorf("CheckMetadata of the longest key and value = %v, want nil", err)
	}
}
