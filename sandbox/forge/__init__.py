"""Forge as an app's remote meets it: installations, invocation tokens, events, the bridge of the page, REST by bearer."""
