// A row of the lists: an alert or a case, with where it is, whose it is, and the time that is left.
import { html, useState, useEffect } from './vendor/ui.mjs';
import { words as all, pick, time, left } from './api.js';
import { Lamp } from './case.js';

const w = all.console;

export function useQuarterMinute() {
  const [, again] = useState(0);
  useEffect(() => { const i = setInterval(() => again((n) => n + 1), 15000); return () => clearInterval(i); }, []);
}
export const where = (names, code) => `${pick(names.areas[code.slice(0, 6)])} ${pick(names.areas[code.slice(0, 12)], pick(names.areas[code.slice(0, 9)]))}`;
export const waited = (ms) => w.waited(all.duration(Math.max(0, Math.floor((Date.now() - ms) / 60000))));

export function Row({ r, id, names, chosen, onchoose, pinned }) {
  useQuarterMinute();
  const due = r.case_due_ms === undefined ? r.due_ms : r.case_due_ms;
  return html`<div role="option" id=${id} class=${`row ${r.light || ''} ${pinned ? 'pinned' : ''}`} aria-selected=${chosen} onClick=${onchoose}>
    ${r.kind ? html`<span class=${`lamp ${r.kind}`}>${all.kinds[r.kind]}</span>` : html`<span class="chip">${pick(names.states[r.state])}</span>`}
    <b title=${r.title}>${r.title || pick(names.classes[r.class_code], all.unclassified)}</b>
    <span class="where dim">${where(names, r.village)}</span>
    <span class="unit dim">${pick(names.units[r.recipient || r.unit], r.recipient || r.unit)}</span>
    <span class="end">${r.kind ? html`<span class="dim">${r.state ? pick(names.states[r.state]) : ''}</span>` : ''}${r.acknowledged ? html` <span class="dim">${w.acked}</span>` : ''} <${Lamp} light=${r.kind === r.light ? '' : r.light} /></span>
    ${pinned ? html`<span class="due over">${waited(r.created_ms)}</span>` : html`<span class=${`due ${due && due < Date.now() ? 'over' : ''}`}>${due ? left(due) : time(r.created_ms || r.opened_ms)}</span>`}</div>`;
}
