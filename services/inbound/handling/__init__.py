"""One mail of the ledger brought to its end: gather, decide, and do it in Jira exactly once."""
