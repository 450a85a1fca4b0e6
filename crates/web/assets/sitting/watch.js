/* What goes on around the sitting: one word to the server now and then, which brings its clock, its end and what is
   announced; what may be looked at later (the window was left, something was pasted); and other tabs. */

import { ask } from './link.js';

const EVERY = 30000;
const JITTER = 5000;
const MOST = 50;

export class Watch {
  constructor({ link, clock, keep, taken }) {
    Object.assign(this, { link, clock, keep, taken });
    this.signals = [];
    this.heard = 0;
    this.confirmed = 0;
    this.tab = String(Math.random());
    this.left = 0;
    this.listeners = [];
    this.channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('suneng-sitting');
  }

  on(target, name, act) {
    target.addEventListener(name, act);
    this.listeners.push([target, name, act]);
  }

  /* This tab goes on, any other lets go: what it typed is on disk before this one reads it. */
  async take() {
    this.confirmed = await this.keep.get('h:' + this.link.attempt) || 0;
    if (!this.channel) return;
    const { attempt } = this.link;
    const gone = new Promise((resolve) => {
      this.channel.onmessage = (e) => { if (e.data.gave === attempt && e.data.to === this.tab) resolve(); };
      setTimeout(resolve, 300);
    });
    this.channel.postMessage({ take: attempt, tab: this.tab });
    await gone;
    this.channel.onmessage = async (e) => {
      if (e.data.take !== attempt || e.data.tab === this.tab) return;
      this.link.stop();
      await this.link.flush();
      this.channel.postMessage({ gave: attempt, to: e.data.tab });
      this.taken();
    };
  }

  start(tell) {
    this.tell = tell;
    this.on(document, 'visibilitychange', () => {
      if (document.visibilityState === 'hidden') { this.away(); this.link.leave(); } else { this.back(); }
    });
    this.on(window, 'blur', () => this.away());
    this.on(window, 'focus', () => this.back());
    this.on(window, 'pagehide', () => this.link.leave());
    this.on(window, 'beforeunload', (e) => { if (this.link.unsent().length) { e.preventDefault(); e.returnValue = ''; } });
    this.on(document, 'paste', (e) => {
      const text = (e.clipboardData && e.clipboardData.getData('text')) || '';
      this.note('pasted', text.length);
    });
    this.on(document, 'fullscreenchange', () => { if (!document.fullscreenElement) this.note('fullscreen-left', 0); });
    this.again();
    this.ping();
  }

  away() { if (!this.left) this.left = this.clock.now(); }

  back() {
    if (!this.left) return;
    const seconds = Math.round((this.clock.now() - this.left) / 1000);
    this.left = 0;
    this.note('focus-lost', seconds);
    if (this.clock.slept()) this.ping();
    this.link.send();
  }

  /* Kept for a person to judge; only what it was, when and how much. */
  note(kind, amount) {
    if (this.signals.length < MOST) this.signals.push({ kind, amount: Math.min(amount, 1000000), at: this.clock.now() });
  }

  again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.again(); this.ping(); }, EVERY + (Math.random() * 2 - 1) * JITTER);
  }

  /* What was announced is confirmed. */
  confirm(number) {
    this.heard = Math.max(this.heard, number);
    this.confirmed = Math.max(this.confirmed, number);
    this.keep.put('h:' + this.link.attempt, this.confirmed);
    return this.ping();
  }

  async ping() {
    if (this.stopped) return;
    if (this.pinging) { this.more = true; return; }
    this.pinging = true;
    this.more = false;
    const sending = this.signals.slice();
    const body = { signals: sending, heard: this.heard };
    const reply = await ask('POST', '/api/v1/attempts/' + this.link.attempt + '/presence', { body, proof: this.link.proof });
    this.pinging = false;
    if (this.stopped) return;
    if (reply.status === 200) {
      this.signals.splice(0, sending.length);
      if (this.heard === body.heard) this.heard = 0;
      this.clock.set(reply.body.server_time, reply.sent, reply.got);
      this.link.deadline = reply.body.deadline;
      this.reached = true;
      this.tell(reply.body.news);
    } else if (reply.status === 0 || reply.status >= 500 || reply.status === 429) {
      this.reached = false;
      this.tell(null);
    } else {
      this.link.end(reply);
    }
    if (this.more) await this.ping();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const [target, name, act] of this.listeners) target.removeEventListener(name, act);
    if (this.channel) this.channel.close();
  }
}
