/* A ticket, typed or brought by the address that a picture holds (`/sit#code`). */

import { ask } from './link.js';

const form = document.getElementById('ticket');
const field = form.querySelector('input[name=ticket]');
const box = form.querySelector('.alertbar');

function say(text) {
  box.hidden = false;
  box.querySelector('[data-said]').textContent = text;
  box.focus();
}

async function go() {
  const code = field.value.trim();
  const reply = code ? await ask('POST', '/api/v1/tickets', { body: { ticket: code } }) : { status: 404, body: {} };
  if (reply.status === 200) {
    try { sessionStorage.setItem('suneng-ticket', JSON.stringify({ exam: reply.body.exam, code: code.toUpperCase().replace(/[\s-]/g, '') })); } catch (e) { say(form.getAttribute('data-wrong')); return; }
    location.href = '/sit/' + reply.body.exam;
    return;
  }
  say(reply.status === 0 ? form.getAttribute('data-no-network') : reply.status === 404 ? form.getAttribute('data-wrong') : reply.body.detail || String(reply.status));
}

form.addEventListener('submit', (e) => { e.preventDefault(); go(); });

/* The code leaves the address at once, so that it stays in no history. */
function fromAddress() {
  const code = decodeURIComponent(location.hash.slice(1));
  if (!/^[0-9A-Za-z -]{16,24}$/.test(code)) return;
  history.replaceState(null, '', '/sit');
  field.value = code;
  go();
}

window.addEventListener('hashchange', fromAddress);
fromAddress();
