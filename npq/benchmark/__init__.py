"""How fast the service is, measured beside what the database could do at best.

`manage.py benchmark` fills a database of its own with a million applications, runs each case several times with
both sides in one run, and prints measured, target and ratio. Ratios count: machines are shared and noisy.
"""
