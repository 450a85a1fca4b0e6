/* Pages that a browser keeps to open them without a network belong to one account: a page of another one, or the door
   where one signs in, throws them away. What was typed and did not arrive stays, under its account. */
(function () {
  'use strict';
  var account = document.body.getAttribute('data-account');
  var door = document.querySelector('form[action="/sign-in"], .topbar a[href^="/sign-in"]');
  if (!window.caches || (!account && !door)) return;
  window.caches.keys().then(function (names) {
    names.forEach(function (name) {
      var own = account && name.indexOf('suneng-pages-' + account + '-') === 0;
      if (name.indexOf('suneng-pages-') === 0 && !own) window.caches.delete(name);
    });
  }, function () {});
})();
