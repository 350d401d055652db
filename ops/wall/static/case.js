// One case: its story, its clocks, its place, and what this account may do with it now.
import { html, useState, useEffect, useRef } from './vendor/ui.mjs';
import { words as all, pick, time, left } from './api.js';

const w = all.console;

export const Lamp = ({ light }) => (light ? html`<span class=${`lamp ${light}`}>${all.kinds[light]}</span>` : null);

function useEverySecond() {
  const [, again] = useState(0);
  useEffect(() => { const i = setInterval(() => again((n) => n + 1), 1000); return () => clearInterval(i); }, []);
}

function Clocks({ deadlines, names }) {
  useEverySecond();
  if (!deadlines.length) return html`<p class="dim">${w.noClocks}</p>`;
  return html`<ul class="clocks">${deadlines.map((d) => {
    const due = Date.parse(d.due), start = Date.parse(d.started_at);
    const used = Math.min(100, Math.max(0, (Date.now() - start) / Math.max(1, due - start) * 100));
    const tone = d.paused_at ? '' : Date.now() >= due ? 'red' : Date.now() >= Date.parse(d.yellow_at) ? 'yellow' : '';
    return html`<li key=${d.clock} class=${tone}><b>${pick(names.clocks[d.clock], d.clock)}</b>
      <span>${d.paused_at ? w.paused : left(due)}</span><small>${w.dueAt(time(due))}${d.provisional ? ` · ${w.provisional}` : ''}</small>
      <u><s style=${{ width: `${used}%` }}></s></u></li>`;
  })}</ul>`;
}

function Place({ found, names }) {
  const c = found.case, v = c.village;
  const area = [v.slice(0, 6), v.slice(0, 9), v].map((code) => pick(names.areas[code])).join(' ');
  const rows = [
    [w.place, `${area} ${found.grid_name} ${found.building_name}`.trim()],
    [w.unitIs, pick(names.units[c.unit], c.unit || w.unknown)],
    [w.class, c.class_code ? `${pick(names.classes[c.class_code])} ${c.class_code}` : all.unclassified],
    [w.grade, pick(names.grades[c.grade], c.grade)],
    [w.channel, pick(names.channels[c.channel], c.channel)],
    [w.opened, time(Date.parse(c.opened_at))],
    c.device_id && [w.device, c.device_id],
    (c.lon || c.lat) && [w.point, `${c.lon.toFixed(5)}, ${c.lat.toFixed(5)}`],
  ].filter(Boolean);
  return html`<dl>${rows.map(([k, v2]) => html`<dt key=${k}>${k}</dt><dd>${v2}</dd>`)}</dl>`;
}

// The fields a move needs, and the remark it may carry. `review_at` is typed in Shanghai time.
function Form({ move, needs, names, found, onsubmit, oncancel }) {
  const dialog = useRef(), [sending, setSending] = useState(false);
  useEffect(() => { dialog.current.showModal(); }, []);
  const has = (need) => needs.includes(need), county = found.case.village.slice(0, 6), city = county.slice(0, 4);
  const near = Object.keys(names.units).filter((id) => { const a = names.unit_areas[id]; return a === city || a.startsWith(county); });
  const send = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target), body = { move };
    for (const [k, v] of form) if (v !== '') body[k] = v;
    if (body.review_at) body.review_at = `${body.review_at}:00+08:00`;
    if (body.resolved) body.resolved = body.resolved === 'yes';
    if (body.satisfaction) body.satisfaction = Number(body.satisfaction);
    setSending(true);
    await onsubmit(body);
    setSending(false);
  };
  const label = (name, needed, field) => html`<label><span>${name} <small>${needed ? w.required : w.optional}</small></span>${field}</label>`;
  return html`<dialog ref=${dialog} onClose=${oncancel} aria-labelledby="move"><h2 id="move">${pick(names.moves[move])} · ${found.case.case_no}</h2>
    <form onSubmit=${send}>
      ${has('unit') && label(w.target, true, html`<input name="unit" list="units" required autocomplete="off" /><datalist id="units">${near.map((id) => html`<option key=${id} value=${id}>${pick(names.units[id])}</option>`)}</datalist>`)}
      ${has('review_at') && label(w.review_at, true, html`<input name="review_at" type="datetime-local" required />`)}
      ${has('merged_into') && label(w.merged_into, true, html`<input name="merged_into" required />`)}
      ${has('resolved') && html`${label(w.resolved, true, html`<select name="resolved" required><option value="yes">${w.yes}</option><option value="no">${w.no}</option></select>`)}
        ${label(w.satisfaction, false, html`<input name="satisfaction" type="number" min="1" max="5" />`)}`}
      ${move === 'dispatch' && label(w.classCode, false, html`<input name="class_code" pattern="[0-9]{6}" inputmode="numeric" />`)}
      ${label(w.reason, has('reason'), html`<textarea name="reason" maxlength="2000" required=${has('reason')}></textarea>`)}
      <p class="end"><button type="button" onClick=${() => dialog.current.close()}>${w.cancel}</button><button class="main" disabled=${sending}>${w.submit}</button></p>
    </form></dialog>`;
}

export function CasePanel({ found, names, onact, onack, onclose }) {
  const c = found.case, [form, setForm] = useState(null);
  useEffect(() => setForm(null), [c.case_no, c.version]);
  const moves = found.possible.filter((p) => p.move !== 'acknowledge');
  const go = (p) => (p.needs.length || ['dispatch', 'note'].includes(p.move) ? setForm(p) : onact({ move: p.move }));
  return html`<article class="case" aria-label=${c.case_no}>
    <header><div><code>${c.case_no}</code> <span class="dim">${w.version(c.version)}</span></div>
      <button class="x" onClick=${onclose} aria-label=${w.close}>✕</button></header>
    <h2>${c.title || pick(names.classes[c.class_code], all.unclassified)}</h2>
    <p class="chips"><span class="chip">${pick(names.states[c.state])}</span><${Lamp} light=${c.light} />
      ${c.emergency && html`<span class="lamp emergency">${w.emergency}</span>`}${c.simulated && html`<span class="chip sim">${all.simulated}</span>`}</p>
    ${c.text && html`<p class="text">${c.text}</p>`}
    <${Place} found=${found} names=${names} />
    <h3>${w.clocks}</h3><${Clocks} deadlines=${c.deadlines} names=${names} />
    <h3>${w.actions}</h3>
    ${moves.length ? html`<p class="moves">${moves.map((p) => html`<button key=${p.move} class=${p.move === 'sign' ? 'main' : ''} onClick=${() => go(p)}>${pick(names.moves[p.move])}${p.move === 'sign' ? html`<kbd>s</kbd>` : ''}</button>`)}</p>` : html`<p class="dim">${w.noActions}</p>`}
    ${form && html`<${Form} key=${form.move} move=${form.move} needs=${form.needs} names=${names} found=${found} onsubmit=${onact} oncancel=${() => setForm(null)} />`}
    ${found.alerts.length > 0 && html`<h3>${w.alertsOf}</h3><ul class="plain">${found.alerts.map((a) => html`<li key=${a.alert_id}>
      <time>${time(a.created_ms)}</time> <b>${all.kinds[a.kind]}</b> → ${pick(names.units[a.recipient], a.recipient)}
      ${a.acknowledged ? html` <span class="dim">${w.acked}</span>` : a.needs_ack ? html` <button class="small" onClick=${() => onack({ ...a, case_no: c.case_no })}>${w.ack}</button>` : ''}</li>`)}</ul>`}
    <h3>${w.history}</h3>
    <ol class="story">${[...found.history].reverse().map((h) => html`<li key=${h.version}>
      <time>${time(h.at_ms)}</time> <b>${pick(names.moves[h.move], h.move)}</b>
      <span class="dim">${pick(names.roles[h.actor_role], h.actor_role)} ${h.actor_id}${h.actor_unit ? ` ${pick(names.units[h.actor_unit], h.actor_unit)}` : ''}</span>
      ${h.clock && html` <span>${pick(names.clocks[h.clock])} ${h.stage ? all.kinds[h.stage === 'escalate' ? 'escalated' : h.stage] : ''}${h.late_seconds ? w.late(h.late_seconds) : ''}</span>`}
      ${h.reason && html`<p>${h.reason}</p>`}</li>`)}</ol>
    <h3>${w.reports} (${c.events})</h3>
    <ul class="plain">${found.reports.map((r) => html`<li key=${r.event_id}><time>${time(r.occurred_ms)}</time> <span class="dim">${pick(names.channels[r.channel], r.channel)} ${r.source_id}</span><p>${r.text || r.title || r.event_code}</p></li>`)}</ul>
  </article>`;
}
