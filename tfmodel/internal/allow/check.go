package allow

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	funcpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
)

// checker is a graph by its names.
type checker struct {
	nodes     map[string]*nodepb.NodeDef
	functions map[string]*funcpb.FunctionDef
	filename  string // the node that TensorFlow feeds the variables' path to
}

// check holds every node to the list, and those that are run to what they may do.
func check(meta *corepb.MetaGraphDef, fetched []string) error {
	c, err := newChecker(meta)
	if err != nil {
		return err
	}
	for _, node := range c.nodes {
		if err := c.checkNode(node); err != nil {
			return err
		}
	}
	sizes := make(map[string]int)
	for _, name := range slices.Sorted(maps.Keys(c.functions)) {
		if err := c.checkFunction(c.functions[name]); err != nil {
			return fmt.Errorf("function %.100q: %w", name, err)
		}
		if c.size(name, sizes) > MaxNodes {
			return fmt.Errorf("function %.100q calls itself, or takes more than %d nodes with those that it calls", name, MaxNodes)
		}
	}
	return c.checkRuns(meta, fetched)
}

func newChecker(meta *corepb.MetaGraphDef) (*checker, error) {
	c := &checker{
		nodes: make(map[string]*nodepb.NodeDef), functions: make(map[string]*funcpb.FunctionDef),
		filename: nodeOf(meta.GetSaverDef().GetFilenameTensorName()),
	}
	count := len(meta.GetGraphDef().GetNode())
	for _, node := range meta.GetGraphDef().GetNode() {
		if _, ok := c.nodes[node.GetName()]; ok || node.GetName() == "" {
			return nil, fmt.Errorf("node %.100q is there twice or has no name", node.GetName())
		}
		c.nodes[node.GetName()] = node
	}
	for _, function := range meta.GetGraphDef().GetLibrary().GetFunction() {
		name := function.GetSignature().GetName()
		if _, ok := c.functions[name]; ok || name == "" {
			return nil, fmt.Errorf("function %.100q is there twice or has no name", name)
		}
		c.functions[name] = function
		count += len(function.GetNodeDef())
	}
	if count > MaxNodes {
		return nil, fmt.Errorf("it has %d nodes, want at most %d", count, MaxNodes)
	}
	return c, nil
}

// isKnown reports whether an operation may stand somewhere.
func isKnown(op string) bool {
	return slices.Contains(computing, op) || slices.Contains([]string{assign, restore, save, merge}, op)
}

// checkNode holds a node to the list, wherever it stands.
func (c *checker) checkNode(node *nodepb.NodeDef) error {
	if !isKnown(node.GetOp()) {
		return fmt.Errorf("node %.100q is the operation %.100q, which is none that this network needs", node.GetName(), node.GetOp())
	}
	if err := c.checkAttributes(node.GetAttr()); err != nil {
		return fmt.Errorf("node %.100q, %s: %w", node.GetName(), node.GetOp(), err)
	}
	return nil
}

// checkFunction holds a function's nodes to the list.
func (c *checker) checkFunction(function *funcpb.FunctionDef) error {
	if isKnown(function.GetSignature().GetName()) {
		return errors.New("it has the name of an operation, in whose place it would run")
	}
	for name := range function.GetAttr() {
		// TensorFlow may run one implementation in place of another.
		if strings.HasPrefix(name, "api_") {
			return fmt.Errorf("its attribute %.100q has other functions run in its place", name)
		}
	}
	if err := c.checkAttributes(function.GetAttr()); err != nil {
		return err
	}
	for _, argument := range slices.Concat(function.GetSignature().GetInputArg(), function.GetSignature().GetOutputArg()) {
		if isVariant(argument.GetType()) {
			return fmt.Errorf("its argument %.100q is of the type variant, which can be anything", argument.GetName())
		}
	}
	for _, node := range function.GetNodeDef() {
		if err := c.checkNode(node); err != nil {
			return err
		}
	}
	return nil
}

// size counts the nodes of a function with those of all calls in it: more than
// MaxNodes where it calls itself. sizes holds what is known.
func (c *checker) size(name string, sizes map[string]int) int {
	if known, ok := sizes[name]; ok {
		return known
	}
	sizes[name] = MaxNodes + 1 // while it is being counted
	size := 0
	for _, node := range c.functions[name].GetNodeDef() {
		size++
		for _, callee := range calledBy(node.GetAttr()) {
			size = min(size+c.size(callee, sizes), MaxNodes+1)
		}
	}
	sizes[name] = size
	return size
}

// checkAttributes holds types, constants and functions that are named.
func (c *checker) checkAttributes(attributes map[string]*attrpb.AttrValue) error {
	for name, value := range attributes {
		if err := c.checkAttribute(value); err != nil {
			return fmt.Errorf("attribute %.100q: %w", name, err)
		}
	}
	return nil
}

func (c *checker) checkAttribute(value *attrpb.AttrValue) error {
	list := value.GetList()
	types := slices.Concat(list.GetType(), []typepb.DataType{value.GetType()})
	if slices.ContainsFunc(types, func(t typepb.DataType) bool {
		return t == typepb.DataType_DT_VARIANT || t == typepb.DataType_DT_VARIANT_REF
	}) {
		return errors.New("it has the type variant, which can be anything")
	}
	for _, shape := range slices.Concat(list.GetShape(), []*shapepb.TensorShapeProto{value.GetShape()}) {
		if _, err := elements(shape, MaxVariableElements); err != nil {
			return err
		}
	}
	for _, tensor := range slices.Concat(list.GetTensor(), []*tensorpb.TensorProto{value.GetTensor()}) {
		if err := checkTensor(tensor); err != nil {
			return err
		}
	}
	for _, function := range slices.Concat(list.GetFunc(), []*attrpb.NameAttrList{value.GetFunc()}) {
		if function == nil {
			continue
		}
		if _, ok := c.functions[function.GetName()]; !ok {
			return fmt.Errorf("there is no function %.100q", function.GetName())
		}
		if err := c.checkAttributes(function.GetAttr()); err != nil {
			return err
		}
	}
	return nil
}

func isVariant(t typepb.DataType) bool {
	return t == typepb.DataType_DT_VARIANT || t == typepb.DataType_DT_VARIANT_REF
}

// constantTypes are the types that a constant may have: what a number or a text is.
var constantTypes = []typepb.DataType{
	typepb.DataType_DT_FLOAT, typepb.DataType_DT_DOUBLE, typepb.DataType_DT_HALF, typepb.DataType_DT_BFLOAT16,
	typepb.DataType_DT_INT8, typepb.DataType_DT_INT16, typepb.DataType_DT_INT32, typepb.DataType_DT_INT64,
	typepb.DataType_DT_UINT8, typepb.DataType_DT_BOOL, typepb.DataType_DT_STRING,
}

func checkTensor(tensor *tensorpb.TensorProto) error {
	if tensor == nil {
		return nil
	}
	if !slices.Contains(constantTypes, tensor.GetDtype()) || len(tensor.GetVariantVal()) > 0 || len(tensor.GetResourceHandleVal()) > 0 {
		return fmt.Errorf("it is a constant of type %v, want numbers or text", tensor.GetDtype())
	}
	_, err := elements(tensor.GetTensorShape(), MaxConstantElements)
	return err
}

// elements counts the elements of a shape, unknown sizes as 1.
func elements(shape *shapepb.TensorShapeProto, limit int64) (int64, error) {
	count := int64(1)
	for _, dim := range shape.GetDim() {
		size := max(dim.GetSize(), 1)
		if count > limit/size {
			return 0, fmt.Errorf("it has more than %d elements", limit)
		}
		count *= size
	}
	return count, nil
}

// checkRuns holds what is run to what it may do: signatures only compute, loading
// may set variables, and only what restores them reads files, those of the model.
func (c *checker) checkRuns(meta *corepb.MetaGraphDef, fetched []string) error {
	initial, err := initialOperation(meta)
	if err != nil {
		return err
	}
	run := slices.Clone(fetched)
	for name, node := range c.nodes {
		if node.GetOp() == "ReadVariableOp" {
			run = append(run, name)
		}
	}
	for name, signature := range meta.GetSignatureDef() {
		if name == initKey {
			continue
		}
		for _, tensors := range []map[string]*corepb.TensorInfo{signature.GetInputs(), signature.GetOutputs()} {
			for _, tensor := range tensors {
				run = append(run, tensorNames(tensor)...)
			}
		}
	}
	if err := c.checkReach("a signature, or reading a variable,", run, assign, restore, save, merge); err != nil {
		return err
	}
	if err := c.checkReach("what is run when the model is loaded", []string{initial}, restore, save, merge); err != nil {
		return err
	}
	restorer := []string{meta.GetSaverDef().GetRestoreOpName()}
	if err := c.checkReach("what restores the variables", restorer, save, merge); err != nil {
		return err
	}
	return c.checkRestores()
}

// initialOperation is the name of what TensorFlow runs once a model is loaded, found
// as TensorFlow finds it; empty if there is none.
func initialOperation(meta *corepb.MetaGraphDef) (string, error) {
	if signature, ok := meta.GetSignatureDef()[initKey]; ok {
		output, ok := signature.GetOutputs()[initKey]
		if !ok {
			return "", fmt.Errorf("its signature %s has no output of that name", initKey)
		}
		return output.GetName(), nil
	}
	for _, key := range []string{mainKey, oldKey} {
		if collection, ok := meta.GetCollectionDef()[key]; ok {
			names := collection.GetNodeList().GetValue()
			if len(names) != 1 {
				return "", fmt.Errorf("its collection %s names %d nodes, want one", key, len(names))
			}
			return names[0], nil
		}
	}
	return "", nil
}

// tensorNames are the tensors of one that a signature names.
func tensorNames(tensor *corepb.TensorInfo) []string {
	names := []string{tensor.GetName()}
	if sparse := tensor.GetCooSparse(); sparse != nil {
		names = append(names, sparse.GetValuesTensorName(), sparse.GetIndicesTensorName(), sparse.GetDenseShapeTensorName())
	}
	for _, component := range tensor.GetCompositeTensor().GetComponents() {
		names = append(names, tensorNames(component)...)
	}
	return names
}

// checkReach refuses some operations among all that the named tensors are made by.
func (c *checker) checkReach(what string, tensors []string, refused ...string) error {
	queue, seen := slices.Clone(tensors), make(map[string]bool)
	var functions []string
	for len(queue) > 0 {
		node := c.nodes[nodeOf(queue[0])]
		if queue = queue[1:]; node == nil || seen[node.GetName()] {
			continue
		}
		seen[node.GetName()] = true
		if slices.Contains(refused, node.GetOp()) {
			return fmt.Errorf("%s runs node %.100q, the operation %s", what, node.GetName(), node.GetOp())
		}
		queue = append(queue, node.GetInput()...)
		functions = append(functions, calledBy(node.GetAttr())...)
	}
	called := make(map[string]bool)
	for len(functions) > 0 {
		name := functions[0]
		if functions = functions[1:]; called[name] {
			continue
		}
		called[name] = true
		for _, node := range c.functions[name].GetNodeDef() {
			if slices.Contains(refused, node.GetOp()) {
				return fmt.Errorf("%s runs node %.100q of function %.100q, the operation %s", what, node.GetName(), name, node.GetOp())
			}
			functions = append(functions, calledBy(node.GetAttr())...)
		}
	}
	return nil
}

// calledBy are the functions that attributes name.
func calledBy(attributes map[string]*attrpb.AttrValue) []string {
	var names []string
	for _, value := range attributes {
		for _, function := range slices.Concat(value.GetList().GetFunc(), []*attrpb.NameAttrList{value.GetFunc()}) {
			if function != nil {
				names = append(append(names, function.GetName()), calledBy(function.GetAttr())...)
			}
		}
	}
	return names
}

// checkRestores has every RestoreV2 read the path that TensorFlow feeds, that of the
// model's variables: in the graph itself, or in a function that the graph gives it to.
func (c *checker) checkRestores() error {
	arguments := make(map[string]int) // of functions that restore, the one that is the path
	for _, node := range c.nodes {
		if node.GetOp() == restore && !c.isPath(node, 0) {
			return fmt.Errorf("node %.100q, %s, reads another file than the model's variables", node.GetName(), restore)
		}
	}
	for name, function := range c.functions {
		body := make(map[string]*nodepb.NodeDef)
		for _, node := range function.GetNodeDef() {
			body[node.GetName()] = node
		}
		for _, node := range function.GetNodeDef() {
			if node.GetOp() != restore {
				continue
			}
			source := source(body, node, 0)
			argument := -1
			for i, parameter := range function.GetSignature().GetInputArg() {
				if _, taken := body[source]; parameter.GetName() == source && !taken {
					argument = i
				}
			}
			if before, ok := arguments[name]; argument < 0 || ok && before != argument {
				return fmt.Errorf("node %.100q of function %.100q, %s, reads another file than it is given", node.GetName(), name, restore)
			}
			arguments[name] = argument
		}
	}
	return c.checkRestorers(arguments)
}

// checkRestorers has every call of a function that restores give it the path.
func (c *checker) checkRestorers(arguments map[string]int) error {
	for _, node := range c.nodes {
		for _, name := range calledBy(node.GetAttr()) {
			if argument, ok := arguments[name]; ok && !c.isPath(node, argument) {
				return fmt.Errorf("node %.100q has function %.100q, %s, read another file than the model's variables", node.GetName(), name, restore)
			}
		}
	}
	for caller, function := range c.functions {
		for _, node := range function.GetNodeDef() {
			for _, name := range calledBy(node.GetAttr()) {
				if _, ok := arguments[name]; ok {
					return fmt.Errorf("node %.100q of function %.100q calls function %.100q, %s: want it called by the graph itself", node.GetName(), caller, name, restore)
				}
			}
		}
	}
	return nil
}

// isPath reports whether an input of a node of the graph is the variables' path.
func (c *checker) isPath(node *nodepb.NodeDef, input int) bool {
	source := source(c.nodes, node, input)
	return source != "" && source == c.filename
}

// source is the node, or the argument of a function, that an input of a node comes
// from, through Identity; empty if there is none.
func source(nodes map[string]*nodepb.NodeDef, node *nodepb.NodeDef, input int) string {
	for range MaxNodes {
		if input >= len(node.GetInput()) || strings.HasPrefix(node.GetInput()[input], "^") {
			return ""
		}
		name := nodeOf(node.GetInput()[input])
		before, ok := nodes[name]
		if !ok || before.GetOp() != "Identity" {
			return name
		}
		node, input = before, 0
	}
	return ""
}

// nodeOf is the node of a tensor's or a control input's name: "a" for "a:0", "a:out:0"
// and "^a".
func nodeOf(tensor string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(tensor, "^"), ":")
	return name
}
