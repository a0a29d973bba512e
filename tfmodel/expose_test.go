package tfmodel

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
