"""Octets of a mail to what it says: its parts, its words, who wrote it, what it quotes, forwards or reports. All of it pure."""
