/* Answers of a checklist are kept on the device until the server says that it has them: each change gets the next number
   of the device, goes out in order, and goes out again after a break or a reload; the server takes each number once.
   Without script the form is sent section by section. */
(function () {
  'use strict';
  var form = document.querySelector('form[data-inspecting]');
  var account = document.body.getAttribute('data-account');
  if (!form || !account || !window.fetch || !window.localStorage || !window.crypto) return;
  var place = form.getAttribute('data-inspecting');
  var KEY = 'suneng-inspecting-' + account + '-' + form.getAttribute('data-task');
  var WAIT = 700;
  var AGAIN = 15000;
  var said = form.querySelector('[data-said]');
  var usual = said.textContent;
  var sending = false;
  var timers = {};

  function random() {
    var bytes = new Uint8Array(8);
    window.crypto.getRandomValues(bytes);
    return Array.prototype.map.call(bytes, function (b) { return ('0' + b.toString(16)).slice(-2); }).join('');
  }

  function load() {
    var kept = null;
    try { kept = JSON.parse(localStorage.getItem(KEY)); } catch (_) { kept = null; }
    return kept && kept.device ? kept : { device: random(), seq: 0, puts: [] };
  }

  var state = load();

  function keep() {
    try { localStorage.setItem(KEY, JSON.stringify(state)); } catch (_) { say('data-refused'); }
  }

  function say(what) {
    said.textContent = what ? form.getAttribute(what) : usual;
  }

  function fieldsOf(section) {
    var fields = [];
    Array.prototype.forEach.call(section.querySelectorAll('[name]'), function (c) {
      if (!/^(v|na|n|p)-/.test(c.name)) return;
      if ((c.type === 'radio' || c.type === 'checkbox') && !c.checked) return;
      if (c.value !== '') fields.push([c.name, c.value]);
    });
    return fields;
  }

  /* What was typed and did not arrive is newer than what the server showed. */
  function restore(put) {
    var section = form.querySelector('[data-item="' + put.item + '"]');
    if (!section) return;
    Array.prototype.forEach.call(section.querySelectorAll('[name]'), function (c) {
      if (!/^(v|na|n|p)-/.test(c.name)) return;
      var own = put.fields.filter(function (f) { return f[0] === c.name; });
      if (c.type === 'radio' || c.type === 'checkbox') {
        c.checked = own.some(function (f) { return f[1] === c.value; });
      } else c.value = own.length ? own[0][1] : '';
    });
  }

  function changed(section) {
    var item = section.getAttribute('data-item');
    state.puts = state.puts.filter(function (p) { return p.item !== item; });
    state.seq += 1;
    state.puts.push({ seq: state.seq, item: item, fields: fieldsOf(section) });
    keep();
    send();
  }

  function faults(list, items) {
    items.forEach(function (item) {
      var section = form.querySelector('[data-item="' + item + '"]');
      var line = section && section.querySelector('[data-fault]');
      if (!line) return;
      var own = list.filter(function (f) { return f[0] === 'v-' + item; });
      line.textContent = own.length ? own[0][1] : '';
      line.hidden = !own.length;
    });
  }

  function taken(answer, items) {
    state.puts = state.puts.filter(function (p) { return p.seq > answer.seq; });
    keep();
    faults(answer.faults, items);
    answer.open.forEach(function (o) {
      var mark = document.querySelector('[data-open="' + o[0] + '"]');
      if (!mark) return;
      mark.textContent = o[1];
      mark.hidden = !o[1];
    });
  }

  function send() {
    if (sending || !state.puts.length) return;
    sending = true;
    var puts = state.puts.slice();
    fetch(place, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ device: state.device, puts: puts })
    }).then(function (r) {
      if (r.redirected || r.status === 401) { say('data-signed-out'); return null; }
      if (r.status !== 200) { say('data-refused'); return null; }
      return r.json();
    }, function () { say('data-waiting'); return null; }).then(function (answer) {
      sending = false;
      if (!answer) return;
      taken(answer, puts.map(function (p) { return p.item; }));
      say('data-kept');
      send();
    }).catch(function () { sending = false; say('data-waiting'); });
  }

  function touched(e) {
    var section = e.target.closest ? e.target.closest('[data-item]') : null;
    if (!section || !/^(v|na|n|p)-/.test(e.target.name || '')) return;
    var item = section.getAttribute('data-item');
    clearTimeout(timers[item]);
    timers[item] = setTimeout(function () { delete timers[item]; changed(section); }, e.type === 'change' ? 0 : WAIT);
  }

  /* Without a network the page stays as it is: all that was typed is kept here. */
  form.addEventListener('submit', function (e) {
    Object.keys(timers).forEach(function (item) {
      clearTimeout(timers[item]);
      delete timers[item];
      changed(form.querySelector('[data-item="' + item + '"]'));
    });
    if (navigator.onLine === false) { e.preventDefault(); say('data-waiting'); }
  });

  state.puts.forEach(restore);
  form.addEventListener('input', touched);
  form.addEventListener('change', touched);
  window.addEventListener('online', send);
  window.addEventListener('focus', send);
  setInterval(send, AGAIN);
  send();
})();
