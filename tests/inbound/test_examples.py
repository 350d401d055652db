"""Every example file: what came in gives exactly what is written beside it."""

import json
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.inbound.examples import example_edge, examples
from connectors.inbound.formats import INBOUND
from connectors.inbound.problems import Refused
from schemas.raw import RAW_MODELS, TOPIC_OF

GOOD, BAD = examples(good=True), examples(good=False)


def name(example):
    return f"{example.channel}/{example.case}"


@pytest.mark.parametrize("example", GOOD, ids=name)
def test_what_we_make_of_it(example):
    assert example.made() == example.wanted()


@pytest.mark.parametrize("example", BAD, ids=name)
def test_why_we_do_not_take_it(example):
    assert example.made() == example.wanted()
    assert all(problem["reason"] and problem["code"] for problem in example.wanted())


@pytest.mark.parametrize("example", GOOD, ids=name)
def test_expected_files_are_records_of_their_topic(example):
    model = RAW_MODELS[TOPIC_OF[example.channel]]
    for record in example.wanted():
        assert model.model_validate(record).channel == example.channel


def test_two_examples_a_channel_and_one_a_format():
    counted = Counter(example.channel for example in GOOD)
    assert {channel: count for channel, count in counted.items() if count < 2} == {}
    assert counted.keys() == TOPIC_OF.keys()
    assert {example.format for example in GOOD} == INBOUND.keys()


def test_no_person_gets_through():
    for example in GOOD:
        text = example.expected.read_text("utf-8")
        for secret in ("13800138000", "82345678", "王某", "张某", "李某", "C-99871", "京A12345"):
            assert secret not in text, example.expected


@pytest.mark.parametrize("row", INBOUND.values(), ids=lambda row: row.name)
def test_no_payload_breaks_a_parser(row):
    edge, samples = example_edge(), [e.body() for e in GOOD + BAD if e.format == row.name]

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.data())
    def run(data):
        body = bytearray(data.draw(st.sampled_from(samples)))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, max(0, len(body) - 1)))
            body[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
        with suppress(Refused):
            edge.admit_all(row.parse(bytes(body)), channel=row.channels[0], source="fuzz")

    run()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


SAMPLES = {name: [] for name in sorted({e.format for e in GOOD if e.came_in.suffix == ".json"})}
for example in GOOD:
    if example.came_in.suffix == ".json":
        found = json.loads(example.body())
        SAMPLES[example.format] += found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", SAMPLES)
def test_no_value_of_a_field_breaks_a_parser(name):
    row, edge, samples = INBOUND[name], example_edge(), SAMPLES[name]

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.data())
    def run(data):
        item = dict(data.draw(st.sampled_from(samples)))
        item[data.draw(st.sampled_from(sorted(item)))] = data.draw(JSON)
        with suppress(Refused):
            body = json.dumps(item).encode()
            edge.admit_all(row.parse(body), channel=row.channels[0], source="fuzz")

    run()
