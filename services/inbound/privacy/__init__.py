"""How long mail is kept, and how a person is forgotten."""
