"""Can these tests fail? Each runs with a worker that has a fault of its own, and must."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.faults.centre import Centre
from tests.faults.test_short_broker import test_the_dead_letter_topic_is_away as letters_away
from tests.faults.test_short_input import test_a_storm_of_duplicates as storm
from tests.faults.test_short_kills import (
    test_a_dead_workers_insert_arrives_late as late_insert,
)
from tests.faults.test_short_kills import test_killed_at_a_point as killed
from tests.faults.test_short_store import (
    test_acknowledgement_lost_after_a_successful_insert as answer_lost,
)
from tests.faults.test_short_store import test_the_store_itself_refuses as refuses

pytestmark = pytest.mark.faults


class Caught(NamedTuple):
    mutant: str
    by: Callable[[Centre], None]
    says: str  # in the failure


# Seen while the store refuses, or, when its commit comes later than the look, by the ledger.
COMMITTED_WITHOUT_ROWS = "nothing is committed that is not in the table|missing=[1-9]"

# fmt: off
CAUGHT = (
    Caught("acknowledges_first", lambda centre: refuses(centre, "store-full"),
           COMMITTED_WITHOUT_ROWS),
    Caught("drops_what_is_refused", lambda centre: refuses(centre, "aggregate-throws"),
           COMMITTED_WITHOUT_ROWS),
    Caught("commits_past_what_is_in_hand", letters_away, "past letters that are not safe"),
    Caught("inserts_without_a_claim", late_insert, "refuses the insert of a superseded writer"),
    Caught("looks_at_nothing", lambda centre: killed(centre, "after-insert"), "doubled=[1-9]"),
    Caught("sends_again_under_a_new_token", answer_lost, "doubled=[1-9]"),
    Caught("forgets_commands", lambda centre: killed(centre, "before-insert"), "have no command"),
    Caught("forgets_repeats", storm, "40"),
)
# fmt: on


@pytest.mark.parametrize("caught", CAUGHT, ids=lambda caught: caught.mutant)
def test_a_faulty_worker_is_caught(own_centre: Centre, caught: Caught) -> None:
    own_centre.mutant = caught.mutant
    with pytest.raises(AssertionError, match=caught.says):
        caught.by(own_centre)
    own_centre.proved[:] = [f"a worker that {caught.mutant} is caught"]
