-- Polls by the times at which their proposals have ended: which votes may be deleted.
CREATE INDEX fog_ledger_records_polls ON fog_ledger_records (state, tenant, key) WHERE class = 'poll';
