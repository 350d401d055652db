// Asking the server. A problem (RFC 9457) becomes an Error whose message is for people.
export const asked = new URLSearchParams(location.search);
export const english = asked.get('lang') === 'en';
export const words = (await import(english ? './words/en.js' : './words/zh.js')).default;
export const pick = (pair, otherwise = '') => (pair ? pair[english ? 1 : 0] || pair[0] : otherwise);

export class Failure extends Error {
  constructor(status, code, message) { super(message); this.status = status; this.code = code; }
}

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { 'X-Gridwhistle': '1', ...options.headers } });
  } catch {
    throw new Failure(0, 'offline', words.console.failed);
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failure(answer.status, body.code || '', body.detail || body.title || String(answer.status));
  return { body, status: answer.status };
}

export const get = async (path, query) => (await call(query ? `${path}?${new URLSearchParams(query)}` : path)).body;
export const post = (path, body, headers = {}) => call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });

export const remove = (path, headers = {}) => call(path, { method: 'DELETE', headers });

// randomUUID() is missing on plain http; a key has to be new, not secret.
export const freshKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, '0')).join('');

// Done once, however often it is sent: a lost answer is asked for again with the same key.
export async function act(caseNo, body, version) {
  const headers = { 'Idempotency-Key': freshKey(), ...(version ? { 'If-Match': `"${version}"` } : {}) };
  const path = `/api/v1/cases/${encodeURIComponent(caseNo)}/actions`;
  try {
    return await post(path, body, headers);
  } catch (failure) {
    if (failure.status !== 0 && failure.status !== 503) throw failure;
    return post(path, body, headers);
  }
}

const stamp = { timeZone: 'Asia/Shanghai', hour12: false };
export const time = (ms) => new Date(ms).toLocaleString('zh-CN', { ...stamp, month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' });
export const left = (ms) => {
  const minutes = Math.floor((ms - Date.now()) / 60000);
  return minutes < 0 ? words.over(words.duration(-minutes - 1)) : words.left(words.duration(minutes));
};
