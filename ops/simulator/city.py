"""A city with its rhythms: everything that happens on a day, the same for the same seed."""

from __future__ import annotations

from bisect import bisect
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random

from ops.simulator.bursts import BURSTS, BURSTS_BY_KIND, Burst
from ops.simulator.fleet import Fleet
from ops.simulator.incident import Incident, Said
from ops.simulator.places import Places
from ops.simulator.rhythm import (
    GRADE_SHARE,
    SEASONS,
    VOICES,
    WEEKS,
    Voice,
    level,
    mood,
    poisson,
    second_of_day,
)
from ops.simulator.stories import STORIES, Story, filled
from ops.simulator.texts import examples, report
from schemas.ids import SHANGHAI
from schemas.profile import Device, Profile

FOREIGN_SHARE = 0.1  # of a class on a channel none of its examples came by
ECHO_SHARE = 0.12  # of text incidents that others report too, up to three of them
RESENT_SHARE = 0.006  # of reports their source sends twice
SPREAD = 0.12  # how much the level of a day differs from the mean (counts are over-dispersed)


class City:
    """Immutable after making; every method is a pure function of profile, seed and day."""

    def __init__(self, profile: Profile, seed: int = 1) -> None:
        """ValueError when the profile has no grids."""
        self.seed = seed
        self.profile = profile
        self.places = Places(profile)
        self.fleet = Fleet(profile)
        self._classes = [c for c in profile.taxonomy.values() if c.code in examples()]
        self._mix: dict[tuple[str, int, int], list[float]] = {}

    def incidents(self, day: date) -> tuple[Incident, ...]:
        """All that happens on a Shanghai day, in order of its first report. Some of it goes on
        after midnight."""
        found = [
            *(i for voice in VOICES for i in self._reports(voice, day)),
            *(i for story in STORIES for i in self._stories(story, day)),
            *(i for burst in BURSTS for i in self._bursts(burst, day)),
        ]
        return tuple(sorted(found, key=lambda i: (i.started_at, i.incident_id)))

    def burst(self, kind: str, at: datetime, number: int = 0) -> Incident | None:
        """One burst that begins now, for demonstrations and drills. KeyError: no such kind.
        None when the profile lacks what it needs."""
        local = at.astimezone(SHANGHAI)
        day = local.date()
        start = (local - _midnight(day)).total_seconds()
        rng = self._rng(day, f"drill-{kind}-{start}-{number}")
        return self._burst(BURSTS_BY_KIND[kind], day, start, f"drill{int(start)}.{number}", rng)

    # --- people

    def _reports(self, voice: Voice, day: date) -> list[Incident]:
        rng = self._rng(day, voice.channel)
        mean = self.places.households / 1000 * voice.per_1000 * WEEKS[voice.week][day.weekday()]
        found = []
        for number in range(poisson(rng, mean * rng.lognormvariate(0, SPREAD))):
            second = second_of_day(rng, voice.shape)
            class_code = self._class(rng, voice.channel, int(second // 3600), day.month)
            spot = self.places.anywhere(rng)
            said = [Said(second, voice.channel, report(rng, voice.channel, class_code, spot))]
            if rng.random() < ECHO_SHARE:
                for _ in range(rng.randint(1, 3)):
                    channel = rng.choice(("hotline_12345", "mini_app", voice.channel))
                    later = second + rng.expovariate(1 / 2400)
                    said.append(Said(later, channel, report(rng, channel, class_code, spot)))
            name = f"{voice.channel}.{number}"
            found.append(self._incident(
                rng, day, "report", name, class_code, spot.phrase, spot.grid, spot.grid, said
            ))  # fmt: skip
        return found

    def _class(self, rng: Random, channel: str, hour: int, month: int) -> str:
        mix = self._mix.get((channel, hour, month))
        if mix is None:
            weights = []
            for row in self._classes:
                common, shape = mood(row.code)
                fits = any(e.channel == channel for e in examples()[row.code])
                in_season = month in SEASONS.get(row.code, (month,))
                weights.append(
                    GRADE_SHARE[row.grade] * common * level(shape, hour * 3600 + 1800)
                    * (1.0 if fits else FOREIGN_SHARE) * (1.0 if in_season else 0.02)
                )  # fmt: skip
            mix = self._mix[channel, hour, month] = list(accumulate(weights))
        return self._classes[bisect(mix, rng.random() * mix[-1])].code

    # --- devices

    def _stories(self, story: Story, day: date) -> list[Incident]:
        rng = self._rng(day, f"story-{story.kind}")
        devices = self._living(story)
        found = []
        for number in range(poisson(rng, len(devices) * story.a_day)):
            device = rng.choice(devices)
            second = second_of_day(rng, story.shape)
            said = [
                *self._acts(rng, story, device, second),
                *self._calls(rng, story, device, second),
            ]
            found.append(self._incident(
                rng, day, story.kind, str(number), story.class_code, device.name, device.grid,
                device.grid, said, real=story.real, test=story.test,
            ))  # fmt: skip
        return found

    def _living(self, story: Story) -> list[Device]:
        """Devices that live through a story: all of its kinds, or always the same few."""
        devices = self.fleet.of(story.channel, story.devices)
        if story.share >= 1:
            return devices
        name = f"{self.seed}|{story.kind}|"
        return [d for d in devices if Random(name + d.device_id).random() < story.share]

    def _acts(self, rng: Random, story: Story, device: Device, second: float) -> list[Said]:
        said: list[Said] = []
        for turn in range(rng.randint(*story.times)):
            if turn:
                second += rng.uniform(*story.gap)
            for step in story.steps:
                if rng.random() >= step.chance:
                    break
                second += rng.uniform(*step.after)
                sender = self.fleet.beside(rng, device, step.by) if step.by else device
                body = {"device_id": (sender or device).device_id, **filled(rng, step.body)}
                if story.test:
                    body["test"] = True
                said.append(Said(second, story.channel, body))
        return said

    def _calls(self, rng: Random, story: Story, device: Device, second: float) -> list[Said]:
        spot = self.places.of_device(device)
        return [
            Said(second + rng.uniform(*call.after), call.channel,
                 report(rng, call.channel, call.class_code, spot))
            for call in story.calls
            if rng.random() < call.chance
            for _ in range(rng.randint(1, call.most))
        ]  # fmt: skip

    # --- bursts

    def _bursts(self, burst: Burst, day: date) -> list[Incident]:
        rng = self._rng(day, f"burst-{burst.kind}")
        found = []
        for number in range(poisson(rng, burst.a_day(day))):
            start = second_of_day(rng, burst.shape)
            made = self._burst(burst, day, start, str(number), rng)
            if made is not None:
                found.append(made)
        return found

    def _burst(
        self, burst: Burst, day: date, start: float, name: str, rng: Random
    ) -> Incident | None:
        scene = burst.make(rng, start, self.places, self.fleet)
        if scene is None:
            return None
        return self._incident(
            rng, day, burst.kind, name, scene.class_code, scene.place, scene.grid, scene.area,
            scene.said,
        )  # fmt: skip

    # ---

    def _incident(
        self, rng: Random, day: date, kind: str, name: str, class_code: str, place: str,
        grid: str, area: str, said: list[Said], *, real: bool = True, test: bool = False,
    ) -> Incident:  # fmt: skip
        ordered = tuple(
            one._replace(resent_after=rng.uniform(2, 300)) if rng.random() < RESENT_SHARE else one
            for one in sorted(said, key=lambda s: s.second)
        )
        return Incident(
            incident_id=f"{day:%Y%m%d}-{kind}-{name}", kind=kind, real=real, test=test,
            class_code=class_code, place=place, grid=grid, area=area,
            started_at=_midnight(day) + timedelta(seconds=ordered[0].second), said=ordered,
        )  # fmt: skip

    def _rng(self, day: date, part: str) -> Random:
        return Random(f"{self.seed}|{day.isoformat()}|{part}")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
