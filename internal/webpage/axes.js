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
  const jobs = (n) => `${grouped(n)} ${n === 1 ? 'job' : 'jobs'}`;

  // Single values: shape says what the colour says.
  const dotColor = { good: 'var(--c0)', bad: 'var(--c1)', void: 'var(--c7)', dot: 'var(--c0)', ring: 'var(--c1)' };
  const dots = {
    good: 'fill: var(--c0)', bad: 'fill: none; stroke: var(--c1); stroke-width: 2', void: 'fill: none; stroke: var(--c7); stroke-dasharray: 2 2',
    dot: 'fill: var(--c0)', ring: 'fill: none; stroke: var(--c1); stroke-width: 2',
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
    let { width } = figure.getBoundingClientRect();
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

  function tabulate(head, rows) {
    return html('table', {}, html('thead', {}, html('tr', {}, ...head.map((h) => html('th', { scope: 'col' }, h)))),
      html('tbody', {}, ...rows.map((r) => html('tr', {}, ...r.map((c, i) => html(i ? 'td' : 'th', { dir: 'auto' }, c))))));
  }


  // Axes is a chart with two axes, of lines, areas and dots.
  class Axes {
    constructor(figure, chart) {
      this.figure = figure;
      this.chart = chart;
      this.variant = 0;
      this.hidden = new Set();
      this.group = groupOf(`${this.isTime ? 'time' : chart.id} ${figure.dataset.document}`);
      this.group.charts.push(this);
      this.tools = html('div', { class: 'tools' });
      this.plot = svg('svg', {
        class: 'plot', role: 'img', tabindex: 0, 'aria-label': `${chart.title}. ${this.help} The figures are in the table below.`,
        onpointermove: (e) => this.move(e), onpointerleave: () => this.leave(), onpointerdown: (e) => this.press(e),
        onpointerup: (e) => this.release(e), onpointercancel: () => this.release(null), ondblclick: () => this.zoom(null, null), onkeydown: (e) => this.key(e),
      });
      figure.append(this.tools, this.plot);
      if (chart.note) figure.append(html('p', { class: 'note', dir: 'auto' }, chart.note));
      this.table = html('details', { class: 'data', ontoggle: () => this.fill() }, html('summary', {}, 'Table'), html('div', { class: 'scroll' }));
      figure.append(this.table);
      this.legend();
    }

    start() { redraw(this.figure, () => this.draw()); }

    get help() { return 'Arrow keys move the crosshair, plus and minus zoom, Escape shows all.'; }
    get series() { return this.chart.variants[this.variant].series; }
    get unit() { return this.chart.variants[this.variant].unit || this.chart.unit; }
    get shown() { return this.series.filter((s) => !this.hidden.has(s.name)); }
    xs(s) { return s.x || this.chart.x || []; }
    get isTime() { return this.chart.kind === 'time' || this.chart.kind === 'heat'; }
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
        }, html('bdi', {}, s.name), out));
        return out;
      });
      this.at = html('span', { class: 'at' });
      this.reset = html('button', { type: 'button', class: 'reset', hidden: true, onclick: () => this.zoom(null, null) }, 'show all');
      this.tools.replaceChildren(...kids, this.at, this.reset);
    }

    // ends are the ends of the chart's data; extent is those of all charts that share
    // the axis.
    ends() {
      let low = Infinity, high = -Infinity;
      for (const s of this.series) for (const x of this.xs(s)) { const p = this.place(x); if (p < low) low = p; if (p > high) high = p; }
      return [low, high];
    }
    extent() {
      let low = this.isTime ? 0 : Infinity, high = -Infinity;
      for (const c of this.group.charts) { const [a, b] = c.ends(); low = Math.min(low, a); high = Math.max(high, b); }
      if (this.chart.kind === 'number') { const room = (high - low || 2) * 0.04; low -= room; high += room; }
      return low < high ? [low, high] : [0, 1];
    }

    draw() {
      const width = this.plot.clientWidth || 600, height = width < 500 ? 200 : 240;
      if (width !== this.width) this.tools.style.minHeight = '';
      this.width = width;
      this.plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
      this.plot.style.height = `${height}px`;
      const [low, high] = this.extent();
      const from = this.group.from ?? low, to = this.group.to ?? high;
      const right = width - margin.right, base = height - margin.bottom;
      this.x = linear(from, to, margin.left, right);
      this.y = this.scale(from, to, base);
      const kids = [];
      for (const v of this.y.ticks(5)) {
        if (this.unit === 'jobs' && v % 1 !== 0) continue;
        const y = this.y(v);
        kids.push(svg('line', { class: 'grid', x1: margin.left, x2: right, y1: y, y2: y }), text(margin.left - 6, y + 4, 'end', format(v, this.unit)));
      }
      kids.push(...this.ticks(from, to, width, height));
      const id = `clip-${this.chart.id}-${this.figure.dataset.document}`;
      kids.push(svg('clipPath', { id }, svg('rect', { x: margin.left, y: 0, width: Math.max(0, right - margin.left), height: base })));
      const marks = this.marks(base, right);
      const inside = svg('g', { 'clip-path': `url(#${id})` }, ...marks.under, ...this.content(from, to, base), ...marks.over);
      this.cross = svg('line', { class: 'cross', y1: margin.top, y2: base, visibility: 'hidden' });
      this.band = svg('rect', { class: 'drag', y: margin.top, height: base - margin.top, visibility: 'hidden' });
      this.plot.replaceChildren(...kids, inside, this.cross, this.band);
      this.reset.hidden = this.group.from === null;
      this.show();
    }

    // scale is the vertical axis for what is in view.
    scale(from, to, base) {
      let top = -Infinity, bottom = Infinity;
      for (const s of this.shown) {
        const xs = this.xs(s);
        s.y.forEach((v, i) => {
          const p = this.place(xs[i]);
          if (v === null || p < from || p > to) return;
          if (v > top) top = v;
          if (v < bottom && (!this.chart.log || v > 0)) bottom = v;
        });
      }
      if (top === -Infinity) { top = 1; bottom = 0.1; }
      return this.chart.log
        ? logarithmic(Math.min(bottom, top / 1.5) * 0.9, top * 1.1, base, margin.top)
        : linear(0, top * 1.05 || 1, base, margin.top);
    }

    // ticks are those of the horizontal axis.
    ticks(from, to, width, height) {
      const y = height - 8;
      // A label at the right edge ends there.
      const label = (x, words) => (x > width - 2 * margin.right ? text(width - 2, y, 'end', words) : text(x, y, 'middle', words));
      if (this.isTime) return this.x.ticks(width / 90).map((v) => label(this.x(v), `${v} s`));
      const out = [];
      if (this.chart.kind === 'number') {
        const whole = this.series.every((s) => this.xs(s).every((x) => x % 1 === 0)); // there is no half of a worker
        for (const v of this.x.ticks(width / 90)) if (!whole || v % 1 === 0) out.push(label(this.x(v), digits(v)));
        out.push(text(width - margin.right, margin.top - 4, 'end', this.chart.x_name));
        return out;
      }
      let free = -Infinity;
      for (const q of [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]) {
        const p = nines(q);
        if (p < from - 1e-9 || p > to + 1e-9 || this.x(p) < free) continue;
        free = this.x(p) + 44;
        out.push(svg('line', { class: 'grid', x1: this.x(p), x2: this.x(p), y1: margin.top, y2: height - margin.bottom }), label(this.x(p), percentile(q)));
      }
      return out;
    }

    // marks are drawn under the data where they are areas, and over it where they are
    // lines. A label without room is left to the tooltip.
    marks(base, right) {
      const under = [], over = [];
      let free = margin.left;
      for (const m of this.chart.marks || []) {
        const a = this.x(this.place(m.from)), b = this.x(this.place(m.to));
        if (b < margin.left || a > right) continue;
        const title = svg('title', {}, m.label);
        const kind = m.bad ? ' bad' : m.planned ? ' planned' : '';
        if (m.to > m.from) under.push(svg('rect', { class: `mark${kind}`, x: a, y: margin.top, width: Math.max(kind ? 3 : 1, b - a), height: base - margin.top }, title));
        else over.push(svg('line', { class: `edge${kind}`, x1: a, x2: a, y1: margin.top, y2: base }, title));
        const wide = m.label.length * (kind ? 7.1 : 6.3), at = Math.min(Math.max(a, margin.left) + 3, right - wide);
        if (at < free) continue;
        over.push(text(at, margin.top - 4, 'start', m.label, kind.trim() || null));
        free = at + wide + 6;
      }
      return { under, over };
    }

    content(from, to, base) {
      return this.series.flatMap((s, i) => (this.hidden.has(s.name) ? [] : this.path(s, i, base)));
    }

    // path draws a series; a gap is where there is no value.
    path(s, i, base) {
      if (dots[s.style]) {
        return s.y.map((v, k) => (v === null ? null : svg('circle', { cx: this.x(this.place(this.xs(s)[k])), cy: this.y(v), r: 4.5, style: dots[s.style] }))).filter((e) => e);
      }
      const xs = this.xs(s), below = s.style === 'band' ? this.series.slice(0, i).reverse() : [];
      // A band reaches down to the next series below that is shown and has a value.
      const under = (k) => {
        const next = below.find((b) => b.y[k] !== null && b.y[k] !== undefined && !this.hidden.has(b.name));
        return next ? this.y(next.y[k]) : base;
      };
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
    // closest is the position of the data that is closest to a place, null without data.
    closest(p) {
      let x = null, least = Infinity;
      for (const s of this.shown) {
        const k = this.nearest(s, p);
        if (k < 0) continue;
        const d = Math.abs(this.place(this.xs(s)[k]) - p);
        if (d < least) { least = d; x = this.xs(s)[k]; }
      }
      return x;
    }
    // stops are the places that the arrow keys go to.
    stops() {
      const all = this.chart.kind === 'number' ? this.shown : this.shown.slice(0, 1);
      return [...new Set(all.flatMap((s) => this.xs(s).map((x) => this.place(x))))].sort((a, b) => a - b);
    }

    show() {
      const p = this.group.at;
      this.outputs.forEach((o) => { o.textContent = ''; });
      this.at.textContent = '';
      this.cross.setAttribute('visibility', 'hidden');
      const x = p === null ? null : this.closest(p);
      if (x === null) return;
      this.series.forEach((s, i) => {
        const k = this.nearest(s, p);
        // Dots at other places have other values.
        if (k < 0 || (this.chart.kind === 'number' && this.xs(s)[k] !== x)) return;
        this.outputs[i].textContent = format(s.y[k], this.unit);
      });
      this.stand(this.place(x));
      this.at.textContent = `at ${this.label(x)}${this.during(x)}`;
      this.keep();
    }
    // keep keeps the room that the figures at the crosshair take, so that the chart does
    // not move up and down with it.
    keep() { this.tools.style.minHeight = `${this.tools.offsetHeight}px`; }
    // during names the marks that a moment is in, also those whose label has no room.
    during(x) {
      return (this.chart.marks || []).filter((m) => this.isTime && m.from < x && x <= m.to).map((m) => `, ${m.label}`).join('');
    }
    // stand puts the crosshair at a place.
    stand(p) {
      const px = this.x(p);
      this.cross.setAttribute('x1', px);
      this.cross.setAttribute('x2', px);
      this.cross.setAttribute('visibility', px < margin.left - 1 ? 'hidden' : 'visible');
    }

    placeOf(e) {
      const box = this.plot.getBoundingClientRect();
      return this.x.inverse(Math.min(Math.max(e.clientX - box.left, margin.left), box.width - margin.right));
    }
    // snap is where the crosshair stands when the pointer is at p.
    snap(p) { const x = this.closest(p); return x === null ? p : this.place(x); }
    each(f) { this.group.charts.forEach(f); }
    move(e) {
      const p = this.placeOf(e);
      this.group.at = this.snap(p);
      this.each((c) => c.show());
      if (this.pressed !== undefined) {
        const a = this.x(Math.min(this.pressed, p)), b = this.x(Math.max(this.pressed, p));
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
      switch (e.key) {
        case 'ArrowLeft': case 'ArrowRight': {
          const stops = this.stops(), step = e.key === 'ArrowRight' ? 1 : -1;
          if (stops.length === 0) return;
          let now = -1, least = Infinity;
          if (this.group.at !== null) stops.forEach((p, i) => { const d = Math.abs(p - this.group.at); if (d < least) { least = d; now = i; } });
          const next = now < 0 ? (step > 0 ? 0 : stops.length - 1) : now + step;
          this.group.at = stops[Math.min(Math.max(next, 0), stops.length - 1)];
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
      box.replaceChildren(tabulate(...this.rows()));
    }
    // rows are the head and the rows of the table behind the chart.
    rows() {
      const head = [this.isTime ? 'seconds' : this.chart.x_name || 'percentile'], rows = [];
      if (this.series.every((s) => !s.x)) {
        head.push(...this.series.map((s) => s.name));
        (this.chart.x || []).forEach((x, i) => rows.push([String(x), ...this.series.map((s) => format(s.y[i], this.unit))]));
      } else {
        head.push('', '');
        for (const s of this.series) s.y.forEach((v, i) => rows.push([this.chart.kind === 'percentile' ? percentile(this.xs(s)[i]) : digits(this.xs(s)[i]), s.name, format(v, this.unit)]));
      }
      return [head, rows];
    }
  }
