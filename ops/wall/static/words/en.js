// Words on screen, English. Same keys as zh.js (a test compares them).
export default {
  locale: 'en-GB',
  signIn: 'Sign in, or open the wall with its token', toConsole: 'Sign in at the console', loading: 'Loading…',
  simulated: 'Simulated data', fictional: 'Fictional city',
  live: (s) => `newest data ${s} ago`, never: 'no data yet',
  stale: (s) => `Not updating · ${s} ago`,
  why: { offline: 'connection to the server lost', store: 'the store does not answer', quiet: 'no new data coming in' },
  seconds: (n) => `${n} s`, minutes: (n) => `${n} min`, hours: (n) => `${n} h`, days: (n) => `${n} d`,
  received: 'Received today', receivedSub: (n) => `${n} signals`,
  inHand: 'In hand', inHandSub: (n) => `${n} overdue`,
  closed: 'Closed today', closedSub: (n) => `${n} on time`,
  rate: 'Closed on time', rateSub: 'of closed and overdue', noRate: '—',
  yellow: 'Yellow', yellowSub: 'close to the limit', red: 'Red', redSub: 'past the limit',
  unit: '',
  map: 'Grids', mapSub: 'received in 24 hours', emergencies: (n) => `${n} emergencies in the last hour`,
  legend: 'per grid', none: '0', above: (n) => `≥${n}`,
  pointRed: 'Red', pointYellow: 'Yellow', pointEmergency: 'Emergency',
  tip: (n) => `${n} in 24 hours`, tipLights: (r, y) => `red ${r} · yellow ${y}`,
  lights: 'Red and yellow lights', lightsSub: (n) => `${n} in all, most overdue first`,
  noLights: 'No red or yellow cases', over: (s) => `${s} over`, left: (s) => `${s} left`,
  alerts: 'Latest alerts', alertsSub: 'last 24 hours', noAlerts: 'No alerts in 24 hours',
  trend: 'Received by hour', trendSub: 'an hour', today: 'Today', yesterday: 'Yesterday', now: 'this hour so far',
  classes: 'Classes', channels: 'Channels', last24: 'last 24 hours', unclassified: 'not classified yet',
  kinds: { emergency: 'Emergency', assigned: 'Assigned', yellow: 'Yellow', red: 'Red', escalated: 'Escalated', triage: 'Triage' },
  clocks: { accept: 'accept', dispatch: 'dispatch', sign: 'sign', contact: 'first contact', handle: 'handle', verify: 'verify', followup: 'follow-up', respond: 'respond', review: 'review' },
  lang: '中文', desk: (area) => `Duty desk ${area}`,
  duration(m) {
    const a = Math.abs(m), d = Math.floor(a / 1440), h = Math.floor(a / 60) % 24, n = a % 60;
    return d ? `${d} d ${h} h` : h ? `${h} h ${n} min` : `${n} min`;
  },
};
