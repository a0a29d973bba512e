//go:build !amd64

package index

// differences is differencesInGo.
func differences(sums []uint32, row, rows []byte) { differencesInGo(sums, row, rows) }
