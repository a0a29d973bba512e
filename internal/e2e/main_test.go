package e2e_test

import (
	"testing"

	"siamese/internal/postgrestest"
	"siamese/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(postgrestest.Stopping{M: m}) }
