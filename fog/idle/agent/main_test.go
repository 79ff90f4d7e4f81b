package agent_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

func TestMain(m *testing.M) {
	worker.Main()
	goleak.VerifyTestMain(m)
}
