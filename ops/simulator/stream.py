"""The city as a stream: records for Kafka in slices of time, or models one by one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from operator import itemgetter

import orjson

from ops.simulator.city import City
from ops.simulator.incident import SOURCE, Incident, Truth, source_id, truth_of
from ops.simulator.telemetry import Sent, Telemetry
from schemas.ids import SHANGHAI
from schemas.raw import RAW_MODELS, Raw

SLICE = 60.0  # seconds; what ``stream`` reads at a time without a rate
RATED_SLICE = 0.1


def wire(
    city: City, start: datetime, rate: float | None = None, speed: float = 1.0, *,
    slice_seconds: float = RATED_SLICE, truth: Callable[[Truth], None] | None = None,
    drills: Iterable[Incident] = (),
) -> Generator[list[Sent]]:  # fmt: skip
    """Endless slices of ``slice_seconds`` real seconds from ``start`` (aware), in time order;
    the n-th covers [start + n·slice, start + (n+1)·slice).

    rate    events a second in all: devices' readings are thinned or multiplied to fill it. What
            happens (calls, alarms, bursts) stays natural, so a rate below that is exceeded.
            None: the natural rate of the city.
    speed   how fast the simulated day passes. Stamps are real time, rhythms the simulated day's.
    truth   is called once for each incident, when its last report was handed out or the stream
            is closed, with the ids of exactly what was handed out.
    drills  incidents beside the day's own (``City.burst``).
    Same arguments, same bytes. ValueError for a rate, speed or slice that is not positive.
    """
    if speed <= 0 or slice_seconds <= 0 or (rate is not None and rate <= 0):
        raise ValueError("rate, speed and slice_seconds must be above 0")
    begin = start.timestamp()
    run = run_name(city.seed, start)
    telemetry = Telemetry(city.fleet, city.seed, run)
    agenda = _Agenda(city, run, begin, speed, truth)
    for drill in drills:
        agenda.add(drill)
    owed = 0.0
    try:
        for number in count():
            low = begin + number * slice_seconds * speed
            high = begin + (number + 1) * slice_seconds * speed
            if rate is None:
                for second, sent in telemetry.due(low, high, begin, speed):
                    agenda.put(second, sent)
                out = agenda.until(high)
            else:
                out = agenda.until(high)
                owed += rate * slice_seconds
                wanted = int(owed) - len(out)
                out.extend(telemetry.burst(wanted, low, high, begin, speed))
                owed -= len(out)
                out.sort(key=itemgetter(0))
            yield out
    finally:
        agenda.close()


def stream(
    city: City, start: datetime, rate: float | None = None, speed: float = 1.0
) -> Iterator[tuple[datetime, str, bytes, Raw]]:
    """``wire`` read through the schemas: (at in UTC, topic, key, raw report), endless."""
    slices = wire(
        city, start, rate, speed,
        slice_seconds=SLICE / speed if rate is None else RATED_SLICE,
    )  # fmt: skip
    for slice_ in slices:
        for sent in slice_:
            model = RAW_MODELS[sent.topic].model_validate_json(sent.value)
            at = datetime.fromtimestamp(sent.at_ms / 1000, UTC)
            yield at, sent.topic, sent.key, model


def run_name(seed: int, start: datetime) -> str:
    """Begins every source id of a run, so two runs never claim the same event."""
    return f"s{seed}.{int(start.timestamp() * 1000):x}"


class _Agenda:
    """What is to be said from now on, soonest first: one day's incidents and what is left over."""

    def __init__(
        self, city: City, run: str, begin: float, speed: float,
        truth: Callable[[Truth], None] | None,
    ) -> None:  # fmt: skip
        self._city, self._run, self._begin, self._speed = city, run, begin, speed
        self._truth = truth
        self._heap: list[tuple[float, int, Sent | tuple[Incident, int]]] = []
        self._order = count()
        self._open: dict[str, tuple[Incident, int, list[int]]] = {}  # reports left, handed out
        first = datetime.fromtimestamp(begin, SHANGHAI).date()
        self._load(first - timedelta(days=1))
        self._load(first)

    def put(self, second: float, sent: Sent) -> None:
        heappush(self._heap, (second, next(self._order), sent))

    def add(self, incident: Incident) -> None:
        """Every report of it that is still to come."""
        midnight = _midnight(_day_of(incident))
        coming = [
            (midnight + said.second, number)
            for number, said in enumerate(incident.said)
            if midnight + said.second >= self._begin
        ]
        if coming:
            self._open[incident.incident_id] = (incident, len(coming), [])
        for second, number in coming:
            heappush(self._heap, (second, next(self._order), (incident, number)))

    def until(self, end: float) -> list[Sent]:
        """Everything before ``end`` (simulated epoch seconds), in order."""
        while self._next_day < end:
            self._load(datetime.fromtimestamp(self._next_day, SHANGHAI).date())
        out: list[Sent] = []
        heap = self._heap
        while heap and heap[0][0] < end:
            second, _, what = heappop(heap)
            if isinstance(what, Sent):
                out.append(what)
            else:
                out.append(self._say(second, *what))
        return out

    def close(self) -> None:
        """Truth of what was begun and not finished."""
        for incident, _, numbers in list(self._open.values()):
            self._tell(incident, numbers)
        self._open.clear()

    def _load(self, day: date) -> None:
        for incident in self._city.incidents(day):
            self.add(incident)
        self._next_day = _midnight(day + timedelta(days=1))

    def _say(self, second: float, incident: Incident, number: int) -> Sent:
        said = incident.said[number]
        at_ms = int((self._begin + (second - self._begin) / self._speed) * 1000)
        name = source_id(self._run, incident, number)
        body = {
            "id": name, "source": SOURCE, "channel": said.channel,
            "occurred_at": datetime.fromtimestamp(at_ms / 1000, SHANGHAI).isoformat(
                timespec="milliseconds"
            ),
            "simulated": True, **said.body,
        }  # fmt: skip
        key = said.body.get("device_id", name)
        sent = Sent(at_ms, said.topic, key.encode(), orjson.dumps(body))
        if said.resent_after:
            again = sent._replace(at_ms=at_ms + int(said.resent_after * 1000 / self._speed))
            self.put(second + said.resent_after, again)
        _, left, numbers = self._open[incident.incident_id]
        numbers.append(number)
        if left > 1:
            self._open[incident.incident_id] = (incident, left - 1, numbers)
        else:
            del self._open[incident.incident_id]
            self._tell(incident, numbers)
        return sent

    def _tell(self, incident: Incident, numbers: list[int]) -> None:
        if self._truth is not None and numbers:
            self._truth(truth_of(incident, self._run, numbers))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()


def _day_of(incident: Incident) -> date:
    return datetime.strptime(incident.incident_id[:8], "%Y%m%d").date()  # noqa: DTZ007
