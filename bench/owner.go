package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// owns returns nil if a process listens on a loopback address, so that no figure is taken from a stranger that happens
// to have the port.
func owns(pid int, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !at.Addr().IsLoopback() || !at.Addr().Is4() {
		return fmt.Errorf("%s is not a loopback address", address)
	}
	socket, err := listener(at)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return err
	}
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && target == "socket:["+socket+"]" {
			return nil
		}
	}
	return fmt.Errorf("%s belongs to another process than our child %d", address, pid)
}

// listener finds the inode of the socket that listens on an address.
func listener(at netip.AddrPort) (inode string, err error) {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return "", err
	}
	ip := at.Addr().As4()
	local := fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], at.Port())
	const listening = "0A"
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 9 && f[1] == local && f[3] == listening {
			return f[9], nil
		}
	}
	return "", fmt.Errorf("nobody listens on %s", at)
}
