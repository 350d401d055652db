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
    return html`<li key=${d.clock + d.item} class=${tone}><b>${pick(names.clocks[d.clock], d.clock)}${d.item ? ` ${d.item}` : ''}</b>
      <span>${d.paused_at ? w.paused : left(due)}</span><small>${w.dueAt(time(due))}${d.provisional ? ` · ${w.provisional}` : ''}</small>
      <u><s style=${{ width: `${used}%` }}></s></u></li>`;
  })}</ul>`;
}

// What was agreed, each with its day; a dispute's level and tries. No party is named anywhere.
function Dispute({ c, names }) {
  if (!c.field) return null;
  return html`<h3>${w.dispute}</h3><p>${pick(names.fields[c.field], c.field)}${c.mediation ? ` · ${w.mediated(w.levels[c.mediation], c.tries)}` : ''}</p>
    ${c.obligations.length > 0 && html`<ul class="plain">${c.obligations.map((o) => html`<li key=${o.item}><b>${o.item}</b> ${o.what}
      <span class="dim">${w.dueAt(time(Date.parse(o.due)))} · ${o.done_at ? w.performed(time(Date.parse(o.done_at))) : w.owed}</span></li>`)}</ul>`}`;
}

// Several obligations, each with a day; the last empty line is left out.
function Obligations({ label }) {
  const [lines, setLines] = useState(1);
  return html`<fieldset><legend>${w.obligations}</legend>${Array.from({ length: lines }, (_, i) => html`<div key=${i} class="pair">
      ${label(`${w.what} ${i + 1}`, i === 0, html`<input name=${`what${i}`} maxlength="200" required=${i === 0} placeholder=${w.noNames} />`)}
      ${label(w.dueOn, i === 0, html`<input name=${`due${i}`} type="datetime-local" required=${i === 0} />`)}</div>`)}
    ${lines < 20 && html`<button type="button" class="small" onClick=${() => setLines(lines + 1)}>${w.moreObligations}</button>`}</fieldset>`;
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
    c.batch && [w.batch, c.batch],
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
    if (has('obligations')) {
      body.obligations = [];
      for (let i = 0; `what${i}` in body || `due${i}` in body || i === 0; i += 1) {
        if (body[`what${i}`] && body[`due${i}`]) body.obligations.push({ what: body[`what${i}`], due: `${body[`due${i}`]}:00+08:00` });
        delete body[`what${i}`]; delete body[`due${i}`];
      }
    }
    if (body.found) body.found = body.found === 'yes';
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
      ${has('unit') && label(`${w.target}${move === 'dispatch' && found.proposed ? `（${w.proposed}：${pick(names.units[found.proposed], found.proposed)}）` : ''}`, true, html`<input name="unit" list="units" required autocomplete="off" defaultValue=${move === 'dispatch' ? found.proposed : ''} /><datalist id="units">${near.map((id) => html`<option key=${id} value=${id}>${pick(names.units[id])}</option>`)}</datalist>`)}
      ${has('review_at') && label(w.review_at, true, html`<input name="review_at" type="datetime-local" required />`)}
      ${has('distinct_from') && label(w.distinct_from, true, html`<input name="distinct_from" required />`)}
      ${has('merged_into') && label(w.merged_into, true, html`<input name="merged_into" required />`)}
      ${has('resolved') && html`${label(w.resolved, true, html`<select name="resolved" required><option value="yes">${w.yes}</option><option value="no">${w.no}</option></select>`)}
        ${label(w.satisfaction, false, html`<input name="satisfaction" type="number" min="1" max="5" />`)}`}
      ${has('obligations') && html`<${Obligations} label=${label} />`}
      ${has('obligation') && label(w.which, true, html`<select name="obligation" required>${found.case.obligations.filter((o) => !o.done_at).map((o) => html`<option key=${o.item} value=${o.item}>${o.item} ${o.what}</option>`)}</select>`)}
      ${move === 'verify' && found.case.device_id && label(w.alarm, false, html`<select name="found"><option value="">${w.notSaid}</option><option value="yes">${w.isTrue}</option><option value="no">${w.isFalse}</option></select>`)}
      ${has('found') && label(w.hazard, true, html`<select name="found" required><option value="no">${w.noHazard}</option><option value="yes">${w.isHazard}</option></select>`)}
      ${['dispatch', 'to_mediation'].includes(move) && label(w.classCode, false, html`<input name="class_code" pattern="[0-9]{6}" inputmode="numeric" />`)}
      ${label(w.reason, has('reason'), html`<textarea name="reason" maxlength="2000" required=${has('reason')}></textarea>`)}
      <p class="end"><button type="button" onClick=${() => dialog.current.close()}>${w.cancel}</button><button class="main" disabled=${sending}>${w.submit}</button></p>
    </form></dialog>`;
}

// Cases that may be the same matter: a person says so, or says that they are two.
function Similar({ found, names, onact, onopen }) {
  const c = found.case, may = (move) => found.possible.some((p) => p.move === move);
  return html`<h3>${w.similar}</h3><ul class="plain">${c.similar.map((s) => html`<li key=${s.case_no}>
    <button class="link" onClick=${() => onopen(s.case_no)}><code>${s.case_no}</code></button> <b>${Math.round(s.likeness * 100)}%</b>
    <p class="dim">${s.why}</p>
    <p class="moves">${may('merge') && html`<button class="small" onClick=${() => onact({ move: 'merge', merged_into: s.case_no })}>${pick(names.moves.merge)}</button>`}
      ${may('distinct') && html`<button class="small" onClick=${() => onact({ move: 'distinct', distinct_from: s.case_no })}>${pick(names.moves.distinct)}</button>`}</p></li>`)}</ul>`;
}

export function CasePanel({ found, me, names, onact, onack, onopen, onclose }) {
  const c = found.case, [form, setForm] = useState(null);
  useEffect(() => setForm(null), [c.case_no, c.version]);
  const waiting = found.alerts.filter((a) => a.kind === 'emergency' && a.needs_ack && !a.acknowledged);
  const urgent = found.possible.some((p) => p.move === 'acknowledge') && (waiting.find((a) => a.recipient === me.unit) || waiting.find((a) => me.role !== 'unit' && a.recipient.startsWith('desk-')));
  const moves = found.possible.filter((p) => !['acknowledge', 'distinct'].includes(p.move));
  const splits = found.possible.some((p) => p.move === 'distinct'); // who may keep cases apart may take a report out
  const go = (p) => (p.needs.length || ['dispatch', 'note', 'disagree'].includes(p.move) || (p.move === 'verify' && c.device_id) ? setForm(p) : onact({ move: p.move }));
  return html`<article class="case" aria-label=${c.case_no}>
    <header><div><code>${c.case_no}</code> <span class="dim">${w.version(c.version)}</span></div>
      <button class="x" onClick=${onclose} aria-label=${w.close}>✕</button></header>
    <h2>${c.title || pick(names.classes[c.class_code], all.unclassified)}</h2>
    <p class="chips"><span class="chip">${pick(names.states[c.state])}</span><${Lamp} light=${c.light} />
      ${c.emergency && html`<span class="lamp emergency">${w.emergency}</span>`}${(c.marks || []).map((m) => html`<span class="chip" key=${m}>${w.marks[m]}</span>`)}${c.simulated && html`<span class="chip sim">${all.simulated}</span>`}
      ${c.urges > 0 && html`<span class="chip">${w.urged(c.urges)}</span>`}</p>
    ${urgent && html`<p><button class="main hot" onClick=${() => onack({ ...urgent, case_no: c.case_no })}>${w.ackNow}<kbd>a</kbd></button></p>`}
    ${c.similar.length > 0 && html`<${Similar} found=${found} names=${names} onact=${onact} onopen=${onopen} />`}
    ${c.repeats.length > 0 && html`<p>${w.repeats}${c.repeats.map((no) => html` <button key=${no} class="link" onClick=${() => onopen(no)}><code>${no}</code></button>`)}</p>`}
    ${c.merged_into && html`<p>${w.mergedInto} <button class="link" onClick=${() => onopen(c.merged_into)}><code>${c.merged_into}</code></button></p>`}
    ${c.text && html`<p class="text">${c.text}</p>`}
    <${Place} found=${found} names=${names} />
    <${Dispute} c=${c} names=${names} />
    <h3>${w.clocks}</h3><${Clocks} deadlines=${c.deadlines} names=${names} />
    <h3>${w.actions}</h3>
    ${moves.length ? html`<p class="moves">${moves.map((p) => html`<button key=${p.move} class=${p.move === 'sign' ? 'main' : ''} onClick=${() => go(p)}>${pick(names.moves[p.move])}${p.move === 'sign' ? html`<kbd>s</kbd>` : ''}</button>`)}</p>` : html`<p class="dim">${w.noActions}</p>`}
    ${form && html`<${Form} key=${form.move} move=${form.move} needs=${form.needs} names=${names} found=${found} onsubmit=${(body) => onact(form.event_id ? { ...body, event_id: form.event_id } : body)} oncancel=${() => setForm(null)} />`}
    ${found.alerts.length > 0 && html`<h3>${w.alertsOf}</h3><ul class="plain">${found.alerts.map((a) => html`<li key=${a.alert_id}>
      <time>${time(a.created_ms)}</time> <b>${all.kinds[a.kind]}</b> → ${pick(names.units[a.recipient], a.recipient)}
      ${a.acknowledged ? html` <span class="dim">${w.acked}</span>` : a.needs_ack ? html` <button class="small" onClick=${() => onack({ ...a, case_no: c.case_no })}>${w.ack}</button>` : ''}</li>`)}</ul>`}
    ${found.alarms.length > 0 && html`<h3>${w.alarmsOf}</h3><ul class="plain">${found.alarms.map((a, i) => html`<li key=${i}>
      <time>${time(a.at_ms)}</time> <b>${w.outcomes[a.outcome]}</b> <span class="dim">${a.device_id} ${a.event_code} ${a.rule}</span>${a.reason && html`<p>${a.reason}</p>`}</li>`)}</ul>`}
    <h3>${w.history}</h3>
    <ol class="story">${[...found.history].reverse().map((h) => html`<li key=${h.version}>
      <time>${time(h.at_ms)}</time> <b>${pick(names.moves[h.move], h.move)}</b>
      <span class="dim">${pick(names.roles[h.actor_role], h.actor_role)} ${h.actor_id}${h.actor_unit ? ` ${pick(names.units[h.actor_unit], h.actor_unit)}` : ''}</span>
      ${h.stage && html` <span>${pick(names.clocks[h.clock])} ${h.stage ? w.stages[h.stage] : ''}${h.late_seconds ? w.late(h.late_seconds) : ''}</span>`}
      ${h.move === 'verify' && h.found >= 0 && html` <span class="chip">${h.found ? w.isTrue : w.isFalse}</span>`}
      ${h.reason && html`<p>${h.reason}</p>`}</li>`)}</ol>
    <h3>${w.reports} (${c.events})</h3>
    <ul class="plain">${found.reports.map((r) => html`<li key=${r.event_id}><time>${time(r.occurred_ms)}</time> <span class="dim">${pick(names.channels[r.channel], r.channel)} ${r.source_id}</span>${c.evidence.some((e) => e.event_id === r.event_id && e.urge) ? html` <span class="chip">${w.urge}</span>` : ''}<p>${r.text || r.title || r.event_code}${r.device_id ? html` <code>${r.device_id}</code>` : ''}
      ${splits && r.event_id !== c.event_ids[0] && c.event_ids.includes(r.event_id) && html` <button class="small" onClick=${() => setForm({ move: 'unmerge', needs: ['reason'], event_id: r.event_id })}>${w.takeOut}</button>`}</p></li>`)}</ul>
  </article>`;
}
