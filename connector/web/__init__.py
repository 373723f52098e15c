"""Where the world comes in: each view verifies, parses, stores and answers; work is queued."""
