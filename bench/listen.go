package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// listening is one client of the metrics feed: a plain socket with as much of WebSocket (RFC 6455) as it takes to count
// frames and to answer pings. It is to cost little, since it runs on the machine that is measured.
type listening struct {
	conn    net.Conn
	reader  *bufio.Reader
	frames  atomic.Int64
	leaving atomic.Bool
	failure atomic.Pointer[error]
	text    atomic.Pointer[[]byte] // of the first frame
}

// The key and the answer to it that RFC 6455 prints as its example (section 1.3).
const (
	wsKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	wsAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// listen connects and subscribes.
func listen(ctx context.Context, address string) (*listening, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	l := &listening{conn: conn, reader: bufio.NewReaderSize(conn, 4096)}
	if err := l.shake(address); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return l, nil
}

// shake is the handshake.
func (l *listening) shake(address string) error {
	if err := l.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(l.conn, "GET /ws/metrics HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", address, wsKey)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(l.reader, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Accept") != wsAccept {
		return fmt.Errorf("the handshake was answered with %s", answer.Status)
	}
	return l.conn.SetDeadline(time.Now().Add(limit))
}

// Kinds of frames.
const (
	opText = 1
	opPing = 9
	opPong = 10
)

// read takes frames until the connection ends; each text must have a size.
func (l *listening) read(size int) {
	for {
		op, n, err := l.head()
		switch {
		case err != nil:
		case op == opText && n == size:
			err = l.take(n)
		case op == opPing && n < 126:
			err = l.pong(n)
		default:
			err = fmt.Errorf("a frame of kind %d with %d bytes", op, n)
		}
		if err != nil {
			if !l.leaving.Load() {
				l.failure.Store(&err)
			}
			return
		}
	}
}

// head reads the head of a frame.
func (l *listening) head() (op byte, n int, err error) {
	head, err := l.reader.Peek(2)
	if err != nil {
		return 0, 0, err
	}
	op, n = head[0]&0x0f, int(head[1])
	skip := 2
	if n == length16 {
		if head, err = l.reader.Peek(4); err != nil {
			return 0, 0, err
		}
		n, skip = int(binary.BigEndian.Uint16(head[2:])), 4
	}
	_, err = l.reader.Discard(skip)
	return op, n, err
}

// take counts a text, and keeps the first.
func (l *listening) take(n int) error {
	if l.text.Load() == nil {
		text := make([]byte, n)
		if _, err := io.ReadFull(l.reader, text); err != nil {
			return err
		}
		l.text.Store(&text)
	} else if _, err := l.reader.Discard(n); err != nil {
		return err
	}
	l.frames.Add(1)
	return nil
}

// pong answers a ping. A client masks what it sends; with zeros that changes nothing.
func (l *listening) pong(n int) error {
	answer := []byte{0x80 | opPong, 0x80 | byte(n), 0, 0, 0, 0}
	payload := make([]byte, n)
	if _, err := io.ReadFull(l.reader, payload); err != nil {
		return err
	}
	_, err := l.conn.Write(append(answer, payload...))
	return err
}

func (l *listening) leave() {
	l.leaving.Store(true)
	_ = l.conn.Close()
}

// ownLength is the length of a metrics frame without the spaces behind it; 0 for any other text.
func ownLength(text []byte) int {
	var frame struct{ Type string }
	if json.Unmarshal(text, &frame) != nil || frame.Type != "metrics_update" {
		return 0
	}
	return len(bytes.TrimRight(text, " "))
}
