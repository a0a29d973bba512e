package tfmodel

import "strings"

// Rehash writes a folder's card anew for the files as they are, as somebody
// would who changed a model and its card together.
func Rehash(dir string, change func(*Card)) error {
	card, err := readCard(dir)
	if err != nil {
		return err
	}
	change(&card)
	return writeCard(dir, card)
}

// LeftoverAge is leftoverAge.
const LeftoverAge = leftoverAge

// TowerDevices are the devices of a trainer's backward convolutions, by tower.
func TowerDevices(architecture Architecture, config TrainerConfig, options Options) (map[string][]string, error) {
	devices, err := options.towerDevices()
	if err != nil {
		return nil, err
	}
	graph, err := newTrainerGraph(architecture, config.withDefaults(), devices)
	if err != nil {
		return nil, err
	}
	found := make(map[string][]string)
	for _, operation := range graph.definition.Operations() {
		if operation.Type() == "Conv2DBackpropFilter" {
			tower, _, _ := strings.Cut(operation.Name(), "/")
			found[tower] = append(found[tower], operation.Device())
		}
	}
	return found, nil
}
