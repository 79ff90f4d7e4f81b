package db

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

// Journal keeps facts in the table fog_facts. Make one with NewJournal; Run carries its hints to other servers.
type Journal struct {
	d     *DB
	now   func() time.Time
	bells journal.Bells
	news  announcements
}

var _ journal.Journal = (*Journal)(nil)

// States of a fact's row.
const (
	factOpen   = 0
	factParked = 1
	factDone   = 2
)

const maxReason = 1000 // bytes of a reason that are kept

// factRow is a row of fog_facts.
type factRow struct {
	bun.BaseModel `bun:"table:fog_facts"`

	Seq     int64  `bun:"seq,pk,autoincrement"`
	Topic   string `bun:"topic"`
	ID      string `bun:"id"`
	Version int64  `bun:"version"`
	State   int    `bun:"state"`
	Tries   int    `bun:"tries"`
	Token   string `bun:"token"`
	Until   int64  `bun:"until_at"` // end of the claim; not before this when the token is empty
	Reason  string `bun:"reason"`
	Created int64  `bun:"created_at"`
	Ended   int64  `bun:"ended_at"` // when it was parked or done
}

// fact returns what the row says.
func (r *factRow) fact() journal.Fact {
	return journal.Fact{Topic: journal.Topic(r.Topic), ID: r.ID, Version: r.Version}
}

// NewJournal returns the journal of a database on which MigrateGround has run. A nil now means time.Now.
func NewJournal(d *DB, now func() time.Time) *Journal {
	if now == nil {
		now = time.Now
	}
	return &Journal{d: d, now: now, news: newAnnouncements()}
}

// AppendFacts writes facts inside a store's transaction. Once that has committed, the store calls Notify.
func AppendFacts(ctx context.Context, tx bun.IDB, _ Dialect, now time.Time, facts []journal.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	rows := make([]factRow, len(facts))
	for i, f := range facts {
		rows[i] = factRow{Topic: string(f.Topic), ID: f.ID, Version: f.Version, Created: Micros(now)}
	}
	if _, err := tx.NewInsert().Model(&rows).ExcludeColumn("seq").Returning("NULL").Exec(ctx); err != nil {
		return Kind(fmt.Errorf("db.append: %w", err))
	}
	return nil
}

// Notify says that facts of these topics have been committed: it wakes the readers of this process at once and those of
// other servers through Run. It does not block.
func (j *Journal) Notify(topics ...journal.Topic) {
	for _, topic := range topics {
		j.bells.Ring(topic)
	}
	j.news.add(topics)
}

// NotifyFacts is Notify for the topics of facts.
func (j *Journal) NotifyFacts(facts []journal.Fact) {
	var last journal.Topic
	for _, f := range facts {
		if f.Topic != last {
			j.Notify(f.Topic)
			last = f.Topic
		}
	}
}

// Wake implements journal.Journal.
func (j *Journal) Wake(topic journal.Topic) <-chan struct{} { return j.bells.Wake(topic) }

// Claim implements journal.Journal.
func (j *Journal) Claim(ctx context.Context, topic journal.Topic, limit int, until time.Time) ([]journal.Claimed, error) {
	if limit <= 0 {
		return nil, nil
	}
	skip := ""
	if j.d.Dialect == Postgres {
		skip = "FOR UPDATE SKIP LOCKED" // facts that another server is just claiming
	}
	token := rand.Text()
	var rows []factRow
	err := Tx(ctx, j.d, func(ctx context.Context, tx bun.Tx) error {
		rows = rows[:0]
		return tx.NewRaw(`
			WITH claim AS (
				SELECT seq FROM fog_facts WHERE topic = ? AND state = 0 AND until_at <= ? ORDER BY seq LIMIT ? `+skip+`
			)
			UPDATE fog_facts SET token = ?, until_at = ? WHERE seq IN (SELECT seq FROM claim)
			RETURNING seq, topic, id, version, tries, token`,
			string(topic), Micros(j.now()), limit, token, Micros(until)).Scan(ctx, &rows)
	})
	if err != nil {
		return nil, fmt.Errorf("db.claim: %w", err)
	}
	slices.SortFunc(rows, func(a, b factRow) int { return cmp.Compare(a.Seq, b.Seq) })
	claimed := make([]journal.Claimed, len(rows))
	for i := range rows {
		r := &rows[i]
		claimed[i] = journal.Claimed{Fact: r.fact(), Seq: r.Seq, Token: r.Token, Tries: r.Tries}
	}
	return claimed, nil
}

// Done implements journal.Journal.
func (j *Journal) Done(ctx context.Context, claimed []journal.Claimed) error {
	return j.settle(ctx, "db.done", claimed, "state = ?, token = '', ended_at = ?", factDone, Micros(j.now()))
}

// Fail implements journal.Journal.
func (j *Journal) Fail(ctx context.Context, claimed []journal.Claimed, reason string, retryAt time.Time, parkAfter int) error {
	return j.settle(ctx, "db.fail", claimed, `
		tries = tries + 1, token = '', until_at = ?, reason = ?,
		state = CASE WHEN ? > 0 AND tries + 1 >= ? THEN ? ELSE state END,
		ended_at = CASE WHEN ? > 0 AND tries + 1 >= ? THEN ? ELSE ended_at END`,
		Micros(retryAt), clean(reason), parkAfter, parkAfter, factParked, parkAfter, parkAfter, Micros(j.now()))
}

// settle changes the rows whose claims still stand.
func (j *Journal) settle(ctx context.Context, op string, claimed []journal.Claimed, set string, args ...any) error {
	if len(claimed) == 0 {
		return nil
	}
	values := strings.Repeat(", (?, ?)", len(claimed))[2:]
	for _, c := range claimed {
		args = append(args, c.Seq, c.Token)
	}
	args = append(args, factOpen)
	err := Tx(ctx, j.d, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`UPDATE fog_facts SET `+set+` FROM (VALUES `+values+`) AS claim
			WHERE fog_facts.seq = claim.column1 AND fog_facts.token = claim.column2 AND fog_facts.token <> ''
			AND fog_facts.state = ?`, args...).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Parked implements journal.Journal.
func (j *Journal) Parked(ctx context.Context, limit int) ([]journal.Parked, error) {
	if limit <= 0 {
		return nil, nil
	}
	var rows []factRow
	err := j.d.Read.NewSelect().Model(&rows).Where("state = ?", factParked).Order("ended_at", "seq").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, Kind(fmt.Errorf("db.parked: %w", err))
	}
	parked := make([]journal.Parked, len(rows))
	for i := range rows {
		r := &rows[i]
		parked[i] = journal.Parked{Fact: r.fact(), Seq: r.Seq, Reason: r.Reason, At: Time(r.Ended)}
	}
	return parked, nil
}

// Retry implements journal.Journal.
func (j *Journal) Retry(ctx context.Context, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	var topics []journal.Topic
	err := Tx(ctx, j.d, func(ctx context.Context, tx bun.Tx) error {
		topics = topics[:0]
		return tx.NewRaw(`UPDATE fog_facts SET state = ?, tries = 0, until_at = 0, ended_at = 0
			WHERE state = ? AND seq IN (?) RETURNING topic`, factOpen, factParked, bun.List(seqs)).Scan(ctx, &topics)
	})
	if err != nil {
		return fmt.Errorf("db.retry: %w", err)
	}
	slices.Sort(topics)
	j.Notify(slices.Compact(topics)...)
	return nil
}

// Purge implements journal.Journal.
func (j *Journal) Purge(ctx context.Context, doneBefore time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	var purged int64
	err := Tx(ctx, j.d, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewRaw(`DELETE FROM fog_facts WHERE seq IN (
			SELECT seq FROM fog_facts WHERE state = ? AND ended_at < ? ORDER BY ended_at LIMIT ?)`,
			factDone, Micros(doneBefore), limit).Exec(ctx)
		if err != nil {
			return err
		}
		purged, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("db.purge: %w", err)
	}
	return int(purged), nil
}

// clean makes any text fit for a column: valid UTF-8, no NUL, bounded.
func clean(text string) string {
	text = strings.ReplaceAll(text[:min(len(text), maxReason)], "\x00", "")
	return strings.ToValidUTF8(text, "")
}
