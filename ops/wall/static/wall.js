// The wall: figures, map, lights, alerts, trend. Everything comes from one stream.
import { html, render, useState, useEffect, useRef } from './vendor/ui.mjs';
import { state, on, now, connect, health } from './feed.js';
import { GridMap, RAMP } from './map.js';
import { Trend } from './trend.js';

const asked = new URLSearchParams(location.search);
const english = asked.get('lang') === 'en';
const w = (await import(english ? './words/en.js' : './words/zh.js')).default;
const pick = (pair, otherwise = '') => (pair ? pair[english ? 1 : 0] || pair[0] : otherwise);
const number = (n) => n.toLocaleString(w.locale);
const clockTime = (ms, withSeconds = true) => new Date(ms).toLocaleTimeString('zh-CN', { timeZone: 'Asia/Shanghai', hour12: false, hour: '2-digit', minute: '2-digit', ...(withSeconds ? { second: '2-digit' } : {}) });
let names = null, geo = null, gridNames = new Map();

const LIST = { lights: () => (innerWidth / innerHeight > 2.6 ? 28 : 14), alerts: () => (innerWidth / innerHeight > 2.6 ? 22 : 6) };

function useFeed() {
  const [, again] = useState(0);
  useEffect(() => on(() => again((n) => n + 1)), []);
  return state.tiles;
}
function useSecond() {
  const [, again] = useState(0);
  useEffect(() => { const i = setInterval(() => again((n) => n + 1), 1000); return () => clearInterval(i); }, []);
}

function age(ms) {
  const s = Math.max(0, Math.round((now() - ms) / 1000));
  return s < 120 ? w.seconds(s) : s < 7200 ? w.minutes(Math.floor(s / 60)) : s < 172800 ? w.hours(Math.floor(s / 3600)) : w.days(Math.floor(s / 86400));
}
function place(row) {
  const village = pick(names.areas[row.village] || names.areas[row.village.slice(0, 9)]);
  return `${pick(names.areas[row.village.slice(0, 6)])} ${village}${gridNames.get(row.grid) || ''}`.trim();
}
const className = (code) => pick(names.classes[code], w.unclassified);
const unitName = (id) => pick(names.units[id], id);

function Freshness() {
  useSecond();
  useFeed();
  const h = health();
  document.body.classList.toggle('stale', h.stale);
  if (h.stale) return html`<div class="fresh bad" role="alert"><i></i><b>${w.stale(age(h.since))}</b><span>${w.why[h.why]}</span></div>`;
  return html`<div class="fresh" role="status"><i></i><span>${h.newest ? w.live(age(h.newest)) : w.never}</span></div>`;
}

function Clock() {
  useSecond();
  const date = new Date(now()).toLocaleDateString(w.locale, { timeZone: 'Asia/Shanghai', year: 'numeric', month: 'long', day: 'numeric', weekday: 'long' });
  return html`<div class="clock"><span>${date}</span><b>${clockTime(now())}</b></div>`;
}

function Header() {
  useFeed();
  return html`<header>
    <${Freshness} />
    <h1>${pick(names.centre)}</h1>
    <div class="right">
      ${state.head && state.head.simulated && html`<span class="badge" data-badge="simulated">${names.fictional ? `${w.fictional} · ` : ''}${w.simulated}</span>`}
      <${Clock} />
    </div>
  </header>`;
}

function Figures() {
  const f = useFeed().headline;
  if (!f) return html`<div class="figures"></div>`;
  const due = f.closed_today + f.overdue;
  const rate = due ? `${(f.on_time / due * 100).toFixed(1)}` : w.noRate;
  const figure = (name, id, value, sub, kind = '', unit = w.unit) => html`<div class=${`figure ${kind}`}>
    <h2>${name}</h2><p><b data-figure=${id}>${value}</b><i>${unit}</i></p><small>${sub}</small></div>`;
  return html`<div class="figures">
    ${figure(w.received, 'received', number(f.received), w.receivedSub(number(f.signals)))}
    ${figure(w.inHand, 'in_hand', number(f.in_hand), w.inHandSub(number(f.overdue)))}
    ${figure(w.closed, 'closed_today', number(f.closed_today), w.closedSub(number(f.on_time)))}
    ${figure(w.rate, 'rate', rate, w.rateSub, '', due ? '%' : '')}
    ${figure(w.yellow, 'yellow', number(f.yellow), w.yellowSub, f.yellow ? 'yellow' : '')}
    ${figure(w.red, 'red', number(f.red), w.redSub, f.red ? 'red' : '')}
  </div>`;
}

const Panel = ({ area, title, sub, extra, children }) => html`<section class=${`panel ${area}`}>
  <h2><span>${title}</span>${extra}<em>${sub}</em></h2><div class="body">${children}</div></section>`;

function MapPanel() {
  const tiles = useFeed(), box = useRef(), map = useRef(), [tip, setTip] = useState(null);
  useEffect(() => {
    map.current = new GridMap(box.current, geo, (i, x, y) => setTip(i < 0 ? null : { i, x, y }));
    window.gridMap = map.current;
    return () => map.current.close();
  }, []);
  useEffect(() => { if (tiles.by_grid) map.current.show(tiles.by_grid, tiles.lights_by_grid || []); });
  const steps = map.current ? map.current.steps : [1, 2, 3, 5, 8];
  const range = (k) => (k === 0 ? w.none : k === 5 ? w.above(steps[4]) : steps[k] - 1 > steps[k - 1] ? `${steps[k - 1]}–${steps[k] - 1}` : `${steps[k - 1]}`);
  const lit = tip && (tiles.lights_by_grid || []).find((p) => p[0] === tip.i);
  const hot = tiles.headline ? tiles.headline.emergencies_hour : 0;
  return html`<${Panel} area="map" title=${w.map} sub=${w.mapSub} extra=${hot > 0 && html`<strong class="hot">${w.emergencies(number(hot))}</strong>`}>
    <div class="canvas" ref=${box} role="img" aria-label=${w.map}></div>
    <div class="legend">
      <span>${w.legend}</span>
      ${RAMP.map((color, k) => html`<div key=${k}><i style=${{ background: color }}></i>${range(k)}</div>`)}
      <div class="gap"><b class="d emergency"></b>${w.pointEmergency}</div>
      <div><b class="d red"></b>${w.pointRed}</div>
      <div><b class="d yellow"></b>${w.pointYellow}</div>
    </div>
    ${tip && html`<div class="tip" style=${{ left: `${tip.x}px`, top: `${tip.y}px` }}>
      <b>${map.current.grids[tip.i].name}</b><span>${w.tip((tiles.by_grid || [])[tip.i] || 0)}</span>${lit && html`<span>${w.tipLights(lit[1], lit[2])}</span>`}</div>`}
  <//>`;
}

function Lights() {
  useSecond();
  const { lights, headline } = useFeed();
  if (!lights) return html`<${Panel} area="lights" title=${w.lights} />`;
  const total = headline ? headline.red + headline.yellow : lights.length;
  const due = (row) => {
    if (!row.due_ms) return '';
    const minutes = Math.floor((row.due_ms - now()) / 60000);
    return minutes < 0 ? w.over(w.duration(-minutes - 1)) : w.left(w.duration(minutes));
  };
  return html`<${Panel} area="lights" title=${w.lights} sub=${w.lightsSub(number(total))}>
    ${lights.length === 0 && html`<p class="empty">${w.noLights}</p>`}
    <ol>${lights.slice(0, LIST.lights()).map((r) => html`<li key=${r.case_no} class=${r.light}>
      <i class=${`d ${r.light}`} title=${w.kinds[r.light]}></i>
      <b>${className(r.class_code)}</b><strong>${due(r)}</strong>
      <span>${place(r)}</span><em>${unitName(r.unit)}</em></li>`)}</ol>
  <//>`;
}

function Alerts() {
  const { alerts } = useFeed();
  if (!alerts) return html`<${Panel} area="alerts" title=${w.alerts} />`;
  return html`<${Panel} area="alerts" title=${w.alerts} sub=${w.alertsSub}>
    ${alerts.length === 0 && html`<p class="empty">${w.noAlerts}</p>`}
    <ol>${alerts.slice(0, LIST.alerts()).map((a) => html`<li key=${a.alert_id}>
      <time>${clockTime(a.created_ms)}</time><i class=${`tag ${a.kind}`}>${w.kinds[a.kind]}</i>
      <b>${className(a.class_code)}</b><span>${place(a)}</span><em>${unitName(a.recipient)}</em></li>`)}</ol>
  <//>`;
}

function TrendPanel() {
  const { trend_24h: trend } = useFeed(), box = useRef(), chart = useRef();
  useEffect(() => { chart.current = new Trend(box.current); return () => chart.current.close(); }, []);
  useEffect(() => { if (trend) chart.current.show(trend, Number(clockTime(now(), false).slice(0, 2)), w); });
  return html`<${Panel} area="trend" title=${w.trend} sub=${w.trendSub}><div class="chart" ref=${box} role="img" aria-label=${w.trend}></div><//>`;
}

function Bars({ area, title, rows }) {
  const most = Math.max(1, ...(rows || []).map((r) => r[1]));
  return html`<${Panel} area=${area} title=${title} sub=${w.last24}>
    <ol class="bars">${(rows || []).map(([name, n]) => html`<li key=${name}><span>${name}</span><u><s style=${{ width: `${Math.max(1, n / most * 100)}%` }}></s></u><b>${number(n)}</b></li>`)}</ol>
  <//>`;
}
function Classes() {
  const { by_class: rows } = useFeed();
  return html`<${Bars} area="classes" title=${w.classes} rows=${rows && rows.slice(0, 8).map((r) => [pick(names.majors[r.major], w.unclassified), r.events])} />`;
}
function Channels() {
  const { by_channel: rows } = useFeed();
  return html`<${Bars} area="channels" title=${w.channels} rows=${rows && rows.slice(0, 7).map((r) => [pick(names.channels[r.channel], r.channel), r.events])} />`;
}

function App() {
  useFeed();
  if (state.denied) return html`<main class="gate"><p>${w.signIn}</p><a href="/console">${w.toConsole}</a></main>`;
  if (!names || !geo) return html`<main class="gate"><p>${w.loading}</p></main>`;
  return html`<div class="wall"><${Header} /><${Figures} /><${TrendPanel} /><${Classes} /><${Channels} /><${MapPanel} /><${Alerts} /><${Lights} /></div>`;
}

const root = document.getElementById('app');
document.documentElement.lang = english ? 'en' : 'zh-CN';
const draw = () => render(html`<${App} />`, root);
async function load() {
  const me = await fetch('/api/v1/me').then((a) => a.json());
  if (me.kind === 'nobody') { state.denied = true; draw(); return; }
  const answers = await Promise.all(['/api/v1/names', '/api/v1/geo/grids'].map((u) => fetch(u)));
  if (!answers.every((a) => a.ok)) throw new Error('not ready');
  [names, geo] = await Promise.all(answers.map((a) => a.json()));
  gridNames = new Map(geo.features.filter((f) => f.properties.level === 'grid').map((f) => [f.properties.code, f.properties.name]));
  document.title = pick(names.centre);
  connect();
  draw();
}
const start = () => load().catch(() => setTimeout(start, 3000)); // the server may still be starting
draw();
start();
