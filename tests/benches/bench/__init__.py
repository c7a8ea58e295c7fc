"""Measures every face beside its peers, writes RESULTS.md and draws the charts: `make bench`.

Each piece of work is done by ours and theirs in turn, each time in a fresh process; the server is a process of its own.
What counts is CPU time (user and system) and the growth of the resident memory's peak, as ratios within each round.
Every number of requests is checked by the server's count.
"""
