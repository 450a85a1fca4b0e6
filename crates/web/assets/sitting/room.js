/* The board follows the room: the stream says that something is new, the part is asked for again. Without a stream the
   part is asked for now and then, as its own trigger says. */

const board = document.getElementById('board');

function again() {
  // Whoever reads with the keyboard inside it is not pushed out.
  if (window.htmx && !board.contains(document.activeElement)) window.htmx.trigger(board, 'board');
}

if (board && window.EventSource) {
  let first = true;
  const stream = new EventSource(board.getAttribute('data-events'));
  stream.onmessage = () => { if (first) first = false; else again(); };
  window.addEventListener('pagehide', () => stream.close());
}
