//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// rest is a client of the interface.
type rest struct{ url string }

// try sends a request and decodes the answer into out unless that is nil.
func (r rest) try(method, path string, body, out any, headers ...string) (status int, err error) {
	status, text, err := r.do(method, path, body, headers...)
	if err != nil || out == nil {
		return status, err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return 0, fmt.Errorf("%s %s: %d: %w: %.200s", method, path, status, err, text)
	}
	return status, nil
}

// do sends a request. A body of bytes is sent as it is, any other as JSON; headers are names and values in turn.
func (r rest) do(method, path string, body any, headers ...string) (status int, text []byte, err error) {
	kind, raw := "application/octet-stream", []byte(nil)
	switch b := body.(type) {
	case nil:
	case []byte:
		raw = b
	default:
		kind = "application/json"
		if raw, err = json.Marshal(b); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequest(method, r.url+path, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", kind)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err = io.ReadAll(res.Body)
	return res.StatusCode, text, err
}

// fetch fetches bytes that must be there.
func (r rest) fetch(t *testing.T, path string) []byte {
	t.Helper()
	status, text, err := r.do("GET", path, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, path)
	return text
}

// get fetches what must be there.
func (r rest) get(t *testing.T, path string, out any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.fetch(t, path), out))
}

// put stores bytes and returns their digest.
func (r rest) put(t *testing.T, data []byte) string {
	t.Helper()
	digest := digestOf(data)
	status, err := r.try("PUT", "/api/blobs/"+digest, data, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	return digest
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// fields are those of a request.
type fields map[string]any

// task is a small job with further fields.
func task(more fields) fields {
	f := fields{"name": "test", "sla_tier": "gold", "cpu_required": 0.5, "memory_required": 0.1, "duration_estimate": 60}
	maps.Copy(f, more)
	return f
}

// toil is a job that keeps a core busy: about five milliseconds a point.
func toil(points int) fields {
	tile := guest.Whole(points, 1)
	tile.MaxIter, tile.CX, tile.Scale = 1_000_000, 0, 0.01 // all of it lies inside the set
	return task(fields{"args": tile.Args()})
}

// submit submits a job that must be taken and returns its identifier.
func (r rest) submit(t *testing.T, job fields) string {
	t.Helper()
	var reply struct{ JobID, Detail string }
	status, err := r.try("POST", "/api/scheduler/jobs", job, &reply)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, reply.Detail)
	return reply.JobID
}

// jobView is a job as the interface shows it.
type jobView struct {
	ID, Status, State, Reason, Owner string
	Price, Quote                     tokenomics.Amount
	Attempts                         []attemptView
	Logs                             []string
	Result                           *struct {
		ExitCode       int
		Stdout, Stderr []byte
		Outputs        []struct {
			Path, SHA256 string
			Bytes        int64
		}
	}
}

type attemptView struct{ ID, Node, Status, Class, Reason string }

func (r rest) job(t *testing.T, id string) (j jobView) {
	t.Helper()
	r.get(t, "/api/scheduler/jobs/"+id, &j)
	return j
}

// final reports whether a job is over.
func (j jobView) final() bool {
	switch j.Status {
	case "completed", "failed", "cancelled", "expired", "refused":
		return true
	}
	return false
}

// on returns the attempts on a node.
func (j jobView) on(node string) (all []attemptView) {
	for _, a := range j.Attempts {
		if a.Node == node {
			all = append(all, a)
		}
	}
	return all
}

// end waits until a job is over.
func (r rest) end(t *testing.T, id string) (j jobView) {
	t.Helper()
	until(t, "job "+id+" ends", func() bool {
		j = r.job(t, id)
		return j.final()
	})
	return j
}

// begun waits until an attempt at a job runs and returns it.
func (r rest) begun(t *testing.T, id string) (a attemptView) {
	t.Helper()
	until(t, "job "+id+" runs", func() bool {
		j := r.job(t, id)
		require.False(t, j.final(), "%+v", j)
		for _, a = range j.Attempts {
			if a.Status == "running" {
				return true
			}
		}
		return false
	})
	return a
}

// up reports whether a node takes work.
func (r rest) up(t *testing.T, id string) bool {
	t.Helper()
	var reply struct{ Nodes []struct{ ID, Status string } }
	r.get(t, "/api/scheduler/nodes", &reply)
	for _, n := range reply.Nodes {
		if n.ID == id {
			return n.Status == "up"
		}
	}
	return false
}

// device returns how a device is and when it was last seen.
func (r rest) device(t *testing.T, id string) (status string, seen time.Time) {
	t.Helper()
	var reply struct {
		Status   string
		LastSeen time.Time
	}
	r.get(t, "/api/idle-compute/devices/"+id, &reply)
	return reply.Status, reply.LastSeen
}

// balance returns what an account can spend; empty: the operator.
func (r rest) balance(t *testing.T, account string) tokenomics.Amount {
	t.Helper()
	available, _ := r.balances(t, account)
	return available
}

// balances is what an account has available and held.
func (r rest) balances(t *testing.T, account string) (available, held tokenomics.Amount) {
	t.Helper()
	var reply struct{ Balance, Held tokenomics.Amount }
	path := "/api/tokenomics/balance"
	if account != "" {
		path += "?address=" + account
	}
	r.get(t, path, &reply)
	return reply.Balance, reply.Held
}

// work is one validated piece of work.
type work struct {
	Device, Account string
	Amount          tokenomics.Amount
}

// works returns who did a job.
func (r rest) works(t *testing.T, job string) []work {
	t.Helper()
	var reply struct{ Contributions []work }
	r.get(t, "/api/idle-compute/contributions?job="+job, &reply)
	return reply.Contributions
}

// audit waits until all of a house's jobs are over and settled, and checks that each completed one was paid once, that no other was
// paid at all, and that no token came from nowhere or went there.
func (r rest) audit(t *testing.T, ids ...string) {
	t.Helper()
	earned := map[string]tokenomics.Amount{}
	var owed tokenomics.Amount
	for _, id := range ids {
		j := r.end(t, id)
		if j.Status == "completed" {
			earned["device:"+winner(j)] += j.Price
			owed += j.Price
		}
	}
	var ledger struct {
		TotalSupply tokenomics.Amount
		Marketplace struct{ TotalVolume tokenomics.Amount }
	}
	until(t, "every hold is resolved", func() bool {
		_, held := r.balances(t, "")
		return held == 0
	})
	r.get(t, "/api/tokenomics/stats", &ledger)
	for _, id := range ids {
		j, done := r.job(t, id), r.works(t, id)
		if j.Status != "completed" {
			assert.Empty(t, done, "%s is %s", id, j.Status)
			continue
		}
		assert.Equal(t, []work{{winner(j), "device:" + winner(j), j.Price}}, done, "job %s", id)
	}
	rest := r.balance(t, "")
	for account, amount := range earned {
		assert.Equal(t, amount, r.balance(t, account), account)
		rest += amount
	}
	assert.Equal(t, owed, ledger.Marketplace.TotalVolume)
	assert.Equal(t, ledger.TotalSupply, rest, "the operator's and the devices' tokens are all that there are")
}

// winner is the node whose result was accepted.
func winner(j jobView) string {
	for _, a := range j.Attempts {
		if a.Status == "valid" {
			return a.Node
		}
	}
	return ""
}
