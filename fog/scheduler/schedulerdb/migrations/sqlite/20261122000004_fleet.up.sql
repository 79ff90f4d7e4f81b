-- Labels and taints that an operator puts on a node, JSON. Saving the node keeps them.
ALTER TABLE fog_scheduler_nodes ADD COLUMN marks TEXT NOT NULL DEFAULT '';

-- Nodes that are kept free for one owner for a time.
CREATE TABLE fog_scheduler_reservations (
	tenant   TEXT NOT NULL,
	id       TEXT NOT NULL,
	owner    TEXT    NOT NULL, -- whose jobs may use the nodes
	creator  TEXT    NOT NULL,
	nodes    TEXT    NOT NULL, -- JSON
	required TEXT    NOT NULL, -- JSON: conditions on labels
	begins   INTEGER  NOT NULL,
	ends     INTEGER  NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT;
