package server_test

import (
	"bytes"
	"context"
	"image/png"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"siamese/imaging"
	"siamese/imaging/views"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// withViews are options that ask for n views.
func withViews(n uint32) *pb.CompareOptions { return &pb.CompareOptions{TestTimeViews: n} }

// embeddingsOf is what the fake network makes of the first n views of a picture of its
// own size, as PNG.
func embeddingsOf(t *testing.T, file []byte, n int) [][]float32 {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	picture := &imaging.Picture{Width: inputSide, Height: inputSide}
	for y := range inputSide {
		for x := range inputSide {
			r, g, b, _ := decoded.At(x, y).RGBA()
			picture.Pix = append(picture.Pix, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	made, err := views.Of(picture, n)
	if err != nil {
		t.Fatal(err)
	}
	var embeddings [][]float32
	for _, view := range made {
		embeddings = append(embeddings, embeddingOf(view.Pix))
	}
	return embeddings
}

// meanOver is the mean similarity of views of a and b as it is; both sides: of every view
// of either with the other as it is.
func meanOver(a, b [][]float32, bothSides bool) float32 {
	var all []float32
	for _, view := range a {
		all = append(all, similarityOf(view, b[0]))
	}
	if bothSides {
		for _, view := range b[1:] {
			all = append(all, similarityOf(a[0], view))
		}
	}
	sum := 0.0
	for _, similarity := range all {
		sum += float64(similarity)
	}
	return float32(sum / float64(len(all)))
}

func (r *running) similarity(t *testing.T, a, b *pb.Image, n uint32) float32 {
	t.Helper()
	got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: a, ImageB: b, Options: withViews(n)})
	if err != nil {
		t.Fatalf("Compare with %d views: %v", n, err)
	}
	return got.GetSimilarity()
}

func TestCompareIsTheMeanOverTheViewsOfEitherImage(t *testing.T) {
	fileA, fileB := noise(inputSide, 1), noise(inputSide, 2)
	a, b := encoded(fileA), encoded(fileB)
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	without := r.similarity(t, a, b, 0)
	if one := r.similarity(t, a, b, 1); one != without {
		t.Errorf("with 1 view %v, want %v as without", one, without)
	}
	for _, n := range []uint32{2, 5, views.Most} {
		before := model.encodedImages()
		got := r.similarity(t, a, b, n)
		want := meanOver(embeddingsOf(t, fileA, int(n)), embeddingsOf(t, fileB, int(n)), true)
		checkProto(t, want, got)
		if got == without {
			t.Errorf("%d views give %v, as the pictures alone do", n, got)
		}
		if encoded := model.encodedImages() - before; encoded != 2*int(n) {
			t.Errorf("%d views of two pictures took %d encodes, want %d", n, encoded, 2*n)
		}
		if swapped := r.similarity(t, b, a, n); swapped != got {
			t.Errorf("swapped: %v, want %v", swapped, got)
		}
	}
}

func TestAnEmbeddingHasOneView(t *testing.T) {
	file := noise(inputSide, 3)
	r := serve(t, server.Config{}, &fakeModel{})
	of := embeddingsOf(t, file, 5)
	other := grayEmbedding(90)
	want := meanOver(of, [][]float32{other.GetEmbedding().GetValues()}, false)
	checkProto(t, want, r.similarity(t, encoded(file), other, 5))
	checkProto(t, want, r.similarity(t, other, encoded(file), 5))
	if got, want := r.similarity(t, other, grayEmbedding(40), 5), r.similarity(t, other, grayEmbedding(40), 0); got != want {
		t.Errorf("two embeddings with 5 views: %v, want %v as without", got, want)
	}
}

func TestRankVariesTheQueryAlone(t *testing.T) {
	query, candidates := noise(inputSide, 4), [][]byte{noise(inputSide, 5), noise(inputSide, 4), noise(inputSide, 6)}
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	req := &pb.RankRequest{Query: encoded(query), Options: withViews(9)}
	for _, candidate := range candidates {
		req.Candidates = append(req.Candidates, encoded(candidate))
	}
	got, err := r.Rank(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, ranked := range got.GetRanked() {
		want := meanOver(embeddingsOf(t, query, 9), embeddingsOf(t, candidates[ranked.GetIndex()], 1), false)
		checkProto(t, want, ranked.GetSimilarity())
	}
	// The query is among the candidates: 9 views of it and two more pictures.
	if n := model.encodedImages(); n != 11 || got.GetEncodedImages() != 11 {
		t.Errorf("%d images were encoded and %d told, want 11", n, got.GetEncodedImages())
	}
}

func TestBatchComparePairsAreAsCompares(t *testing.T) {
	files := [][]byte{noise(inputSide, 1), noise(inputSide, 2), noise(inputSide, 3)}
	r := serve(t, server.Config{}, &fakeModel{})
	req := &pb.BatchCompareRequest{Options: withViews(4)}
	for i := range files {
		req.Pairs = append(req.Pairs, &pb.ImagePair{ImageA: encoded(files[i]), ImageB: encoded(files[(i+1)%3])})
	}
	got, err := r.BatchCompare(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, result := range got.GetResults() {
		if want := r.similarity(t, encoded(files[i]), encoded(files[(i+1)%3]), 4); result.GetScore().GetSimilarity() != want {
			t.Errorf("pair %d: %v, want %v as Compare has it", i, result.GetScore().GetSimilarity(), want)
		}
	}
	if got.GetEncodedImages() != 12 {
		t.Errorf("%d images were encoded, want 4 views of each of 3", got.GetEncodedImages())
	}
}

func TestViewsAreCachedOneByOne(t *testing.T) {
	a, b := encoded(noise(inputSide, 1)), encoded(noise(inputSide, 2))
	model := &fakeModel{}
	r := serve(t, withCache, model)
	tests := []struct {
		name       string
		image      *pb.Image
		views      uint32
		wantEncode int
	}{
		{"nothing known", a, 3, 6},
		{"all known", a, 3, 0},
		{"some known", a, 5, 4},
		{"fewer", a, 2, 0},
		{"alone", a, 0, 0},
		{"the same pixels in other bytes", encoded(withComment(a.GetEncoded())), 5, 0},
		{"the same other bytes", encoded(withComment(a.GetEncoded())), 5, 0},
	}
	for _, tt := range tests {
		before := model.encodedImages()
		got := r.similarity(t, tt.image, b, tt.views)
		if n := model.encodedImages() - before; n != tt.wantEncode {
			t.Errorf("%s: %d images encoded, want %d", tt.name, n, tt.wantEncode)
		}
		n := max(int(tt.views), 1)
		checkProto(t, meanOver(embeddingsOf(t, a.GetEncoded(), n), embeddingsOf(t, b.GetEncoded(), n), true), got)
	}
	// The picture is asked for, so that it is prepared although all is known.
	reply, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: a, ImageB: b, Options: &pb.CompareOptions{TestTimeViews: 5, IncludePrepared: true}})
	if err != nil || len(reply.GetPreparedAPng()) == 0 || model.encodedImages() != 10 {
		t.Errorf("with the prepared picture: %v, %d bytes, %d images encoded in all, want 10", err, len(reply.GetPreparedAPng()), model.encodedImages())
	}
}

func TestStreamFramesAndPairsHaveViews(t *testing.T) {
	file, other := noise(inputSide, 7), noise(inputSide, 8)
	r := serve(t, server.Config{}, &fakeModel{})
	c, opened := r.openStream(t.Context(), t, &pb.StreamOpening{Options: withViews(5)})
	if opened.GetWindow() != 2 {
		t.Errorf("the window is %d, want 2: each message has several views", opened.GetWindow())
	}
	checkProto(t, setAnswer("r"), c.ask(set("r", encoded(other))))
	of, ofOther := embeddingsOf(t, file, 5), embeddingsOf(t, other, 5)
	checkSimilarity := func(response *pb.StreamCompareResponse, want float32) {
		t.Helper()
		got := response.GetPairScored().GetScore().GetSimilarity()
		if scores := response.GetFrameScored().GetScores(); len(scores) == 1 {
			got = scores[0].GetSimilarity()
		}
		checkProto(t, want, got)
	}
	checkSimilarity(c.ask(frame(1, encoded(file))), meanOver(of, ofOther, false))
	checkSimilarity(c.ask(pair(2, encoded(file), encoded(other))), meanOver(of, ofOther, true))
	checkSimilarity(c.ask(pair(3, encoded(file), reference("r"))), meanOver(of, ofOther[:1], true))
	checkSimilarity(c.ask(pair(4, reference("r"), reference("r"))), 1)
	if _, err := c.end(); err != nil {
		t.Error(err)
	}
}

func TestIdentifyAveragesOverTheViewsOfTheImage(t *testing.T) {
	g := serveGalleries(t, server.Config{}, &fakeModel{}, tools())
	files := map[string][]byte{"one": noise(inputSide, 1), "two": noise(inputSide, 2), "three": noise(inputSide, 3)}
	for thing, file := range files {
		g.enroll(t, &pb.NewEntry{Id: thing, Thing: thing, Image: encoded(file)})
	}
	query := noise(inputSide, 9)
	answer, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: encoded(query), TestTimeViews: 6})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.GetMatches()) != 3 {
		t.Fatalf("found %d things, want 3", len(answer.GetMatches()))
	}
	for _, match := range answer.GetMatches() {
		want := meanOver(embeddingsOf(t, query, 6), embeddingsOf(t, files[match.GetThing()], 1), false)
		checkProto(t, want, match.GetSimilarity())
	}
	_, err = g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: encoded(query), TestTimeViews: 17})
	checkProto(t, failure{codes.InvalidArgument, "TEST_TIME_VIEWS", "test_time_views"}, failureOf(err))
}

func TestTooManyViewsAreRefused(t *testing.T) {
	a, b := grayImage(1), grayImage(2)
	options := func(n uint32) *pb.CompareRequest {
		return &pb.CompareRequest{ImageA: a, ImageB: b, Options: withViews(n)}
	}
	batch := &pb.BatchCompareRequest{Options: withViews(4)}
	for i := range byte(5) {
		batch.Pairs = append(batch.Pairs, &pb.ImagePair{ImageA: grayImage(2 * i), ImageB: grayImage(2*i + 1)})
	}
	small := server.Config{MaxPairs: 8, MaxCandidates: 8, MaxImages: 8, MaxQueuedImages: 16}
	tests := []struct {
		name      string
		config    server.Config
		give      proto.Message
		wantError string // empty: none
	}{
		{"over the most there are", server.Config{}, options(17), "received a wish for 17 views of a picture, expected at most 16"},
		{"far over", server.Config{}, options(1 << 31), "received a wish for 2147483648 views of a picture, expected at most 16"},
		{"over the server's bound", server.Config{MaxTestTimeViews: 4}, options(5), "expected at most 4"},
		{"of a server without", server.Config{MaxTestTimeViews: 1}, options(2), "expected 0 or 1: this server scores pictures alone"},
		{"one view of a server without", server.Config{MaxTestTimeViews: 1}, options(1), ""},
		{"as many as fit", small, options(8), ""},
		{"more than fit", small, options(9), "in all 18 images, expected at most 16 images in a call"},
		{"pairs that have too many in all", small, batch, "in all 40 images, expected at most 16"},
		{"a query with candidates", small, &pb.RankRequest{Query: a, Candidates: []*pb.Image{b}, Options: withViews(16)}, "in all 17 images"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serve(t, tt.config, &fakeModel{})
			var err error
			switch req := tt.give.(type) {
			case *pb.CompareRequest:
				_, err = r.Compare(t.Context(), req)
			case *pb.BatchCompareRequest:
				_, err = r.BatchCompare(t.Context(), req)
			case *pb.RankRequest:
				_, err = r.Rank(t.Context(), req)
			}
			if tt.wantError == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.wantError) {
				t.Errorf("error %v, want one with %q", err, tt.wantError)
			}
			checkProto(t, failure{codes.InvalidArgument, "TEST_TIME_VIEWS", "options.test_time_views"}, failureOf(err))
			r.checkAnswers(t)
		})
	}
}

func TestStreamsWithTooManyViewsAreRefused(t *testing.T) {
	r := serve(t, server.Config{MaxPairs: 4, MaxCandidates: 4, MaxImages: 4, MaxQueuedImages: 8}, &fakeModel{})
	c := r.bareStream(t.Context(), t)
	c.send(&pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Opening{Opening: &pb.StreamOpening{Options: withViews(20)}}})
	_, err := c.rest()
	checkProto(t, failure{codes.InvalidArgument, "TEST_TIME_VIEWS", "opening.options.test_time_views"}, failureOf(err))

	// A frame's views fit, those of a pair do not: the pair alone fails.
	c, _ = r.openStream(t.Context(), t, &pb.StreamOpening{Options: withViews(8)})
	c.ask(set("r", grayImage(10)))
	if c.ask(frame(1, grayImage(20))).GetFrameScored() == nil {
		t.Error("a frame whose views fit was not scored")
	}
	checkProto(t, failedFrame(2, failure{codes.InvalidArgument, "TEST_TIME_VIEWS", "opening.options.test_time_views"}),
		c.ask(pair(2, grayImage(1), grayImage(2))), withoutMessage)
	if _, err := c.end(); err != nil {
		t.Error(err)
	}
}

// Views are images to the queue and to what counts.
func TestViewsFillRunsOfTheEncoder(t *testing.T) {
	var sizes []int
	model := &fakeModel{maxBatch: 4}
	model.encode = func(_ context.Context, images int) error {
		sizes = append(sizes, images)
		return nil
	}
	r := serve(t, server.Config{}, model)
	r.similarity(t, encoded(noise(inputSide, 1)), encoded(noise(inputSide, 2)), 5)
	total := 0
	for _, size := range sizes {
		total += size
	}
	if total != 10 || slices.Max(sizes) > 4 {
		t.Errorf("runs of %v images, want 10 in all and none above 4", sizes)
	}
}
