/* What a sitting keeps on this device: in IndexedDB, so that a crash loses nothing; where there is none, in memory,
   and the page says so. */

const NAME = 'suneng-sitting';
const STORE = 'kept';
const PATIENCE = 3000;

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/* A locked profile may never answer. */
function soon(promise) {
  return Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error('slow')), PATIENCE))]);
}

function under(prefix) {
  return IDBKeyRange.bound(prefix, prefix + '\uffff');
}

export class Keep {
  static async open() {
    const keep = new Keep();
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      keep.db = await soon(answer(request));
      keep.db.onclose = () => keep.lose();
      keep.db.onversionchange = () => { keep.db.close(); keep.lose(); };
      await keep.write((store) => store.put(1, 'probe'));
    } catch (e) {
      keep.lose();
    }
    return keep;
  }

  constructor() {
    this.db = null;
    this.memory = new Map();
    this.onlost = () => {};
  }

  get durable() { return this.db !== null; }

  lose() {
    this.db = null;
    this.onlost();
  }

  /* Resolved when it is on disk. */
  write(step) {
    return soon(new Promise((resolve, reject) => {
      const tx = this.db.transaction(STORE, 'readwrite', { durability: 'strict' });
      tx.oncomplete = () => resolve();
      tx.onabort = () => reject(tx.error);
      step(tx.objectStore(STORE));
    }));
  }

  async change(step) {
    if (!this.db) return;
    try { await this.write(step); } catch (e) { this.lose(); }
  }

  put(key, value) {
    this.memory.set(key, value);
    return this.change((store) => store.put(value, key));
  }

  async get(key) {
    if (!this.db) return this.memory.get(key);
    try {
      return await soon(answer(this.db.transaction(STORE).objectStore(STORE).get(key)));
    } catch (e) {
      this.lose();
      return this.memory.get(key);
    }
  }

  /* All whose key begins so. */
  async all(prefix) {
    if (this.db) {
      try {
        return await soon(answer(this.db.transaction(STORE).objectStore(STORE).getAll(under(prefix))));
      } catch (e) {
        this.lose();
      }
    }
    return Array.from(this.memory).filter(([key]) => key.startsWith(prefix)).map(([, value]) => value);
  }

  remove(prefix) {
    for (const key of Array.from(this.memory.keys())) if (key.startsWith(prefix)) this.memory.delete(key);
    return this.change((store) => store.delete(under(prefix)));
  }
}
