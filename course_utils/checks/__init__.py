"""Checks of the exercises: they take an answer and say in a sentence what is wrong.

One module a lesson, one `check_<exercise>(answer, seed=None)` each, where the answer is
the student's function, or a number. A check draws fresh inputs (the same ones for the
same seed), prints one line when all is well, and raises `NotYet` otherwise: what was
tried, what came, what was expected, one hint.

check        what all checks share
exercise     a check as a table: a right function, inputs, the usual slips
trial        one question of it, and what a student is told
examination  a check of what no table can say, as a training
calls        calling what a student wrote
seen         what is seen of a call, and how two of them differ
progress     how many exercises are solved
torch_tools  what tables in PyTorch need; keras_tools the same in Keras
"""
