package sensor

import (
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// power reads the power supplies: the charge of all system batteries together in percent, and whether external power is connected. A
// machine without a battery is on external power. Batteries of mice and keyboards do not count.
func power(root fs.FS) (battery idle.Opt[float64], charging idle.Opt[bool]) {
	const dir = "sys/class/power_supply"
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return battery, charging
	}
	sum, count := 0.0, 0
	for _, entry := range entries {
		text := func(name string) string { return line(root, path.Join(dir, entry.Name(), name)) }
		if text("scope") == "Device" {
			continue
		}
		switch text("type") {
		case "Battery":
			percent, err := strconv.ParseFloat(text("capacity"), 64)
			if err != nil || !(percent >= 0 && percent <= 100) {
				continue
			}
			sum, count = sum+percent, count+1
			if status := text("status"); status == "Charging" || status == "Full" || status == "Discharging" && !charging.Known {
				charging = idle.Some(status != "Discharging")
			}
		case "Mains", "USB":
			if online := text("online"); online == "1" || online == "0" && !charging.Known {
				charging = idle.Some(online == "1")
			}
		}
	}
	if count == 0 {
		return battery, idle.Some(true)
	}
	return idle.Some(sum / float64(count)), charging
}

// line reads the first line of a small file; "" if there is none.
func line(root fs.FS, name string) string {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(first)
}
