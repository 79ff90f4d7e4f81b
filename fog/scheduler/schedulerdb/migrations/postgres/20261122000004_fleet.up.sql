-- Labels and taints that an operator puts on a node, JSON. Saving the node keeps them.
ALTER TABLE fog_scheduler_nodes ADD COLUMN marks TEXT NOT NULL DEFAULT '';

-- Nodes that are kept free for one owner for a time.
CREATE TABLE fog_scheduler_reservations (
	tenant   TEXT COLLATE "C" NOT NULL,
	id       TEXT COLLATE "C" NOT NULL,
	owner    TEXT    NOT NULL, -- whose jobs may use the nodes
	creator  TEXT    NOT NULL,
	nodes    TEXT    NOT NULL, -- JSON
	required TEXT    NOT NULL, -- JSON: conditions on labels
	begins   BIGINT  NOT NULL,
	ends     BIGINT  NOT NULL,
	PRIMARY KEY (tenant, id)
);
