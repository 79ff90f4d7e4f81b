package tokenomics_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func busy(total, queued int64) tokenomics.Conditions {
	c := tokenomics.Conditions{Listings: 3}
	c.Of[tokenomics.ResourceCPU] = tokenomics.Load{Total: total, Queued: queued}
	return c
}

func priced(t *testing.T, c tokenomics.Config) *tokenomics.Tokenomics {
	t.Helper()
	ledger, err := tokenomics.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	return ledger
}

func TestMarketFollowsItsTenantsAlone(t *testing.T) {
	ledger := priced(t, tokenomics.Config{Prices: func() tokenomics.Prices { return tokenomics.Prices{Smoothing: 2 * time.Second} }})
	m, at := ledger.Market(), time.Unix(1_800_000_000, 0)
	second := tokenomics.Order{MilliCPU: 1000, Time: time.Second}
	require.Empty(t, m.Wanted(at), "nobody has asked")
	require.Equal(t, []tokenomics.Amount{1000, 2000}, m.Quote("default", second, tokenomics.Order{MilliCPU: 2000, Time: time.Second}))
	require.Equal(t, []principal.Tenant{"default"}, m.Wanted(at))
	m.Observe("default", busy(1000, 0), at)
	m.Observe("default", busy(1000, 3000), at.Add(time.Second))
	require.Equal(t, []tokenomics.Amount{2000}, m.Quote("default", second), "half of the way to 3")
	require.Equal(t, []tokenomics.Amount{1000}, m.Quote("other", second), "a market of its own")
	require.Equal(t, tokenomics.Amount(2000), m.Posted("default").CPUSecond)
	require.Equal(t, []principal.Tenant{"default", "other"}, m.Wanted(at.Add(2*time.Second)))

	stats, err := ledger.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, stats.Listings)

	m.Observe("default", busy(1000, 3000), at.Add(2*time.Second))
	m.Observe("other", tokenomics.Conditions{}, at.Add(2*time.Second))
	require.Equal(t, []principal.Tenant{"default", "other"}, m.Wanted(at.Add(9*time.Minute)))
	require.Empty(t, m.Wanted(at.Add(11*time.Minute)), "nobody has asked for long")
	require.Equal(t, []tokenomics.Amount{2500}, m.Quote("default", second), "it goes on from where it was")
	require.Equal(t, []principal.Tenant{"default"}, m.Wanted(at.Add(11*time.Minute)))
}

// The first look at a queue before any node has come moves no price; from there on prices go their way to the goal, here in seconds.
func TestMarketBeginsAtBasePrices(t *testing.T) {
	m := priced(t, tokenomics.Config{Prices: func() tokenomics.Prices { return tokenomics.Prices{Smoothing: 4 * time.Second} }}).Market()
	at, second := time.Unix(1_800_000_000, 0), tokenomics.Order{MilliCPU: 1000, Time: time.Second}
	for i, want := range []tokenomics.Amount{1000, 1750, 2313, 2735} { // a quarter of the way to 4000 each time, rounded up
		m.Observe("default", busy(0, 3000), at.Add(time.Duration(i)*time.Second))
		require.Equal(t, []tokenomics.Amount{want}, m.Quote("default", second), "second %d", i)
	}
	for i := range 60 {
		m.Observe("default", busy(3000, 0), at.Add(time.Duration(4+i)*time.Second))
	}
	require.Equal(t, []tokenomics.Amount{1000}, m.Quote("default", second), "the nodes have come")
}

func TestPricesThatCannotWorkChangeNothing(t *testing.T) {
	var published atomic.Pointer[tokenomics.Prices]
	published.Store(&tokenomics.Prices{CPUSecond: 7})
	var log bytes.Buffer
	ledger := priced(t, tokenomics.Config{
		Prices: func() tokenomics.Prices { return *published.Load() },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	price := func() tokenomics.Amount {
		return ledger.Market().Quote("default", tokenomics.Order{MilliCPU: 1000, Time: time.Second})[0]
	}
	require.EqualValues(t, 7, price())
	published.Store(&tokenomics.Prices{CPUSecond: 8, Least: 5000, Most: 2000})
	require.EqualValues(t, 7, price(), "the last good ones stay")
	require.EqualValues(t, 7, price())
	require.Equal(t, 1, strings.Count(log.String(), "prices cannot work"), "said once:\n%s", log.String())
	published.Store(&tokenomics.Prices{CPUSecond: 9})
	require.EqualValues(t, 9, price())
}

// Quotes and observations of many goroutines do not disturb each other (run with -race), and no quote sees half an observation.
func TestMarketIsSharedSafely(t *testing.T) {
	m := priced(t, tokenomics.Config{Prices: func() tokenomics.Prices { return tokenomics.Prices{Smoothing: -1} }}).Market()
	at := time.Unix(1_800_000_000, 0)
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 500 {
			c := busy(1000, int64(1+i%2*2)*1000) // a factor of 1 or 3, for all resources
			for r := range c.Of {
				c.Of[r] = c.Of[tokenomics.ResourceCPU]
			}
			m.Observe("default", c, at.Add(time.Duration(i)*time.Second))
		}
	})
	for range 3 {
		group.Go(func() {
			for range 500 {
				l := m.Level("default")
				if l.Factors[tokenomics.ResourceCPU] != l.Factors[tokenomics.ResourceTransfer] {
					t.Error("half an observation:", l)
				}
				m.Wanted(at)
			}
		})
	}
	group.Wait()
}

func TestQuoteOfTheToken(t *testing.T) {
	q, err := tokenomics.ParseQuote(" 0.05  EUR ")
	require.NoError(t, err)
	require.Equal(t, tokenomics.Quote{Price: 50_000, Currency: "EUR"}, q)
	require.Equal(t, "0.05 EUR", q.String())
	require.EqualValues(t, 50_000_000, q.Worth(1000*tokenomics.FOG))
	require.EqualValues(t, 0, q.Worth(19), "rounded down")
	require.EqualValues(t, 1, q.Worth(20))
	none, err := tokenomics.ParseQuote("")
	require.NoError(t, err)
	require.Zero(t, none)
	require.Zero(t, none.Worth(tokenomics.MaxSupply))
	require.Empty(t, none.String())
	for _, bad := range []string{"1", "EUR", "1 2 3", "0 EUR", "-1 EUR", "0.0000001 EUR", "1 E/R", "1 aaaaaaaaaaaaaaaaa", "1 \xff"} {
		_, err := tokenomics.ParseQuote(bad)
		require.Equal(t, fault.Invalid, fault.KindOf(err), bad)
		require.Equal(t, "quote", fault.FieldOf(err), bad)
	}
	dear := tokenomics.Quote{Price: int64(tokenomics.MaxSupply), Currency: "JPY"}
	require.EqualValues(t, int64(1<<63-1), dear.Worth(tokenomics.MaxSupply), "the greatest number")

	view := tokenomics.Stats{Circulating: 10 * tokenomics.FOG, Listings: 4, Quote: q}.View()
	require.Equal(t, tokenomics.FOG/2, view.MarketCap)
	require.Equal(t, view.MarketCap, view.Tokens.MarketCap)
	require.EqualValues(t, 50_000, view.Tokens.Price)
	require.EqualValues(t, 4, view.Marketplace.ActiveListings)
	unquoted := tokenomics.Stats{Circulating: 10 * tokenomics.FOG}.View()
	require.Equal(t, tokenomics.TokensView{CirculatingSupply: 10 * tokenomics.FOG}, unquoted.Tokens, "no price, no capitalisation, no currency")
	require.Zero(t, unquoted.MarketCap)
	_, err = tokenomics.New(tokenomics.Config{Quote: tokenomics.Quote{Price: 1}})
	require.Equal(t, "quote", fault.FieldOf(err))
}
