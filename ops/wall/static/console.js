// The duty desk: alerts and cases, live; a case beside the list; one key to acknowledge or sign.
import { html, render, useState, useEffect, useRef } from './vendor/ui.mjs';
import { words as all, english, pick, get, post, act } from './api.js';
import { CasePanel } from './case.js';
import { Row } from './rows.js';
import { Pins, usePins, answered } from './pins.js';
import { Leads } from './leads.js';
import { Windows } from './windows.js';
import { soundOn, setSound, chime } from './sound.js';

const w = all.console;
document.documentElement.lang = english ? 'en' : 'zh-CN';
const PAGE = 100, RELOAD_MS = 60000, SOON_MS = 1500;
const START = { tab: 'alerts', unit: '', unacknowledged: '1', light: '', open: 'true', state: '', county: '', order: 'due', q: '' };
const kept = () => ({ ...START, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) });

function SignIn({ onme }) {
  const [wrong, setWrong] = useState(''), [busy, setBusy] = useState(false);
  const send = async (e) => {
    e.preventDefault();
    const form = Object.fromEntries(new FormData(e.target));
    setBusy(true);
    try { onme((await post('/api/v1/login', form)).body); } catch (failure) { setWrong(failure.message); }
    setBusy(false);
  };
  return html`<main class="sign"><form onSubmit=${send}><h1>${w.title}</h1>
    <label><span>${w.account}</span><input name="account" autocomplete="username" required autofocus autocapitalize="none" /></label>
    <label><span>${w.password}</span><input name="password" type="password" autocomplete="current-password" required /></label>
    <p class="wrong" role="alert">${wrong}</p><button class="main" disabled=${busy}>${w.enter}</button></form></main>`;
}

const query = (f, cursor = '') => (f.tab === 'alerts'
  ? ['/api/v1/alerts', { unit: f.unit, unacknowledged: f.unacknowledged === '1', limit: PAGE, cursor }]
  : ['/api/v1/cases', { unit: f.unit, light: f.light, open: f.open, state: f.state, county: f.county, order: f.order, q: f.q, limit: PAGE, cursor }]);

function Desk({ me, names, onleave }) {
  const [f, setF] = useState(kept), [rows, setRows] = useState([]), [next, setNext] = useState(null), [at, setAt] = useState(0);
  const [found, setFound] = useState(null), [note, setNote] = useState(null), [live, setLive] = useState(true), [sound, setOn] = useState(soundOn());
  const list = useRef(), search = useRef(), latest = useRef(), soon = useRef(), turn = useRef(0);
  const own = me.role === 'unit', key = (r) => r.alert_id || r.case_no, alerts = f.tab === 'alerts', lists = alerts || f.tab === 'cases';
  const pinned = usePins(me, f.unit), pins = alerts ? pinned.pins : [], above = new Set(pins.map(key));
  const ordinary = rows.filter((r) => !above.has(key(r))), shown = lists ? [...pins, ...ordinary] : [];
  const say = (text, bad = false) => setNote({ text, bad });
  const attempt = async (work) => { try { return await work(); } catch (failure) { if (failure.status === 401) onleave(); else say(failure.message, true); return null; } };

  const load = (more = false) => lists && attempt(async () => {
    const [path, parameters] = query(f, more ? next : ''), mine = ++turn.current;
    const page = await get(path, parameters);
    if (mine !== turn.current) return; // a newer question was asked meanwhile
    setRows((old) => (more ? [...old, ...page.items] : page.items));
    setNext(page.next);
  });
  const openCase = (no) => attempt(async () => setFound(await get(`/api/v1/cases/${no}`)));
  const reloadSoon = () => { clearTimeout(soon.current); soon.current = setTimeout(() => latest.current.load(), SOON_MS); };

  const perform = (no, body, version, title) => attempt(async () => {
    const { body: answer, status } = await act(no, body, version).catch(async (failure) => {
      if (failure.status === 412 && found) await openCase(no);
      throw failure;
    });
    if (status === 202) say(w.pending); else say(w.done(title, no));
    if (answer.case) setRows((old) => old.map((r) => (r.case_no === no ? { ...r, state: answer.case.state, light: answer.case.light, version: answer.case.version } : r)));
    if (found && found.case.case_no === no) await openCase(no);
    return true;
  });
  const acknowledge = async (alert) => {
    if (await perform(alert.case_no, { move: 'acknowledge', alert_id: alert.alert_id }, 0, w.ack)) marked(alert.alert_id);
  };
  const marked = (id) => { pinned.acknowledged(id); setRows((old) => (f.unacknowledged === '1' ? old.filter((r) => r.alert_id !== id) : old.map((r) => (r.alert_id === id ? { ...r, acknowledged: true } : r)))); };
  const answers = (c) => { pinned.changed(c); setRows((old) => (f.unacknowledged === '1' ? old.filter((r) => !(r.alert_id && r.case_no === c.case_no && answered(r, c))) : old.map((r) => (r.alert_id && r.case_no === c.case_no && answered(r, c) ? { ...r, acknowledged: true } : r)))); };
  const sign = async (row) => {
    if (me.role === 'unit') await perform(row.case_no, { move: 'sign' }, 0, w.sign);
    else say(w.cannot(w.sign), true);
  };
  latest.current = { load, f, found, openCase, marked, answers, pinned };

  useEffect(() => { const typing = setTimeout(() => load(), f.q ? 250 : 0); setAt(0); history.replaceState(0, '', `#${new URLSearchParams(Object.entries(f).filter(([k, v]) => v !== START[k]))}`); return () => clearTimeout(typing); }, [f]);
  useEffect(() => { const i = setInterval(() => latest.current.load(), RELOAD_MS); return () => clearInterval(i); }, []);
  useEffect(() => { document.title = `${pinned.pins.length ? `(${w.urgent(pinned.pins.length)}) ` : ''}${w.title}`; }, [pinned.pins.length]);
  useEffect(() => listen(latest, setRows, reloadSoon, setLive), []);
  useEffect(() => { const el = list.current && list.current.querySelector('[aria-selected=true]'); if (el) el.scrollIntoView({ block: 'nearest' }); }, [at]);

  const row = shown[Math.min(at, shown.length - 1)];
  useEffect(() => {
    const onkey = (e) => {
      if (/INPUT|TEXTAREA|SELECT/.test(e.target.tagName) || document.querySelector('dialog[open]') || e.ctrlKey || e.metaKey || e.altKey) return;
      const keys = {
        j: () => setAt(Math.min(shown.length - 1, at + 1)), k: () => setAt(Math.max(0, at - 1)),
        a: () => row && row.alert_id && !row.acknowledged && acknowledge(row), s: () => row && sign(row),
        Enter: () => row && openCase(row.case_no), Escape: () => setFound(null), '/': () => search.current && search.current.focus(),
      };
      const press = keys[{ ArrowDown: 'j', ArrowUp: 'k' }[e.key] || e.key];
      if (press && !(e.key === 'Enter' && e.target.tagName === 'BUTTON')) { e.preventDefault(); press(); }
    };
    addEventListener('keydown', onkey);
    return () => removeEventListener('keydown', onkey);
  });

  const choose = (i, r) => { setAt(i); openCase(r.case_no); };
  const change = (field) => (e) => setF({ ...f, [field]: e.target.value });
  const select = (field, label, options) => html`<label><span>${label}</span><select value=${f[field]} onChange=${change(field)}>${options.map(([v, t]) => html`<option key=${v} value=${v}>${t}</option>`)}</select></label>`;
  const tab = (id) => html`<button key=${id} role="tab" aria-selected=${f.tab === id} onClick=${() => { setF({ ...f, tab: id }); setFound(null); }}>${w[id]}${id === 'alerts' && pinned.pins.length ? html` <span class="count-hot">${pinned.pins.length}</span>` : ''}</button>`;
  const counties = Object.entries(names.areas).filter(([c]) => c.length === 6 && c.startsWith(me.area.slice(0, 6)));
  const panel = html`<aside>${found ? html`<${CasePanel} found=${found} me=${me} names=${names} onclose=${() => setFound(null)} onopen=${openCase} onack=${acknowledge}
        onact=${(body) => perform(found.case.case_no, body, found.case.version, pick(names.moves[body.move]))} />` : html`<p class="dim choose">${w.choose}</p>`}</aside>`;
  return html`<div class=${`desk ${found ? 'opened' : ''}`}>
    <header class="bar"><h1>${w.title}</h1><div role="tablist">${['alerts', 'cases', 'leads', 'windows'].map(tab)}</div>
      <span class=${`livemark ${live ? '' : 'bad'}`} role="status">${live ? w.live : w.lost}</span>
      <span class="who">${me.account} · ${pick(names.roles[me.role], me.role)}${me.unit ? ` · ${pick(names.units[me.unit], me.unit)}` : ''}</span>
      <button aria-pressed=${sound} onClick=${() => { setSound(!sound); setOn(!sound); chime(); }}>${sound ? w.soundOn : w.soundOff}</button>
      <a href=${english ? '/?lang=en' : '/'}>${w.wall}</a><a href=${`/console${english ? '' : '?lang=en'}${location.hash}`}>${all.lang}</a><button onClick=${async () => { await post('/api/v1/logout', {}).catch(() => 0); onleave(); }}>${w.leave}</button></header>
    ${lists ? html`<form class="filters" onSubmit=${(e) => e.preventDefault()} aria-label=${w.show}>
      ${!own && html`<label><span>${w.unit}</span><input list="all-units" value=${f.unit} placeholder=${w.allUnits} onChange=${change('unit')} /></label>
        <datalist id="all-units">${f.unit.length || rows.length ? [...new Set(rows.map((r) => r.recipient || r.unit))].filter(Boolean).map((id) => html`<option key=${id} value=${id}>${pick(names.units[id], id)}</option>`) : ''}</datalist>`}
      ${f.tab === 'alerts' ? select('unacknowledged', w.show, [['1', w.unacknowledged], ['', w.all]]) : html`
        ${select('open', w.show, [['true', w.open], ['false', w.closed], ['', w.any]])}
        ${select('light', w.light, [['', w.any], ['red', all.red], ['yellow', all.yellow]])}
        ${select('state', w.state, [['', w.any], ...Object.entries(names.states).map(([k, v]) => [k, pick(v)])])}
        ${select('county', w.county, [['', w.any], ...counties.map(([k, v]) => [k, pick(v)])])}
        ${select('order', w.order, [['due', w.due], ['newest', w.newest]])}
        <label class="wide"><span>${w.search}</span><input ref=${search} type="search" value=${f.q} onChange=${change('q')} /></label>`}
      <span class="dim count" role="status">${w.count(rows.length, next)}</span>
    </form>
    <main>
      <div class="lists" role="listbox" tabindex="0" aria-label=${w[f.tab]} ref=${list} aria-activedescendant=${row ? `r-${key(row)}` : undefined}>
        <${Pins} pins=${pins} names=${names} at=${at} onchoose=${choose} />
        <div class="list" role="group" tabindex="0" aria-label=${w[f.tab]}>
          ${ordinary.map((r, i) => html`<${Row} key=${key(r)} id=${`r-${key(r)}`} r=${r} names=${names} chosen=${i + pins.length === at} onchoose=${() => choose(i + pins.length, r)} />`)}
          ${ordinary.length === 0 && html`<div class="empty" role="option" aria-selected="false">${w.none}</div>`}
        </div>
      </div>
      ${next && html`<button class="more" onClick=${() => load(true)}>${w.more}</button>`}
      ${panel}
    </main>` : f.tab === 'leads' ? html`<${Leads} names=${names} attempt=${attempt} onopen=${openCase} found=${found} panel=${panel} />`
      : html`<${Windows} me=${me} names=${names} attempt=${attempt} say=${say} />`}
    <footer class="dim">${w.keys}</footer>
    ${note && html`<div class=${`note ${note.bad ? 'bad' : ''}`} role=${note.bad ? 'alert' : 'status'}><span>${note.text}</span><button onClick=${() => setNote(null)} aria-label=${w.close}>✕</button></div>`}
  </div>`;
}

// One live stream: new alerts come in on top, moves change the rows they concern.
function listen(latest, setRows, reloadSoon, setLive) {
  const stream = new EventSource('/api/v1/alerts/stream');
  stream.onopen = () => setLive(true);
  stream.onerror = () => { setLive(false); if (stream.readyState === EventSource.CLOSED) latest.current.load(); };
  stream.addEventListener('resync', () => { latest.current.load(); latest.current.pinned.load(); });
  stream.addEventListener('alert', (e) => {
    const alert = JSON.parse(e.data), { f } = latest.current;
    latest.current.pinned.arrived(alert);
    if (f.tab === 'alerts' && (!f.unit || f.unit === alert.recipient)) setRows((old) => [alert, ...old.filter((r) => r.alert_id !== alert.alert_id)]);
  });
  stream.addEventListener('change', (e) => {
    const c = JSON.parse(e.data), { f, found } = latest.current;
    setRows((old) => old.map((r) => (r.case_no === c.case_no ? { ...r, state: c.state, light: c.light, version: c.version } : r)));
    if (c.move === 'acknowledge') latest.current.marked(c.alert_id);
    else latest.current.answers(c);
    if (f.tab === 'cases') reloadSoon();
    if (found && found.case.case_no === c.case_no && found.case.version < c.version) setTimeout(() => latest.current.openCase(c.case_no), SOON_MS);
  });
  return () => stream.close();
}

function App() {
  const [me, setMe] = useState(undefined), [names, setNames] = useState(null);
  useEffect(() => { get('/api/v1/me').then((who) => setMe(who.kind === 'account' ? who : null)).catch(() => setMe(null)); }, []);
  useEffect(() => { if (me) get('/api/v1/names').then(setNames).catch(() => setMe(null)); }, [me]);
  if (me === undefined) return html`<main class="sign"><p>${all.loading}</p></main>`;
  if (!me) return html`<${SignIn} onme=${setMe} />`;
  if (!names) return html`<main class="sign"><p>${all.loading}</p></main>`;
  return html`<${Desk} me=${me} names=${names} onleave=${() => setMe(null)} />`;
}
render(html`<${App} />`, document.getElementById('app'));
