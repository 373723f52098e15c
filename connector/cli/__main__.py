"""`python -m connector.cli`, which is how the supervisor starts its children."""

from connector.cli import main

main()
