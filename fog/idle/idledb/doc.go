// Package idledb keeps idle devices and their contributions in PostgreSQL or SQLite.
//
// A device is two rows: idle_devices holds what it is and where it stands, under a version that each transition counts up;
// idle_pulses what was last heard of it and its totals, a narrow row that is written all the time. Writes of many devices
// are one statement each: the rows travel as one JSON text that the database unfolds (jsonb_to_recordset on PostgreSQL,
// json_each on SQLite).
package idledb
