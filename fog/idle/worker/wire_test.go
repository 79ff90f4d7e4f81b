package worker

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestMessages: what is encoded is what is decoded, and nothing may follow or be missing.
func TestMessages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, -1)
		run := runMessage{
			args: rapid.SliceOfN(text, 0, 5).Draw(t, "args"), seed: rapid.Uint64().Draw(t, "seed"), output: rapid.Bool().Draw(t, "output"),
			limits: Limits{
				MemoryBytes: rapid.Int64Range(0, mostMemory).Draw(t, "memory"), OutputBytes: rapid.Int64Range(0, mostOutput).Draw(t, "bytes"),
				StdoutBytes: rapid.Int64Range(0, mostStdout).Draw(t, "stdout"), CPU: time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "cpu")),
			},
			stdin:  fileMessage{digest: text.Draw(t, "digest"), size: rapid.Int64Range(0, 1<<20).Draw(t, "size")},
			inputs: []fileMessage{{path: text.Draw(t, "path"), digest: text.Draw(t, "digest"), size: rapid.Int64Range(0, 1<<20).Draw(t, "size")}},
		}
		var again runMessage
		require.NoError(t, again.decode(run.encode()))
		if len(run.args) == 0 {
			again.args = run.args
		}
		require.Equal(t, run, again)
		require.ErrorIs(t, again.decode(append(run.encode(), 0)), errMessage)
		require.ErrorIs(t, again.decode(run.encode()[:len(run.encode())-1]), errMessage)
	})
}

// TestResultBounds: an agent does not believe a worker that announces more than the job allows.
func TestResultBounds(t *testing.T) {
	t.Parallel()
	limits := Limits{OutputBytes: 100, StdoutBytes: 10}
	digest := strings.Repeat("ab", 32)
	fine := resultMessage{stdout: 10, stderr: StderrBytes, outputs: []fileMessage{
		{path: "a", digest: digest, size: 60}, {path: "b/c", digest: digest, size: 40},
	}}
	for name, spoil := range map[string]func(*resultMessage){
		"":                   func(*resultMessage) {},
		"too much stdout":    func(m *resultMessage) { m.stdout++ },
		"too much stderr":    func(m *resultMessage) { m.stderr++ },
		"too much output":    func(m *resultMessage) { m.outputs[1].size++ },
		"too many files":     func(m *resultMessage) { m.outputs = make([]fileMessage, maxFiles+1) },
		"a path that leads":  func(m *resultMessage) { m.outputs[0].path = "../a" },
		"an absolute path":   func(m *resultMessage) { m.outputs[0].path = "/a" },
		"a path of Windows":  func(m *resultMessage) { m.outputs[0].path = `c:\a` },
		"an empty path":      func(m *resultMessage) { m.outputs[0].path = "" },
		"a class of its own": func(m *resultMessage) { m.class = "fine" },
		"a path twice":       func(m *resultMessage) { m.outputs[1].path = "a" },
		"no digest":          func(m *resultMessage) { m.outputs[0].digest = "" },
		"a digest that leads": func(m *resultMessage) {
			m.outputs[0].digest = "../idle-compute/devices/other/heartbeat"
		},
		"time that ran back":  func(m *resultMessage) { m.wall = -1 },
		"work that was given": func(m *resultMessage) { m.cpu = -1 },
	} {
		m := fine
		m.outputs = append([]fileMessage(nil), fine.outputs...)
		spoil(&m)
		var got resultMessage
		require.Equal(t, name == "", got.decode(m.encode(), limits) == nil, name)
	}
}

// TestFrames: a stream that breaks its promises is an error and never a large allocation.
func TestFrames(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, writeFrame(&b, kindRun, []byte("abc")))
	kind, payload, err := readFrame(&b)
	require.NoError(t, err)
	require.Equal(t, kindRun, kind)
	require.Equal(t, "abc", string(payload))
	require.ErrorIs(t, writeFrame(io.Discard, kindRun, make([]byte, maxFrame+1)), errFrame)
	for _, stream := range []string{"\x00\x00\x00\x00\x00", "\x63\x00\x00\x00\x00", "\x01\xff\xff\xff\xff"} {
		_, _, err := readFrame(strings.NewReader(stream))
		require.ErrorIs(t, err, errFrame, "%q", stream)
	}
	_, _, err = readFrame(strings.NewReader("\x01\x04\x00\x00\x00abc"))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	require.NoError(t, writeBody(&b, strings.NewReader(strings.Repeat("x", 600_000)), 600_000))
	body, err := readBody(&b, 600_000)
	require.NoError(t, err)
	require.Len(t, body, 600_000)
	require.NoError(t, writeBody(&b, strings.NewReader("1234"), 4))
	_, err = readBody(&b, 3) // more than was announced
	require.ErrorIs(t, err, errFrame)
	require.ErrorIs(t, writeBody(&b, strings.NewReader("short"), 6), errSource)
}

// FuzzOrder: whatever an agent sends, a worker reads it or ends.
func FuzzOrder(f *testing.F) {
	frame := func(kind byte, payload []byte) []byte {
		var b bytes.Buffer
		_ = writeFrame(&b, kind, payload) // into memory
		return b.Bytes()
	}
	load := loadMessage{digest: "d", size: 3, dir: "x", key: "k", memory: 1, interpret: true}
	f.Add(append(frame(kindLoad, load.encode()), frame(kindBody, []byte("abc"))...))
	run := runMessage{args: []string{"a"}, inputs: []fileMessage{{path: "p", size: 2}}}
	f.Add(append(frame(kindRun, run.encode()), frame(kindBody, []byte("ab"))...))
	f.Add(frame(kindCompile, nil))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		for {
			if _, err := readOrder(r); err != nil {
				return
			}
		}
	})
}

// FuzzResult: whatever a worker sends, an agent reads it within the job's bounds.
func FuzzResult(f *testing.F) {
	m := resultMessage{class: ClassJob, limit: LimitCPU, reason: "r", stdout: 3, outputs: []fileMessage{{path: "a/b", digest: strings.Repeat("ab", 32), size: 5}}}
	f.Add([]byte(m.encode()))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var m resultMessage
		limits := Limits{OutputBytes: 1 << 10, StdoutBytes: 1 << 10}
		if m.decode(payload, limits) != nil {
			return
		}
		sum := int64(0)
		for i := range m.outputs {
			sum += m.outputs[i].size
		}
		if sum > limits.OutputBytes || m.stdout > limits.StdoutBytes || !m.class.known() {
			t.Fatalf("beyond its bounds: %+v", m)
		}
	})
}
