/* report_plot.js - draws plots as SVG: scales, axes, lines, areas, points; a readout and a zoom shared by a group.
 *
 *      Group (x values, range, moment) ── Plot (legend, svg) ── series {name, y, colour, dash}
 */
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
const DASHES = ['', '7 3', '2 3', '9 3 2 3', '4 2'];
const EDGE = {left: 54, right: 12, top: 8, bottom: 22};

function node(parent, name, attributes = {}, text = null) {
  const made = document.createElement(name);
  return furnish(parent, made, attributes, text);
}

function shape(parent, name, attributes = {}, text = null) {
  return furnish(parent, document.createElementNS(SVG, name), attributes, text);
}

function furnish(parent, made, attributes, text) {
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== '') made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

/* ---- figures ---- */

function plain(value) {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toPrecision(1);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en', {maximumFractionDigits: digits});
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return plain(value / 1e9) + ' G';
  if (size >= 1e6) return plain(value / 1e6) + ' M';
  return size >= 1e5 ? plain(value / 1e3) + ' k' : plain(value);
}

function bytes(value) {
  for (const unit of ['B', 'kB', 'MB']) {
    if (Math.abs(value) < 999.5) return plain(value) + ' ' + unit;
    value /= 1000;
  }
  return plain(value) + ' GB';
}

function clock(seconds) {
  const whole = Math.round(seconds * 1000) / 1000;
  if (whole < 60) return plain(whole) + ' s';
  const two = (value) => String(value).padStart(2, '0');
  const rest = Math.floor(whole % 60);
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/* ---- scales: place() is 0 to 1 ---- */

function niceStep(span, count) {
  const raw = span / count, power = 10 ** Math.floor(Math.log10(raw)), part = raw / power;
  return power * (part > 5 ? 10 : part > 2 ? 5 : part > 1 ? 2 : 1);
}

function linearScale(low, high, count) {
  const step = niceStep(high - low || 1, count);
  const top = Math.ceil(high / step - 1e-9) * step || step, ticks = [];
  for (let i = Math.ceil(low / step); i * step <= top * (1 + 1e-9); i++) ticks.push(i * step || 0);
  return {low, high: top, ticks, place: (v) => (v - low) / (top - low)};
}

function logScale(low, high, height) {
  const parts = [1, 2, 5];
  const down = (v) => { const p = 10 ** Math.floor(Math.log10(v) + 1e-9); return p * (v / p >= 5 ? 5 : v / p >= 2 ? 2 : 1); };
  const up = (v) => { const p = 10 ** Math.floor(Math.log10(v) - 1e-9); return p * (v / p > 5 ? 10 : v / p > 2 ? 5 : v / p > 1 ? 2 : 1); };
  const bottom = down(low), top = Math.max(up(high), bottom * 10), ticks = [];
  const decade = height / Math.log10(top / bottom); /* in pixels */
  for (let k = Math.floor(Math.log10(bottom)); k <= Math.log10(top) + 1e-9; k++) {
    for (const part of decade < 70 ? [1] : parts) {
      const tick = part * 10 ** k;
      if (tick >= bottom * 0.999 && tick <= top * 1.001) ticks.push(tick);
    }
  }
  return {low: bottom, high: top, ticks, place: (v) => Math.log(v / bottom) / Math.log(top / bottom)};
}

function timeTicks(from, to, width) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const most = Math.max(width / 70, 2);
  const step = steps.find((s) => (to - from) / s <= most) || niceStep(to - from, most);
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) ticks.push({at: i * step, text: clock(i * step || 0)});
  return ticks;
}

/* ---- what plots share: the values of x, the range that is shown, the moment that is read ---- */

class Group {
  constructor(x, options) {
    this.x = x;                 /* rising */
    this.plots = [];
    this.at = null;             /* index into x */
    this.mark = null;           /* another one: the other end of a range marked by keys */
    this.gap = options.gap || Infinity;
    this.whole = options.whole;
    this.shades = options.shades || [];
    this.ticks = options.ticks;
    this.label = options.label; /* index -> text */
    this.canZoom = options.canZoom || false;
    this.changed = options.changed || (() => {});
    [this.from, this.to] = this.whole;
  }

  near(x) {
    let low = 0, high = this.x.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.x[middle] < x) low = middle + 1; else high = middle;
    }
    return low > 0 && x - this.x[low - 1] < this.x[low] - x ? low - 1 : low;
  }

  read(index) {
    this.at = index === null || !this.x.length ? null : Math.min(Math.max(index, 0), this.x.length - 1);
    for (const plot of this.plots) plot.read();
  }

  select(from, to) {
    for (const plot of this.plots) plot.select(from, to);
  }

  zoom(from, to) {
    if (!this.canZoom) return;
    [this.from, this.to] = to > from ? [Math.max(from, this.whole[0]), Math.min(to, this.whole[1])] : this.whole;
    this.mark = null;
    this.redraw();
    this.changed();
  }

  redraw() {
    for (const plot of this.plots) plot.draw();
    this.read(this.at);
  }

  holds(x) { return x >= this.from && x <= this.to; }
}

/* ---- a plot ---- */

class Plot {
  /* spec: title, unit, series [{name, y, colour, dash, hidden}], kind 'line' | 'stack', log () -> bool,
   * format, limit (a level to draw), full, least (the top of y at least), integer */
  constructor(parent, group, spec) {
    Object.assign(this, {group, spec, width: 0, height: spec.height || 190});
    this.figure = node(parent, 'figure', {class: spec.full ? 'full' : ''});
    const caption = node(this.figure, 'figcaption');
    node(caption, 'span', {}, spec.title);
    this.unit = node(caption, 'span', {class: 'unit'}, spec.unit);
    this.when = node(caption, 'span', {class: 'at'});
    this.legend = node(this.figure, 'div', {class: 'legend'});
    this.board = node(this.figure, 'div', {class: 'board', tabindex: 0, role: 'group', 'aria-label': `${spec.title}, ${spec.unit}`});
    this.svg = shape(this.board, 'svg', {class: 'plot', 'aria-hidden': 'true'});
    this.setSeries(spec.series);
    this.listen();
    group.plots.push(this);
  }

  setSeries(series) {
    this.series = series;
    this.legend.replaceChildren();
    for (const one of series) {
      const button = node(this.legend, 'button', {type: 'button', 'aria-pressed': String(!one.hidden)});
      swatch(button, one, this.spec.kind === 'stack');
      node(button, 'bdi', {}, one.name);
      one.value = node(button, 'b');
      button.addEventListener('click', () => {
        one.hidden = !one.hidden;
        button.setAttribute('aria-pressed', String(!one.hidden));
        this.draw();
        this.read();
      });
    }
  }

  listen() {
    const at = (event) => {
      const box = this.svg.getBoundingClientRect();
      const part = ((event.clientX - box.left) / box.width * this.width - EDGE.left) / this.inner;
      return this.group.from + Math.min(Math.max(part, 0), 1) * (this.group.to - this.group.from);
    };
    let begin = null;
    this.svg.addEventListener('pointermove', (event) => {
      this.group.read(this.group.near(at(event)));
      if (begin !== null) this.group.select(begin, at(event));
    });
    this.svg.addEventListener('pointerleave', () => { if (begin === null) this.group.read(null); });
    this.svg.addEventListener('pointerdown', (event) => {
      if (!this.group.canZoom || event.button !== 0 || event.pointerType === 'touch') return;
      begin = at(event);
      this.svg.setPointerCapture(event.pointerId);
      event.preventDefault();
      this.board.focus({preventScroll: true, focusVisible: false});
    });
    this.svg.addEventListener('pointerup', (event) => {
      if (begin === null) return;
      const from = Math.min(begin, at(event)), to = Math.max(begin, at(event));
      begin = null;
      this.group.select(0, 0);
      if ((to - from) / (this.group.to - this.group.from) * this.inner > 6) this.group.zoom(from, to);
    });
    this.svg.addEventListener('pointercancel', () => { begin = null; this.group.select(0, 0); });
    this.svg.addEventListener('dblclick', () => this.group.zoom(0, 0));
    this.board.addEventListener('keydown', (event) => { if (this.key(event)) event.preventDefault(); });
    this.board.addEventListener('blur', () => { this.group.mark = null; this.group.select(0, 0); });
  }

  /* Arrows move the readout, with Shift they mark a range; true: the key was ours. */
  key(event) {
    const group = this.group;
    const moves = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity};
    if (event.key === 'Escape') { group.zoom(0, 0); group.select(0, 0); group.read(null); return true; }
    if (event.key === 'Enter' && group.mark !== null && group.at !== null) {
      const ends = [group.x[group.mark], group.x[group.at]];
      group.select(0, 0);
      group.zoom(Math.min(...ends), Math.max(...ends));
      return true;
    }
    if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return false;
    const [first, last] = [group.near(group.from), group.near(group.to)];
    if (event.shiftKey && group.mark === null) group.mark = group.at ?? first;
    const to = group.at === null ? (moves[event.key] > 0 ? first : last) : group.at + moves[event.key];
    group.read(Math.min(Math.max(to, first), last));
    if (!event.shiftKey) group.mark = null;
    if (group.mark !== null) group.select(group.x[group.mark], group.x[group.at]); else group.select(0, 0);
    this.say();
    return true;
  }

  say() {
    const parts = this.shown().map((one) => `${one.name} ${this.format(one.y[this.group.at])}`);
    document.getElementById('say').textContent = `${this.group.label(this.group.at)}: ${parts.join(', ')}`;
  }

  shown() { return this.series.filter((one) => !one.hidden); }
  format(value) { return value === null || value === undefined ? '–' : (this.spec.format || short)(value); }
  isLog() { return this.spec.log ? this.spec.log() : false; }
  px(x) { return EDGE.left + (x - this.group.from) / (this.group.to - this.group.from || 1) * this.inner; }
  py(y) { return EDGE.top + (1 - this.scale.place(y)) * (this.height - EDGE.top - EDGE.bottom); }

  draw() {
    this.width = Math.max(Math.round(this.board.clientWidth), 240);
    this.inner = this.width - EDGE.left - EDGE.right;
    this.svg.setAttribute('viewBox', `0 0 ${this.width} ${this.height}`);
    this.svg.replaceChildren();
    this.scale = this.makeScale();
    this.drawShades();
    this.drawGrid();
    const clip = this.makeClip();
    const inside = shape(this.svg, 'g', {'clip-path': `url(#${clip})`, class: this.shown().length > 5 ? 'thin' : ''});
    if (this.spec.kind === 'stack') this.drawStack(inside); else this.drawLines(inside);
    if (!this.hasValues) shape(this.svg, 'text', {class: 'empty', x: EDGE.left + this.inner / 2, y: this.height / 2}, 'nothing to show');
    this.chosen = shape(this.svg, 'rect', {class: 'chosen', y: EDGE.top, height: this.height - EDGE.top - EDGE.bottom, width: 0});
    this.cursor = shape(this.svg, 'g');
  }

  makeClip() {
    this.clipName = this.clipName || `clip${Plot.clips = (Plot.clips || 0) + 1}`;
    const clip = shape(this.svg, 'clipPath', {id: this.clipName});
    shape(clip, 'rect', {x: EDGE.left - 2, y: EDGE.top - 3, width: this.inner + 4, height: this.height - EDGE.top - EDGE.bottom + 4});
    return this.clipName;
  }

  makeScale() {
    let low = Infinity, high = 0;
    const columns = this.spec.kind === 'stack' ? [sums(this.shown(), this.group.x.length)] : this.shown().map((one) => one.y);
    for (const y of columns) {
      for (let i = 0; i < y.length; i++) {
        if (y[i] === null || !this.group.holds(this.group.x[i])) continue;
        if (y[i] > high) high = y[i];
        if (y[i] > 0 && y[i] < low) low = y[i];
      }
    }
    this.hasValues = columns.some((y) => y.some((v) => v !== null));
    high = Math.max(high, this.spec.least || 0);
    if (this.isLog() && low < Infinity) return logScale(low, high, this.height);
    return linearScale(0, high || 1, this.spec.integer ? Math.min(5, Math.max(high, 1)) : 5);
  }

  drawShades() {
    for (const [from, to] of this.group.shades) {
      const left = Math.max(this.px(from), EDGE.left), right = Math.min(this.px(to), EDGE.left + this.inner);
      if (right <= left) continue;
      shape(this.svg, 'rect', {class: 'warm', x: left, y: EDGE.top, width: right - left, height: this.height - EDGE.top - EDGE.bottom});
    }
  }

  drawGrid() {
    const right = EDGE.left + this.inner, bottom = this.height - EDGE.bottom;
    for (const tick of this.scale.ticks) {
      const y = this.py(tick);
      shape(this.svg, 'line', {class: 'grid', x1: EDGE.left, x2: right, y1: y, y2: y});
      shape(this.svg, 'text', {x: EDGE.left - 6, y: y + 4, 'text-anchor': 'end'}, this.spec.tick ? this.spec.tick(tick) : this.format(tick));
    }
    shape(this.svg, 'line', {class: 'axis', x1: EDGE.left, x2: right, y1: bottom, y2: bottom});
    for (const tick of this.group.ticks(this.group.from, this.group.to, this.inner)) {
      const x = this.px(tick.at);
      shape(this.svg, 'line', {class: 'axis', x1: x, x2: x, y1: bottom, y2: bottom + 4});
      shape(this.svg, 'text', {x, y: bottom + 16, 'text-anchor': 'middle'}, tick.text);
    }
    if (this.spec.limit && this.spec.limit <= this.scale.high) {
      const y = this.py(this.spec.limit);
      shape(this.svg, 'line', {class: 'limit', x1: EDGE.left, x2: right, y1: y, y2: y});
    }
  }

  drawLines(parent) {
    for (const one of this.shown()) {
      shape(parent, 'path', {class: `line c${one.colour}`, 'stroke-dasharray': DASHES[one.dash || 0], d: this.path(one.y)});
    }
  }

  /* A line that stops where there is no value; a value alone is a dot. */
  path(y) {
    const {x, gap} = this.group, log = this.isLog();
    let out = '', last = -1, alone = false;
    for (let i = 0; i < x.length; i++) {
      if (y[i] === null || y[i] === undefined || (log && y[i] <= 0)) continue;
      const goes = last === i - 1 && last >= 0 && x[i] - x[last] <= gap;
      if (!goes && alone) out += 'h0';
      out += `${goes ? 'L' : 'M'}${this.px(x[i]).toFixed(1)} ${this.py(y[i]).toFixed(1)}`;
      [last, alone] = [i, !goes];
    }
    return alone ? out + 'h0' : out;
  }

  /* Bars without gaps between them: each is as wide as its bin. */
  drawStack(parent) {
    let floor = new Array(this.group.x.length).fill(0);
    for (const one of this.shown()) {
      const top = floor.map((v, i) => v + (one.y[i] || 0));
      shape(parent, 'path', {class: `area fill c${one.colour}`, d: this.bars(floor, top)});
      floor = top;
    }
  }

  bars(floor, top) {
    const {x, gap} = this.group, y = (value) => this.py(value).toFixed(1);
    const side = (i, sign) => this.px(x[i] + sign * this.spec.half[i]).toFixed(1);
    let out = '';
    for (let i = 0, end; i < x.length; i = end) {
      for (end = i; end < x.length && top[end] > floor[end] && (end === i || x[end] - x[end - 1] <= gap);) end++;
      if (end === i) { end++; continue; }
      let back = '';
      out += `M${side(i, -1)} ${y(top[i])}`;
      for (let k = i; k < end; k++) {
        const right = k + 1 < end ? side(k + 1, -1) : side(k, 1);
        out += `V${y(top[k])}H${right}`;
        back = `V${y(floor[k])}H${side(k, -1)}` + back;
      }
      out += back + 'Z';
    }
    return out;
  }

  read() {
    const {at, x} = this.group;
    this.cursor.replaceChildren();
    this.when.textContent = at === null ? '' : this.group.label(at);
    for (const one of this.series) one.value.textContent = at === null || one.hidden ? '' : this.format(one.y[at]);
    if (at === null || !this.group.holds(x[at])) return;
    const left = this.px(x[at]);
    shape(this.cursor, 'line', {class: 'cursor', x1: left, x2: left, y1: EDGE.top, y2: this.height - EDGE.bottom});
    let sum = 0;
    for (const one of this.shown()) {
      sum = this.spec.kind === 'stack' ? sum + (one.y[at] || 0) : one.y[at];
      if (sum === null || sum === undefined || (this.isLog() && sum <= 0)) continue;
      shape(this.cursor, 'circle', {class: `dot fill c${one.colour}`, cx: left, cy: this.py(sum), r: 3.2});
    }
  }

  select(from, to) {
    const left = this.px(Math.min(from, to)), right = this.px(Math.max(from, to));
    this.chosen.setAttribute('x', left);
    this.chosen.setAttribute('width', from === to ? 0 : right - left);
  }
}

function sums(series, length) {
  const out = new Array(length).fill(0);
  for (const one of series) for (let i = 0; i < length; i++) out[i] += one.y[i] || 0;
  return out;
}

function swatch(parent, one, filled) {
  const svg = shape(parent, 'svg', {class: 'swatch', viewBox: '0 0 18 10', 'aria-hidden': 'true'});
  if (one.mark) shape(svg, 'path', {class: `fill c${one.colour}`, d: one.mark(9, 5, 4)});
  else if (filled) shape(svg, 'rect', {class: `fill c${one.colour}`, x: 3, y: 0, width: 12, height: 10});
  else shape(svg, 'path', {class: `line c${one.colour}`, 'stroke-dasharray': DASHES[one.dash || 0], d: 'M1 5H17'});
}

/* ---- points of one second each: x and y are both measured ---- */

const MARKS = {
  circle: (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  square: (x, y, r) => `M${x - r * 0.85} ${y - r * 0.85}h${r * 1.7}v${r * 1.7}h${-r * 1.7}z`,
  triangle: (x, y, r) => `M${x} ${y - r}l${r} ${r * 1.8}h${-2 * r}z`,
};

/* spec.across: the x of each point, by the index of the time group; the point that is pointed at is that moment. */
class Scatter extends Plot {
  constructor(parent, group, spec) {
    super(parent, new Group([], {whole: [0, 1], ticks: acrossTicks, label: () => ''}), spec);
    this.time = group;
    group.plots.push(this);
  }

  listen() {
    this.svg.addEventListener('pointermove', (event) => {
      const box = this.svg.getBoundingClientRect();
      this.time.read(this.nearest((event.clientX - box.left) / box.width * this.width, (event.clientY - box.top) / box.height * this.height));
    });
    this.svg.addEventListener('pointerleave', () => this.time.read(null));
    this.board.addEventListener('keydown', (event) => {
      const move = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (!move) return;
      this.time.read((this.time.at ?? -1) + move);
      this.say();
      event.preventDefault();
    });
  }

  nearest(x, y) {
    let best = null, least = 900;
    this.each((i, left, top) => {
      const far = (left - x) ** 2 + (top - y) ** 2;
      if (far < least) [best, least] = [i, far];
    });
    return best;
  }

  each(visit) {
    for (const one of this.shown()) {
      for (let i = 0; i < this.time.x.length; i++) {
        const [x, y] = [this.spec.across[i], one.y[i]];
        if (this.has(i) && y > 0) visit(i, this.px(x), this.py(y), one);
      }
    }
  }

  has(i) { return this.spec.across[i] > 0 && this.time.holds(this.time.x[i]) && !this.spec.isWarm[i]; }

  makeScale() {
    const inside = this.time.x.map((_, i) => i).filter((i) => this.has(i));
    this.group.to = Math.max(...inside.map((i) => this.spec.across[i]), 0) * 1.04 || 1;
    const values = this.shown().flatMap((one) => inside.map((i) => one.y[i])).filter((v) => v > 0);
    this.hasValues = values.length > 0;
    const [low, high] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), 0)];
    return this.isLog() && this.hasValues ? logScale(low, high, this.height) : linearScale(0, high || 1, 5);
  }

  drawLines(parent) {
    const paths = new Map(), size = this.time.x.length > 120 ? 2.4 : 3.6;
    this.each((i, x, y, one) => {
      paths.set(one, (paths.get(one) || '') + one.mark(+x.toFixed(1), +y.toFixed(1), size));
    });
    for (const [one, d] of paths) shape(parent, 'path', {class: `points fill c${one.colour}`, d});
  }

  say() { document.getElementById('say').textContent = `${this.when.textContent}: ${this.shown().map((one) => `${one.name} ${this.format(one.y[this.time.at])}`).join(', ')}`; }
  select() {}

  read() {
    if (!this.time) return;
    const at = this.time.at;
    this.cursor.replaceChildren();
    this.when.textContent = at === null ? '' : `${this.time.label(at)}, ${short(this.spec.across[at] ?? 0)} requests/s`;
    for (const one of this.series) one.value.textContent = at === null || one.hidden ? '' : this.format(one.y[at]);
    if (at === null || !this.has(at)) return;
    for (const one of this.shown()) {
      if (one.y[at] > 0) shape(this.cursor, 'circle', {class: `dot fill c${one.colour}`, cx: this.px(this.spec.across[at]), cy: this.py(one.y[at]), r: 5});
    }
  }
}

function acrossTicks(from, to, width) {
  const step = niceStep(to - from, Math.max(width / 80, 2)), ticks = [];
  for (let i = 0; i * step <= to; i++) ticks.push({at: i * step, text: short(i * step)});
  return ticks;
}
