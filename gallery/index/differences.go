package index

// differencesInGo writes to each of sums the sum of the absolute differences of a row and
// one of the rows, which have the row's length.
func differencesInGo(sums []uint32, row, rows []byte) {
	for i := range sums {
		var sum uint32
		other := rows[i*len(row):][:len(row)]
		for j, a := range row {
			difference := int32(a) - int32(other[j])
			sign := difference >> 31
			sum += uint32((difference ^ sign) - sign)
		}
		sums[i] = sum
	}
}
