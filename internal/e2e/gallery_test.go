package e2e_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"siamese/client"
	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
)

// galleryTolerance is how far apart the head's similarities of a pair may be in runs of
// different sizes.
const galleryTolerance = 1e-5

// dialGalleries returns a client of a server.
func dialGalleries(t *testing.T, server *proctest.Server) *client.Client {
	t.Helper()
	c, err := client.New(server.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// photos are the files of testdata/photos, by name.
func photos(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(proctest.Root, "testdata/photos/*.*g"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d photos, %v, want some", len(files), err)
	}
	pictures := make(map[string][]byte)
	for _, file := range files {
		pictures[filepath.Base(file)] = proctest.ReadFile(t, file)
	}
	return pictures
}

// asEntries yields pictures as entries named as they are.
func asEntries(pictures map[string][]byte) iter.Seq2[client.NewEntry, error] {
	return func(yield func(client.NewEntry, error) bool) {
		for name, picture := range pictures {
			if !yield(client.NewEntry{ID: name, Image: client.Image{Encoded: picture}}, nil) {
				return
			}
		}
	}
}

// TestGalleriesOfTheProgram enrolls pictures, finds each again with the similarity that
// Compare gives, also after a restart, and by JSON and grpcurl.
func TestGalleriesOfTheProgram(t *testing.T) {
	dir, web := filepath.Join(t.TempDir(), "galleries"), proctest.FreeAddress(t)
	flags := []string{"--model", "general", "--galleries", dir, "--http-addr", web}
	server := proctest.Serve(t, flags...)
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder of galleries is there before there is a gallery")
	}
	c, pictures := dialGalleries(t, server), photos(t)
	if _, err := c.CreateGallery(t.Context(), "photos", client.GalleryOptions{KeepThumbnails: true}); err != nil {
		t.Fatal(err)
	}
	enrolled, err := c.Enroll(t.Context(), "photos", asEntries(pictures))
	if err != nil || enrolled.Added != len(pictures) {
		t.Fatalf("Enroll = %+v, %v, want %d added", enrolled, err, len(pictures))
	}
	findsAll(t, c, pictures)
	asks(t, server.Address, web, len(pictures))
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	again := dialGalleries(t, proctest.Serve(t, flags...))
	findsAll(t, again, pictures)
	if enrolled, err = again.Enroll(t.Context(), "photos", asEntries(pictures)); err != nil || enrolled.Unchanged != len(pictures) {
		t.Errorf("Enroll again = %+v, %v, want %d unchanged", enrolled, err, len(pictures))
	}
}

// findsAll identifies each picture, and holds the second best against Compare.
func findsAll(t *testing.T, c *client.Client, pictures map[string][]byte) {
	t.Helper()
	for name, picture := range pictures {
		found, err := c.Identify(t.Context(), "photos", client.Image{Encoded: picture}, client.IdentifyOptions{TopK: 2, Thumbnails: true})
		if err != nil || len(found.Matches) != 2 || found.Matches[0].Thing != name || len(found.Matches[0].Entry.Thumbnail) == 0 {
			t.Errorf("Identify %s = %+v, %v, want itself first, with a thumbnail", name, found.Matches, err)
			continue
		}
		second := found.Matches[1]
		compared, err := c.Compare(t.Context(), picture, pictures[second.Thing], client.Options{})
		if err != nil || math.Abs(float64(compared.Similarity-second.Similarity)) > galleryTolerance {
			t.Errorf("%s and %s: Identify says %v, Compare %v, %v", name, second.Thing, second.Similarity, compared.Similarity, err)
		}
	}
}

// asks lists the gallery by JSON and by grpcurl.
func asks(t *testing.T, address, web string, entries int) {
	t.Helper()
	want := fmt.Sprintf(`"entries":"%d"`, entries)
	reply, err := http.Post("http://"+web+"/siamese.v1.GalleryService/GetGallery", "application/json", strings.NewReader(`{"gallery":"photos"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || !strings.Contains(string(text), want) {
		t.Errorf("GetGallery over HTTP = %s, %v, want one with %s", text, err, want)
	}
	http.DefaultClient.CloseIdleConnections()
	tool := os.Getenv("GRPCURL")
	if tool == "" {
		t.Log("left out: grpcurl, since GRPCURL does not name it")
		return
	}
	said, err := exec.CommandContext(t.Context(), tool, "-plaintext", "-d", `{"gallery":"photos"}`, address, "siamese.v1.GalleryService/GetGallery").CombinedOutput()
	if err != nil || !strings.Contains(strings.ReplaceAll(string(said), " ", ""), want) {
		t.Errorf("GetGallery by grpcurl = %s, %v, want one with %s", said, err, want)
	}
}

// TestKillBesideEnroll kills the program while entries come: what was acknowledged is
// there afterwards, and it starts at once. KILLS is how often (default 3).
func TestKillBesideEnroll(t *testing.T) {
	model, _ := fixture.SmallModel(t, 1)
	flags := []string{"--model", model, "--galleries", t.TempDir()}
	picture := proctest.ReadFile(t, proctest.GlyphA)
	kept := 0
	for kill := range fixture.Count(t, "KILLS", 3) {
		server := proctest.Serve(t, flags...)
		c := dialGalleries(t, server)
		if _, err := c.CreateGallery(t.Context(), "glyphs", client.GalleryOptions{KeepPictures: true}); err != nil {
			t.Fatal(err)
		}
		hasAll(t, c, kept)
		wanted := kept + 8 + 4*kill
		for {
			batch := make([]client.NewEntry, 4)
			for i := range batch {
				batch[i] = client.NewEntry{ID: fmt.Sprintf("e%06d", kept+i), Image: client.Image{Encoded: append(picture[:len(picture):len(picture)], fmt.Sprint(kept+i)...)}}
			}
			if kept >= wanted {
				go func() { _ = server.Cmd.Process.Kill() }() // beside the call
			}
			results, err := c.BatchEnroll(t.Context(), "glyphs", batch)
			if err != nil {
				break
			}
			for _, result := range results {
				if result.Err != nil {
					t.Fatalf("an entry failed: %v", result.Err)
				}
			}
			kept += len(batch)
		}
		server.Kill()
	}
	hasAll(t, dialGalleries(t, proctest.Serve(t, flags...)), kept)
}

// hasAll makes sure that the first entries are all there.
func hasAll(t *testing.T, c *client.Client, entries int) {
	t.Helper()
	there := 0
	for entry, err := range c.Entries(t.Context(), "glyphs", client.EntryList{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("e%06d", there); there < entries && entry.ID != want {
			t.Fatalf("entry %d is %s, want %s, which was acknowledged", there, entry.ID, want)
		}
		there++
	}
	if there < entries {
		t.Fatalf("%d entries, want the %d that were acknowledged", there, entries)
	}
}

// TestIdentifyBesideEnrollment has 16 clients identify while entries come: no call fails.
func TestIdentifyBesideEnrollment(t *testing.T) {
	model, _ := fixture.SmallModel(t, 1)
	c := dialGalleries(t, proctest.Serve(t, "--model", model, "--galleries", t.TempDir()))
	if _, err := c.CreateGallery(t.Context(), "glyphs", client.GalleryOptions{}); err != nil {
		t.Fatal(err)
	}
	picture := proctest.ReadFile(t, proctest.GlyphA)
	ctx, stop := context.WithCancel(t.Context())
	var identified, failed atomic.Int64
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.Identify(t.Context(), "glyphs", client.Image{Encoded: picture}, client.IdentifyOptions{}); err != nil {
					failed.Add(1)
					t.Errorf("Identify beside enrolment = %v", err)
					return
				}
				identified.Add(1)
			}
		})
	}
	const entries = 300
	enrolled, err := c.Enroll(t.Context(), "glyphs", func(yield func(client.NewEntry, error) bool) {
		for i := range entries {
			if !yield(client.NewEntry{ID: fmt.Sprint(i), Image: client.Image{Encoded: append(picture[:len(picture):len(picture)], fmt.Sprint(i)...)}}, nil) {
				return
			}
		}
	})
	stop()
	group.Wait()
	if err != nil || enrolled.Added != entries || identified.Load() == 0 {
		t.Errorf("Enroll = %+v, %v beside %d Identify, want %d added and some", enrolled, err, identified.Load(), entries)
	}
}

// TestWhereGalleriesAre: by default in the user's data folder, and nowhere without one.
func TestWhereGalleriesAre(t *testing.T) {
	model, _ := fixture.SmallModel(t, 1)
	data := t.TempDir()
	tests := map[string]struct {
		environment []string
		flags       []string
		want        string // the file of a gallery; empty: there are none
		log         string
	}{
		"data folder": {[]string{"XDG_DATA_HOME=" + data, "HOME=" + t.TempDir()}, nil, filepath.Join(data, "siamese/galleries/a.gallery"), ""},
		"home":        {[]string{"XDG_DATA_HOME=", "HOME=" + data}, nil, filepath.Join(data, ".local/share/siamese/galleries/a.gallery"), ""},
		"no home":     {[]string{"XDG_DATA_HOME=", "HOME="}, nil, "", "no galleries"},
		"off":         {nil, []string{"--galleries", "off"}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			address := proctest.FreeAddress(t)
			server := proctest.ServeAs(t, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Environ(), tt.environment...) },
				address, address, append([]string{"--model", model, "--http-addr", ""}, tt.flags...)...)
			_, err := dialGalleries(t, server).CreateGallery(t.Context(), "a", client.GalleryOptions{})
			_, fileErr := os.Stat(tt.want)
			if (err == nil) != (tt.want != "") || tt.want != "" && fileErr != nil {
				t.Errorf("CreateGallery = %v, file %q: %v", err, tt.want, fileErr)
			}
			if !strings.Contains(server.Log.String(), tt.log) {
				t.Errorf("the log has no %q:\n%s", tt.log, server.Log)
			}
		})
	}
}

// TestRightsOfTheProgram: a file of rights that changes is taken over.
func TestRightsOfTheProgram(t *testing.T) {
	model, _ := fixture.SmallModel(t, 1)
	dir := t.TempDir()
	rights := filepath.Join(dir, "rights")
	write(t, rights, "* read tools\n")
	server := proctest.Serve(t, "--model", model, "--galleries", filepath.Join(dir, "galleries"), "--gallery-rights", rights, "--credentials-period", "10ms")
	c := dialGalleries(t, server)
	_, err := c.CreateGallery(t.Context(), "tools", client.GalleryOptions{})
	if err == nil || !strings.Contains(err.Error(), "GALLERY_DENIED") {
		t.Errorf("CreateGallery with the right to read = %v, want GALLERY_DENIED", err)
	}
	write(t, rights, "* manage too*\n# and nothing else\n")
	for err != nil {
		if _, err = c.CreateGallery(t.Context(), "tools", client.GalleryOptions{}); t.Context().Err() != nil {
			t.Fatalf("the change was not taken over:\n%s", server.Log)
		}
	}
	_, stderr, code := proctest.Run(t, "", "serve", "--addr=127.0.0.1:0", "--gallery-rights", filepath.Join(dir, "nowhere"))
	if code == 0 || !strings.Contains(stderr, "nowhere") {
		t.Errorf("serve with rights that are not there = %q, exit code %d, want it to fail", stderr, code)
	}
}
