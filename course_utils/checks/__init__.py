"""Checks of the exercises: they take an answer and say in a sentence what is wrong.

One module a lesson, one `check_<exercise>(answer, seed=None)` each, where the answer is
the student's callable, or a number. A check draws fresh inputs (the same ones for the
same seed), compares with a closed form or with statistics, prints one line when all is
well, and raises `NotYet` otherwise: what was tried, what came, what was expected, one
hint. `asking` is how they do it.
"""
