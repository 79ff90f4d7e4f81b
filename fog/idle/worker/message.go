package worker

import "time"

// loadMessage announces a module; its bytes follow.
type loadMessage struct {
	digest string
	size   int64
	dir    string // of the compiled code, "" to compile in memory
	key    string // seals the compiled code
	memory int64  // bytes that the process may need beside a guest

	interpret bool // nothing is compiled
}

func (m *loadMessage) encode() (e encoder) {
	e.text(m.digest)
	e.uint(uint64(m.size))
	e.text(m.dir)
	e.text(m.key)
	e.uint(uint64(m.memory))
	e.bool(m.interpret)
	return e
}

func (m *loadMessage) decode(payload []byte) error {
	d := decoder{data: payload}
	*m = loadMessage{digest: d.text(), size: d.size(MaxModuleBytes), dir: d.text(), key: d.text(), memory: d.size(1 << 40), interpret: d.bool()}
	return d.end()
}

// loadedMessage says whether a module is ready to run.
type loadedMessage struct {
	class   Class // "": ready
	reason  string
	compile time.Duration
	cached  bool // the compiled code came from the cache
}

func (m *loadedMessage) encode() (e encoder) {
	e.text(string(m.class))
	e.text(m.reason)
	e.int(int64(m.compile))
	e.bool(m.cached)
	return e
}

func (m *loadedMessage) decode(payload []byte) error {
	d := decoder{data: payload}
	*m = loadedMessage{class: Class(d.text()), reason: d.text(), compile: time.Duration(d.int()), cached: d.bool()}
	if !m.class.known() {
		d.fail()
	}
	return d.end()
}

// runMessage orders a run; its standard input and then its input files follow.
type runMessage struct {
	args   []string
	seed   uint64
	output bool
	limits Limits
	stdin  fileMessage // path unused
	inputs []fileMessage
}

// fileMessage announces a file.
type fileMessage struct {
	path   string
	digest string // may be "": not checked
	size   int64
}

func (m *runMessage) encode() (e encoder) {
	e.uint(uint64(len(m.args)))
	for _, arg := range m.args {
		e.text(arg)
	}
	e.uint(m.seed)
	e.bool(m.output)
	e.uint(uint64(m.limits.MemoryBytes))
	e.uint(uint64(m.limits.OutputBytes))
	e.uint(uint64(m.limits.StdoutBytes))
	e.uint(uint64(m.limits.CPU))
	m.stdin.encode(&e)
	encodeFiles(&e, m.inputs)
	return e
}

func (m *runMessage) decode(payload []byte) error {
	d := decoder{data: payload}
	*m = runMessage{args: make([]string, d.size(maxArgs))}
	for i := range m.args {
		m.args[i] = d.text()
	}
	m.seed, m.output = d.uint(), d.bool()
	m.limits.MemoryBytes, m.limits.OutputBytes, m.limits.StdoutBytes = d.size(mostMemory), d.size(mostOutput), d.size(mostStdout)
	m.limits.CPU = time.Duration(d.size(1<<63 - 1))
	m.stdin.decode(&d)
	m.inputs = decodeFiles(&d, maxInputBytes-m.stdin.size)
	return d.end()
}

// memory is how many bytes a run may use in the worker: the guest's own, its files, and as much again while they are copied.
func (m *runMessage) memory() int64 {
	bytes := m.limits.MemoryBytes + 2*(m.limits.OutputBytes+m.limits.StdoutBytes+m.stdin.size)
	for i := range m.inputs {
		bytes += 2 * m.inputs[i].size
	}
	return bytes
}

// resultMessage is how a run ended; stdout, stderr and the output files follow.
type resultMessage struct {
	class          Class
	limit          Limit
	reason         string
	exit           uint32
	stdout, stderr int64 // sizes
	cut            bool
	cpu, wall      time.Duration
	outputs        []fileMessage
}

func (m *resultMessage) encode() (e encoder) {
	e.text(string(m.class))
	e.text(string(m.limit))
	e.text(m.reason)
	e.uint(uint64(m.exit))
	e.uint(uint64(m.stdout))
	e.uint(uint64(m.stderr))
	e.bool(m.cut)
	e.int(int64(m.cpu))
	e.int(int64(m.wall))
	encodeFiles(&e, m.outputs)
	return e
}

func (m *resultMessage) decode(payload []byte, limits Limits) error {
	d := decoder{data: payload}
	*m = resultMessage{class: Class(d.text()), limit: Limit(d.text()), reason: d.text(), exit: uint32(d.size(1<<32 - 1))}
	m.stdout, m.stderr, m.cut = d.size(limits.StdoutBytes), d.size(StderrBytes), d.bool()
	m.cpu, m.wall = time.Duration(d.int()), time.Duration(d.int())
	m.outputs = decodeFiles(&d, limits.OutputBytes)
	if !m.class.known() || m.cpu < 0 || m.wall < 0 {
		d.fail()
	}
	seen := make(map[string]bool, len(m.outputs))
	for i := range m.outputs {
		f := &m.outputs[i]
		if checkPath(f.path) != "" || seen[f.path] || !isDigest(f.digest) { // the digest becomes part of a URL
			d.fail()
		}
		seen[f.path] = true
	}
	return d.end()
}

func (m *fileMessage) encode(e *encoder) {
	e.text(m.path)
	e.text(m.digest)
	e.uint(uint64(m.size))
}

func (m *fileMessage) decode(d *decoder) {
	*m = fileMessage{path: d.text(), digest: d.text(), size: d.size(maxInputBytes)}
}

func encodeFiles(e *encoder, files []fileMessage) {
	e.uint(uint64(len(files)))
	for i := range files {
		files[i].encode(e)
	}
}

// decodeFiles reads at most maxFiles announcements of at most most bytes together.
func decodeFiles(d *decoder, most int64) []fileMessage {
	n := d.size(maxFiles)
	files := make([]fileMessage, 0, n)
	for range n {
		var f fileMessage
		f.path, f.digest, f.size = d.text(), d.text(), d.size(max(most, 0))
		most -= f.size
		files = append(files, f)
	}
	return files
}
