// One event stream a page. A snapshot replaces, a tick patches; the clock is the server's.
const listeners = new Set();
export const state = { tiles: {}, head: null, heard: 0, offset: 0, denied: false };
export const on = (f) => { listeners.add(f); return () => listeners.delete(f); };
export const now = () => Date.now() + state.offset;

const tell = () => { for (const f of listeners) f(state); };

function take(frame, replace) {
  state.offset = frame.at_ms - Date.now();
  state.heard = performance.now();
  if (replace) {
    if (state.head && state.head.map !== frame.map) location.reload(); // another profile
    state.tiles = frame.tiles;
    state.head = frame;
  } else {
    Object.assign(state.tiles, frame.tiles);
    Object.assign(state.head, { ...frame, tiles: undefined });
  }
  tell();
}

export function connect() {
  const stream = new EventSource('/api/v1/wall/stream');
  stream.addEventListener('snapshot', (e) => take(JSON.parse(e.data), true));
  stream.addEventListener('tick', (e) => { if (state.head) take(JSON.parse(e.data), false); });
  stream.onerror = async () => {
    tell();
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    const me = await fetch('/api/v1/me').then((a) => a.json()).catch(() => null);
    if (me && me.kind === 'nobody') { state.denied = true; tell(); return; }
    setTimeout(connect, 3000);
  };
}

// Whether what is on screen still is how things are; if not, why and since when.
export function health() {
  const { head, tiles, heard } = state;
  if (!head) return { stale: performance.now() > 8000, why: 'offline', since: now() - performance.now() };
  const fresh = tiles.freshness || { newest_event_ms: 0, newest_case_ms: 0, expected_gap_seconds: 600 };
  const newest = Math.max(fresh.newest_event_ms, fresh.newest_case_ms);
  const silence = performance.now() - heard;
  if (silence > head.tick_seconds * 2000 + 1500) return { stale: true, why: 'offline', since: now() - silence };
  if (!head.store.ok) return { stale: true, why: 'store', since: head.store.down_since_ms };
  if (newest && now() - newest > 10000 + fresh.expected_gap_seconds * 1000) return { stale: true, why: 'quiet', since: newest };
  return { stale: false, newest };
}
