package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is a fixed number of clients, each with one connection that it keeps. Clients are plain sockets that send bytes
// made before, so that the load takes as little as possible of the machine that it shares with the server.
type crowd struct {
	address string
	clients []*client
}

// client is one connection.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte // of the last answer
	took   []time.Duration
}

// talk says what a crowd asks and what it expects.
type talk struct {
	request func(n int) []byte
	check   func(n, status int, body []byte) error
}

// gather connects a crowd.
func gather(ctx context.Context, address string, n int) (*crowd, error) {
	c := &crowd{address: address}
	var d net.Dialer
	for range n {
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			c.leave()
			return nil, err
		}
		c.clients = append(c.clients, &client{conn: conn, reader: bufio.NewReaderSize(conn, 16<<10)})
	}
	return c, nil
}

func (c *crowd) leave() {
	if c == nil {
		return
	}
	for _, client := range c.clients {
		_ = client.conn.Close()
	}
}

// run sends count requests over all connections and returns how long each took. Any answer that is not as it should be
// ends the run.
func (c *crowd) run(ctx context.Context, count int, t talk) ([]time.Duration, error) {
	var next atomic.Int64
	var wait sync.WaitGroup
	failures := make([]error, len(c.clients))
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(limit)
	}
	for i, client := range c.clients {
		if err := client.conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
		wait.Go(func() {
			client.took = client.took[:0]
			for ctx.Err() == nil {
				n := int(next.Add(1) - 1)
				if n >= count {
					return
				}
				if failures[i] = client.exchange(n, t); failures[i] != nil {
					next.Store(int64(count))
					return
				}
			}
			failures[i] = ctx.Err()
		})
	}
	wait.Wait()
	var took []time.Duration
	for i, client := range c.clients {
		if failures[i] != nil {
			return nil, failures[i]
		}
		took = append(took, client.took...)
	}
	return took, nil
}

// exchange sends one request and judges its answer.
func (c *client) exchange(n int, t talk) error {
	message := t.request(n)
	began := time.Now()
	if _, err := c.conn.Write(message); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	c.body = c.body[:0]
	for {
		c.body = slices.Grow(c.body, 4096)
		size, err := answer.Body.Read(c.body[len(c.body):cap(c.body)])
		c.body = c.body[:len(c.body)+size]
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	c.took = append(c.took, time.Since(began))
	return t.check(n, answer.StatusCode, c.body)
}

// once sends one request and returns a copy of the body of its answer.
func (c *crowd) once(ctx context.Context, message []byte, want int) ([]byte, error) {
	alone := &crowd{address: c.address, clients: c.clients[:1]}
	var body []byte
	_, err := alone.run(ctx, 1, talk{
		request: func(int) []byte { return message },
		check: func(_, status int, got []byte) error {
			body = slices.Clone(got)
			return expect(status, want, got)
		},
	})
	return body, err
}

// expect compares a status.
func expect(got, want int, body []byte) error {
	if got != want {
		return fmt.Errorf("status %d instead of %d: %.300s", got, want, body)
	}
	return nil
}

// message makes the bytes of a request.
func (c *crowd) message(method, path string, body []byte, header ...string) []byte {
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n", method, path, c.address)
	for _, line := range header {
		text += line + "\r\n"
	}
	if body != nil {
		if len(header) == 0 {
			text += "Content-Type: application/json\r\n"
		}
		text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return append([]byte(text+"\r\n"), body...)
}

// send sends one request that may be answered with any of some statuses.
func (c *crowd) send(ctx context.Context, message []byte, want ...int) error {
	alone := &crowd{address: c.address, clients: c.clients[:1]}
	_, err := alone.run(ctx, 1, talk{
		request: func(int) []byte { return message },
		check: func(_, status int, body []byte) error {
			if slices.Contains(want, status) {
				return nil
			}
			return expect(status, want[0], body)
		},
	})
	return err
}
