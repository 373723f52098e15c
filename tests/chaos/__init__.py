"""
The chaos harness: a real stack under fire, and a ledger of what came of it.

Everything that may die is killed again and again while signed events arrive up to three times each;
afterwards every acknowledged event must have exactly one video and one link on its contact.
"""
