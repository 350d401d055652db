"""``python -m ops.evaluate``: every table, on the shipped profile. A minute or two."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table as Shown

from ops.evaluate import addresses, alarms, city, merging, petitions, texts
from ops.evaluate.figures import Table
from schemas.profile_files import load_profile

PARTS = ("texts", "places", "merging", "city", "alarms", "petitions")


def main() -> None:
    parser = argparse.ArgumentParser(description="评估判定质量 how well it decides")
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parts = parser.parse_args().parts or PARTS
    if wrong := set(parts) - set(PARTS):
        parser.error(f"没有这一部分 {'、'.join(sorted(wrong))};可选 {'、'.join(PARTS)}")
    console = Console(highlight=False)
    profile = texts.without_examples(load_profile("qinglan"))
    if "places" in parts:
        _show(console, addresses.addresses(profile))
    if {"texts", "merging", "city", "alarms"} & set(parts):
        unread = texts.leave_out(profile)
        if "texts" in parts:
            for table in texts.classes(profile, unread):
                _show(console, table)
            _show(console, texts.emergencies(profile, unread))
            _show(console, texts.reliability(unread))
        if "merging" in parts:
            for table in merging.merging(profile, unread.model):
                _show(console, table)
        if "city" in parts:
            happened = city.day(profile, unread.model)
            _show(console, city.location(happened))
            _show(console, city.merging(profile, happened))
        if "alarms" in parts:
            for table in alarms.alarms(profile, unread.model):
                _show(console, table)
    if "petitions" in parts:
        for table in petitions.petitions():
            _show(console, table)


def _show(console: Console, table: Table) -> None:
    shown = Shown(title=table.title, title_justify="left", caption=table.note or None)
    for n, column in enumerate(table.columns):
        text = any(row[n][:1].isalpha() for row in table.rows if row[n])
        shown.add_column(column, justify="left" if text or n == 0 else "right")
    for row in table.rows:
        shown.add_row(*row)
    console.print(shown)


if __name__ == "__main__":
    main()
