/**
 * What runs in the page where pairs are labelled, in an output of a notebook and in a tab of its own. It keeps nothing but
 * its session: every answer is on the server's disk before the next pair is shown.
 */

/** How the page talks to the server. The session survives a reload, in the tab's own storage. */
const TALK = `
  const base = root.dataset.base;
  const place = 'dpo-label ' + root.dataset.id;
  const inTab = root.dataset.alone === 'yes';
  let session = remembered();
  function remembered() {
    try { return sessionStorage.getItem(place); } catch { return null; }
  }
  function remember() {
    try { sessionStorage.setItem(place, session); } catch { /* a page without storage asks again after a reload */ }
  }
  async function ask(method, path, content) {
    const headers = { 'x-label-session': session ?? '' };
    if (content) headers['content-type'] = 'application/json';
    let response;
    try {
      response = await fetch(base + path, { method, headers, cache: 'no-store', body: content && JSON.stringify(content) });
    } catch {
      throw new Error(inTab
        ? 'The program that keeps the answers does not reply. Start it again: it goes on where it was.'
        : 'The kernel does not reply. Run the cell again: it goes on where it was.');
    }
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({ error: 'The server refused, with status ' + response.status + '.' }));
    throw Object.assign(new Error(error), { status: response.status });
  }
  const askJson = async (...request) => (await ask(...request)).json();
  async function enter() {
    const ticket = inTab ? location.hash.slice(1) : root.dataset.ticket;
    if (inTab && ticket) history.replaceState(null, '', location.pathname);
    if (session) {
      try { return await askJson('GET', '/state/0'); } catch (error) { if (error.status !== 401 || !ticket) throw error; }
    }
    if (!ticket) throw new Error('This page is opened by a link that is good once; take the newest one that was printed.');
    ({ session } = await askJson('POST', '/session', { ticket }));
    remember();
    return askJson('GET', '/state/0');
  }`;

/** The pair that is shown, and the next one, whose pictures are fetched ahead. */
const SHOW = `
  const find = (name) => root.querySelector('.dpo-label-' + name);
  const sides = ['left', 'right'];
  const images = sides.map((side) => find(side).querySelector('img'));
  const fetched = new Map();
  let state; let index = null; let isReady = false;
  const say = (text, isError) => {
    find('status').textContent = text;
    find('status').classList.toggle('dpo-label-error', isError === true);
  };
  const pictureUrl = async (i, side) => URL.createObjectURL(await (await ask('GET', '/picture/' + i + '/' + side)).blob());
  function fetchPair(i) {
    if (!fetched.has(i)) {
      const parts = [askJson('GET', '/pair/' + i), ...sides.map((side) => pictureUrl(i, side))];
      const pair = Promise.all(parts);
      pair.catch(() => fetched.delete(i));
      fetched.set(i, pair);
    }
    return fetched.get(i);
  }
  function forget(keep) {
    for (const [i, pair] of fetched) {
      if (keep.includes(i)) continue;
      fetched.delete(i);
      pair.then(([, ...urls]) => urls.forEach((url) => URL.revokeObjectURL(url)), () => undefined);
    }
  }
  function tell() {
    const share = state.done / state.total;
    find('count').textContent = state.done + ' of ' + state.total;
    find('bar').firstElementChild.style.width = 100 * share + '%';
    find('bar').setAttribute('aria-valuenow', String(state.done));
    find('who').textContent = state.labeller;
    for (const button of root.querySelectorAll('[data-choice]')) button.disabled = !isReady;
    find('undo').disabled = state.done === 0;
    find('finish').innerHTML = state.next === null ? '<kbd>⏎</kbd>done' : 'stop here';
    root.dataset.state = index === null ? 'answered' : isReady ? 'asking' : 'loading';
  }
  async function show(i) {
    index = i; isReady = false;
    root.dataset.skip = 'no';
    if (i === null) {
      find('prompt').textContent = 'All ' + state.total + ' pairs are answered.';
      tell();
      return;
    }
    tell();
    try {
      const [pair, ...urls] = await fetchPair(i);
      if (index !== i) return;
      find('prompt').textContent = pair.prompt;
      await Promise.all(images.map((image, k) => {
        image.src = urls[k];
        return image.decode().then(() => image.classList.toggle('dpo-label-small', image.naturalWidth < 200));
      }));
      if (index !== i) return;
      isReady = true;
      tell();
      forget([i, i + 1]);
      if (i + 1 < state.total) fetchPair(i + 1).catch(() => undefined);
    } catch (error) {
      if (index === i) { root.dataset.skip = 'yes'; say(error.message, true); }
    }
  }`;

/** Answers, by mouse and by keys. One at a time: whoever keeps a key down answers one pair. */
const ANSWER = `
  let isBusy = false;
  async function once(work) {
    if (isBusy) return;
    isBusy = true;
    root.classList.add('dpo-label-busy');
    try { await work(); } catch (error) { say(error.message, true); }
    isBusy = false;
    root.classList.remove('dpo-label-busy');
  }
  const words = { left: 'the left one', right: 'the right one', tie: 'no difference' };
  const choose = (choice) => once(async () => {
    if (!isReady || index === null) return;
    const pair = index;
    state = await askJson('POST', '/choice', { pair, choice });
    say('Kept: ' + words[choice] + '.');
    void show(state.next);
  });
  const undo = () => once(async () => {
    state = await askJson('POST', '/undo', {});
    fetched.clear();
    say('Taken back.');
    void show(state.next);
  });
  const skip = () => once(async () => {
    const after = await askJson('GET', '/state/' + (index + 1));
    say(after.next === index || after.next === null ? 'There is no other pair without an answer.' : 'Passed over.');
    state = after;
    void show(after.next);
  });
  const finish = () => once(async () => {
    state = await askJson('POST', '/finish', {});
    index = null;
    tell();
    root.dataset.state = 'ended';
    find('prompt').textContent = 'Thank you. ' + state.done + ' of ' + state.total + ' pairs have an answer.';
    say(inTab ? 'This page may be closed.' : '');
  });
  const keys = {
    ArrowLeft: () => choose('left'), ArrowRight: () => choose('right'),
    ArrowUp: () => choose('tie'), '=': () => choose('tie'), u: undo, U: undo,
  };
  (inTab ? document : root).addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ends = event.key === 'Enter' && index === null && event.target.tagName !== 'BUTTON';
    const act = ends ? finish : keys[event.key];
    if (!act || root.dataset.state === 'ended') return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) void act();
  });
  for (const button of root.querySelectorAll('[data-choice]'))
    button.addEventListener('click', () => { root.focus({ preventScroll: true }); void choose(button.dataset.choice); });
  for (const [name, act] of [['undo', undo], ['skip', skip], ['finish', finish]])
    find(name).addEventListener('click', () => void act());
  enter().then((first) => {
    state = first;
    root.dataset.state = 'loading';
    root.focus({ preventScroll: true });
    return show(state.next);
  }).catch((error) => { root.dataset.state = 'refused'; say(error.message, true); });`;

export const LABEL_SCRIPT = `
for (const root of document.querySelectorAll('div.dpo-label:not([data-ready])')) {
  root.dataset.ready = 'yes';
  (() => {${TALK}${SHOW}${ANSWER}
  })();
}`;
