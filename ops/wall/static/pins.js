// Emergencies that nobody has acknowledged: on top of the list until somebody does, with a tone.
import { html, useState, useEffect, useRef } from './vendor/ui.mjs';
import { words as all, get } from './api.js';
import { Row } from './rows.js';
import { keepSounding } from './sound.js';

const w = all.console;
const YEAR_MS = 365 * 86400000, MOST = 500, RELOAD_MS = 60000;

// Whose emergencies this desk has to acknowledge: its own unit's, else those told to duty desks.
const asked = (me, unit) => ({ kind: 'emergency', unacknowledged: true, limit: MOST, since: new Date(Date.now() - YEAR_MS).toISOString(), ...(unit ? { unit } : me.role === 'unit' ? {} : { desks: true }) });
const mine = (me, unit, alert) => alert.kind === 'emergency' && (unit ? alert.recipient === unit : me.role === 'unit' || alert.recipient.startsWith('desk-'));

// Whether a move answers an alert told before it (the rules' ``answers``).
export const answered = (alert, change) => change.answers.includes(alert.kind) && ((alert.kind !== 'emergency' && change.move !== 'respond') || change.took.includes(alert.recipient));

export function usePins(me, unit) {
  const [pins, setPins] = useState([]), gone = useRef(new Set()), turn = useRef(0);
  const load = async () => {
    const now = ++turn.current, page = await get('/api/v1/alerts', asked(me, unit));
    if (now === turn.current) setPins(page.items.filter((r) => !gone.current.has(r.alert_id)));
  };
  const quietly = () => load().catch(() => 0);
  useEffect(() => { quietly(); const i = setInterval(quietly, RELOAD_MS); return () => clearInterval(i); }, [unit]);
  const left = pins.length;
  useEffect(() => (left ? keepSounding() : undefined), [pins.length && pins[0].alert_id, left > 0]);
  const forget = (test) => setPins((old) => old.filter((r) => {
    if (!test(r)) return true;
    gone.current.add(r.alert_id); // the store hears of it a moment later
    return false;
  }));
  return {
    pins,
    load: quietly,
    arrived: (alert) => mine(me, unit, alert) && setPins((old) => [alert, ...old.filter((r) => r.alert_id !== alert.alert_id)]),
    acknowledged: (id) => { gone.current.add(id); forget((r) => r.alert_id === id); },
    changed: (c) => {
      forget((r) => r.case_no === c.case_no && answered(r, c));
      setPins((old) => old.map((r) => (r.case_no === c.case_no ? { ...r, state: c.state, light: c.light, version: c.version } : r)));
    },
  };
}

export function Pins({ pins, names, at, onchoose }) {
  if (!pins.length) return null;
  return html`<div class="pins" role="group" tabindex="0" aria-label=${w.pins(pins.length)}>
    <h2 role="alert">${w.pins(pins.length)}<small>${w.pinsHint}</small></h2>
    ${pins.map((r, i) => html`<${Row} key=${r.alert_id} id=${`r-${r.alert_id}`} r=${r} names=${names} pinned=${true} chosen=${i === at} onchoose=${() => onchoose(i, r)} />`)}</div>`;
}
