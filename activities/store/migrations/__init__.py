"""The schema's history, run by `Database.upgrade`.

Versions import nothing of the product: they say what a schema was, whatever the code is now. SQLite changes a
table by making it anew (`render_as_batch`), which drops its triggers: a version that changes `ledger_leaf`
creates them again.
"""
