package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

const (
	channel     = "fog_facts"      // of NOTIFY; the payload is a topic
	listenProbe = 30 * time.Second // silence after which the listener asks whether its connection still lives
	listenPause = time.Second      // before connecting again
)

// announcements are the topics that other servers have not been told of yet. Many commits share one NOTIFY.
type announcements struct {
	mu     *sync.Mutex // guards topics
	topics map[journal.Topic]bool
	some   chan struct{} // holds one hint that topics is not empty
}

func newAnnouncements() announcements {
	return announcements{mu: new(sync.Mutex), topics: map[journal.Topic]bool{}, some: make(chan struct{}, 1)}
}

// add remembers topics. Their number is bounded by the number of flows in the program.
func (a announcements) add(topics []journal.Topic) {
	a.mu.Lock()
	for _, topic := range topics {
		a.topics[topic] = true
	}
	a.mu.Unlock()
	select {
	case a.some <- struct{}{}:
	default:
	}
}

// take returns the remembered topics and forgets them.
func (a announcements) take() []journal.Topic {
	a.mu.Lock()
	defer a.mu.Unlock()
	topics := make([]journal.Topic, 0, len(a.topics))
	for topic := range a.topics {
		topics = append(topics, topic)
	}
	clear(a.topics)
	return topics
}

// Run carries hints between the servers of one PostgreSQL until ctx ends: it tells others of facts committed here, and
// wakes readers here of facts committed there. Everything works without it, by polling. On SQLite, and on a pool from
// Wrap, there is nothing to carry.
//
// It owns two goroutines: one sends through the pool, one listens on a connection of its own; both have ended when it
// returns nil.
func (j *Journal) Run(ctx context.Context) error {
	if j.d.Dialect != Postgres || j.d.listen == nil {
		<-ctx.Done()
		return nil
	}
	var both sync.WaitGroup
	both.Go(func() { j.announce(ctx) })
	both.Go(func() {
		for ctx.Err() == nil {
			_ = j.listenOnce(ctx) // whatever broke: connect again; polling bridges the gap
			sleep(ctx, listenPause)
		}
	})
	both.Wait()
	return nil
}

// announce sends the topics of committed facts. A failed NOTIFY is dropped: it is a hint.
func (j *Journal) announce(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.news.some:
		}
		for _, topic := range j.news.take() {
			_, _ = j.d.Write.ExecContext(ctx, "SELECT pg_notify(?, ?)", channel, string(topic))
		}
	}
}

// listenOnce rings for each notification until the connection breaks or ctx ends. Facts may have been committed while
// nobody listened, so it rings for all topics first.
func (j *Journal) listenOnce(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, j.d.listen)
	if err != nil {
		return fmt.Errorf("db.listen: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("db.listen: %w", err)
	}
	j.bells.RingAll()
	for {
		topic, err := waitTopic(ctx, conn)
		if err != nil {
			return err
		}
		if topic != "" {
			j.bells.Ring(topic)
		}
	}
}

// waitTopic returns the next notification's topic, or "" after a silence in which the connection was found alive.
func waitTopic(ctx context.Context, conn *pgx.Conn) (journal.Topic, error) {
	wait, cancel := context.WithTimeout(ctx, listenProbe)
	defer cancel()
	note, err := conn.WaitForNotification(wait)
	if err == nil {
		return journal.Topic(note.Payload), nil
	}
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return "", fmt.Errorf("db.listen: %w", err)
	}
	probe, cancelProbe := context.WithTimeout(ctx, listenProbe)
	defer cancelProbe()
	if err := conn.Ping(probe); err != nil {
		return "", fmt.Errorf("db.listen: %w", err)
	}
	return "", nil
}
