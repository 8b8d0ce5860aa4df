'use strict';
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const margin = { left: 62, right: 12, top: 16, bottom: 26 };

  // node makes an element with attributes and children; on… are listeners.
  function node(ns, tag, attributes = {}, ...children) {
    const e = ns ? document.createElementNS(ns, tag) : document.createElement(tag);
    for (const [k, v] of Object.entries(attributes)) {
      if (v === null || v === undefined || v === false) continue;
      if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
      else e.setAttribute(k, v === true ? '' : v);
    }
    e.append(...children.filter((c) => c !== null && c !== undefined));
    return e;
  }
  const html = (...a) => node(null, ...a);
  const svg = (...a) => node(SVG, ...a);
  const text = (x, y, anchor, words, cls) => svg('text', { x, y, 'text-anchor': anchor, class: cls }, words);
  const color = (i) => `var(--c${i % 11})`;

  // Single values: shape says what the colour says.
  const dotColor = { good: 'var(--c0)', bad: 'var(--c1)', void: 'var(--c7)' };
  const dots = {
    good: 'fill: var(--c0)', bad: 'fill: none; stroke: var(--c1); stroke-width: 2', void: 'fill: none; stroke: var(--c7); stroke-dasharray: 2 2',
  };

  // Figures.
  const grouped = (v) => v.toLocaleString('en-US', { maximumFractionDigits: 0 });
  const digits = (v) => (v === 0 ? '0' : Math.abs(v) >= 1000 ? grouped(v) : String(Number(v.toPrecision(3))));
  function format(v, unit) {
    if (v === null || v === undefined) return 'n/a';
    switch (unit) {
      case 'ns':
        if (v < 1e3) return `${digits(v)} ns`;
        if (v < 1e6) return `${digits(v / 1e3)} µs`;
        if (v < 1e9) return `${digits(v / 1e6)} ms`;
        return `${digits(v / 1e9)} s`;
      case 'share': return `${digits(v * 100)}%`;
      case 'jobs': return grouped(v);
      default: return digits(v);
    }
  }
  function percentile(share) {
    const p = share * 100;
    return p < 99 ? `p${Number(p.toFixed(1))}` : `p${Number(p.toFixed(5))}`;
  }

  // redraw draws now, and again whenever the width of the figure changes.
  function redraw(figure, draw) {
    let width = 0;
    new ResizeObserver(([entry]) => {
      if (entry.contentRect.width === width) return;
      width = entry.contentRect.width;
      requestAnimationFrame(draw);
    }).observe(figure);
    draw();
  }

  // Scales map values to pixels; ticks are round numbers of the axis.
  function linear(from, to, a, b) {
    const f = (v) => a + ((v - from) / (to - from || 1)) * (b - a);
    f.inverse = (p) => from + ((p - a) / (b - a)) * (to - from);
    f.ticks = (n) => {
      const raw = (to - from) / Math.max(1, n), power = 10 ** Math.floor(Math.log10(raw || 1));
      const step = [1, 2, 5, 10].find((m) => m * power >= raw) * power;
      const out = [];
      for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) out.push(Number((i * step).toPrecision(12)));
      return out;
    };
    return f;
  }
  function logarithmic(from, to, a, b) {
    const lf = Math.log10(from), lt = Math.log10(to);
    const f = (v) => a + ((Math.log10(Math.max(v, from)) - lf) / (lt - lf || 1)) * (b - a);
    f.ticks = () => {
      const decades = lt - lf, of = decades > 4 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
      const out = [];
      for (let k = Math.floor(lf); k <= Math.ceil(lt); k++) {
        for (const m of of) { const v = m * 10 ** k; if (v >= from * 0.999 && v <= to * 1.001) out.push(v); }
      }
      return out.length > 2 ? out : linear(from, to, a, b).ticks(4).filter((v) => v >= from && v > 0);
    };
    return f;
  }
  // The percentile axis gives each further nine the same width.
  const nines = (share) => -Math.log10(Math.max(1 - share, 1e-7));

  // groups are the time axes: the charts of a document move together.
  const groups = new Map();
  function groupOf(name) {
    if (!groups.has(name)) groups.set(name, { charts: [], from: null, to: null, at: null });
    return groups.get(name);
  }

  class Axes {
    constructor(figure, chart) {
      this.figure = figure;
      this.chart = chart;
      this.variant = 0;
      this.hidden = new Set();
      this.group = groupOf(chart.kind === 'time' ? `time ${figure.dataset.document}` : `${chart.id} ${figure.dataset.document}`);
      this.group.charts.push(this);
      this.tools = html('div', { class: 'tools' });
      this.plot = svg('svg', {
        class: 'plot', role: 'img', tabindex: 0, 'aria-label': `${chart.title}. Arrow keys move the crosshair, plus and minus zoom, Escape shows all. The figures are in the table below.`,
        onpointermove: (e) => this.move(e), onpointerleave: () => this.leave(), onpointerdown: (e) => this.press(e),
        onpointerup: (e) => this.release(e), onpointercancel: () => this.release(null), ondblclick: () => this.zoom(null, null), onkeydown: (e) => this.key(e),
      });
      figure.append(this.tools, this.plot);
      if (chart.note) figure.append(html('p', { class: 'note' }, chart.note));
      this.table = html('details', { class: 'data', ontoggle: () => this.fill() }, html('summary', {}, 'Table'), html('div', { class: 'scroll' }));
      figure.append(this.table);
      this.legend();
      redraw(figure, () => this.draw());
    }

    get series() { return this.chart.variants[this.variant].series; }
    xs(s) { return s.x || this.chart.x || []; }
    get isTime() { return this.chart.kind === 'time'; }
    place(x) { return this.chart.kind === 'percentile' ? nines(x) : x; }
    // label names a place on the horizontal axis.
    label(x) { return this.isTime ? `${digits(x)} s` : this.chart.kind === 'percentile' ? percentile(x) : `${this.chart.x_name} ${digits(x)}`; }

    legend() {
      const kids = [];
      if (this.chart.variants.length > 1) {
        kids.push(html('select', { 'aria-label': 'What is shown', onchange: (e) => { this.variant = e.target.selectedIndex; this.legend(); this.draw(); this.fill(); } },
          ...this.chart.variants.map((v, i) => html('option', { selected: i === this.variant }, v.name))));
      }
      this.outputs = this.series.map((s, i) => {
        const out = html('output');
        kids.push(html('button', {
          type: 'button', class: 'key', style: `--color: ${dots[s.style] ? dotColor[s.style] : color(i)}`, 'aria-pressed': String(!this.hidden.has(s.name)),
          onclick: (e) => {
            if (!this.hidden.delete(s.name)) this.hidden.add(s.name);
            e.currentTarget.setAttribute('aria-pressed', String(!this.hidden.has(s.name)));
            this.draw();
          },
        }, s.name, out));
        return out;
      });
      this.at = html('span', { class: 'at' });
      this.reset = html('button', { type: 'button', class: 'reset', hidden: true, onclick: () => this.zoom(null, null) }, 'show all');
      this.tools.replaceChildren(...kids, this.at, this.reset);
    }

    extent() {
      let low = Infinity, high = -Infinity;
      for (const s of this.series) for (const x of this.xs(s)) { const p = this.place(x); if (p < low) low = p; if (p > high) high = p; }
      if (this.isTime) low = Math.min(low, 0);
      if (this.chart.kind === 'number') { const room = (high - low || 2) * 0.04; low -= room; high += room; }
      return low < high ? [low, high] : [0, 1];
    }

    draw() {
      const width = this.plot.clientWidth || 600, height = width < 500 ? 200 : 240;
      if (!width) return;
      this.plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
      this.plot.style.height = `${height}px`;
      const [low, high] = this.extent();
      const from = this.group.from ?? low, to = this.group.to ?? high;
      this.x = linear(from, to, margin.left, width - margin.right);
      let top = -Infinity, bottom = Infinity;
      const shown = this.series.filter((s) => !this.hidden.has(s.name));
      for (const s of shown) {
        const xs = this.xs(s);
        s.y.forEach((v, i) => {
          const p = this.place(xs[i]);
          if (v === null || p < from || p > to) return;
          if (v > top) top = v;
          if (v < bottom && (!this.chart.log || v > 0)) bottom = v;
        });
      }
      if (top === -Infinity) { top = 1; bottom = 0.1; }
      const base = height - margin.bottom;
      this.y = this.chart.log
        ? logarithmic(Math.min(bottom, top / 1.5) * 0.9, top * 1.1, base, margin.top)
        : linear(0, top * 1.05 || 1, base, margin.top);
      const kids = [];
      for (const v of this.y.ticks(5)) {
        if (this.chart.unit === 'jobs' && v % 1 !== 0) continue;
        const y = this.y(v);
        kids.push(svg('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y, y2: y }), text(margin.left - 6, y + 4, 'end', format(v, this.chart.unit)));
      }
      if (this.isTime) {
        for (const v of this.x.ticks(width / 90)) kids.push(text(this.x(v), height - 8, 'middle', `${v} s`));
      } else if (this.chart.kind === 'number') {
        for (const v of this.x.ticks(width / 90)) kids.push(text(this.x(v), height - 8, 'middle', digits(v)));
        kids.push(text(width - margin.right, margin.top - 4, 'end', this.chart.x_name));
      } else {
        let free = -Infinity;
        for (const q of [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]) {
          const p = nines(q);
          if (p < from - 1e-9 || p > to + 1e-9 || this.x(p) < free) continue;
          free = this.x(p) + 44;
          kids.push(svg('line', { class: 'grid', x1: this.x(p), x2: this.x(p), y1: margin.top, y2: base }), text(this.x(p), height - 8, 'middle', percentile(q)));
        }
      }
      const id = `clip-${this.chart.id}-${this.figure.dataset.document}`;
      kids.push(svg('clipPath', { id }, svg('rect', { x: margin.left, y: 0, width: Math.max(0, width - margin.left - margin.right), height: base })));
      const inside = svg('g', { 'clip-path': `url(#${id})` });
      let lastLabel = -Infinity;
      for (const m of this.chart.marks || []) {
        const a = this.x(this.place(m.from)), b = this.x(this.place(m.to));
        if (m.to > m.from) inside.append(svg('rect', { class: 'mark', x: a, y: margin.top, width: Math.max(1, b - a), height: base - margin.top }));
        else inside.append(svg('line', { class: 'edge', x1: a, x2: a, y1: margin.top, y2: base }));
        const at = Math.max(a, margin.left) + 3;
        if (b > margin.left && at > lastLabel) { inside.append(text(at, margin.top - 4, 'start', m.label)); lastLabel = at + m.label.length * 6.5; }
      }
      this.series.forEach((s, i) => { if (!this.hidden.has(s.name)) inside.append(...this.path(s, i, base)); });
      this.cross = svg('line', { class: 'cross', y1: margin.top, y2: base, visibility: 'hidden' });
      this.band = svg('rect', { class: 'drag', y: margin.top, height: base - margin.top, visibility: 'hidden' });
      this.plot.replaceChildren(...kids, inside, this.cross, this.band);
      this.reset.hidden = this.group.from === null;
      this.show();
    }

    // path draws a series; a gap is where there is no value.
    path(s, i, base) {
      if (dots[s.style]) {
        return s.y.map((v, k) => (v === null ? null : svg('circle', { cx: this.x(this.place(this.xs(s)[k])), cy: this.y(v), r: 4.5, style: dots[s.style] }))).filter((e) => e);
      }
      const xs = this.xs(s), below = s.style === 'band' ? this.series[i - 1] : null;
      const under = (k) => (below && below.y[k] !== null && !this.hidden.has(below.name) ? this.y(below.y[k]) : base);
      let line = '', area = '', run = [];
      const close = () => {
        if (run.length === 0) return;
        const up = run.map((k) => `${this.x(this.place(xs[k])).toFixed(1)},${this.y(s.y[k]).toFixed(1)}`);
        line += `M${up.join('L')}` + (run.length === 1 ? 'h1' : '');
        if (s.style !== 'line') area += `M${up.join('L')}L${run.reverse().map((k) => `${this.x(this.place(xs[k])).toFixed(1)},${under(k).toFixed(1)}`).join('L')}Z`;
        run = [];
      };
      s.y.forEach((v, k) => { if (v === null) close(); else run.push(k); });
      close();
      const out = [];
      if (area) out.push(svg('path', { d: area, style: `fill: ${color(i)}; opacity: .14` }));
      out.push(svg('path', { d: line, style: `fill: none; stroke: ${color(i)}; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round` }));
      return out;
    }

    // nearest is the index of the value closest to a place on the axis.
    nearest(s, p) {
      const xs = this.xs(s);
      let best = -1, least = Infinity;
      for (let i = 0; i < xs.length; i++) { const d = Math.abs(this.place(xs[i]) - p); if (d < least) { least = d; best = i; } }
      return best;
    }

    show() {
      const p = this.group.at;
      this.outputs.forEach((o) => { o.textContent = ''; });
      this.at.textContent = '';
      if (p === null) { this.cross.setAttribute('visibility', 'hidden'); return; }
      let x = null;
      this.series.forEach((s, i) => {
        const k = this.nearest(s, p);
        if (k < 0) return;
        const at = this.xs(s)[k];
        if (x === null) x = at;
        this.outputs[i].textContent = format(s.y[k], this.chart.unit);
      });
      if (x === null) return;
      const px = this.x(this.place(x));
      this.cross.setAttribute('x1', px);
      this.cross.setAttribute('x2', px);
      this.cross.setAttribute('visibility', 'visible');
      this.at.textContent = `at ${this.label(x)}`;
    }

    placeOf(e) {
      const box = this.plot.getBoundingClientRect();
      return this.x.inverse(Math.min(Math.max(e.clientX - box.left, margin.left), box.width - margin.right));
    }
    each(f) { this.group.charts.forEach(f); }
    move(e) {
      this.group.at = this.placeOf(e);
      this.each((c) => c.show());
      if (this.pressed !== undefined) {
        const a = this.x(Math.min(this.pressed, this.group.at)), b = this.x(Math.max(this.pressed, this.group.at));
        this.band.setAttribute('x', a);
        this.band.setAttribute('width', b - a);
        this.band.setAttribute('visibility', 'visible');
      }
    }
    leave() { if (this.pressed === undefined) { this.group.at = null; this.each((c) => c.show()); } }
    press(e) { if (e.button === 0) { this.pressed = this.placeOf(e); if (e.pointerType === 'mouse') this.plot.setPointerCapture(e.pointerId); } }
    release(e) {
      const from = this.pressed;
      this.pressed = undefined;
      this.band.setAttribute('visibility', 'hidden');
      if (from === undefined || !e) return;
      const to = this.placeOf(e);
      if (Math.abs(this.x(to) - this.x(from)) > 8) this.zoom(Math.min(from, to), Math.max(from, to));
    }
    zoom(from, to) {
      this.group.from = from;
      this.group.to = to;
      this.each((c) => c.draw());
    }
    key(e) {
      const [low, high] = this.extent();
      const from = this.group.from ?? low, to = this.group.to ?? high, wide = to - from;
      const s = this.series.find((c) => !this.hidden.has(c.name)) || this.series[0];
      const xs = this.xs(s);
      switch (e.key) {
        case 'ArrowLeft': case 'ArrowRight': {
          const now = this.group.at === null ? -1 : this.nearest(s, this.group.at);
          const next = now < 0 ? (e.key === 'ArrowRight' ? 0 : xs.length - 1) : now + (e.key === 'ArrowRight' ? 1 : -1);
          this.group.at = this.place(xs[Math.min(Math.max(next, 0), xs.length - 1)]);
          this.each((c) => c.show());
          break;
        }
        case '+': case '=': { const mid = this.group.at ?? (from + to) / 2; this.zoom(Math.max(low, mid - wide / 4), Math.min(high, mid + wide / 4)); break; }
        case '-': if (wide * 2 >= high - low) this.zoom(null, null); else this.zoom(Math.max(low, from - wide / 2), Math.min(high, to + wide / 2)); break;
        case 'Escape': this.group.at = null; this.zoom(null, null); break;
        default: return;
      }
      e.preventDefault();
    }

    fill() {
      const box = this.table.querySelector('.scroll');
      if (!this.table.open) { box.replaceChildren(); return; }
      const shared = this.series.every((s) => !s.x);
      const head = [this.isTime ? 'seconds' : this.chart.x_name || 'percentile'], rows = [];
      if (shared) {
        head.push(...this.series.map((s) => s.name));
        (this.chart.x || []).forEach((x, i) => rows.push([String(x), ...this.series.map((s) => format(s.y[i], this.chart.unit))]));
      } else {
        head.push('', '');
        for (const s of this.series) s.y.forEach((v, i) => rows.push([this.chart.kind === 'percentile' ? percentile(this.xs(s)[i]) : digits(this.xs(s)[i]), s.name, format(v, this.chart.unit)]));
      }
      box.replaceChildren(tabulate(head, rows));
    }
  }

  function tabulate(head, rows) {
    return html('table', {}, html('thead', {}, html('tr', {}, ...head.map((h) => html('th', { scope: 'col' }, h)))),
      html('tbody', {}, ...rows.map((r) => html('tr', {}, ...r.map((c, i) => html(i ? 'td' : 'th', {}, c))))));
  }

  // bars draws a bar for each label: the series one after the other where they are
  // stacked, else the first one, with losses and limits as marks.
  function bars(figure, chart) {
    const hidden = new Set(), tools = html('div', { class: 'tools' });
    const plot = svg('svg', { class: 'plot', role: 'img', 'aria-label': `${chart.title}. The figures are in the table below.`, style: 'cursor: default' });
    const stack = chart.kind === 'stack', series = chart.variants[0].series;
    figure.append(tools, plot);
    if (chart.note) figure.append(html('p', { class: 'note' }, chart.note));
    const table = html('details', { class: 'data' }, html('summary', {}, 'Table'), html('div', { class: 'scroll' },
      tabulate(['', ...series.map((s) => s.name)], chart.labels.map((l, i) => [l, ...series.map((s) => format(s.y[i], chart.unit))]))));
    figure.append(table);
    if (stack) {
      tools.append(...series.map((s, i) => html('button', {
        type: 'button', class: 'key', style: `--color: ${color(i)}`, 'aria-pressed': 'true',
        onclick: (e) => { if (!hidden.delete(s.name)) hidden.add(s.name); e.currentTarget.setAttribute('aria-pressed', String(!hidden.has(s.name))); draw(); },
      }, s.name)));
    } else {
      tools.remove();
    }
    function draw() {
      const width = plot.clientWidth || 600, row = 28;
      const left = Math.min(width * 0.4, Math.max(...chart.labels.map((l) => l.length)) * 6.8 + 10), right = 92;
      const height = chart.labels.length * row + 8;
      plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
      plot.style.height = `${height}px`;
      const shown = series.filter((s) => !hidden.has(s.name));
      const total = (i) => shown.reduce((sum, s) => sum + (s.style === 'limit' ? 0 : s.y[i] || 0), 0);
      const top = Math.max(...chart.labels.map((_, i) => Math.max(total(i), ...series.filter((s) => s.style === 'limit').map((s) => s.y[i] || 0))), 1e-9);
      const x = linear(0, top, left, width - right);
      const kids = [];
      chart.labels.forEach((label, i) => {
        const y = i * row + 4;
        let from = 0;
        const words = [];
        kids.push(text(left - 6, y + 15, 'end', label, 'strong'));
        series.forEach((s, k) => {
          const v = s.y[i];
          if (v === null || hidden.has(s.name)) return;
          if (s.style === 'limit') {
            kids.push(svg('line', { class: 'limit', x1: x(v), x2: x(v), y1: y - 1, y2: y + 21 }));
            return;
          }
          const fill = s.style === 'lost' ? 'var(--bad)' : color(stack ? k : 0);
          kids.push(svg('rect', { x: x(from), y, width: Math.max(v > 0 ? 1 : 0, x(from + v) - x(from)), height: 20, style: `fill: ${fill}` },
            svg('title', {}, `${s.name}: ${format(v, chart.unit)}`)));
          from += v;
          if (!stack && (s.style !== 'lost' || v > 0)) words.push(s.style === 'lost' ? `−${format(v, chart.unit)}` : format(v, chart.unit));
        });
        kids.push(text(x(from) + 6, y + 15, 'start', stack ? format(from, chart.unit) : words.join(' ')));
      });
      plot.replaceChildren(...kids);
    }
    redraw(figure, draw);
  }

  // intervals draws an estimate with its interval and its limit for each label.
  function intervals(figure, chart) {
    const plot = svg('svg', { class: 'plot', role: 'img', 'aria-label': `${chart.title}. The figures are in the table below.`, style: 'cursor: default' });
    const [estimate, low, high, limit] = chart.variants[0].series.map((s) => s.y);
    figure.append(plot);
    if (chart.note) figure.append(html('p', { class: 'note' }, chart.note));
    figure.append(html('details', { class: 'data' }, html('summary', {}, 'Table'), html('div', { class: 'scroll' },
      tabulate(['', ...chart.variants[0].series.map((s) => s.name)], chart.labels.map((l, i) => [l, ...chart.variants[0].series.map((s) => format(s.y[i], chart.unit))])))));
    redraw(figure, () => {
      const width = plot.clientWidth || 600, row = 28, height = chart.labels.length * row + 26;
      const left = Math.min(width * 0.4, Math.max(...chart.labels.map((l) => l.length)) * 6.8 + 10);
      plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
      plot.style.height = `${height}px`;
      const all = [0, ...[estimate, low, high, limit].flat().filter((v) => v !== null)];
      const room = (Math.max(...all) - Math.min(...all) || 0.1) * 0.06;
      const x = linear(Math.min(...all) - room, Math.max(...all) + room, left, width - 12);
      const kids = [];
      for (const v of x.ticks(width / 120)) {
        kids.push(svg('line', { class: 'grid', x1: x(v), x2: x(v), y1: 0, y2: height - 22 }), text(x(v), height - 8, 'middle', `${v > 0 ? '+' : ''}${format(v, chart.unit)}`));
      }
      kids.push(svg('line', { class: 'cross', x1: x(0), x2: x(0), y1: 0, y2: height - 22 }));
      chart.labels.forEach((label, i) => {
        const y = i * row + 14;
        kids.push(text(left - 6, y + 4, 'end', label, 'strong'));
        if (limit[i] !== null) kids.push(svg('line', { class: 'limit', x1: x(limit[i]), x2: x(limit[i]), y1: y - 9, y2: y + 9 }));
        if (low[i] !== null && high[i] !== null) kids.push(svg('line', { x1: x(low[i]), x2: x(high[i]), y1: y, y2: y, style: 'stroke: var(--c0); stroke-width: 3' }));
        if (estimate[i] !== null) kids.push(svg('circle', { cx: x(estimate[i]), cy: y, r: 5, style: 'fill: var(--c0)' }, svg('title', {}, format(estimate[i], chart.unit))));
      });
      plot.replaceChildren(...kids);
    });
  }

  for (const figure of document.querySelectorAll('figure.chart')) {
    const chart = JSON.parse(figure.querySelector('script').textContent);
    if (chart.kind === 'time' || chart.kind === 'percentile' || chart.kind === 'number') new Axes(figure, chart);
    else if (chart.kind === 'intervals') intervals(figure, chart);
    else bars(figure, chart);
  }
})();
