package versions_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/versions"
)

func TestNumberedFindsFoldersAndLinks(t *testing.T) {
	w := newWorld(t, map[string]string{"2": "", "10": "", "x": "", "-1": "", "99999999999999999999": ""})
	for link, target := range map[string]string{"3": "10", "4": "nowhere"} {
		if err := os.Symlink(filepath.Join(w.dir, target), filepath.Join(w.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(w.dir, "5"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	folders, err := versions.Numbered(w.dir).Scan()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	var order []string
	for _, folder := range folders {
		got[folder.Version] = filepath.Base(folder.Path)
		order = append(order, folder.Version)
	}
	if diff := cmp.Diff(map[string]string{"2": "2", "10": "10", "3": "10"}, got); diff != "" {
		t.Errorf("versions and where they are (-want +got):\n%s", diff)
	}
	if want := "10 3 2"; strings.Join(order, " ") != want {
		t.Errorf("order = %v, want %s", order, want)
	}
	if _, err := versions.Numbered(filepath.Join(w.dir, "none")).Scan(); err == nil {
		t.Error("Scan of a folder that is not there: no error, want one")
	}
}

func TestFingerprintChangesWithTheFiles(t *testing.T) {
	w := newWorld(t, map[string]string{"1": "good"})
	file := filepath.Join(w.dir, "1", "model")
	scan := func() string {
		t.Helper()
		folders, err := versions.Numbered(w.dir).Scan()
		if err != nil || len(folders) != 1 {
			t.Fatalf("Scan = %v, %v; want one version", folders, err)
		}
		return folders[0].Fingerprint
	}
	seen := map[string]string{scan(): "at first"}
	if got := scan(); seen[got] == "" {
		t.Error("the fingerprint changed although nothing did")
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"a file grows", func() error { return os.WriteFile(file, []byte("good!"), 0o644) }},
		{"a file is written to", func() error { return os.Chtimes(file, time.Time{}, time.Unix(1, 0)) }},
		{"a file comes", func() error { return os.WriteFile(file+"2", nil, 0o644) }},
		{"a file goes", func() error { return os.Remove(file) }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		got := scan()
		if before, ok := seen[got]; ok {
			t.Errorf("when %s the fingerprint is the one %s", step.name, before)
		}
		seen[got] = "when " + step.name
	}
}

func TestSingleIsOneVersion(t *testing.T) {
	source := versions.Single("1", "weights.h5")
	folders, err := source.Scan()
	if diff := cmp.Diff([]versions.Folder{{Version: "1", Path: "weights.h5"}}, folders); err != nil || diff != "" || source.String() != "weights.h5" {
		t.Errorf("%s: Scan = %v (-want +got):\n%s", source, err, diff)
	}
}

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		name string
		give func(*versions.Config)
		want string
	}{
		{"as the tests have it", func(*versions.Config) {}, ""},
		{"no source", func(c *versions.Config) { c.Source = nil }, "Config.Source is <nil>"},
		{"period below 0", func(c *versions.Config) { c.Period = -1 }, "Config.Period is -1ns, expected 0 or more"},
		{"one model", func(c *versions.Config) { c.MaxLoaded = 1 }, "Config.MaxLoaded is 1, expected at least 2"},
		{"bad label", func(c *versions.Config) { c.Labels = map[string]string{"a b": "1"} }, `Config.Labels: no label: received "a b"`},
	}
	for _, tt := range tests {
		cfg := newWorld(t, nil).config()
		tt.give(&cfg)
		_, err := versions.New(cfg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want %q", tt.name, err, tt.want)
		}
	}
}
