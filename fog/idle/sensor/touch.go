package sensor

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// touch finds out when somebody last used this machine, from the least idle of the sources that answer. They tell the truth about
// activity but not about its absence if there is a keyboard or mouse that they cannot see: then a long time is unknown.
type touch struct {
	presses int64     // interrupts of the built-in keyboard and mouse at the last reading
	pressed time.Time // when they last grew; zero before the first reading
}

// certain is the idle time up to which a source is believed although there are devices that it does not see.
const certain = time.Minute

// idle returns for how long nobody has used the machine.
func (t *touch) idle(root fs.FS, now time.Time) idle.Opt[time.Duration] {
	since := func(at time.Time) idle.Opt[time.Duration] { return idle.Some(max(0, now.Sub(at))) }
	least := idle.Opt[time.Duration]{}
	consider := func(v idle.Opt[time.Duration]) {
		if v.Known && (!least.Known || v.Value < least.Value) {
			least = v
		}
	}
	if at, ok := terminals(root); ok {
		consider(since(at))
	}
	if n, ok := presses(root); ok {
		if t.pressed.IsZero() || n != t.presses {
			t.presses, t.pressed = n, now
		}
		consider(since(t.pressed))
	}
	if least.Value > certain && unseen(root) {
		return idle.Opt[time.Duration]{}
	}
	return least
}

// terminals returns the latest time at which somebody typed into a terminal.
func terminals(root fs.FS) (latest time.Time, ok bool) {
	var names []string
	for _, pattern := range []string{"dev/tty[0-9]*", "dev/ttyS[0-9]*", "dev/pts/[0-9]*"} {
		found, _ := fs.Glob(root, pattern) // the patterns are well formed
		names = append(names, found...)
	}
	for _, name := range names {
		info, err := fs.Stat(root, name)
		if err != nil {
			continue
		}
		if at, known := accessed(info); known && at.After(latest) {
			latest, ok = at, true
		}
	}
	return latest, ok
}

// presses adds up the interrupts of the i8042 controller, to which built-in keyboards and mice are connected.
func presses(root fs.FS) (sum int64, ok bool) {
	data, err := fs.ReadFile(root, "proc/interrupts")
	if err != nil {
		return 0, false
	}
	for text := range strings.Lines(string(data)) {
		fields := strings.Fields(text)
		if len(fields) == 0 || fields[len(fields)-1] != "i8042" {
			continue
		}
		ok = true
		for _, field := range fields[1:] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				break // the counters are followed by words
			}
			sum += n
		}
	}
	return sum, ok
}

// unseen reports whether there is a keyboard or a mouse whose use shows in none of the sources: on USB or Bluetooth.
func unseen(root fs.FS) bool {
	data, err := fs.ReadFile(root, path.Join("proc/bus/input/devices"))
	if err != nil {
		return false
	}
	for device := range strings.SplitSeq(string(data), "\n\n") {
		handled := strings.Contains(device, "kbd") || strings.Contains(device, "mouse")
		outside := strings.Contains(device, "Bus=0003") || strings.Contains(device, "Bus=0005")
		if handled && outside {
			return true
		}
	}
	return false
}
