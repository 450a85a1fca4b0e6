/* What is seen: elements, and questions of every kind with what was answered. */

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const CHOICES = ['single', 'multiple', 'indefinite', 'judgement'];
const WORDS = JSON.parse(document.getElementById('sitting-words').textContent);
const ICONS = document.getElementById('sitting').getAttribute('data-icons');
const zone = document.getElementById('sitting').getAttribute('data-zone');
const lang = document.documentElement.lang;

/* Moments in the time of the house, whatever the device says. */
export function moment(ms, seconds) {
  const format = { timeZone: zone, hourCycle: 'h23', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' };
  if (seconds) Object.assign(format, { year: 'numeric', second: '2-digit' });
  return new Intl.DateTimeFormat(lang, format).format(new Date(ms));
}

export function time(ms) {
  const format = { timeZone: zone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit', second: '2-digit' };
  return new Intl.DateTimeFormat(lang, format).format(new Date(ms));
}

export function length(seconds) {
  const two = (n) => String(n).padStart(2, '0');
  const all = Math.max(0, Math.ceil(seconds));
  const hours = Math.floor(all / 3600);
  return (hours ? hours + ':' : '') + two(Math.floor(all / 60) % 60) + ':' + two(all % 60);
}

/* A text of the reader's language; `{n}` and the like are filled in. */
export function word(key, values) {
  const text = WORDS[key] || key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? values[name] : whole));
}

export function el(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'disabled') made[name] = value;
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function icon(name, more) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon ' + (more || ''));
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', ICONS + '#' + name);
  svg.append(use);
  return svg;
}

export function bar(tone, name, ...children) {
  return el('div', { class: 'alertbar ' + tone }, icon(name), el('div', {}, ...children));
}

/* A text with its line breaks and pictures. */
function rich(text, context) {
  const lines = text.split('\n').map((line) => {
    const pieces = line.split(/!\[\]\(#(\d+)\)/);
    return pieces.map((piece, n) => (n % 2 ? picture(Number(piece), context) : piece));
  });
  return lines.map((line, n) => (n ? [el('br'), line] : line)).flat(2);
}

function picture(number, context) {
  const media = (context.media || [])[number - 1];
  const image = el('img', { class: 'sit-pic', alt: word('picture', { n: number }) });
  if (media && context.picture) context.picture(media.hash).then((url) => { if (url) image.src = url; });
  return image;
}

/* Whether something was answered, as the server counts it. */
export function answered(value) {
  if (value === null || value === undefined) return false;
  if (typeof value === 'string') return value.trim() !== '';
  return value.some(answered);
}

export function kindName(kind) {
  return word('kind-' + kind);
}

function choice(q, value, set, context) {
  const several = q.kind === 'multiple' || q.kind === 'indefinite';
  const truth = q.kind === 'judgement';
  const options = truth ? [['T', word('true')], ['F', word('false')]] : q.options.map((text, n) => [LETTERS[n], text]);
  const name = 'q' + context.name;
  const inputs = options.map(([letter]) => el('input', {
    type: several ? 'checkbox' : 'radio', name, value: letter, checked: (value || '').includes(letter),
    onchange: () => set(inputs.filter((i) => i.checked).map((i) => i.value).join('')),
  }));
  const rows = options.map(([, text], n) => el('label', { class: several ? 'opt multi' : 'opt' }, inputs[n],
    el('span', { class: 'k', 'aria-hidden': 'true' }, LETTERS[n]),
    el('span', { class: 't' }, el('span', { class: 'vh' }, LETTERS[n] + '. '), ...rich(text, context)), el('span', { class: 'ring' })));
  const box = el('fieldset', { class: 'opts' }, el('legend', { class: 'q-stem' }, ...rich(q.stem, context)), ...rows);
  box.pick = (at) => {
    if (!inputs[at]) return false;
    inputs[at].checked = several ? !inputs[at].checked : true;
    inputs[at].dispatchEvent(new Event('change', { bubbles: true }));
    inputs[at].focus({ preventScroll: true });
    return true;
  };
  box.clear = () => { inputs.forEach((i) => { i.checked = false; }); set(null); };
  return box;
}

function blanks(q, value, set, context) {
  const count = q.blanks || (q.stem.match(/_{2,}|＿{2,}|[(（][\s_＿]*[)）]/g) || ['']).length;
  const values = Array.from({ length: count }, (_, n) => (value || [])[n] || '');
  const rows = values.map((text, n) => el('label', { class: 'sit-blank' }, el('span', {}, word('blank', { n: n + 1 })), el('input', {
    class: 'field w-100', type: 'text', autocomplete: 'off', maxlength: 500, value: text,
    oninput: (e) => { values[n] = e.target.value; set(values.some((v) => v) ? values.slice() : null, true); },
  })));
  return stemmed(q, context, rows);
}

function text(q, value, set, context) {
  const most = q.longest || 5000;
  const count = el('p', { class: 'sub tiny num sit-count' });
  const tell = (t) => { count.textContent = word('characters', { n: Array.from(t).length, most }); };
  const id = 'a' + context.name;
  const area = el('textarea', {
    class: 'field w-100 sit-text', id, rows: q.kind === 'essay' ? 16 : 7, maxlength: most, spellcheck: 'false', value: value || '',
    'aria-label': word('your-answer'), oninput: (e) => { tell(e.target.value); set(e.target.value || null, true); },
  });
  tell(value || '');
  return stemmed(q, context, [area, count]);
}

function ordering(q, value, set, context) {
  const all = q.options.map((_, n) => LETTERS[n]);
  const placed = Array.from(value || '');
  const order = placed.concat(all.filter((letter) => !placed.includes(letter)));
  const list = el('ol', { class: 'sit-order' });
  const said = el('p', { class: 'vh', role: 'status' });
  const swap = (at, by) => {
    const letter = order[at];
    order.splice(at, 1);
    order.splice(at + by, 0, letter);
    set(order.join(''));
    show();
    const button = list.children[at + by].querySelector(by < 0 ? '[data-up]' : '[data-down]');
    (button.disabled ? list.children[at + by].querySelector('button:not([disabled])') : button).focus();
    said.textContent = word('moved', { letter, n: at + by + 1 });
  };
  const show = () => list.replaceChildren(...order.map((letter, at) => el('li', {},
    el('span', { class: 'k' }, letter), el('span', { class: 't' }, ...rich(q.options[LETTERS.indexOf(letter)], context)),
    el('button', { type: 'button', class: 'btn btn-plain', 'data-up': true, disabled: at === 0, 'aria-label': word('up', { letter }), onclick: () => swap(at, -1) }, icon('arrow-up')),
    el('button', { type: 'button', class: 'btn btn-plain', 'data-down': true, disabled: at === order.length - 1, 'aria-label': word('down', { letter }), onclick: () => swap(at, 1) }, icon('arrow-down')))));
  show();
  const take = el('button', { type: 'button', class: 'btn btn-plain', onclick: () => set(order.join('')) }, word('take-order'));
  return stemmed(q, context, [list, take, said]);
}

function matching(q, value, set, context) {
  const pairs = new Map((value || []).map((pair) => [pair[0], pair[1]]));
  const rows = q.options.map((left, n) => {
    const letter = LETTERS[n];
    const select = el('select', {
      class: 'field w-100', onchange: (e) => {
        if (e.target.value) pairs.set(letter, e.target.value); else pairs.delete(letter);
        set(pairs.size ? Array.from(pairs).sort().map((p) => p.join('')) : null);
      },
    }, el('option', { value: '' }, word('choose')), ...q.targets.map((target, t) => el('option', { value: LETTERS[t] }, LETTERS[t] + '. ' + target.replace(/!\[\]\(#\d+\)/g, ''))));
    select.value = pairs.get(letter) || '';
    return el('label', { class: 'sit-pair' }, el('span', {}, el('b', {}, letter + '. '), ...rich(left, context)), select);
  });
  const targets = el('ul', { class: 'sit-targets' }, ...q.targets.map((target, t) => el('li', {}, el('b', {}, LETTERS[t] + '. '), ...rich(target, context))));
  return stemmed(q, context, [targets, ...rows]);
}

function stemmed(q, context, fields) {
  return el('fieldset', { class: 'opts' }, el('legend', { class: 'q-stem' }, ...rich(q.stem, context)), ...fields);
}

function parts(q, value, set, context) {
  const values = q.parts.map((_, n) => (value || [])[n] || null);
  // Files come by themselves: what they changed meanwhile is not to be put back.
  const refresh = () => q.parts.forEach((part, n) => {
    const files = part.kind === 'upload' ? context.files.value(context.name + '-' + n) : [];
    if (part.kind === 'upload') values[n] = files.length ? files : null;
  });
  const material = el('section', { class: 'sit-material', tabindex: '0', role: 'region', 'aria-label': word('material') }, ...rich(q.stem, context));
  const boxes = q.parts.map((part, n) => el('div', { class: 'sit-part' },
    el('h3', {}, word('part', { n: n + 1 }), ' ', el('span', { class: 'tag' }, kindName(part.kind))),
    field(part, values[n], (v, typed) => { values[n] = v; refresh(); set(values.some(answered) ? values.slice() : null, typed); },
      Object.assign({}, context, { name: context.name + '-' + n }))));
  return el('div', {}, material, ...boxes);
}

/* The field of a question: `set(value, typed)` is called with each change. */
export function field(q, value, set, context) {
  if (CHOICES.includes(q.kind)) return choice(q, value, set, context);
  switch (q.kind) {
    case 'fill-in': return blanks(q, value, set, context);
    case 'ordering': return ordering(q, value, set, context);
    case 'matching': return matching(q, value, set, context);
    case 'case': return parts(q, value, set, context);
    case 'upload': return stemmed(q, context, [context.files.field(String(context.name))]);
    default: return text(q, value, set, context);
  }
}
