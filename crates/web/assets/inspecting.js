/* Answers of a checklist and their photos are kept on the device until the server says that it has them: each change gets
   the next number of the device, goes out in order, and goes out again after a break or a reload; the server takes each
   number once, and a photo by its content. Without script the form is sent section by section. */

import { Keep } from './sitting/keep.js';

const WAIT = 700;
const AGAIN = 15000;
const OWN = /^(v|na|n|p)-/;

const form = document.querySelector('form[data-inspecting]');
const account = document.body.getAttribute('data-account');
if (form && account && window.fetch && window.indexedDB) begin();

async function begin() {
  const keep = await Keep.open();
  const place = form.getAttribute('data-inspecting');
  const key = 'inspecting-' + account + '-' + form.getAttribute('data-task');
  const pictures = key + '-photo-';
  const said = form.querySelector('[data-said]');
  const timers = new Map();
  let sending = false;
  const state = (await keep.get(key)) || { device: random(), seq: 0, puts: [] };
  let photos = await keep.all(pictures);

  function random() {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
  }

  function say(what) {
    const left = state.puts.length + photos.length;
    said.textContent = form.getAttribute(what) + (left ? ' (' + left + ')' : '');
  }

  const sectionOf = (item) => form.querySelector('[data-item="' + item + '"]');

  function fieldsOf(section) {
    const all = Array.from(section.querySelectorAll('[name]')).filter((c) => OWN.test(c.name));
    const set = all.filter((c) => (c.type !== 'radio' && c.type !== 'checkbox') || c.checked);
    return set.filter((c) => c.value !== '').map((c) => [c.name, c.value]);
  }

  /* What was typed and did not arrive is newer than what the server showed. */
  function restore(put) {
    const section = sectionOf(put.item);
    if (!section) return;
    section.querySelectorAll('[name]').forEach((c) => {
      if (!OWN.test(c.name)) return;
      const own = put.fields.filter((f) => f[0] === c.name);
      if (c.type === 'radio' || c.type === 'checkbox') c.checked = own.some((f) => f[1] === c.value);
      else c.value = own.length ? own[0][1] : '';
    });
  }

  async function changed(section) {
    const item = section.getAttribute('data-item');
    state.seq += 1;
    state.puts = state.puts.filter((p) => p.item !== item);
    state.puts.push({ seq: state.seq, item: item, fields: fieldsOf(section) });
    await keep.put(key, state);
    send();
  }

  function taken(answer, items) {
    items.forEach((item) => {
      const section = sectionOf(item);
      const line = section && section.querySelector('[data-fault]');
      if (!line) return;
      const own = answer.faults.filter((f) => f[0] === 'v-' + item);
      line.textContent = own.length ? own[0][1] : '';
      line.hidden = !own.length;
    });
    answer.open.forEach(([code, n]) => {
      const mark = document.querySelector('[data-open="' + code + '"]');
      if (!mark) return;
      mark.textContent = n;
      mark.hidden = !n;
    });
  }

  /* The response, or nothing where it must wait. */
  async function post(to, body, headers) {
    let r = null;
    try {
      r = await fetch(to, { method: 'POST', credentials: 'same-origin', headers: headers, body: body });
    } catch (e) {
      say('data-waiting');
      return null;
    }
    if (r.status === 401 || new URL(r.url).pathname === '/sign-in') say('data-signed-out');
    else if (!r.ok) say('data-refused');
    else return r;
    return null;
  }

  async function sendAnswers() {
    while (state.puts.length) {
      const puts = state.puts.slice();
      const body = JSON.stringify({ device: state.device, puts: puts });
      const r = await post(place, body, { 'content-type': 'application/json', accept: 'application/json' });
      if (!r) return false;
      const answer = await r.json();
      state.puts = state.puts.filter((p) => p.seq > answer.seq);
      await keep.put(key, state);
      taken(answer, puts.map((p) => p.item));
    }
    return true;
  }

  async function sendPhotos() {
    for (const photo of photos.slice()) {
      const body = new FormData();
      body.append('item', photo.item);
      body.append('file', photo.blob, photo.name);
      const r = await post(photo.to, body, {});
      if (!r) return false;
      photos = photos.filter((p) => p !== photo);
      await keep.remove(pictures + photo.id);
    }
    return true;
  }

  async function send() {
    if (sending || !(state.puts.length || photos.length)) return;
    sending = true;
    try {
      if ((await sendAnswers()) && (await sendPhotos())) say('data-kept');
    } finally {
      sending = false;
    }
  }

  async function pictured(input) {
    const to = input.form.action;
    const item = input.form.querySelector('[name=item]').value;
    for (const file of Array.from(input.files)) {
      const photo = { id: random(), item: item, to: to, name: file.name, blob: file };
      photos.push(photo);
      await keep.put(pictures + photo.id, photo);
    }
    input.value = '';
    say('data-waiting');
    send();
  }

  function touched(e) {
    if (e.target.type === 'file') {
      if (e.type === 'change') pictured(e.target);
      return;
    }
    const section = e.target.closest('[data-item]');
    if (!section || !OWN.test(e.target.name || '')) return;
    const item = section.getAttribute('data-item');
    clearTimeout(timers.get(item));
    timers.set(item, setTimeout(() => { timers.delete(item); changed(section); }, e.type === 'change' ? 0 : WAIT));
  }

  /* Without a network the page stays as it is: all that was typed is kept here. */
  form.addEventListener('submit', (e) => {
    if (navigator.onLine !== false) return;
    e.preventDefault();
    say('data-waiting');
  });

  state.puts.forEach(restore);
  form.addEventListener('input', touched);
  form.addEventListener('change', touched);
  window.addEventListener('online', send);
  window.addEventListener('focus', send);
  setInterval(send, AGAIN);
  send();
}
