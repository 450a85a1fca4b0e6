/* Answers of a checklist and their photos are kept on the device until the server says that it has them: each change gets
   the next number of the device, goes out in order, and goes out again after a break or a reload; the server takes each
   number once, and a photo by its content. Tabs of one browser share what waits. Pages of filling in open without a network
   where the browser allows it (the worker beside this file). Without script the form is sent section by section. */

import { Keep } from './sitting/keep.js';

const WAIT = 700;
const AGAIN = 5000;
const OWN = /^(v|na|n|p)-/;

const own = document.querySelector('script[data-with]');
const form = document.querySelector('form[data-inspecting]');
const account = document.body.getAttribute('data-account');
if (form && account && window.fetch && window.indexedDB) begin();

function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

async function begin() {
  let keep = null;
  let ready = () => {};
  /* What is typed before the device has answered waits for it. A browser that fills a form again by itself says so in the
     same way: what the device kept holds against that. */
  const live = new Promise((resolve) => { ready = resolve; });
  const place = form.getAttribute('data-inspecting');
  const filling = form.hasAttribute('data-filling');
  const key = 'inspecting-' + account + '-' + form.getAttribute('data-task');
  const said = form.querySelector('[data-said]');
  const count = form.querySelector('[data-unsent]');
  const timers = new Map();
  const mem = random();
  const typing = new Set();
  const held = new Map();
  let sending = false;
  let more = false;
  let failed = '';

  const puts = async () => (await keep.all(key + '-put-')).sort((a, b) => a.seq - b.seq);
  const photos = () => keep.all(key + '-photo-');
  /* No key begins another one. */
  const putKey = (item) => key + '-put-' + item + '!';
  const sectionOf = (item) => form.querySelector('[data-item="' + item + '"]');

  async function tell(what) {
    failed = what && what !== 'data-kept' ? what : '';
    const left = (await puts()).length + (await photos()).length;
    if (what && !(left && what === 'data-kept')) said.textContent = form.getAttribute(what);
    else if (left) said.textContent = form.getAttribute(keep.durable ? 'data-sending' : 'data-lost');
    count.setAttribute('data-unsent', left);
    count.hidden = !left;
    count.querySelector('b').textContent = left;
  }

  function fieldsOf(section) {
    const all = Array.from(section.querySelectorAll('[name]')).filter((c) => OWN.test(c.name));
    const set = all.filter((c) => (c.type !== 'radio' && c.type !== 'checkbox') || c.checked);
    return set.filter((c) => c.value !== '').map((c) => [c.name, c.value]);
  }

  function show(section, fields) {
    section.querySelectorAll('[name]').forEach((c) => {
      if (!OWN.test(c.name)) return;
      const told = fields.filter((f) => f[0] === c.name);
      if (c.type === 'radio' || c.type === 'checkbox') c.checked = told.some((f) => f[1] === c.value);
      else c.value = told.length ? told[0][1] : '';
    });
  }

  function fault(section, text) {
    const line = section.querySelector('[data-fault]');
    line.textContent = text;
    line.hidden = !text;
  }

  const markOf = (section) => section.querySelector('[data-seen]');

  /* What was typed and did not arrive is newer than what the server showed; so is what arrived after a kept page. */
  async function restore() {
    for (const known of await keep.all(key + '-known-')) {
      const section = sectionOf(known.item);
      if (!section || !known.bases.includes(markOf(section).value)) continue;
      show(section, known.fields);
      markOf(section).value = known.bases[known.bases.length - 1];
      if (known.fault) fault(section, known.fault);
    }
    for (const put of await puts()) {
      const section = sectionOf(put.item);
      if (section) show(section, put.fields);
    }
  }

  /* Number and answer are written together: who reads a number has all before it. */
  async function next(section) {
    const item = section.getAttribute('data-item');
    const before = (await puts()).filter((p) => p.item === item)[0];
    const put = { item: item, fields: fieldsOf(section), seen: before ? before.seen : markOf(section).value };
    if (keep.durable) {
      await keep.change((store) => {
        const asked = store.get(key + '-device');
        asked.onsuccess = () => {
          const device = asked.result || { id: mem, seq: 0 };
          device.seq += 1;
          put.seq = device.seq;
          store.put(device, key + '-device');
          store.put(put, putKey(item));
        };
      });
    }
    if (keep.durable) return;
    const device = (await keep.get(key + '-device')) || { id: mem, seq: 0 };
    device.seq += 1;
    put.seq = device.seq;
    await keep.put(key + '-device', device);
    await keep.put(putKey(item), put);
  }

  /* On the device, and nothing newer typed since. */
  function written(item) {
    if (!timers.has(item)) typing.delete(item);
    form.toggleAttribute('data-writing', typing.size > 0);
  }

  async function changed(section) {
    await live;
    await next(section);
    written(section.getAttribute('data-item'));
    await tell('');
    send();
  }

  async function arrived(put, answer) {
    const before = (await keep.get(key + '-known-' + put.item + '!')) || { bases: [] };
    const told = answer.faults.filter((f) => f[0] === 'v-' + put.item);
    const rival = answer.rivals.includes(put.item);
    const why = told.length ? told[0][1] : rival ? form.getAttribute('data-rival') : '';
    const bases = before.bases.includes(put.seen) ? before.bases : [put.seen];
    const mark = answer.marks[put.item] || put.seen;
    /* What was not understood did not move what stands. */
    if (!told.length && bases[bases.length - 1] !== mark) bases.push(mark);
    const known = { item: put.item, fields: put.fields, bases: bases.slice(-40), fault: why };
    /* What is kept beside another answer is there to be chosen, not to be typed again. */
    if (rival) await keep.remove(key + '-known-' + put.item + '!');
    else await keep.put(key + '-known-' + put.item + '!', known);
    held.forEach((item, id) => { if (item === put.item) held.delete(id); });
    const section = sectionOf(put.item);
    if (!section) return;
    fault(section, why);
    if (!told.length && !rival) markOf(section).value = mark;
  }

  /* What arrived goes, unless something newer was typed meanwhile. */
  async function settle(put) {
    const at = putKey(put.item);
    if (keep.durable) {
      await keep.change((store) => {
        const asked = store.get(at);
        asked.onsuccess = () => { if (asked.result && asked.result.seq <= put.seq) store.delete(at); };
      });
    }
    const now = keep.memory.get(at);
    if (now && now.seq <= put.seq) keep.memory.delete(at);
  }

  /* The response, or nothing where it must wait. */
  async function post(to, body, headers) {
    let r = null;
    try {
      r = await fetch(to, { method: 'POST', credentials: 'same-origin', headers: headers, body: body });
    } catch (e) {
      await tell('data-waiting');
      return null;
    }
    if (r.status === 401 || new URL(r.url).pathname === '/sign-in') await tell('data-signed-out');
    else if (r.status >= 500) await tell('data-waiting');
    else return r;
    return null;
  }

  async function sendAnswers() {
    for (;;) {
      const waiting = await puts();
      if (!waiting.length) return true;
      const device = await keep.get(key + '-device');
      const body = JSON.stringify({ device: device.id, puts: waiting });
      const r = await post(place, body, { 'content-type': 'application/json', accept: 'application/json' });
      if (!r) return false;
      if (!r.ok) {
        await tell('data-refused');
        return false;
      }
      const answer = await r.json();
      for (const put of waiting.filter((p) => p.seq <= answer.seq)) {
        await arrived(put, answer);
        await settle(put);
      }
      answer.open.forEach(([code, n]) => {
        const mark = document.querySelector('[data-open="' + code + '"]');
        if (!mark) return;
        mark.textContent = n;
        mark.hidden = !n;
      });
    }
  }

  /* A photo stays until it was taken: one that was refused keeps none of the others back. */
  async function sendPhotos() {
    let all = true;
    let page = '';
    for (const photo of await photos()) {
      if (held.has(photo.id)) { all = false; continue; }
      const body = new FormData();
      body.append('item', photo.item);
      body.append('file', photo.blob, photo.name);
      const r = await post(photo.to, body, {});
      if (!r) return false;
      const text = await r.text();
      const section = sectionOf(photo.item);
      if (r.redirected && new URL(r.url).pathname.endsWith('/fill')) {
        page = text;
        await keep.remove(key + '-photo-' + photo.id);
        if (section) pictures(section, text);
      } else {
        all = false;
        held.set(photo.id, photo.item);
        if (section) fault(section, form.getAttribute('data-photo-first'));
        await tell('data-refused');
      }
    }
    if (page) later();
    return all;
  }

  function pictures(section, text) {
    const there = new DOMParser().parseFromString(text, 'text/html').querySelector('#' + CSS.escape(section.id) + ' [data-files]');
    if (!there) return;
    section.querySelector('[data-files]').replaceWith(document.adoptNode(there));
    fault(section, '');
  }

  async function send() {
    more = sending;
    if (sending) return;
    sending = true;
    try {
      const had = (await puts()).length + (await photos()).length;
      if (had && (await sendAnswers()) && (await sendPhotos())) await tell('data-kept');
      else if (!had && failed) await tell('data-kept');
    } finally {
      sending = false;
    }
    await tell(failed);
    if (more) send();
  }

  async function pictured(input) {
    const to = input.form.action;
    const item = input.form.querySelector('[name=item]').value;
    const files = Array.from(input.files);
    await live;
    for (const file of files) {
      const photo = { id: random(), item: item, to: to, name: file.name, blob: file };
      await keep.put(key + '-photo-' + photo.id, photo);
    }
    input.value = '';
    await tell('');
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
    typing.add(item);
    form.setAttribute('data-writing', '');
    clearTimeout(timers.get(item));
    timers.set(item, setTimeout(() => { timers.delete(item); changed(section); }, e.type === 'change' ? 0 : WAIT));
  }

  async function flush() {
    for (const [item, timer] of Array.from(timers)) {
      clearTimeout(timer);
      timers.delete(item);
      await next(sectionOf(item));
      written(item);
    }
  }

  /* On to the next section, with a network or without; handing in waits until all has arrived. */
  form.addEventListener('submit', async (e) => {
    const to = e.submitter && e.submitter.getAttribute('data-to');
    if (filling) e.preventDefault();
    else if (count.hidden) return;
    else e.preventDefault();
    await live;
    await flush();
    await send();
    const left = (await puts()).length + (await photos()).length;
    if (!filling || (left && to && to.indexOf('?') < 0)) await tell(left ? 'data-first' : 'data-kept');
    if (!filling && !left) form.requestSubmit();
    if (filling && to && !(left && to.indexOf('?') < 0)) location.assign(to);
  });

  /* Where one is, by the phone, when one asks for it. */
  function here(button) {
    if (!navigator.geolocation) { button.remove(); return; }
    button.hidden = false;
    button.addEventListener('click', () => {
      navigator.geolocation.getCurrentPosition(({ coords }) => {
        const field = document.getElementById(button.getAttribute('data-here'));
        field.value = coords.latitude.toFixed(5) + ', ' + coords.longitude.toFixed(5) + ' ±' + Math.round(coords.accuracy) + ' m';
        field.dispatchEvent(new Event('change', { bubbles: true }));
      }, () => { button.textContent = button.getAttribute('data-none'); }, { timeout: 15000, maximumAge: 60000 });
    });
  }

  /* Pages and what they are made of, kept by the worker under the versions of their files. */
  async function later() {
    if (!filling || !navigator.serviceWorker) return;
    const of = (all, name) => Array.from(document.querySelectorAll(all), (e) => e.getAttribute(name).split('#')[0]);
    const assets = of('link[rel=stylesheet], link[rel=icon]', 'href').concat(of('script[src]', 'src'), of('svg use', 'href').slice(0, 1));
    const version = assets.concat(own.getAttribute('data-with')).map((url) => url.split('/')[2]).join('');
    const pages = of('.tabs a', 'href').concat(location.pathname);
    try {
      await navigator.serviceWorker.register(own.getAttribute('data-worker'), { scope: '/inspections/tasks/' });
      const { active } = await navigator.serviceWorker.ready;
      const module = new URL('./sitting/keep.js', own.src).pathname;
      const heard = new MessageChannel();
      heard.port1.onmessage = () => form.setAttribute('data-offline', '');
      /* A slow network may outlast the patience of the browser: what is kept by then is not fetched again. */
      setTimeout(() => { if (!form.hasAttribute('data-offline')) later(); }, AGAIN * 4);
      active.postMessage({ account: account, version: version, fresh: location.pathname + location.search, pages: pages, assets: assets.concat(module) }, [heard.port2]);
    } catch (e) {
      form.removeAttribute('data-offline');
    }
  }

  form.addEventListener('input', touched);
  form.addEventListener('change', touched);
  const opened = await Keep.open();
  keep = opened;
  await restore();
  ready();
  form.setAttribute('data-live', '');
  document.querySelectorAll('[data-here]').forEach(here);
  window.addEventListener('online', send);
  window.addEventListener('focus', send);
  window.addEventListener('pagehide', flush);
  setInterval(send, AGAIN);
  await tell('');
  send();
  if (document.readyState === 'complete') later();
  else window.addEventListener('load', later);
}
