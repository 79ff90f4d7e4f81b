package worker

import (
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Class says who has to answer for a job that did not succeed. Its zero value means success.
type Class string

const (
	// ClassJob is a fault of the job: it exited with a code other than 0, trapped or exceeded a limit. It would fail anywhere.
	ClassJob Class = "job"
	// ClassPolicy means that this device does not run such a job: its module is refused or its request is malformed.
	ClassPolicy Class = "policy"
	// ClassInfra is a fault of what lies between: a file could not be had or its digest is wrong.
	ClassInfra Class = "infra"
	// ClassDevice is a fault of this device: the worker process ended by itself or was stopped by its owner.
	ClassDevice Class = "device"
)

// known reports whether a class is one of those above or success.
func (c Class) known() bool {
	switch c {
	case "", ClassJob, ClassPolicy, ClassInfra, ClassDevice:
		return true
	default:
		return false
	}
}

// Limit names the limit that a guest exceeded.
type Limit string

// The limits that a guest can exceed.
const (
	LimitCPU     Limit = "cpu"     // CPU time
	LimitWall    Limit = "wall"    // time on the clock, without the time suspended
	LimitMemory  Limit = "memory"  // linear memory, or what the process needs beside it
	LimitOutput  Limit = "output"  // bytes or number of files
	LimitStdout  Limit = "stdout"  // bytes on standard output
	LimitCompile Limit = "compile" // time or memory that the compiler needs for the module
)

// Limits bound what a guest may use.
type Limits struct {
	MemoryBytes int64         // linear memory; 0: 256 MiB; at most 4 GiB
	OutputBytes int64         // all files that it keeps in /out and /tmp together; 0: 64 MiB; at most 1 GiB
	StdoutBytes int64         // standard output; 0: 64 KiB; at most 1 MiB
	CPU         time.Duration // 0: no limit
	Wall        time.Duration // without time suspended; 0: no limit
}

// StderrBytes is how much of a guest's standard error is kept. The rest is dropped and the job goes on: it is meant for
// people, unlike standard output, of which a guest may not write more than its limit.
const StderrBytes = 16 << 10

// Bounds of a job.
const (
	maxFiles      = 1024 // files and directories that a guest may make, and inputs that it may have
	maxPath       = 1024
	maxArgs       = 1024
	maxArgsBytes  = 256 << 10
	maxInputBytes = 512 << 20 // of stdin and all inputs together
	defaultMemory = 256 << 20
	defaultOutput = 64 << 20
	defaultStdout = 64 << 10
	mostMemory    = 4 << 30
	mostOutput    = 1 << 30
	mostStdout    = 1 << 20
)

// withDefaults replaces zeros by the defaults.
func (l Limits) withDefaults() Limits {
	if l.MemoryBytes == 0 {
		l.MemoryBytes = defaultMemory
	}
	if l.OutputBytes == 0 {
		l.OutputBytes = defaultOutput
	}
	if l.StdoutBytes == 0 {
		l.StdoutBytes = defaultStdout
	}
	return l
}

// Job is one run of a guest. Two runs of equal jobs give equal results: the guest sees its arguments, its files and a clock
// and a source of randomness that depend on nothing but the job.
type Job struct {
	Module string   // digest: SHA-256 of the module in hex
	Args   []string // after the program's name, which is "guest"
	Stdin  string   // digest of its standard input; empty: nothing
	Inputs []Input  // files that it can read under /in
	Output bool     // return what it leaves under /out
	Seed   uint64   // of its randomness
	Limits Limits
}

// Input is a file that a guest can read.
type Input struct {
	Path   string // relative to /in, without "..", at most 1024 bytes
	SHA256 string // digest in hex
}

// Output is a file that a guest left under /out.
type Output struct {
	Path   string // relative to /out, clean, with slashes
	SHA256 string // digest in hex
	Data   []byte
}

// Outcome is how a job ended.
type Outcome struct {
	Class    Class  // empty: success
	Limit    Limit  // the limit that was exceeded; empty: none
	Reason   string // one line for people; empty exactly if Class is
	ExitCode int    // of the guest; 0 unless it chose another one itself

	Stdout    []byte
	Stderr    []byte // at most StderrBytes
	StderrCut bool   // there was more
	Outputs   []Output

	CPU     time.Duration // used by the run, without compiling
	Wall    time.Duration // taken by the run, without compiling and without time suspended
	Compile time.Duration // taken to make the module ready; 0: the worker had it
}

// OK reports whether the job succeeded.
func (o *Outcome) OK() bool { return o.Class == "" }

// Validate returns an error of kind Invalid that names the first field that no job may have.
func (j *Job) Validate() error {
	const op = "worker.job"
	bytes := 0
	for _, arg := range j.Args {
		bytes += len(arg) + 1
		if strings.ContainsRune(arg, 0) {
			return fault.Field(op, "args", "must not contain NUL")
		}
	}
	switch {
	case !isDigest(j.Module):
		return fault.Field(op, "module", "must be a SHA-256 in lower-case hex")
	case j.Stdin != "" && !isDigest(j.Stdin):
		return fault.Field(op, "stdin", "must be empty or a SHA-256 in lower-case hex")
	case len(j.Args) > maxArgs || bytes > maxArgsBytes:
		return fault.Field(op, "args", "at most %d and %d bytes together", maxArgs, maxArgsBytes)
	case len(j.Inputs) > maxFiles:
		return fault.Field(op, "inputs", "at most %d files", maxFiles)
	}
	seen := make(map[string]bool, len(j.Inputs))
	for _, in := range j.Inputs {
		if err := checkPath(in.Path); err != "" {
			return fault.Field(op, "inputs.path", "%q: %s", in.Path, err)
		}
		if !isDigest(in.SHA256) {
			return fault.Field(op, "inputs.sha256", "must be a SHA-256 in lower-case hex")
		}
		if seen[in.Path] {
			return fault.Field(op, "inputs.path", "%q: named twice", in.Path)
		}
		seen[in.Path] = true
	}
	for _, in := range j.Inputs {
		for dir := path.Dir(in.Path); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return fault.Field(op, "inputs.path", "%q: %q is a file", in.Path, dir)
			}
		}
	}
	return j.Limits.validate(op)
}

// validate bounds the limits themselves.
func (l *Limits) validate(op string) error {
	switch {
	case l.MemoryBytes < 0 || l.MemoryBytes > mostMemory:
		return fault.Field(op, "limits.memory", "must be 0 to %d bytes", int64(mostMemory))
	case l.OutputBytes < 0 || l.OutputBytes > mostOutput:
		return fault.Field(op, "limits.output", "must be 0 to %d bytes", mostOutput)
	case l.StdoutBytes < 0 || l.StdoutBytes > mostStdout:
		return fault.Field(op, "limits.stdout", "must be 0 to %d bytes", mostStdout)
	case l.CPU < 0 || l.Wall < 0:
		return fault.Field(op, "limits.time", "must not be negative")
	}
	return nil
}

// checkPath says what is wrong with the relative path of a file that crosses the border of the sandbox, or nothing. The same
// rule holds inwards and outwards, so that no path means something else on another machine.
func checkPath(p string) string {
	switch {
	case p == "" || p == ".":
		return "empty"
	case len(p) > maxPath:
		return "too long"
	case !utf8.ValidString(p):
		return "not UTF-8"
	case p[0] == '/':
		return "absolute"
	case path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../"):
		return "not in its shortest form inside the folder"
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == ':' }):
		return "a control character, backslash or colon"
	}
	for name := range strings.SplitSeq(p, "/") {
		if len(name) > 255 {
			return "a name of more than 255 bytes"
		}
	}
	return ""
}

// isDigest reports whether a text is a SHA-256 in lower-case hex.
func isDigest(text string) bool {
	if len(text) != 64 {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
