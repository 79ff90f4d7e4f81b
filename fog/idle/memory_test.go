package idle_test

import (
	"testing"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/idletest"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

func TestMemory(t *testing.T) {
	idletest.Run(t, func(*testing.T) idletest.Opened {
		facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
		return idletest.Opened{Store: idle.NewMemory(facts, duties), Journal: facts, Duties: duties}
	})
}
