"""The table of commands. Each module keeps its heavy imports inside its functions."""

from __future__ import annotations

import typer

from ops.cli import (
    accounts,
    alarm,
    bench,
    case,
    deadletters,
    decide,
    doctor,
    leads,
    ledger,
    profile,
    replay,
    report,
    rules,
    run,
    send,
    serve,
    tokens,
    topics,
    train,
    up,
)

app = typer.Typer(
    name="gridwhistle",
    help="网格吹哨:网格化社会治理指挥中心流水线 / command-centre pipeline for grid governance",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

RUN, FEED, DECIDE = "运行 run", "送入 feed", "判定 decide"
FOLLOW, KEEP = "案件 follow", "运维 operate"

app.command(rich_help_panel=RUN)(up.up)
app.command(rich_help_panel=RUN)(run.worker)
app.command(rich_help_panel=RUN)(serve.serve)
app.command(rich_help_panel=FEED)(send.send)
app.command(rich_help_panel=FEED)(replay.replay)
app.add_typer(tokens.app, name="tokens", rich_help_panel=FEED)
app.command(rich_help_panel=DECIDE)(decide.explain)
app.command(rich_help_panel=DECIDE)(decide.classify)
app.command(rich_help_panel=DECIDE)(train.train)
app.command(rich_help_panel=DECIDE)(train.corrections)
app.add_typer(profile.app, name="profile", rich_help_panel=DECIDE)
app.add_typer(case.app, name="case", rich_help_panel=FOLLOW)
app.add_typer(alarm.app, name="alarm", rich_help_panel=FOLLOW)
app.add_typer(leads.app, name="leads", rich_help_panel=FOLLOW)
app.add_typer(report.app, name="report", rich_help_panel=FOLLOW)
app.add_typer(rules.app, name="rules", rich_help_panel=FOLLOW)
app.command(rich_help_panel=KEEP)(doctor.doctor)
app.command(rich_help_panel=KEEP)(ledger.ledger)
app.add_typer(deadletters.app, name="deadletters", rich_help_panel=KEEP)
app.add_typer(topics.app, name="topics", rich_help_panel=KEEP)
app.command(rich_help_panel=KEEP)(run.migrate)
app.add_typer(accounts.app, name="accounts", rich_help_panel=KEEP)
app.command(rich_help_panel=KEEP)(bench.bench)
