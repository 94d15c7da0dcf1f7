"""From a mailbox into the ledger: which messages are taken, and what is done with them in the mailbox afterwards."""
