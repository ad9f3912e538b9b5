"""The sandbox: the whole service on one machine, with invented people, for providers' developers to try.

`access.py` keeps its secret, from which all tokens and passwords follow; `progress.py` shows that something is
happening; `server.py` serves and drains the outbox. Commands: `sandbox` and `seed_sandbox`.
"""
