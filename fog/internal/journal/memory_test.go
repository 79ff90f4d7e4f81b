package journal_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/internal/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryConformance(t *testing.T) {
	journaltest.Run(t, func(now func() time.Time) journaltest.Subject {
		m := journal.NewMemory(now)
		return journaltest.Subject{Journal: m, Append: func(facts ...journal.Fact) error {
			m.Append(facts...)
			return nil
		}}
	})
}
