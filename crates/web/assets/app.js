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
      var current = box.querySelector('[aria-current]');
      each(box.querySelectorAll(box.getAttribute('data-roving')), function (item, i) {
        item.tabIndex = (current ? item === current : i === 0) ? 0 : -1;
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

  /* Columns: one value for the address instead of one a box. */
  document.addEventListener('submit', function (e) {
    if (!e.target.hasAttribute('data-columns')) return;
    var boxes = e.target.querySelectorAll('input[type=checkbox]:checked');
    e.target.elements.columns.value = Array.prototype.map.call(boxes, function (b) { return b.value; }).join(',');
  });

  /* Ticked rows and what is done to them. */
  function ticks(form) {
    var boxes = Array.prototype.slice.call(form.querySelectorAll('input[data-tick]'));
    var count = boxes.filter(function (b) { return b.checked; }).length;
    var all = form.querySelector('[data-tick-all]');
    if (all) { all.checked = count > 0 && count === boxes.length; all.indeterminate = count > 0 && count < boxes.length; }
    each(form.querySelectorAll('[data-batchbar]'), function (bar) {
      bar.hidden = count === 0;
      var said = bar.querySelector('[data-ticked]');
      said.textContent = said.getAttribute('data-ticked').replace('%d', count);
    });
  }
  document.addEventListener('change', function (e) {
    var form = e.target.form;
    if (!form || !form.hasAttribute('data-batch')) return;
    if (e.target.hasAttribute('data-tick-all')) {
      each(form.querySelectorAll('input[data-tick]'), function (b) { b.checked = e.target.checked; });
    }
    ticks(form);
  });

  /* What was picked from offered codes is said in words. */
  function picked(input) {
    var said = input.id && document.querySelector('[data-picked="' + input.id + '"]');
    if (!said) return;
    var option = Array.prototype.find.call(input.list ? input.list.options : [], function (o) { return o.value === input.value; });
    said.textContent = option ? option.textContent : '';
  }
  document.addEventListener('input', function (e) { if (e.target.list) picked(e.target); });

  document.addEventListener('change', function (e) {
    if (e.target.hasAttribute('data-submit') && e.target.form) e.target.form.requestSubmit();
  });

  /* The roster: marks are native radios; keys mark them and walk from line to line. */
  function rosterOf(t) {
    var card = t && t.closest ? t.closest('section') : null;
    return card ? card.querySelector('[data-roster]') : null;
  }

  function marked(line) { return line.querySelector('input:checked'); }

  function goTo(line) {
    (marked(line) || line.querySelector('input')).focus();
    line.scrollIntoView({ block: 'nearest' });
  }

  /* The numbers are shown at once and said only when the hands rest. */
  var saying;
  function tally(part, aloud) {
    each(part.querySelectorAll('[data-tally]'), function (shown) {
      var lines = Array.prototype.slice.call(shown.closest('form').querySelectorAll('[data-line]'));
      var count = lines.filter(marked).length;
      var numbers = [count, lines.length];
      shown.textContent = lines.length
        ? shown.getAttribute('data-tally').replace(/%d/g, function () { return numbers.shift(); }) : '';
      shown.classList.toggle('all', count > 0 && count === lines.length);
      clearTimeout(saying);
      if (aloud) saying = setTimeout(function () {
        shown.closest('form').querySelector('[data-tally-said]').textContent = shown.textContent;
      }, 1200);
    });
  }

  function mark(input) {
    input.checked = true;
    ['input', 'change'].forEach(function (kind) { input.dispatchEvent(new Event(kind, { bubbles: true })); });
  }

  /* Marks those who have no mark yet; what was marked by hand stays. */
  function markRest(roster, value) {
    each(roster.querySelectorAll('[data-line]'), function (line) {
      var input = line.querySelector('input[value="' + value + '"]');
      if (input && !marked(line)) mark(input);
    });
  }

  /* True when the key was one of the roster's. */
  function rosterKey(e) {
    var roster = rosterOf(e.target);
    if (!roster) return false;
    var lines = Array.prototype.slice.call(roster.querySelectorAll('[data-line]'));
    var at = lines.indexOf(e.target.closest('[data-line]'));
    // An input method hides the key's name but not its place.
    var key = e.key === 'Process' ? e.code.slice(-1) : e.key;
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      var to = at < 0 ? 0 : at + (key === 'ArrowDown' ? 1 : -1);
      if (lines[to]) goTo(lines[to]);
      return true;
    }
    if (key === 'a' || key === 'A') {
      if (!e.repeat) markRest(roster, 'present');
      return true;
    }
    if (!/^[1-9]$/.test(key)) return false;
    if (at < 0) at = lines.findIndex(function (line) { return !marked(line); });
    var input = lines[at] && lines[at].querySelectorAll('input')[key - 1];
    if (!input) return false;
    // A key held down marks one person, not everybody.
    if (!e.repeat) {
      mark(input);
      goTo(lines[at + 1] || lines[at]);
    }
    return true;
  }

  document.addEventListener('change', function (e) {
    if (e.target.closest('[data-line]')) tally(e.target.form, true);
  });

  document.addEventListener('click', function (e) {
    var all = e.target.closest('[data-all]');
    if (all) markRest(rosterOf(all), all.getAttribute('data-all'));
    /* A link to a field that stands in a closed dialog opens it. */
    var link = e.target.closest('a[href^="#f-"]');
    var field = link && document.getElementById(link.getAttribute('href').slice(1));
    var holder = field && field.closest('dialog');
    if (holder && !holder.open) { e.preventDefault(); holder.showModal(); field.focus(); }
  });

  document.addEventListener('click', function (e) {
    var t = e.target.closest ? e.target.closest('[data-dialog],[data-close],[data-print],[data-back]') : null;
    each(document.querySelectorAll('.drop-menu[open]'), function (menu) {
      if (!menu.contains(e.target)) menu.open = false;
    });
    if (!t) return;
    if (t.hasAttribute('data-print')) { window.print(); return; }
    if (t.hasAttribute('data-back')) { e.preventDefault(); history.back(); return; }
    e.preventDefault();
    var dialog = t.hasAttribute('data-dialog')
      ? document.getElementById(t.getAttribute('data-dialog')) : t.closest('dialog');
    if (!dialog) return;
    if (t.hasAttribute('data-dialog')) show(dialog, t); else dialog.close();
  });

  /* A dialog keeps the focus while it is open and gives it back to what opened it. */
  function show(dialog, opener) {
    dialog.opener = opener;
    if (!dialog.open) dialog.showModal();
  }
  document.addEventListener('close', function (e) {
    if (e.target.opener && document.contains(e.target.opener)) e.target.opener.focus();
    e.target.opener = null;
  }, true);
  document.addEventListener('mousedown', function (e) {
    if (e.target.tagName === 'DIALOG' && e.target.classList.contains('drawer') && e.target.open) e.target.close();
  });

  /* A look at a record: its part of a page in the drawer; with a key held down, or in an old browser, the page. */
  document.addEventListener('click', function (e) {
    var link = e.target.closest ? e.target.closest('[data-look]') : null;
    var drawer = document.getElementById('look');
    if (!link || !drawer || !drawer.showModal || !window.htmx) return;
    if (e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || e.button) return;
    e.preventDefault();
    var body = document.getElementById('look-body');
    document.getElementById('look-title').textContent = link.getAttribute('data-look');
    drawer.querySelector('[data-look-page]').href = link.href;
    body.textContent = body.getAttribute('data-loading');
    show(drawer, link);
    window.htmx.ajax('GET', link.getAttribute('href'), { source: body, target: body });
  });
  function lookFailed(e) {
    var body = document.getElementById('look-body');
    if (!body || !e.detail.requestConfig || e.detail.requestConfig.elt !== body) return;
    e.detail.shouldSwap = false;
    body.textContent = body.getAttribute('data-failed');
  }
  document.addEventListener('htmx:beforeSwap', function (e) { if (e.detail.xhr.status !== 200) lookFailed(e); });
  document.addEventListener('htmx:sendError', lookFailed);

  document.addEventListener('keydown', function (e) {
    var t = e.target;
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName) || t.isContentEditable;
    var guarded = t.closest ? t.closest('form[data-guard]') : null;
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && guarded) {
      e.preventDefault();
      if (!e.repeat) guarded.requestSubmit();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if ((!typing || t.type === 'radio') && rosterKey(e)) { e.preventDefault(); return; }
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

  document.addEventListener('htmx:afterSettle', function (e) {
    if (e.target.tagName === 'DATALIST') each(document.querySelectorAll('input[list="' + e.target.id + '"]'), picked);
    if (e.target.id === 'look-body') e.target.focus();
    rove(e.target); tally(e.target); focusOn(e.target); });
  document.addEventListener('DOMContentLoaded', function () {
    each(document.querySelectorAll('form[data-batch]'), ticks);
    rove(document);
    tally(document);
    focusOn(document);
    root.setAttribute('data-ready', '');
  });
})();
