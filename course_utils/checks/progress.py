"""How many exercises are solved."""

from types import ModuleType


def solved(checks: ModuleType) -> None:
    """Print how many of a set's exercises are solved in this notebook, and what is not.

    Args:
        checks: a module of checks, as `course_utils.checks.elbo`.
    """
    found = [check for name, check in vars(checks).items() if name.startswith("check_")]
    open_ones = [check.name for check in found if not check.solved]
    line = f"{len(found) - len(open_ones)} of {len(found)} solved"
    print(f"{line}; still open: {', '.join(open_ones)}." if open_ones else f"{line}.")
