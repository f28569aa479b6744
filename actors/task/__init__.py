"""Tasks: created by people, leased and settled by outside workers, swept by time.

Rows are shared: never cached, changed only by conditional statements, one for all turns that wait at the same time.
"""
