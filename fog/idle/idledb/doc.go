// Package idledb keeps idle devices and their contributions in PostgreSQL or SQLite.
//
// A device is two rows: fog_idle_devices holds what it is and where it stands, under a version that each transition counts up;
// fog_idle_pulses what was last heard of it and its totals, a narrow row that is written all the time. Writes of many rows
// are one statement each: they travel as one JSON text that the database unfolds (jsonb_to_recordset on PostgreSQL,
// json_each on SQLite). Only pulses are written row by row on SQLite, by a prepared statement, which is quicker there.
package idledb
