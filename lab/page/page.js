// The lab's page: buttons that break servers, and a ladder that grows. Nothing that came from the network is ever
// written as HTML: all texts are set as text.
'use strict';

const TOKEN = location.hash.slice(1);
const PAUSE_MS = 500;
const ROWS_MAX = 1500;
const LEFT = 92, COLUMN = 150, ROW = 26;
const SVG = 'http://www.w3.org/2000/svg';

// What a button orders; a word that stands alone is the fault itself.
const BUTTONS = {
  sip: [['up', 'up'], ['silent', 'silent'], ['closed', 'closed'], ['503', 'answers 503 retry-after 30'],
    ['slow 3s', 'slow 3s'], ['loss 30%', 'loss 30%'], ['challenges', 'challenges'], ['stale', 'stale'],
    ['expires 60s', 'expires 60s'], ['mute', 'mute'], ['resets', 'resets'], ['wrong name', 'certificate wrong-name'],
    ['expired', 'certificate expired'], ['forgets', 'forgets'], ['restarts', 'restarts']],
  dns: [['up', 'up'], ['silent', 'silent'], ['servfail', 'servfail'], ['nxdomain', 'nxdomain'],
    ['ttl 5s', 'ttl 5s']],
};

const byId = (id) => document.getElementById(id);
let state = null, next = 1, svg = null, y = 24, rows = 0, last = 0;
let refreshed = Promise.resolve(); // when what was last asked for is shown

function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

function draw(name, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  return element;
}

function say(trouble) {
  byId('trouble').textContent = trouble;
  byId('trouble').hidden = !trouble;
}

async function order(text) {
  const answer = await fetch('order', {method: 'POST', headers: {'X-Keepline-Token': TOKEN}, body: text});
  say(answer.ok ? '' : await answer.text());
  await refresh();
}

// ---- servers ----

function showServer(name, address, faults, facts, kind) {
  const id = `server-${name}`;
  let card = byId(id);
  if (!card) {
    card = make('div', {id}, make('h2', {}, name, make('code', {textContent: address})),
      make('p', {className: 'facts'}), make('p', {className: 'faults'}), make('div', {className: 'buttons'}));
    for (const [label, fault] of BUTTONS[kind]) {
      const meaning = state.words.find((word) => word.word === fault.split(' ')[0]);
      const button = make('button', {textContent: label, title: meaning ? meaning.meaning : fault,
        onclick: () => order(`${name} ${fault}`)});
      button.dataset.fault = fault;
      if (fault === 'up') button.className = 'up';
      card.querySelector('.buttons').append(button);
    }
    byId('servers').append(card);
  }
  card.className = `server ${faults.length ? 'broken' : 'whole'}`;
  card.querySelector('.facts').textContent = facts;
  card.querySelector('.faults').textContent = faults.join('; ') || 'up';
  for (const button of card.querySelectorAll('button'))
    button.classList.toggle('on', faults.includes(button.dataset.fault));
}

function showState() {
  byId('domain').textContent = state.domain;
  byId('clock').textContent = `${state.now.toFixed(1)} s`;
  for (const server of state.servers)
    showServer(server.name, server.address, server.faults,
      `${server.registered} registered, ${server.calls} calls, ${server.requests} requests`, 'sip');
  showServer('dns', state.dns.address, state.dns.fault === 'up' ? [] : [state.dns.fault], 'names', 'dns');
}

// ---- the ladder ----

function columnX(server) {
  return LEFT + COLUMN * (server < 0 ? state.servers.length + 1 : server + 1);
}

function makeLadder() {
  const width = columnX(-1) + COLUMN / 2;
  const heads = draw('svg', {class: 'ladder heads', width, height: 40});
  const names = [['phone', LEFT], ...state.servers.map((server, i) => [server.name, columnX(i)]), ['dns', columnX(-1)]];
  svg = draw('svg', {class: 'ladder', width, height: 60});
  for (const [name, x] of names) {
    const head = draw('g', {class: 'head'});
    head.append(draw('rect', {x: x - 60, y: 6, width: 120, height: 26, rx: 6}), draw('text', {x, y: 24}, name));
    heads.append(head);
    const line = draw('g', {class: 'head'});
    line.append(draw('line', {x1: x, x2: x, y1: 0, y2: '100%'}));
    svg.append(line);
  }
  byId('ladder').replaceChildren(heads, svg);
}

function styleOf(entry) {
  if (entry.lost) return 'lost';
  if (entry.kind !== 'answer') return entry.kind;
  if (/^(1|401|407)/.test(entry.text)) return 'wait';
  return entry.text[0] === '2' ? 'good' : 'bad';
}

// What has room on an arrow; the whole text shows when the pointer rests on it.
function shorten(entry) {
  if (entry.kind === 'question') return entry.text.replace(/^\S+ /, '');
  return entry.text.replace(/ \(.*\)$/, '').replace(/^(\d+) .* to (\S+)$/, '$1 $2').replace(', with credentials', ' + proof');
}

function drawEntry(entry) {
  const x = columnX(entry.server), group = draw('g', {class: styleOf(entry)});
  if (rows && entry.t - last > 3) y += ROW / 2;
  last = entry.t;
  group.append(draw('text', {class: 'time', x: LEFT - 10, y: y + 4}, entry.t.toFixed(3)));
  if (entry.kind === 'fault') {
    group.append(draw('rect', {x: x - 72, y: y - 12, width: 144, height: 22, rx: 5}),
      draw('text', {x, y: y + 4}, entry.text.slice(0, 24)));
  } else {
    const [from, to] = entry.sent ? [x, LEFT] : [LEFT, x], tip = entry.sent ? 7 : -7;
    group.append(draw('line', {x1: from, x2: to, y1: y, y2: y}), draw('path', {d: `M${to} ${y} l${tip} -4 v8 z`}),
      draw('text', {x: x - COLUMN / 2, y: y - 5}, shorten(entry)));
    if (entry.gap) group.append(draw('text', {class: 'gap', x: x + 6, y: y + 4}, `+${entry.gap.toFixed(3)}`));
  }
  group.append(draw('title', {}, `${entry.text} ${entry.far}`));
  svg.append(group);
  y += ROW;
  if (++rows > ROWS_MAX) svg.querySelector('g:not(.head)').remove();
}

async function grow() {
  const entries = await (await fetch(`entries?from=${next}`)).json();
  for (const entry of entries) {
    drawEntry(entry);
    next = entry.n + 1;
  }
  if (entries.length) {
    svg.setAttribute('height', y + ROW);
    if (byId('follow').checked) byId('ladder').scrollTop = byId('ladder').scrollHeight;
  }
}

// ---- the verdict ----

const STYLES = {broken: 'bad', kept: 'good', 'not exercised': 'wait'};

function showRule(rule) {
  const details = make('details', {className: `rule ${STYLES[rule.verdict]}`, open: rule.verdict === 'broken'},
    make('summary', {}, make('b', {textContent: rule.verdict === 'not exercised' ? '-' : rule.verdict}),
      make('code', {textContent: rule.rule}), rule.text));
  const list = make('ul');
  for (const [sights, style] of [[rule.breaches, 'bad'], [rule.keepings, 'good']])
    for (const sight of sights)
      list.append(make('li', {className: style}, make('time', {textContent: `${sight.t_s.toFixed(3)} s`}), sight.text));
  details.append(list);
  return details;
}

async function judge() {
  const answer = await fetch(`verdict?expect=${encodeURIComponent(byId('expect').value)}`);
  if (!answer.ok) return say(await answer.text());
  const verdict = await answer.json(), sums = make('p', {className: 'sums'}), rules = [];
  for (const word of Object.keys(STYLES)) {
    const these = verdict.rules.filter((rule) => rule.verdict === word);
    sums.append(make('span', {className: STYLES[word]}, make('b', {textContent: these.length}), word));
    rules.push(...these.map(showRule));
  }
  byId('verdict').replaceChildren(sums, ...rules);
  return undefined;
}

function linkReport() {
  byId('report').href = `report?expect=${encodeURIComponent(byId('expect').value)}`;
}

// ---- time ----

async function load() {
  const first = !state;
  state = await (await fetch('state')).json();
  if (first) {
    makeLadder();
    byId('expect').value = state.expect;
    linkReport();
  }
  showState();
  await grow();
}

// One at a time: two that ask from the same entry on would both draw it.
function refresh() {
  const loaded = refreshed.then(load);
  refreshed = loaded.catch(() => {});
  return loaded;
}

async function run() {
  try {
    await refresh();
    if (byId('trouble').textContent.startsWith('The lab')) say('');
  } catch {
    say('The lab does not answer.');
  }
  setTimeout(run, PAUSE_MS);
}

byId('judge').onclick = judge;
byId('expect').onchange = linkReport;
run();
