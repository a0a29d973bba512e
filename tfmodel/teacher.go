package tfmodel

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"

	"siamese/tfmodel/internal/tf"
)

// TeacherConfig says what trained networks are asked.
type TeacherConfig struct {
	// Temperature divides the logits of a teacher's head: above 1 its similarities come
	// nearer to 0.5, below 1 nearer to 0 and 1. Default 1.
	Temperature float64
	// RelationTemperature divides the cosines of a teacher's embeddings; it should be
	// the student's TrainerConfig.Temperature. 0: relations are not asked for.
	RelationTemperature float64
}

// Validate returns an error that names the first field out of range.
func (c TeacherConfig) Validate() error {
	if c.Temperature != 0 && !(c.Temperature >= 1e-3 && c.Temperature <= 1e3) {
		return fmt.Errorf("teachers' temperature %v, want 0.001 to 1000", c.Temperature)
	}
	if c.RelationTemperature != 0 && !(c.RelationTemperature >= 1e-3 && c.RelationTemperature <= 1e3) {
		return fmt.Errorf("temperature of relations %v, want 0.001 to 1000", c.RelationTemperature)
	}
	return nil
}

// Lesson is what teachers say of a batch, the mean over them.
type Lesson struct {
	// Similarities are those of the pairs, 0..1, by each teacher's own head.
	Similarities []float32
	// Relations, [N,N], have for each image the softmax of its cosines with all others,
	// 0 for itself: see TrainBatch.Relations. Nil where they are not asked for.
	Relations []float32
}

// Teachers are trained networks of which another one learns. Their weights stay. Each
// has a session of its own, and all run one after another on one device. Not safe for
// concurrent use.
type Teachers struct {
	each      []*teacher
	relations bool
}

// teacher is one of them.
type teacher struct {
	architecture                                 Architecture
	session                                      *tf.Session
	images, a, b, similarity, relation, diagonal tf.Output
}

// NewTeachers makes teachers for a student that takes images of the given network's
// size. They run on Options.Device in its Precision; towers and clusters are refused.
// The caller closes them.
func NewTeachers(student Architecture, sources []Source, config TeacherConfig, options Options) (*Teachers, error) {
	if err := errors.Join(config.Validate(), options.Validate()); err != nil {
		return nil, fmt.Errorf("teachers: %w", err)
	}
	if len(sources) == 0 || len(options.Towers) > 1 || len(options.Cluster) > 0 {
		return nil, fmt.Errorf("got %d teachers on %d devices and %d workers, want one or more on one device", len(sources), len(options.Towers), len(options.Cluster))
	}
	t := &Teachers{relations: config.RelationTemperature > 0}
	for _, source := range sources {
		one, err := newTeacher(student, source, config, options)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("teacher %q: %w", source.Card.Name, err), t.Close())
		}
		t.each = append(t.each, one)
	}
	return t, nil
}

func newTeacher(student Architecture, source Source, config TeacherConfig, options Options) (*teacher, error) {
	architecture := source.Card.Architecture
	if architecture.Height != student.Height || architecture.Width != student.Width {
		return nil, fmt.Errorf("it takes images of %d×%d pixels (height × width), the network that is to learn of it takes %d×%d, want the same",
			architecture.Height, architecture.Width, student.Height, student.Width)
	}
	if err := architecture.Check(source.Weights); err != nil {
		return nil, err
	}
	rounds, err := options.roundsGraph()
	if err != nil {
		return nil, err
	}
	devices, err := options.towerDevices()
	if err != nil {
		return nil, err
	}
	g, err := newTeacherGraph(architecture, config, devices[0], rounds)
	if err != nil {
		return nil, err
	}
	options.Precision.allowTensorFloat32()
	t := &teacher{architecture: architecture}
	if t.session, err = g.newSession(options); err != nil {
		return nil, err
	}
	if err = options.checkDevices(t.session, devices); err == nil {
		err = t.begin(g, source)
	}
	if err != nil {
		return nil, errors.Join(err, t.session.Close())
	}
	return t, nil
}

// newTeacherGraph is the network's variables with a tower that only looks.
func newTeacherGraph(architecture Architecture, config TeacherConfig, device string, rounds bool) (*trainerGraph, error) {
	g := &trainerGraph{graph: newGraph(architecture), outputs: make(map[string]binding.Output), operations: make(map[string]*binding.Operation)}
	for _, variable := range g.variables {
		g.state = append(g.state, stateVariable{graphVariable: variable, kind: kindWeight, of: variable.Name})
	}
	tower, err := newTeacherTower(architecture, config)
	if err == nil && rounds {
		err = roundTower(tower)
	}
	if err == nil {
		err = g.importTower(tower, 0, device)
	}
	if err != nil {
		return nil, err
	}
	for name, tensor := range tower.names {
		if g.outputs[name], err = g.imported(towerPrefix(0) + "/" + tensor); err != nil {
			return nil, err
		}
	}
	g.addAssigns()
	return g, g.scope.Err()
}

// newTeacherTower builds encoder and head, with placeholders for weights.
func newTeacherTower(architecture Architecture, config TeacherConfig) (*tower, error) {
	g := emptyGraph(architecture)
	t := &tower{names: make(map[string]string)}
	for _, variable := range architecture.Variables() {
		read := op.Placeholder(g.scope.SubScope(variable.Name), binding.Float, op.PlaceholderShape(variable.shape()))
		g.reads[variable.Name] = read
		t.names["weight/"+variable.Name] = tensorName(read)
	}
	images := g.images(imagesInput)
	embeddings := g.encoder("teach", images)
	in := newLossInputs(g.scope)
	logit := g.pairLogit("teach_head", embeddings, in, nil) // [M]
	scope := g.scope.SubScope("taught")
	temperature := op.Const(scope, float32(orOne(config.Temperature)))
	similarity := op.Sigmoid(scope, op.RealDiv(scope, logit, temperature))
	for name, output := range map[string]binding.Output{"images": images, "pair_a": in.a, "pair_b": in.b, "similarity": similarity} {
		t.names[name] = tensorName(output)
	}
	if config.RelationTemperature > 0 {
		s := g.scope.SubScope("relation")
		t.names["relation"] = tensorName(op.Softmax(s, cosineLogits(s, embeddings, in.diagonal, config.RelationTemperature)))
		t.names["diagonal"] = tensorName(in.diagonal)
	}
	built, err := g.finalize()
	if err != nil {
		return nil, err
	}
	var serialized bytes.Buffer
	if _, err := built.WriteTo(&serialized); err != nil {
		return nil, fmt.Errorf("build teacher: %w", err)
	}
	t.definition = serialized.Bytes()
	return t, nil
}

func orOne(value float64) float64 {
	if value == 0 {
		return 1
	}
	return value
}

// begin sets the weights and looks up what is fed and fetched.
func (t *teacher) begin(g *trainerGraph, source Source) (err error) {
	find := func(name string, into *tf.Output) {
		if output, ok := g.outputs[name]; ok && err == nil {
			*into, err = t.session.Output(tensorName(output))
		}
	}
	for name, into := range map[string]*tf.Output{
		"images": &t.images, "pair_a": &t.a, "pair_b": &t.b, "similarity": &t.similarity, "relation": &t.relation, "diagonal": &t.diagonal,
	} {
		find(name, into)
	}
	for _, variable := range g.variables {
		var value tf.Output
		find("set/"+variable.Name, &value)
		if err != nil {
			return err
		}
		set, found := t.session.Operation(g.operations["set/"+variable.Name].Name())
		if found != nil {
			return found
		}
		tensor, _ := source.Weights.Get(variable.Name) // newTeacher has checked the set
		feed := tf.Feed{To: value, Type: tf.Float32, Shape: int64s(variable.Shape), Data: tf.Float32Bytes(tensor.Data)}
		if err := t.session.Run([]tf.Feed{feed}, nil, set); err != nil {
			return fmt.Errorf("set %q: %w", variable.Name, err)
		}
	}
	return err
}

// Teach asks all teachers about images, uint8 [N,H,W,3] RGB, and pairs of them by their
// indices. ctx is checked before each teacher.
func (t *Teachers) Teach(ctx context.Context, pixels []byte, a, b []int32) (Lesson, error) {
	size := t.each[0].architecture.ImageBytes()
	count := len(pixels) / size
	if count == 0 || len(pixels)%size != 0 || len(a) != len(b) {
		return Lesson{}, fmt.Errorf("teach: got %d bytes and pairs of lengths %d and %d, want a positive multiple of %d and one length", len(pixels), len(a), len(b), size)
	}
	for i := range a {
		if min(a[i], b[i]) < 0 || int(max(a[i], b[i])) >= count {
			return Lesson{}, fmt.Errorf("teach: pair %d is of images %d and %d, want 0 to %d", i, a[i], b[i], count-1)
		}
	}
	lesson := Lesson{Similarities: make([]float32, len(a))}
	if t.relations {
		lesson.Relations = make([]float32, count*count)
	}
	if len(a) == 0 && !t.relations {
		return lesson, nil // nothing is asked
	}
	for _, one := range t.each {
		if err := ctx.Err(); err != nil {
			return Lesson{}, err
		}
		if err := one.teach(&lesson, pixels, count, a, b, 1/float32(len(t.each))); err != nil {
			return Lesson{}, fmt.Errorf("teach: %w", err)
		}
	}
	return lesson, nil
}

// teach adds what one teacher says, by its share.
func (t *teacher) teach(lesson *Lesson, pixels []byte, count int, a, b []int32, share float32) error {
	n, pairs := int64(count), []int64{int64(len(a))}
	feeds := []tf.Feed{
		{To: t.images, Type: tf.Uint8, Shape: []int64{n, int64(t.architecture.Height), int64(t.architecture.Width), 3}, Data: pixels},
		{To: t.a, Type: tf.Int32, Shape: pairs, Data: int32Bytes(a)},
		{To: t.b, Type: tf.Int32, Shape: pairs, Data: int32Bytes(b)},
	}
	similarities, relations := make([]float32, len(a)), make([]float32, len(lesson.Relations))
	var fetches []tf.Fetch
	if len(a) > 0 {
		fetches = append(fetches, tf.Fetch{From: t.similarity, Type: tf.Float32, Shape: pairs, Into: tf.Float32Bytes(similarities)})
	} else {
		feeds = feeds[:1]
	}
	if lesson.Relations != nil {
		feeds = append(feeds, tf.Feed{To: t.diagonal, Type: tf.Float32, Shape: []int64{n, n}, Data: tf.Float32Bytes(offDiagonal(count))})
		fetches = append(fetches, tf.Fetch{From: t.relation, Type: tf.Float32, Shape: []int64{n, n}, Into: tf.Float32Bytes(relations)})
	}
	if err := t.session.Run(feeds, fetches); err != nil {
		return err
	}
	for i, value := range similarities {
		lesson.Similarities[i] += share * value
	}
	for i, value := range relations {
		lesson.Relations[i] += share * value
	}
	return nil
}

// offDiagonal is [count,count]: selfOff on the diagonal, else 0.
func offDiagonal(count int) []float32 {
	values := make([]float32, count*count)
	for i := range count {
		values[i*count+i] = selfOff
	}
	return values
}

// Close gives the teachers' memory back. Closing twice, or none, is harmless.
func (t *Teachers) Close() error {
	if t == nil {
		return nil
	}
	var err error
	for _, one := range t.each {
		err = errors.Join(err, one.session.Close())
	}
	t.each = nil
	return err
}
