"""The same film by other means: what a user would write instead, each run in its own process."""
