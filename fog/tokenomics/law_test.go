package tokenomics_test

import (
	"testing"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/plaintest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

func fresh(testing.TB) tokenomics.Store { return tokenomics.NewMemory(nil) }

func TestPartition(t *testing.T) {
	if !plaintest.Elsewhere(t) {
		tokenomicstest.Partition(t, fresh)
	}
}

func TestEndurance(t *testing.T) {
	if !plaintest.Elsewhere(t, "GOGC=400") {
		tokenomicstest.Endure(t, fresh, tokenomicstest.Length(t, 1_000_000), 64, tokenomicstest.Seed(t))
	}
}

func TestFaults(t *testing.T) {
	if plaintest.Elsewhere(t) {
		return
	}
	open := func(_ testing.TB, now func() time.Time, b *tokenomicstest.Breaker) (tokenomicstest.Setup, tokenomics.Store) {
		duties := duty.NewMemory(now)
		whole := tokenomics.NewMemory(duties)
		return tokenomicstest.Setup{Store: b.Store(whole), Duties: b.Duties(duties)}, whole
	}
	tokenomicstest.Faults(t, tokenomicstest.Trial{
		Open: open, Breaks: tokenomicstest.Breaks(), Every: 31, Batch: 5, Requests: 120, Seed: tokenomicstest.Seed(t),
	})
}
