package weights

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"siamese/weights/internal/hdf5"
)

const (
	// maxNesting bounds models within models.
	maxNesting = 8

	kernelVariable = "0"
	biasVariable   = "1"
)

// keras3Layers finds the weighted layers of Keras 3's layout below a list: group
// layers/<class>[_N] for the N-th layer of a class (counted from 0, without a number),
// its variables in vars/0 and vars/1, and the layers of a nested model in its own list.
// Whatever else a layer keeps, such as the seed of a dropout, is no weight.
func keras3Layers(parent *hdf5.Group, list string, depth int) ([]layer, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("%w: %s nests models deeper than %d", ErrUnsupported, list, maxNesting)
	}
	group, err := parent.Group(layersGroup)
	if err != nil {
		return nil, err
	}
	members := group.Members()
	slices.SortFunc(members, compareNumbered)
	var layers []layer
	for _, name := range members {
		member, err := group.Group(name)
		if err != nil {
			return nil, err
		}
		if member.Has(variablesGroup) {
			found, err := keras3Layer(member, name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path.Join(list, name), err)
			}
			for _, l := range found {
				l.container = list
				layers = append(layers, l)
			}
		}
		if member.Has(layersGroup) {
			nested, err := keras3Layers(member, path.Join(list, name, layersGroup), depth+1)
			if err != nil {
				return nil, err
			}
			layers = append(layers, nested...)
		}
	}
	return layers, nil
}

// keras3Layer returns the layer with its variables, or nothing for a weightless one.
func keras3Layer(member *hdf5.Group, name string) ([]layer, error) {
	variables, err := member.Group(variablesGroup)
	if err != nil {
		return nil, err
	}
	found := variables.Members()
	if len(found) == 0 {
		return nil, nil
	}
	if !slices.Equal(found, []string{kernelVariable, biasVariable}) {
		return nil, fmt.Errorf("%w: variables %q, want %q and %q for kernel and bias", ErrUnsupported, found, kernelVariable, biasVariable)
	}
	l := layer{name: name}
	if variables.HasAttribute(nameAttribute) {
		own, err := variables.Strings(nameAttribute)
		if err != nil {
			return nil, err
		}
		l.name = strings.Join(own, "")
	}
	if l.kernel, err = variables.Dataset(kernelVariable); err != nil {
		return nil, err
	}
	if l.bias, err = variables.Dataset(biasVariable); err != nil {
		return nil, err
	}
	return []layer{l}, nil
}

// compareNumbered orders conv2d, conv2d_1, conv2d_2, …, conv2d_10.
func compareNumbered(a, b string) int {
	aClass, aNumber := cutNumber(a)
	bClass, bNumber := cutNumber(b)
	return cmp.Or(strings.Compare(aClass, bClass), cmp.Compare(aNumber, bNumber), strings.Compare(a, b))
}

// cutNumber splits "conv2d_10" into "conv2d" and 10; a name without a number has 0.
func cutNumber(name string) (class string, number int) {
	at := strings.LastIndexByte(name, '_')
	if at < 0 {
		return name, 0
	}
	number, err := strconv.Atoi(name[at+1:])
	if err != nil || number < 0 {
		return name, 0
	}
	return name[:at], number
}
