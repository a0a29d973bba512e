package index

import "golang.org/x/sys/cpu"

// differences is differencesInGo of rows whose length is a multiple of vectorBytes.
func differences(sums []uint32, row, rows []byte) {
	if cpu.X86.HasAVX2 && len(sums) > 0 && len(row) > 0 && len(row)*len(sums) <= len(rows) {
		differencesAVX2(&sums[0], &row[0], &rows[0], len(row), len(sums))
		return
	}
	differencesInGo(sums, row, rows)
}

// differencesAVX2 needs AVX2, length a multiple of 64 and above 0, count above 0.
//
//go:noescape
func differencesAVX2(sums *uint32, row, rows *byte, length, count int)
