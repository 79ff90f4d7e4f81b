package schedulerdb

import (
	"fmt"
	"strconv"
	"strings"
)

// column is a column of a table with its PostgreSQL type.
type column struct{ name, kind string }

// write is a statement that writes many rows of one table. On PostgreSQL it takes one array for each column, on SQLite it
// is run for each row.
type write struct {
	text string
	// answers means that the statement returns two texts for each row that took effect: an identifier and a state.
	answers bool
}

// writes are the statements of a dialect. They never change, so a database may keep them prepared.
type writes struct {
	insertJobs, updateJobs, updateFreeJobs, saveAttempts, addTally, addCounts, saveNodes, saveQuotas write
	insertWaits, dropWaits, insertEvents, insertSchedules, updateSchedules                           write
}

// all lists them.
func (w *writes) all() []write {
	return []write{
		w.insertJobs, w.updateJobs, w.updateFreeJobs, w.saveAttempts, w.addTally, w.addCounts, w.saveNodes, w.saveQuotas,
		w.insertWaits, w.dropWaits, w.insertEvents, w.insertSchedules, w.updateSchedules,
	}
}

// lanes is the number of rows over which PostgreSQL spreads one sum; callers' transactions have as many of their own.
const lanes = 16

// newWrites composes the statements of a dialect.
func newWrites(dialect Dialect) writes {
	t := text(dialect)
	return writes{
		insertJobs: write{answers: true, text: t.insert("fog_scheduler_jobs", insertedJobColumns()) +
			" ON CONFLICT DO NOTHING RETURNING id, state"},
		updateJobs:     write{answers: true, text: t.updateJobs("")},
		updateFreeJobs: write{answers: true, text: t.updateJobs(" SKIP LOCKED")},
		saveAttempts: write{text: t.insert("fog_scheduler_attempts", attemptColumns()) +
			" ON CONFLICT (job, slot, token) DO UPDATE SET " + assign(changingAttemptColumns(), "excluded.")},
		addTally: write{text: t.insert("fog_scheduler_tally", tallyColumns()) +
			" ON CONFLICT (tenant, tier, name, lane) DO UPDATE SET value = fog_scheduler_tally.value + excluded.value"},
		addCounts: write{text: t.insert("fog_scheduler_counts", countColumns()) +
			" ON CONFLICT (tenant, owner, tier, state, lane) DO UPDATE SET jobs = fog_scheduler_counts.jobs + excluded.jobs"},
		saveNodes: write{text: t.insert("fog_scheduler_nodes", nodeColumns()) +
			" ON CONFLICT (id) DO UPDATE SET " + assign(followingNodeColumns(), "excluded.") +
			", version = fog_scheduler_nodes.version + 1 WHERE excluded.source >= fog_scheduler_nodes.source"},
		saveQuotas: write{text: t.insert("fog_scheduler_quotas", quotaColumns()) +
			" ON CONFLICT (tenant, owner) DO UPDATE SET " + assign(quotaColumns()[2:], "excluded.")},
		insertWaits:  write{text: t.insert("fog_scheduler_waits", waitColumns())},
		dropWaits:    write{text: t.dropWaits()},
		insertEvents: write{text: t.insert("fog_scheduler_events", eventColumns())},
		insertSchedules: write{answers: true, text: t.insert("fog_scheduler_schedules", scheduleColumns()) +
			" ON CONFLICT DO NOTHING RETURNING tenant || '/' || id, ''"},
		updateSchedules: write{answers: true, text: t.updateSchedules()},
	}
}

// text composes statements of a dialect.
type text Dialect

// insert is an insertion of rows with all the given columns. A lane is the number of the lanes before it, to which
// PostgreSQL adds the connection's.
func (t text) insert(table string, columns []column) string {
	head := "INSERT INTO " + table + " (" + names(columns) + ") "
	if Dialect(t) == SQLite {
		return head + "VALUES (" + parameters(1, len(columns)) + ")"
	}
	taken := strings.ReplaceAll(names(columns), "lane", fmt.Sprintf("lane + pg_backend_pid() %% %d", lanes))
	return head + "SELECT " + taken + " FROM " + unnest(columns)
}

// updateJobs writes the changing half of jobs whose version is the expected one; locked says what PostgreSQL does about rows that
// others have locked, by default it waits. Its rows are identifier, expected
// version, changing columns.
func (t text) updateJobs(locked string) string {
	if Dialect(t) == SQLite {
		set := assignAt(writtenJobColumns(nil), 3)
		return "UPDATE fog_scheduler_jobs SET previous = state, " + set + " WHERE id = ?1 AND version = ?2 RETURNING id, previous"
	}
	rows := writtenJobColumns([]column{{"id", "text"}, {"was", "bigint"}})
	// The first part locks the rows in the order of their identifiers; the second writes those it has locked.
	return `WITH n AS MATERIALIZED (
			SELECT n.* FROM ` + unnest(rows) + ` JOIN fog_scheduler_jobs AS j ON j.id = n.id
			ORDER BY j.id FOR NO KEY UPDATE OF j` + locked + `
		)
		UPDATE fog_scheduler_jobs AS j SET previous = j.state, ` + assign(writtenJobColumns(nil), "n.") + `
		FROM n WHERE j.id = n.id AND j.version = n.was
		RETURNING j.id, j.previous`
}

// dropWaits deletes what jobs wait for. Its rows are identifiers.
func (t text) dropWaits() string {
	if Dialect(t) == SQLite {
		return "DELETE FROM fog_scheduler_waits WHERE job = ?1"
	}
	return "DELETE FROM fog_scheduler_waits AS w USING " + unnest(waitColumns()[1:]) + " WHERE w.job = n.job"
}

// updateSchedules replaces schedules that have the version before. Its rows are those of scheduleColumns, whose creator stays.
func (t text) updateSchedules() string {
	if Dialect(t) == SQLite {
		return "UPDATE fog_scheduler_schedules SET owner = ?3, next_at = ?5, version = ?6, body = ?7 " +
			"WHERE tenant = ?1 AND id = ?2 AND version = ?6 - 1 RETURNING tenant || '/' || id, ''"
	}
	return "UPDATE fog_scheduler_schedules AS s SET owner = n.owner, next_at = n.next_at, version = n.version, body = n.body FROM " +
		unnest(scheduleColumns()) + " WHERE s.tenant = n.tenant AND s.id = n.id AND s.version = n.version - 1 RETURNING s.tenant || '/' || s.id, ''"
}

// names lists columns: "a, b".
func names(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name
	}
	return strings.Join(list, ", ")
}

// assign sets columns from another row: "a = n.a, b = n.b".
func assign(columns []column, from string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name + " = " + from + c.name
	}
	return strings.Join(list, ", ")
}

// assignAt sets columns from numbered parameters: "a = ?3, b = ?4".
func assignAt(columns []column, first int) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name + " = ?" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// parameters lists numbered parameters of SQLite: "?1, ?2".
func parameters(first, count int) string {
	list := make([]string, count)
	for i := range list {
		list[i] = "?" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// unnest is PostgreSQL's table of rows from one array for each column. The parameters are texts, so that any driver and
// any mode of it can carry them.
func unnest(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = "$" + strconv.Itoa(i+1) + "::text::" + c.kind + "[]"
	}
	return "unnest(" + strings.Join(list, ", ") + ") AS n (" + names(columns) + ")"
}
