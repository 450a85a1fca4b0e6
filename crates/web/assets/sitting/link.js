/* The way to the server: its clock, and answers that are sent until they are acknowledged. */

const PATIENCE = 15000;
/* Answers of one request, and about how many characters. */
const MOST = 50;
const WIDEST = 200000;
/* Typing is sent this long after it began. */
const TYPED = 1500;
const SLOWEST = 20000;

/* Asks; a network that does not answer is the status 0. */
export async function ask(method, path, { body, raw, proof, keepalive } = {}) {
  const headers = {};
  if (proof) headers.authorization = proof;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (raw !== undefined) headers['content-type'] = 'application/octet-stream';
  const stop = new AbortController();
  // A piece of a file takes its time on a slow line.
  const timer = setTimeout(() => stop.abort(), raw === undefined ? PATIENCE : 4 * PATIENCE);
  const sent = performance.now();
  try {
    const response = await fetch(path, {
      method, headers, keepalive: !!keepalive, signal: stop.signal, cache: 'no-store', redirect: 'error',
      credentials: proof ? 'omit' : 'same-origin', body: raw !== undefined ? raw : body === undefined ? undefined : JSON.stringify(body),
    });
    const got = performance.now();
    const text = await response.text();
    let read = {};
    try { read = text ? JSON.parse(text) : {}; } catch (e) { /* A proxy's page: only the status counts. */ }
    return { status: response.status, body: read, wait: Number(response.headers.get('retry-after')) * 1000, sent, got };
  } catch (e) {
    return { status: 0, body: {}, wait: 0, sent, got: performance.now() };
  } finally {
    clearTimeout(timer);
  }
}

/* Whether asking again later may help. */
export function passing(status) {
  return status === 0 || status === 429 || status >= 500;
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/* Longer each time, never all at once. */
export function backoff(times, wait) {
  const most = Math.min(SLOWEST, 1000 * Math.pow(2, times));
  return Math.max(wait || 0, most * (0.5 + Math.random() / 2));
}

/* The server's clock. The device's own is never asked what time it is, only whether the device slept. */
export class Clock {
  constructor() {
    this.offset = 0;
    this.trip = Infinity;
    this.at = -Infinity;
    this.gap = Date.now() - performance.now();
  }

  set(server, sent, got) {
    const trip = got - sent;
    // A quick answer tells the time better than a slow one, for some minutes.
    if (trip > this.trip * 1.5 && got - this.at < 180000 && !this.slept()) return;
    this.offset = server + trip / 2 - got;
    this.trip = trip;
    this.at = got;
    this.gap = Date.now() - performance.now();
  }

  /* Whether the device slept, or its clock was moved, since it was set. */
  slept() {
    return Math.abs(Date.now() - performance.now() - this.gap) > 2000;
  }

  now() { return Math.round(performance.now() + this.offset); }
}

/* Answers of an attempt. Each change is numbered by the server's clock, so that of two devices the later one wins. */
export class Link {
  constructor({ keep, clock, attempt, token, deadline, grace, tell, ended }) {
    Object.assign(this, { keep, clock, attempt, token, deadline, grace, tell, ended });
    this.records = new Map();
    this.last = 0;
    this.times = 0;
    this.savedAt = 0;
    this.busy = false;
    this.stopped = false;
    this.wake = () => {};
    this.later = null;
    this.uploads = null;
    this.back = () => { this.times = 0; this.wake(); this.send(); if (this.uploads) this.uploads.back(); };
    window.addEventListener('online', this.back);
  }

  get proof() { return 'Bearer ' + this.token; }

  key(item) { return 'a:' + this.attempt + ':' + item; }

  /* What was known before: kept here or told by the server. */
  take(record) {
    const have = this.records.get(record.item);
    if (have && have.seq >= record.seq) return;
    this.records.set(record.item, record);
    this.last = Math.max(this.last, record.seq);
  }

  unsent() {
    return Array.from(this.records.values()).filter((r) => !r.sent && !r.refused);
  }

  /* How much is not at the server yet: answers and files. */
  left() { return this.unsent().length + (this.uploads ? this.uploads.pending() : 0); }

  /* An answer was changed; what is typed is gathered for a moment. */
  async change(item, value, typed) {
    this.last = Math.max(this.last + 1, this.clock.now());
    const record = { item, seq: this.last, value, at: this.clock.now(), sent: false };
    this.records.set(item, record);
    this.tell();
    if (typed) {
      this.typed = this.typed || new Set();
      this.typed.add(item);
      if (!this.gather) this.gather = setTimeout(() => this.flush(), 300);
      if (!this.later) this.later = setTimeout(() => { this.later = null; this.flush().then(() => this.send()); }, TYPED);
      return;
    }
    await this.keep.put(this.key(item), record);
    this.send();
  }

  /* What was typed goes to disk. */
  async flush() {
    clearTimeout(this.gather);
    this.gather = null;
    const items = Array.from(this.typed || []);
    this.typed = null;
    await Promise.all(items.map((item) => this.keep.put(this.key(item), this.records.get(item))));
  }

  batch() {
    const batch = [];
    let width = 0;
    for (const r of this.unsent().sort((a, b) => a.seq - b.seq)) {
      width += JSON.stringify(r.value || '').length + 60;
      if (batch.length && (batch.length >= (this.most || MOST) || width > WIDEST)) break;
      batch.push(r);
    }
    return batch;
  }

  /* Sends until nothing is left, one request at a time. */
  async send() {
    if (this.busy || this.stopped) return;
    this.busy = true;
    try {
      for (let batch = this.batch(); batch.length && !this.stopped; batch = this.batch()) await this.put(batch);
    } finally {
      this.busy = false;
    }
    this.tell();
  }

  async put(batch) {
    const answers = batch.map(({ item, seq, value, at }) => ({ item, seq, value, at }));
    const reply = await ask('PUT', '/api/v1/attempts/' + this.attempt + '/answers', { body: { answers }, proof: this.proof });
    if (this.stopped) return;
    if (reply.status === 200) {
      this.times = 0;
      this.savedAt = this.clock.now();
      this.deadline = reply.body.deadline;
      this.news = Math.max(this.news || 0, reply.body.news || 0);
      await Promise.all(batch.map((r) => {
        // A later change took its place meanwhile: that one is still to be sent.
        if (this.records.get(r.item) !== r) return null;
        const kept = Object.assign({}, r, { sent: true });
        this.records.set(r.item, kept);
        return this.keep.put(this.key(r.item), kept);
      }));
      this.tell();
      return;
    }
    if (passing(reply.status)) {
      this.times += 1;
      this.tell();
      await Promise.race([pause(backoff(this.times, reply.wait)), new Promise((wake) => { this.wake = wake; })]);
      return;
    }
    if (reply.status === 413 && batch.length > 1) { this.most = Math.ceil(batch.length / 2); return; }
    if (reply.status === 422 && Array.isArray(reply.body.errors)) {
      // Those that are refused are named; the others are sent again without them.
      for (const fault of reply.body.errors) {
        const r = batch[Number((/^answers\.(\d+)\./.exec(fault.field) || [])[1])];
        if (r && this.records.get(r.item) === r) r.refused = fault.detail;
      }
      if (batch.some((r) => r.refused)) { this.tell(); return; }
    }
    this.end(reply);
  }

  /* Nothing more can be sent, and why. */
  end(reply) {
    if (this.stopped) return;
    this.stop();
    this.ended(reply.body.reason || String(reply.status), reply.body.detail || '');
  }

  stop() {
    this.stopped = true;
    if (this.uploads) this.uploads.stop();
    clearTimeout(this.later);
    this.wake();
    window.removeEventListener('online', this.back);
  }

  /* The page goes away: what is left goes after it. */
  async leave() {
    await this.flush();
    const batch = this.batch();
    if (!batch.length || this.stopped) return;
    const answers = batch.map(({ item, seq, value, at }) => ({ item, seq, value, at }));
    if (JSON.stringify(answers).length < 60000) {
      ask('PUT', '/api/v1/attempts/' + this.attempt + '/answers', { body: { answers }, proof: this.proof, keepalive: true });
    }
  }
}
