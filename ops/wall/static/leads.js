// Leads 线索: how far the checks of what was pushed down are, area by area, and which are open.
import { html, useState, useEffect } from './vendor/ui.mjs';
import { words as all, pick, get } from './api.js';
import { Row } from './rows.js';

const w = all.console, l = w.lead;
const RELOAD_MS = 60000, PAGE = 200;

export function Leads({ names, attempt, onopen, found, panel }) {
  const [f, setF] = useState({ level: 'town', batch: '', days: '90', simulated: 'false', state: 'pushed' });
  const [areas, setAreas] = useState(null), [cases, setCases] = useState([]);
  const set = (field) => (e) => setF({ ...f, [field]: e.target.value });
  const load = () => attempt(async () => {
    const [progress, open] = await Promise.all([
      get('/api/v1/leads', { level: f.level, batch: f.batch, days: f.days, simulated: f.simulated }),
      get('/api/v1/cases', { batch: f.batch || '*', state: f.state, simulated: f.simulated, order: 'due', limit: PAGE, since: new Date(Date.now() - f.days * 86400000).toISOString() }),
    ]);
    setAreas(progress.items); setCases(open.items);
  });
  useEffect(() => { const soon = setTimeout(load, f.batch ? 250 : 0), i = setInterval(load, RELOAD_MS); return () => { clearTimeout(soon); clearInterval(i); }; }, [f]);
  const sum = (field) => (areas || []).reduce((n, a) => n + Number(a[field]), 0);
  const share = (a) => (a.pushed ? `${Math.round(a.checked / a.pushed * 100)}%` : '—');
  const select = (field, label, options) => html`<label><span>${label}</span><select value=${f[field]} onChange=${set(field)}>${options.map(([v, t]) => html`<option key=${v} value=${v}>${t}</option>`)}</select></label>`;
  const cells = (a) => html`<td>${a.pushed}</td><td>${a.checked}</td><td>${share(a)}</td><td>${a.hazards}</td><td class=${Number(a.overdue) ? 'over' : ''}>${a.overdue}</td>`;
  const total = { pushed: sum('pushed'), checked: sum('checked'), hazards: sum('hazards'), overdue: sum('overdue') };
  return html`<form class="filters" onSubmit=${(e) => e.preventDefault()} aria-label=${w.show}>
      ${select('level', l.level, [['county', w.levels.county], ['town', w.levels.town], ['village', w.levels.village]])}
      <label><span>${w.batch}</span><input value=${f.batch} onInput=${set('batch')} placeholder=${w.all} /></label>
      ${select('days', l.days, [['7', all.days(7)], ['30', all.days(30)], ['90', all.days(90)], ['365', all.days(365)]])}
      ${select('state', w.state, [['pushed', l.unchecked], ['checked', pick(names.states.checked)], ['signed,handling', l.hazards], ['', w.any]])}
      ${select('simulated', l.source, [['false', l.real], ['true', all.simulated]])}
      <span class="dim count" role="status">${w.count(cases.length, cases.length === PAGE)}</span></form>
    <main><div class="sheets">
      <div class="sheet" tabindex="0"><table><caption>${l.progress}</caption><thead><tr><th scope="col">${l.area}</th><th scope="col">${l.pushed}</th><th scope="col">${l.checked}</th><th scope="col">${l.share}</th><th scope="col">${l.hazards}</th><th scope="col">${l.overdue}</th></tr></thead>
        <tbody>${(areas || []).map((a) => html`<tr key=${a.code}><th scope="row">${areaName(names, a.code)}</th>${cells(a)}</tr>`)}</tbody>
        ${areas && areas.length > 1 && html`<tfoot><tr><th scope="row">${l.total}</th>${cells(total)}</tr></tfoot>`}</table>
        ${areas && !areas.length && html`<p class="empty">${l.none}</p>`}</div>
      <div class="sheet lists-in" role="listbox" tabindex="0" aria-label=${l.list}>
        ${cases.map((r) => html`<${Row} key=${r.case_no} id=${`r-${r.case_no}`} r=${r} names=${names} chosen=${found && found.case.case_no === r.case_no} onchoose=${() => onopen(r.case_no)} />`)}
        ${!cases.length && html`<div class="empty" role="option" aria-selected="false">${w.none}</div>`}</div></div>${panel}</main>`;
}

export const areaName = (names, code) => [6, 9, 12].filter((n) => n <= code.length).map((n) => pick(names.areas[code.slice(0, n)])).filter(Boolean).join(' ') || code;
