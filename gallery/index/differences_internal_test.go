package index

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDifferencesAreThoseInGo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for length := vectorBytes; length <= 5*vectorBytes; length += vectorBytes {
		for _, count := range []int{1, 2, 7, blockRows} {
			row, rows := make([]byte, length), make([]byte, length*count)
			for _, bytes := range [][]byte{row, rows} {
				for i := range bytes {
					bytes[i] = byte(random.Uint32())
				}
			}
			copy(rows, slices.Repeat([]byte{0}, length)) // as far off as can be
			for i := range row {
				if count == 1 {
					row[i] = 255
				}
			}
			got, want := make([]uint32, count), make([]uint32, count)
			differences(got, row, rows)
			differencesInGo(want, row, rows)
			if !slices.Equal(got, want) {
				t.Errorf("of %d rows of %d bytes differences = %v, want %v", count, length, got, want)
			}
			if want[0] == 0 {
				t.Errorf("of %d rows of %d bytes the first is alike", count, length)
			}
		}
	}
}
