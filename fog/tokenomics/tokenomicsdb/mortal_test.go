package tokenomicsdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
)

// mortalEnv has what a mortal is told. Where it is set the test binary is one.
const mortalEnv = "FOG_MORTAL"

// mortal is a program that keeps a ledger, with callers inside of it who work through their requests one after the other and say what
// they have heard. It ends when they have heard everything, or is killed.
type mortal struct {
	URL, Dir, Holder string
	Begun            time.Time        // when the first one of them began
	Leads            bool             // it begins when it has the ledger's duty
	Kill             string           // step at which it kills itself
	Callers          map[int]progress // by their numbers
	Rounds           int              // how often each of them does everything
}

// progress is how far a caller has come: the request that it has not heard of, and when that was first asked for, in microseconds; 0: never.
type progress struct {
	Next int
	At   int64
}

const (
	sharedCaller = 0 // its requests are the same in every program
	fog          = tokenomics.FOG
)

// mortalProgram is main.
func mortalProgram() int {
	var m mortal
	if err := json.Unmarshal([]byte(os.Getenv(mortalEnv)), &m); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := m.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (m mortal) run(ctx context.Context) (err error) {
	d, err := db.Open(ctx, m.URL, m.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	s := tokenomicsdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	ledger, err := tokenomics.New(m.config(s, d))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	work, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() {
		for work.Err() == nil {
			if err := ledger.Run(work); err != nil {
				fmt.Fprintln(os.Stderr, "run:", err)
			}
		}
	})
	if err := m.lead(ctx, ledger); err != nil {
		return err
	}
	parameters, err := ledger.Parameters(ctx)
	if err != nil {
		return err
	}
	fmt.Println("version", parameters.Version())
	return m.serve(ctx, ledger)
}

// lead waits for the duty, if it has to lead.
func (m mortal) lead(ctx context.Context, ledger *tokenomics.Tokenomics) error {
	for m.Leads {
		stats, err := ledger.Stats(ctx)
		if err != nil || stats.Writer {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// config has periods of a few milliseconds.
func (m mortal) config(s tokenomics.Store, d *db.DB) tokenomics.Config {
	var parameters []tokenomics.Parameter
	for number := range 10 {
		for _, prefix := range []string{"usual", "urgent"} {
			parameters = append(parameters, tokenomics.Parameter{Key: colour(prefix, number), Default: json.RawMessage(`"white"`)})
		}
	}
	registry, err := tokenomics.NewRegistry(tokenomics.Set{Parameters: parameters})
	if err != nil {
		panic(err)
	}
	return tokenomics.Config{
		Store: s, Duties: db.NewDuties(d, nil), Holder: m.Holder, Lease: 600 * time.Millisecond, Poll: 5 * time.Millisecond, Parameters: registry,
		Economics: func() tokenomics.Economics {
			return tokenomics.Economics{
				Unbonding: 300 * time.Millisecond, AppealWindow: 200 * time.Millisecond, Fee: 500, FeeToStakers: 6000, SlashCap: 500,
				InsurancePart: 5000, EmissionToStakers: 7000, EmissionEvery: 100 * time.Millisecond,
				Emission: accrual.Emission{Start: m.Begun, Period: time.Hour, First: int64(1000 * fog)},
			}
		},
		Governance: tokenomics.Governance{
			MinPower: fog, Deposit: fog, VotingPeriod: 150 * time.Millisecond, LateQuorum: -time.Second, Timelock: -time.Second, Quorum: 1, Threshold: 1,
			EmergencyThreshold: 1, EmergencyEffect: 50 * time.Millisecond,
		},
		Step: m.die,
	}
}

// die ends the program at its step, as a loss of power would end it.
func (m mortal) die(step string) {
	if step == m.Kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal is there
	}
}

// serve lets every caller work.
func (m mortal) serve(ctx context.Context, ledger *tokenomics.Tokenomics) error {
	ended := make(chan error)
	for number, p := range m.Callers {
		go func() { ended <- caller{number, ledger}.work(ctx, p, m.Rounds) }()
	}
	var errs []error
	for range m.Callers {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// caller makes requests.
type caller struct {
	number int
	ledger *tokenomics.Tokenomics
}

// work makes request after request, at least one. It says when it first tries one, so that the next program asks for the same, and what
// it has heard.
func (c caller) work(ctx context.Context, p progress, rounds int) error {
	for n, end := p.Next, max(rounds*len(c.steps()), p.Next+1); n < end; n++ {
		at := time.UnixMicro(p.At).UTC()
		if p.At == 0 {
			at = time.Now().UTC().Truncate(time.Microsecond)
			fmt.Println("try", c.number, n, at.UnixMicro())
		}
		p.At = 0
		r, err := c.request(ctx, n, at)
		if err != nil {
			return err
		}
		verdict, err := c.ask(ctx, r)
		if err != nil {
			return err
		}
		fmt.Println("heard", c.number, n, at.UnixMicro(), verdict)
	}
	return nil
}

// ask asks until it hears a verdict.
func (c caller) ask(ctx context.Context, r tokenomics.Request) (string, error) {
	for {
		verdicts, err := c.ledger.Post(ctx, []tokenomics.Request{r})
		switch {
		case err == nil && verdicts[0] == nil:
			return "yes", nil
		case err == nil && fault.KindOf(verdicts[0]) != fault.Unavailable:
			return fault.KindOf(verdicts[0]).String(), nil
		case err != nil && fault.KindOf(err) != fault.Unavailable, ctx.Err() != nil:
			return "", errors.Join(err, ctx.Err())
		}
	}
}

// request is what a caller asks for, the same whoever asks: it depends on nothing but the numbers and the time of the first try.
func (c caller) request(ctx context.Context, n int, at time.Time) (tokenomics.Request, error) {
	steps := c.steps()
	s, key := steps[n%len(steps)], fmt.Sprintf("%d/%d", c.number, n/len(steps))
	id := tokenomics.ProposalID(0)
	if s.about != nil {
		var err error
		if id, err = c.proposal(ctx, s.about(key), s.closed); err != nil {
			return tokenomics.Request{}, err
		}
	}
	return s.request(key, at, id), nil
}

// proposal is the number of a proposal, which is made if it was not made before. Closed, it waits until the vote has ended.
func (c caller) proposal(ctx context.Context, p tokenomics.Propose, closed bool) (tokenomics.ProposalID, error) {
	for ctx.Err() == nil {
		ids, verdicts, err := c.ledger.Propose(ctx, []tokenomics.Propose{p})
		if fault.KindOf(err) == fault.Unavailable {
			continue
		}
		if err = errors.Join(append(verdicts, err)...); err != nil {
			return 0, err
		}
		if !closed {
			return ids[0], nil
		}
		found, err := c.ledger.Proposal(ctx, ids[0])
		if err != nil {
			return 0, err
		}
		time.Sleep(time.Until(found.Ends))
		return ids[0], nil
	}
	return 0, ctx.Err()
}
