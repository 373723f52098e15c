"""Side by side with what one would use instead; every figure is a ratio within one run."""
