// Repair windows 检修窗口: which hold, which are planned; one is added, or ended early.
import { html, useState, useEffect, useRef } from './vendor/ui.mjs';
import { words as all, pick, get, post, remove, freshKey, time, left } from './api.js';

const w = all.console, v = w.window;
const RELOAD_MS = 30000, STORED_MS = 1500;
const local = (ms) => new Date(ms + 8 * 3600000).toISOString().slice(0, 16); // Shanghai time, as the field wants it

export function Windows({ me, names, attempt, say }) {
  const [rows, setRows] = useState(null), [adding, setAdding] = useState(false);
  const may = me.role === 'operator' || me.role === 'supervisor';
  const load = () => attempt(async () => setRows((await get('/api/v1/windows')).items));
  useEffect(() => { load(); const i = setInterval(load, RELOAD_MS); return () => clearInterval(i); }, []);
  const end = (row) => window.confirm(v.sure(row.name)) && attempt(async () => {
    await remove(`/api/v1/windows/${encodeURIComponent(row.window_id)}`, { 'Idempotency-Key': freshKey() });
    setRows((old) => old.map((r) => (r.window_id === row.window_id ? { ...r, state: 'over', end_ms: Date.now() } : r)));
    say(v.ended(row.name)); setTimeout(load, STORED_MS);
  });
  const add = (body, key) => attempt(async () => {
    const { body: made } = await post('/api/v1/windows', body, { 'Idempotency-Key': key });
    setAdding(false); say(v.added(made.villages.length)); setTimeout(load, STORED_MS);
    return true;
  });
  return html`<div class="filters"><p class="hint">${v.hint}</p>${may && html`<button class="main" onClick=${() => setAdding(true)}>${v.add}</button>`}
      <span class="dim count" role="status">${rows ? w.count(rows.length) : all.loading}</span></div>
    <main class="single"><div class="sheet" tabindex="0"><table><caption>${v.title}</caption><thead><tr>${['state', 'scope', 'target', 'events', 'start', 'end', 'unit', 'reason'].map((k) => html`<th scope="col" key=${k}>${v[k]}</th>`)}<th scope="col"><span class="dim">${v.by}</span></th><th></th></tr></thead>
      <tbody>${(rows || []).map((r) => html`<tr key=${r.window_id} class=${r.state}><td><span class=${`chip w-${r.state}`}>${v.states[r.state]}</span></td><td>${v.scopes[r.scope]}</td>
        <td><b>${r.name}</b>${r.name === r.target ? '' : html` <code>${r.target}</code>`}${r.area && html` <span class="dim">${pick(names.areas[r.area], r.area)}</span>`}</td>
        <td>${r.events.join(' ') || w.any}</td><td>${time(r.start_ms)}</td><td>${time(r.end_ms)}${r.state === 'running' ? html` <b>${left(r.end_ms)}</b>` : ''}</td>
        <td>${pick(names.units[r.who], r.who || '—')}</td><td class="reason">${r.reason}</td><td class="dim">${r.source === 'profile' ? v.file : r.by}</td>
        <td>${may && r.source === 'person' && r.state !== 'over' && html`<button class="small" onClick=${() => end(r)}>${v.finish}</button>`}</td></tr>`)}</tbody></table>
      ${rows && !rows.length && html`<p class="empty">${v.none}</p>`}</div></main>
    ${adding && html`<${Form} names=${names} me=${me} onsubmit=${add} oncancel=${() => setAdding(false)} />`}`;
}

function Form({ names, me, onsubmit, oncancel }) {
  const dialog = useRef(), key = useRef(freshKey()), [scope, setScope] = useState('device'), [sending, setSending] = useState(false);
  useEffect(() => { dialog.current.showModal(); }, []);
  const send = async (e) => {
    e.preventDefault();
    const form = Object.fromEntries(new FormData(e.target)), body = { scope };
    for (const name of ['target', 'area', 'who', 'reason']) if (form[name]) body[name] = form[name].trim();
    for (const name of ['start', 'end']) if (form[name]) body[name] = `${form[name]}:00+08:00`;
    if (form.events) body.events = form.events.split(/[\s,，、]+/).filter(Boolean);
    setSending(true);
    if (!(await onsubmit(body, key.current))) key.current = freshKey(); // what was refused is asked anew
    setSending(false);
  };
  const label = (name, needed, field) => html`<label><span>${name} <small>${needed ? w.required : w.optional}</small></span>${field}</label>`;
  const wide = scope === 'kind' || scope === 'channel', now = Date.now();
  const choices = scope === 'area' ? Object.entries(names.areas).filter(([c]) => c.startsWith(me.area)) : scope === 'channel' ? Object.entries(names.channels) : [];
  return html`<dialog ref=${dialog} onClose=${oncancel} aria-labelledby="window"><h2 id="window">${v.add}</h2><form onSubmit=${send}>
    ${label(v.scope, true, html`<select value=${scope} onChange=${(e) => setScope(e.target.value)}>${Object.entries(v.scopes).map(([k, t]) => html`<option key=${k} value=${k}>${t}</option>`)}</select>`)}
    ${label(v.targets[scope], true, html`<input name="target" required maxlength="64" list="targets" autocomplete="off" /><datalist id="targets">${choices.map(([c, n]) => html`<option key=${c} value=${c}>${pick(n)}</option>`)}</datalist>`)}
    ${wide && label(v.within, false, html`<input name="area" pattern="[0-9]*" inputmode="numeric" placeholder=${me.area} />`)}
    <div class="pair even">${label(v.start, false, html`<input name="start" type="datetime-local" />`)}${label(v.end, true, html`<input name="end" type="datetime-local" required defaultValue=${local(now + 7200000)} />`)}</div>
    ${label(v.eventsHint, false, html`<input name="events" placeholder="fire. video." />`)}
    ${label(v.unit, false, html`<input name="who" list="repairers" autocomplete="off" /><datalist id="repairers">${Object.entries(names.units).filter(([id]) => names.unit_areas[id].startsWith(me.area.slice(0, 6))).slice(0, 400).map(([id, n]) => html`<option key=${id} value=${id}>${pick(n)}</option>`)}</datalist>`)}
    ${label(v.reason, true, html`<textarea name="reason" required minlength="2" maxlength="500" placeholder=${w.noNames}></textarea>`)}
    <p class="end"><button type="button" onClick=${() => dialog.current.close()}>${w.cancel}</button><button class="main" disabled=${sending}>${w.submit}</button></p></form></dialog>`;
}
