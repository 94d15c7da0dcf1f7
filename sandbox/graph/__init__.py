"""A stand-in for Microsoft Graph's mail: folders, delta queries, raw messages."""
