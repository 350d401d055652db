"""The pages in a real browser: figures, silence, sign-in, acknowledging and signing, access."""

import shutil
from datetime import UTC, datetime

import pytest

from ops.wall.accounts import checked
from schemas.alarm import AlarmRecord
from schemas.case import Actor, Change, Deadline, Outcome
from streams.records import (
    ALERT_COLUMNS,
    CASE_COLUMNS,
    CHANGE_COLUMNS,
    WINDOW_COLUMNS,
    alert_row,
    case_row,
    change_row,
    window_rows,
)
from tests.wall.conftest import PASSWORD, ServedWall

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium"),
]
SERIOUS = ("serious", "critical")
SIZES_OF_TEXT = """() => [...document.querySelectorAll('#app *')]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .map((e) => [parseFloat(getComputedStyle(e).fontSize), e.textContent])"""
CUT_OFF = """() => {
    const boxes = '.wall > *, .figure, .bars li, .lights li, .alerts li';
    const beyond = (a, b) => a.bottom > b.bottom + 2 || a.right > b.right + 2;
    return [...document.querySelectorAll(boxes)].filter((e) => {
        const own = e.getBoundingClientRect();
        return beyond(own, e.parentElement.getBoundingClientRect())
            || beyond(own, { right: innerWidth, bottom: innerHeight });
    }).map((e) => e.className + e.textContent.slice(0, 40));
}"""
WITHIN_DIALOG = """() => {
    const box = document.querySelector('dialog[open]').getBoundingClientRect();
    return [...document.querySelectorAll('dialog[open] :is(input, select, textarea, button)')]
        .every((e) => e.getBoundingClientRect().right <= box.right);
}"""
KEYS_OF_WORDS = """async () => {
    const keys = (o, at = '') => Object.entries(o).flatMap(([k, v]) =>
        [`${at}${k}:${typeof v}`, ...(typeof v === 'object' ? keys(v, `${at}${k}.`) : [])]).sort();
    const read = async (l) => keys((await import(`/static/words/${l}.js`)).default);
    return Promise.all(['zh', 'en'].map(read));
}"""


class Writer:
    """Answers as the case's writer would: signing signs, everything else leaves the state."""

    def __init__(self, store):
        self.cases = {h.event.case_no: h.changes[-1].case for h in store.happenings if h.changes}

    def __call__(self, command):
        case = self.cases[command.case_no]
        state = "signed" if command.move == "sign" else case.state
        case = case.model_copy(update={"version": case.version + 1, "state": state})
        self.cases[command.case_no] = case
        change = Change(
            change_id="c", command_id=command.command_id, move=command.move, from_state=case.state,
            at=datetime.now(UTC), actor=command.actor, alert_id=command.alert_id, case=case,
        )  # fmt: skip
        return Outcome(command_id=command.command_id, case_no=command.case_no, change=change)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        it = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield it
        it.close()


@pytest.fixture(scope="module")
def served(store, tmp_path_factory):
    wall = ServedWall(store, tmp_path_factory.mktemp("wall"), Writer(store))
    yield wall
    wall.stop()


class Faults(list):
    """What the browser complained about, and whom it asked beside us."""

    def watch(self, page, url):
        page.on("console", lambda m: self.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.append(str(e)))
        page.on(
            "request", lambda r: None if r.url.startswith((url, "data:")) else self.append(r.url)
        )


@pytest.fixture
def page(browser):
    it = browser.new_page(viewport={"width": 1920, "height": 1080})
    it.set_default_timeout(20_000)
    yield it
    it.close()


def open_wall(page, served, **more):
    query = "&".join(f"{k}={v}" for k, v in more.items())
    page.goto(f"{served.url}/?token={served.secrets.wall_token()}&{query}")
    page.wait_for_selector("[data-figure=red]")


def serious(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in SERIOUS]


class TestWall:
    def test_it_shows_the_snapshot_and_asks_nobody_else(self, page, served):
        faults = Faults()
        faults.watch(page, served.url)
        open_wall(page, served)
        while not page.evaluate("window.gridMap && window.gridMap.counts.some((n) => n > 0)"):
            page.wait_for_timeout(50)
        snapshot = page.evaluate("fetch('/api/v1/wall/snapshot').then((a) => a.json())")
        headline, tiles = snapshot["tiles"]["headline"], snapshot["tiles"]
        for name in ("received", "in_hand", "closed_today", "yellow", "red"):
            shown = page.inner_text(f"[data-figure={name}]")
            assert int(shown.replace(",", "")) == headline[name], name
        due = headline["closed_today"] + headline["overdue"]
        assert page.inner_text("[data-figure=rate]") == (
            f"{headline['on_time'] / due * 100:.1f}" if due else "—"
        )
        assert page.locator(".lights li").count() == min(14, len(tiles["lights"]))
        assert page.locator(".alerts li").count() == min(6, len(tiles["alerts"]))
        assert page.evaluate("window.gridMap.counts") == tiles["by_grid"]
        assert page.evaluate("window.gridMap.points") == tiles["lights_by_grid"]
        assert "token" not in page.url
        assert faults == []

    def test_simulated_data_carries_its_badge(self, page, served):
        open_wall(page, served)
        assert "模拟数据" in page.inner_text("[data-badge=simulated]")

    @pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160), (7680, 2160)])
    def test_nothing_is_cut_off_or_too_small_to_read(self, page, served, size):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        open_wall(page, served)
        page.wait_for_selector(".bars li")
        sizes = page.evaluate(SIZES_OF_TEXT)
        assert min(sizes)[0] >= 16 * size[1] / 1080
        assert page.evaluate(CUT_OFF) == []

    def test_it_can_be_used_by_everybody(self, page, served):
        open_wall(page, served)
        assert serious(page) == []

    def test_english(self, page, served):
        open_wall(page, served, lang="en")
        assert "Received today" in page.inner_text(".figures")
        assert page.get_attribute("html", "lang") == "en"
        assert page.inner_text("header h1") == "Qinglan Grid Command Centre"

    def test_without_a_token_it_says_what_to_do(self, page, served):
        page.goto(served.url)
        page.wait_for_selector(".gate a")
        assert "登录" in page.inner_text(".gate")

    def test_both_languages_have_the_same_words(self, page, served):
        page.goto(f"{served.url}/console")
        zh, en = page.evaluate(KEYS_OF_WORDS)
        assert zh == en
        assert len(zh) > 100

    def test_when_the_server_stops_it_says_so_and_dims(self, page, store, tmp_path):
        wall = ServedWall(store, tmp_path, Writer(store))
        open_wall(page, wall)
        wall.stop()
        page.wait_for_selector(".fresh.bad")
        assert "不再更新" in page.inner_text(".fresh.bad")
        page.wait_for_selector(".fresh.bad:has-text('连接中断')")
        assert "stale" in page.get_attribute("body", "class")


class TestConsole:
    @pytest.fixture
    def task(self, store):
        """An alert of a unit whose case waits to be signed."""
        alerted = (h for h in store.happenings if h.alerts)
        return next(h.alerts[0] for h in alerted if h.changes[-1].case.state == "dispatched")

    def sign_in(self, page, served, id_, role, unit=""):
        served.secrets.keep(checked(id_, role, unit, "", PASSWORD))
        page.set_viewport_size({"width": 1366, "height": 768})
        page.goto(f"{served.url}/console")
        page.fill("[name=account]", id_)
        page.fill("[name=password]", PASSWORD)
        page.click("button.main")
        page.wait_for_selector(".row")

    def test_sign_in_acknowledge_and_sign_with_a_key_each(self, page, served, task):
        faults = Faults()
        faults.watch(page, served.url)
        self.sign_in(page, served, "unit-7", "unit", task.recipient)
        served.sent.clear()
        row = page.locator(f"[id='r-{task.alert_id}']")
        row.click()
        page.wait_for_selector(".case")
        assert task.case_no in page.inner_text(".case")
        page.keyboard.press("s")
        page.wait_for_selector(".note:has-text('已签收')")
        page.keyboard.press("a")
        page.wait_for_selector(".note:has-text('已确认')")
        row.wait_for(state="detached")
        assert [(c.move, c.case_no, c.alert_id) for c in served.sent] == [
            ("sign", task.case_no, ""),
            ("acknowledge", task.case_no, task.alert_id),
        ]
        assert {c.actor.unit for c in served.sent} == {task.recipient}
        assert faults == []

    def test_a_refusal_is_shown_in_words(self, page, served):
        from schemas.case import Refusal

        self.sign_in(page, served, "desk-01", "operator")
        served.answer, agree = (
            lambda c: Outcome(
                command_id=c.command_id,
                case_no=c.case_no,
                refusal=Refusal(code="not_allowed", detail="案件不在本单位"),
            ),
            served.answer,
        )
        try:
            page.keyboard.press("a")
            page.wait_for_selector(".note.bad:has-text('案件不在本单位')")
        finally:
            served.answer = agree

    def test_a_move_that_needs_a_reason_asks_for_it(self, page, served):
        self.sign_in(page, served, "desk-01", "operator")
        served.sent.clear()
        page.click(".row >> nth=0")
        page.click(".moves button:has-text('备注')")
        page.click("dialog button.main")  # refused by the browser: the reason is missing
        assert served.sent == []
        page.fill("dialog textarea", "已电话核实")
        page.click("dialog button.main")
        page.wait_for_selector(".note:has-text('已备注')")
        (command,) = served.sent
        assert (command.move, command.reason) == ("note", "已电话核实")
        assert command.expected_version is not None

    def test_alerts_arrive_by_themselves(self, page, served, store):
        from ops.wall.hub import Place
        from ops.wall.live import brief

        self.sign_in(page, served, "desk-01", "operator")
        page.wait_for_selector(".livemark:not(.bad)")
        alert = store.happenings[0].event
        row = brief(next(h.alerts[0] for h in store.happenings if h.alerts))
        row |= {"alert_id": "fresh", "title": "刚刚发生的告警", "village": alert.village}
        while served.live.watchers == 0:
            page.wait_for_timeout(50)
        served.live.publish("alert", row, Place(alert.village))
        page.wait_for_selector("[id='r-fresh']:has-text('刚刚发生的告警')")

    @pytest.fixture
    def burning(self, store):
        """Two emergencies of the duty desk, older than every other alert."""
        alerted = [h.alerts[0] for h in store.happenings if h.alerts][:2]
        old = datetime.fromtimestamp(store.now_ms / 1000 - 60 * 86_400, UTC)
        found = [
            a.model_copy(update={
                "alert_id": f"burning-{n}", "kind": "emergency", "recipient": "desk-990101",
                "created_at": old, "title": f"火情 {n}",
            })
            for n, a in enumerate(alerted)
        ]  # fmt: skip
        store.client.insert("alerts", [alert_row(a) for a in found], column_names=ALERT_COLUMNS)
        yield found
        store.client.command("DELETE FROM alerts WHERE startsWith(alert_id, 'burning-')")

    def test_emergencies_stay_on_top_until_acknowledged(self, page, served, store, burning):
        from ops.wall.hub import Place
        from ops.wall.live import brief

        faults = Faults()
        faults.watch(page, served.url)
        self.sign_in(page, served, "desk-01", "operator")
        pins = page.locator(".pins .row")
        page.wait_for_selector(".pins h2:has-text('2 起')")
        page.reload()
        page.wait_for_selector(".pins h2:has-text('2 起')")
        assert "特急 2" in page.title()
        while served.live.watchers == 0:
            page.wait_for_timeout(50)
        ordinary = brief(burning[0]) | {
            "alert_id": "newer",
            "kind": "assigned",
            "title": "普通派单",
        }
        served.live.publish("alert", ordinary, Place(burning[0].village))
        page.wait_for_selector(".list [id='r-newer']")
        page.locator(".list").evaluate("(e) => { e.scrollTop = e.scrollHeight; }")
        for n in range(2):
            box, view = pins.nth(n).bounding_box(), page.viewport_size
            assert 0 <= box["y"] <= view["height"] - box["height"]
        assert page.locator(".list [id^='r-burning']").count() == 0  # nothing is there twice
        served.sent.clear()
        pins.nth(0).click()
        page.click(".case button.hot")
        page.wait_for_selector(".pins h2:has-text('1 起')")
        page.keyboard.press("a")
        page.locator(".pins").wait_for(state="detached")
        assert {c.alert_id for c in served.sent} == {"burning-0", "burning-1"}
        assert {c.move for c in served.sent} == {"acknowledge"}
        assert faults == []

    def test_what_a_unit_signs_leaves_the_list_by_itself(self, page, served, task):
        from ops.wall.hub import Place

        self.sign_in(page, served, "desk-01", "operator")
        page.fill("[list=all-units]", task.recipient)
        row = page.locator(f"[id='r-{task.alert_id}']")
        row.wait_for()
        while served.live.watchers == 0:
            page.wait_for_timeout(50)
        moved = {
            "case_no": task.case_no, "version": 9, "state": "signed", "light": "", "alert_id": "",
            "unit": task.recipient, "move": "sign", "answers": [task.kind], "took": ["another"],
        }  # fmt: skip
        place = Place(task.village, task.grid, task.recipient)
        served.live.publish("change", moved | {"case_no": "another"}, place)
        served.live.publish("change", moved, place)
        row.wait_for(state="detached")
        assert page.locator(".list .row").count() > 0

    @pytest.fixture
    def leads(self, store):
        """Three leads: one checked, one overdue, one still in time."""
        found = [h.changes[-1].case for h in store.happenings if h.changes][:3]
        village, day = "990101001001", 86_400
        now = datetime.fromtimestamp(store.now_ms / 1000, UTC)
        cases = []
        for n, (case, state) in enumerate(zip(found, ("checked", "pushed", "pushed"), strict=True)):
            due = datetime.fromtimestamp(store.now_ms / 1000 + (n * 2 - 3) * day, UTC)
            clock = Deadline(
                clock="check", version=1, started_at=case.opened_at, minutes=60, due=due,
                calendar="natural", original_due=due, yellow_at=due, rule="check",
            )  # fmt: skip
            no = f"20260101-{village}-LEAD0{n}"
            cases.append(case.model_copy(update={
                "case_no": no, "village": village, "grid": f"{village}001", "state": state,
                "batch": "冬季消防", "title": f"线索核查{n}", "deadlines": (clock,),
                "opened_at": now, "closed_at": None, "light": "",
            }))  # fmt: skip
        changes = [
            Change(change_id=c.case_no, command_id=c.case_no, move="report", from_state=None,
                   at=now, actor=Actor(role="operator"), case=c)
            for c in cases
        ]  # fmt: skip
        tables = (("cases", CASE_COLUMNS, [case_row(c) for c in cases]),
                  ("case_changes", CHANGE_COLUMNS, [change_row(c) for c in changes]))  # fmt: skip
        for table, columns, rows in tables:
            store.client.insert(table, rows, column_names=columns)
        yield cases
        for table, _, _ in tables:
            store.client.command(f"DELETE FROM {table} WHERE case_no LIKE '%-LEAD0%'")

    def test_leads_show_how_far_their_checks_are(self, page, served, leads):
        faults = Faults()
        faults.watch(page, served.url)
        self.sign_in(page, served, "desk-01", "operator")
        page.click("[role=tab]:has-text('线索')")
        page.select_option("select >> nth=3", "true")
        page.wait_for_selector("tbody tr")
        cells = page.locator("tbody tr").first.locator("th,td").all_inner_texts()
        assert cells[1:] == ["3", "1", "33%", "0", "1"]  # pushed, checked, share, hazards, overdue
        assert page.locator(".sheets .row").count() == 2  # those to be checked
        assert "线索核查1" in page.locator(".sheets .row").first.inner_text()
        page.click(".sheets .row >> nth=0")
        page.wait_for_selector(f".case:has-text('{leads[1].case_no}')")
        assert serious(page) == []
        page.fill("[placeholder=全部]", "另一批")
        page.wait_for_selector(".empty:has-text('没有下发线索')")
        assert faults == []

    def test_a_repair_window_is_added_and_ended(self, page, served, store):
        faults = Faults()
        faults.watch(page, served.url)
        device, village = "CM-990101001001-0001", "990101001001"
        served.answer, agree = (
            lambda c: Outcome(command_id=c.command_id, case_no=c.case_no),
            served.answer,
        )
        try:
            self.sign_in(page, served, "desk-01", "operator")
            page.click("[role=tab]:has-text('检修')")
            page.wait_for_selector("tr:has-text('季度消防设施联动测试')")
            assert serious(page) == []
            served.sent.clear()
            page.click("button:has-text('登记检修')")
            inside = page.evaluate(WITHIN_DIALOG)
            assert inside, "something of the form is cut off"
            page.fill("dialog [name=target]", "没有这个")
            page.fill("dialog [name=reason]", "更换镜头")
            page.click("dialog button.main")
            page.wait_for_selector(".note.bad:has-text('不在设备台账中')")
            page.fill("dialog [name=target]", device)
            page.click("dialog button.main")
            page.wait_for_selector(".note:has-text('已登记，涉及 1 个村社')")
            (command,) = served.sent
            window = command.window
            assert (window.target, window.by, window.reason) == (device, "desk-01", "更换镜头")
            record = AlarmRecord(key="k", village=village, window=window)
            row = window_rows(record, 1)
            store.client.insert("repair_windows", row, column_names=WINDOW_COLUMNS)
            page.reload()
            mine = page.locator("tr:has-text('鸿运花园主入口监控')")
            mine.wait_for()
            page.on("dialog", lambda d: d.accept())
            mine.locator("button").click()
            page.wait_for_selector(".note:has-text('已结束')")
            assert served.sent[-1].window.end <= datetime.now(UTC)
        finally:
            served.answer = agree
        assert [f for f in faults if "422" not in f] == []

    def test_cases_are_filtered_and_found(self, page, served, store):
        self.sign_in(page, served, "desk-01", "operator")
        page.click("[role=tab] >> nth=1")
        page.select_option("select >> nth=1", "red")
        page.locator(".row:not(.red)").first.wait_for(state="detached")
        assert page.locator(".row.red").count() > 0

    def test_a_wrong_password_is_said(self, page, served):
        page.goto(f"{served.url}/console")
        page.fill("[name=account]", "nobody")
        page.fill("[name=password]", "wrong password")
        page.click("button.main")
        page.wait_for_selector(".wrong:has-text('不正确')")

    @pytest.mark.parametrize("width", [1366, 390])
    def test_it_can_be_used_by_everybody(self, page, served, width):
        page.goto(f"{served.url}/console")
        page.wait_for_selector(".sign form")
        assert serious(page) == []
        self.sign_in(page, served, "desk-01", "operator")
        page.set_viewport_size({"width": width, "height": 800})
        assert serious(page) == []
        page.click(".row >> nth=0")
        page.wait_for_selector(".case")
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
