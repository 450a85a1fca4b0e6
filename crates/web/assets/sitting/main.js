/* Sitting an examination: who it is, the rules, the paper, the receipt. */

import { Keep } from './keep.js';
import { Clock, Link, ask, backoff, passing, pause } from './link.js';
import { bar, el, icon, length, moment, time, word } from './draw.js';
import { Desk } from './desk.js';
import { Uploads } from './files.js';
import { Watch } from './watch.js';

const root = document.getElementById('sitting');
const exam = root.getAttribute('data-exam');
const account = root.getAttribute('data-account');
const clock = new Clock();
let keep;
let device;
/* Who sits: by ticket or by account. */
let who = null;
let name = root.getAttribute('data-name');

function show(...children) {
  root.replaceChildren(...children);
  const focus = root.querySelector('[data-focus]');
  if (focus) focus.focus();
  document.documentElement.setAttribute('data-ready', '');
}

function page(title, ...children) {
  document.title = title + ' - ' + root.getAttribute('data-product');
  show(el('main', { class: 'main pubmain', id: 'main', tabindex: '-1' }, el('h1', { tabindex: '-1', 'data-focus': true }, title), ...children));
}

function button(text, act, tone) {
  return el('button', { type: 'button', class: 'btn btn-lg2 wide ' + (tone || 'btn-primary'), onclick: act }, text);
}

function note(tone, title, text, ...more) {
  page(title, bar(tone, tone === 'ok' ? 'circle-check' : 'alert-triangle', text), ...more);
}

/* What the server says stands first; what this page knows of it comes after. */
function refused(reply) {
  if (reply.status === 0) return word('no-network');
  return reply.body.detail || word('failed', { status: reply.status });
}

function place() { return 's:' + who.key + ':' + exam; }

/* Who sits here: the ticket typed for this examination, else the account. */
function identify() {
  let ticket = null;
  try { ticket = JSON.parse(sessionStorage.getItem('suneng-ticket') || 'null'); } catch (e) { /* No such store. */ }
  if (ticket && ticket.exam === exam) {
    return { key: 'ticket:' + ticket.code, ticket: ticket.code, ask: (method, path, body) => ask(method, path.ticket, { body: Object.assign({ ticket: ticket.code }, body) }),
      about: ['POST', '/api/v1/tickets'], begin: '/api/v1/exams/' + exam + '/attempts' };
  }
  if (!account) return null;
  const mine = '/api/v1/exams/' + exam + '/mine';
  return { key: 'account:' + account, ask: (method, path, body) => ask(method, path.mine, { body }), about: ['GET', mine], begin: mine };
}

function askAbout() {
  return who.ask(who.about[0], { ticket: '/api/v1/tickets', mine: who.about[1] });
}

function askBegin() {
  return who.ask('POST', { ticket: who.begin, mine: who.begin }, { device });
}

function strangers() {
  const back = encodeURIComponent('/sit/' + exam);
  page(word('who'), el('p', {}, word('who-text')),
    el('p', {}, el('a', { class: 'btn btn-primary btn-lg2 wide', href: '/sign-in?next=' + back }, word('sign-in'))),
    el('p', {}, el('a', { class: 'btn btn-plain btn-lg2 wide', href: '/sit' }, word('by-ticket'))));
}

/* Before the beginning: the rules, read and ticked, and whether this device will do. */
async function rules(said) {
  const reply = await askAbout();
  if (reply.status === 401) { strangers(); return; }
  if (reply.status !== 200) {
    note('bad', word('cannot'), refused(reply), button(word('again'), () => rules()));
    return;
  }
  const about = reply.body;
  name = about.name;
  clock.set(about.now, reply.sent, reply.got);
  if (about.state === 'running' && !said) { begin(); return; }
  const lines = [
    ['rule-window', { from: moment(about.opens), to: moment(about.closes) }],
    ['rule-length', { n: Math.round(about.seconds / 60) }],
    ['rule-paper', { n: about.items, points: about.full }],
    about.pass === null ? null : ['rule-pass', { points: about.pass }],
    about.late === null ? null : ['rule-late', { at: moment(about.late) }],
    ['rule-attempts', { n: about.attempts, used: about.used }],
    ['rule-shows-' + about.shows],
    ['rule-saved', { grace: about.grace }],
    ['rule-device'],
    ['rule-signals'],
  ];
  const read = el('input', { type: 'checkbox', class: 'form-check-input', id: 'read' });
  const hint = el('p', { class: 'err', role: 'alert' });
  const go = button(word('begin'), () => {
    if (!read.checked) { hint.textContent = word('read-first'); read.focus(); return; }
    begin();
  });
  const wait = el('p', { class: 'num', role: 'status' });
  const kept = await keep.get(place());
  page(about.title, el('p', { class: 'sub' }, about.name), said ? bar('warn', 'alert-triangle', said) : null,
    kept && kept.receipt ? el('p', {}, button(word('last-receipt'), () => receipt(kept), 'btn-plain')) : null,
    el('h2', {}, word('rules')), el('ul', { class: 'sit-rules num' }, ...lines.filter(Boolean).map(([key, values]) => el('li', {}, word(key, values)))),
    el('h2', {}, word('try')), tryOut(reply),
    el('label', { class: 'pick' }, read, ' ', word('read')), hint, wait, go);
  const left = () => {
    if (!root.contains(go)) return;
    const ms = about.opens - clock.now();
    go.hidden = ms > 0 || about.state === 'closed' || about.state === 'used';
    wait.textContent = ms > 0 ? word('opens-in', { time: length(ms / 1000) }) : about.state === 'closed' ? word('closed') : about.state === 'used' ? word('used') : '';
    wait.setAttribute('aria-live', 'off');
    if (ms > 0) setTimeout(left, Math.min(1000, ms));
  };
  left();
}

/* Keys, store and connection, tried on this device. */
function tryOut(reply) {
  const line = (good, text) => el('li', {}, icon(good ? 'circle-check' : 'alert-triangle'), ' ', text);
  const list = el('ul', { class: 'sit-try' },
    line(keep.durable, word(keep.durable ? 'try-store' : 'try-no-store')),
    line(true, word('try-clock', { ms: Math.round(reply.got - reply.sent), time: time(clock.now()) })));
  const keys = el('li', {}, icon('writing'), ' ', el('label', { for: 'try-keys' }, word('try-keys')), ' ');
  const said = el('span', { role: 'status' });
  keys.append(el('input', { class: 'field', id: 'try-keys', autocomplete: 'off', maxlength: 20, oninput: (e) => { said.textContent = e.target.value ? word('try-keys-good', { text: e.target.value }) : ''; } }), ' ', said);
  list.append(keys);
  return list;
}

async function begin() {
  for (let times = 0; ; times += 1) {
    const reply = await askBegin();
    if (reply.status === 201) { await begun(reply); return; }
    if (reply.status === 401) { strangers(); return; }
    if (passing(reply.status)) {
      note('warn', word('beginning'), word('beginning-again'));
      await pause(backoff(times, reply.wait));
      continue;
    }
    if (reply.body.reason === 'exam-other-device') { locked(reply); return; }
    rules(refused(reply));
    return;
  }
}

/* Another device holds the attempt: asked again until an invigilator lets this one in. */
function locked(reply) {
  note('warn', word('locked'), refused(reply), button(word('again'), begin));
  const shown = root.firstElementChild;
  setTimeout(async () => {
    while (root.contains(shown)) {
      const next = await askBegin();
      if (!root.contains(shown)) return;
      if (next.status === 201) { await begun(next); return; }
      await pause(backoff(4, next.wait));
    }
  }, 10000);
}

async function begun(reply) {
  const { attempt, token, deadline, grace_seconds: grace, title, items, server_time: now } = reply.body;
  clock.set(now, reply.sent, reply.got);
  await keep.put(place(), { attempt, token, deadline, grace, title, items, name });
  sit(await keep.get(place()), true);
}

/* After a reload or a crash: the paper is still here, and what was not sent yet too. */
async function goOn(known) {
  const reply = await ask('POST', '/api/v1/attempts/' + known.attempt + '/presence', { body: {}, proof: 'Bearer ' + known.token });
  if (reply.status === 200) {
    clock.set(reply.body.server_time, reply.sent, reply.got);
    known.deadline = reply.body.deadline;
    sit(known, false);
  } else if (passing(reply.status)) {
    // Nobody knows the time without the server: the last end that was told counts from when it was told.
    note('warn', word('going-on'), word('going-on-text'));
    await pause(backoff(1, reply.wait));
    goOn(known);
  } else if (reply.body.reason === 'exam-submitted') {
    handedIn(known);
  } else {
    begin();
  }
}

async function sit(known, fresh) {
  const link = new Link({ keep, clock, attempt: known.attempt, token: known.token, deadline: known.deadline, grace: known.grace,
    tell: () => desk.told(), ended: (reason, detail) => ended(known, reason, detail) });
  if (fresh) for (const i of known.items) if (i.seq !== undefined) link.take({ item: i.item, seq: i.seq, value: i.value, at: 0, sent: true });
  for (const record of await keep.all('a:' + known.attempt + ':')) link.take(record);
  const uploads = new Uploads({ keep, link, attempt: known.attempt, items: known.items });
  link.uploads = uploads;
  const marks = new Set(await keep.get('m:' + known.attempt) || []);
  const watch = new Watch({ link, clock, keep, taken: () => elsewhere(known) });
  const desk = new Desk({ known, link, clock, watch, marks, keep, account, show, submit: () => handIn(known, link) });
  known.desk = desk;
  known.watch = watch;
  await watch.take();
  for (const record of await keep.all('a:' + known.attempt + ':')) link.take(record);
  uploads.tell = () => { if (!desk.closed) desk.paint(); };
  desk.open();
  uploads.load();
  watch.start((news) => desk.tell(news));
  link.send();
}

function close(known) {
  if (known.desk) known.desk.close();
  if (known.watch) known.watch.stop();
}

/* The newer tab goes on; this one says so. */
function elsewhere(known) {
  close(known);
  note('warn', word('elsewhere'), word('elsewhere-text'), button(word('here'), () => keep.get(place()).then((kept) => goOn(kept))));
}

function ended(known, reason, detail) {
  if (reason === 'exam-submitted') { close(known); handedIn(known); return; }
  if (reason === 'exam-time-over') { close(known); handIn(known, null); return; }
  close(known);
  if (reason === 'exam-other-device') { locked({ status: 409, body: { detail } }); return; }
  note('bad', word('stopped'), detail || word('stopped-text'), button(word('again'), start));
}

/* Sent until there is a receipt. */
async function handIn(known, link) {
  if (link) link.stop();
  close(known);
  note('ok', word('handing-in'), word('handing-in-text'));
  for (let times = 0; ; times += 1) {
    const reply = await ask('POST', '/api/v1/attempts/' + known.attempt + '/submission', { proof: 'Bearer ' + known.token });
    if (reply.status === 200) { await handedIn(known); return; }
    if (!passing(reply.status)) {
      if (reply.body.reason === 'exam-other-device') locked(reply);
      else note('bad', word('stopped'), refused(reply), button(word('again'), () => handIn(known, null)));
      return;
    }
    note('warn', word('handing-in'), word('handing-in-again'));
    await pause(backoff(times, reply.wait));
  }
}

async function handedIn(known) {
  const reply = await ask('GET', '/api/v1/attempts/' + known.attempt + '/result', { proof: 'Bearer ' + known.token });
  if (reply.status !== 200) {
    note('warn', word('handing-in'), refused(reply), button(word('again'), () => handedIn(known)));
    if (passing(reply.status)) { await pause(backoff(2, reply.wait)); handedIn(known); }
    return;
  }
  const lost = (await keep.all('a:' + known.attempt + ':')).filter((r) => !r.sent).length;
  const kept = { attempt: known.attempt, token: known.token, title: known.title, name: known.name, receipt: reply.body.receipt, lost };
  await keep.put(place(), kept);
  // The next one at this desk finds no paper and no answers.
  await keep.remove('a:' + known.attempt + ':');
  await keep.remove('m:' + known.attempt);
  await keep.remove('h:' + known.attempt);
  await keep.remove('f:' + known.attempt + ':');
  await keep.remove('b:' + known.attempt + ':');
  receipt(kept, reply.body);
}

async function receipt(kept, told) {
  const r = kept.receipt;
  const row = (key, value) => [el('dt', {}, word(key)), el('dd', { class: 'num sit-hash' }, value)];
  let result = told;
  if (!result) {
    const reply = await ask('GET', '/api/v1/attempts/' + kept.attempt + '/result', { proof: 'Bearer ' + kept.token });
    result = reply.status === 200 ? reply.body : { shown: false };
  }
  const shown = result.shown
    ? bar(result.passed === false ? 'warn' : 'ok', 'award', word(result.waiting ? 'points-waiting' : 'points', { points: result.points, full: result.full, n: result.waiting }),
      result.passed === null || result.passed === undefined ? '' : ' ' + word(result.passed ? 'passed' : 'not-passed'))
    : el('p', { class: 'sub' }, word('points-later'));
  const check = '/receipts?attempt=' + r.attempt + '&hash=' + r.hash;
  page(word('receipt'), bar('ok', 'circle-check', word('receipt-text')), kept.lost ? bar('bad', 'alert-triangle', word('receipt-lost', { n: kept.lost })) : null,
    el('dl', { class: 'sit-receipt' }, ...[row('receipt-exam', kept.title), kept.name ? row('receipt-name', kept.name) : [], row('receipt-at', moment(r.at, true)),
      row('receipt-answered', String(r.answered)), row('receipt-attempt', r.attempt), row('receipt-hash', r.hash)].flat()),
    shown,
    el('div', { class: 'row-wrap noprint' }, el('button', { type: 'button', class: 'btn btn-primary', onclick: () => window.print() }, icon('printer'), word('print')),
      el('a', { class: 'btn btn-plain', href: check }, word('receipt-check')),
      result.shown ? each(kept) : null,
      account ? el('a', { class: 'btn btn-plain', href: '/my/exams' }, word('my-exams')) : null));
}

/* Question by question: for an account by an address, for a ticket by a form, so that the code stands in none. */
function each(kept) {
  if (!who.ticket) return el('a', { class: 'btn btn-plain', href: '/my/exams/' + kept.attempt }, word('by-question'));
  const hidden = (n, value) => el('input', { type: 'hidden', name: n, value });
  return el('form', { method: 'post', action: '/sit/results' }, hidden('result-ticket', who.ticket), hidden('attempt', kept.attempt),
    el('button', { class: 'btn btn-plain' }, word('by-question')));
}

async function start() {
  who = identify();
  if (!who) { strangers(); return; }
  const known = await keep.get(place());
  if (known && known.items) goOn(known);
  else if (known && known.receipt) {
    const reply = await askAbout();
    if (reply.status === 200 && (reply.body.used < reply.body.attempts || reply.body.state === 'running')) rules();
    else receipt(known);
  } else rules();
}

Keep.open().then(async (opened) => {
  keep = opened;
  device = await keep.get('device');
  if (!device) {
    device = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
    await keep.put('device', device);
  }
  start();
});
