"""Plans, kept for the next call of their kind: many of them, and a few that weigh much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .drawn import as_drawn

MOST, FEW = 1024, 4
#: Bytes of tables up to which a plan is one of many, and one of a few.
LIGHT, HEAVY = 128 * 1024, 16 * 1024 * 1024


def _without_tables(plan: Any) -> int:
    return 0


class Plans(dict[tuple[Any, ...], Any]):
    """What ``make`` gives for the arguments of a call; those kept longest go first."""

    def __init__(
        self, make: Callable[..., Any], weight: Callable[[Any], int] = _without_tables
    ) -> None:
        super().__init__()
        self.make, self.weight = make, weight
        self.few: dict[tuple[Any, ...], None] = {}  # of those here, the heavy ones

    def __missing__(self, call: tuple[Any, ...]) -> Any:
        plan = self.make(*call)
        weight = self.weight(plan)
        drawn = call[1][0] is as_drawn  # as good as never drawn again
        if drawn or weight > HEAVY:
            return plan
        if weight > LIGHT:
            for old in list(self.few)[: 1 - FEW]:
                self.few.pop(old, None)
                self.pop(old, None)
            self.few[call] = None
        for old in list(self)[: 1 - MOST]:
            self.pop(old, None)
        self[call] = plan
        return plan
