/* Behaviour of every page, no framework. Every page works without it; it adds keys, focus and guards. */
(function () {
  'use strict';
  var root = document.documentElement;

  function each(list, f) { Array.prototype.forEach.call(list, f); }

  /* The error summary takes the focus, on load and after a part of the page was swapped. */
  function focusOn(part) {
    var target = part.querySelector('[data-focus]');
    if (target) target.focus();
  }

  /* One stop for the Tab key in trees and grids of buttons; arrows move within. */
  function rove(part) {
    each(part.querySelectorAll('[data-roving]'), function (box) {
      each(box.querySelectorAll(box.getAttribute('data-roving')), function (item, i) {
        item.tabIndex = i ? -1 : 0;
      });
    });
  }

  function step(box, from, by) {
    var items = box.querySelectorAll(box.getAttribute('data-roving'));
    var i = Array.prototype.indexOf.call(items, from);
    var to = by === 'first' ? 0 : by === 'last' ? items.length - 1 : (i + by + items.length) % items.length;
    if (!items[to]) return;
    from.tabIndex = -1;
    items[to].tabIndex = 0;
    items[to].focus();
  }

  /* Forms that hold typing: leaving asks first. */
  function dirty() {
    return document.querySelector('form[data-dirty]');
  }
  document.addEventListener('input', function (e) {
    var form = e.target.form;
    if (form && form.hasAttribute('data-guard')) form.setAttribute('data-dirty', '');
  });
  document.addEventListener('submit', function (e) {
    e.target.removeAttribute('data-dirty');
  });
  window.addEventListener('beforeunload', function (e) {
    if (dirty()) { e.preventDefault(); e.returnValue = ''; }
  });

  document.addEventListener('change', function (e) {
    if (e.target.hasAttribute('data-submit') && e.target.form) e.target.form.requestSubmit();
  });

  document.addEventListener('click', function (e) {
    var t = e.target.closest ? e.target.closest('[data-dialog],[data-close],[data-print]') : null;
    each(document.querySelectorAll('.drop-menu[open]'), function (menu) {
      if (!menu.contains(e.target)) menu.open = false;
    });
    if (!t) return;
    if (t.hasAttribute('data-print')) { window.print(); return; }
    e.preventDefault();
    var dialog = t.hasAttribute('data-dialog')
      ? document.getElementById(t.getAttribute('data-dialog')) : t.closest('dialog');
    if (!dialog) return;
    if (t.hasAttribute('data-dialog')) dialog.showModal(); else dialog.close();
  });

  document.addEventListener('keydown', function (e) {
    var t = e.target;
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName) || t.isContentEditable;
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === '/' && !typing) {
      var search = document.querySelector('[data-search]');
      if (search) { e.preventDefault(); search.focus(); }
      return;
    }
    if (e.key === 'Escape') {
      each(document.querySelectorAll('.drop-menu[open]'), function (menu) {
        menu.open = false;
        menu.querySelector('summary').focus();
      });
      if (location.hash === '#side') location.hash = '#main';
      return;
    }
    if (t.getAttribute('role') === 'button' && e.key === ' ') { e.preventDefault(); t.click(); return; }
    var box = t.closest && !typing ? t.closest('[data-roving]') : null;
    var by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: 'first', End: 'last' }[e.key];
    if (box && by) { e.preventDefault(); step(box, t, by); }
  });

  /* The drawer is the target of a link; the keyboard follows it in. */
  window.addEventListener('hashchange', function () {
    var side = document.getElementById('side');
    if (side && location.hash === '#side') side.focus();
  });

  document.addEventListener('htmx:afterSettle', function (e) { rove(e.target); focusOn(e.target); });
  document.addEventListener('DOMContentLoaded', function () {
    rove(document);
    focusOn(document);
    root.setAttribute('data-ready', '');
  });
})();
