package main

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync/atomic"
)

// padding is a listener whose connections send each WebSocket text with spaces behind it, up to size bytes. The
// frame of a small house is shorter than the one that the figure speaks of, and nothing in the server's interface makes
// it longer; so the kernel gets as many bytes to send as it would with a large house, and the server above does all
// that it does for its own frame.
type padding struct {
	net.Listener
	size int
	last atomic.Pointer[padded] // the frame of this tick: it is the same for all clients
}

// padded is a frame, and the same with spaces.
type padded struct{ frame, wide []byte }

// Accept implements net.Listener.
func (p *padding) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &paddedConn{conn, p}, nil
}

type paddedConn struct {
	net.Conn
	padding *padding
}

// Write sends a frame with its spaces, and all else as it is.
func (c *paddedConn) Write(b []byte) (int, error) {
	wide := c.padding.widen(b)
	if wide == nil {
		return c.Conn.Write(b)
	}
	if _, err := c.Conn.Write(wide); err != nil {
		return 0, err
	}
	return len(b), nil
}

// The first byte of a whole WebSocket text (RFC 6455, section 5.2), and the second one of those whose length stands in
// the next two.
const (
	wholeText = 0x81
	length16  = 126
)

// widen returns a longer frame, or nil if b is no frame or long enough.
func (p *padding) widen(b []byte) []byte {
	if len(b) < 2 || b[0] != wholeText {
		return nil
	}
	if last := p.last.Load(); last != nil && bytes.Equal(last.frame, b) {
		return last.wide
	}
	text := b[2:]
	if b[1] == length16 {
		text = b[4:]
	}
	if len(text) >= p.size {
		return nil
	}
	wide := binary.BigEndian.AppendUint16([]byte{wholeText, length16}, uint16(p.size))
	wide = append(append(wide, text...), bytes.Repeat([]byte{' '}, p.size-len(text))...)
	p.last.Store(&padded{frame: bytes.Clone(b), wide: wide})
	return wide
}
