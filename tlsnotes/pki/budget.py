"""How much work one judgement may do: hostile chains are given up, and it is said."""

from __future__ import annotations


class BudgetSpentError(Exception):
    """The work that one judgement may do is done."""


class Budget:
    """Steps that are left; what a step is, is up to who counts."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Count; raises `BudgetSpentError` when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise BudgetSpentError
