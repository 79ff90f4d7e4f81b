package benchmark

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const unknownSpeed = 1e9 // bits a second, for interfaces that do not tell theirs

// read reads the kernel's counters (proc_stat(5), proc_meminfo(5), proc_net_dev(5)).
func read() reading {
	var r reading
	if text, err := os.ReadFile("/proc/stat"); err == nil {
		r.busy, r.total = parseStat(string(text))
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		r.memory = parseMeminfo(string(text))
	}
	if text, err := os.ReadFile("/proc/net/dev"); err == nil {
		r.links = parseNetDev(string(text))
	}
	return r
}

// parseStat reads the first line: user nice system idle iowait irq softirq steal, then guest times that are in user.
func parseStat(text string) (busy, total float64) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[0] != "cpu" {
		return 0, 0
	}
	for i, field := range fields[1:min(len(fields), 9)] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, 0
		}
		total += ticks
		if idle, iowait := 3, 4; i != idle && i != iowait {
			busy += ticks
		}
	}
	return busy, total
}

// parseMeminfo returns the share of memory that is not available to programs, in percent.
func parseMeminfo(text string) float64 {
	total, available := memory(text, "MemTotal:"), memory(text, "MemAvailable:")
	if total <= 0 {
		return 0
	}
	return percent(1 - available/total)
}

// memory returns the number in one line.
func memory(text, name string) float64 {
	_, rest, found := strings.Cut(text, name)
	if !found {
		return 0
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseFloat(fields[0], 64)
	return n
}

// parseNetDev returns the bytes received and sent by each interface but loopback.
func parseNetDev(text string) map[string]uint64 {
	links := map[string]uint64{}
	for line := range strings.Lines(text) {
		name, counters, found := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		fields := strings.Fields(counters)
		if !found || name == "lo" || len(fields) < 9 {
			continue
		}
		received, err1 := strconv.ParseUint(fields[0], 10, 64)
		sent, err2 := strconv.ParseUint(fields[8], 10, 64)
		if err1 == nil && err2 == nil {
			links[name] = received + sent
		}
	}
	return links
}

// linkSpeed returns an interface's speed in bits a second.
func linkSpeed(link string) float64 {
	text, err := os.ReadFile(filepath.Join("/sys/class/net", filepath.Base(link), "speed"))
	if err != nil {
		return unknownSpeed
	}
	megabits, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || megabits <= 0 {
		return unknownSpeed
	}
	return megabits * 1e6
}
