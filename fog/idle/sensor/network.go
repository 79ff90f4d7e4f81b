package sensor

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// network returns the kind of the network that the default route goes over, and whether it is paid by volume. The kernel does not know
// the latter; what goes over a mobile network counts as paid, as on telephones.
func network(root fs.FS) (kind idle.Opt[idle.NetworkKind], metered idle.Opt[bool]) {
	device := defaultRoute(root)
	if device == "" {
		return kind, metered
	}
	if kind = kindOf(root, path.Join("sys/class/net", device)); kind.Known && kind.Value == idle.Cellular {
		metered = idle.Some(true)
	}
	return kind, metered
}

// defaultRoute returns the interface of the default route with the least metric; "" without one. IPv4 goes before IPv6.
func defaultRoute(root fs.FS) (device string) {
	least := uint64(math.MaxUint64)
	consider := func(name, metric string, base int) {
		if n, err := strconv.ParseUint(metric, base, 32); err == nil && n < least && name != "lo" && fs.ValidPath(name) {
			device, least = name, n
		}
	}
	data, _ := fs.ReadFile(root, "proc/net/route") // without it there is no route
	for text := range strings.Lines(string(data)) {
		if f := strings.Fields(text); len(f) >= 8 && f[1] == "00000000" && f[7] == "00000000" {
			consider(f[0], f[6], 10)
		}
	}
	if device != "" {
		return device
	}
	data, _ = fs.ReadFile(root, "proc/net/ipv6_route")
	for text := range strings.Lines(string(data)) {
		if f := strings.Fields(text); len(f) >= 10 && strings.Trim(f[0], "0") == "" && f[1] == "00" {
			consider(f[9], f[5], 16)
		}
	}
	return device
}

// Kinds of hardware in sys/class/net/*/type (include/uapi/linux/if_arp.h).
const (
	hardwareEthernet = "1"
	hardwareRawIP    = "519" // modems
	hardwareLoopback = "772"
	hardwareNone     = "65534" // tunnels
)

// kindOf returns the kind of an interface, by its folder.
func kindOf(root fs.FS, folder string) idle.Opt[idle.NetworkKind] {
	has := func(name string) bool {
		_, err := fs.Stat(root, path.Join(folder, name))
		return err == nil
	}
	events, _ := fs.ReadFile(root, path.Join(folder, "uevent")) // absent for simple devices
	is := func(kind string) bool { return strings.Contains(string(events), "DEVTYPE="+kind+"\n") }
	hardware := line(root, path.Join(folder, "type"))
	switch {
	case hardware == hardwareLoopback:
		return idle.Some(idle.Loopback)
	case has("tun_flags") || is("wireguard") || hardware == hardwareNone:
		return idle.Some(idle.Tunnel)
	case has("wireless") || has("phy80211") || is("wlan"):
		return idle.Some(idle.WiFi)
	case is("wwan") || hardware == hardwareRawIP:
		return idle.Some(idle.Cellular)
	case is("bluetooth"):
		return idle.Some(idle.Bluetooth)
	case hardware == hardwareEthernet:
		return idle.Some(idle.Ethernet)
	default:
		return idle.Opt[idle.NetworkKind]{}
	}
}
