package tokenomics_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	tokenomicstest.Run(t, func(_ *testing.T, now func() time.Time) tokenomicstest.Setup {
		duties := duty.NewMemory(now)
		return tokenomicstest.Setup{Store: tokenomics.NewMemory(duties), Duties: duties}
	})
}
