package sensor

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// stalls returns the share of the last ten seconds, in percent, in which other programs stalled for the resource that is shortest
// (pressure stall information, Documentation/accounting/psi.rst). Where this process and its children have a control group for
// themselves, what they stalled is taken off: the rest is a lower bound of what others did. Stalls for the CPU count only then, since
// workers wait for it on purpose whenever somebody else wants it.
func stalls(root fs.FS) (worst idle.Opt[float64]) {
	group, alone := ownGroup(root)
	for _, resource := range []string{"memory", "io", "cpu"} {
		all, ok := pressure(root, path.Join("proc/pressure", resource))
		if !ok || resource == "cpu" && !alone {
			continue
		}
		if alone {
			own, known := pressure(root, path.Join(group, resource+".pressure"))
			if !known && resource == "cpu" {
				continue
			}
			all = max(all-own, 0)
		}
		worst = idle.Some(max(all, worst.Value))
	}
	return worst
}

// pressure reads the share of the last ten seconds, in percent, in which some program stalled.
func pressure(root fs.FS, name string) (float64, bool) {
	for field := range strings.FieldsSeq(line(root, name)) {
		if text, ok := strings.CutPrefix(field, "avg10="); ok {
			v, err := strconv.ParseFloat(text, 64)
			return v, err == nil && v >= 0 && v <= 100
		}
	}
	return 0, false
}

// ownGroup returns the folder of this process's control group (version 2), and whether nobody but this process and its children is in it.
func ownGroup(root fs.FS) (folder string, alone bool) {
	place, ok := strings.CutPrefix(line(root, "proc/self/cgroup"), "0::/")
	if !ok || place == "" || !fs.ValidPath(place) { // the root group is everybody's
		return "", false
	}
	folder = path.Join("sys/fs/cgroup", place)
	members, err := fs.ReadFile(root, path.Join(folder, "cgroup.procs"))
	if err != nil {
		return "", false
	}
	self := strconv.Itoa(os.Getpid())
	for member := range strings.FieldsSeq(string(members)) {
		if member != self && parent(root, member) != self {
			return "", false
		}
		alone = true
	}
	return folder, alone
}

// parent returns the parent of a process; "" if it is not known.
func parent(root fs.FS, process string) string {
	data, _ := fs.ReadFile(root, path.Join("proc", process, "status")) // it may have ended
	for text := range strings.Lines(string(data)) {
		if after, ok := strings.CutPrefix(text, "PPid:"); ok {
			return strings.TrimSpace(after)
		}
	}
	return ""
}
