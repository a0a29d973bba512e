package archive_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"siamese/train/archive"
)

// packed writes entries to a zip file in their order and gives its path; their content
// is their number.
func packed(t *testing.T, headers ...zip.FileHeader) string {
	t.Helper()
	var content bytes.Buffer
	writer := zip.NewWriter(&content)
	for i := range headers {
		entry, err := writer.CreateHeader(&headers[i])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(headers[i].Name, "/") {
			fmt.Fprint(entry, i)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "data.zip")
	if err := os.WriteFile(path, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// headers are entries of such names in bytes that say nothing of their encoding.
func headers(names ...string) []zip.FileHeader {
	var all []zip.FileHeader
	for _, name := range names {
		all = append(all, zip.FileHeader{Name: name, NonUTF8: true})
	}
	return all
}

func opened(t *testing.T, path string) *archive.Tree {
	t.Helper()
	tree, err := archive.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

// contents are a tree's files by name.
func contents(t *testing.T, tree *archive.Tree) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(tree.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree.FS, name)
		found[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNamesLeadIntoTheArchiveAlone(t *testing.T) {
	tree := opened(t, packed(t, headers(`bird\img 5.png`, "/abs/1.png", "../../up/2.png", `C:\pets\3.png`, "./here/./4.png", "in/../5.png", "../", "deep\\", "deep/6.png")...))
	want := map[string]string{
		"bird/img 5.png": "0", "abs/1.png": "1", "up/2.png": "2", "C:/pets/3.png": "3", "here/4.png": "4", "5.png": "5", "deep/6.png": "8",
	}
	if diff := cmp.Diff(want, contents(t, tree)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestOfNamesTwiceTheLastIsTaken: as when the archive is unpacked.
func TestOfNamesTwiceTheLastIsTaken(t *testing.T) {
	tree := opened(t, packed(t, headers("a/1.png", "b/1.png", "a/1.png", `b\1.png`, "c", "c/1.png", "d/", "d/", "d/1.png")...))
	want := map[string]string{"a/1.png": "2", "b/1.png": "3", "c/1.png": "5", "d/1.png": "8"}
	if diff := cmp.Diff(want, contents(t, tree)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if want := []string{"a/1.png", "b/1.png", "c"}; !slices.Equal(tree.Repeated, want) {
		t.Errorf("Repeated = %q, want %q", tree.Repeated, want)
	}
}

func TestNamesOfOtherEncodings(t *testing.T) {
	tests := []struct {
		name     string
		encoding encoding.Encoding
		want     []string
	}{
		{"GBK", simplifiedchinese.GBK, []string{"猫/0.png", "狗/1.png", "CCCC/2.png"}},
		{"GBK, sentences", simplifiedchinese.GBK, []string{"我的照片/杯子/一.jpg", "我的照片/椅子/二 (副本).jpg"}},
		{"Shift-JIS, kana", japanese.ShiftJIS, []string{"ねこ/0.png", "イヌ/1.png", "表/ソ.png"}},
		{"Shift-JIS, kanji", japanese.ShiftJIS, []string{"猫/0.png", "子犬/1.png"}},
		{"EUC-KR", korean.EUCKR, []string{"고양이/사진 하나.png", "강아지/사진 둘.png", "새와 물고기/그림.png"}},
		{"Big5", traditionalchinese.Big5, []string{"貓咪/照片一.png", "小狗/照片二.png"}},
		{"DOS, Western", charmap.CodePage437, []string{"Möbel/Stühle.png", "Äpfel/één.png", "café/à la.png"}},
		{"Windows, Western", charmap.Windows1252, []string{"Möbel/Stühle.png", "café/é.png"}},
		{"DOS, Cyrillic", charmap.CodePage866, []string{"Собаки/большая.png", "Кошки/рыжая.png"}},
		{"UTF-8 without its flag", encoding.Nop, []string{"猫/è.png", "Möbel/собака.png", "🐈/1.png"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var raw []string
			for _, name := range tt.want {
				encoded, err := tt.encoding.NewEncoder().String(name)
				if err != nil {
					t.Fatal(err)
				}
				raw = append(raw, encoded)
			}
			got := contents(t, opened(t, packed(t, headers(raw...)...)))
			for _, name := range tt.want {
				if _, ok := got[name]; !ok {
					t.Errorf("names = %q, want %q among them", got, name)
				}
			}
		})
	}
}

func TestUnicodePathBesideTheName(t *testing.T) {
	const raw, want = "\x94L/1.png", "猫/1.png"
	extra := binary.LittleEndian.AppendUint16(nil, 0x7075)
	extra = binary.LittleEndian.AppendUint16(extra, uint16(5+len(want)))
	extra = binary.LittleEndian.AppendUint32(append(extra, 1), crc32.ChecksumIEEE([]byte(raw)))
	extra = append(extra, want...)
	for _, tt := range []struct {
		give zip.FileHeader
		want string
	}{
		{zip.FileHeader{Name: raw, NonUTF8: true, Extra: extra}, want},
		{zip.FileHeader{Name: "2.png", Extra: extra}, "2.png"}, // renamed since
	} {
		if got := contents(t, opened(t, packed(t, tt.give))); len(got) != 1 || got[tt.want] == "" {
			t.Errorf("names = %q, want %q", got, tt.want)
		}
	}
}

func TestRealArchives(t *testing.T) {
	for name, want := range map[string][]string{
		"backslashes.zip": {"bird", "cat", "dog", "fish"},
		"gbk.zip":         {"CCCC", "狗狗", "猫咪"},
	} {
		entries, err := fs.ReadDir(opened(t, filepath.Join("testdata", name)).FS, ".")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range entries {
			got = append(got, entry.Name())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: folders %q, want %q", name, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	whole, err := os.ReadFile("testdata/gbk.zip")
	if err != nil {
		t.Fatal(err)
	}
	locked := bytes.Clone(whole)
	for at := 0; ; at += 4 {
		next := bytes.Index(locked[at:], []byte("PK\x01\x02"))
		if next < 0 {
			break
		}
		at += next
		locked[at+8] |= 1
	}
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for _, tt := range []struct {
		name string
		give []byte
		want string
	}{
		{"text", []byte("this is no archive"), "expected a folder or a zip file: zip: not a valid zip file"},
		{"nothing", nil, "expected a folder or a zip file"},
		{"RAR", []byte("Rar!\x1a\x07\x00"), "received a RAR archive"},
		{"tar", tar, "received a tar archive"},
		{"cut short", whole[:len(whole)/2], "received a zip file whose end is missing"},
		{"locked", locked, `is encrypted, expected one without a password: "猫咪/0.png"`},
	} {
		path := filepath.Join(t.TempDir(), "data.zip")
		if err := os.WriteFile(path, tt.give, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Open(path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Open of %s = %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := archive.Open(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing = %v, want fs.ErrNotExist", err)
	}
}

func TestFoldersAreNotLeft(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "secret"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(root, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../secret", "/etc/passwd", "a/../../secret", ""} {
		_, openErr := opened(t, inner).Open(name)
		_, statErr := fs.Stat(opened(t, inner).FS, name)
		_, listErr := fs.ReadDir(opened(t, inner).FS, name)
		for _, err := range []error{openErr, statErr, listErr} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%q: %v, want fs.ErrInvalid", name, err)
			}
		}
	}
}

func TestPrintable(t *testing.T) {
	for give, want := range map[string]string{
		"cat":            "cat",
		"猫　と 犬":          "猫　と 犬",
		"👩\u200d🚀":       "👩\u200d🚀",
		"a\x1b[31m\nb":   `a\x1b[31m\nb`,
		"exe\u202egnp":   `exe\u202egnp`,
		"\xc3\xa8\xc3 x": `è\xc3 x`,
	} {
		if got := archive.Printable(give); got != want {
			t.Errorf("Printable(%q) = %q, want %q", give, got, want)
		}
	}
}

// FuzzNames: whatever bytes names have, what is shown is printable UTF-8.
func FuzzNames(f *testing.F) {
	f.Add("\xc3\xa8/0.png", "..\\\xb9\xb7/\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range archive.Names([]string{a, b}) {
			if name != archive.Printable(name) || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") {
				t.Errorf("Names(%q, %q) has %q, want a printable name that leads nowhere else", a, b, name)
			}
		}
	})
}
