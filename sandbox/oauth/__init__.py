"""A stand-in for Microsoft's and Google's sign-in: what they promise an OAuth client, and what they do to it."""
