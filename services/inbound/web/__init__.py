"""The HTTP API of inbound: routes and schemas."""
