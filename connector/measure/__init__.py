"""Turns what players report into what is known of a viewer: pure, so that it can be proven."""
