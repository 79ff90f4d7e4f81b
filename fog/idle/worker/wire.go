package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The agent and its worker talk over two pipes in frames: a kind (1 byte), the length of the payload (4 bytes, little
// endian), the payload. Payloads are sequences of numbers (LEB128) and strings (length, bytes). Neither side believes the
// other: every length is bounded before anything is allocated, and what a message announces must follow exactly.
//
//	agent                       worker
//	load, body (module)  ------>
//	                     <------ want          not in the cache: may I compile?
//	compile              ------>
//	                     <------ loaded        ready, or why not
//	run, body (files)    ------>
//	                     <------ result, body (stdout, stderr, files)
//	run ...
const (
	kindLoad byte = iota + 1
	kindWant
	kindCompile
	kindLoaded
	kindRun
	kindResult
	kindBody // a piece of the bytes that the message before announced
)

const (
	frameHeader = 5
	maxFrame    = 4 << 20 // payload
	maxPiece    = 256 << 10
)

var (
	errSource  = errors.New("worker: source") // what the agent sends could not be had
	errFrame   = errors.New("worker: malformed frame")
	errMessage = errors.New("worker: malformed message")
)

// writeFrame writes one frame in one call.
func writeFrame(w io.Writer, kind byte, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("%w: %d bytes", errFrame, len(payload))
	}
	b := make([]byte, frameHeader, frameHeader+len(payload))
	b[0] = kind
	binary.LittleEndian.PutUint32(b[1:], uint32(len(payload)))
	if _, err := w.Write(append(b, payload...)); err != nil {
		return fmt.Errorf("worker: write: %w", err)
	}
	return nil
}

// readFrame reads one frame.
func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, fmt.Errorf("worker: read: %w", err)
	}
	n := binary.LittleEndian.Uint32(header[1:])
	if header[0] < kindLoad || header[0] > kindBody || n > maxFrame {
		return 0, nil, fmt.Errorf("%w: kind %d, %d bytes", errFrame, header[0], n)
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, fmt.Errorf("worker: read: %w", err)
	}
	return header[0], payload, nil
}

// writeBody sends exactly size bytes of r in pieces.
func writeBody(w io.Writer, r io.Reader, size int64) error {
	buf := make([]byte, min(size, maxPiece))
	for size > 0 {
		n, err := io.ReadFull(r, buf[:min(size, maxPiece)])
		if err != nil {
			return fmt.Errorf("%w: %w", errSource, err)
		}
		if err := writeFrame(w, kindBody, buf[:n]); err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// readBody reads exactly size bytes that were sent in pieces. The caller has bounded the size.
func readBody(r io.Reader, size int64) ([]byte, error) {
	body := make([]byte, 0, size)
	for int64(len(body)) < size {
		kind, piece, err := readFrame(r)
		if err != nil {
			return nil, err
		}
		if kind != kindBody || len(piece) == 0 || int64(len(piece)) > size-int64(len(body)) {
			return nil, errFrame
		}
		body = append(body, piece...)
	}
	return body, nil
}

// encoder appends values to a payload.
type encoder []byte

func (e *encoder) uint(v uint64) { *e = binary.AppendUvarint(*e, v) }

func (e *encoder) int(v int64) { *e = binary.AppendVarint(*e, v) }

func (e *encoder) text(v string) { *e = append(binary.AppendUvarint(*e, uint64(len(v))), v...) }

func (e *encoder) bool(v bool) {
	if v {
		*e = append(*e, 1)
	} else {
		*e = append(*e, 0)
	}
}

// decoder reads values from a payload; after the first malformed one, failed is set and all that follow are zero.
type decoder struct {
	data   []byte
	failed bool
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

// size reads a number of bytes or entries between 0 and most.
func (d *decoder) size(most int64) int64 {
	v := d.uint()
	if v > uint64(most) {
		d.fail()
		return 0
	}
	return int64(v)
}

func (d *decoder) text() string {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.fail()
		return ""
	}
	v := string(d.data[:n])
	d.data = d.data[n:]
	return v
}

func (d *decoder) bool() bool { return d.size(1) == 1 }

func (d *decoder) fail() { d.failed, d.data = true, nil }

// end returns an error unless the payload was well formed and has been read to its end.
func (d *decoder) end() error {
	if d.failed || len(d.data) > 0 {
		return errMessage
	}
	return nil
}
