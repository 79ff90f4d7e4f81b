//go:build linux

package main

import (
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wasm assembles a module that exports a memory of one page and _start: the types, imports and functions before them, and the code and
// data behind them are given in hexadecimal.
func wasm(t *testing.T, head string, start byte, tail string) []byte {
	t.Helper()
	const memory = "05 03 01 00 01"
	exports := "07 13 02 06 6d656d6f7279 02 00 06 5f7374617274 00" + hex.EncodeToString([]byte{start})
	raw, err := hex.DecodeString(strings.ReplaceAll("0061736d 01000000"+head+memory+exports+tail, " ", ""))
	require.NoError(t, err)
	return raw
}

// Heads of modules: the type of _start, and one import where there is one.
const (
	alone  = "01 04 01 60 00 00  03 02 01 00"
	exits  = "01 08 02 60 01 7f 00 60 00 00  02 24 01 16 776173695f736e617073686f745f7072657669657731 09 70726f635f65786974 00 00  03 02 01 01"
	writes = "01 0c 02 60 04 7f7f7f7f 01 7f 60 00 00  02 23 01 16 776173695f736e617073686f745f7072657669657731 08 66645f7772697465 00 00  03 02 01 01"
	calls  = "01 0b 02 60 03 7f7f7f 01 7f 60 00 00  02 24 01 16 776173695f736e617073686f745f7072657669657731 09 736f636b5f6f70656e 00 00  03 02 01 01"
)

// crime is a job that must fail, whose fault that is, and the reason that its owner reads.
type crime struct {
	job    fields
	class  string
	reason string
}

// crimes lists them by what the guest does.
func crimes(t *testing.T, f *fogd) map[string]crime {
	t.Helper()
	files, err := os.ReadFile(filepath.Join("..", "..", "fog", "idle", "worker", "testdata", "files.wasm"))
	require.NoError(t, err)
	module := func(raw []byte, more fields) fields {
		j := task(more)
		j["module"], j["sla_tier"] = f.put(t, raw), "bronze"
		return j
	}
	return map[string]crime{
		"spins": {module(wasm(t, alone, 0, "0a 09 01 07 00 03 40 0c 00 0b 0b"), fields{"max_runtime": 1}),
			"job|device", "^cpu: more than 1s used|^wall: "}, // which limit it meets first depends on how busy this machine is
		"grows memory": {module(wasm(t, alone, 0, "0a 14 01 12 00 03 40 41 01 40 00 41 7f 46 04 40 00 0b 0c 00 0b 0b"), fields{"max_memory_mb": 16}),
			"job", "^memory: the guest asked for more than its limit"},
		"prints without end": {module(wasm(t, writes, 1, "0a 15 01 13 00 03 40 41 01 41 00 41 01 41 c000 10 00 1a 0c 00 0b 0b"+
			"0b 0e 01 00 41 00 0b 08 08000000 10000000"), nil),
			"job", "^stdout: the guest wrote more than its limit to standard output"},
		"writes a file without end": {module(files, fields{"args": []string{"bytes"}, "output": true, "max_output_bytes": 1 << 20}),
			"job", "^output: the guest "},
		"traps":               {module(wasm(t, alone, 0, "0a 05 01 03 00 00 0b"), nil), "job", "^trap: unreachable"},
		"exits with 1":        {module(wasm(t, exits, 1, "0a 08 01 06 00 41 01 10 00 0b"), nil), "job", "exit code 1"},
		"opens a socket":      {module(wasm(t, calls, 1, "0a 04 01 02 00 0b"), nil), "policy", "^module: imports wasi_snapshot_preview1.sock_open"},
		"is not WebAssembly":  {module([]byte("#!/bin/sh\necho hello\n"), nil), "policy", "^module: not a WebAssembly module"},
		"does not validate":   {module(wasm(t, alone, 0, "0a 05 01 03 00 1a 0b"), nil), "policy", "^module: it does not validate"},
		"is cut off":          {module(wasm(t, alone, 0, "0a 05 01"), nil), "policy", "^module: truncated"},
		"is an empty program": {module([]byte{}, nil), "policy", "^module: not a WebAssembly module"},
	}
}

// TestHostileGuests: whatever a guest does, its job fails with the reason, its owner gets the tokens back, nobody is paid, and
// the device does not even miss a beat.
func TestHostileGuests(t *testing.T) {
	t.Parallel()
	f := serveFogd(t, "FOG_LEASE=10s", "FOG_PRESENCE=10s")
	a := lend(t, f, "device")
	supply := f.balance(t, "")
	var ids []string
	known := map[string]crime{}
	for name, c := range crimes(t, f) {
		c.job["name"] = name
		id := f.submit(t, c.job)
		ids, known[id] = append(ids, id), c
	}
	_, seen := f.device(t, "device")
	for _, id := range ids {
		until(t, "a job that cannot succeed ends", func() bool {
			status, _ := f.device(t, "device")
			require.NotEqual(t, "lost", status)
			return f.job(t, id).final()
		})
		j := f.job(t, id)
		assert.Equal(t, "failed", j.Status, "%+v", j)
		assert.Regexp(t, known[id].reason, j.Reason, "%+v", j)
		for _, at := range j.Attempts {
			assert.Equal(t, "failed", at.Status, "%+v", at)
			assert.Regexp(t, known[id].reason, at.Reason)
			assert.Regexp(t, "^("+known[id].class+")$", at.Class)
		}
	}
	f.audit(t, ids...)
	assert.Equal(t, supply, f.balance(t, ""))
	assert.Zero(t, f.balance(t, "device:device"))
	until(t, "the device beats again", func() bool {
		status, now := f.device(t, "device")
		return now.After(seen) && status == "idle"
	})
	assert.True(t, a.running())
	good := f.submit(t, toil(1))
	f.audit(t, append(ids, good)...)
	assert.Equal(t, "completed", f.job(t, good).Status)
}

// TestModuleTooLarge: 33 MB are refused at the door, whether their size is announced or not.
func TestModuleTooLarge(t *testing.T) {
	t.Parallel()
	f := serveFogd(t)
	module := make([]byte, 33<<20)
	path := "/api/blobs/" + digestOf(module)
	var problem struct{ Detail string }
	status, err := f.try("PUT", path, module, &problem)
	require.NoError(t, err)
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)
	assert.Contains(t, problem.Detail, "33554432")

	status, err = f.try("HEAD", path, nil, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, status)
	j := task(fields{"module": digestOf(module)})
	status, err = f.try("POST", "/api/scheduler/jobs", j, &problem)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.Contains(t, problem.Detail, "has no bytes here yet")
}
