/* Files of upload questions: each is kept on this device until the server has it whole; it goes in pieces, so that a
   network that breaks costs one of them. */

import { ask, backoff, passing, pause } from './link.js';
import { el, icon, word } from './draw.js';

const PIECE = 256 * 1024;
const LARGEST = 32 * 1024 * 1024;
const ACCEPT = 'image/*,.pdf,.doc,.docx,.xls,.xlsx,.ppt,.pptx,.wps,.zip,.txt';
/* How often a file is sent from its beginning, when the server does not know it any more. */
const AGAIN = 3;

export class Uploads {
  constructor({ keep, link, attempt, items }) {
    Object.assign(this, { keep, link, attempt, items });
    this.records = [];
    this.names = new Map();
    this.times = 0;
    this.busy = false;
    this.stopped = false;
    this.wake = () => {};
    this.tell = () => {};
    this.paints = new Map();
  }

  get base() { return '/api/v1/attempts/' + this.attempt + '/files'; }

  static wanted(items) {
    return items.some((i) => i.kind === 'upload' || (i.parts || []).some((p) => p.kind === 'upload'));
  }

  /* What was chosen before a reload, and what the server has already. */
  async load() {
    if (!Uploads.wanted(this.items)) return;
    this.records = await this.keep.all('f:' + this.attempt + ':');
    for (const r of this.records) if (r.hash) this.names.set(r.hash, r.name);
    ask('GET', this.base, { proof: this.link.proof }).then((reply) => {
      for (const file of (reply.status === 200 && reply.body.files) || []) this.names.set(file.hash, file.name);
      this.repaint();
    });
    this.send();
  }

  /* The files of a field: of a question, or of a part of one. */
  value(name) {
    const [item, part] = name.split('-').map(Number);
    const record = this.link.records.get(item);
    const value = (record && record.value) || [];
    return (part === undefined ? value : value[part]) || [];
  }

  set(name, list) {
    const [item, part] = name.split('-').map(Number);
    const files = list.length ? list : null;
    if (part === undefined) { this.link.change(item, files); return; }
    const record = this.link.records.get(item);
    const whole = ((record && record.value) || this.items.find((i) => i.item === item).parts.map(() => null)).slice();
    whole[part] = files;
    this.link.change(item, whole.some(Boolean) ? whole : null);
  }

  pending() { return this.records.filter((r) => !r.hash && !r.refused).length; }

  async note(r) { await this.keep.put('f:' + this.attempt + ':' + r.id, r); }

  async add(name, file) {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, '0')).join('');
    const r = { id, field: name, name: file.name || id, size: file.size, sent: 0, upload: null, hash: null, refused: '' };
    if (file.size === 0 || file.size > LARGEST) r.refused = word('files-hint');
    this.records.push(r);
    this.changed();
    if (!r.refused) await this.keep.put('b:' + this.attempt + ':' + id, file);
    await this.note(r);
    this.send();
  }

  async drop(name, which) {
    const gone = (r) => r.field === name && (r.hash === which || r.id === which);
    for (const r of this.records.filter(gone)) {
      await this.keep.remove('b:' + this.attempt + ':' + r.id);
      await this.keep.remove('f:' + this.attempt + ':' + r.id);
    }
    this.records = this.records.filter((r) => !gone(r));
    const list = this.value(name);
    if (list.includes(which)) this.set(name, list.filter((hash) => hash !== which));
    this.changed();
  }

  /* Sends until nothing is left, one request at a time. */
  async send() {
    if (this.busy || this.stopped) return;
    this.busy = true;
    try {
      for (let r = this.next(); r && !this.stopped; r = this.next()) await this.push(r);
    } finally {
      this.busy = false;
    }
    this.changed();
  }

  next() { return this.records.find((r) => !r.hash && !r.refused); }

  async push(r) {
    const proof = this.link.proof;
    const at = this.base + '/' + r.upload;
    let reply;
    if (!r.upload) {
      reply = await ask('POST', this.base, { body: { name: r.name, size: r.size }, proof });
      if (reply.status === 201) { r.upload = reply.body.upload; r.sent = 0; }
    } else if (r.sent < r.size) {
      const blob = await this.keep.get('b:' + this.attempt + ':' + r.id);
      if (!blob) { await this.refuse(r, word('files-gone')); return; }
      reply = await ask('PUT', at + '?from=' + r.sent, { raw: blob.slice(r.sent, r.sent + PIECE), proof });
      if (reply.status === 200) r.sent = reply.body.received;
    } else {
      reply = await ask('POST', at, { proof });
      if (reply.status === 200) {
        r.hash = reply.body.hash;
        this.names.set(r.hash, r.name);
        const list = this.value(r.field);
        // The answer is kept on this device before the file is let go.
        if (!list.includes(r.hash)) this.set(r.field, list.concat(r.hash));
        await this.note(r);
        await this.keep.remove('b:' + this.attempt + ':' + r.id);
        this.changed();
        return;
      }
    }
    if (reply.status === 200 || reply.status === 201) {
      this.times = 0;
      await this.note(r);
      this.changed();
      return;
    }
    if (passing(reply.status)) {
      this.times += 1;
      this.changed();
      await Promise.race([pause(backoff(this.times, reply.wait)), new Promise((wake) => { this.wake = wake; })]);
      return;
    }
    if (reply.status === 404 && r.upload && (r.again || 0) < AGAIN) {
      r.upload = null;
      r.sent = 0;
      r.again = (r.again || 0) + 1;
      await this.note(r);
      return;
    }
    if (reply.status === 409) { this.stopped = true; this.link.end(reply); return; }
    const fault = Array.isArray(reply.body.errors) && reply.body.errors[0];
    await this.refuse(r, (fault && fault.detail) || reply.body.detail || String(reply.status));
  }

  async refuse(r, why) {
    r.refused = why;
    await this.note(r);
    this.changed();
  }

  /* The network is back. */
  back() { this.times = 0; this.wake(); this.send(); }

  stop() { this.stopped = true; this.wake(); }

  changed() { this.repaint(); this.tell(); }

  repaint() {
    for (const [list, paint] of this.paints) if (list.isConnected) paint(); else this.paints.delete(list);
  }

  /* Choosing, and what was chosen. A phone offers its camera. */
  field(name) {
    const list = el('ul', { class: 'sit-list', 'data-files': name });
    const hint = 'files-h-' + name;
    const input = el('input', { type: 'file', class: 'field w-100', id: 'files-' + name, multiple: true, accept: ACCEPT, 'aria-describedby': hint,
      onchange: (e) => { for (const file of Array.from(e.target.files)) this.add(name, file); e.target.value = ''; } });
    const row = (text, state, which, label) => el('li', { 'data-state': state }, icon(state === 'done' ? 'circle-check' : state === 'bad' ? 'alert-triangle' : 'cloud-upload'), ' ', text, ' ',
      el('button', { type: 'button', class: 'btn btn-quiet btn-sm', 'aria-label': word('remove', { name: label }), onclick: () => this.drop(name, which) }, icon('x')));
    const paint = () => {
      const focused = list.contains(document.activeElement);
      const done = this.value(name).map((hash) => {
        const label = this.names.get(hash) || hash.slice(0, 8);
        return row(word('files-done', { name: label }), 'done', hash, label);
      });
      const rest = this.records.filter((r) => r.field === name && !r.hash).map((r) => {
        if (r.refused) return row(word('files-refused', { name: r.name, why: r.refused }), 'bad', r.id, r.name);
        const percent = Math.floor(100 * r.sent / r.size);
        return row(word(this.times || !r.upload ? 'files-waiting' : 'files-going', { name: r.name, percent }), 'going', r.id, r.name);
      });
      list.replaceChildren(...done, ...rest);
      if (focused) input.focus();
    };
    this.paints.set(list, paint);
    paint();
    return el('div', {}, el('label', { for: 'files-' + name }, word('files-choose')), el('p', { class: 'hint', id: hint }, word('files-hint')), input, list);
  }
}
