/* Files go in pieces with their progress in sight; a network that breaks is waited for, a session that ends is
   renewed beside, and the file goes on where it stopped. Without script a form sends its files as ever. */
(function () {
  'use strict';
  if (!document.body.getAttribute('data-account') || !window.fetch) return;
  var PIECE = 512 * 1024;
  var LONGEST_WAIT = 15000;

  function part(name) {
    var holder = document.getElementById('upload-parts');
    return holder.content.querySelector('[data-part="' + name + '"]').cloneNode(true);
  }

  function wait(ms) {
    return new Promise(function (done) {
      var timer = setTimeout(done, ms);
      /* Whoever comes back to the page does not wait for the clock. */
      window.addEventListener('focus', function () { clearTimeout(timer); done(); }, { once: true });
      window.addEventListener('online', function () { clearTimeout(timer); done(); }, { once: true });
    });
  }

  function ask(method, path, body) {
    return fetch(path, {
      method: method,
      body: body,
      credentials: 'same-origin',
      headers: { accept: 'application/json', 'content-type': 'application/octet-stream' }
    }).then(function (r) {
      if (r.status === 200) return r.json();
      return Promise.reject({ status: r.redirected ? 401 : r.status });
    }, function () { return Promise.reject({ status: 0 }); });
  }

  /* Sends one file; gives its id. `state.stopped` ends it. */
  function send(file, state, show) {
    var pause = 1000;
    function again(error, step) {
      if (state.stopped) return Promise.reject({ stopped: true });
      if (error.status && error.status !== 401 && error.status < 500) return Promise.reject(error);
      show(null, error.status === 401 ? 'signed-out' : 'waiting');
      pause = Math.min(pause * 2, LONGEST_WAIT);
      return wait(pause).then(step);
    }
    function begin() {
      var path = '/desk/uploads?name=' + encodeURIComponent(file.name) + '&size=' + file.size;
      return ask('POST', path).then(function (made) { return piece(made.id, 0); }, function (e) { return again(e, begin); });
    }
    function piece(id, from) {
      if (state.stopped) return Promise.reject({ stopped: true });
      show(from / file.size, 'sending');
      if (from >= file.size) return Promise.resolve(id);
      return ask('PUT', '/desk/uploads/' + id + '?from=' + from, file.slice(from, from + PIECE)).then(function (r) {
        pause = 1000;
        return piece(id, r.received);
      }, function (e) { return again(e, function () { return resume(id); }); });
    }
    function resume(id) {
      return ask('GET', '/desk/uploads/' + id).then(function (r) { return piece(id, r.received); },
        function (e) { return again(e, function () { return resume(id); }); });
    }
    return begin();
  }

  document.addEventListener('submit', function (e) {
    var form = e.target;
    var input = form.querySelector('input[type=file]');
    if (!form.hasAttribute('data-upload') || !input || !input.files.length || form.uploading) return;
    e.preventDefault();
    var files = Array.prototype.slice.call(input.files);
    var box = part('progress');
    var bar = box.querySelector('progress');
    var said = box.querySelector('[data-said]');
    var state = { stopped: false };
    var whole = files.reduce(function (sum, f) { return sum + f.size; }, 0) || 1;
    var before = 0;
    form.uploading = true;
    form.appendChild(box);
    Array.prototype.forEach.call(form.querySelectorAll('button:not([data-stop])'), function (b) { b.disabled = true; });
    box.querySelector('[data-stop]').addEventListener('click', function () { state.stopped = true; window.dispatchEvent(new Event('online')); });

    var shown = '';
    function show(share, what, of) {
      if (share !== null) bar.value = (before + share * of) / whole;
      var text = said.getAttribute('data-' + what).replace('%d', Math.floor(bar.value * 100));
      /* Said once in ten: a reader that hears every percent hears nothing else. */
      if (text.replace(/\d(?=\D*%)/, '') !== shown) { shown = text.replace(/\d(?=\D*%)/, ''); said.textContent = text; }
      box.querySelector('[data-sign-in]').hidden = what !== 'signed-out';
    }
    function restored() {
      form.uploading = false;
      box.remove();
      Array.prototype.forEach.call(form.querySelectorAll('button'), function (b) { b.disabled = false; });
    }
    files.reduce(function (chain, file) {
      return chain.then(function (ids) {
        if (!file.size) return ids;
        return send(file, state, function (share, what) { show(share, what, file.size); }).then(function (id) {
          before += file.size;
          return ids.concat(id);
        });
      });
    }, Promise.resolve([])).then(function (ids) {
      if (!ids.length) { restored(); form.uploading = true; form.submit(); return; }
      ids.forEach(function (id) {
        var field = document.createElement('input');
        field.type = 'hidden';
        field.name = 'upload';
        field.value = id;
        form.appendChild(field);
      });
      input.disabled = true;
      show(1, 'sending', 0);
      form.submit();
    }).catch(function (error) {
      restored();
      if (error.stopped) return;
      /* The server says what is wrong with it. */
      form.uploading = true;
      form.submit();
    });
  });
})();
