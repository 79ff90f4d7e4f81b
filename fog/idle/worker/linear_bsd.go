//go:build unix && !linux

package worker

const hugeFrom = 1 << 62

func spacious([]byte) {}
