/* Opens the pages of filling in a checklist without a network. It knows those pages and what they are made of, nothing else;
   what it keeps belongs to one account and one version of the files, and `kept.js` throws it away when somebody else is
   there. With a network the server is always asked first. */

const PREFIX = 'suneng-pages-';
const PATIENCE = 6000;
const MOST = 120;
const FILL = /^\/inspections\/tasks\/[^/]+\/fill$/;

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (e) => e.waitUntil(self.clients.claim()));

async function kept() {
  return (await caches.keys()).filter((name) => name.startsWith(PREFIX));
}

async function forget(url) {
  for (const name of await kept()) await (await caches.open(name)).delete(url);
}

/* A page as the account sees it now; one that it may not see any more is forgotten. */
async function take(cache, url) {
  const page = await fetch(url, { credentials: 'same-origin', cache: 'no-store' });
  const own = page.ok && !page.redirected && FILL.test(new URL(page.url).pathname);
  if (own) await cache.put(url, page);
  else if (page.status < 500) await cache.delete(url);
}

async function keep(told) {
  const mine = PREFIX + told.account + '-';
  const name = mine + told.version;
  const cache = await caches.open(name);
  const pages = new Set(told.pages.map((url) => new URL(url, location.origin).href));
  for (const old of await kept()) {
    if (old === name) continue;
    const all = old.startsWith(mine) ? await (await caches.open(old)).keys() : [];
    all.filter((r) => FILL.test(new URL(r.url).pathname)).forEach((r) => pages.add(r.url));
    await caches.delete(old);
  }
  for (const url of told.assets) if (!(await cache.match(url))) await cache.add(url);
  const fresh = new URL(told.fresh, location.origin).href;
  pages.add(fresh);
  for (const url of pages) if (url === fresh || !(await cache.match(url))) await take(cache, url);
  const all = (await cache.keys()).filter((r) => FILL.test(new URL(r.url).pathname));
  for (const old of all.slice(0, Math.max(0, all.length - MOST))) await cache.delete(old);
}

self.addEventListener('message', (e) => {
  e.waitUntil(keep(e.data).then(() => e.ports[0].postMessage('kept'), () => {}));
});

function late() {
  return new Promise((resolve, reject) => setTimeout(() => reject(new Error('late')), PATIENCE));
}

async function page(request) {
  const known = await caches.match(request.url.split('#')[0], { ignoreVary: true });
  try {
    const asked = fetch(request);
    const found = await (known ? Promise.race([asked, late()]) : asked);
    if (found.status >= 502 && found.status <= 504 && known) return known;
    if (found.status >= 400 && found.status < 500) await forget(request.url);
    return found;
  } catch (e) {
    return known || Response.error();
  }
}

async function asset(request) {
  return (await caches.match(request.url, { ignoreVary: true })) || fetch(request);
}

self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== 'GET' || url.origin !== location.origin) return;
  if (e.request.mode === 'navigate' && FILL.test(url.pathname)) e.respondWith(page(e.request));
  else if (url.pathname.startsWith('/assets/')) e.respondWith(asset(e.request));
});
