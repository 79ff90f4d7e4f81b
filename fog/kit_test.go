package fog_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// job is a submission that any device can run.
func job(name string) scheduler.Submission {
	return scheduler.Submission{Name: name, Tier: scheduler.Gold, Demand: scheduler.Demand{MilliCPU: 100}, Estimate: 10 * time.Second}
}

// submit submits one job, which must be accepted.
func submit(ctx context.Context, t *testing.T, house *fog.Fog, s scheduler.Submission) scheduler.Job {
	t.Helper()
	answers, err := house.Submit(ctx, []scheduler.Submission{s})
	require.NoError(t, err)
	require.Len(t, answers, 1)
	require.NoError(t, answers[0].Err)
	return answers[0].Job
}

// refusal submits one job, which must be refused by itself.
func refusal(ctx context.Context, t *testing.T, house *fog.Fog, s scheduler.Submission) error {
	t.Helper()
	answers, err := house.Submit(ctx, []scheduler.Submission{s})
	require.NoError(t, err)
	require.Len(t, answers, 1)
	require.Empty(t, answers[0].Job.ID)
	return answers[0].Err
}

// finish lets devices work until the jobs are over and nothing is held any more.
func finish(t *testing.T, house *fog.Fog, devices []*fogtest.Device, ids ...scheduler.JobID) []scheduler.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		for _, d := range devices {
			_, err := d.Work(ctx)
			require.NoError(t, err, "%v", stuckWhy(house, ids))
		}
		open, err := unsettled(ctx, house, ids)
		require.NoError(t, err)
		if open == 0 {
			break
		}
	}
	records, err := house.Wait(ctx, ids...)
	require.NoError(t, err)
	return records
}

// available is what an account of the default tenant may spend.
func available(t *testing.T, house *fog.Fog, account tokenomics.Account) tokenomics.Amount {
	t.Helper()
	balance, err := house.Tokenomics.Balance(t.Context(), account)
	require.NoError(t, err)
	return balance.Available
}

// contributions lists what was recorded for a job.
func contributions(t *testing.T, house *fog.Fog, id scheduler.JobID) []idle.Contribution {
	t.Helper()
	page, err := house.Idle.Contributions(t.Context(), idle.ContributionQuery{Job: string(id)})
	require.NoError(t, err)
	return page.Contributions
}

// put stores some bytes for the caller.
func put(ctx context.Context, t *testing.T, house *fog.Fog, text string) string {
	t.Helper()
	digest := blob.DigestOf([]byte(text))
	_, err := house.Blob.Put(ctx, digest, strings.NewReader(text), int64(len(text)))
	require.NoError(t, err)
	return string(digest)
}

// user acts as somebody who owns what it submits and nothing else.
func user(ctx context.Context, tenant principal.Tenant, account principal.Account) context.Context {
	return principal.With(ctx, principal.Principal{Tenant: tenant, Account: account, Scopes: []principal.Scope{principal.ScopeUser}})
}

// operator acts for the whole of a tenant.
func operator(ctx context.Context, tenant principal.Tenant) context.Context {
	return principal.With(ctx, principal.Principal{Tenant: tenant, Account: principal.Operator, Scopes: []principal.Scope{principal.ScopeOperator}})
}

// soon waits on the real clock for what other goroutines bring about.
func soon(t *testing.T, holds func() bool, format string, a ...any) {
	t.Helper()
	require.Eventually(t, holds, 30*time.Second, 5*time.Millisecond, append([]any{format}, a...)...)
}
