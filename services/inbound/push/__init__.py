"""Mail that is brought to us, by a pipe or by a provider that calls."""
