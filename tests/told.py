"""What checks say, for tests of the engine and of its tools."""

import pytest

from course_utils.checks.calls import NotYet


def told(check, answer, seed=0):
    """What a check says to an answer that it refuses."""
    with pytest.raises(NotYet) as caught:
        check(answer, seed=seed)
    return str(caught.value)


def then(step, change):
    """A step, and something else to all that it was given."""

    def answer(*game):
        loss = step(*game)
        change(*game)
        return loss

    return answer
