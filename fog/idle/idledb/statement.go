package idledb

import (
	"strconv"
	"strings"
)

// column is a column of the rows that a statement unfolds, with its PostgreSQL type.
type column struct{ name, kind string }

const (
	text    = "text"
	integer = "bigint"
	decimal = "double precision"
)

// deviceColumns are the columns of deviceRow.
func deviceColumns() []column {
	return []column{
		{"id", text}, {"tenant", text}, {"owner", text}, {"creator", text}, {"name", text}, {"type", text}, {"platform", text},
		{"milli_cpu", integer}, {"memory_mb", integer}, {"milli_gpu", integer}, {"declared", text}, {"executors", text},
		{"labels", text}, {"policy", text}, {"state", text}, {"drain", integer}, {"cause", text}, {"eligible", integer},
		{"throttled", integer}, {"reasons", text}, {"since_at", integer}, {"calm_at", integer}, {"rest_at", integer}, {"quarantine_at", integer}, {"registered_at", integer},
		{"online_at", integer}, {"online_before", integer}, {"version", integer},
	}
}

// pulseColumns are the columns of pulseRow.
func pulseColumns() []column {
	return []column{
		{"device", text}, {"last_seen_at", integer}, {"heard_at", integer}, {"cpu_foreign", decimal}, {"cpu_total", decimal},
		{"mem_free_mb", decimal}, {"battery", decimal}, {"charging", integer}, {"temp_c", decimal}, {"user_idle", integer},
		{"metered", integer}, {"pressure", decimal}, {"disk_free_mb", decimal}, {"network", text}, {"harvesting", integer}, {"boot", text}, {"seq", integer}, {"boots", text},
	}
}

// workColumns are the columns of workRow.
func workColumns() []column {
	return []column{
		{"job", text}, {"slot", integer}, {"tenant", text}, {"owner", text}, {"creator", text}, {"attempt", text},
		{"device", text}, {"amount", integer}, {"compute", integer}, {"done_at", integer},
	}
}

// standingColumns are the columns of standingRow.
func standingColumns() []column {
	return []column{
		{"device", text}, {"class", text}, {"runtime", text}, {"tenant", text}, {"owner", text}, {"creator", text},
		{"valid", integer}, {"compared", integer}, {"until_at", integer}, {"quarantines", integer}, {"version", integer},
	}
}

// judgementColumns are the columns of judgementRow.
func judgementColumns() []column {
	return []column{
		{"attempt", text}, {"job", text}, {"tenant", text}, {"owner", text}, {"creator", text}, {"device", text}, {"class", text},
		{"runtime", text}, {"outcome", text}, {"made_at", integer},
	}
}

// totalColumns are the columns of totalRow.
func totalColumns() []column {
	return []column{{"id", text}, {"tenant", text}, {"tasks", integer}, {"compute", integer}, {"earned", integer}}
}

// statements write many rows each; their one argument is a JSON list of rows.
type statements struct {
	insertDevices, updateDevices string // return the ids of the rows that took effect
	insertPulses                 string
	updatePulses                 string // on SQLite it writes one row, with the values of pulseRow as arguments
	insertWork                   string // returns job and slot of the rows that are new
	addToDevices, addToTenants   string

	insertStandings, updateStandings string // return the devices of the rows that took effect
	putJudgements                    string
}

// newStatements composes the statements of a dialect.
func newStatements(dialect Dialect) statements {
	device, pulse, standing, judgement := deviceColumns(), pulseColumns(), standingColumns(), judgementColumns()
	return statements{
		insertDevices: insert(dialect, "fog_idle_devices", device) + " ON CONFLICT (id) DO NOTHING RETURNING id",
		// version is the new one: it follows the one that the change starts from
		updateDevices: "UPDATE fog_idle_devices SET " + assign(device[1:]) + " FROM " + source(dialect, device) +
			" WHERE fog_idle_devices.id = v.id AND fog_idle_devices.version = v.version - 1 RETURNING fog_idle_devices.id",
		insertPulses: insert(dialect, "fog_idle_pulses", pulse) + " ON CONFLICT (device) DO NOTHING",
		updatePulses: updatePulses(dialect, pulse),
		insertWork:   insert(dialect, "fog_idle_contributions", workColumns()) + " ON CONFLICT (job, slot) DO NOTHING RETURNING job, slot",
		addToDevices: "UPDATE fog_idle_pulses AS t SET tasks = t.tasks + v.tasks, compute = t.compute + v.compute, " +
			"earned = t.earned + v.earned FROM " + source(dialect, totalColumns()) + ", fog_idle_devices AS d " +
			"WHERE t.device = v.id AND d.id = v.id AND d.tenant = v.tenant",
		addToTenants: insert(dialect, "fog_idle_totals", totalColumns()[1:]) + " ON CONFLICT (tenant) DO UPDATE SET " +
			"tasks = fog_idle_totals.tasks + excluded.tasks, compute = fog_idle_totals.compute + excluded.compute, " +
			"earned = fog_idle_totals.earned + excluded.earned",
		insertStandings: insert(dialect, "fog_idle_reputations", standing) + " ON CONFLICT (device, class, runtime) DO NOTHING RETURNING device",
		updateStandings: "UPDATE fog_idle_reputations SET " + assign(standing[6:]) + " FROM " + source(dialect, standing) +
			" WHERE fog_idle_reputations.device = v.device AND fog_idle_reputations.class = v.class AND fog_idle_reputations.runtime = v.runtime" +
			" AND fog_idle_reputations.version = v.version - 1 RETURNING fog_idle_reputations.device",
		putJudgements: insert(dialect, "fog_idle_judgements", judgement) +
			" ON CONFLICT (attempt) DO UPDATE SET outcome = excluded.outcome, made_at = excluded.made_at",
	}
}

// updatePulses writes pulses that are not older than the stored ones. SQLite runs a prepared statement for each row five
// times faster than it unfolds JSON, and pulses are written all the time.
func updatePulses(dialect Dialect, columns []column) string {
	if dialect == Postgres {
		return "UPDATE fog_idle_pulses AS t SET " + assign(columns[1:]) + " FROM " + source(dialect, columns) +
			" WHERE t.device = v.device AND t.last_seen_at <= v.last_seen_at"
	}
	parts := make([]string, 0, len(columns))
	for n, c := range columns[1:] {
		parts = append(parts, c.name+" = ?"+strconv.Itoa(n+2))
	}
	return "UPDATE fog_idle_pulses SET " + strings.Join(parts, ", ") + " WHERE device = ?1 AND last_seen_at <= ?2"
}

// insert inserts all rows of the list. The condition keeps SQLite from reading ON CONFLICT as a join.
func insert(dialect Dialect, table string, columns []column) string {
	list := names(columns)
	return "INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM " + source(dialect, columns) + " WHERE true"
}

// source is the list of rows, unfolded as the table v.
func source(dialect Dialect, columns []column) string {
	parts := make([]string, len(columns))
	if dialect == Postgres {
		for n, c := range columns {
			parts[n] = c.name + " " + c.kind
		}
		return "jsonb_to_recordset(CAST(? AS jsonb)) AS v(" + strings.Join(parts, ", ") + ")"
	}
	for n, c := range columns {
		parts[n] = "json_extract(value, '$." + c.name + "') AS " + c.name
	}
	return "(SELECT " + strings.Join(parts, ", ") + " FROM json_each(?)) AS v"
}

// assign sets columns to those of v.
func assign(columns []column) string {
	parts := make([]string, len(columns))
	for n, c := range columns {
		parts[n] = c.name + " = v." + c.name
	}
	return strings.Join(parts, ", ")
}

// names lists columns.
func names(columns []column) string {
	parts := make([]string, len(columns))
	for n, c := range columns {
		parts[n] = c.name
	}
	return strings.Join(parts, ", ")
}
