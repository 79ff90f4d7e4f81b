package server

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// opened is a server before a house in memory.
func opened(t *testing.T, config fog.Config) *Server {
	t.Helper()
	house, err := fog.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, house.Close()) })
	s, err := New(house, Config{})
	require.NoError(t, err)
	return s
}

func TestFrameCountsStakers(t *testing.T) {
	s := opened(t, fog.Config{})
	verdicts, err := s.fog.Tokenomics.Stake(t.Context(), []tokenomics.Stake{{Key: "k", Account: "operator", Amount: tokenomics.FOG}})
	require.NoError(t, sole(verdicts, err))
	frame, err := s.metricsFrame(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, frame.(*metricsFrame).Tokenomics.Stakers)
}

// A server that does not follow what was decided says so of the DAO, and the ledger's own trouble goes before that.
func TestDAOHealth(t *testing.T) {
	s := opened(t, fog.Config{})
	for _, c := range []struct{ ledger, parameters, want fog.State }{
		{fog.Healthy, fog.Healthy, fog.Healthy},
		{fog.Healthy, fog.Unavailable, fog.Degraded},
		{fog.Healthy, fog.Starting, fog.Degraded},
		{fog.Unavailable, fog.Healthy, fog.Unavailable},
		{fog.Unavailable, fog.Unavailable, fog.Unavailable},
	} {
		info := s.daoInfo(&fog.Health{Parts: map[string]fog.PartHealth{"tokenomics": {State: c.ledger}, "parameters": {State: c.parameters}}})
		assert.Equal(t, string(c.want), info.Status, "%+v", c)
		assert.Equal(t, c.want == fog.Degraded, info.Cause != "", "%+v", c)
	}
}
