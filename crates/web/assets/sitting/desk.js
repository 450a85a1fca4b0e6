/* The desk: one question at a time, the card with all of them, the clock, what is saved and what is not. */

import { answered, bar, el, field, icon, kindName, length, time, word } from './draw.js';

const SIZES = ['', 'l', 'xl'];
/* Minutes before the end at which it is said aloud. */
const SAID = [10, 5, 1];

export class Desk {
  constructor({ known, link, clock, watch, marks, keep, account, show, submit }) {
    Object.assign(this, { known, link, clock, watch, marks, keep, account, show, submit });
    this.items = known.items;
    this.at = 0;
    this.pictures = new Map();
    this.news = new Map();
    this.said = new Set();
  }

  value(item) {
    const record = this.link.records.get(item.item);
    return record ? record.value : null;
  }

  open() {
    document.body.classList.add('exam-page');
    document.title = this.known.title;
    const quiet = (name, text, act, more) => el('button', Object.assign({ type: 'button', class: 'btn btn-quiet only-d', onclick: act }, more), icon(name), text);
    this.timer = el('div', { class: 'timer num', role: 'timer' });
    this.state = el('span', { class: 'saved' });
    this.phoneState = el('span', { class: 'saved' });
    this.count = el('span', { class: 'sub num' });
    this.aloud = el('p', { class: 'vh', role: 'status' });
    this.notes = el('div', {});
    this.form = el('form', { class: 'card q', 'aria-labelledby': 'q-title', onsubmit: (e) => e.preventDefault() });
    this.sheet = el('aside', { class: 'card sheet', id: 'sheet', 'aria-label': word('card'), tabindex: '-1' });
    this.toggle = el('button', { class: 'btn btn-plain num', type: 'button', 'aria-controls': 'sheet', 'aria-expanded': 'false', onclick: () => this.openSheet(!this.sheetOpen) });
    this.dialog = el('dialog', { class: 'dlg', 'aria-labelledby': 'hand-in' });
    const step = (by, name, text, tone) => el('button', { class: 'btn ' + tone, type: 'button', onclick: () => this.go(this.at + by) },
      by < 0 ? icon(name) : null, text, by > 0 ? icon(name) : null);
    this.show(
      el('a', { class: 'skip', href: '#q-title' }, word('skip')),
      el('header', { class: 'exam-top' },
        el('div', {}, el('h1', {}, this.known.title), el('div', { class: 'sub tiny' }, this.known.name || '')),
        this.timer,
        el('div', { class: 'exam-act' }, this.state,
          quiet('text-size', word('size'), () => this.size()), quiet('moon', word('dark'), () => this.dark()),
          el('button', { class: 'btn btn-plain only-d', type: 'button', onclick: () => this.ask() }, word('hand-in')))),
      el('div', { class: 'savebar' }, this.phoneState, this.count),
      el('main', { class: 'exam', id: 'main', tabindex: '-1' }, el('div', {}, this.notes, this.form), this.sheet),
      el('nav', { class: 'exam-bar', 'aria-label': word('acts') }, step(-1, 'chevron-left', word('previous'), 'btn-plain'), this.toggle, step(1, 'chevron-right', word('next'), 'btn-primary')),
      this.dialog, this.aloud,
      el('p', { class: 'print-no' }, word('no-print')));
    this.keys = (e) => this.key(e);
    document.addEventListener('keydown', this.keys);
    this.outside = (e) => { if (this.sheetOpen && !this.sheet.contains(e.target) && !this.toggle.contains(e.target)) this.openSheet(false); };
    document.addEventListener('click', this.outside);
    this.keep.onlost = () => this.told();
    this.go(0, true);
    this.tick();
  }

  close() {
    clearTimeout(this.ticking);
    document.removeEventListener('keydown', this.keys);
    document.removeEventListener('click', this.outside);
    document.body.classList.remove('exam-page', 'sheet-open');
    this.closed = true;
  }

  /* A question takes the place of the one before. */
  go(to, first) {
    if (to < 0 || to >= this.items.length) return;
    this.at = to;
    const item = this.items[to];
    const marked = this.marks.has(item.item);
    const flag = el('button', { type: 'button', class: 'btn btn-quiet btn-sm flag', 'aria-pressed': String(marked), onclick: () => this.mark() }, icon('flag'), word(marked ? 'marked' : 'mark'));
    const context = { name: item.item, media: item.media, picture: (hash) => this.picture(hash), files: this.link.uploads };
    this.field = field(item, this.value(item), (value, typed) => this.change(item, value, typed), context);
    const steps = el('div', { class: 'q-nav' },
      el('button', { class: 'btn btn-plain btn-lg2', type: 'button', onclick: () => this.go(this.at - 1), disabled: to === 0 }, icon('chevron-left'), word('previous')),
      el('span', { class: 'hint' }, word('keys')),
      el('button', { class: 'btn btn-primary btn-lg2', type: 'button', onclick: () => (this.at === this.items.length - 1 ? this.ask() : this.go(this.at + 1)) },
        to === this.items.length - 1 ? word('check') : word('next'), icon('chevron-right')));
    const clear = this.field.clear ? el('button', { type: 'button', class: 'btn btn-quiet btn-sm', onclick: () => this.field.clear() }, icon('x'), word('clear')) : null;
    this.fault = el('p', { class: 'err', role: 'alert' });
    this.form.replaceChildren(
      el('div', { class: 'q-head num' }, el('h2', { id: 'q-title', tabindex: '-1' }, word('number', { n: to + 1 })), el('span', {}, word('of', { n: this.items.length })),
        el('span', { class: 'tag' }, kindName(item.kind)), el('span', { class: 'only-d' }, word('worth', { n: item.points / 1000 })), flag),
      this.field, this.fault, el('div', { class: 'q-foot' }, clear), steps);
    this.openSheet(false);
    this.paint();
    if (!first) { document.getElementById('q-title').focus({ preventScroll: true }); window.scrollTo(0, 0); }
  }

  change(item, value, typed) {
    if (this.over()) return;
    this.link.change(item.item, value, typed);
    this.paint();
  }

  mark() {
    const { item } = this.items[this.at];
    if (this.marks.has(item)) this.marks.delete(item); else this.marks.add(item);
    const flag = this.form.querySelector('.flag');
    flag.setAttribute('aria-pressed', String(this.marks.has(item)));
    flag.replaceChildren(icon('flag'), word(this.marks.has(item) ? 'marked' : 'mark'));
    this.keep.put('m:' + this.known.attempt, Array.from(this.marks));
    this.paint();
  }

  /* A picture comes with the proof of the sitting; the policy of the page takes it as data only. */
  picture(hash) {
    if (!this.pictures.has(hash)) {
      this.pictures.set(hash, fetch('/api/v1/attempts/' + this.known.attempt + '/pictures/' + hash, { headers: { authorization: this.link.proof }, credentials: 'omit' })
        .then((r) => (r.ok ? r.blob() : null))
        .then((blob) => blob && new Promise((resolve) => {
          const reader = new FileReader();
          reader.onload = () => resolve(reader.result);
          reader.readAsDataURL(blob);
        }))
        .catch(() => { this.pictures.delete(hash); return null; }));
    }
    return this.pictures.get(hash);
  }

  counts() {
    const done = this.items.filter((i) => answered(this.value(i))).length;
    return { done, all: this.items.length, left: this.items.length - done, marked: this.marks.size, unsent: this.link.left() };
  }

  /* The card: one stop for Tab, arrows within. */
  paint() {
    if (!this.sheet) return;
    const c = this.counts();
    const unsent = new Set(this.link.unsent().map((r) => r.item).concat(this.link.uploads.records.filter((r) => !r.hash && !r.refused).map((r) => parseInt(r.field, 10))));
    const groups = [];
    this.items.forEach((item, n) => {
      const last = groups[groups.length - 1];
      if (last && last.section === item.section) last.cells.push(n); else groups.push({ section: item.section, points: item.points, cells: [n] });
    });
    const cell = (n) => {
      const { item } = this.items[n];
      const done = answered(this.value(this.items[n]));
      const names = [word('number', { n: n + 1 }), word(done ? 'answered' : 'unanswered')];
      if (this.marks.has(item)) names.push(word('is-marked'));
      if (unsent.has(item)) names.push(word('is-unsent'));
      const classes = [done ? 'ok' : '', this.marks.has(item) ? 'mk' : '', unsent.has(item) ? 'un' : '', n === this.at ? 'now' : ''].join(' ');
      return el('li', {}, el('button', { type: 'button', class: classes, 'aria-label': names.join(word('comma')), 'aria-current': n === this.at ? 'true' : null, tabindex: n === this.at ? '0' : '-1', 'data-n': n, onclick: () => this.go(n) }, String(n + 1)));
    };
    const focused = this.sheet.contains(document.activeElement) ? document.activeElement.getAttribute('data-n') : null;
    const bars = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    bars.setAttribute('class', 'sit-bar');
    bars.setAttribute('viewBox', '0 0 100 6');
    bars.setAttribute('preserveAspectRatio', 'none');
    bars.setAttribute('aria-hidden', 'true');
    for (const [name, width] of [['bg', 100], ['fg', 100 * c.done / c.all]]) {
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      rect.setAttribute('class', name);
      rect.setAttribute('width', width);
      rect.setAttribute('height', 6);
      bars.append(rect);
    }
    const key = (name, text) => el('li', {}, el('i', { class: name }), text);
    this.sheet.replaceChildren(
      el('h2', {}, word('card'), el('small', { class: 'num' }, word('done-of', { n: c.done, all: c.all }))), bars,
      ...groups.map((g) => [g.section || groups.length > 1 ? el('p', { class: 'grp' }, el('span', {}, g.section), el('span', { class: 'num' }, word('each', { n: g.points / 1000 }))) : null, el('ol', { class: 'ans num' }, ...g.cells.map(cell))]).flat().filter(Boolean),
      el('ul', { class: 'keys num' }, key('ok', word('key-done', { n: c.done })), key('', word('key-left', { n: c.left })), key('now', word('key-now')), key('mk', word('key-marked', { n: c.marked })), key('un', word('key-unsent', { n: c.unsent }))),
      el('div', { class: 'sheet-act only-m' },
        el('div', { class: 'row-wrap' }, el('button', { class: 'btn btn-plain', type: 'button', onclick: () => this.size() }, icon('text-size'), word('size')), el('button', { class: 'btn btn-plain', type: 'button', onclick: () => this.dark() }, icon('moon'), word('dark'))),
        el('button', { class: 'btn btn-primary w-100', type: 'button', onclick: () => { this.openSheet(false); this.ask(); } }, word('check'))));
    if (focused !== null) { const b = this.sheet.querySelector('[data-n="' + focused + '"]'); if (b) b.focus(); }
    this.toggle.replaceChildren(icon('list-check'), word('card'), ' ' + c.done + '/' + c.all);
    this.count.textContent = word('done-of', { n: c.done, all: c.all });
    this.told();
  }

  openSheet(open) {
    if (!!this.sheetOpen === open) return;
    this.sheetOpen = open;
    document.body.classList.toggle('sheet-open', open);
    this.toggle.setAttribute('aria-expanded', String(open));
    if (open) this.sheet.focus(); else if (this.sheet.contains(document.activeElement)) this.toggle.focus();
  }

  /* What is saved, in one line that never speaks by itself; only a change of the weather is said aloud. */
  told() {
    if (!this.state || this.closed) return;
    const { unsent } = this.counts();
    const waiting = this.link.times > 0 || this.link.uploads.times > 0;
    const offline = waiting || this.watch.reached === false;
    let name = 'circle-check';
    let text = this.link.savedAt ? word('saved', { time: time(this.link.savedAt) }) : word('saved-none');
    if (unsent) {
      name = offline ? 'wifi-off' : 'cloud-upload';
      text = word(offline ? (this.keep.durable ? 'unsent-kept' : 'unsent-memory') : 'sending', { n: unsent });
    }
    for (const place of [this.state, this.phoneState]) {
      place.className = unsent ? 'saved pending' : 'saved';
      place.setAttribute('data-unsent', unsent);
      place.replaceChildren(icon(name), el('span', { class: 'num' }, text));
    }
    this.note('offline', offline, () => bar('warn', 'wifi-off', el('b', {}, word('offline')), ' ', word(this.keep.durable ? 'offline-text' : 'offline-memory')));
    this.note('memory', !this.keep.durable, () => bar('bad', 'alert-triangle', el('b', {}, word('memory')), ' ', word('memory-text')));
    const record = this.link.records.get(this.items[this.at].item);
    if (this.fault) this.fault.textContent = record && record.refused ? word('refused', { why: record.refused }) : '';
    if (this.offline !== undefined && this.offline !== offline) this.say(word(offline ? 'offline' : 'online'));
    this.offline = offline;
    for (const button of this.sheet.querySelectorAll('[data-n]')) {
      const r = this.link.records.get(this.items[Number(button.getAttribute('data-n'))].item);
      button.classList.toggle('un', !!r && !r.sent);
    }
    const key = this.sheet.querySelector('.keys li:last-child');
    if (key) key.lastChild.textContent = word('key-unsent', { n: unsent });
  }

  note(name, on, make) {
    const there = this.notes.querySelector('[data-note="' + name + '"]');
    if (on && !there) { const box = make(); box.setAttribute('data-note', name); this.notes.append(box); }
    if (!on && there) there.remove();
  }

  say(text) { this.aloud.textContent = text; }

  /* Announcements stay until they are confirmed. */
  tell(news) {
    if (this.closed) return;
    this.told();
    for (const n of news || []) {
      if (this.news.has(n.number)) continue;
      this.news.set(n.number, n);
      if (n.number <= this.watch.confirmed) continue;
      const box = bar('warn', 'microphone', el('b', {}, word('announced', { time: time(n.at) })), ' ', n.text, ' ',
        el('button', { type: 'button', class: 'btn btn-plain btn-sm', onclick: () => { box.remove(); this.watch.confirm(n.number); } }, word('heard')));
      box.setAttribute('data-news', n.number);
      box.setAttribute('role', 'alert');
      this.notes.append(box);
    }
  }

  over() { return this.clock.now() >= this.link.deadline; }

  tick() {
    if (this.closed) return;
    const left = (this.link.deadline - this.clock.now()) / 1000;
    const text = length(left);
    if (text !== this.shownTime) {
      this.shownTime = text;
      this.timer.classList.toggle('low', left <= 300);
      this.timer.setAttribute('aria-label', word('left-aloud', { time: text }));
      this.timer.replaceChildren(icon('clock'), text, el('small', {}, word('left')));
    }
    for (const minutes of SAID) {
      if (left <= minutes * 60 && left > minutes * 60 - 30 && !this.said.has(minutes)) { this.said.add(minutes); this.say(word('left-aloud', { time: text })); }
    }
    if ((this.link.news || 0) > Math.max(0, ...this.news.keys()) && !this.asking) {
      this.asking = true;
      this.watch.ping().then(() => { this.asking = false; });
    }
    if (left <= 0) { this.end(); return; }
    this.ticking = setTimeout(() => this.tick(), 250);
  }

  /* Time is over: nothing is taken any more, what is left is sent within the grace. */
  async end() {
    this.form.querySelectorAll('input, textarea, select, button').forEach((i) => { i.disabled = true; });
    if (this.dialog.open) this.dialog.close();
    this.say(word('over'));
    this.note('over', true, () => bar('warn', 'clock', el('b', {}, word('over')), ' ', word('over-text')));
    await this.link.flush();
    // The room may have given time that this page has not heard of.
    await this.watch.ping();
    if (this.closed) return;
    if (!this.over()) { this.again(); return; }
    const last = this.link.deadline + this.link.grace * 1000;
    while (!this.closed && this.link.left() && this.clock.now() < last) {
      this.link.back();
      await new Promise((done) => setTimeout(done, 1000));
      if (!this.over()) { this.again(); return; }
    }
    if (!this.closed) this.submit();
  }

  /* More time was given after the end. */
  again() {
    this.note('over', false);
    this.go(this.at);
    this.tick();
  }

  /* Handing in lists what is not answered, marked or not sent. */
  async ask() {
    await this.link.flush();
    this.link.send();
    const c = this.counts();
    const numbers = (test) => this.items.map((item, n) => (test(item) ? n : -1)).filter((n) => n >= 0);
    const list = (key, found) => (found.length === 0 ? null : el('div', {}, el('p', {}, word(key, { n: found.length })),
      el('ol', { class: 'ans num' }, ...found.map((n) => el('li', {}, el('button', { type: 'button', onclick: () => { this.dialog.close(); this.go(n); } }, String(n + 1)))))));
    const wait = el('p', { class: 'err', role: 'status' });
    const sure = el('button', { class: 'btn btn-primary', type: 'button', 'data-sure': true }, word('hand-in-sure'));
    sure.addEventListener('click', async () => {
      for (let n = 0; this.link.left() && n < 20; n += 1) {
        wait.textContent = word('hand-in-unsent', { n: this.link.left() });
        this.link.back();
        await new Promise((done) => setTimeout(done, 500));
      }
      if (this.link.left() || !this.dialog.open) { wait.textContent = word('hand-in-wait', { n: this.link.left() }); return; }
      this.dialog.close();
      this.submit();
    });
    this.dialog.replaceChildren(el('h2', { id: 'hand-in' }, word('hand-in')), el('p', { class: 'num' }, word('hand-in-text', { n: c.done, all: c.all })),
      ...[list('hand-in-left', numbers((i) => !answered(this.value(i)))), list('hand-in-marked', numbers((i) => this.marks.has(i.item)))].filter(Boolean), wait,
      el('div', { class: 'row-wrap mt-3 end' }, el('button', { class: 'btn btn-plain', type: 'button', autofocus: true, onclick: () => this.dialog.close() }, word('go-on')), sure));
    if (!this.dialog.open) this.dialog.showModal();
  }

  size() {
    const html = document.documentElement;
    const at = SIZES.indexOf(html.getAttribute('data-size') || '');
    html.setAttribute('data-size', SIZES[(at + 1) % SIZES.length]);
  }

  dark() {
    const html = document.documentElement;
    html.setAttribute('data-bs-theme', html.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark');
  }

  key(e) {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'p') { e.preventDefault(); this.say(word('no-print')); return; }
    if (e.key === 'Escape' && this.sheetOpen) { this.openSheet(false); return; }
    if (e.ctrlKey || e.metaKey || e.altKey || this.dialog.open || e.isComposing) return;
    const t = e.target;
    const chosen = t.type === 'radio' || t.type === 'checkbox';
    if (!chosen && /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName)) return;
    const cell = t.closest && t.closest('[data-n]');
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (cell) {
      const move = by || { ArrowUp: -8, ArrowDown: 8 }[e.key];
      const next = move && this.sheet.querySelector('[data-n="' + (Number(cell.getAttribute('data-n')) + move) + '"]');
      if (next) { e.preventDefault(); next.focus(); }
      return;
    }
    // An input method hides the key's name but not its place.
    const name = (e.key === 'Process' ? e.code.slice(-1) : e.key).toUpperCase();
    if (by) { e.preventDefault(); this.go(this.at + by); return; }
    if (name === 'M') { e.preventDefault(); if (!e.repeat) this.mark(); return; }
    if (name === 'ENTER' && (chosen || !/^(BUTTON|A|SUMMARY)$/.test(t.tagName))) {
      e.preventDefault();
      if (e.repeat) return;
      if (this.at === this.items.length - 1) this.ask(); else this.go(this.at + 1);
      return;
    }
    if (/^[A-Z]$/.test(name) && this.field.pick && !e.repeat && !this.over() && this.field.pick(name.charCodeAt(0) - 65)) e.preventDefault();
  }
}
