/* report.js - which plots a report has, the choice of steps and times, and tables that sort. */

const data = JSON.parse(document.getElementById('data').textContent);
const time = data.time;
const middle = time.start.map((start, i) => (start + time.end[i]) / 2);
const length = time.start.map((start, i) => Math.max(time.end[i] - start, 1e-9));
const half = length.map((seconds) => seconds / 2);
const state = {times: 'latency', log: true, quantile: 'p95', chosen: []};
const QUANTILES = {p50: 'median', p90: '90th', p95: '95th', p99: '99th', p999: '99.9th', max: 'max'};
const all = data.rows[0], steps = data.rows.slice(1);

const perSecond = (values) => values.map((value, i) => (value === null ? null : value / length[i]));
const line = (name, y, colour, more = {}) => ({name, y, colour, ...more});
const isLog = () => state.log;
const milliseconds = (value) => (value >= 10000 ? plain(value / 1000) + ' s' : plain(value));
const timesWord = () => (state.times === 'latency' ? 'latency' : 'service time');

/* ---- groups ---- */

function shadesOf() {
  const out = [];
  time.warm.forEach((warm, i) => {
    if (!warm) return;
    const last = out[out.length - 1];
    if (last && time.start[i] - last[1] < 0.5) last[1] = time.end[i]; else out.push([time.start[i], time.end[i]]);
  });
  return out;
}

const overTime = new Group(middle, {
  whole: middle.length ? [Math.min(time.start[0], 0), time.end[time.end.length - 1]] : [0, 1],
  gap: data.width * 1.9,
  shades: shadesOf(),
  ticks: timeTicks,
  label: (i) => `${clock(time.start[i])} – ${clock(time.end[i])}${time.warm[i] ? ' (warm-up)' : ''}`,
  canZoom: true,
  changed: showRange,
});

/* Shares 1 - 10^-u; every step has the same u but the last, its end. */
const longest = Math.max(9, ...data.rows.map((row) => Math.max(row.latency_all.spectrum.length, row.service_all.spectrum.length)));
const nines = Array.from({length: longest}, (_, i) => i / data.perNine);
const spectra = new Group(nines, {whole: [0, nines[longest - 1]], ticks: nineTicks, label: (i) => shareText(nines[i])});

function shareText(u) {
  const share = 100 * (1 - 10 ** -u);
  return `${share.toFixed(Math.ceil(u))} %`;
}

function nineTicks(from, to, width) {
  const found = [{at: 0, text: '0'}, {at: Math.log10(2), text: '50'}];
  for (let k = 1; k <= to; k++) found.push({at: k, text: k === 1 ? '90' : k === 2 ? '99' : '99.' + '9'.repeat(k - 2)});
  return found.filter((tick) => tick.at <= to && (tick.at !== Math.log10(2) || width / to > 90));
}

/* Bins of all densities, from the least to the greatest. */
const filled = data.rows.flatMap((row) => [row.latency_all, row.service_all]).filter((one) => one.density.length);
const firstBin = Math.min(...filled.map((one) => one.first), Infinity);
const lastBin = Math.max(...filled.map((one) => one.first + one.density.length), -Infinity);
const hasDensity = lastBin > firstBin;
const bins = hasDensity ? Array.from({length: lastBin - firstBin + 2}, (_, i) => firstBin - 1 + i) : [0, 1];
const binMs = (k) => 10 ** (k / data.perDecade) / 1000;
const densities = new Group(bins, {
  whole: [bins[0], bins[bins.length - 1]],
  ticks: densityTicks,
  label: (i) => `${milliseconds(binMs(bins[i]))} – ${milliseconds(binMs(bins[i] + 1))} ms`,
});

function densityTicks(from, to, width) {
  const out = [];
  const parts = width / ((to - from) / data.perDecade) > 150 ? [1, 2, 5] : [1];
  for (let k = -3; k < 8; k++) {
    for (const part of parts) {
      const at = Math.log10(part * 10 ** k * 1000) * data.perDecade - 0.5;
      if (at >= from && at <= to) out.push({at, text: milliseconds(part * 10 ** k)});
    }
  }
  return out;
}

/* ---- plots over time ---- */

function quantileSeries(row) {
  return Object.entries(QUANTILES).map(([key, name], i) => line(name, row[state.times][key], [0, 5, 2, 4, 1, 6][i], {dash: [0, 0, 0, 0, 0, 2][i]}));
}

const CODES = {1: [6, 6], 2: [0, 5], 3: [2, 2], 4: [4, 4], 5: [1, 3]};

function codeSeries() {
  const used = {};
  const out = Object.entries(data.codes).map(([code, y]) => {
    const colours = CODES[code[0]] || [7, 7];
    used[code[0]] = (used[code[0]] ?? -1) + 1;
    return line(code, perSecond(y), colours[used[code[0]] % colours.length]);
  });
  if (data.unanswered.some((v) => v > 0)) out.push(line('no answer', perSecond(data.unanswered), 6));
  /* what is rare lies at the bottom, where it is seen */
  return out.sort((a, b) => (b.name[0] === 'n') - (a.name[0] === 'n') || b.name.localeCompare(a.name));
}

function userSeries() {
  const out = [line('active', time.users, 0)];
  if (!data.open) out.push(line('wanted', time.wanted, 6, {dash: 2}));
  if (data.open || time.waiting.some((v) => v > 0)) out.push(line('waiting for a user', time.waiting, 1, {dash: 1}));
  return out;
}

function journeySeries() {
  const out = [line('ended', perSecond(time.rounds), 2)];
  if (data.open) out.push(line('wanted', time.wanted, 6, {dash: 2}), line('begun late', perSecond(time.late), 1, {dash: 1}));
  return out;
}

const latencyPlots = []; /* those that change with latency or service time: [plot, () -> series] */

function timesPlot(parent, group, spec, series) {
  const plot = new Plot(parent, group, {unit: `${timesWord()}, ms`, format: milliseconds, log: isLog, ...spec, series: series()});
  latencyPlots.push([plot, series]);
  return plot;
}

function makeTimePlots(parent) {
  new Plot(parent, overTime, {title: 'Throughput', unit: 'a second', series: [
    line('requests', perSecond(all.requests), 0), line('connections made', perSecond(time.connects), 4, {dash: 1})]});
  timesPlot(parent, overTime, {title: 'Latency percentiles', of: true}, () => quantileSeries(all));
  new Plot(parent, overTime, {title: 'Answers by status', unit: 'a second', kind: 'stack', half, series: codeSeries()});
  new Plot(parent, overTime, {title: 'Users', unit: '', series: userSeries(), integer: true});
  new Plot(parent, overTime, {title: 'Journeys', unit: 'a second', series: journeySeries()});
  new Plot(parent, overTime, {title: 'Transfer', unit: 'bytes a second', format: bytes, series: [
    line('received', perSecond(all.bytes_in), 0), line('sent', perSecond(all.bytes_out), 1)]});
  const kinds = Object.entries(data.kinds).map(([kind, y], i) => line(kind, perSecond(y), [1, 3, 4, 7, 0, 2, 5, 6][i % 8]));
  if (kinds.length) new Plot(parent, overTime, {title: 'Errors by kind', unit: 'a second', kind: 'stack', half, integer: true, series: kinds});
}

function makeServerPlots(parent) {
  const server = data.server;
  const word = server.name ? ` of ${server.name.slice(0, 60)}` : '';
  new Plot(parent, overTime, {title: 'CPU for each request', unit: 'µs' + word, series: [line('CPU per request', server.us, 0)]});
  new Plot(parent, overTime, {title: 'CPU used', unit: 'CPUs', series: [line('CPUs', server.cpus, 1)]});
  const memory = [['rss', 'resident', 0], ['pss', 'proportional', 2]].filter(([name]) => hasAny(server[name]));
  if (memory.length) new Plot(parent, overTime, {title: 'Memory', unit: '', format: bytes, series: memory.map(([name, text, c], i) => line(text, server[name], c, {dash: i}))});
  const counts = [['processes', 0], ['threads', 1]].filter(([name]) => hasAny(server[name]));
  if (counts.length) new Plot(parent, overTime, {title: 'Processes and threads', unit: '', integer: true, series: counts.map(([name, c]) => line(name, server[name], c))});
  if (hasAny(server.queue)) new Plot(parent, overTime, {title: 'Accept queue', unit: 'connections not yet accepted', integer: true, series: [line('waiting', server.queue, 3)]});
}

const hasAny = (values) => Boolean(values) && values.some((v) => v !== null);

function makeGeneratorPlots(parent) {
  const share = time.cpu.map((cpu, i) => 100 * cpu / length[i] / data.threads);
  const of = data.threads === 1 ? '% of a CPU' : `% of the CPU of ${data.threads} threads`;
  new Plot(parent, overTime, {title: 'CPU of the generator', unit: `${of}; dashed: above it the generator is the limit`,
    series: [line('CPU', share, 0)], limit: 100 * data.limit, least: 100});
  new Plot(parent, overTime, {title: 'Memory of the generator', unit: '', format: bytes, series: [line('resident', time.rss, 2)]});
}

function makeScatter(parent) {
  const rate = perSecond(all.requests);
  const marks = [['p50', 'circle', 0], ['p95', 'square', 2], ['p99', 'triangle', 1]];
  const series = () => marks.map(([key, mark, colour]) => line(QUANTILES[key], all[state.times][key], colour, {mark: MARKS[mark]}));
  const spec = {title: 'Each second', full: true, height: 300, unit: `${timesWord()}, ms, over requests a second`, tail: ', over requests a second',
    log: isLog, format: milliseconds, across: rate, isWarm: time.warm, series: series()};
  latencyPlots.push([new Scatter(parent, overTime, spec), series]);
}

/* ---- plots by step ---- */

const ranks = ranksOf();
const look = (i) => ({colour: ranks[i] % 8, dash: Math.floor(ranks[i] / 8) % DASHES.length});

/* Of few steps their order; of many the busiest are first, so that those shown at first differ most. */
function ranksOf() {
  const out = steps.map((_, i) => i);
  if (steps.length <= 10) return out;
  const took = steps.map((row) => row.latency_all.count * (row.latency_all.spectrum[5] || 0));
  [...out].sort((a, b) => took[b] - took[a]).forEach((step, rank) => { out[step] = rank; });
  return out;
}

function overTimeSeries() {
  return state.chosen.map((i) => {
    const row = steps[i];
    const y = state.quantile === 'rate' ? perSecond(row.requests) : state.quantile === 'errors' ? perSecond(row.errors) : row[state.times][state.quantile];
    return line(row.name, y, 0, look(i));
  });
}

function distributionSeries(pick) {
  if (steps.length === 1 || !state.chosen.length) return [line('all requests', pick(all[`${state.times}_all`]), 6)];
  return state.chosen.map((i) => line(steps[i].name, pick(steps[i][`${state.times}_all`]), 0, look(i)));
}

function spectrumOf(one) {
  const out = new Array(longest).fill(null);
  one.spectrum.forEach((value, i) => { out[i] = value; });
  return out;
}

function densityOf(one) {
  if (!one.density.length) return bins.map(() => null);
  return bins.map((k) => 100 * (one.density[k - one.first] ?? 0));
}

let stepPlot = null;

function isTimes() { return state.quantile !== 'rate' && state.quantile !== 'errors'; }

function makeStepPlots(parent) {
  stepPlot = timesPlot(parent, overTime, {title: 'Steps over time', full: true, height: 240, log: () => state.log && isTimes(),
    format: (value) => (isTimes() ? milliseconds(value) : short(value))}, overTimeSeries);
  if (!hasDensity) return;
  timesPlot(parent, spectra, {title: 'Percentile spectrum', height: 240, tail: ', that so many percent do not pass'},
    () => distributionSeries(spectrumOf));
  const density = timesPlot(parent, densities, {title: 'Density', height: 240, log: () => false, format: plain, fixed: '% of requests in each bin, over ms'},
    () => distributionSeries(densityOf));
  density.unit.textContent = density.spec.fixed;
}

/* Those that took the most time, by requests and median. */
function busiest() {
  return steps.length <= 10 ? steps.map((_, i) => i) : steps.map((_, i) => i).filter((i) => ranks[i] < 8);
}


function choose(chosen, boxes) {
  state.chosen = chosen;
  boxes.forEach((box, i) => { box.checked = chosen.includes(i); });
  refresh();
}

function makeChooser(parent) {
  const boxes = [];
  const label = node(parent, 'label', {}, 'Over time: ');
  const select = node(label, 'select');
  for (const [key, name] of [...Object.entries(QUANTILES), ['rate', 'requests a second'], ['errors', 'errors a second']]) {
    node(select, 'option', {value: key}, name);
  }
  select.value = state.quantile;
  select.addEventListener('change', () => { state.quantile = select.value; refresh(); });
  const buttons = node(parent, 'span');
  const every = steps.map((_, i) => i);
  for (const [name, chosen] of [['All steps', () => every], ['None', () => []], ['Busiest eight', busiest]]) {
    if (name !== 'Busiest eight' || steps.length > 10) {
      node(buttons, 'button', {type: 'button'}, name).addEventListener('click', () => choose(chosen(), boxes));
      buttons.append(' ');
    }
  }
  const names = node(parent, 'div', {class: 'names', role: 'group', 'aria-label': 'Steps that are shown'});
  steps.forEach((row, i) => {
    const one = node(names, 'label');
    boxes.push(node(one, 'input', {type: 'checkbox'}));
    swatch(one, line(row.name, [], 0, look(i)), false);
    node(one, 'bdi', {}, row.name);
    boxes[i].checked = state.chosen.includes(i);
    boxes[i].addEventListener('change', () => choose(every.filter((k) => boxes[k].checked), boxes));
  });
}

function refresh() {
  for (const [plot, series] of latencyPlots) {
    const hidden = new Set(plot.series.filter((one) => one.hidden).map((one) => one.name));
    plot.setSeries(series().map((one) => ({...one, hidden: hidden.has(one.name)})));
    if (!plot.spec.fixed) plot.unit.textContent = `${timesWord()}, ms${plot.spec.tail || ''}`;
    if (plot === stepPlot) plot.unit.textContent = isTimes() ? `${QUANTILES[state.quantile]} of ${timesWord()}, ms` : state.quantile === 'rate' ? 'requests a second' : 'errors a second';
  }
  const ends = spectra.plots.flatMap((plot) => plot.series.map((one) => one.y.findLastIndex((v) => v !== null)));
  spectra.to = nines[Math.max(8, ...ends)];
  for (const group of [overTime, spectra, densities]) group.redraw();
}

/* ---- controls ---- */

function choice(parent, title, name, options, current, change) {
  const set = node(parent, 'fieldset');
  node(set, 'legend', {}, title);
  for (const [value, text] of options) {
    const label = node(set, 'label');
    const input = node(label, 'input', {type: 'radio', name, value});
    input.checked = value === current;
    label.append(text);
    input.addEventListener('change', () => change(value));
  }
}

let rangeText = null, wholeButton = null;

function makeControls(parent) {
  choice(parent, 'Times:', 'times', [['latency', 'latency'], ['service', 'service time']], state.times, (value) => {
    state.times = value;
    showTable();
    refresh();
  });
  choice(parent, 'Scale of times:', 'scale', [['log', 'logarithmic'], ['linear', 'linear']], 'log', (value) => {
    state.log = value === 'log';
    refresh();
  });
  const range = node(parent, 'span', {class: 'range'});
  rangeText = node(range, 'span');
  range.append(' ');
  wholeButton = node(range, 'button', {type: 'button'}, 'Whole run');
  wholeButton.addEventListener('click', () => overTime.zoom(0, 0));
  parent.hidden = false;
}

function showRange() {
  const [from, to] = overTime.whole;
  rangeText.textContent = `Plots show ${clock(overTime.from)} – ${clock(overTime.to)}`;
  wholeButton.disabled = overTime.from === from && overTime.to === to;
}

function showTable() {
  for (const table of document.querySelectorAll('table.steps')) table.parentNode.hidden = table.dataset.times !== `${state.times}_ms`;
}

/* ---- tables ---- */

function makeSortable(table) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const body = table.tBodies[table.tBodies.length - 1];
  heads.forEach((head, column) => {
    const button = node(null, 'button', {type: 'button', title: 'Sort by this'}, head.textContent);
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const wasDown = head.getAttribute('aria-sort') === 'descending', isText = !('v' in body.rows[0].cells[column].dataset);
      const up = head.hasAttribute('aria-sort') ? wasDown : isText;
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      sortRows(body, column, up);
    });
  });
}

function sortRows(body, column, up) {
  const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
  const compare = (a, b) => (isNaN(a) || isNaN(b) ? String(a).localeCompare(b, 'en', {numeric: true}) : a - b);
  body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b)) * (up ? 1 : -1)));
}

/* ---- the page ---- */

function open(id) {
  const section = document.getElementById(id);
  section.hidden = false;
  return section.querySelector('.plots');
}

function begin() {
  state.chosen = busiest();
  makeControls(document.getElementById('controls'));
  for (const table of document.querySelectorAll('table.sortable')) if (table.tBodies[table.tBodies.length - 1].rows.length) makeSortable(table);
  showTable();
  if (middle.length) makeTimePlots(open('over-time'));
  if (steps.length) {
    const parent = open('by-step');
    makeChooser(document.getElementById('chooser'));
    makeStepPlots(parent);
  }
  if (middle.length) makeScatter(open('against'));
  if (middle.length && data.server) makeServerPlots(open('server'));
  if (middle.length) makeGeneratorPlots(open('generator'));
  refresh();
  showRange();
  let width = window.innerWidth;
  window.addEventListener('resize', () => { if (window.innerWidth !== width) { width = window.innerWidth; refresh(); } });
}

begin();
