/* Typing is never lost: guarded forms are saved as drafts while somebody types. Before such a form is sent its
   draft is saved once more, so that a session which has ended is noticed while the page still holds everything:
   one signs in beside it and goes on. Without script a form is sent as ever. */
(function () {
  'use strict';
  var account = document.body.getAttribute('data-account');
  if (!account || !window.fetch || !window.sessionStorage) return;
  var WAIT = 2000;
  var SENT = 'suneng-sent';

  function parts(name) {
    var holder = document.getElementById('draft-parts');
    return holder.content.querySelector('[data-part="' + name + '"]').cloneNode(true);
  }

  function keyOf(form) {
    var address = document.createElement('a');
    address.href = form.action;
    return location.pathname + location.search + '!' + address.pathname;
  }

  function place(form) {
    return '/desk/draft?at=' + encodeURIComponent(form.draftPlace);
  }

  function keeps(control) {
    return control.name && control.type !== 'password' && control.type !== 'file' && !control.hasAttribute('data-secret');
  }

  function typed(form) {
    var fields = [];
    Array.prototype.forEach.call(form.elements, function (c) {
      if (!keeps(c) || c.type === 'submit' || c.tagName === 'BUTTON') return;
      if ((c.type === 'radio' || c.type === 'checkbox') && !c.checked) return;
      if (c.tagName === 'SELECT' && c.multiple) {
        Array.prototype.forEach.call(c.selectedOptions, function (o) { fields.push([c.name, o.value]); });
      } else fields.push([c.name, c.value]);
    });
    return fields;
  }

  /* Puts a draft back; fields that the page no longer has are left out. */
  function restore(form, fields) {
    var left = fields.slice();
    Array.prototype.forEach.call(form.elements, function (c) {
      if (!keeps(c) || c.tagName === 'BUTTON') return;
      var before = c.type === 'radio' || c.type === 'checkbox' ? c.checked : c.value;
      if (c.type === 'radio' || c.type === 'checkbox') {
        c.checked = left.some(function (f) { return f[0] === c.name && f[1] === c.value; });
        if (c.checked !== before) c.dispatchEvent(new Event('change', { bubbles: true }));
        return;
      }
      if (c.tagName === 'SELECT' && c.multiple) {
        Array.prototype.forEach.call(c.options, function (o) {
          o.selected = left.some(function (f) { return f[0] === c.name && f[1] === o.value; });
        });
        return;
      }
      var at = left.findIndex(function (f) { return f[0] === c.name; });
      if (at < 0) return;
      c.value = left[at][1];
      left.splice(at, 1);
      if (c.value !== before) c.dispatchEvent(new Event('input', { bubbles: true }));
    });
    form.setAttribute('data-dirty', '');
  }

  function say(form, name) {
    hush(form);
    var bar = parts(name);
    form.insertBefore(bar, form.firstChild);
    form.draftBar = bar;
    return bar;
  }

  function hush(form) {
    if (form.draftBar) form.draftBar.remove();
    form.draftBar = null;
  }

  /* Saves the draft; gives the status, 0 when the server cannot be reached. */
  function save(form) {
    clearTimeout(form.draftTimer);
    form.draftTimer = null;
    return fetch(place(form), {
      method: 'PUT',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ account: account, fields: typed(form) })
    }).then(function (r) { return r.redirected ? 401 : r.status; }, function () { return 0; }).then(function (status) {
      form.draftStatus = status;
      if (status === 401) say(form, 'signed-out').scrollIntoView({ block: 'nearest' });
      else if (status === 409) say(form, 'other-account').scrollIntoView({ block: 'nearest' });
      else if (status === 0) say(form, 'offline');
      else if (form.draftBar && form.draftBar.getAttribute('data-part') !== 'found') hush(form);
      return status;
    });
  }

  function forget(at) {
    fetch('/desk/draft?at=' + encodeURIComponent(at), { method: 'DELETE', credentials: 'same-origin' }).catch(function () {});
  }

  document.addEventListener('input', touched);
  document.addEventListener('change', touched);
  function touched(e) {
    var form = e.target.form;
    if (!form || !form.draftPlace || form.draftTimer) return;
    form.draftTimer = setTimeout(function () { save(form); }, WAIT);
  }

  document.addEventListener('submit', function (e) {
    var form = e.target;
    if (!form.draftPlace) return;
    if (form.draftSent) {
      sessionStorage.setItem(SENT, JSON.stringify([form.draftPlace, form.action]));
      return;
    }
    e.preventDefault();
    e.stopImmediatePropagation();
    var by = e.submitter;
    save(form).then(function (status) {
      if (status === 401 || status === 409 || status === 0) return;
      form.draftSent = true;
      if (form.requestSubmit) form.requestSubmit(by && by.form === form ? by : undefined);
      else form.submit();
      // A page that stays (a download, a refused field) can be sent again.
      setTimeout(function () { form.draftSent = false; }, 1000);
    });
  }, true);

  /* Back from signing in beside: the hint goes by itself. */
  window.addEventListener('focus', function () {
    Array.prototype.forEach.call(document.forms, function (form) {
      if (form.draftPlace && (form.draftStatus === 401 || form.draftStatus === 0 || form.draftStatus === 409)) save(form);
    });
  });

  function begin(form, sent) {
    var refused = !!form.querySelector('[data-focus], .err');
    form.draftPlace = sent && sent[1] === form.action && refused ? sent[0] : keyOf(form);
    if (refused) { form.setAttribute('data-dirty', ''); return true; }
    fetch(place(form), { credentials: 'same-origin', headers: { accept: 'application/json' } })
      .then(function (r) { return r.status === 200 ? r.json() : null; })
      .then(function (draft) {
        if (!draft || form.hasAttribute('data-dirty')) return;
        if (JSON.stringify(draft.fields) === JSON.stringify(typed(form))) return;
        var bar = say(form, 'found');
        bar.querySelector('[data-when]').textContent = draft.saved;
        bar.querySelector('[data-restore]').addEventListener('click', function () {
          restore(form, draft.fields);
          hush(form);
          var first = form.querySelector('input:not([type=hidden]), select, textarea');
          if (first) first.focus();
        });
        bar.querySelector('[data-discard]').addEventListener('click', function () {
          forget(form.draftPlace);
          hush(form);
        });
      }).catch(function () {});
    return false;
  }

  document.addEventListener('DOMContentLoaded', function () {
    var sent = null;
    try { sent = JSON.parse(sessionStorage.getItem(SENT)); } catch (_) { sent = null; }
    sessionStorage.removeItem(SENT);
    var kept = false;
    Array.prototype.forEach.call(document.querySelectorAll('form[data-guard]'), function (form) {
      kept = begin(form, sent) || kept;
    });
    // What was sent and came back without complaint is done.
    // The page that asks about secrecy is no end: one may go back to the form.
    if (sent && !kept && !document.querySelector('.errorpage, [data-back]')) forget(sent[0]);
  });
})();
