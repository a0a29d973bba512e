package tfmodel_test

import (
	"math"
	"strings"
	"testing"

	"siamese/tfmodel"
	"siamese/weights"
)

// teachersOf makes teachers of networks with seeded weights, from seed 20 on.
func teachersOf(t *testing.T, config tfmodel.TeacherConfig, networks ...tfmodel.Architecture) *tfmodel.Teachers {
	t.Helper()
	var sources []tfmodel.Source
	for i, network := range networks {
		sources = append(sources, tfmodel.Source{Card: tfmodel.Card{Name: "teacher", Architecture: network}, Weights: randomWeights(t, network, uint64(20+i))})
	}
	teachers, err := tfmodel.NewTeachers(tiny(), sources, config, tfmodel.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, teachers.Close()) })
	return teachers
}

// encoded are a batch's embeddings by the plain-Go reference.
func encoded(ref reference, batch tfmodel.TrainBatch) [][]float64 {
	size := ref.architecture.ImageBytes()
	var embeddings [][]float64
	for i := range batch.Labels {
		embeddings = append(embeddings, ref.encode(batch.Pixels[i*size:(i+1)*size]))
	}
	return embeddings
}

// relationOf is the softmax of an image's cosines with all others, 0 for itself.
func relationOf(embeddings [][]float64, i int, temperature float64) []float64 {
	row := make([]float64, len(embeddings))
	total := 0.0
	for j := range row {
		if j != i {
			row[j] = math.Exp(cosine(embeddings[i], embeddings[j]) / temperature)
			total += row[j]
		}
	}
	for j := range row {
		row[j] /= total
	}
	return row
}

// TestTeachersSayTheMeanOfWhatEachSays: by each one's own network, head and embedding.
func TestTeachersSayTheMeanOfWhatEachSays(t *testing.T) {
	const temperature, relationTemperature = 2.5, 0.3
	networks := []tfmodel.Architecture{tiny(), pooled()[3]}
	batch := tinyBatch()
	teachers := teachersOf(t, tfmodel.TeacherConfig{Temperature: temperature, RelationTemperature: relationTemperature}, networks...)
	got, err := teachers.Teach(t.Context(), batch.Pixels, batch.A, batch.B)
	must(t, err)
	var embeddings [][][]float64
	var heads []reference
	for i, network := range networks {
		heads = append(heads, reference{network, randomWeights(t, network, uint64(20+i))})
		embeddings = append(embeddings, encoded(heads[i], batch))
	}
	for i := range batch.A {
		want := 0.0
		for k, head := range heads {
			p := head.compare(embeddings[k][batch.A[i]], embeddings[k][batch.B[i]])
			want += 0.5 / (1 + math.Exp(-math.Log(p/(1-p))/temperature))
		}
		if math.Abs(float64(got.Similarities[i])-want) > lossTolerance {
			t.Errorf("similarity of pair %d = %v, want %v", i, got.Similarities[i], want)
		}
	}
	for i := range batch.Labels {
		one, two := relationOf(embeddings[0], i, relationTemperature), relationOf(embeddings[1], i, relationTemperature)
		for j := range one {
			if want := (one[j] + two[j]) / 2; math.Abs(float64(got.Relations[i*len(one)+j])-want) > lossTolerance {
				t.Errorf("relation of %d to %d = %v, want %v", i, j, got.Relations[i*len(one)+j], want)
			}
		}
	}
	plain, err := teachersOf(t, tfmodel.TeacherConfig{}, networks...).Teach(t.Context(), batch.Pixels, nil, nil)
	must(t, err)
	if plain.Relations != nil || len(plain.Similarities) != 0 {
		t.Errorf("Teach without pairs and relations = %v, want nothing", plain)
	}
}

// taughtLoss is the loss of soft targets and relations in plain Go.
func taughtLoss(t *testing.T, set *weights.Set, batch tfmodel.TrainBatch, config tfmodel.TrainerConfig) (pair, relation float64) {
	t.Helper()
	pair, _, _ = lossesOf(t, tiny(), set, batch, config)
	embeddings := encoded(reference{tiny(), set}, batch)
	for i := range embeddings {
		for j, q := range relationOf(embeddings, i, config.Temperature) {
			if p := float64(batch.Relations[i*len(embeddings)+j]); p > 0 {
				relation += p * math.Log(p/q) / float64(len(embeddings))
			}
		}
	}
	return pair, relation
}

// TestTaughtLossAndGradients holds the terms of soft targets and of relations against
// plain Go, and their gradients against finite differences of it.
func TestTaughtLossAndGradients(t *testing.T) {
	config := tfmodel.TrainerConfig{PairWeight: 0.6, RelationWeight: 0.8, Temperature: 0.4}
	batch := tinyBatch()
	lesson, err := teachersOf(t, tfmodel.TeacherConfig{RelationTemperature: 0.4}, tiny()).Teach(t.Context(), batch.Pixels, batch.A, batch.B)
	must(t, err)
	batch.Targets, batch.Relations = lesson.Similarities, lesson.Relations
	before := randomWeights(t, tiny(), 1)
	trainer := newTrainer(t, config)
	got, err := trainer.Step(t.Context(), batch, 1)
	must(t, err)
	pair, relation := taughtLoss(t, before, batch, config)
	if math.Abs(got.Pair-pair) > lossTolerance || math.Abs(got.Relation-relation) > lossTolerance || math.Abs(got.Loss-0.6*pair-0.8*relation) > lossTolerance {
		t.Errorf("loss %v of pairs %v and relations %v, want pairs %v and relations %v", got.Loss, got.Pair, got.Relation, pair, relation)
	}
	after, err := trainer.Weights()
	must(t, err)
	loss := func(name string, index int, delta float32) float64 {
		var changed []weights.Tensor
		for tensor := range before.All() {
			if tensor.Name == name {
				tensor.Data = append([]float32(nil), tensor.Data...)
				tensor.Data[index] += delta
			}
			changed = append(changed, tensor)
		}
		set, err := weights.New(changed...)
		must(t, err)
		pair, relation := taughtLoss(t, set, batch, config)
		return 0.6*pair + 0.8*relation
	}
	const delta = 1e-3
	for _, name := range before.Names() {
		old, _ := before.Get(name)
		now, _ := after.Get(name)
		for index := 0; index < len(old.Data); index += 1 + len(old.Data)/4 {
			got := float64(old.Data[index] - now.Data[index])
			want := (loss(name, index, delta) - loss(name, index, -delta)) / (2 * delta)
			if math.Abs(got-want) > 5e-3*(1+math.Abs(want)) { // as in gradientsAgree
				t.Errorf("gradient of %s[%d] = %v, finite difference %v", name, index, got, want)
			}
		}
	}
}

// TestTaughtLossByHand: two images, one pair. A head of zeros has the logit 0, so that a
// target of 0.3 costs log 2; with a third image like neither, the relations cost what the
// formula says.
func TestTaughtLossByHand(t *testing.T) {
	set := randomWeights(t, tiny(), 1)
	zero, err := weights.New(weights.Tensor{Name: "dense_2/kernel", Shape: []int{5, 1}, Data: make([]float32, 5)},
		weights.Tensor{Name: "dense_2/bias", Shape: []int{1}, Data: make([]float32, 1)})
	must(t, err)
	set, _, _, err = tfmodel.Overlay(set, zero)
	must(t, err)
	trainer, err := tfmodel.NewTrainer(tiny(), set, tfmodel.TrainerConfig{PairWeight: 1, RelationWeight: 1, Temperature: 1}, tfmodel.Options{})
	must(t, err)
	defer trainer.Close()
	pixels := randomPixels(tiny(), 1, 3)
	batch := tfmodel.TrainBatch{
		Pixels: append(append(append([]byte(nil), pixels...), pixels...), pixels...), Labels: []int32{0, 1, 2},
		A: []int32{0}, B: []int32{1}, Same: []bool{false}, Weights: []float32{1}, Targets: []float32{0.3},
		Relations: []float32{0, 1, 0, 0.5, 0, 0.5, 0.25, 0.75, 0},
	}
	got, err := trainer.Step(t.Context(), batch, 0)
	must(t, err)
	// Three equal images: the student's rows are a half each. The teacher's are 1 and 0,
	// which diverge by log 2, a half each, by 0, and a quarter and three.
	want := (math.Ln2 + 0 + 0.25*math.Log(0.5) + 0.75*math.Log(1.5)) / 3
	if math.Abs(got.Pair-math.Ln2) > 1e-5 || math.Abs(got.Relation-want) > 1e-5 {
		t.Errorf("pair loss %v and relation loss %v, want %v and %v", got.Pair, got.Relation, math.Ln2, want)
	}
}

// TestAStudentLearnsItsTeacher: with the teacher's similarities as targets, and its
// relations, another network comes to say what the teacher says of these pairs.
func TestAStudentLearnsItsTeacher(t *testing.T) {
	batch := tinyBatch()
	lesson, err := teachersOf(t, tfmodel.TeacherConfig{RelationTemperature: 0.5}, tiny()).Teach(t.Context(), batch.Pixels, batch.A, batch.B)
	must(t, err)
	batch.Targets, batch.Relations = lesson.Similarities, lesson.Relations
	student := newTrainer(t, tfmodel.TrainerConfig{Optimizer: tfmodel.Adam, Momentum: 0.9, PairWeight: 1, RelationWeight: 1, Temperature: 0.5})
	apart := func() float64 {
		embeddings, err := student.Encode(t.Context(), batch.Pixels)
		must(t, err)
		length := tiny().EmbeddingLength()
		sum := 0.0
		for i := range batch.A {
			a, b := int(batch.A[i]), int(batch.B[i])
			got, err := student.Compare(t.Context(), embeddings[a*length:(a+1)*length], embeddings[b*length:(b+1)*length])
			must(t, err)
			sum += math.Abs(float64(got[0]-lesson.Similarities[i])) / float64(len(batch.A))
		}
		return sum
	}
	before := apart()
	var first, last tfmodel.StepResult
	for step := range 400 {
		result, err := student.Step(t.Context(), batch, 0.01)
		must(t, err)
		if last = result; step == 0 {
			first = result
		}
	}
	if after := apart(); before < 0.05 || after > 0.02 || last.Relation > first.Relation/2 {
		t.Errorf("student and teacher differ by %v, by %v before, relations by %v and %v before; want at most 0.02 of more than 0.05, and half", after, before, last.Relation, first.Relation)
	}
}

func TestTeachersRefuse(t *testing.T) {
	source := tinySource(t)
	wide := tiny()
	wide.Width = 14
	one := []tfmodel.Source{source}
	tests := []struct {
		name    string
		student tfmodel.Architecture
		sources []tfmodel.Source
		config  tfmodel.TeacherConfig
		options tfmodel.Options
		want    string
	}{
		{"another size", wide, one, tfmodel.TeacherConfig{}, tfmodel.Options{}, `teacher "tiny": it takes images of 8×10 pixels (height × width), the network that is to learn of it takes 8×14`},
		{"none", tiny(), nil, tfmodel.TeacherConfig{}, tfmodel.Options{}, "got 0 teachers"},
		{"several devices", tiny(), one, tfmodel.TeacherConfig{}, tfmodel.Options{Towers: []string{"cpu:0", "cpu:1"}}, "want one or more on one device"},
		{"a cluster", tiny(), one, tfmodel.TeacherConfig{}, tfmodel.Options{Cluster: []string{"localhost:1"}}, "1 workers"},
		{"no temperature", tiny(), one, tfmodel.TeacherConfig{Temperature: -1}, tfmodel.Options{}, "temperature -1"},
		{"no temperature of relations", tiny(), one, tfmodel.TeacherConfig{RelationTemperature: math.NaN()}, tfmodel.Options{}, "temperature of relations NaN"},
		{"weights of another network", tiny(), []tfmodel.Source{{Card: source.Card, Weights: randomWeights(t, wide, 1)}}, tfmodel.TeacherConfig{}, tfmodel.Options{}, "dense_1"},
	}
	for _, tt := range tests {
		if _, err := tfmodel.NewTeachers(tt.student, tt.sources, tt.config, tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: NewTeachers = %v, want %q in it", tt.name, err, tt.want)
		}
	}
	teachers := teachersOf(t, tfmodel.TeacherConfig{}, tiny())
	pixels := randomPixels(tiny(), 2, 1)
	for name, give := range map[string]struct {
		pixels []byte
		a, b   []int32
	}{
		"no image": {nil, nil, nil}, "part of an image": {pixels[1:], nil, nil}, "half a pair": {pixels, []int32{0}, nil}, "an image that is not there": {pixels, []int32{0}, []int32{2}},
	} {
		if _, err := teachers.Teach(t.Context(), give.pixels, give.a, give.b); err == nil {
			t.Errorf("%s: Teach = nil error, want one", name)
		}
	}
}

// TestRelationsAreChecked: a step needs them for all images, and one device.
func TestRelationsAreChecked(t *testing.T) {
	config := tfmodel.TrainerConfig{RelationWeight: 1}
	if _, err := newTrainer(t, config).Step(t.Context(), tinyBatch(), 0.1); err == nil || !strings.Contains(err.Error(), "got 0 relations for 6 images, want 36") {
		t.Errorf("Step without relations = %v, want an error that says so", err)
	}
	_, err := tfmodel.NewTrainer(tiny(), randomWeights(t, tiny(), 1), config, tfmodel.Options{Device: "cpu", Towers: []string{"cpu:0", "cpu:1"}})
	if err == nil || !strings.Contains(err.Error(), "a relation term on 2 devices") {
		t.Errorf("NewTrainer on two devices = %v, want an error that says so", err)
	}
}
