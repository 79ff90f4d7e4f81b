package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/bench/tokenomics"
)

// transfers measures what a transfer over REST takes, through a fogd as its users start it. The figures of both crowds come from one measurement.
type transfers struct {
	database string // sqlite or postgres
	once     sync.Once
	crowds   [2]*tellers // few and many
	keys     int
	err      error
}

const (
	payers         = 1000 // accounts that pay each other
	transferRounds = 7
)

// tellers are callers of one measurement, each with one connection.
type tellers struct {
	callers, requests int // in a round
	crowd             *crowd

	rate, p50, p99, cpu, db []float64 // of each round: transfers a second, milliseconds, and microseconds of CPU time of a transfer
}

func transferFigures(b *bench) []figure {
	var figures []figure
	for _, database := range []string{"sqlite", "postgres"} {
		t := &transfers{database: database, crowds: [2]*tellers{{callers: 8, requests: 2000}, {callers: 64, requests: 6000}}}
		for _, c := range t.crowds {
			name := fmt.Sprintf("rest/transfer_tps_%d_%s", c.callers, database)
			figures = append(figures, figure{"tokenomics", name, goal{}, func(ctx context.Context) (result, error) {
				t.once.Do(func() { t.err = t.run(ctx, b) })
				if t.err != nil {
					return result{}, t.err
				}
				return c.result(), nil
			}})
		}
	}
	return figures
}

func (c *tellers) result() result {
	number := func(values []float64) string { return sample.Number(sample.Median(values)) }
	r := result{Value: sample.Median(c.rate), Unit: "transfers/s", Note: fmt.Sprintf("from %s to %s; p50 %s ms, p99 %s ms, CPU time of a transfer %s us in fogd",
		sample.Number(sample.Least(c.rate)), sample.Number(sample.Most(c.rate)), number(c.p50), number(c.p99), number(c.cpu))}
	if c.db != nil {
		r.Note += fmt.Sprintf(" and %s us in PostgreSQL", number(c.db))
	}
	return r
}

func (t *transfers) run(ctx context.Context, b *bench) (err error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	module, err := mainModule(ctx)
	if err != nil {
		return err
	}
	program, err := build(ctx, dir, module, "./server/fogd", nil)
	if err != nil {
		return err
	}
	args := []string{"--no-harvest"}
	var server *postgres
	if t.database == "postgres" {
		if server, err = startPostgres(ctx); err != nil {
			return err
		}
		defer func() { _ = server.stop() }() // its folder is temporary
		args = append(args, "--database-url", server.url())
	}
	f, err := startFogd(ctx, program, filepath.Join(dir, "data"), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	for _, c := range t.crowds {
		if c.crowd, err = gather(ctx, f.address, c.callers); err != nil {
			return err
		}
		defer c.crowd.leave()
	}
	return t.load(ctx, b, f, server)
}

// load funds the accounts, then lets both crowds take turns, and checks the ledger after all.
func (t *transfers) load(ctx context.Context, b *bench, f *fogd, server *postgres) error {
	fund := make([][2]string, payers)
	for i := range fund {
		fund[i] = [2]string{"operator", payer(i)}
	}
	if _, err := t.pay(ctx, t.crowds[1].crowd, "100", fund); err != nil {
		return err
	}
	rounds := transferRounds
	if b.rounds > 0 {
		rounds = b.rounds
	}
	for round := -1; round < rounds; round++ {
		for i := range t.crowds {
			if err := t.round(ctx, t.crowds[(i+round+1)%2], f, server, round >= 0); err != nil {
				return err
			}
		}
	}
	return t.check(ctx)
}

// round lets one crowd pay.
func (t *transfers) round(ctx context.Context, c *tellers, f *fogd, server *postgres, counts bool) error {
	pairs := make([][2]string, c.requests)
	for i := range pairs {
		n := t.keys + i
		from := n * 7919 % payers
		pairs[i] = [2]string{payer(from), payer((from + 1 + n%(payers-1)) % payers)}
	}
	spent := func() (fogd, db time.Duration, err error) {
		if fogd, err = tokenomics.CPU(f.cmd.Process.Pid); err == nil && server != nil {
			db, err = tokenomics.CPU(server.server.Process.Pid)
		}
		return fogd, db, err
	}
	cpu, db, err := spent()
	if err != nil {
		return err
	}
	began := time.Now()
	took, err := t.pay(ctx, c.crowd, "0.000001", pairs)
	if err != nil {
		return err
	}
	wall := time.Since(began)
	cpuAfter, dbAfter, err := spent()
	if err != nil || !counts {
		return err
	}
	n := float64(len(took))
	c.rate, c.cpu = append(c.rate, n/wall.Seconds()), append(c.cpu, sample.Micros(cpuAfter-cpu)/n)
	c.p50 = append(c.p50, sample.Millis(sample.Percentile(took, 0.5)))
	c.p99 = append(c.p99, sample.Millis(sample.Percentile(took, 0.99)))
	if server != nil {
		c.db = append(c.db, sample.Micros(dbAfter-db)/n)
	}
	return nil
}

// payer is the account of one of those who pay each other.
func payer(n int) string { return fmt.Sprintf("device:%07d", n) }

// pay sends one transfer for each pair of accounts, each under a new key, and checks each answer.
func (t *transfers) pay(ctx context.Context, c *crowd, amount string, pairs [][2]string) ([]time.Duration, error) {
	messages := make([][]byte, len(pairs))
	for i, pair := range pairs {
		t.keys++
		body := fmt.Sprintf(`{"from":%q,"to":%q,"amount":%q}`, pair[0], pair[1], amount)
		messages[i] = c.message("POST", "/api/tokenomics/transfer", []byte(body), "Content-Type: application/json", fmt.Sprintf("Idempotency-Key: %032x", t.keys))
	}
	return c.run(ctx, len(pairs), talk{
		request: func(n int) []byte { return messages[n] },
		check: func(n, status int, body []byte) error {
			if err := expect(status, 200, body); err != nil {
				return err
			}
			var reply struct {
				Success  bool
				From, To string
			}
			if err := json.Unmarshal(body, &reply); err != nil || !reply.Success || [2]string{reply.From, reply.To} != pairs[n] {
				return fmt.Errorf("not the answer to what was asked: %.300s", body)
			}
			return nil
		},
	})
}

// check lets the server recompute its ledger, which has the genesis and every transfer, and nothing else.
func (t *transfers) check(ctx context.Context) error {
	c := t.crowds[0].crowd
	body, err := c.once(ctx, c.message("POST", "/api/tokenomics/verify", nil), 200)
	if err != nil {
		return err
	}
	var reply struct {
		Whole bool
		Last  int
	}
	if err := json.Unmarshal(body, &reply); err != nil || !reply.Whole || reply.Last != t.keys+1 {
		return fmt.Errorf("the ledger should have %d movements: %.500s", t.keys+1, body)
	}
	return nil
}
